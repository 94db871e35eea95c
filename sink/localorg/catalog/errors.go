package catalog

import (
	"strings"
)

// Error is one refusal as Salesforce words it: about a record, or about a whole request.
type Error struct {
	// Code is the status code, such as REQUIRED_FIELD_MISSING.
	Code string
	// Message is Salesforce's text; it names fields by their labels and may hold values.
	Message string
	// Fields are the API names of the fields to blame; it may be empty.
	Fields []string
	// More are further errors of the same record, such as those of other validation rules.
	More []*Error
	// Detail is a further member of the answer on a single record, such as `"duplicateResut":{…}`.
	Detail string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// InvalidField is an INVALID_FIELD error, which has many texts.
func InvalidField(message string) *Error {
	return &Error{Code: "INVALID_FIELD", Message: message}
}

// noSuchColumn is what REST says of a field in a body that the object does not have.
func noSuchColumn(field, object string) *Error {
	return InvalidField("No such column '" + field + "' on sobject of type " + object)
}

func errRequired(fields []string) *Error {
	return &Error{
		Code:    "REQUIRED_FIELD_MISSING",
		Message: "Required fields are missing: [" + strings.Join(fields, ", ") + "]",
		Fields:  fields,
	}
}

func errReadOnly(fields []string) *Error {
	return &Error{
		Code: "INVALID_FIELD_FOR_INSERT_UPDATE",
		Message: "Unable to create/update fields: " + strings.Join(fields, ", ") +
			". Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
		Fields: fields,
	}
}

// MalformedID refuses what is no id at all.
func MalformedID(id string, fields ...string) *Error {
	return &Error{Code: "MALFORMED_ID", Message: "malformed id " + id, Fields: fields}
}

// CrossReference refuses the id of a record that is not there.
func CrossReference() *Error {
	return &Error{Code: "INVALID_CROSS_REFERENCE_KEY", Message: "invalid cross reference id"}
}

// Deleted refuses a record in the recycle bin.
func Deleted() *Error {
	return &Error{Code: "ENTITY_IS_DELETED", Message: "entity is deleted"}
}

// RolledBack is what the innocent records of a failed all-or-none request get.
func RolledBack() *Error {
	return &Error{
		Code:    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
		Message: "Record rolled back because not all records were valid and the request was using AllOrNone header",
	}
}

// Labelled is an error about one field's value; the message begins with the label.
func Labelled(f *Field, code, text string) *Error {
	return &Error{Code: code, Message: f.Def.Label + ": " + text, Fields: []string{f.Def.Name}}
}

// DuplicateValue refuses a value of a unique field that another record holds.
func DuplicateValue(f *Field, id string) *Error {
	return &Error{Code: "DUPLICATE_VALUE", Message: "duplicate value found: " + f.Def.Name + " duplicates value on record with id: " + id[:15]}
}
