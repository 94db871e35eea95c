package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline/ledger"
)

func create(t testing.TB) (*ledger.Ledger, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger with ? and #.db")
	l, err := ledger.Create(t.Context(), path, map[string]string{"mapping": "leads"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, path
}

func reopen(t testing.TB, path string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func id(n int) string { return fmt.Sprintf("00Q%012dABC", n) }

func TestWhatWasMarkedIsThereAfterAKill(t *testing.T) {
	l, path := create(t)
	ctx := t.Context()
	l.Begin(ledger.Batch{Seq: 0, File: 2, Line: 7, Rows: 3, Checksum: 0xdeadbeef}, 2)
	marks := []ledger.Mark{
		{Seq: 0, Index: 0, State: ledger.Created, ID: id(1)},
		{Seq: 0, Index: 4, State: ledger.Failed, Problem: &ledger.Problem{Code: "STRING_TOO_LONG", Field: "Company", Message: "too long", Attempts: 2}},
		{Seq: 0, Index: 5, State: ledger.Sending},
	}
	if err := l.Mark(ctx, marks); err != nil {
		t.Fatal(err)
	}
	// A second handle sees what a process would after the first was killed: nothing was closed.
	b, err := reopen(t, path).Find(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.State{ledger.Created, ledger.Pending, ledger.Pending, ledger.Pending, ledger.Failed, ledger.Sending}
	if d := cmp.Diff(want, b.States); d != "" {
		t.Error("states", d)
	}
	if b.File != 2 || b.Line != 7 || b.Rows != 3 || b.Checksum != 0xdeadbeef || b.Final {
		t.Errorf("batch %+v", b)
	}
	if b.ID(0) != id(1)[:15] || b.ID(1) != "" {
		t.Errorf("ids %q %q", b.ID(0), b.ID(1))
	}
	if d := cmp.Diff(*marks[1].Problem, b.Problems[4]); d != "" {
		t.Error("problem", d)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		for _, p := range []string{path, path + "-wal"} {
			if fi, err := os.Stat(p); err != nil || fi.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", p, fi, err)
			}
		}
	}
}

func TestFinishKeepsStatesAndDocumentsTogether(t *testing.T) {
	l, path := create(t)
	ctx := t.Context()
	l.Begin(ledger.Batch{Seq: 3, Rows: 2}, 1)
	if err := l.Mark(ctx, []ledger.Mark{{Seq: 3, Index: 0, State: ledger.Failed, Problem: &ledger.Problem{Code: "X"}}}); err != nil {
		t.Fatal(err)
	}
	meta := map[string]json.RawMessage{"offsets": json.RawMessage(`{"failed.csv":12}`)}
	if err := l.Finish(ctx, []ledger.Final{{Seq: 3, States: []ledger.State{ledger.Failed, ledger.Skipped}}}, meta); err != nil {
		t.Fatal(err)
	}
	r := reopen(t, path)
	b, err := r.Find(ctx, 3)
	if err != nil || !b.Final || b.States[1] != ledger.Skipped || len(b.Problems) != 0 {
		t.Errorf("%+v %v", b, err)
	}
	var offsets map[string]int
	if ok, err := r.Meta(ctx, "offsets", &offsets); !ok || err != nil || offsets["failed.csv"] != 12 {
		t.Errorf("offsets %v %v %v", offsets, ok, err)
	}
	if b, err := r.Find(ctx, 4); b != nil || err != nil {
		t.Errorf("a batch that is not there: %+v %v", b, err)
	}
}

// Whatever the order and the company in which marks are committed, the file holds the last one
// of each record.
func TestMarksProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", time.Now().UnixNano()))
		ctx := context.Background()
		l, err := ledger.Create(ctx, path, 1)
		if err != nil {
			rt.Fatal(err)
		}
		defer l.Close()
		batches := rapid.IntRange(1, 4).Draw(rt, "batches")
		want := make([][]ledger.State, batches)
		ids := make([]map[int]string, batches)
		for s := range batches {
			rows := rapid.IntRange(1, 5).Draw(rt, "rows")
			l.Begin(ledger.Batch{Seq: int64(s), Rows: rows}, 1)
			want[s], ids[s] = make([]ledger.State, rows), map[int]string{}
		}
		touched := map[int]bool{}
		for n := range rapid.IntRange(1, 20).Draw(rt, "marks") {
			s := rapid.IntRange(0, batches-1).Draw(rt, "batch")
			i := rapid.IntRange(0, len(want[s])-1).Draw(rt, "record")
			m := ledger.Mark{Seq: int64(s), Index: i, State: ledger.State(rapid.IntRange(0, 6).Draw(rt, "state"))}
			if rapid.Bool().Draw(rt, "id") {
				m.ID = id(n)
				ids[s][i] = m.ID[:15]
			} else if m.State != ledger.Sending || want[s][i] != ledger.Sending {
				delete(ids[s], i) // that of the job it was sent with
			}
			want[s][i] = m.State
			touched[s] = true
			if err := l.Mark(ctx, []ledger.Mark{m}); err != nil {
				rt.Fatal(err)
			}
		}
		r, err := ledger.Open(ctx, path)
		if err != nil {
			rt.Fatal(err)
		}
		defer r.Close()
		for s := range touched {
			b, err := r.Find(ctx, int64(s))
			if err != nil {
				rt.Fatal(err)
			}
			if d := cmp.Diff(want[s], b.States); d != "" {
				rt.Fatal(d)
			}
			for i := range want[s] {
				if b.ID(i) != ids[s][i] {
					rt.Fatalf("id of %d/%d: %q, want %q", s, i, b.ID(i), ids[s][i])
				}
			}
		}
	})
}

