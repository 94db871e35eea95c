package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

const me = "005000000000001AAA"

// The ends that a try at a record can have.
const (
	answered   = "answered"
	lostAfter  = "done, and no answer"
	lostBefore = "not done, and no answer"
	refused    = "refused"
	unsent     = "not sent"
)

// model is an org of contacts with a recycle bin, whose clock is the run's. What end says becomes of a try.
type model struct {
	records, bin map[string]Values
	made         int
	now          func() time.Time
	began        time.Time
	end          func() string
}

func (m *model) stamp() Value { return text(m.now().Format("2006-01-02T15:04:05.000-0700")) }

func (m *model) Limits() sink.Limits { return sink.Limits{Records: 2} }

func (m *model) LookupKeys(l *sink.Lookup) int { return len(l.Keys) }

func (m *model) Lookup(_ context.Context, l *sink.Lookup) error {
	l.Found = make([][]sink.Match, len(l.Keys))
	for i, key := range l.Keys {
		id := key
		if l.By[0].Name != "Id" {
			id = m.holder(key)
		}
		if v := m.records[id]; v != nil {
			found := sink.Match{ID: id}
			for _, name := range l.Want {
				found.Values = append(found.Values, v[name].cell())
			}
			l.Found[i] = []sink.Match{found}
		}
	}
	return nil
}

// holder returns the id of the record that has a key, "" for none.
func (m *model) holder(key string) string {
	for id, v := range m.records {
		if v["Key__c"].Text == key {
			return id
		}
	}
	return ""
}

func (m *model) Write(_ context.Context, req *sink.Request, results []sink.Result) error {
	for i := range req.Records {
		switch end := m.end(); end {
		case lostBefore:
			results[i] = sink.Result{}
		case refused:
			results[i] = sink.Result{Status: sink.Failed, Err: &sink.Error{Class: sink.Retry, Code: "UNABLE_TO_LOCK_ROW"}}
		case unsent:
			results[i] = sink.Result{Status: sink.NotSent}
		default:
			results[i] = m.write(&req.Records[i])
			if end == lostAfter {
				results[i] = sink.Result{}
			}
		}
	}
	return nil
}

func (m *model) write(rec *sink.Record) sink.Result {
	id, v, now := rec.ID, sent(rec), m.stamp()
	switch rec.Action {
	case sink.Upsert:
		id = m.holder(v["Key__c"].Text)
	case sink.Create:
		id = ""
	}
	gone := &sink.Error{Code: "ENTITY_IS_DELETED"}
	was := m.records[id]
	switch {
	case rec.Action == sink.Delete && was == nil && rec.Resend:
		return sink.Result{Status: sink.Deleted, ID: id, Err: gone}
	case id != "" && was == nil:
		return sink.Result{Status: sink.Failed, Err: gone}
	case rec.Action == sink.Delete:
		m.bin[id] = was
		delete(m.records, id)
		return sink.Result{Status: sink.Deleted, ID: id}
	case id == "":
		m.made++
		id = fmt.Sprintf("00300000000%04dAAA", 1000+m.made)
		m.records[id] = merged(v, Values{"CreatedDate": now, "CreatedById": text(me), "LastModifiedDate": now, "LastModifiedById": text(me)})
		return sink.Result{Status: sink.Created, ID: id}
	}
	m.records[id] = merged(merged(merged(nil, was), v), Values{"LastModifiedDate": now, "LastModifiedById": text(me)})
	if at, err := when(was["CreatedDate"]); err == nil && rec.Resend && at.After(m.began) {
		return sink.Result{Status: sink.Created, ID: id} // as the client concludes
	}
	return sink.Result{Status: sink.Updated, ID: id}
}

func (m *model) undelete(_ context.Context, ids []string, results []sink.Result) error {
	for i, id := range ids {
		results[i] = sink.Result{Status: sink.Failed, Err: &sink.Error{Code: CodeNotUndeletable}}
		if v := m.bin[id]; v != nil {
			m.records[id] = v
			delete(m.bin, id)
			results[i] = sink.Result{Status: sink.Updated, ID: id}
		}
	}
	return nil
}

// shown is what an undo has to give back of the records.
func (m *model) shown() map[string][2]string {
	all := make(map[string][2]string)
	for id, v := range m.records {
		all[id] = [2]string{v["Key__c"].Text, v["Phone"].Text}
	}
	return all
}

