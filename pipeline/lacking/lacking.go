// Package lacking knows what is lacking. [Values] collects the values that picklists and tables of
// values lack, so that a person can add them in one go: those that fail their rows, and those that an
// open picklist takes without knowing them. [Required] tells which required fields a record lacks, and
// [Blanks] counts those of records that may not be there yet. The memory of neither grows with the rows.
package lacking

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/convert"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// CodeOpen is the code of a value that its picklist does not know and takes all the same, since it is
// not restricted (Object Reference, picklists: it becomes an inactive value of that record).
const CodeOpen = "PICKLIST_VALUE_UNKNOWN"

// Value is a value that is lacking.
type Value struct {
	Target string `json:"target"`
	Field  string `json:"field"`
	// Code is that of the rows' failure, or CodeOpen.
	Code string `json:"code"`
	// Message names the value.
	Message string `json:"message"`
	Count   int64  `json:"count"`
}

// maxValues bounds the values that are told apart; those of more are not counted.
const maxValues = 1000

// Values is what was found so far. It serves one goroutine.
type Values struct {
	plan   *mapping.Plan
	counts map[Value]int64 // by all but the count
	more   bool
	open   []map[*row.Schema][]open // by target
}

// open is a column of a picklist that is not restricted.
type open struct {
	column int
	field  *schema.Field
	known  map[string]bool // lower case
}

// New returns an empty collection for the batches of a plan.
func New(p *mapping.Plan) *Values {
	v := &Values{plan: p, counts: map[Value]int64{}, open: make([]map[*row.Schema][]open, len(p.Targets))}
	for t := range v.open {
		v.open[t] = map[*row.Schema][]open{}
	}
	return v
}

// Add takes a mapped batch into account. It keeps nothing of it.
func (v *Values) Add(m *mapping.Mapped) {
	for t := range m.Targets {
		records := &m.Targets[t]
		columns := v.columns(t, records.Batch.Schema())
		for r := range records.Batch.Len() {
			switch records.Fate(r) {
			case mapping.Send:
				for i := range columns {
					v.look(t, &columns[i], records.Batch.Cell(r, columns[i].column))
				}
			case mapping.Fail:
				for p := range records.Problems(r) {
					if p.Code == convert.CodePicklist || p.Code == mapping.CodeUnmappedValue {
						v.note(t, p.Field, p.Code, p.Message)
					}
				}
			case mapping.Skip, mapping.Hold, mapping.Look:
			}
		}
	}
}

// maxSchemas bounds what is remembered of the schemas of a target.
const maxSchemas = 64

// columns returns the open picklists among the columns of a schema.
func (v *Values) columns(t int, s *row.Schema) []open {
	found, known := v.open[t][s]
	if known {
		return found
	}
	for c := range s.Columns {
		f := v.plan.Targets[t].Field(s, c)
		if f == nil || f.RestrictedPicklist || len(f.Picklist) == 0 || f.Type != schema.Picklist && f.Type != schema.MultiPicklist {
			continue
		}
		o := open{column: c, field: f, known: map[string]bool{}}
		for _, value := range f.Picklist {
			if value.Active {
				o.known[value.Value], o.known[strings.ToLower(value.Value)] = true, true
			}
		}
		found = append(found, o)
	}
	if len(v.open[t]) >= maxSchemas {
		clear(v.open[t])
	}
	v.open[t][s] = found
	return found
}

func (v *Values) look(t int, o *open, c row.Cell) {
	if c.Kind() != row.Text || o.known[c.Text] {
		return
	}
	if o.field.Type == schema.Picklist {
		v.unknown(t, o, c.Text)
		return
	}
	for part := range strings.SplitSeq(c.Text, ";") {
		v.unknown(t, o, part)
	}
}

func (v *Values) unknown(t int, o *open, text string) {
	if text = strings.TrimSpace(text); text != "" && !o.known[text] && !o.known[strings.ToLower(text)] {
		v.note(t, o.field.Name, CodeOpen, "the picklist does not list "+convert.Quote(text)+", and takes it all the same")
	}
}

func (v *Values) note(t int, field, code, message string) {
	key := Value{Target: v.plan.Targets[t].Name, Field: field, Code: code, Message: message}
	if _, known := v.counts[key]; !known {
		if len(v.counts) >= maxValues {
			v.more = true
			return
		}
		key.Message = strings.Clone(message) // it may be a view
	}
	v.counts[key]++
}

// List returns the values, those that come most often first. All is false if there were more than
// could be told apart.
func (v *Values) List() (list []Value, all bool) {
	list = make([]Value, 0, len(v.counts))
	for value, n := range v.counts {
		value.Count = n
		list = append(list, value)
	}
	slices.SortFunc(list, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Target, b.Target), strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message))
	})
	return list, !v.more
}
