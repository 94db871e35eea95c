package rest

import (
	"net/http"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
)

// RuleHeaders sets what a request's headers say of the org's rules, or returns a refusal (REST API guide, "Assignment
// Rule Header" and "Duplicate Rules Header"). Values count in any case; what is no value of the first header is
// refused (unconfirmed). Of the second one only allowSave does something: the answer never has more of the records
// found than their ids, and all users see all records.
func RuleHeaders(h http.Header, ch *store.Change) *Response {
	switch v := strings.TrimSpace(h.Get("Sforce-Auto-Assign")); {
	case v == "", strings.EqualFold(v, "true"):
	case strings.EqualFold(v, "false"):
		ch.NoAssignment = true
	default:
		id, ok := catalog.NormalID(v)
		if !ok {
			return Failure(http.StatusBadRequest, "INVALID_CROSS_REFERENCE_KEY", "invalid assignment rule id: "+v)
		}
		ch.AssignmentRule = id
	}
	for _, line := range h.Values("Sforce-Duplicate-Rule-Header") {
		for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ';' || r == ',' }) {
			name, value, _ := strings.Cut(part, "=")
			if strings.EqualFold(strings.TrimSpace(name), "allowSave") {
				ch.AllowDuplicates = strings.EqualFold(strings.TrimSpace(value), "true")
			}
		}
	}
	return nil
}
