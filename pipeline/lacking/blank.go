package lacking

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/pipeline/row"
)

// Blank counts the records that lack a required field and may be there already: the org takes them
// as updates, and refuses to create them.
type Blank struct {
	Target string `json:"target"`
	Field  string `json:"field"`
	Count  int64  `json:"count"`
	// File and Line are the place of the first.
	File string `json:"file"`
	Line int64  `json:"line"`
}

// Blanks counts the records that would be refused where they are not there yet: those of upserts
// and of lookups with create: true, of which only the org knows what they become. It serves one
// goroutine, and its memory does not grow with the rows.
type Blanks struct {
	plan    *mapping.Plan
	targets []*Required // by target; nil for one that creates no record, or all of them
	counts  []map[string]*Blank
}

// NewBlanks returns an empty count for the batches of a plan.
func NewBlanks(p *mapping.Plan) *Blanks {
	q := &Blanks{plan: p, targets: make([]*Required, len(p.Targets)), counts: make([]map[string]*Blank, len(p.Targets))}
	for i := range p.Targets {
		t := &p.Targets[i]
		if t.Operation == mapping.Upsert && !t.Updates() || p.Implied(i) {
			q.targets[i], q.counts[i] = NewRequired(t), map[string]*Blank{}
		}
	}
	return q
}

// Add takes a mapped batch of a file into account. It keeps nothing of it.
func (q *Blanks) Add(m *mapping.Mapped, path string) {
	for t, required := range q.targets {
		if required == nil {
			continue
		}
		records := &m.Targets[t]
		for r := range records.Batch.Len() {
			if records.Fate(r) != mapping.Send {
				continue
			}
			for field := range required.Fields(records.Batch, r, true) {
				q.note(t, field, m.Source, r, path)
			}
		}
	}
}

func (q *Blanks) note(t int, field string, b *row.Batch, r int, path string) {
	n := q.counts[t][field]
	if n == nil {
		file, line := b.Place(r, path)
		n = &Blank{Target: q.plan.Targets[t].Name, Field: field, File: strings.Clone(file), Line: line}
		q.counts[t][field] = n
	}
	n.Count++
}

// List returns the counts by target, those of most records first.
func (q *Blanks) List() []Blank {
	list := []Blank{}
	for _, fields := range q.counts {
		from := len(list)
		for _, n := range fields {
			list = append(list, *n)
		}
		slices.SortFunc(list[from:], func(a, b Blank) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Field, b.Field))
		})
	}
	return list
}
