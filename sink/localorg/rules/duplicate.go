package rules

import (
	"encoding/json"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

// Duplicated refuses a record of an object that is like others, which the rule found by their ids. The spelling of the member is Salesforce's.
func Duplicated(rule *schema.DuplicateRule, object string, found []string) *catalog.Error {
	type attributes struct {
		Type string `json:"type"`
		URL  string `json:"url,omitempty"`
	}
	type record struct {
		Attributes attributes `json:"attributes"`
		ID         string     `json:"Id"`
	}
	type matchRecord struct {
		AdditionalInformation []any   `json:"additionalInformation"`
		FieldDiffs            []any   `json:"fieldDiffs"`
		MatchConfidence       float64 `json:"matchConfidence"`
		Record                record  `json:"record"`
	}
	type matchResult struct {
		EntityType   string        `json:"entityType"`
		Errors       []any         `json:"errors"`
		MatchEngine  string        `json:"matchEngine"`
		MatchRecords []matchRecord `json:"matchRecords"`
		Rule         string        `json:"rule"`
		Size         int           `json:"size"`
		Success      bool          `json:"success"`
	}
	message := rule.Message
	if message == "" && rule.Alert {
		message = "You're creating a duplicate record. We recommend you use an existing record instead."
	} else if message == "" {
		message = "Use one of these records?"
	}
	match := matchResult{EntityType: object, Errors: []any{}, MatchEngine: "ExactMatchEngine", Rule: rule.Name, Size: len(found), Success: true, MatchRecords: []matchRecord{}}
	for _, id := range found {
		match.MatchRecords = append(match.MatchRecords, matchRecord{[]any{}, []any{}, 100, record{attributes{Type: object}, id}})
	}
	doc, err := json.Marshal(struct {
		AllowSave               bool          `json:"allowSave"`
		DuplicateRule           string        `json:"duplicateRule"`
		DuplicateRuleEntityType string        `json:"duplicateRuleEntityType"`
		ErrorMessage            string        `json:"errorMessage"`
		MatchResults            []matchResult `json:"matchResults"`
	}{rule.Alert, rule.Name, object, message, []matchResult{match}})
	if err != nil {
		doc = []byte("{}")
	}
	return &catalog.Error{Code: "DUPLICATES_DETECTED", Message: message, Detail: `"duplicateResut":` + string(doc)}
}
