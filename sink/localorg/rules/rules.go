// Package rules compiles and evaluates what administrators set up for an object's records: the conditions of
// validation and assignment rules.
//
// A condition is an expression of github.com/expr-lang/expr over the record's fields by API name. Blank text is
// ""; a blank number, date, time or reference is nil, with which no order comparison is true and all arithmetic is
// nil. Dates and times are texts in the forms of the REST API, whose order is that of time. ISBLANK, ISNEW, ISCHANGED,
// PRIORVALUE, ISPICKVAL, TODAY and NOW are as in Salesforce's formulas, from which the language differs otherwise.
package rules

import (
	"fmt"
	"strings"
	"time"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
)

// Set is the active rules of one object. It is safe for concurrent use.
type Set struct {
	validation []validation
	assignment []assignment
	Duplicate  []schema.DuplicateRule
}

type validation struct {
	rule schema.ValidationRule
	when *condition
}

type assignment struct {
	rule    schema.AssignmentRule
	entries []*condition // nil conditions fit every record
}

// Compile compiles an object's active rules; the set is nil if there are none. The error names the rule, and its
// place if the rule has one.
func Compile(o *schema.Object) (*Set, error) {
	s := new(Set)
	r := o.Rules
	names := environment(o)
	for _, v := range r.Validation {
		if v.Inactive {
			continue
		}
		c, err := compile(v.When, o, names)
		if err != nil {
			return nil, ruleError(v.Pos, "validation rule", v.Name, o.Name, err)
		}
		s.validation = append(s.validation, validation{v, c})
	}
	for _, a := range r.Assignment {
		// Inactive ones may be named by a request.
		rule := assignment{rule: a}
		for _, e := range a.Entries {
			var c *condition
			if e.When != "" {
				var err error
				if c, err = compile(e.When, o, names); err != nil {
					return nil, ruleError(e.Pos, "assignment rule", a.Name, o.Name, err)
				}
			}
			rule.entries = append(rule.entries, c)
		}
		s.assignment = append(s.assignment, rule)
	}
	for _, d := range r.Duplicate {
		for _, name := range d.Match {
			if o.Field(name) == nil {
				return nil, ruleError(diag.Pos{}, "duplicate rule", d.Name, o.Name, fmt.Errorf("there is no field %s", name))
			}
		}
		if !d.Inactive {
			s.Duplicate = append(s.Duplicate, d)
		}
	}
	if len(s.validation)+len(s.assignment)+len(s.Duplicate) == 0 {
		return nil, nil //nolint:nilnil // the documented answer for an object without rules
	}
	return s, nil
}

func ruleError(pos diag.Pos, kind, name, object string, err error) error {
	if pos.Line > 0 {
		return fmt.Errorf("%s: %s %q of %s: %w", pos, kind, name, object, err)
	}
	return fmt.Errorf("%s %q of %s: %w", kind, name, object, err)
}

// Record is a record as it will be, for the conditions to look at.
type Record interface {
	// Value returns a field's value as it is stored, nil for none.
	Value(field string) any
	// Before returns the value that the field had; it is Value's for a new record.
	Before(field string) any
	// New reports whether the record is created.
	New() bool
}

// Violation is a validation rule that refuses a record.
type Violation struct {
	Message string
	Field   string // the field to blame, "" for none
}

// Validate returns the rules that refuse a record, in their order. A rule that cannot be evaluated refuses it too, with
// the reason.
func (s *Set) Validate(r Record, now time.Time) []Violation {
	var out []Violation
	for _, v := range s.validation {
		bad, err := v.when.holds(r, now)
		switch {
		case err != nil:
			out = append(out, Violation{fmt.Sprintf("The validation rule %s cannot be evaluated: %v", v.rule.Name, err), v.rule.Field})
		case bad:
			out = append(out, Violation{v.rule.Message, v.rule.Field})
		}
	}
	return out
}

// Assign returns the owner that an assignment rule gives a record: a queue's developer name, a user's name or an
// id, and "" if no entry fits. id names the rule; "" is the active one. found is false if there is no such rule.
// An entry whose condition cannot be evaluated fits nothing.
func (s *Set) Assign(id string, r Record, now time.Time) (owner string, found bool) {
	for _, a := range s.assignment {
		if id == "" && a.rule.Inactive || id != "" && schema.ID18(a.rule.ID) != schema.ID18(id) {
			continue
		}
		for i, c := range a.entries {
			if c == nil {
				return a.rule.Entries[i].Owner, true
			}
			if fits, err := c.holds(r, now); err == nil && fits {
				return a.rule.Entries[i].Owner, true
			}
		}
		return "", true
	}
	return "", false
}

// Assigns reports whether the object has assignment rules.
func (s *Set) Assigns() bool { return s != nil && len(s.assignment) > 0 }

// fieldValue is a stored value as conditions see it.
func fieldValue(t schema.Type, v any) any {
	switch v := v.(type) {
	case nil:
		switch t {
		case schema.Boolean:
			return false
		case schema.Int, schema.Long, schema.Double, schema.Currency, schema.Percent, schema.Date, schema.DateTime, schema.Time, schema.ID, schema.Reference:
			return nil
		}
		return ""
	case int64:
		switch t {
		case schema.Boolean:
			return v != 0
		case schema.Double, schema.Currency, schema.Percent:
			return float64(v)
		}
		return v
	case []byte:
		return string(v)
	}
	return v
}

// oneLine is the first line of an error of the interpreter.
func oneLine(err error) string {
	msg, _, _ := strings.Cut(err.Error(), "\n")
	return msg
}
