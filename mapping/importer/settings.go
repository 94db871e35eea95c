package importer

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sfsync/mapping/importer/beans"
)

// processSettings carries over the settings of how to load, and notes each of the others at its
// place: one that may change what is loaded stands in the mapping as a comment, too. The names are
// those of Data Loader's guide and of its source (AppConfig, the constants of its properties).
func (j *job) processSettings(s *step, set map[string]beans.Entry) {
	if set["sfdc.useBulkApi"].Value == "true" || set["sfdc.useBulkV2Api"].Value == "true" {
		s.flag("--api bulk")
	}
	if set["sfdc.bulkApiSerialMode"].Value == "true" {
		s.flag("--workers 1")
	}
	if n, err := strconv.Atoi(set["sfdc.loadBatchSize"].Value); err == nil && n > 0 && n < 200 && !contains(s.flags, "--api bulk") {
		s.batch = n
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if e := set[key]; e.Value != "" && !isRead(key) {
			j.processSetting(s, key, e)
		}
	}
}

var ruleID = regexp.MustCompile(`^01Q([0-9A-Za-z]{12}|[0-9A-Za-z]{15})$`)

// isRead reports whether a setting is one that other parts of the import go by, or that only names the
// process.
func isRead(key string) bool {
	switch key {
	case "sfdc.entity", "sfdc.externalIdField", "sfdc.updateWithExternalId", "sfdc.deleteWithExternalId", "sfdc.insertNulls",
		"sfdc.truncateFields", "sfdc.timezone", "sfdc.useBulkApi", "sfdc.useBulkV2Api", "sfdc.bulkApiSerialMode", "sfdc.loadBatchSize",
		"process.operation", "process.mappingFile", "process.useEuropeanDates", "process.name", "process.thread.name",
		"dataAccess.type", "dataAccess.name", "dataAccess.readUTF8", "dataAccess.readCharset",
		"loader.csvComma", "loader.csvTab", "loader.csvOther", "loader.csvOtherValue":
		return true
	}
	return false
}

// processSetting notes a setting that is not carried over, or not as it is.
func (j *job) processSetting(s *step, key string, e beans.Entry) {
	low := strings.ToLower(key)
	switch {
	case strings.Contains(low, "password"), strings.Contains(low, "token"), strings.Contains(low, "secret"), key == "process.encryptionKeyFile",
		strings.HasPrefix(key, "sfdcInternal"): // a session id is one
		j.secret(e.Pos, key)
	case key == "sfdc.endpoint" || key == "sfdc.username" || strings.HasPrefix(key, "sfdc.endpoint."):
		j.top(j.lost(e.Pos, "%s %s: name the org with --to", key, e.Value))
	case key == "sfdc.assignmentRule":
		if !ruleID.MatchString(e.Value) {
			s.comment(j.lost(e.Pos, "sfdc.assignmentRule: %s is no id of an assignment rule, and none runs", quoted(e.Value)))
		} else if s.operation != "delete" {
			s.assignment = e.Value
		}
	case key == "pilot.sfdc.duplicateRule.allowSave":
		s.allowDuplicates = e.Value == "true" && s.operation != "delete"
	case key == "process.loadRowToStartAt":
		if e.Value != "0" {
			s.comment(j.lost(e.Pos, "process.loadRowToStartAt %s: all rows are loaded", e.Value))
		}
	case elsewhere(low) != "":
		if e.Value != "false" {
			j.lost(e.Pos, "%s: %s", key, elsewhere(low))
		}
	default:
		s.comment(j.lost(e.Pos, "%s has nothing like it in sfsync", key))
	}
}

// elsewhere says what sfsync has in place of a setting, in lower case, that changes nothing in what is
// loaded; "" for one that is not known to be so.
func elsewhere(key string) string {
	is := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
	}
	switch {
	case is("process.output", "process.statusoutputdirectory", "process.unprocessedrecords", "process.lastrunoutputdirectory", "process.enablelastrunoutput", "process.initiallastrundate"):
		return "every run has a directory with succeeded.csv and failed.csv (--runs)"
	case is("sfdc.proxy"):
		return "the proxy is that of HTTPS_PROXY"
	case is("sfdc.oauth.", "salesforce.", "sfdc.reseturlonlogin"):
		return "log in with sfsync org login, and name the org with --to"
	case is("sfdc.timeoutsecs", "sfdc.connectiontimeoutsecs", "sfdc.enableretries", "sfdc.maxretries", "sfdc.minretrysleepsecs",
		"sfdc.bulkapicheckstatusinterval", "sfdc.nocompression", "sfdc.reuseclientconnection", "sfdc.uselegacyhttpget", "sfdc.usesyspropsforhttpclient"):
		return "sfsync has its own timeouts, retries and connections"
	case is("sfdc.debugmessages", "sfdc.wireoutput"):
		return "every run has a log.jsonl"
	case is("dataaccess.readbatchsize", "dataaccess.writebatchsize", "dataaccess.skiptotalcount", "dataaccess.writeutf8"):
		return "sfsync reads and writes files its own way"
	case is("sfdc.extraction", "sfdc.sortextractionfields", "loader.query.", "process.enableextractstatusoutput", "loader.bufferunprocessedbulkqueryresults"):
		return "it is about exports"
	case is("loader.hidewelcome", "loader.ui", "loader.cachesobjectnamesandfields"):
		return "it is about Data Loader's windows"
	case is("process.batchmode.exitwitherroronfailedrows"):
		return "the exit code says whether rows failed (--max-failed)"
	}
	return ""
}
