package backup

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Options says what a [Wrap]ped writer needs.
type Options struct {
	Store *Store
	// Org is what the run calls the org, "" for its own; Target is the plan's target.
	Org    string
	Target *mapping.PlanTarget
	// Writer sends the records, Matcher looks them up.
	Writer  sink.Writer
	Matcher sink.Matcher
	// Now is the clock, Since when the run began.
	Now   func() time.Time
	Since time.Time
}

// Wrap returns a writer that keeps what records held before it sends them. It is a [sink.Resumer] if
// o.Writer is one. Requests cost further lookups: those by id for updates, and those by key for
// upserts, which otherwise need none.
func Wrap(o Options) sink.Writer {
	w := &Writer{Options: o, known: make(map[string]bool)}
	if r, ok := o.Writer.(sink.Resumer); ok {
		return &resumer{Writer: w, inner: r}
	}
	return w
}

// Writer is a writer that keeps before-images; see [Wrap].
type Writer struct {
	Options

	mu    sync.Mutex
	known map[string]bool // fields that the store knows
}

type resumer struct {
	*Writer
	inner sink.Resumer
}

// Limits implements [sink.Writer].
func (w *Writer) Limits() sink.Limits { return w.Writer().Limits() }

// Writer returns the writer that sends.
func (w *Writer) Writer() sink.Writer { return w.Options.Writer }

// Write implements [sink.Writer]. Without its before-images on disk a request does not leave.
func (w *Writer) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	first := w.Now()
	was := make([]standing, len(req.Records))
	if err := w.keep(ctx, req, was); err != nil {
		for i := range results {
			results[i] = sink.Result{Status: sink.NotSent}
		}
		return err
	}
	err := w.Writer().Write(ctx, req, results)
	if noted := w.note(context.WithoutCancel(ctx), req, results, first, was); err == nil {
		err = noted
	}
	return err
}

// Settle implements [sink.Resumer].
func (r *resumer) Settle(ctx context.Context, ids []string) ([]string, error) {
	return r.inner.Settle(ctx, ids)
}

// Resume implements [sink.Resumer].
func (r *resumer) Resume(ctx context.Context, id string, req *sink.Request, results []sink.Result) error {
	err := r.inner.Resume(ctx, id, req, results)
	if noted := r.note(context.WithoutCancel(ctx), req, results, r.Since, nil); err == nil {
		err = noted
	}
	return err
}

// sends reports whether a cell goes with a record.
func sends(rec *sink.Record, c int, name string) bool {
	cell := rec.Batch.Cell(rec.Row, c)
	return cell.Kind() != row.Absent && !strings.HasPrefix(name, "\x00") && (rec.Action != sink.Update || !cell.OnInsert())
}

// sent returns what a record sends.
func sent(rec *sink.Record) Values {
	v := make(Values)
	for c, col := range rec.Batch.Schema().Columns {
		if sends(rec, c, col.Name) {
			v[col.Name] = valueOf(rec.Batch.Cell(rec.Row, c))
		}
	}
	return v
}

// describe says what an undo has to know of the fields that a request sends.
func (w *Writer) describe(req *sink.Request) []field {
	var fields []field
	seen := make(map[string]bool)
	for i := range req.Records {
		rec := &req.Records[i]
		if rec.Action == sink.Delete || rec.Action == sink.Publish {
			continue
		}
		s := rec.Batch.Schema()
		for c, col := range s.Columns {
			if seen[col.Name] || !sends(rec, c, col.Name) {
				continue
			}
			seen[col.Name] = true
			if f, ok := w.fieldOf(s, c, col.Name); ok {
				fields = append(fields, f)
			}
		}
	}
	return fields
}

// fieldOf describes a column; ok is false for one whose earlier value cannot be read.
func (w *Writer) fieldOf(s *row.Schema, c int, name string) (f field, ok bool) {
	o := w.Target.Object
	f = field{Name: name, Type: schema.String, Restore: name}
	from := o.Field(name)
	if path, _, is := strings.Cut(name, "."); is {
		if _, after, ok := strings.Cut(path, ":"); ok {
			path = after
		}
		i := slices.IndexFunc(o.Fields, func(f *schema.Field) bool { return strings.EqualFold(f.RelationshipName, path) })
		if i < 0 {
			return f, false
		}
		f.Restore = o.Fields[i].Name
		if from == nil && s == w.Target.Schema {
			from = w.Target.Field(s, c)
		}
	}
	if from != nil {
		f.Type, f.Length, f.Scale, f.CaseSensitive = from.Type, from.Length, from.Scale, from.CaseSensitive
	}
	return f, f.Type != schema.EncryptedString // comes back masked
}

