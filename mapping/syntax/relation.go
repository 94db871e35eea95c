package syntax

import "strings"

// Relation is the left side of a rule that sets a reference by a field of the record it
// refers to: Account.ERP_Id__c, or User:Owner.Username where the reference may be to several
// objects.
type Relation struct {
	Name   string // of the relationship: Account, Visit__r
	Object string // the referenced object; "" if it was not named
	Field  string // of the referenced object
}

// ParseRelation takes such a name apart and reports whether it is one. The object may stand in
// front of the relationship, as in the header of a Bulk API file, or behind it; only a schema
// can tell which of the two is which.
func ParseRelation(s string) (Relation, bool) {
	left, field, ok := strings.Cut(s, ".")
	if !ok || field == "" || badAPIName(field) >= 0 {
		return Relation{}, false
	}
	object, name, two := strings.Cut(left, ":")
	if !two {
		object, name = "", left
	}
	if name == "" || badAPIName(name) >= 0 || two && (object == "" || badAPIName(object) >= 0) {
		return Relation{}, false
	}
	return Relation{Name: name, Object: object, Field: field}, true
}

// field is the reference that the relationship stands for, by the rule that the org's own
// names follow: Account is AccountId's, Visit__r is Visit__c's.
func (r Relation) field() string {
	if n := len(r.Name) - len("__r"); n > 0 && strings.EqualFold(r.Name[n:], "__r") {
		return r.Name[:n] + "__c"
	}
	return r.Name + "Id"
}
