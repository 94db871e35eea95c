package fingerprint

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func sum(n int) Sum {
	return SumOf(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, "m")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func same(t testing.TB, s *Store, key, content int) bool {
	t.Helper()
	ok, err := s.Same(sum(key), sum(content))
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func send(t testing.TB, s *Store, key, content int, accepted bool) {
	t.Helper()
	if err := s.Sending([]Sum{sum(key)}); err != nil {
		t.Fatal(err)
	}
	if accepted {
		if err := s.Accepted(sum(key), sum(content)); err != nil {
			t.Fatal(err)
		}
	}
}

func shut(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasAcceptedIsKnown(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if same(t, s, 1, 10) {
		t.Error("an empty store knows a key")
	}
	send(t, s, 1, 10, true)
	send(t, s, 2, 20, false)
	if same(t, s, 1, 10) {
		t.Error("a key that this run has sent is left out")
	}
	shut(t, s)

	s = open(t, dir)
	if !same(t, s, 1, 10) || same(t, s, 1, 11) {
		t.Error("what was accepted is not known")
	}
	if same(t, s, 2, 20) || s.table.len() != 1 {
		t.Error("what was not accepted is known")
	}
	send(t, s, 1, 12, false) // the org may hold 12 now
	shut(t, s)

	s = open(t, dir)
	if same(t, s, 1, 10) || same(t, s, 1, 12) || s.table.len() != 0 {
		t.Error("a key in doubt is left out")
	}
	shut(t, s)
}

func TestKilledRun(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for k := range 3 {
		send(t, s, k, k, true)
	}
	shut(t, s)
	s = open(t, dir)
	send(t, s, 0, 7, false)
	send(t, s, 1, 8, true)
	if err := s.journal.sync(); err != nil { // then the process is gone
		t.Fatal(err)
	}
	if err := errors.Join(s.journal.f.Close(), s.table.close()); err != nil {
		t.Fatal(err)
	}
	journal := s.journal.path
	f, err := os.OpenFile(journal, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("torn"); err != nil {
		t.Fatal(err)
	}
	f.Close()

	s = open(t, dir)
	if same(t, s, 0, 0) || same(t, s, 0, 7) {
		t.Error("the key that was under way is left out")
	}
	if !same(t, s, 1, 8) || !same(t, s, 2, 2) {
		t.Error("what was accepted before the kill is forgotten")
	}
	shut(t, s)
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for k := range 500 {
		send(t, s, k, k, true)
	}
	shut(t, s)
	path := filepath.Join(dir, "m.fingerprints")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for name, text := range map[string][]byte{
		"cut":     whole[:len(whole)-100],
		"empty":   {},
		"changed": append(append([]byte{}, whole[:1000]...), append([]byte{whole[1000] ^ 1}, whole[1001:]...)...),
		"other":   []byte("not fingerprints at all, but long enough"),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, "m"); !errors.Is(err, ErrStore) || !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// However keys are sent, accepted and lost over several runs, and in whatever pieces a journal is sorted, a store
// never calls something the same that is not what the org accepted last.
func TestStoreIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "fp")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "m.fingerprints")
		known := map[int]int{}
		for range rapid.IntRange(1, 5).Draw(t, "runs") {
			j, err := newJournal(path + journalSuffix)
			if err != nil {
				t.Fatal(err)
			}
			for range rapid.IntRange(0, 60).Draw(t, "rows") {
				k, c := rapid.IntRange(0, 40).Draw(t, "key"), rapid.IntRange(0, 3).Draw(t, "content")
				delete(known, k)
				if err := j.add(sum(k), Sum{}); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "accepted") {
					known[k] = c
					if err := j.add(sum(k), sum(c)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := j.close(); err != nil {
				t.Fatal(err)
			}
			m := merger{path: path, memory: rapid.IntRange(1, 50).Draw(t, "records") * entrySize}
			if err := m.run(j.path); err != nil {
				t.Fatal(err)
			}
			s, err := openTable(path)
			if err != nil {
				t.Fatal(err)
			}
			if s.len() != int64(len(known)) {
				t.Fatalf("%d keys, want %d", s.len(), len(known))
			}
			for k := range 41 {
				at, got, err := s.find(sum(k))
				if want, there := known[k]; err != nil || at >= 0 != there || there && got != sum(want) {
					t.Fatalf("key %d: %v %v %v, want %v %v", k, at, got, err, want, there)
				}
			}
			if err := s.close(); err != nil {
				t.Fatal(err)
			}
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*.tmp-*")); err != nil || len(left) > 0 {
			t.Fatalf("left behind: %v, %v", left, err)
		}
	})
}

func TestManyBlocks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const n = 20_000
	keys := make([]Sum, n)
	for i := range keys {
		keys[i] = sum(i)
	}
	if err := s.Sending(keys); err != nil {
		t.Fatal(err)
	}
	for i, k := range keys {
		if err := s.Accepted(k, sum(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, s)
	s = open(t, dir)
	defer shut(t, s)
	for i := range n {
		if !same(t, s, i, i+1) || same(t, s, n+i, i+1) {
			t.Fatalf("key %d", i)
		}
	}
}

// A run knows exactly which keys it has sent, be they few or many.
func TestOnlyWhatWasSentIsInDoubt(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const n = 5000
	for i := range n {
		if err := s.Accepted(sum(i), sum(i)); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, s)
	s = open(t, dir)
	defer shut(t, s)
	var keys []Sum
	for i := range n + 1000 { // the last thousand are new
		if i%3 == 0 {
			keys = append(keys, sum(i))
		}
	}
	if err := s.Doubt(keys[:100]); err != nil {
		t.Fatal(err)
	}
	if err := s.Sending(keys[100:]); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if same(t, s, i, i) != (i%3 != 0) {
			t.Fatalf("key %d", i)
		}
	}
}

// A merge that is killed at any step leaves what the next run needs, and nothing for good.
func TestKilledMerge(t *testing.T) {
	old := map[int]int{1: 1, 2: 2, 3: 3}
	journal := []struct{ key, content int }{{1, -1}, {1, 11}, {2, -1}, {4, -1}, {4, 14}}
	want := map[int]int{1: 11, 3: 3, 4: 14}
	for _, killed := range []string{"before it begins", "while it sorts", "while it writes", "before the journal is removed"} {
		dir := t.TempDir()
		s := open(t, dir)
		for k, c := range old {
			if err := s.Accepted(sum(k), sum(c)); err != nil {
				t.Fatal(err)
			}
		}
		shut(t, s)
		s = open(t, dir)
		for _, r := range journal {
			content := Sum{}
			if r.content >= 0 {
				content = sum(r.content)
			}
			if err := s.journal.add(sum(r.key), content); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(s.journal.close(), s.table.close()); err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(s.journal.path)
		if err != nil {
			t.Fatal(err)
		}
		leave := func(name, text string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		other := "n.fingerprints.tmp-run-1" // of another mapping, whose run may be under way
		leave(other, "")
		switch killed {
		case "while it sorts":
			leave("m.fingerprints.tmp-run-1", string(kept[:recordLen]))
		case "while it writes":
			leave("m.fingerprints.tmp-run-1", string(kept))
			leave("m.fingerprints.tmp-table-2", magic)
		case "before the journal is removed":
			if err := merge(s.path, s.journal.path); err != nil {
				t.Fatal(err)
			}
			leave("m.fingerprints.journal", string(kept))
		}
		s = open(t, dir)
		for k := range 6 {
			for _, c := range []int{k, 10 + k} {
				if w, ok := want[k]; same(t, s, k, c) != (ok && w == c) {
					t.Errorf("killed %s: key %d content %d", killed, k, c)
				}
			}
		}
		shut(t, s)
		var names []string
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if want := []string{"m.fingerprints", other}; !slices.Equal(names, want) {
			t.Errorf("killed %s: the directory holds %q, want %q", killed, names, want)
		}
	}
}

// TestFormat: what an earlier version left is still known, its journal too. The files are of a run that sent 400 keys
// and of one that was killed when it had sent every seventh of the first 420 of them anew, of which a third got no
// answer.
func TestFormat(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/v1")); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	for k := range 430 {
		content, known := k, k < 400
		if k%7 == 0 && k < 420 {
			content, known = k+1000, k/7%3 > 0
		}
		if same(t, s, k, content) != known || same(t, s, k, content+1) {
			t.Errorf("key %d is not what it was", k)
		}
	}
	shut(t, s)
	text, err := os.ReadFile(filepath.Join(dir, "m.fingerprints"))
	if err != nil || len(text) != len(magic)+int(s.table.len())*recordLen+tailLen {
		t.Errorf("%d bytes for %d keys, %v", len(text), s.table.len(), err)
	}
}
