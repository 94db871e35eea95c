// Package sinktest is the suite that every [sink.Writer] passes. A writer's own test calls
// [Test] with a way to make fresh writers and to look at what arrived.
package sinktest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Harness is a writer under test with an empty object behind it.
type Harness struct {
	Writer sink.Writer
	// Target has a key field of text that folds to lower case.
	Target *sink.Target
	// Schema has the target's key at Target.KeyColumn and a text field at Text that may be
	// changed and cleared. Fixed are the other values that a new record needs, by column.
	Schema *row.Schema
	Text   int
	Fixed  map[int]string
	// Refuse turns a row into one that the org refuses; nil if the writer refuses none.
	Refuse func(b *row.Batch, r int)
	// Nobody is an id of the target's object that no record has.
	Nobody string
	// Stateless is set for a writer that does not remember records.
	Stateless bool
	// Event is where platform events go, nil if the writer takes none.
	Event *Event
	// Lose makes the answer to the next write get lost, after the org has carried it out or before
	// the request reaches it; nil if that cannot be had.
	Lose func(t *testing.T, after bool)
	// Read returns the text field of the record with a key, "" if it is null; nil if what was
	// written cannot be seen. It fails the test by itself where it cannot read.
	Read func(t *testing.T, key string) (text string, ok bool)
}

// Event is a platform event.
type Event struct {
	Target *sink.Target
	Schema *row.Schema
	Fixed  map[int]string
	// Published returns how many events the org has taken; nil if it cannot be seen.
	Published func(t *testing.T) int
}

// events returns a request for n of them.
func (e *Event) events(n int) *sink.Request {
	h := Harness{Target: e.Target}
	b := row.New(e.Schema)
	for i := range n {
		r := b.AddRow(int64(i + 1))
		for c, v := range e.Fixed {
			b.Set(r, c, row.Text, v)
		}
	}
	return h.request(b, sink.Publish)
}

// rows returns a batch of n rows with the keys prefix-0, prefix-1 … and the given text.
func (h *Harness) rows(prefix string, n int, text string) *row.Batch {
	b := row.New(h.Schema)
	for i := range n {
		h.add(b, fmt.Sprintf("%s-%d", prefix, i), text)
	}
	return b
}

func (h *Harness) add(b *row.Batch, key, text string) {
	r := b.AddRow(int64(b.Len() + 1))
	for c, v := range h.Fixed {
		b.Set(r, c, row.Text, v)
	}
	if key != "" {
		b.Set(r, h.Target.KeyColumn, row.Text, key)
	}
	b.Set(r, h.Text, row.Text, text)
}

func (h *Harness) request(b *row.Batch, act sink.Action) *sink.Request {
	req := &sink.Request{Target: h.Target}
	for i := range b.Len() {
		req.Records = append(req.Records, sink.Record{Batch: b, Row: i, Action: act})
	}
	return req
}

// write sends a request and checks what every answer must be like.
func write(t *testing.T, w sink.Writer, req *sink.Request) []sink.Result {
	t.Helper()
	results := dirty(len(req.Records))
	if err := w.Write(t.Context(), req, results); err != nil {
		t.Fatalf("write %d records: %v", len(req.Records), err)
	}
	checkResults(t, results)
	return results
}

// dirty returns results with something in them: a writer must not leave it there.
func dirty(n int) []sink.Result {
	results := make([]sink.Result, n)
	for i := range results {
		results[i] = sink.Result{Status: sink.Created, ID: "dirty", Err: &sink.Error{Code: "DIRTY"}}
	}
	return results
}

func checkResults(t *testing.T, results []sink.Result) {
	t.Helper()
	for i, r := range results {
		switch good := r.Status != sink.Failed && r.Status != sink.NotSent && r.Status != sink.Unknown; {
		case good && r.Status != sink.Published && len(r.ID) != 18:
			t.Fatalf("result %d is %s with the id %q", i, r.Status, r.ID)
		case good && r.Err != nil && r.Status != sink.Deleted:
			t.Fatalf("result %d is %s with the error %v", i, r.Status, r.Err)
		case !good && (r.Err == nil || r.Err.Code == "" || r.Err.Code == "DIRTY"):
			t.Fatalf("result %d is %s without saying why: %v", i, r.Status, r.Err)
		}
	}
}

func wantAll(t *testing.T, results []sink.Result, want sink.Status) {
	t.Helper()
	for i, r := range results {
		if r.Status != want {
			t.Fatalf("result %d is %s (%v), want %s", i, r.Status, r.Err, want)
		}
	}
}

func distinct(t *testing.T, results []sink.Result) {
	t.Helper()
	seen := make(map[string]int)
	for i, r := range results {
		if k, dup := seen[r.ID]; dup {
			t.Fatalf("records %d and %d both have the id %s", k, i, r.ID)
		}
		seen[r.ID] = i
	}
}