// standing is what an earlier request has made, or may have made, of a record. One that is refused leaves it so.
type standing struct {
	id      string // of the record that was found
	deleted bool
	pending Values
}

// keep brings the before-images of a request to disk, and fills in how its records stood until then.
func (w *Writer) keep(ctx context.Context, req *sink.Request, was []standing) error {
	fields := w.describe(req)
	want := wanted(fields)
	if err := w.know(ctx, req.Target.Object, append(fields, w.audits()...)); err != nil {
		return err
	}
	if err := w.intendCreations(ctx, req); err != nil {
		return err
	}
	var byID, byKey []int
	for i := range req.Records {
		switch rec := &req.Records[i]; {
		case rec.Action == sink.Update, rec.Action == sink.Delete:
			byID = append(byID, i)
		case rec.Action == sink.Upsert && req.Target.KeyColumn >= 0:
			byKey = append(byKey, i)
		}
	}
	found := make([]*sink.Match, len(req.Records))
	if err := w.ask(ctx, req, byID, idField(w.Target.Object), want, found); err != nil {
		return err
	}
	if err := w.ask(ctx, req, byKey, sink.KeyField{Name: req.Target.Key, Fold: req.Target.Fold}, want, found); err != nil {
		return err
	}
	var ids, missing []string
	var places []int
	made := make(map[int]bool) // by an earlier try whose answer was lost
	for i, m := range found {
		rec := &req.Records[i]
		var key string
		if req.Target.KeyColumn >= 0 && (rec.Action == sink.Upsert || rec.Action == sink.Update && rec.Resend) {
			key = req.Target.Fold(rec.Batch.Cell(rec.Row, req.Target.KeyColumn).Text)
		}
		switch {
		case m != nil:
			ids, places = append(ids, m.ID), append(places, i)
			if key != "" && rec.Resend {
				var err error
				if made[i], err = w.Store.missed(ctx, w.Org, req.Target.Object, key); err != nil {
					return err
				}
			}
		case rec.Action != sink.Upsert:
		case key != "":
			missing = append(missing, key)
		}
	}
	if err := w.Store.miss(ctx, w.Org, req.Target.Object, missing); err != nil {
		return err
	}
	return w.Store.change(ctx, w.Org, req.Target.Object, ids, func(n int, r *Record) {
		i := places[n]
		was[i] = standing{r.ID, r.Deleted, maps.Clone(r.pending)}
		r.maybe = r.maybe || made[i] && r.fresh
		w.intend(r, &req.Records[i], found[i], want)
		if r.maybe && r.fresh {
			r.first = w.Since
		}
	})
}

// audits are the fields of the object that say who modified a record when.
func (w *Writer) audits() []field {
	var fields []field
	for _, name := range auditFields() {
		if f := w.Target.Object.Field(name); f != nil {
			fields = append(fields, field{Name: name, Type: f.Type, Restore: name})
		}
	}
	return fields
}

func auditFields() []string {
	return []string{"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"}
}

// know tells the store of fields that are new to it.
func (w *Writer) know(ctx context.Context, object string, fields []field) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	fields = slices.DeleteFunc(slices.Clone(fields), func(f field) bool { return w.known[f.Name] })
	if len(fields) == 0 {
		return nil
	}
	if err := w.Store.know(ctx, w.Org, object, fields); err != nil {
		return err
	}
	for _, f := range fields {
		w.known[f.Name] = true
	}
	return nil
}

// intend notes what is about to be done to a record that holds the values m.
func (w *Writer) intend(r *Record, rec *sink.Record, m *sink.Match, want []string) {
	now := w.Now()
	if r.fresh {
		r.first = now
	}
	r.Target, r.last = w.Target.Name, now
	if rec.Action == sink.Delete {
		r.Deleted = true
		return
	}
	r.pending = merged(r.pending, sent(rec))
	if r.Created {
		return // undoing it deletes the record
	}
	if r.Before == nil {
		r.Before = make(Values)
	}
	for c, name := range want {
		if _, known := r.Before[name]; !known && c < len(m.Values) {
			r.Before[name] = valueOf(m.Values[c])
		}
	}
}

