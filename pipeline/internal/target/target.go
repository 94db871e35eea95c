// Package target knows how the records of one target or find of a plan look: their keys, what lookups of them
// ask for, what tells two of them apart, and what of that decides how they are sent.
package target

import (
	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/fingerprint"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Target is a target or find of the plan as the stages behind map see it. It does not change, but for what
// WantOf remembers.
type Target struct {
	Index int
	Group int // the first target of the same object and org: see Slot
	Plan  *mapping.PlanTarget
	Sink  *sink.Target
	Org

	Keys      []Key // the match keys in order, then the record id
	Find      bool  // the records are only looked for
	Simple    bool  // one key, and no part of it is a reference
	Native    int   // the key of the org's own upsert, or -1
	Rehearsed bool  // the records are compared with what the org has, not sent
	Compare   bool  // only what differs from the org's record is sent

	wants []*Want
	trail *trail // nil where no fingerprints are kept, or put in doubt
}

// Org is where the records of a target go.
type Org struct {
	Writer  sink.Writer
	Matcher sink.Matcher       // nil where nothing is looked up
	Known   *fingerprint.Store // nil where nothing is kept
}

// New returns target or find number index of a plan. In a rehearsal its records are not sent; with
// compareStored only what differs from the org's record is.
func New(index int, p *mapping.PlanTarget, rehearse, compareStored bool) *Target {
	t := &Target{Index: index, Group: index, Plan: p, Find: p.Operation == mapping.Find, Native: -1}
	t.Sink = &sink.Target{Object: p.Object.Name, KeyColumn: -1, Options: sink.Options{
		AssignmentRule: p.AssignmentRule, AllowDuplicates: p.AllowDuplicates, AllOrNone: p.AllOrNone, UpdateMRU: p.UpdateMRU,
	}}
	for _, k := range p.Keys {
		t.Keys = append(t.Keys, newKey(p, k))
	}
	t.Simple = len(t.Keys) == 1 && !t.Keys[0].Late
	for i, k := range t.Keys {
		if f := k.Fields[0]; len(k.Fields) == 1 && (len(t.Keys) == 1 || f.Key() && f.Type != schema.ID) {
			t.Sink.Key, t.Sink.Fold, t.Sink.KeyColumn = f.Name, f.FoldKey, p.Schema.Index(f.Name)
			if f.Key() && f.Type != schema.ID && t.Sink.KeyColumn >= 0 {
				t.Native = i
			}
			break
		}
	}
	t.Keys = append(t.Keys, idKey(p.Object))
	t.Rehearsed = rehearse && !t.Find
	t.Compare = compareStored && !t.Rehearsed && t.Tracks() && p.Operation != mapping.Insert
	t.wants = []*Want{newWant(t, p.Schema)}
	return t
}

// Keyed reports whether the target's records are matched by a key.
func (t *Target) Keyed() bool { return len(t.Keys) > 1 }

// Once reports whether a record of the target whose answer was lost must not be sent again.
func (t *Target) Once() bool {
	return !t.Keyed() && (t.Plan.Operation == mapping.Insert || t.Plan.Operation == mapping.Publish)
}

// ByID reports whether the key of the target is the record id itself.
func (t *Target) ByID() bool { return len(t.Keys) == 2 && t.Keys[0].IsID() }

// Asks reports whether a record of the target has to be looked up in a run before it is sent.
func (t *Target) Asks(it work.Item) bool {
	p := t.Plan
	switch {
	case t.Find, t.Compare, len(p.OnlyIfEmpty) > 0:
		return true
	case t.ByID():
		return false
	case p.Lookup:
		return true
	case p.Operation != mapping.Upsert, t.Native != 0, len(t.Keys) > 2,
		p.Converted != mapping.ConvertedFail, p.OnMany != mapping.ManyFail && !t.Keys[0].Fields[0].UniqueKey():
		return true
	}
	return p.InsertDefaults && HasInsertDefault(t.Cells(it.Batch), int(it.Row))
}

// Passes reports whether the id of a record that was written tells the next row of its key all
// that a lookup would.
func (t *Target) Passes() bool {
	return t.Simple && len(t.Plan.OnlyIfEmpty) == 0 && t.Plan.Operation != mapping.Delete && !t.Rehearsed
}

// MayCreate reports whether the records of the target can come into being by being sent.
func (t *Target) MayCreate() bool {
	return (t.Plan.Operation == mapping.Upsert || t.Plan.Operation == mapping.Insert) && t.Keyed() && !t.ByID()
}

// Records are a batch's records of the target.
func (t *Target) Records(w *work.Batch) *mapping.Records {
	if n := len(w.Mapped.Targets); t.Index >= n {
		return &w.Mapped.Finds[t.Index-n]
	}
	return &w.Mapped.Targets[t.Index]
}

// Cells are the cells of a batch's records of the target.
func (t *Target) Cells(w *work.Batch) *row.Batch { return t.Records(w).Batch }

// Item makes the item of a row of a batch.
func (t *Target) Item(w *work.Batch, r int) work.Item {
	it := work.Item{Batch: w, Index: int32(t.Index*w.Rows + r), Row: int32(r)}
	b := t.Cells(w)
	it.Size = int32(b.TextSize(r))
	if t.Simple {
		it.Key, _ = t.Hash(it, 0)
	}
	return it
}

// Content returns a hash of all that a record sends.
func (t *Target) Content(it work.Item) (h uint64) {
	b, r := t.Cells(it.Batch), int(it.Row)
	for c := range b.Schema().Columns {
		cell := b.Cell(r, c)
		h = h*0x9E3779B97F4A7C15 ^ row.Hash(cell.Text) ^ uint64(cell.Kind())
	}
	return h
}

// HasInsertDefault reports whether a record carries a default that counts only if it is new.
func HasInsertDefault(b *row.Batch, r int) bool {
	for c := range b.Schema().Columns {
		if b.Cell(r, c).OnInsert() {
			return true
		}
	}
	return false
}

// Resumes reports whether the org keeps the results of what is sent, under ids that are known before.
func (t *Target) Resumes() bool {
	_, ok := t.Writer.(sink.Resumer)
	return ok
}

// Looks reports whether the record is only looked for, because others refer to it.
func (t *Target) Looks(it work.Item) bool {
	return t.Records(it.Batch).Fate(int(it.Row)) == mapping.Look
}

// Tracks reports whether fingerprints are kept of the target's records: those that are matched by a key and can
// be the same as before.
func (t *Target) Tracks() bool {
	p := t.Plan.Operation
	return !t.Find && t.Keyed() && (p == mapping.Upsert || p == mapping.Update || p == mapping.Insert)
}