// Test runs the suite. Each sub-test has a harness of its own.
func Test(t *testing.T, fresh func(t *testing.T) Harness) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *Harness)
	}{
		{"Upsert", testUpsert},
		{"Create", testCreate},
		{"Update", testUpdate},
		{"Mixed", testMixed},
		{"PartialFailure", testPartialFailure},
		{"NullAndAbsent", testNullAndAbsent},
		{"OnInsert", testOnInsert},
		{"OwnColumns", testOwnColumns},
		{"Text", testText},
		{"Sizes", testSizes},
		{"ContextEnded", testContextEnded},
		{"Concurrent", testConcurrent},
		{"Delete", testDelete},
		{"Publish", testPublish},
		{"LostAnswers", testLostAnswers},
		{"Lookup", testLookup},
		{"CompositeKeys", testCompositeKeys},
		{"Want", testWant},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := fresh(t)
			c.run(t, &h)
		})
	}
}

func (h *Harness) wantText(t *testing.T, key, want string) {
	t.Helper()
	if h.Read == nil {
		return
	}
	got, ok := h.Read(t, key)
	if !ok {
		t.Fatalf("there is no record with the key %s", key)
	}
	if got != want {
		t.Fatalf("the record with the key %s holds %q, want %q", key, got, want)
	}
}

func testUpsert(t *testing.T, h *Harness) {
	first := write(t, h.Writer, h.request(h.rows("u", 7, "one"), sink.Upsert))
	wantAll(t, first, sink.Created)
	distinct(t, first)
	if h.Stateless {
		return
	}
	// The same keys again, in another order and case: the same records.
	b := row.New(h.Schema)
	for i := 6; i >= 0; i-- {
		h.add(b, fmt.Sprintf("U-%d", i), fmt.Sprintf("two %d", i))
	}
	again := write(t, h.Writer, h.request(b, sink.Upsert))
	wantAll(t, again, sink.Updated)
	for i := range again {
		if want := first[6-i].ID; again[i].ID != want {
			t.Errorf("record %d: id %s, want that of its key, %s", i, again[i].ID, want)
		}
	}
	h.wantText(t, "u-3", "two 3")
}

func testCreate(t *testing.T, h *Harness) {
	b := row.New(h.Schema)
	for range 5 {
		h.add(b, "", "keyless")
	}
	res := write(t, h.Writer, h.request(b, sink.Create))
	wantAll(t, res, sink.Created)
	distinct(t, res)
}

func testUpdate(t *testing.T, h *Harness) {
	made := write(t, h.Writer, h.request(h.rows("p", 3, "before"), sink.Upsert))
	req := h.request(h.rows("p", 3, "after"), sink.Update)
	for i := range req.Records {
		req.Records[i].ID = made[i].ID
	}
	res := write(t, h.Writer, req)
	wantAll(t, res, sink.Updated)
	for i := range res {
		if res[i].ID != made[i].ID {
			t.Errorf("record %d: updated %s, want %s", i, res[i].ID, made[i].ID)
		}
	}
	h.wantText(t, "p-2", "after")
}

func testMixed(t *testing.T, h *Harness) {
	old := write(t, h.Writer, h.request(h.rows("m", 4, "old"), sink.Upsert))
	b := h.rows("m", 12, "new")
	req := h.request(b, sink.Upsert)
	for i := range req.Records {
		switch {
		case i < 4 && i%2 == 0:
			req.Records[i].Action, req.Records[i].ID = sink.Update, old[i].ID
		case i >= 8:
			req.Records[i].Action = sink.Create
		}
	}
	res := write(t, h.Writer, req)
	distinct(t, res)
	for i, r := range res {
		want := sink.Created
		if i < 4 && (!h.Stateless || i%2 == 0) {
			want = sink.Updated
		}
		if r.Status != want {
			t.Errorf("record %d (%s): %s, want %s", i, req.Records[i].Action, r.Status, want)
		}
		if i < 4 && r.ID != old[i].ID && !h.Stateless {
			t.Errorf("record %d: id %s, want %s", i, r.ID, old[i].ID)
		}
	}
	for i := range 12 {
		h.wantText(t, fmt.Sprintf("m-%d", i), "new")
	}
}

func testPartialFailure(t *testing.T, h *Harness) {
	if h.Refuse == nil {
		t.Skip("the writer refuses nothing")
	}
	b := h.rows("f", 10, "fine")
	for _, r := range []int{0, 4, 9} {
		h.Refuse(b, r)
	}
	res := write(t, h.Writer, h.request(b, sink.Upsert))
	for i, r := range res {
		want := sink.Created
		if i == 0 || i == 4 || i == 9 {
			want = sink.Failed
		}
		if r.Status != want {
			t.Errorf("record %d: %s (%v), want %s", i, r.Status, r.Err, want)
		}
	}
	all := h.rows("g", 3, "fine")
	for r := range 3 {
		h.Refuse(all, r)
	}
	wantAll(t, write(t, h.Writer, h.request(all, sink.Upsert)), sink.Failed)
}

