package importer

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/properties"
	"sfsync/mapping/importer/soql"
	"sfsync/mapping/schema"
	"sfsync/mapping/yamlnode"
)

// The files beside an export.json: ValueMapping.csv translates values, FieldMapping.csv renames
// objects and fields.
type (
	csvMapping struct{ object, field, target string }
	csvPair    struct {
		pair
		pos diag.Pos
	}
	csvValue struct {
		object, field string
		csvPair
	}
)

// sfdmuFiles reads the CSV files beside the export.json that its objects ask for.
func (j *job) sfdmuFiles(root *yamlnode.Node, objects []*yamlnode.Node) (mappings []csvMapping, values []csvValue) {
	wants := func(keys ...string) bool {
		return slices.ContainsFunc(objects, func(n *yamlnode.Node) bool {
			return slices.ContainsFunc(keys, func(k string) bool { return truth(n, k) })
		})
	}
	if wants("useFieldMapping") {
		j.csv(root, "FieldMapping.csv", []string{"ObjectName", "Target", "FieldName"}, func(cell []string, _ diag.Pos) {
			mappings = append(mappings, csvMapping{object: cell[0], target: cell[1], field: cell[2]})
		})
	}
	if wants("useValuesMapping", "useCSVValuesMapping") {
		j.csv(root, "ValueMapping.csv", []string{"ObjectName", "FieldName", "RawValue", "Value"}, func(cell []string, pos diag.Pos) {
			values = append(values, csvValue{cell[0], cell[1], csvPair{pair{cell[2], cell[3]}, pos}})
		})
	}
	return mappings, values
}

// csv reads a file beside the export.json, if there is one, and calls row with the cells of the
// named columns, trimmed.
func (j *job) csv(root *yamlnode.Node, name string, columns []string, row func([]string, diag.Pos)) {
	text, path, ok := j.beside(root.Pos, name)
	if !ok {
		return
	}
	r := csv.NewReader(strings.NewReader(properties.Decode(text)))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	if d := delimiter(root); len([]rune(d)) == 1 && d != `"` && d != "\n" && d != "\r" {
		r.Comma = []rune(d)[0]
	}
	index := make([]int, len(columns))
	for line := 0; ; line++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		at := diag.Pos{File: path, Line: 1, Column: 1}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			at.Line, at.Column = bad.Line, bad.Column
			err = bad.Err
		}
		if err != nil {
			j.fail(at, CodeSyntax, "", "not valid CSV: %v", err)
			return
		}
		at.Line, _ = r.FieldPos(0)
		if line == 0 {
			for i, c := range columns {
				if index[i] = slices.IndexFunc(cells, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), c) }); index[i] < 0 && i < 2 {
					j.fail(at, CodeSyntax, "its columns are "+strings.Join(columns, ", "), "%s has no column %s", name, c)
					return
				}
			}
			continue
		}
		out := make([]string, len(columns))
		for i, c := range index {
			if c >= 0 && c < len(cells) {
				out[i] = strings.TrimSpace(cells[c])
			}
		}
		row(out, at)
	}
}

func delimiter(root *yamlnode.Node) string {
	for _, key := range []string{"csvReadFileDelimiter", "csvFileDelimiter"} {
		if d, _ := word(root, key); d != "" {
			return d
		}
	}
	return ""
}

// value adds one line of ValueMapping.csv to a rule.
func (j *job) value(f *field, p csvPair) {
	regular := len(p.from) > 1 && p.from[0] == '/' && strings.LastIndexByte(p.from, '/') > 0
	switch {
	case regular || strings.HasPrefix(p.to, "eval("):
		f.comments = append(f.comments, j.lost(p.pos, "%s → %s: patterns and code are not translated; write an expr", p.from, p.to))
	case p.from == "" || p.from == "#N/A" || p.from == "null":
		f.comments = append(f.comments, j.lost(p.pos, "a blank value → %s: write it as a default", p.to))
	case len(f.values) < maxValues && slices.ContainsFunc(f.values, func(o pair) bool { return o.from == p.from }):
		j.lost(p.pos, "%s is listed twice: the first counts", p.from)
	case len(f.values) >= maxValues:
		if !j.notes.Failed() {
			j.fail(p.pos, CodeUnknown, "", "%s has more than %d values", f.name, maxValues)
		}
	default:
		to := p.to
		if to == "#N/A" || to == "null" {
			to = ""
		}
		f.values = append(f.values, pair{p.from, to})
	}
}

