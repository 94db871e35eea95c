package backup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// org is an org of one object: records by id, and what happens to writes.
type org struct {
	t       *testing.T
	records map[string]Values
	lookups int
	asked   error  // of the next lookup
	writing func() // before a write
	fail    map[string]*sink.Error
	lost    bool // answers to writes
}

func (o *org) Limits() sink.Limits { return sink.Limits{Records: 3} }

func (o *org) LookupKeys(l *sink.Lookup) int { return min(2, len(l.Keys)) }

func (o *org) Lookup(_ context.Context, l *sink.Lookup) error {
	o.lookups++
	l.Found = make([][]sink.Match, len(l.Keys))
	for i, key := range l.Keys {
		for id, v := range o.records {
			if id != key && v["Key__c"].Text != key {
				continue
			}
			m := sink.Match{ID: id}
			for _, name := range l.Want {
				m.Values = append(m.Values, v[name].cell())
			}
			l.Found[i] = append(l.Found[i], m)
		}
	}
	return o.asked
}

func (o *org) Write(_ context.Context, req *sink.Request, results []sink.Result) error {
	if o.writing != nil {
		o.writing()
	}
	for i := range req.Records {
		rec, res := &req.Records[i], &results[i]
		id, status := rec.ID, sink.Updated
		v := sent(rec)
		switch {
		case o.fail[id] != nil:
			*res = sink.Result{Status: sink.Failed, Err: o.fail[id]}
			continue
		case rec.Action == sink.Delete:
			delete(o.records, id)
			*res = sink.Result{Status: sink.Deleted, ID: id}
			continue
		case rec.Action != sink.Update:
			id = "003000000000" + v["Key__c"].Text + "AAA"
			if o.records[id] == nil {
				status = sink.Created
			}
		}
		o.records[id] = merged(o.records[id], v)
		*res = sink.Result{Status: status, ID: id}
		if o.lost {
			*res = sink.Result{}
		}
	}
	return nil
}

const (
	able  = "003000000000001AAA"
	baker = "003000000000002AAA"
)

func text(s string) Value { return Value{Kind: row.Text, Text: s} }

func object() *schema.Object {
	s := schema.New("test")
	s.Add(&schema.Object{Name: "Contact", Fields: []*schema.Field{
		{Name: "Id", Type: schema.ID, Length: 18, IDLookup: true},
		{Name: "Key__c", Type: schema.String, Length: 20},
		{Name: "Phone", Type: schema.Phone},
		{Name: "Amount__c", Type: schema.Double},
	}})
	return s.Object("Contact")
}

// world is a store, an org and a writer between them.
func world(t *testing.T) (*Store, *org, *Writer) {
	t.Helper()
	s, err := Create(t.Context(), filepath.Join(t.TempDir(), File))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	o := &org{t: t, records: map[string]Values{able: {"Key__c": text("001"), "Phone": text("1")}}}
	w, ok := Wrap(Options{
		Store: s, Target: &mapping.PlanTarget{Name: "contact", Object: object()}, Writer: o, Matcher: o, Now: time.Now,
	}).(*Writer)
	if !ok {
		t.Fatal("the writer is a Resumer though what is wrapped is none")
	}
	return s, o, w
}

// request makes a request of records: an action, an id, and the fields.
func request(action sink.Action, id string, fields Values) *sink.Request {
	var cols []row.Column
	for _, name := range []string{"Key__c", "Phone", "Amount__c"} {
		if _, ok := fields[name]; ok {
			cols = append(cols, row.Column{Name: name})
		}
	}
	s := row.NewSchema(cols...)
	b := row.New(s)
	b.AddRow(1)
	for c, col := range s.Columns {
		v := fields[col.Name]
		b.Set(0, c, v.Kind, v.Text)
	}
	return &sink.Request{
		Target:  &sink.Target{Object: "Contact", Key: "Key__c", KeyColumn: s.Index("Key__c"), Fold: func(s string) string { return s }},
		Records: []sink.Record{{Batch: b, Action: action, ID: id}},
	}
}

func write(t *testing.T, w sink.Writer, req *sink.Request) sink.Result {
	t.Helper()
	results := make([]sink.Result, len(req.Records))
	if err := w.Write(t.Context(), req, results); err != nil {
		t.Fatal(err)
	}
	return results[0]
}

