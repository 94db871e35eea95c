package mirror

import (
	"testing"
)

// BenchmarkTable builds the copy of a million records and looks one up in each block of the index.
func BenchmarkTable(b *testing.B) {
	const n = 1_000_000
	values := [][]byte{[]byte("003xx0000000000AAA"), []byte("juergen.mueller@example.com")}
	for b.Loop() {
		build, err := newBuilder(b.TempDir(), sortMemory)
		if err != nil {
			b.Fatal(err)
		}
		for i := range uint64(n) {
			if err := build.add(i*0x9E3779B97F4A7C15, values); err != nil {
				b.Fatal(err)
			}
		}
		t, err := build.table()
		if err != nil {
			b.Fatal(err)
		}
		c, found := t.cursor(), 0
		for _, first := range t.first {
			if err := c.find(first, func([][]byte) error { found++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
		if found < len(t.first) {
			b.Fatalf("%d found", found)
		}
		if err := t.close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(n*b.N), "ns/record")
}
