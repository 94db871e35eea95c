package mapping

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/pipeline/row"
)

// Any mapping that has a form compiles to findings with places, or to a plan that gives every row of
// every target one fate, and a reason where it is not sent.
func FuzzCompile(f *testing.F) {
	for _, dir := range []string{"testdata/compile", "testdata/rows"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
		if err != nil || len(files) == 0 {
			f.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text), "a@x.org", "7")
		}
	}
	s := testObjects(f)
	f.Fuzz(func(t *testing.T, text, a, b string) {
		file, _, err := Parse("fuzz.yaml", []byte(text))
		if err != nil {
			Rest(file, s)
			return
		}
		Parents(file, s)
		p, all, err := Compile(file, s)
		if (p == nil) != (err != nil) {
			t.Fatalf("plan %v with error %v", p, err)
		}
		for _, d := range all {
			if d.Code == "" || d.Code != "more" && d.Pos.Line < 1 {
				t.Fatalf("no place or code: %+v", d)
			}
		}
		for plan := p; plan != nil; plan = plan.Second {
			fuzzRows(t, plan, a, b)
		}
	})
}

// fuzzRows maps rows whose cells are one text, the other, null, blank or absent, column by column.
func fuzzRows(t *testing.T, p *Plan, a, b string) {
	var pool row.Pool
	cols := []row.Column{{Name: "novel"}}
	for _, name := range p.Paths() {
		if name != "novel" {
			cols = append(cols, row.Column{Name: name})
		}
	}
	if len(cols) > row.MaxColumns {
		return
	}
	columns := row.NewSchema(cols...)
	_, _ = p.CheckColumns(columns, "fuzz.csv")
	src := pool.Get(columns)
	for r := range 5 {
		src.AddRow(int64(r))
		for c := range cols {
			switch (r + c) % 5 {
			case 0:
				src.Set(r, c, row.Text, a)
			case 1:
				src.Set(r, c, row.Text, b)
			case 2:
				src.SetKind(r, c, row.Null)
			case 3:
				src.Set(r, c, row.Text, " ")
			}
		}
	}
	out := p.NewMapper(&pool).Map(src)
	defer out.Free()
	for i := range p.Targets {
		records := &out.Targets[i]
		for r := range src.Len() {
			why := records.Reason(r)
			if f := records.Fate(r); f == Send && why.Code != "" || (f == Fail || f == Skip) && why.Code == "" {
				t.Fatalf("%v with %+v", f, why)
			}
			if got := out.AppendJSON(nil, r, i, "f"); !jsontext.Value(got).IsValid() {
				t.Fatalf("not valid JSON: %s", got)
			}
		}
	}
}
