package catalog

import (
	"slices"
	"strconv"
	"strings"

	"sfsync/mapping/schema"
)

// MasterRecordType is the id of the record type that every object has (recorded describes).
const MasterRecordType = "012000000000000AAA"

// numberFormat is how an auto-number looks: a number of at least that many digits between texts.
type numberFormat struct {
	before, after string
	digits        int
}

// parseNumberFormat reads "A-{0000}". Without a format a number looks like Case.CaseNumber.
func parseNumberFormat(s string) numberFormat {
	before, rest, _ := strings.Cut(s, "{")
	zeros, after, ok := strings.Cut(rest, "}")
	if !ok {
		return numberFormat{digits: 8}
	}
	return numberFormat{before, after, len(zeros)}
}

func (f numberFormat) format(n int64) string {
	s := strconv.FormatInt(n, 10)
	if missing := f.digits - len(s); missing > 0 {
		s = strings.Repeat("0", missing) + s
	}
	return f.before + s + f.after
}

// findSetup notes what the org's administrators set up for the object.
func (o *Object) findSetup() {
	o.Event = o.Def.Event()
	o.RecordType = o.Field("RecordTypeId")
	for _, t := range o.Def.RecordTypes {
		if t.Default && t.Active {
			o.DefaultType = t.ID
		}
	}
	rules := o.Def.Rules
	if len(rules.Validation)+len(rules.Duplicate)+len(rules.Assignment) == 0 {
		return
	}
	for _, f := range o.Fields {
		f.Watched = f.Column != "" && f != o.ID // a rule may look at any
	}
}

// Summary is a roll-up summary field and what it counts.
type Summary struct {
	Field *Field
	By    *Field // of the records that are counted
	Of    *Field // nil for a count
}

// relate notes what happens to records when one that they refer to is deleted, and which roll-ups count
// which records.
func (c *Catalog) relate() {
	c.referrer = map[string][]*Field{}
	c.summaries = map[string][]Summary{}
	for _, o := range c.sorted {
		for _, f := range o.Fields {
			d := f.Def.Summary
			if d == nil {
				continue
			}
			if child := c.Object(d.Object); child != nil && child.Field(d.By) != nil && (d.Field == "" || child.Field(d.Field) != nil) {
				child.Field(d.By).Watched = true
				c.summaries[child.Def.Name] = append(c.summaries[child.Def.Name], Summary{f, child.Field(d.By), child.Field(d.Field)})
			}
		}
	}
	for _, o := range c.sorted {
		for _, f := range o.Fields {
			if f.Column == "" || !f.IsReference() || f == o.RecordType || f == o.System.Owner || !f.Def.Createable && !f.Def.Updateable {
				continue
			}
			for _, to := range f.Def.ReferenceTo {
				c.referrer[to] = append(c.referrer[to], f)
			}
		}
	}
}

// Summaries returns the roll-ups that count records of an object.
func (c *Catalog) Summaries(o *Object) []Summary { return c.summaries[o.Def.Name] }

// HasRecordType reports whether an id is that of a record type of the object that records can have.
func (o *Object) HasRecordType(id string) bool {
	if id == MasterRecordType {
		return true
	}
	for _, t := range o.Def.RecordTypes {
		if t.ID == id {
			return t.Active
		}
	}
	return false
}

// LeadConverted reports whether a value of Lead.Status says that the lead is converted. Which values do is not
// in a describe; out of the box it is those that speak of it.
func LeadConverted(status string) bool {
	return strings.HasPrefix(status, "Closed - Converted") || status == "Converted" || status == "Qualified - Converted"
}

// ConvertedStatus returns the value of a Lead's Status that a conversion sets, "" if there is none.
func (o *Object) ConvertedStatus() string {
	f := o.Field("Status")
	if f == nil {
		return ""
	}
	i := slices.IndexFunc(f.Def.Picklist, func(v schema.PicklistValue) bool { return v.Active && LeadConverted(v.Value) })
	if i < 0 {
		return ""
	}
	return f.Def.Picklist[i].Value
}
