package recall_test

import (
	"strconv"
	"testing"

	"sfsync/pipeline/internal/recall"
)

func TestMapForgetsWhatIsOld(t *testing.T) {
	t.Parallel()
	const entry = 64 + 8 + 100 // what an entry of 8 and 100 bytes counts
	m := recall.New[int](20 * entry)
	key := func(i int) string { return "key" + strconv.Itoa(10000+i) }
	for i := range 100 {
		m.Put(key(i), i, 100)
		if v, ok := m.Get(key(i)); !ok || v != i || !m.Fresh(key(i)) {
			t.Fatalf("%d: %d %v", i, v, ok)
		}
		m.Put(key(0), 0, 100) // kept by being put again
	}
	known := 0
	for i := range 100 {
		if _, ok := m.Get(key(i)); ok {
			known++
		}
	}
	if _, ok := m.Get(key(0)); !ok || known < 9 || known > 20 {
		t.Errorf("%d entries are known, the first one: %v", known, ok)
	}
	m.Put(key(99), 7, 100)
	if v, _ := m.Get(key(99)); v != 7 {
		t.Errorf("put again: %d", v)
	}
	if _, ok := m.Get("nobody"); ok {
		t.Error("a key that was never put is known")
	}
}

// One entry larger than the bound is kept until the next comes.
func TestMapKeepsALargeEntry(t *testing.T) {
	t.Parallel()
	m := recall.New[int](10)
	m.Put("a", 1, 1000)
	if v, ok := m.Get("a"); !ok || v != 1 {
		t.Error(v, ok)
	}
}
