package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sfsync/sink/localorg/catalog"
)

// Op is what is to be done with records.
type Op uint8

// The operations.
const (
	Create Op = iota + 1
	Update
	Upsert
)

// Change is a write of several records.
type Change struct {
	Op      Op
	Records []*catalog.Record
	// Key is the field an Upsert goes by; nil or the Id field is upsert by id.
	Key *catalog.Field
	// UpdateOnly makes an Upsert leave records alone that it does not find.
	UpdateOnly bool
	// AllOrNone undoes everything if one record fails.
	AllOrNone bool
	// NoAssignment keeps assignment rules from running; AssignmentRule is the id of the one that
	// runs, "" for the active one.
	NoAssignment   bool
	AssignmentRule string
	// AllowDuplicates lets records through that a duplicate rule only alerts of.
	AllowDuplicates bool
	// Reject, if set, is asked for each record before it is checked, with its place.
	Reject func(i int, r *catalog.Record) *catalog.Error
	// Hold, if set, is called with the records of one object that passed the checks, before they are
	// saved. It may refuse some of them, or end the change with an error.
	Hold func(tx *Tx, o *catalog.Object, rows []Row) error
}

// Result is what became of one record.
type Result struct {
	// ID is the record's id; it may be set on failure too.
	ID      string
	Created bool
	Err     *catalog.Error
	// Matches are the records that the key of an upsert fits if they are several.
	Matches []string
	// NotFound is set if an UpdateOnly upsert found nothing.
	NotFound bool
	// Enqueued is the UUID of a platform event that was published, "" for records.
	Enqueued string
}

// work is one record on its way through Write.
type work struct {
	rec    *catalog.Record
	res    *Result
	id     string
	n      int64 // which record of its object it is, if it is created
	create bool
	cur    *current
}

func (w *work) fail(e *catalog.Error) { w.res.Err = e }

func (w *work) ok() bool { return w.res.Err == nil && !w.res.NotFound }

// current is what the checks need to know of a record that is there.
type current struct {
	deleted   bool
	converted bool
	parts     []string
	values    []any // those that were needed, by Field.Index; nil if there are none
}

// field returns the value that a field will have.
func (w *work) field(f *catalog.Field) any {
	if f == nil {
		return nil
	}
	if v, given := w.rec.Value(f); given {
		return v
	}
	return w.before(f)
}

// before returns the value that a field of a changed record has, as far as the checks needed it; nil for
// a new one.
func (w *work) before(f *catalog.Field) any {
	if w.cur == nil || w.cur.values == nil || f == nil {
		return nil
	}
	return w.cur.values[f.Index]
}

// errUndo makes a savepoint roll back.
var errUndo = errors.New("undo")

// Write carries out a change and returns one result a record, in order. A record that is
// refused does not hinder the others unless the change is all-or-none. The error is about
// the database, never about a record.
func (tx *Tx) Write(ch *Change) ([]Result, error) {
	results := make([]Result, len(ch.Records))
	if !ch.AllOrNone {
		return results, tx.writeAll(ch, results)
	}
	err := tx.Savepoint(func() error {
		if err := tx.writeAll(ch, results); err != nil {
			return err
		}
		if Failed(results) {
			return errUndo
		}
		return nil
	})
	if !errors.Is(err, errUndo) {
		return results, err
	}
	for i := range results {
		if r := &results[i]; r.Err == nil {
			*r = Result{Err: catalog.RolledBack()}
		}
	}
	return results, nil
}

// Failed reports whether a record was refused.
func Failed(results []Result) bool {
	for i := range results {
		if results[i].Err != nil || results[i].NotFound {
			return true
		}
	}
	return false
}

// writeAll writes runs of records of one object.
func (tx *Tx) writeAll(ch *Change, results []Result) error {
	all := make([]work, len(ch.Records))
	for i, r := range ch.Records {
		all[i] = work{rec: r, res: &results[i]}
		if ch.Reject != nil {
			all[i].res.Err = ch.Reject(i, r)
		}
	}
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to].rec.Object == all[from].rec.Object {
			to++
		}
		if err := tx.writeRun(ch, all[from].rec.Object, all[from:to]); err != nil {
			return fmt.Errorf("write %s: %w", all[from].rec.Object.Def.Name, err)
		}
		from = to
	}
	return nil
}

