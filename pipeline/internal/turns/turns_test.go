package turns

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A table does what a map of lines does, also with keys that are in each other's way: at the end of the
// slots, around it, in runs.
func TestTableIsAMapOfLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table Table[int]
		lines := map[uint64][]int{}
		keys := make([]uint64, 0, 40)
		for i := range uint64(20) {
			keys = append(keys, i/3<<54|i, ^uint64(0)-i)
		}
		for step := range rapid.IntRange(0, 400).Draw(t, "steps") {
			key := rapid.SampledFrom(keys).Draw(t, "key")
			line, held := lines[key]
			if rapid.Bool().Draw(t, "take") {
				if got := table.Take(key, step); got == held {
					t.Fatalf("Take(%x) = %t, held %t", key, got, held)
				}
				if held {
					line = append(line, step)
				}
				lines[key] = line
				continue
			}
			who, ok := table.Pass(key)
			switch {
			case len(line) == 0:
				if ok {
					t.Fatalf("Pass(%x) = %d, nobody waits", key, who)
				}
				delete(lines, key)
			case !ok || who != line[0]:
				t.Fatalf("Pass(%x) = %d, %t, want %d", key, who, ok, line[0])
			default:
				lines[key] = line[1:]
			}
			if table.held != len(lines) {
				t.Fatalf("%d keys are held, want %d", table.held, len(lines))
			}
		}
	})
}

// A table grows with what it holds at once, and never by what comes and goes.
func TestTableDoesNotGrowWithTime(t *testing.T) {
	const most, through = 3_000, 1_000_000
	r := rand.New(rand.NewPCG(1, 2))
	var table Table[int]
	keys := make([]uint64, 0, through)
	for i := range through {
		keys = append(keys, r.Uint64())
		if !table.Take(keys[i], i) {
			t.Fatalf("key %d was held", i)
		}
		if i%3 == 0 && table.Take(keys[i], i) {
			t.Fatalf("key %d was to be had twice", i)
		}
		if i >= most {
			old := i - most
			who, ok := table.Pass(keys[old])
			if ok != (old%3 == 0) || ok && who != old {
				t.Fatalf("behind key %d came %d, %t", old, who, ok)
			}
			if ok {
				table.Pass(keys[old])
			}
		}
	}
	if len(table.slots) > 4096 || cap(table.nodes) > 2*most {
		t.Errorf("%d slots and %d nodes for %d keys", len(table.slots), cap(table.nodes), most)
	}
}

func BenchmarkTakePass(b *testing.B) {
	const most = 100_000
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]uint64, 1<<20)
	for i := range keys {
		keys[i] = r.Uint64()
	}
	var table Table[int]
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		table.Take(keys[i&(len(keys)-1)], i)
		if i >= most {
			table.Pass(keys[(i-most)&(len(keys)-1)])
		}
	}
}
