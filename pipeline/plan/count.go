package plan

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/pipeline/report"
	"sfsync/pipeline/row"
)

// maxReasons bounds the reasons of a target: an org may have codes of its own making. Those of
// more go together.
const maxReasons = 200

// reason is why a record is skipped or rejected.
type reason struct {
	action Action
	code   string
}

// reason returns that of a record, as it is counted.
func (t *target) reason(rec *Record) reason {
	k := reason{rec.Action, rec.Code}
	if _, known := t.reasons[k]; known {
		return k
	}
	if len(t.reasons) >= maxReasons {
		return reason{rec.Action, report.OtherCode}
	}
	k.code = strings.Clone(k.code) // it may be a view
	return k
}

// changes counts the changes of a target's fields.
type changes struct {
	fields map[string]*report.FieldChanges
	// The columns of the last batch, to spare looking each up again.
	schema  *row.Schema
	columns []*report.FieldChanges
}

// add counts the fields that an update changes.
func (n *changes) add(batch *row.Batch, r int, rec *Record) {
	if s := batch.Schema(); s != n.schema {
		n.bind(s)
	}
	for c, before := range rec.Before {
		if !rec.changes(c) {
			continue
		}
		f := n.columns[c]
		f.Changed++
		if batch.Cell(r, c).Blank() {
			f.Cleared++
		}
		if before.Blank() {
			f.Filled++
		}
	}
}

// bind finds the counts of a schema's columns.
func (n *changes) bind(s *row.Schema) {
	if n.fields == nil {
		n.fields = make(map[string]*report.FieldChanges)
	}
	n.schema, n.columns = s, n.columns[:0]
	for _, col := range s.Columns {
		f := n.fields[col.Name]
		if f == nil {
			f = &report.FieldChanges{Field: strings.Clone(col.Name)}
			n.fields[f.Field] = f
		}
		n.columns = append(n.columns, f)
	}
}

// Info returns what the plan has said so far, without lookups and estimates.
func (w *Writer) Info() *report.PlanInfo {
	info := &report.PlanInfo{Targets: make([]report.PlanTarget, len(w.targets)), Estimates: []report.Estimate{}}
	for i := range w.targets {
		t := &w.targets[i]
		n := &t.counts
		for a, count := range n {
			if Action(a).Changes() {
				info.Changes += count
			}
		}
		info.Targets[i] = report.PlanTarget{
			Name: t.plan.Name, Object: t.plan.Object.Name,
			Create: n[Create], Update: n[Update], Unchanged: n[Unchanged], Delete: n[Delete], Publish: n[Publish],
			Skip: n[Skip] + n[Look], Reject: n[Reject], Undecided: n[Undecided],
			Fields: t.changes.sorted(), Reasons: t.sortedReasons(),
		}
	}
	return info
}

func (n *changes) sorted() []report.FieldChanges {
	out := []report.FieldChanges{}
	for _, f := range n.fields {
		if f.Changed > 0 {
			out = append(out, *f)
		}
	}
	slices.SortFunc(out, func(a, b report.FieldChanges) int {
		return cmp.Or(cmp.Compare(b.Changed, a.Changed), strings.Compare(a.Field, b.Field))
	})
	return out
}

func (t *target) sortedReasons() []report.Reason {
	out := []report.Reason{}
	for k, n := range t.reasons {
		out = append(out, report.Reason{Action: k.action.String(), Code: k.code, Count: n})
	}
	slices.SortFunc(out, func(a, b report.Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Action, b.Action), strings.Compare(a.Code, b.Code))
	})
	return out
}
