package form

import (
	"strings"

	"sfsync/mapping/schema"
	"sfsync/pipeline/internal/rehearse"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// repeated decides a record of which the org last accepted exactly what would be sent, and reports whether it
// is done with. If others of the row need the record's id it is looked up first: see [Former.arrive].
func (f *Former) repeated(l *lane, it work.Item) bool {
	rec := it.Record()
	if !f.opt.ChangedOnly || l.Looks(it) || rec.Resend || rec.Attempts > 0 || rec.Redirected {
		return false
	}
	same, err := f.prints.Same(l.Target, it)
	if err != nil {
		f.halt(err)
		return false
	}
	switch {
	case !same:
		return false
	case l.ByID():
		rec.ID = strings.Clone(schema.ID18(l.Text(it, 0))) // told to the next row of the key, whose batch may outlive this one
	case f.mayBeNeeded(l, it):
		rec.Same = true
		return false
	}
	f.finish(l, it, ledger.Unchanged, nil)
	return true
}

// mayBeNeeded reports whether another record of the row refers to this one.
func (f *Former) mayBeNeeded(l *lane, it work.Item) bool {
	for _, d := range l.dependents {
		if d.column >= 0 && f.awaits(d.lane, it, d.column) && !it.Batch.Record(d.lane.Index, it.Row).State.Decided() {
			return true
		}
	}
	return false
}

// trim takes out of an update what the org's record holds already, and reports whether nothing is left.
func (l *lane) trim(it work.Item, w *target.Want, m *sink.Match) bool {
	b, r := l.Cells(it.Batch), int(it.Row)
	s := b.Schema()
	left := false
	for c, col := range s.Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || cell.OnInsert() || target.Hidden(col.Name) {
			continue
		}
		if rehearse.Same(l.Plan.Field(s, c), cell, w.Stored(m, c)) {
			b.Flag(r, c, row.OnInsert) // an update leaves it out
		} else {
			left = true
		}
	}
	return !left
}