// merged adds values to others.
func merged(to, from Values) Values {
	if to == nil {
		to = make(Values, len(from))
	}
	for name, v := range from {
		to[name] = v
	}
	return to
}

// wanted lists what is asked of a record whose fields are about to change: paths and references both.
func wanted(fields []field) []string {
	var names []string
	for _, f := range fields {
		for _, name := range []string{f.Name, f.Restore} {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func idField(o *schema.Object) sink.KeyField {
	f := o.Field("Id")
	if f == nil {
		f = &schema.Field{Name: "Id", Type: schema.ID, Length: 18, IDLookup: true}
	}
	return sink.KeyField{Name: f.Name, Fold: f.FoldKey}
}

// ask looks records of a request up. Deletes need no values, so they are taken as they come.
func (w *Writer) ask(ctx context.Context, req *sink.Request, places []int, by sink.KeyField, want []string, found []*sink.Match) error {
	var keys []string
	at := make(map[string][]int)
	for _, i := range places {
		rec := &req.Records[i]
		if rec.Action == sink.Delete {
			found[i] = &sink.Match{ID: rec.ID}
			continue
		}
		text := rec.ID
		if rec.Action == sink.Upsert {
			text = rec.Batch.Cell(rec.Row, req.Target.KeyColumn).Text
		}
		key := strings.Clone(by.Fold(text))
		if at[key] == nil {
			keys = append(keys, key)
		}
		at[key] = append(at[key], i)
	}
	return each(ctx, w.Matcher, &sink.Lookup{Object: req.Target.Object, By: []sink.KeyField{by}, Want: want}, keys, func(key string, m []sink.Match) {
		if len(m) == 1 { // several: the org refuses the key
			for _, i := range at[key] {
				found[i] = &m[0]
			}
		}
	})
}

// each looks keys up, in as many calls as it takes.
func each(ctx context.Context, by sink.Matcher, q *sink.Lookup, keys []string, f func(key string, m []sink.Match)) error {
	for len(keys) > 0 {
		q.Keys = keys
		q.Keys = keys[:min(len(keys), max(1, by.LookupKeys(q)))]
		if err := by.Lookup(ctx, q); err != nil {
			return err
		}
		for i, key := range q.Keys {
			f(key, q.Found[i])
		}
		keys = keys[len(q.Keys):]
	}
	return nil
}

// note keeps what became of the records of a request, which left after first. Where an answer was lost the org's
// word for a creation is not to be had (the client infers it from dates, see [sink.Record]): a record that was
// there before the first try, and so is in the store, is no creation. Without was the results are those of the first
// request, and certain.
func (w *Writer) note(ctx context.Context, req *sink.Request, results []sink.Result, first time.Time, was []standing) error {
	certain := was == nil
	if certain {
		was = make([]standing, len(results))
	}
	var ids []string
	var places []int
	for i := range results {
		id := cmp.Or(results[i].ID, req.Records[i].ID, was[i].id)
		if id != "" && req.Records[i].Action != sink.Publish {
			ids, places = append(ids, id), append(places, i)
		}
	}
	if err := w.noteCreations(ctx, req, results); err != nil {
		return err
	}
	now := w.Now()
	return w.Store.change(ctx, w.Org, req.Target.Object, ids, func(n int, r *Record) {
		rec, res := &req.Records[places[n]], &results[places[n]]
		if r.fresh {
			switch res.Status {
			case sink.Created, sink.Updated, sink.Deleted:
			case sink.Unknown, sink.Failed, sink.NotSent, sink.Published:
				return // nothing was done to it, or nobody knows: what is kept before it is sent again comes first
			}
			if r.Target, r.first = w.Target.Name, first; rec.Resend {
				r.first = w.Since
			}
		}
		r.last = now
		switch res.Status {
		case sink.Created, sink.Updated:
			r.After, r.pending = merged(r.After, sent(rec)), nil
			if res.Status == sink.Created && (r.fresh || r.maybe || certain && rec.Action != sink.Update) {
				r.Created, r.maybe, r.Before = true, false, nil
			}
		case sink.Deleted:
			r.Deleted = true
		case sink.Failed, sink.NotSent:
			if res.Status == sink.Failed && res.Err != nil && res.Err.Lost {
				return // an attempt before the one that was refused may have done it
			}
			if r.pending = was[places[n]].pending; rec.Action == sink.Delete {
				r.Deleted = was[places[n]].deleted
			}
		case sink.Unknown, sink.Published:
		}
	})
}
