package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// added is one call of Add.
type added struct {
	key     Key
	at      Place
	text    string
	decides bool
}

// expect does by maps what an index does by sorting.
func expect(all []added, rule Rule) ([]Group, map[Key]Place) {
	type holder = []added
	values := map[Key]map[string]holder{}
	for _, a := range all {
		if values[a.key] == nil {
			values[a.key] = map[string]holder{}
		}
		values[a.key][a.text] = append(values[a.key][a.text], a)
	}
	var groups []Group
	marks := map[Key]Place{} // Key{target, place}
	for key, texts := range values {
		g := Group{Key: key, Distinct: int64(len(texts))}
		for _, held := range texts {
			g.Records += int64(len(held))
			if len(held) > 1 {
				g.Repeated++
				g.Sharing += int64(len(held))
				g.First = append(g.First, Repeat{held[0].at, held[1].at})
			}
			held = slices.DeleteFunc(slices.Clone(held), func(a added) bool { return !a.decides })
			for i, a := range held {
				switch {
				case rule == Last && i+1 < len(held):
					marks[Key{key.Target, int(a.at)}] = held[i+1].at
				case rule == Fail && len(held) > 1 && i == 0:
					marks[Key{key.Target, int(a.at)}] = held[1].at
				case rule == Fail && len(held) > 1:
					marks[Key{key.Target, int(a.at)}] = held[0].at
				}
			}
		}
		slices.SortFunc(g.First, func(a, b Repeat) int { return cmp.Compare(a.First, b.First) })
		g.First = g.First[:min(len(g.First), maxRepeats)]
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Number, b.Number))
	})
	return groups, marks
}

// TestIndex: an index finds what maps find, in memory and beyond it, and leaves nothing behind.
func TestIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom([]Rule{InOrder, Last, Fail}).Draw(t, "rule")
		memory := rapid.SampledFrom([]int{1, 40 * entrySize, 0}).Draw(t, "memory")
		rows := rapid.IntRange(0, 300).Draw(t, "rows")
		values := rapid.IntRange(1, 400).Draw(t, "values")
		targets := rapid.IntRange(1, 3).Draw(t, "targets")
		var all []added
		file, line := 0, int64(0)
		for range rows {
			if rapid.IntRange(0, 50).Draw(t, "file") == 0 {
				file, line = file+1, 0
			}
			line += rapid.Int64Range(1, 3).Draw(t, "line")
			for target := range targets {
				decided := false
				for number := range 2 {
					if rapid.IntRange(0, 4).Draw(t, "blank") == 0 {
						continue
					}
					text := strconv.Itoa(rapid.IntRange(1, values).Draw(t, "key"))
					all = append(all, added{Key{target, number}, At(file, line), text, !decided})
					decided = true
				}
			}
		}
		x := New(dir, memory)
		defer x.Close()
		for _, a := range all {
			if err := x.Add(a.key, a.at, a.text, a.decides); err != nil {
				t.Fatal(err)
			}
		}
		groups, marks, err := x.Resolve(context.Background(), rule)
		if err != nil {
			t.Fatal(err)
		}
		want, wantMarks := expect(all, rule)
		if d := gocmp.Diff(want, groups, gocmp.Transformer("empty", func(r []Repeat) []Repeat { return append([]Repeat{}, r...) })); d != "" && len(want)+len(groups) > 0 {
			t.Fatalf("groups (-want +got):\n%s", d)
		}
		got := map[Key]Place{}
		var before Place
		for _, a := range all {
			if a.at == before {
				continue
			}
			before = a.at
			for target := range targets {
				other, marked, err := marks.At(context.Background(), target, a.at)
				if err != nil {
					t.Fatal(err)
				}
				if marked {
					got[Key{target, int(a.at)}] = other
				}
			}
		}
		if d := gocmp.Diff(wantMarks, got); d != "" {
			t.Fatalf("marks (-want +got):\n%s", d)
		}
		if marks.Len() != int64(len(wantMarks)) || x.keys.Len() != int64(len(all)) {
			t.Fatalf("%d marks of %d keys, want %d of %d", marks.Len(), x.keys.Len(), len(wantMarks), len(all))
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	})
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("files are left behind: %q", left)
	}
}

