package mapping

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// TestRows maps the rows of every case of testdata/rows: the mapping NAME.yaml, the rows
// NAME.jsonl, and in NAME.golden each row with what becomes of it for every target. The column "#" is
// a remark.
func TestRows(t *testing.T) {
	const dir = "testdata/rows/"
	text, err := os.ReadFile(dir + "schema.yml")
	if err != nil {
		t.Fatal(err)
	}
	s, found := schema.Overlay(schema.Standard(), "schema.yml", text)
	for _, d := range found {
		if d.Severity == diag.Error {
			t.Fatal(d)
		}
	}
	thing := s.Object("Thing__c")
	thing.Fields = append(thing.Fields, // types that no overlay can describe
		&schema.Field{Name: "Long__c", Type: schema.Long, Createable: true, Updateable: true, Nillable: true},
		&schema.Field{Name: "Combo__c", Type: schema.Combobox, Length: 10, Createable: true, Updateable: true, Nillable: true, Picklist: []schema.PicklistValue{{Value: "Call", Active: true}}},
		&schema.Field{Name: "Body__c", Type: schema.Base64, Createable: true, Updateable: true, Nillable: true})
	thing.Index()
	files, err := filepath.Glob(dir + "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			f, _, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			p, _, err := Compile(f, s)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := os.ReadFile(dir + name + ".jsonl")
			if err != nil {
				t.Fatal(err)
			}
			var pool row.Pool
			src := jsonRows(t, &pool, lines)
			for pass, plan := range []*Plan{p, p.Second} {
				if plan != nil {
					records += checkRows(t, plan, src, lines, []string{dir + name + ".golden", dir + name + ".second.golden"}[pass])
				}
			}
		})
	}
	if records < 300 {
		t.Errorf("only %d records", records)
	}
}

// checkRows maps rows with one plan and returns how many records came of them.
func checkRows(t *testing.T, p *Plan, src *row.Batch, lines []byte, golden string) (records int) {
	t.Helper()
	var pool row.Pool
	out := p.NewMapper(&pool).Map(src)
	var b bytes.Buffer
	for i, line := range bytes.Split(bytes.TrimSpace(lines), []byte("\n")) {
		b.Write(line)
		b.WriteByte('\n')
		for target := range p.Targets {
			got := out.AppendJSON(nil, i, target, "rows.jsonl")
			if !jsontext.Value(got).IsValid() {
				t.Errorf("not valid JSON: %s", got)
			}
			b.WriteString("\t" + out.Targets[target].Fate(i).String() + " " + strings.TrimPrefix(string(got), `{"file":"rows.jsonl",`) + "\n")
			why := out.Targets[target].Reason(i)
			if f := out.Targets[target].Fate(i); (f == Hold || f == Look) && why.Code != "" {
				b.WriteString("\t\tif it is wanted: " + why.Error() + "\n")
			}
			first := true
			for p := range out.Targets[target].Problems(i) {
				if !first {
					b.WriteString("\t\talso " + p.Error() + "\n")
				}
				first = false
			}
			if why.Code != "" && why.Code != CodeWhen && Remedy(why.Code) == "" {
				t.Errorf("no remedy for %s", why.Code)
			}
			records++
		}
		for n := range p.Finds {
			if r := &out.Finds[n]; r.Fate(i) == Send {
				b.WriteString("\tfind " + p.Finds[n].Name + " " + r.Batch.Cell(i, p.Finds[n].FoldColumn).Text + "\n")
			}
		}
	}
	checkGolden(t, golden, b.String())
	return records
}

// jsonRows makes a batch of JSON Lines. A member "only" says which target the row is for.
func jsonRows(t testing.TB, pool *row.Pool, lines []byte) *row.Batch {
	t.Helper()
	type member struct {
		name string
		cell cell
	}
	var rows [][]member
	var cols []row.Column
	seen := map[string]int{}
	for line := range bytes.SplitSeq(bytes.TrimSpace(lines), []byte("\n")) {
		var members []member
		d := jsontext.NewDecoder(bytes.NewReader(line))
		if _, err := d.ReadToken(); err != nil {
			t.Fatal(err)
		}
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			m := member{name: name.String()}
			v, err := d.ReadValue()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			switch v.Kind() {
			case '"':
				s, err := jsontext.AppendUnquote(nil, v)
				if err != nil {
					t.Fatal(err)
				}
				m.cell = text(string(s))
			case '0':
				m.cell = number(string(v))
			case 'n':
				m.cell = null()
			case 't', 'f':
				m.cell = row.MakeCell(row.Bool, string(v))
			default:
				m.cell = row.MakeCell(row.JSON, string(v))
			}
			if _, known := seen[m.name]; !known {
				seen[m.name] = len(cols)
				cols = append(cols, row.Column{Name: m.name, Type: "json"})
			}
			members = append(members, m)
		}
		rows = append(rows, members)
	}
	b := pool.Get(row.NewSchema(cols...))
	for i, members := range rows {
		r := b.AddRow(int64(i + 1))
		for _, m := range members {
			if m.name == "only" {
				b.SetOnly(r, m.cell.Text)
				continue
			}
			b.Set(r, seen[m.name], m.cell.Kind(), m.cell.Text)
		}
	}
	return b
}