// expand returns the fields of a query; the words that stand for many fields are taken from
// the schema.
func (j *job) expand(s *step, o *sfdmuObject) []string {
	known := j.object(o.query.Object)
	var out []string
	for _, name := range o.query.Fields {
		match := multi(name)
		switch {
		case strings.HasPrefix(name, "$$"): // a key of several fields together: $$FirstName$LastName
			out = append(out, strings.FieldsFunc(name, func(r rune) bool { return r == '$' })...)
		case match == nil:
			out = append(out, name)
		case known == nil:
			s.comment(j.lost(o.pos, "%s of %s stands for many fields: name them, or give --schema a snapshot of the org", name, s.title))
		default:
			for _, f := range known.Fields {
				if f.Createable && f.Type != schema.Base64 && match(f) {
					out = append(out, f.Name)
				}
			}
		}
	}
	for _, odd := range o.query.Odd {
		s.comment(j.lost(o.pos, "%s in the query of %s is no field of a record", odd, s.title))
	}
	return once(out)
}

// multi returns which fields a word of a query stands for, or nil for a field's name.
func multi(word string) func(*schema.Field) bool {
	low := strings.ToLower(word)
	if low == "all" {
		return func(*schema.Field) bool { return true }
	}
	if kind, ok := strings.CutPrefix(low, "type_"); ok {
		return func(f *schema.Field) bool { return strings.EqualFold(string(f.Type), kind) }
	}
	name, value, ok := strings.Cut(low, "_")
	if !ok || value != "true" && value != "false" {
		return nil
	}
	properties := map[string]func(*schema.Field) bool{
		"readonly":   func(f *schema.Field) bool { return !f.Createable && !f.Updateable },
		"custom":     func(f *schema.Field) bool { return f.Custom },
		"creatable":  func(f *schema.Field) bool { return f.Createable },
		"createable": func(f *schema.Field) bool { return f.Createable },
		"updateable": func(f *schema.Field) bool { return f.Updateable },
		"lookup":     func(f *schema.Field) bool { return f.Type == schema.Reference },
		"person":     func(f *schema.Field) bool { return strings.HasSuffix(f.Name, "__pc") },
	}
	property := properties[name]
	if property == nil {
		return nil
	}
	return func(f *schema.Field) bool { return property(f) == (value == "true") }
}

// parentOf returns the relationship of a reference and the object that it leads to, by the
// schema, else by the names of the objects in the file; "" for a field that is none.
func (j *job) parentOf(o *sfdmuObject, name, polymorphic string, all []*sfdmuObject) (relationship, parent string) {
	for _, p := range list(get(o.node, "polymorphicLookups")) {
		if field, _ := word(p, "fieldName"); strings.EqualFold(field, name) {
			polymorphic, _ = word(p, "referencedObjectType")
		}
	}
	if !soql.IsName(polymorphic) {
		polymorphic = ""
	}
	if known := j.object(o.query.Object); known != nil {
		if f := known.Field(name); f != nil {
			switch {
			case f.Type != schema.Reference || f.RelationshipName == "":
				return "", ""
			case polymorphic != "":
				return f.RelationshipName, polymorphic
			case contains(f.ReferenceTo, "User"):
				return f.RelationshipName, "User"
			case len(f.ReferenceTo) == 1:
				return f.RelationshipName, f.ReferenceTo[0]
			}
			return f.RelationshipName, ""
		}
	}
	if rest, ok := strings.CutSuffix(name, "__c"); ok {
		for _, p := range all {
			if strings.EqualFold(strings.TrimSuffix(p.query.Object, "__c"), rest) {
				return rest + "__r", p.query.Object
			}
		}
		if polymorphic != "" {
			return rest + "__r", polymorphic
		}
		return "", ""
	}
	rest, ok := strings.CutSuffix(name, "Id")
	if !ok || rest == "" {
		return "", ""
	}
	switch {
	case polymorphic != "":
		parent = polymorphic
	case rest == "Owner" || rest == "CreatedBy" || rest == "LastModifiedBy":
		parent = "User"
	case rest == "Parent":
		parent = o.query.Object
	case rest == "ReportsTo":
		parent = "Contact"
	default:
		parent = rest
	}
	return rest, parent
}

