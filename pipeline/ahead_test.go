package pipeline_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sfsync/pipeline"
	"sfsync/pipeline/source"
)

const aheadMapping = `
version: 1
name: ahead
source: {format: csv}
targets:
  - {name: lead, object: Lead, match: Ext__c, fields: {Ext__c: id, LastName: name, Company: {value: Acme}, Title: {from: title, default: none}}}
  - {name: account, object: Account, match: Name, when: kind == "a", fields: {Name: id}}
`

// aheadRows are n rows of which every fourth is one for Account, every other has no title and so needs a lookup, and every
// tenth fails.
func aheadRows(n int) string {
	var b strings.Builder
	b.WriteString("id,name,kind,title\n")
	for i := range n {
		kind, title, id := "b", "", fmt.Sprintf("%x", uint64(i)*0x9E3779B97F4A7C15)
		if i%4 == 0 {
			kind = "a"
		}
		if i%2 == 0 {
			title = "Dr"
		}
		if i%10 == 9 {
			id = ""
		}
		fmt.Fprintf(&b, "%s,Person %d,%s,%s\n", id, i*7919%100_000, kind, title)
	}
	return b.String()
}

// What the inputs hold is known exactly where they are small, and to a tenth where they are not, in files
// that are compressed too; what the rows make is known from the first of them.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, text string) source.Input {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			text = b.String()
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return source.Input{Path: path}
	}
	small, second := write("small.csv", aheadRows(1000)), write("second.csv", aheadRows(3000))
	large, packed := write("large.csv", aheadRows(200_000)), write("packed.csv.gz", aheadRows(450_000))
	damaged := write("damaged.csv.gz", "no gzip")
	broken := write("broken.csv", "id,name,kind,title\nk1,A,a,x\nk2,\"B,b,x\n")
	gone := source.Input{Path: filepath.Join(dir, "gone.csv")}
	for _, c := range []struct {
		name   string
		inputs []source.Input
		opt    pipeline.Options
		rows   int64
		exact  bool
	}{
		{"nothing", nil, pipeline.Options{}, 0, true},
		{"small", []source.Input{small}, pipeline.Options{}, 1000, true},
		{"two", []source.Input{small, second}, pipeline.Options{}, 4000, true},
		{"mapped in part, counted to the end", []source.Input{second, second, second, second}, pipeline.Options{}, 12_000, true},
		{"large", []source.Input{large}, pipeline.Options{}, 200_000, false},
		{"compressed", []source.Input{packed}, pipeline.Options{}, 450_000, false},
		{"a small one first", []source.Input{small, large, large}, pipeline.Options{}, 401_000, false},
		{"the first rows", []source.Input{large}, pipeline.Options{Limit: 700}, 700, true},
		{"more than there are", []source.Input{small}, pipeline.Options{Limit: 7000}, 1000, true},
		{"some rows", []source.Input{large}, pipeline.Options{Sample: 500}, 500, true},
		{"one that cannot be read", []source.Input{small, damaged, gone}, pipeline.Options{}, 1000, true},
		{"one that breaks off", []source.Input{broken}, pipeline.Options{}, 2, true},
	} {
		c.opt.Plan, c.opt.Inputs = compilePlan(t, aheadMapping), c.inputs
		a, err := pipeline.ReadAhead(t.Context(), c.opt, 10_000)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		within := 0.0
		if !c.exact {
			within = 0.1
		}
		near := func(what string, got int64, want, within float64) {
			if math.Abs(float64(got)-want) > within*want {
				t.Errorf("%s: %d %s, want %.0f", c.name, got, what, want)
			}
		}
		near("rows", a.Rows, float64(c.rows), within)
		if a.Exact != c.exact {
			t.Errorf("%s: exact: %t", c.name, a.Exact)
		}
		if mapped := min(a.Rows, 10_000); c.opt.Sample > 0 && a.Mapped != 0 || c.opt.Sample == 0 && a.Mapped < mapped {
			t.Errorf("%s: %d rows were mapped", c.name, a.Mapped)
		}
		if c.rows < 500 {
			continue
		}
		lead, account := a.Targets[0], a.Targets[1]
		rows := float64(a.Rows)
		near("leads", lead.Records, rows*0.9, 0.01)
		near("keys of leads", lead.Keys, rows*0.4, 0.02)
		near("accounts", account.Records, rows/4, 0.01)
		near("keys of accounts", account.Keys, rows/4, 0.01)
		if lead.Text < lead.Records*20 || lead.Text > lead.Records*60 {
			t.Errorf("%s: %d bytes of %d leads", c.name, lead.Text, lead.Records)
		}
	}
}

// Inputs are left as they were.
func TestReadAheadGoesBack(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "in.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(aheadRows(50)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	opt := pipeline.Options{Plan: compilePlan(t, aheadMapping), Inputs: []source.Input{{Path: "-", Reader: f}}}
	for range 2 {
		if a, err := pipeline.ReadAhead(t.Context(), opt, 10); err != nil || a.Rows != 50 || !a.Exact {
			t.Errorf("%+v, %v", a, err)
		}
	}
	opt.Inputs = []source.Input{{Path: "-", Once: true, Reader: io.MultiReader(strings.NewReader("id\n"))}}
	if _, err := pipeline.ReadAhead(t.Context(), opt, 10); err == nil {
		t.Error("an input that can be read once was read ahead")
	}
}
