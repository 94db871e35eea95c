package source

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"sfsync/pipeline/row"
)

// leads returns n rows of 21 columns that look like a marketing export.
func leads(n int) (header []string, rows [][]string) {
	header = []string{"id", "email", "first_name", "last_name", "company", "title", "phone", "street", "city", "state", "postal_code", "country", "employees", "revenue", "rating", "source", "newsletter", "first_seen", "score", "segment", "notes"}
	cities := []string{"Köln", "Springfield", "São Paulo", "Nowhere", "Łódź", "Austin"}
	for i := range n {
		notes := ""
		switch i % 7 {
		case 0:
			notes = "asked for a demo, call back"
		case 3:
			notes = "said \"maybe\"\nsecond line"
		}
		rows = append(rows, []string{
			fmt.Sprintf("mkt-%09d", i), fmt.Sprintf("person.%d@example.com", i), "Alexandra", "Montgomery-Smith", fmt.Sprintf("Example Industries %d, Inc.", i%997),
			"Senior Director of Engineering", fmt.Sprintf("+1-555-01%02d", i%100), fmt.Sprintf("%d Long Street Name", i%9999), cities[i%len(cities)], "CA", fmt.Sprintf("%05d", i%99999), "Germany",
			fmt.Sprint(i % 5000), fmt.Sprintf("%d.%02d", i%1000000, i%100), "Hot", "Webinar", "true", "2026-11-01T12:34:56Z", fmt.Sprintf("%d.5", i%100), "enterprise", notes,
		})
	}
	return header, rows
}

func leadsCSV(n int) []byte {
	header, rows := leads(n)
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	_ = w.Write(header)
	_ = w.WriteAll(rows)
	return buf.Bytes()
}

func leadsJSONL(n int) []byte {
	header, rows := leads(n)
	var buf bytes.Buffer
	for _, r := range rows {
		buf.WriteByte('{')
		for i, v := range r {
			if i > 0 {
				buf.WriteByte(',')
			}
			k, _ := json.Marshal(header[i])
			buf.Write(k)
			buf.WriteByte(':')
			if header[i] == "company" {
				c, _ := json.Marshal(map[string]any{"name": v, "employees": json.Number(r[12])})
				buf.Write(c)
				continue
			}
			switch header[i] {
			case "employees", "revenue", "score", "newsletter":
				buf.WriteString(v)
			default:
				s, _ := json.Marshal(v)
				buf.Write(s)
			}
		}
		buf.WriteString("}\n")
	}
	return buf.Bytes()
}

func leadPaths() []string {
	header, _ := leads(0)
	var paths []string
	for _, h := range header {
		if h == "company" {
			h = "company.name"
		}
		paths = append(paths, h)
	}
	return paths
}

const benchRows = 20_000

func drain(b *testing.B, data []byte, opt Options) {
	b.Helper()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	opt.Pool = &row.Pool{}
	for b.Loop() {
		r, err := Open(context.Background(), Input{Path: "x." + opt.Format, Reader: bytes.NewReader(data)}, opt)
		if err != nil {
			b.Fatal(err)
		}
		rows := 0
		for {
			batch, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			rows += batch.Len()
			batch.Free()
		}
		if rows != benchRows {
			b.Fatalf("%d rows", rows)
		}
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkCSV(b *testing.B) { drain(b, leadsCSV(benchRows), Options{Format: "csv"}) }

func BenchmarkCSVNull(b *testing.B) {
	drain(b, leadsCSV(benchRows), Options{Format: "csv", Null: []string{"", "NULL"}})
}

// BenchmarkCSVScan is the parser alone.
func BenchmarkCSVScan(b *testing.B) {
	data := leadsCSV(benchRows)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	padded := append(data, make([]byte, slack)...)
	s := newScanner(',', '\n')
	for b.Loop() {
		rows := 0
		for p := 0; p < len(data); rows++ {
			n, status := s.record(padded[p:], len(data)-p, true)
			if status != scanned {
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

// BenchmarkEncodingCSV is the standard library on the same bytes, without keeping anything.
func BenchmarkEncodingCSV(b *testing.B) {
	data := leadsCSV(benchRows)
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
	drain(b, leadsJSONL(benchRows), Options{Format: "jsonl", Paths: leadPaths()})
}

func BenchmarkJSONLAll(b *testing.B) {
	drain(b, leadsJSONL(benchRows), Options{Format: "jsonl", All: true})
}

// BenchmarkEncodingJSON is the standard library into a map on the same lines.
func BenchmarkEncodingJSON(b *testing.B) {
	data := leadsJSONL(benchRows)
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