func testNullAndAbsent(t *testing.T, h *Harness) {
	write(t, h.Writer, h.request(h.rows("n", 2, "there"), sink.Upsert))
	b := h.rows("n", 2, "there")
	b.SetKind(0, h.Text, row.Null)
	b.SetKind(1, h.Text, row.Absent)
	write(t, h.Writer, h.request(b, sink.Upsert))
	h.wantText(t, "n-0", "")
	h.wantText(t, "n-1", "there")
}

func testOnInsert(t *testing.T, h *Harness) {
	made := write(t, h.Writer, h.request(h.rows("d", 1, "kept"), sink.Upsert))
	b := h.rows("d", 1, "default")
	b.Set(0, h.Text, row.Text|row.OnInsert, "default")
	req := h.request(b, sink.Update)
	req.Records[0].ID = made[0].ID
	write(t, h.Writer, req)
	h.wantText(t, "d-0", "kept")

	c := h.rows("e", 1, "default")
	c.Set(0, h.Text, row.Text|row.OnInsert, "default")
	wantAll(t, write(t, h.Writer, h.request(c, sink.Create)), sink.Created)
	h.wantText(t, "e-0", "default")
}

// testOwnColumns: columns whose names begin with a NUL are the pipeline's and never leave it.
func testOwnColumns(t *testing.T, h *Harness) {
	h.Schema = h.Schema.With(row.Column{Name: "\x00fold"})
	b := h.rows("o", 2, "own")
	for r := range b.Len() {
		b.Set(r, h.Schema.Index("\x00fold"), row.Text, "x")
	}
	wantAll(t, write(t, h.Writer, h.request(b, sink.Upsert)), sink.Created)
}

func testText(t *testing.T, h *Harness) {
	texts := []string{"plain", `quo"te and back\slash`, "it's", "Zoë 東京 😀", "a,b;c\t d", "{}[]@{r0.id}", "</script>", "ünï\u2028x"}
	b := row.New(h.Schema)
	for i, s := range texts {
		h.add(b, fmt.Sprintf("t-%d", i), s)
	}
	wantAll(t, write(t, h.Writer, h.request(b, sink.Upsert)), sink.Created)
	for i, s := range texts {
		h.wantText(t, fmt.Sprintf("t-%d", i), s)
	}
}

func testSizes(t *testing.T, h *Harness) {
	lim := h.Writer.Limits()
	if lim.Records < 1 || lim.Bytes < 1 {
		t.Fatalf("limits that allow nothing: %+v", lim)
	}
	if err := h.Writer.Write(t.Context(), &sink.Request{Target: h.Target}, nil); err != nil {
		t.Errorf("an empty request: %v", err)
	}
	const most = 2000 // of a sink that takes very many nothing is learnt by that
	for i, n := range []int{1, lim.Group, lim.Group + 1, min(lim.Records, most)} {
		if n == 0 {
			continue
		}
		res := write(t, h.Writer, h.request(h.rows(fmt.Sprintf("s%d", i), n, "x"), sink.Upsert))
		wantAll(t, res, sink.Created)
		distinct(t, res)
	}
}

func testContextEnded(t *testing.T, h *Harness) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	req := h.request(h.rows("c", 3, "x"), sink.Upsert)
	results := dirty(3)
	if err := h.Writer.Write(ctx, req, results); !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
		t.Fatalf("writing after the context has ended: %v", err)
	}
	for i, r := range results {
		if r.Status != sink.NotSent || r.Err == nil {
			t.Errorf("result %d is %s (%v), want not sent", i, r.Status, r.Err)
		}
	}
	if h.Read != nil {
		if _, ok := h.Read(t, "c-0"); ok {
			t.Error("the record was written all the same")
		}
	}
}

func testConcurrent(t *testing.T, h *Harness) {
	const writers, rounds, n = 8, 3, 20
	var mu sync.Mutex
	var all []sink.Result
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for round := range rounds {
				b := h.rows(fmt.Sprintf("k%d-%d", w, round), n, "x")
				results := dirty(n)
				if err := h.Writer.Write(t.Context(), h.request(b, sink.Upsert), results); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				mu.Lock()
				all = append(all, results...)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(all) != writers*rounds*n {
		t.Fatalf("%d results", len(all))
	}
	checkResults(t, all)
	wantAll(t, all, sink.Created)
	distinct(t, all)
}