func (tx *Tx) writeRun(ch *Change, o *catalog.Object, run []work) error {
	steps := []func(*Change, *catalog.Object, []work) error{
		tx.refuseOperation, tx.identify, tx.permit, tx.resolve, tx.loadCurrent, tx.check, tx.checkReferences, tx.checkOwners,
		tx.checkMembers, tx.checkRules, tx.hold, tx.checkUnique, tx.assign, tx.save, tx.rollUp,
	}
	for _, step := range steps {
		if err := step(ch, o, run); err != nil {
			return err
		}
	}
	return nil
}

// save writes what passed all checks.
func (tx *Tx) save(_ *Change, o *catalog.Object, run []work) error {
	now := tx.Stamp()
	created := make([]*work, 0, len(run))
	var sb strings.Builder
	var args []any
	for i := range run {
		w := &run[i]
		if !w.ok() {
			continue
		}
		tx.stamp(w, now)
		w.res.ID, w.res.Created = w.id, w.create
		if o.Event {
			w.res.Enqueued = eventUUID(w.id)
		}
		if w.create {
			created = append(created, w)
			continue
		}
		w.skipSame()
		sb.Reset()
		args = change(w.rec, &sb, w.id, args[:0])
		if _, err := tx.Exec(sb.String(), args...); err != nil {
			return err
		}
	}
	return tx.insertAll(o, created)
}

// skipSame leaves out the fields with an index that do not change: entries of an index are dear.
func (w *work) skipSame() {
	if w.cur == nil || w.cur.values == nil {
		return
	}
	w.rec.Cells = slices.DeleteFunc(w.rec.Cells, func(c catalog.Cell) bool {
		return c.Field.Indexed && c.Value == w.cur.values[c.Field.Index]
	})
}

// Stamp is the time as records keep it: real orgs cut it off to seconds.
func (tx *Tx) Stamp() string {
	return tx.s.now().UTC().Truncate(time.Second).Format(catalog.DateTimeLayout)
}

// stamp sets the fields that the org keeps itself.
func (tx *Tx) stamp(w *work, now string) {
	r, s := w.rec, &w.rec.Object.System
	set := func(f *catalog.Field, v any) {
		if f != nil {
			r.Put(f, v)
		}
	}
	set(s.Modified, now)
	set(s.ModifiedBy, tx.userID())
	set(s.Stamp, now)
	if w.create {
		set(s.Created, now)
		set(s.CreatedBy, tx.userID())
		if v, _ := r.Value(s.Owner); v == nil {
			set(s.Owner, tx.userID())
		}
	}
	var parts []string
	if w.cur != nil {
		parts = w.cur.parts
	}
	r.SetName(parts)
	if w.create {
		r.SetNumbers(w.n, w.id)
	}
	if r.Object.Event {
		set(r.Object.Field("ReplayId"), strconv.FormatInt(w.n, 10))
		set(r.Object.Field("EventUuid"), eventUUID(w.id))
	}
}

// eventUUID is the UUID of a platform event: random as it looks, it follows from the event's id.
func eventUUID(id string) string {
	h := sha256.Sum256([]byte("event " + id))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func change(r *catalog.Record, sb *strings.Builder, id string, args []any) []any {
	sb.WriteString("UPDATE ")
	sb.WriteString(quote(r.Object.Table))
	sb.WriteString(" SET ")
	for i, c := range r.Sorted() {
		if i > 0 {
			sb.WriteString(", ")
		}
		sb.WriteByte('"')
		sb.WriteString(c.Field.Column)
		sb.WriteString(`" = ?`)
		args = append(args, c.Value)
		if c.Field.Fold != "" {
			sb.WriteString(`, "`)
			sb.WriteString(c.Field.Fold)
			sb.WriteString(`" = ?`)
			if c.Value == nil {
				args = append(args, nil)
			} else {
				args = append(args, c.Field.FoldKey(c.Value))
			}
		}
	}
	sb.WriteString(` WHERE "Id" = ?`)
	return append(args, id)
}

// Seed inserts a record of the org's own with an id, unchecked.
func (tx *Tx) Seed(o *catalog.Object, id string, values map[string]any) error {
	r := catalog.NewRecord(o, values)
	r.AddDefaults()
	tx.stamp(&work{rec: r, id: id, create: true}, tx.Stamp())
	if err := tx.insertAll(o, []*work{{rec: r, id: id}}); err != nil {
		return fmt.Errorf("seed %s: %w", o.Def.Name, err)
	}
	return nil
}