func TestConcurrentMarks(t *testing.T) {
	l, path := create(t)
	const workers, records = 8, 50
	for s := range workers {
		l.Begin(ledger.Batch{Seq: int64(s), Rows: records}, 1)
	}
	var wg sync.WaitGroup
	for s := range workers {
		wg.Go(func() {
			for i := range records {
				// each worker writes into its own batch and its neighbour's
				seq := int64((s + i%2) % workers)
				if err := l.Mark(context.Background(), []ledger.Mark{{Seq: seq, Index: i, State: ledger.Updated, ID: id(s*records + i)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	n := 0
	if err := reopen(t, path).Each(t.Context(), func(b *ledger.Batch) error {
		for i, s := range b.States {
			if s == ledger.Updated && b.ID(i) != "" {
				n++
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n != workers*records {
		t.Errorf("%d records marked, want %d", n, workers*records)
	}
}

func TestEachMade(t *testing.T) {
	l, _ := create(t)
	ctx := t.Context()
	l.Begin(ledger.Batch{Seq: 0, Rows: 2}, 1)
	l.Begin(ledger.Batch{Seq: 1, Rows: 2}, 1)
	if err := l.Mark(ctx, []ledger.Mark{
		{Seq: 0, Index: 0, State: ledger.Created, ID: id(1)},
		{Seq: 0, Index: 1, State: ledger.Updated, ID: id(2)},
		{Seq: 1, Index: 0, State: ledger.Created, ID: id(3)},
		{Seq: 1, Index: 1, State: ledger.Deleted, ID: id(4)},
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(ctx, []ledger.Final{{Seq: 0, States: []ledger.State{ledger.Created, ledger.Updated}}}, nil); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	if err := l.EachMade(ctx, func(id string, s ledger.State) { got[fmt.Sprint(id, s)]++ }); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		fmt.Sprint(id(1)[:15], ledger.Created): 1, fmt.Sprint(id(3)[:15], ledger.Created): 1, fmt.Sprint(id(4)[:15], ledger.Deleted): 1,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFilesThatAreNoLedger(t *testing.T) {
	dir := t.TempDir()
	cases := map[string][]byte{
		"text":      []byte("this is not a database, but long enough to be looked at as one would be"),
		"truncated": []byte("SQLite format 3\x00"),
	}
	for name, text := range cases {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Open(t.Context(), path); !errors.Is(err, ledger.ErrCorrupt) || !errors.Is(err, ledger.ErrLedger) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ledger.Open(t.Context(), filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	_, path := create(t)
	if _, err := ledger.Create(t.Context(), path, 1); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create over an existing one: %v", err)
	}
}

func TestOneRunAtATime(t *testing.T) {
	dir := t.TempDir()
	me := ledger.Holder{PID: 4711, Host: "cron-1", Started: time.Date(2026, 11, 21, 2, 15, 0, 0, time.UTC)}
	first, err := ledger.Acquire(t.Context(), dir, "leads", "00D1", 0, me)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := ledger.Acquire(t.Context(), dir, "leads", "00D2", 0, me); err != nil {
		t.Errorf("another org: %v", err)
	} else if err := other.Release(); err != nil {
		t.Error(err)
	}
	_, err = ledger.Acquire(t.Context(), dir, "leads", "00D1", 150*time.Millisecond, me)
	if !errors.Is(err, ledger.ErrLocked) || !strings.Contains(err.Error(), "process 4711 on cron-1, since 2026-11-21T02:15:00Z") {
		t.Errorf("held lock: %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := ledger.Acquire(t.Context(), dir, "leads", "00D1", 0, me)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}

func BenchmarkMark(b *testing.B) {
	l, _ := create(b)
	const n = 1000
	l.Begin(ledger.Batch{Rows: 2 * n}, 1)
	marks := make([]ledger.Mark, n)
	for i := range marks {
		marks[i] = ledger.Mark{Index: i, State: ledger.Created, ID: id(i)}
	}
	b.ReportAllocs()
	for turn := 0; b.Loop(); turn++ {
		for i := range marks { // what stays as it is would not be written
			marks[i].State = [2]ledger.State{ledger.Created, ledger.Updated}[turn%2]
		}
		if err := l.Mark(context.Background(), marks); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
}

// A record that is being sent has the id of its job, which is never taken for that of a record.
func TestIDOfAJobDoesNotStay(t *testing.T) {
	l, path := create(t)
	ctx := t.Context()
	l.Begin(ledger.Batch{Seq: 0, Rows: 3}, 1)
	var sending []ledger.Mark
	for i := range 3 {
		sending = append(sending, ledger.Mark{Index: i, State: ledger.Sending, ID: "750000000000001AAA"})
	}
	if err := l.Mark(ctx, sending); err != nil {
		t.Fatal(err)
	}
	b, err := reopen(t, path).Find(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if b.States[2] != ledger.Sending || b.ID(2) != "750000000000001" {
		t.Errorf("while it is sent: %v %q", b.States, b.ID(2))
	}
	// What is to leave once more may still have been done by that job.
	if err := l.Mark(ctx, []ledger.Mark{{Index: 2, State: ledger.Sending}}); err != nil {
		t.Fatal(err)
	}
	if b, err = reopen(t, path).Find(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if b.ID(2) != "750000000000001" {
		t.Errorf("before it is sent again: %q", b.ID(2))
	}
	// One is answered with an id, one without, and one is decided without an answer.
	if err := l.Mark(ctx, []ledger.Mark{{Index: 0, State: ledger.Created, ID: id(7)}, {Index: 1, State: ledger.Failed}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(ctx, []ledger.Final{{Seq: 0, States: []ledger.State{ledger.Created, ledger.Failed, ledger.Unchanged}}}, nil); err != nil {
		t.Fatal(err)
	}
	if b, err = reopen(t, path).Find(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if b.ID(0) != id(7)[:15] || b.ID(1) != "" || b.ID(2) != "" {
		t.Errorf("ids %q %q %q", b.ID(0), b.ID(1), b.ID(2))
	}
}