// TestUndoOfAnyRun: whatever rows a run had, however often each was sent, killed over and answered or not, its undo gives
// back what the org held, where nobody else writes; so does one whose own answers get lost, once it is said again.
func TestUndoOfAnyRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "sfsync-undo-*")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s, err := Create(t.Context(), filepath.Join(dir, File))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		clock := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		now := func() time.Time { clock = clock.Add(time.Millisecond); return clock }
		m := &model{records: make(map[string]Values), bin: make(map[string]Values), now: now, began: clock}
		old := text("2026-01-01T00:00:00.000+0000")
		for i := range rapid.IntRange(0, 2).Draw(t, "records") {
			m.records[fmt.Sprintf("00300000000%04dAAA", i)] = Values{
				"Key__c": text(fmt.Sprint("k", i)), "Phone": text("before"),
				"CreatedDate": old, "CreatedById": text(me), "LastModifiedDate": old, "LastModifiedById": text(me),
			}
		}
		want := m.shown()
		r := &rows{store: s, org: m, native: rapid.Bool().Draw(t, "native"), doubted: make(map[string]bool)}
		for n := range rapid.IntRange(1, 6).Draw(t, "rows") {
			key := fmt.Sprint("k", rapid.IntRange(0, 2).Draw(t, "key"))
			if !r.doubted[key] { // else the record holds one of two rows' values, and is left alone
				r.send(t, key, fmt.Sprint("v", n))
			}
		}
		u := &Undo{Store: s, Orgs: map[string]Org{"": {Writer: m, Matcher: m, Undelete: m.undelete, User: func(context.Context) string { return me }}}}
		m.end = func() string {
			return rapid.SampledFrom([]string{answered, lostAfter, lostBefore, refused, unsent}).Draw(t, "end of the undo")
		}
		for again := rapid.IntRange(0, 2).Draw(t, "undos"); again > 0; again-- {
			if err := errors.Join(u.Run(t.Context()), s.Again(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		m.end = func() string { return answered }
		if err := u.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		err = s.Each(t.Context(), 10, func(all []*Record) error {
			for _, r := range all {
				if r.Outcome == Left || r.Outcome == Refused || r.Outcome == "" {
					t.Errorf("%+v", *r)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, m.shown()); diff != "" {
			t.Errorf("the org (-before +after):\n%s", diff)
		}
	})
}

// rows sends rows as a run does.
type rows struct {
	store   *Store
	org     *model
	native  bool // the org knows the key
	doubted map[string]bool
}

// begin returns a writer of the next try at the run.
func (r *rows) begin() sink.Writer {
	o := object()
	for _, name := range auditFields() {
		o.Fields = append(o.Fields, &schema.Field{Name: name, Type: schema.DateTime})
	}
	o.Index()
	target := &mapping.PlanTarget{Name: "contact", Object: o, Keys: []mapping.Key{{Fields: []*schema.Field{o.Field("Key__c")}, Columns: []int{0}}}}
	return Wrap(Options{Store: r.store, Target: target, Writer: r.org, Matcher: r.org, Now: r.org.now, Since: r.org.began})
}

// send sends one row until it is answered, or given up.
func (r *rows) send(t *rapid.T, key, phone string) {
	remove := rapid.Bool().Draw(t, "delete")
	id := r.org.holder(key)
	if remove && id == "" && len(r.org.bin) > 0 { // an earlier row has deleted it, which this one does not know
		for gone, v := range r.org.bin {
			if v["Key__c"] == text(key) && gone > id {
				id = gone
			}
		}
	}
	if remove && id == "" {
		return
	}
	w, lost := r.begin(), false
	for tries := rapid.IntRange(1, 4).Draw(t, "tries"); tries > 0; tries-- {
		var req *sink.Request
		switch values := (Values{"Key__c": text(key), "Phone": {Kind: row.Text, Text: phone}}); {
		case remove:
			req = request(sink.Delete, id, nil)
		case r.native:
			req = request(sink.Upsert, "", values)
		case r.org.holder(key) != "":
			req = request(sink.Update, r.org.holder(key), values)
		default:
			req = request(sink.Create, "", values)
		}
		req.Records[0].Resend = lost
		r.org.end = func() string {
			if tries == 1 && r.native && !remove { // one in flight is not looked for
				return answered
			}
			return rapid.SampledFrom([]string{answered, lostAfter, lostBefore, refused, unsent}).Draw(t, "end")
		}
		results := make([]sink.Result, 1)
		if err := w.Write(t.Context(), req, results); err != nil {
			t.Fatal(err)
		}
		switch res := &results[0]; {
		case res.Status == sink.Unknown:
			lost = true
		case res.Status == sink.NotSent, res.Status == sink.Failed && res.Err.Class == sink.Retry:
		default:
			return
		}
		if rapid.Bool().Draw(t, "killed") {
			w = r.begin()
		}
	}
	r.doubted[key] = lost
}
