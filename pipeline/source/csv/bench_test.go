package csv_test

import (
	"testing"

	"sfsync/pipeline/source/csv"
	"sfsync/pipeline/source/sourcetest"
	"sfsync/pipeline/source/textfile"
)

const benchRows = 20_000

// BenchmarkCSVScan is the parser alone.
func BenchmarkCSVScan(b *testing.B) {
	data := sourcetest.LeadsCSV(benchRows)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	padded := append(data, make([]byte, textfile.Slack)...)
	s := csv.NewScanner(',', '\n')
	for b.Loop() {
		rows := 0
		for p := 0; p < len(data); rows++ {
			n, status := s.Record(padded[p:], len(data)-p, true)
			if status != csv.Scanned {
				b.Fatal(status)
			}
			p += n
		}
		if rows != benchRows+1 {
			b.Fatal(rows)
		}
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
