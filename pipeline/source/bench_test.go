package source_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
	"sfsync/pipeline/source/sourcetest"
)

const benchRows = 20_000

func drain(b *testing.B, data []byte, opt source.Options) {
	b.Helper()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	opt.Pool = &row.Pool{}
	for b.Loop() {
		r, err := source.Open(context.Background(), source.Input{Path: "x." + opt.Format, Reader: bytes.NewReader(data)}, opt)
		if err != nil {
			b.Fatal(err)
		}
		if rows, err := sourcetest.Drain(b.Context(), r); err != nil || rows != benchRows {
			b.Fatalf("%d rows, %v", rows, err)
		}
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkCSV(b *testing.B) {
	drain(b, sourcetest.LeadsCSV(benchRows), source.Options{Format: "csv"})
}

func BenchmarkCSVNull(b *testing.B) {
	drain(b, sourcetest.LeadsCSV(benchRows), source.Options{Format: "csv", Null: []string{"", "NULL"}})
}

// BenchmarkEncodingCSV is the standard library on the same bytes, without keeping anything.
func BenchmarkEncodingCSV(b *testing.B) {
	data := sourcetest.LeadsCSV(benchRows)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r := csv.NewReader(bytes.NewReader(data))
		r.ReuseRecord = true
		rows := 0
		for {
			_, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			rows++
		}
		if rows != benchRows+1 {
			b.Fatal(rows)
		}
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkJSONL(b *testing.B) {
	drain(b, sourcetest.LeadsJSONL(benchRows), source.Options{Format: "jsonl", Paths: sourcetest.LeadPaths()})
}

func BenchmarkJSONLAll(b *testing.B) {
	drain(b, sourcetest.LeadsJSONL(benchRows), source.Options{Format: "jsonl", All: true})
}

// BenchmarkEncodingJSON is the standard library into a map on the same lines.
func BenchmarkEncodingJSON(b *testing.B) {
	data := sourcetest.LeadsJSONL(benchRows)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for line := range strings.Lines(string(data)) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
