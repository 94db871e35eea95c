package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/ledger"
)

// contents is all that a resumed run goes by.
type contents struct {
	Info    map[string]string
	Batches []string
}

func read(path string) (c contents, err error) {
	ctx := context.Background()
	l, err := ledger.Open(ctx, path)
	if err != nil {
		return c, err
	}
	defer l.Close()
	if err := l.Check(ctx); err != nil {
		return c, err
	}
	if _, err := l.Meta(ctx, "info", &c.Info); err != nil {
		return c, err
	}
	err = l.Each(ctx, func(b *ledger.Batch) error {
		text := fmt.Sprint(b.Seq, b.File, b.Line, b.Rows, b.Checksum, b.Final, b.States)
		for i := range b.States {
			text += " " + b.ID(i)
		}
		c.Batches = append(c.Batches, text)
		return nil
	})
	return c, err
}

// used makes a ledger with batches that are final and some that are not, and returns where it is. It is still open,
// as that of a run that is killed.
func used(t *testing.T) (*ledger.Ledger, string) {
	t.Helper()
	l, path := create(t)
	ctx := t.Context()
	for seq := range int64(6) {
		const rows = 300
		l.Begin(ledger.Batch{Seq: seq, Line: 2 + seq*rows, Rows: rows, Checksum: uint32(seq) * 77}, 1)
		marks := make([]ledger.Mark, rows)
		for i := range marks {
			marks[i] = ledger.Mark{Seq: seq, Index: i, State: ledger.Sending}
		}
		if err := l.Mark(ctx, marks); err != nil {
			t.Fatal(err)
		}
		for i := range marks {
			marks[i] = ledger.Mark{Seq: seq, Index: i, State: ledger.Created, ID: id(int(seq)*rows + i)}
		}
		if err := l.Mark(ctx, marks[:rows/2+1]); err != nil {
			t.Fatal(err)
		}
		if seq%2 == 0 {
			states := make([]ledger.State, rows)
			for i := range states {
				states[i] = ledger.Created
			}
			if err := l.Finish(ctx, []ledger.Final{{Seq: seq, States: states}}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	return l, path
}

// copyTo copies a ledger with the files beside it, but for one, to a directory of its own.
func copyTo(t *testing.T, path, but string) string {
	t.Helper()
	dir := t.TempDir()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == filepath.Base(path)+"-shm" || e.Name() == filepath.Base(path)+but {
			continue // the first is made anew
		}
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, e.Name()), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, filepath.Base(path))
}

// TestLostCommits: a ledger whose write-ahead log is missing, cut off or damaged is an older state of it, which looks
// sound. Going on with it would send again what it knew to have left.
func TestLostCommits(t *testing.T) {
	_, path := used(t)
	want, err := read(copyTo(t, path, "none"))
	if err != nil || len(want.Batches) != 6 {
		t.Fatalf("%d batches, %v", len(want.Batches), err)
	}
	corrupt := func(what, path string) {
		t.Helper()
		if _, err := read(path); !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
	}
	corrupt("missing", copyTo(t, path, "-wal"))
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 100, len(wal) / 2, len(wal) - 1} {
		p := copyTo(t, path, "none")
		if err := os.Truncate(p+"-wal", int64(n)); err != nil {
			t.Fatal(err)
		}
		corrupt(fmt.Sprintf("cut off at %d of %d", n, len(wal)), p)
	}
	for _, at := range []int{40, len(wal) / 3, len(wal) - 10} {
		p := copyTo(t, path, "none")
		damaged := append([]byte(nil), wal...)
		damaged[at] ^= 4
		if err := os.WriteFile(p+"-wal", damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		corrupt(fmt.Sprintf("damaged at %d", at), p)
	}
}

// TestFlippedBits: wherever a bit of a ledger is flipped, it is found out, or makes no difference to what a run goes by.
func TestFlippedBits(t *testing.T) {
	l, path := used(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want, err := read(path)
	if err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	found, flips := 0, 80
	if testing.Short() {
		flips = 20
	}
	for range flips {
		at, bit := rng.IntN(len(sound)), byte(1)<<rng.IntN(8)
		text := append([]byte(nil), sound...)
		text[at] ^= bit
		for _, more := range []string{"-wal", "-shm"} {
			os.Remove(damaged + more) // of the one before
		}
		if err := os.WriteFile(damaged, text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := read(damaged)
		if err != nil {
			found++
			if !errors.Is(err, ledger.ErrLedger) {
				t.Errorf("bit %#x at %d: %v", bit, at, err)
			}
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("bit %#x at %d of %d is not found out:\n%.400s", bit, at, len(sound), d)
		}
	}
	if found == 0 {
		t.Error("none is found out: the test shows nothing")
	}
	t.Logf("%d of %d found out", found, flips)
}

// A ledger that was opened by a relative path stays the same one when the working directory changes.
func TestWorkingDirectoryChanges(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	l, err := ledger.Create(t.Context(), "ledger.db", "info")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = ledger.Open(t.Context(), "ledger.db"); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	t.Chdir(elsewhere)
	if err := errors.Join(l.SetMeta(t.Context(), "key", 1), l.Close()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("%v are elsewhere (%v)", left, err)
	}
}