func all(t *testing.T, s *Store) []*Record {
	t.Helper()
	var list []*Record
	if err := s.Each(t.Context(), 1, func(r []*Record) error { list = append(list, r...); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestBeforeIsOnDiskBeforeTheWrite(t *testing.T) {
	s, o, w := world(t)
	seen := 0
	o.writing = func() {
		for _, r := range all(t, s) {
			seen++
			if got := r.Before["Phone"]; got != text("1") {
				t.Errorf("before %v, want 1", got)
			}
		}
	}
	write(t, w, request(sink.Update, able, Values{"Phone": text("2")}))
	if seen != 1 {
		t.Errorf("%d records in the store when the request left, want 1", seen)
	}
}

func TestNothingLeavesWithoutBefore(t *testing.T) {
	_, o, w := world(t)
	o.asked = errors.New("down")
	o.writing = func() { t.Error("the request left") }
	results := make([]sink.Result, 1)
	if err := w.Write(t.Context(), request(sink.Update, able, Values{"Phone": text("2")}), results); !errors.Is(err, o.asked) {
		t.Errorf("error %v", err)
	}
	if results[0].Status != sink.NotSent {
		t.Errorf("status %v, want not sent", results[0].Status)
	}
}

// A run that is resumed, or has two rows for a record, writes it twice: what it held first counts, and what
// was written last.
func TestFirstBeforeCounts(t *testing.T) {
	s, o, w := world(t)
	write(t, w, request(sink.Update, able, Values{"Phone": text("2")}))
	o.lost = true
	write(t, w, request(sink.Upsert, "", Values{"Key__c": text("001"), "Phone": text("3"), "Amount__c": {Kind: row.Number, Text: "1.50"}}))
	got := all(t, s)[0]
	want := Values{"Key__c": text("001"), "Phone": text("1"), "Amount__c": {Kind: row.Null}}
	if diff := cmp.Diff(want, got.Before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Values{"Phone": text("2")}, got.After); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	// The answer was lost: the field holds what may have been written.
	u := &Undo{Store: s, Orgs: map[string]Org{"": {Writer: o, Matcher: o}}}
	o.lost = false
	if err := u.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := o.records[able]["Phone"]; got != text("1") {
		t.Errorf("phone %v after the undo, want 1", got)
	}
}

func TestUndo(t *testing.T) {
	locked := &sink.Error{Class: sink.Retry, Code: "UNABLE_TO_LOCK_ROW"}
	tests := []struct {
		name  string
		run   func(t *testing.T, w *Writer)
		since func(o *org)
		fate  Fate
		code  string
		want  map[string]Values
	}{
		{"a created record goes", create, func(*org) {}, Gone, "", map[string]Values{}},
		{"one that was edited stays", create, func(o *org) { o.records[baker]["Phone"] = text("9") }, Left, CodeEdited, map[string]Values{baker: {"Key__c": text("002"), "Phone": text("9")}}},
		{"one that is gone is done", create, func(o *org) { delete(o.records, baker) }, Nothing, "", map[string]Values{}},
		{"one that the org keeps is refused", create, func(o *org) { o.fail = map[string]*sink.Error{baker: {Code: "DELETE_FAILED"}} }, Refused, "DELETE_FAILED", map[string]Values{baker: {"Key__c": text("002"), "Phone": text("2")}}},
		{"one that is locked stays refused", create, func(o *org) { o.fail = map[string]*sink.Error{baker: locked} }, Refused, locked.Code, map[string]Values{baker: {"Key__c": text("002"), "Phone": text("2")}}},
		{"a changed field is restored", change, func(*org) {}, Restored, "", map[string]Values{able: {"Key__c": text("001"), "Phone": text("1")}}},
		{"one that was edited stays as it is", change, func(o *org) { o.records[able]["Phone"] = text("9") }, Left, CodeEdited, map[string]Values{able: {"Key__c": text("001"), "Phone": text("9")}}},
		{"one that holds what it held is done", change, func(o *org) { o.records[able]["Phone"] = text("1") }, Nothing, "", map[string]Values{able: {"Key__c": text("001"), "Phone": text("1")}}},
		{"other fields do not matter", change, func(o *org) { o.records[able]["Key__c"] = text("X") }, Restored, "", map[string]Values{able: {"Key__c": text("X"), "Phone": text("1")}}},
		{"a changed record that is gone is left", change, func(o *org) { delete(o.records, able) }, Left, CodeMissing, map[string]Values{}},
		{"a created record goes that was to be deleted, and no answer came", func(t *testing.T, w *Writer) {
			create(t, w)
			org := w.Options.Writer
			w.Options.Writer = writerFunc(func(sink.Request) sink.Result { return sink.Result{} })
			write(t, w, request(sink.Delete, baker, nil))
			w.Options.Writer = org
		}, func(*org) {}, Gone, "", map[string]Values{}},
		{"one that was sent what it held, and deleted, comes back", func(t *testing.T, w *Writer) {
			write(t, w, request(sink.Update, able, Values{"Key__c": text("001")}))
			remove(t, w)
		}, func(*org) {}, Back, "", map[string]Values{able: {"Key__c": text("001")}}},
		{"a deleted record comes back", remove, func(*org) {}, Back, "", map[string]Values{able: {"Key__c": text("001")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, o, w := world(t)
			tt.run(t, w)
			if tt.fate == Gone || tt.fate == Refused || tt.code == CodeEdited && len(o.records) == 2 || tt.fate == Nothing && len(o.records) == 2 {
				delete(o.records, able) // not the run's: only what it made is compared
			}
			tt.since(o)
			u := &Undo{Store: s, Orgs: map[string]Org{"": {Writer: o, Matcher: o, Undelete: func(_ context.Context, ids []string, results []sink.Result) error {
				for i, id := range ids {
					o.records[id] = Values{"Key__c": text("001")}
					results[i].Status = sink.Updated
				}
				return nil
			}}}, Backoff: func(n int) (time.Duration, bool) { return 0, n < 4 }}
			counts, err := u.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if planned := tt.fate; planned != Refused && counts["contact"][planned] != 1 {
				t.Errorf("planned %v, want one %s", counts, planned)
			}
			if err := u.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := all(t, s)
			if len(got) != 1 || got[0].Outcome != tt.fate || got[0].Code != tt.code {
				t.Errorf("%d records, %q %q, want %q %q", len(got), got[0].Outcome, got[0].Code, tt.fate, tt.code)
			}
			if diff := cmp.Diff(tt.want, o.records); diff != "" {
				t.Errorf("the org (-want +got):\n%s", diff)
			}
			// Once decided a record is not looked at again.
			before := o.lookups
			if err := u.Run(t.Context()); err != nil || o.lookups != before {
				t.Errorf("a second run looked again: %v", err)
			}
		})
	}
}

// What the org refused one undo is planned, and done, by the next one.
func TestUndoAgain(t *testing.T) {
	s, o, w := world(t)
	create(t, w)
	o.fail = map[string]*sink.Error{baker: {Code: "DELETE_FAILED"}}
	u := &Undo{Store: s, Orgs: map[string]Org{"": {Writer: o, Matcher: o}}}
	if err := u.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.fail = nil
	counts, err := u.Plan(t.Context())
	if err != nil || counts["contact"][Gone] != 1 {
		t.Errorf("planned %v (%v), want one %s", counts, err, Gone)
	}
	if got := all(t, s)[0].Outcome; got != Refused {
		t.Errorf("the plan made %q of what was refused", got)
	}
	if err := errors.Join(s.Again(t.Context()), u.Run(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got := all(t, s)[0].Outcome; got != Gone {
		t.Errorf("the second undo made it %q, want %s", got, Gone)
	}
}

func create(t *testing.T, w *Writer) {
	if res := write(t, w, request(sink.Create, "", Values{"Key__c": text("002"), "Phone": text("2")})); res.ID != baker {
		t.Fatalf("created %+v", res)
	}
}

func change(t *testing.T, w *Writer) {
	write(t, w, request(sink.Update, able, Values{"Phone": text("2")}))
}

func remove(t *testing.T, w *Writer) { write(t, w, request(sink.Delete, able, nil)) }

// A created record that was modified later, or by somebody else, is edited, whatever its fields hold.
func TestEditedByDate(t *testing.T) {
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	stored := func(by, modified string) Values {
		return Values{
			"CreatedDate": text("2026-01-01T10:00:00.000+0000"), "CreatedById": text("005A"),
			"LastModifiedDate": text(modified), "LastModifiedById": text(by),
		}
	}
	p := &piece{}
	r := &Record{Created: true, first: at, last: at.Add(3 * time.Second)}
	for _, tt := range []struct {
		name   string
		stored Values
		edited bool
	}{
		{"not at all", stored("005A", "2026-01-01T10:00:00.000+0000"), false},
		{"within the run's request", stored("005A", "2026-01-01T10:00:04.000+0000"), false},
		{"later", stored("005A", "2026-01-01T10:00:05.000+0000"), true},
		{"by somebody else", stored("005B", "2026-01-01T10:00:01.000+0000"), true},
		{"nobody knows", Values{}, false},
	} {
		if why, _ := p.edited(r, tt.stored); (why != "") != tt.edited {
			t.Errorf("%s: %q", tt.name, why)
		}
	}
	r.last = at.Add(-time.Hour) // our clock was set back meanwhile
	if why, _ := p.edited(r, stored("005A", "2026-01-01T10:00:00.000+0000")); why != "" {
		t.Errorf("by a clock that was set back: %q", why)
	}
}

func TestStoreFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%?#.db")
	if _, err := Open(t.Context(), path); !errors.Is(err, os.ErrNotExist) || !errors.Is(err, ErrBackup) {
		t.Errorf("open none: %v", err)
	}
	s, err := Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v %v, want readable by its user only", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("no database, and long enough to look like one if it were"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); !errors.Is(err, ErrBackup) {
		t.Errorf("open a damaged one: %v", err)
	}
}

// After a kill the client takes a record that is as young as the run for one that the run created. What was looked
// up before the first try knows better, and never lets an undo delete what was there.
func TestResentRecords(t *testing.T) {
	for _, tt := range []struct {
		name    string
		key, id string
		before  bool // the first try came to send
		resend  bool // this is a later one, and not the client's own
		created bool
	}{
		{"there before", "001", able, true, true, false},
		{"there before, and the first try was killed before it looked", "001", able, false, true, false},
		{"there before, and the client has sent it twice", "001", able, false, false, false},
		{"created by the first try", "002", baker, true, true, true},
		{"created by the only try", "002", baker, false, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, o, w := world(t)
			req := request(sink.Upsert, "", Values{"Key__c": text(tt.key), "Phone": text("2")})
			if tt.before { // and its answer was lost
				o.lost = true
				write(t, w, req)
				o.lost = false
			}
			req.Records[0].Resend = tt.resend
			results := make([]sink.Result, 1)
			w.Options.Writer = writerFunc(func(sink.Request) sink.Result { return sink.Result{Status: sink.Created, ID: tt.id} })
			if err := w.Write(t.Context(), req, results); err != nil {
				t.Fatal(err)
			}
			got := all(t, s)
			if len(got) != 1 || got[0].Created != tt.created || got[0].ID != tt.id {
				t.Errorf("%+v, want created %t", *got[0], tt.created)
			}
			if !tt.created && got[0].Before["Phone"] != text("1") {
				t.Errorf("before %v, want 1", got[0].Before)
			}
		})
	}
}

type writerFunc func(sink.Request) sink.Result

func (f writerFunc) Limits() sink.Limits { return sink.Limits{Records: 1} }

func (f writerFunc) Write(_ context.Context, req *sink.Request, results []sink.Result) error {
	results[0] = f(*req)
	return nil
}

// A request that is refused, or does not leave, says nothing of the one before it: what that did, or may have done
// where its answer was lost, is taken back.
func TestUndoOfWhatIsRefusedLater(t *testing.T) {
	update := func() *sink.Request { return request(sink.Update, able, Values{"Phone": text("2")}) }
	lost := func(t *testing.T, o *org, w *Writer) {
		o.lost = true
		write(t, w, update())
		o.lost = false
	}
	upsert := request(sink.Upsert, "", Values{"Key__c": text("001"), "Phone": text("2")})
	deleted := func(t *testing.T, _ *org, w *Writer) { remove(t, w) }
	nothing := func(*testing.T, *org, *Writer) {}
	refused := func(code string) sink.Result { return sink.Result{Status: sink.Failed, Err: &sink.Error{Code: code}} }
	for _, tt := range []struct {
		name string
		run  func(*testing.T, *org, *Writer)
		req  *sink.Request
		then func(o *org) sink.Result
		fate Fate
	}{
		{"refused", nothing, update(), func(*org) sink.Result { return refused("NO") }, Nothing},
		{"an upsert that is refused, and another run has written the same since", nothing, upsert, func(o *org) sink.Result {
			o.records[able]["Phone"] = text("2")
			return refused("NO")
		}, Nothing},
		{"an upsert that is not sent, and another run has written the same since", nothing, upsert, func(o *org) sink.Result {
			o.records[able]["Phone"] = text("2")
			return sink.Result{Status: sink.NotSent}
		}, Nothing},
		{"an upsert that was lost, then refused", func(t *testing.T, o *org, w *Writer) {
			o.lost = true
			write(t, w, upsert)
			o.lost = false
		}, upsert, func(*org) sink.Result { return refused("NO") }, Restored},
		{"lost, then refused", lost, update(), func(*org) sink.Result { return refused("UNABLE_TO_LOCK_ROW") }, Restored},
		{"lost, then not sent", lost, update(), func(*org) sink.Result { return sink.Result{Status: sink.NotSent} }, Restored},
		{"lost and refused in one request", nothing, update(), func(o *org) sink.Result {
			o.records[able]["Phone"] = text("2")
			res := refused("FIELD_INTEGRITY_EXCEPTION")
			res.Err.Lost = true
			return res
		}, Restored},
		{"deleted, and again by another row", deleted, request(sink.Delete, able, nil), func(*org) sink.Result { return refused("ENTITY_IS_DELETED") }, Back},
		{"deleted, and not sent again", deleted, request(sink.Delete, able, nil), func(*org) sink.Result { return sink.Result{Status: sink.NotSent} }, Back},
		{
			"refused to be deleted, and gone since", func(_ *testing.T, o *org, _ *Writer) { delete(o.records, able) }, request(sink.Delete, able, nil),
			func(*org) sink.Result { return refused("DELETE_FAILED") }, Left,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, o, w := world(t)
			tt.run(t, o, w)
			w.Options.Writer = writerFunc(func(sink.Request) sink.Result { return tt.then(o) })
			write(t, w, tt.req)
			w.Options.Writer = o
			u := &Undo{Store: s, Orgs: map[string]Org{"": {Writer: o, Matcher: o, Undelete: func(_ context.Context, ids []string, results []sink.Result) error {
				for i := range ids {
					results[i].Status = sink.Updated
				}
				return nil
			}}}}
			if err := u.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := all(t, s); len(got) != 1 || got[0].Outcome != tt.fate {
				t.Errorf("%+v, want one %s", got[0], tt.fate)
			}
		})
	}
}

// The org refuses to bring back what is back: by a call before, whose answer was lost. What the record held is
// restored, too.
func TestUndeletedWithoutAnAnswer(t *testing.T) {
	for _, there := range []bool{true, false} {
		s, o, w := world(t)
		change(t, w)
		remove(t, w)
		u := &Undo{Store: s, Orgs: map[string]Org{"": {Writer: o, Matcher: o, Undelete: func(_ context.Context, _ []string, results []sink.Result) error {
			if there {
				o.records[able] = Values{"Key__c": text("001"), "Phone": text("2")}
			}
			results[0] = sink.Result{Status: sink.Failed, Err: &sink.Error{Code: CodeNotUndeletable}}
			return nil
		}}}}
		if err := u.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want, code := Back, ""
		if !there {
			want, code = Refused, CodeNotUndeletable
		}
		if got := all(t, s); len(got) != 1 || got[0].Outcome != want || got[0].Code != code {
			t.Errorf("there %t: %+v, want %s", there, got[0], want)
		}
		if there && o.records[able]["Phone"] != text("1") {
			t.Errorf("it holds %v", o.records[able])
		}
	}
}