// TestMemory: many keys take no more memory than few.
func TestMemory(t *testing.T) {
	x := New(t.TempDir(), 1<<20)
	defer x.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const n = 300_000
	for i := range n {
		if err := x.Add(Key{}, At(0, int64(i+1)), strconv.Itoa(i%(n-5)), true); err != nil {
			t.Fatal(err)
		}
	}
	groups, marks, err := x.Resolve(t.Context(), Last)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d bytes are held for an index of 1 MiB", grown)
	}
	want := []Group{{
		Records: n, Distinct: n - 5, Repeated: 5, Sharing: 10,
		First: []Repeat{{At(0, 1), At(0, n-4)}, {At(0, 2), At(0, n-3)}, {At(0, 3), At(0, n-2)}},
	}}
	if d := gocmp.Diff(want, groups); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if marks.Len() != 5 {
		t.Errorf("%d marks, want 5", marks.Len())
	}
}

// TestSpillErrors: what goes wrong with the file is an ErrSpill; what is asked for after the end of
// the context ends with it.
func TestSpillErrors(t *testing.T) {
	t.Parallel()
	x := New(filepath.Join(t.TempDir(), "nowhere"), 1)
	defer x.Close()
	var err error
	for i := 0; err == nil && i < 100; i++ {
		err = x.Add(Key{}, At(0, int64(i+1)), "k", true)
	}
	if !errors.Is(err, ErrSpill) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}

	y := New(t.TempDir(), 1)
	defer y.Close()
	for i := range 100_000 {
		if err := y.Add(Key{}, At(0, int64(i+1)), strconv.Itoa(i), true); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("no time")
	cancel(why)
	if _, _, err := y.Resolve(ctx, Fail); !errors.Is(err, why) {
		t.Errorf("after the end of the context: %v", err)
	}
	for _, k := range []Key{{Target: MaxTargets}, {Number: MaxKeys}, {Target: -1}, {Number: -1}} {
		if err := y.Add(k, 0, "k", true); err == nil {
			t.Errorf("%+v was taken", k)
		}
	}
}

// TestPlace: places are in reading order, and tell file and line.
func TestPlace(t *testing.T) {
	t.Parallel()
	var last Place
	for i, p := range []struct {
		file int
		line int64
	}{{0, 1}, {0, 2}, {0, MaxLine}, {1, 1}, {7, 3}, {MaxFiles - 1, MaxLine}} {
		at := At(p.file, p.line)
		if at.File() != p.file || at.Line() != p.line || i > 0 && at <= last {
			t.Errorf("%+v: file %d, line %d", p, at.File(), at.Line())
		}
		last = at
	}
	for _, bad := range []func(){func() { At(MaxFiles, 1) }, func() { At(0, MaxLine+1) }, func() { At(-1, 1) }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a place beyond the bounds was made")
				}
			}()
			bad()
		}()
	}
}

// BenchmarkAdd adds and resolves a million keys, with most of them on disk.
func BenchmarkAdd(b *testing.B) {
	texts := make([]string, 1000)
	for i := range texts {
		texts[i] = fmt.Sprintf("jürgen.müller%d@example.com", i)
	}
	const n = 1_000_000
	for b.Loop() {
		x := New(b.TempDir(), 4<<20)
		for i := range n {
			if err := x.Add(Key{Number: i % 200}, At(0, int64(i+1)), texts[i%1000], true); err != nil {
				b.Fatal(err)
			}
		}
		if _, _, err := x.Resolve(b.Context(), Last); err != nil {
			b.Fatal(err)
		}
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(n*b.N), "ns/key")
}
