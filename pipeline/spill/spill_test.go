package spill

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// pair is a record of 12 bytes.
type pair struct {
	a uint64
	b uint32
}

func pairs() Kind[pair] {
	return Kind[pair]{
		Size: 12,
		Put: func(b []byte, p pair) {
			binary.LittleEndian.PutUint64(b, p.a)
			binary.LittleEndian.PutUint32(b[8:], p.b)
		},
		Get:     func(b []byte) pair { return pair{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])} },
		Compare: func(x, y pair) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) },
	}
}

// all adds records to a sorter and returns them in order.
func all(t interface{ Fatal(...any) }, s *Sorter[pair], records []pair) []pair {
	for _, p := range records {
		if err := s.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	st, err := s.Sorted()
	if err != nil {
		t.Fatal(err)
	}
	out := []pair{}
	for {
		p, ok, err := st.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return out
		}
		out = append(out, p)
	}
}

// TestSorter: in whatever memory records are sorted, they come as if they had been sorted in one piece; of those that
// are the same the first comes, and nothing is left in the directory.
func TestSorter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		kind := pairs()
		same := func(x, y pair) bool { return x.a == y.a }
		distinct := rapid.Bool().Draw(t, "distinct")
		if distinct {
			kind.Same = same
		}
		s := NewSorter(kind, dir, "test-*", rapid.IntRange(0, 600).Draw(t, "memory"))
		want := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pair {
			return pair{rapid.Uint64Range(0, 20).Draw(t, "a"), rapid.Uint32Range(0, 3).Draw(t, "b")}
		}), 0, 300).Draw(t, "records")
		got := all(t, s, want)
		if s.Len() != int64(len(want)) {
			t.Fatalf("%d records were added, not %d", len(want), s.Len())
		}
		slices.SortFunc(want, kind.Compare)
		if distinct {
			want, got = slices.CompactFunc(want, same), slices.CompactFunc(got, same)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Fatalf("left behind: %v, %v", left, err)
		}
	})
}

// TestManyRuns sorts more than the buffers hold of one run.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	s := NewSorter(pairs(), t.TempDir(), "test-*", 1<<20)
	defer s.Close()
	const n = 200_000
	records := make([]pair, n)
	for i := range records {
		records[i] = pair{uint64(i) * 7919 % n, uint32(i)}
	}
	for i, p := range all(t, s, records) {
		if p.a != uint64(i) {
			t.Fatalf("%v comes as number %d", p, i)
		}
	}
	if info, err := s.file.Stat(); err != nil || info.Size() != 12*n || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
}

// TestAllocations: adding and reading allocate nothing for a record.
func TestAllocations(t *testing.T) {
	s := NewSorter(pairs(), t.TempDir(), "test-*", 4<<10)
	defer s.Close()
	const n = 10_000
	next := uint64(0)
	if per := testing.AllocsPerRun(1, func() {
		for range n {
			next = next*6364136223846793005 + 1442695040888963407
			if err := s.Add(pair{a: next}); err != nil {
				t.Fatal(err)
			}
		}
	}); per > n/50 { // a few for each run
		t.Errorf("%v allocations to add %d records", per, n)
	}
	st, err := s.Sorted()
	if err != nil {
		t.Fatal(err)
	}
	if per := testing.AllocsPerRun(1, func() {
		for range n / 2 {
			if _, ok, err := st.Next(); err != nil || !ok {
				t.Fatal(ok, err)
			}
		}
	}); per > 0 {
		t.Errorf("%v allocations to read records", per)
	}
}

// TestErrors: what is wrong with the disk is said, with the path, and closing still works.
func TestErrors(t *testing.T) {
	t.Parallel()
	add := func(s *Sorter[pair]) (err error) {
		for i := 0; err == nil && i < 100; i++ {
			err = s.Add(pair{a: uint64(i)})
		}
		return err
	}
	nowhere := NewSorter(pairs(), filepath.Join(t.TempDir(), "nowhere"), "test-*", 100)
	if err := add(nowhere); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	if err := nowhere.Close(); err != nil {
		t.Error(err)
	}

	cut := NewSorter(pairs(), t.TempDir(), "test-*", 100)
	defer cut.Close()
	if err := errors.Join(add(cut), cut.spill(), cut.file.Truncate(30)); err != nil {
		t.Fatal(err)
	}
	if _, err := cut.Sorted(); !errors.Is(err, io.EOF) {
		t.Errorf("a file that was cut: %v", err)
	}

	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	s := NewSorter(pairs(), t.TempDir(), "test-*", 100)
	s.file = &File{File: full}
	if err := add(s); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "/dev/full") {
		t.Errorf("a full disk: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := Create(dir, "test-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"something longer", "short"} {
		if err := f.Reset(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(f, 0, 100))
		if err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || runtime.GOOS != "windows" && len(left) > 0 {
		t.Errorf("the open file has a name: %v, %v", left, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := (*File)(nil).Close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkSorter sorts a million records, most of them on disk.
func BenchmarkSorter(b *testing.B) {
	const n = 1_000_000
	for _, memory := range []int{1 << 20, 32 << 20} {
		b.Run(fmt.Sprint(memory>>20, "MiB"), func(b *testing.B) {
			for b.Loop() {
				s := NewSorter(pairs(), b.TempDir(), "test-*", memory)
				for i := range uint64(n) {
					if err := s.Add(pair{a: i * 0x9E3779B97F4A7C15}); err != nil {
						b.Fatal(err)
					}
				}
				st, err := s.Sorted()
				for ok := true; err == nil && ok; {
					_, ok, err = st.Next()
				}
				if err := errors.Join(err, s.Close()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(n*b.N), "ns/record")
		})
	}
}