// reference makes a rule find the other record by its external id.
func (j *job) reference(f *field, relationship, parent string, all []*sfdmuObject) {
	key, target := []string{"Name"}, parent
	if parent == "User" {
		key = []string{"Username"}
	}
	listed := false
	for _, p := range all {
		if strings.EqualFold(p.query.Object, parent) {
			listed, target = true, p.target
			key = slices.Clone(p.external)
		}
	}
	if len(key) > 1 {
		f.off = true
		f.column = relationship + ".$$" + strings.Join(key, "$")
		f.lookup = target + "." + before(key[0], ".")
		f.comments = append(f.comments, j.lost(f.pos, "%s goes by several fields of %s together (%s), a lookup by one", f.name, parent, strings.Join(key, ";")))
		return
	}
	f.column = relationship + "." + key[0]
	switch {
	case target == "" || strings.Contains(key[0], "."):
		f.off = true
		f.lookup = "OBJECT." + before(key[0], ".")
		f.comments = append(f.comments, j.lost(f.pos, "sfsync cannot tell which object %s refers to: name it", f.name))
		return
	case key[0] == "Id":
		f.column = f.name
		return
	case !listed:
		f.comments = append(f.comments, j.look(f.pos, "%s is not among the objects: column %s is taken for the %s of the other record", parent, f.column, key[0]))
	}
	for _, p := range all {
		if strings.EqualFold(p.query.Object, parent) {
			key[0] = p.name(key[0])
		}
	}
	if o := j.object(target); o != nil && o.Field(key[0]) != nil {
		key[0] = o.Field(key[0]).Name
	}
	f.lookup = target + "." + key[0]
}

// sfdmuOptions carries over how an object is loaded, and notes the rest.
func (j *job) sfdmuOptions(root *yamlnode.Node, s *step, o *sfdmuObject) {
	j.separated(s, delimiter(root), root.Pos)
	if encoding, at := word(root, "csvFileEncoding"); !strings.EqualFold(encoding, "utf8") {
		j.encoded(s, encoding, at)
	}
	if size, _ := word(o.node, "restApiBatchSize"); size != "" {
		if n, err := strconv.Atoi(size); err == nil && n > 0 && n < 200 {
			s.batch = n
		}
	}
	if o.query.Rest != "" {
		s.comment(j.lost(o.pos, "the query of %s picks records of an org (%s): rows of a file are picked with a when", s.title, o.query.Rest))
	}
	for _, pair := range pairs(o.node) {
		key, v := pair.Key.Text, pair.Value
		on := v.Text == "true" || v.Kind == yamlnode.Seq && len(v.Items) > 0 || v.Kind == yamlnode.Scalar && v.Text != "" && v.Text != "false"
		if !on {
			continue
		}
		switch key {
		case "deleteOldData", "deleteByHierarchy", "deleteFromSource", "deleteQuery":
			s.comment(j.lost(pair.Key.Pos, "%s: sfsync deletes no record that no row names", key))
		case "hardDelete":
			s.comment(j.lost(pair.Key.Pos, "hardDelete: sfsync deletes into the recycle bin"))
		case "targetRecordsFilter", "sourceRecordsFilter":
			s.comment(j.lost(pair.Key.Pos, "%s %s: write it as a when", key, v.Text))
		case "excludedFromUpdateFields":
			s.comment(j.lost(pair.Key.Pos, "excludedFromUpdateFields %s: a field is sent with updates too", strings.Join(texts(v), ", ")))
		case "updateWithMockData", "mockFields":
			s.comment(j.lost(pair.Key.Pos, "%s: sfsync makes no data up; values are sent as they are", key))
		case "beforeAddons", "afterAddons", "beforeUpdateAddons", "afterUpdateAddons", "filterRecordsAddons":
			s.comment(j.lost(pair.Key.Pos, "%s: sfsync runs no add-ons", key))
		case "query", "operation", "externalId", "excluded", "excludedFields", "useFieldMapping", "fieldMapping", "useValuesMapping", "useCSVValuesMapping",
			"skipExistingRecords", "restApiBatchSize", "allRecords", "master", "name", "objectName", "useSourceCSVFile", "parallelBulkJobs", "parallelRestJobs", "bulkApiV1BatchSize":
		default:
			s.comment(j.lost(pair.Key.Pos, "%s has nothing like it in sfsync", key))
		}
	}
	if truth(root, "allowFieldTruncation") {
		known := j.object(s.object)
		for _, f := range s.fields {
			if known == nil || known.Field(f.name) == nil || f.lookup != "" {
				continue
			}
			if k := known.Field(f.name); k.Length > 0 && !contains(o.external, f.column) && (k.Type == schema.String || k.Type == schema.TextArea) {
				f.steps = append(f.steps, "truncate("+strconv.Itoa(k.Length)+")")
			}
		}
	}
}

