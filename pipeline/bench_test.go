package pipeline_test

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/internal/plantest"
	"sfsync/pipeline/lacking"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
	"sfsync/sink/null"
)

// benchRows is the number of rows of the benchmarks' file; SFSYNC_BENCH_ROWS overrides it, so
// that memory can be compared between sizes:
//
//	SFSYNC_BENCH_ROWS=2000000 /usr/bin/time -v go test ./pipeline -run '^$' -bench 'Pipeline$' -benchtime 1x
func benchRows(b *testing.B) int {
	n := 200_000
	if s := os.Getenv("SFSYNC_BENCH_ROWS"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			b.Fatal(err)
		}
	}
	return n
}

// wide is a lead file of 21 columns.
var wideColumns = []string{
	"id", "email", "first", "last", "company", "title", "phone", "mobile", "street", "city", "state", "zip", "country",
	"website", "employees", "revenue", "source", "status", "rating", "description", "fax",
}

var wideFields = []string{
	"Ext__c", "Email", "FirstName", "LastName", "Company", "Title", "Phone", "MobilePhone", "Street", "City", "State", "PostalCode", "Country",
	"Website", "NumberOfEmployees", "AnnualRevenue", "LeadSource", "Status", "Rating", "Description", "Fax",
}

func wideFile(b *testing.B, rows int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "leads.csv")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	cw := csv.NewWriter(w)
	_ = cw.Write(wideColumns) // the error stays until Flush
	for i := range rows {
		_ = cw.Write([]string{
			fmt.Sprintf("MKT-%08d", i), fmt.Sprintf("jürgen.müller%d@example.com", i), "Jürgen", "Müller-Lüdenscheidt", "Acme, Widgets & \"Söhne\" GmbH", "Head of Operations",
			"+49 30 5550100", "+49 151 5550101", "Lange Straße 17\nHinterhaus", "Berlin", "", "10115", "Germany", "https://www.example.com/about",
			"250", "1250000", "Web", "Open - Not Contacted", "Warm", "Met at the trade fair, wants a demo of the new line in spring.", "",
		})
	}
	cw.Flush()
	if err := errors.Join(cw.Error(), w.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
	return path
}

func widePlan(b *testing.B) *mapping.Plan {
	b.Helper()
	text := "version: 1\nname: bench\ntargets:\n- object: Lead\n  name: lead\n  match: Ext__c\n  fields:\n"
	for i, f := range wideFields {
		text += "    " + f + ": " + wideColumns[i] + "\n"
	}
	p, _ := plantest.Compile(b, "objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n", text)
	return p
}

// BenchmarkPipeline moves a lead file through the whole pipeline, ledger and report included,
// into a sink that accepts everything. Compare its rows/s with BenchmarkEncodingCSV in the
// same run.
func BenchmarkPipeline(b *testing.B) {
	rows := benchRows(b)
	path := wideFile(b, rows)
	plan := widePlan(b)
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as the command does
	b.ReportAllocs()
	for b.Loop() {
		dir := b.TempDir()
		d, err := report.OpenDir(dir)
		if err != nil {
			b.Fatal(err)
		}
		l, err := ledger.Create(b.Context(), d.Path("ledger.db"), 1)
		if err != nil {
			b.Fatal(err)
		}
		r, err := report.NewRows(d)
		if err != nil {
			b.Fatal(err)
		}
		res, err := pipeline.Run(b.Context(), pipeline.Options{
			Plan: plan, Inputs: []source.Input{{Path: path}}, Targets: []pipeline.Target{{Writer: &null.Writer{}}},
			Ledger: l, Rows: r, Errors: &report.Errors{},
		})
		if err := errors.Join(err, r.Close(), l.Close()); err != nil {
			b.Fatal(err)
		}
		if int(res.Rows.Succeeded) != rows {
			b.Fatalf("%+v", res.Rows)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// endless is a CSV file of leads that is made as it is read.
type endless struct {
	rows, next int
	line       []byte
}

func (p *endless) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if len(p.line) == 0 {
			switch {
			case p.next == 0:
				p.line = append(p.line[:0], "lead,name\n"...)
			case p.next > p.rows:
				return n, io.EOF
			default:
				p.line = fmt.Appendf(p.line[:0], "MKT-%08d,Person %d\n", p.next, p.next)
			}
			p.next++
		}
		k := copy(b[n:], p.line)
		n, p.line = n+k, p.line[k:]
	}
	return n, nil
}

// BenchmarkChangedOnly sends rows to a sink that accepts everything, then the same rows once more with the
// fingerprints of the first run, which leave them all out. It keeps no ledger and no report. For memory see
// benchRows.
func BenchmarkChangedOnly(b *testing.B) {
	rows := benchRows(b)
	plan, _ := worldOf(b, `
  - {name: lead, object: Lead, match: Ext__c, fields: {Ext__c: lead, LastName: name, Company: {value: Y}}}
`)
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as the command does
	for b.Loop() {
		dir := b.TempDir()
		for _, lap := range []string{"first", "again"} {
			begun := time.Now()
			edit, done := changedOnly(b, dir, true)
			opt := pipeline.Options{
				Plan: plan, Inputs: []source.Input{{Path: "leads.csv", Reader: &endless{rows: rows}}}, Targets: []pipeline.Target{{Writer: &null.Writer{}}},
			}
			edit(&opt)
			res, err := pipeline.Run(b.Context(), opt)
			if err != nil {
				b.Fatal(err)
			}
			ran := time.Now()
			done()
			b.ReportMetric(float64(rows)/ran.Sub(begun).Seconds(), lap+"-rows/s")
			b.ReportMetric(time.Since(ran).Seconds(), lap+"-merge-s")
			if n := res.Targets[0].Unchanged; lap == "again" && n != int64(rows) || lap == "first" && n != 0 {
				b.Fatalf("%s: %d rows are left out", lap, n)
			}
		}
	}
}

// BenchmarkCheck checks the same file as the command does: every row, the keys that come up again,
// the values that picklists lack. Compare its rows/s with BenchmarkPipeline in the same run.
func BenchmarkCheck(b *testing.B) {
	rows := benchRows(b)
	path := wideFile(b, rows)
	plan := widePlan(b)
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as the command does
	b.ReportAllocs()
	for b.Loop() {
		values := lacking.New(plan)
		res, err := pipeline.Check(b.Context(), pipeline.Options{Plan: plan, Inputs: []source.Input{{Path: path}}, Temp: b.TempDir()},
			func(c pipeline.Checked) error { values.Add(c.First); return nil })
		if err != nil {
			b.Fatal(err)
		}
		if int(res.Rows.Succeeded) != rows {
			b.Fatalf("%+v", res.Rows)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkEncodingCSV only reads the file, with the standard library.
func BenchmarkEncodingCSV(b *testing.B) {
	rows := benchRows(b)
	path := wideFile(b, rows)
	b.ReportAllocs()
	for b.Loop() {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		r := csv.NewReader(f)
		r.ReuseRecord = true
		n := -1 // the header
		for {
			if _, err := r.Read(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if err := f.Close(); err != nil || n != rows {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