// sfdmuScript notes what the file says about the whole job.
func (j *job) sfdmuScript(root *yamlnode.Node) {
	for _, org := range list(get(root, "orgs")) {
		if token := get(org, "accessToken"); token != nil && token.Text != "" {
			j.secret(token.Pos, "accessToken")
		}
		if name, at := word(org, "name"); name != "" {
			j.top(j.lost(at, "org %s: name the org with --to", name))
		}
	}
	for _, pair := range pairs(root) {
		on := pair.Value.Text != "" && pair.Value.Text != "false" || pair.Value.Kind == yamlnode.Seq && len(pair.Value.Items) > 0
		if !on {
			continue
		}
		switch key := pair.Key.Text; key {
		case "allOrNone":
			j.top(j.lost(pair.Key.Pos, "allOrNone: a bad row never costs the others"))
		case "csvUseEuropeanDateFormat":
			j.top(j.lost(pair.Key.Pos, "csvUseEuropeanDateFormat: add | date(dd.MM.yyyy) to the dates of the files"))
		case "simulationMode":
			j.top(j.lost(pair.Key.Pos, "simulationMode: use sfsync plan"))
		case "proxyUrl":
			j.top(j.lost(pair.Key.Pos, "proxyUrl: set HTTPS_PROXY"))
		case "beforeAddons", "afterAddons", "dataRetrievedAddons":
			j.top(j.lost(pair.Key.Pos, "%s: sfsync runs no add-ons", key))
		case "$schema", "objects", "objectSets", "orgs", "csvFileDelimiter", "csvReadFileDelimiter", "csvWriteFileDelimiter", "csvFileEncoding", "csvInsertNulls",
			"allowFieldTruncation", "keepObjectOrderWhileExecute", "concurrencyMode", "alwaysUseRestApiToUpdateRecords", "apiVersion", "bulkApiVersion",
			"bulkThreshold", "queryBulkApiThreshold", "bulkApiV1BatchSize", "restApiBatchSize", "createTargetCSVFiles", "excludeIdsFromCSVFiles", "importCSVFilesAsIs", "validateCSVFilesOnly":
		default:
			if !strings.HasPrefix(key, "parallel") && !strings.HasPrefix(key, "polling") && !strings.HasPrefix(key, "promptOn") && !strings.HasSuffix(key, "Cache") {
				j.top(j.lost(pair.Key.Pos, "%s has nothing like it in sfsync", key))
			}
		}
	}
	if mode, _ := word(root, "concurrencyMode"); strings.EqualFold(mode, "serial") {
		for _, s := range j.steps {
			s.flag("--workers 1")
		}
	}
	if truth(root, "alwaysUseRestApiToUpdateRecords") {
		for _, s := range j.steps {
			s.flag("--api rest")
		}
	}
}
