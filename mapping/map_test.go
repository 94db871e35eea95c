package mapping

import (
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline/row"
)

// lead is the start of a mapping with one upsert target; rules go under fields.
const lead = `version: 1
name: test
targets:
  - name: lead
    object: Lead
    match: Marketing_Id__c
`

const leadFields = lead + `    fields:
      Marketing_Id__c: id
      LastName: name
      Company: company
`

// TestMap maps one row and compares the JSON that check --mapped prints.
func TestMap(t *testing.T) {
	t.Parallel()
	const head = `{"file":"in.csv","line":2,"target":"lead",`
	ok := func(match, fields, insert string) string {
		return head + `"object":"Lead","operation":"upsert","match":{"Marketing_Id__c":"` + match + `"},"fields":{` + fields + `},"insert_only":{` + insert + `}}`
	}
	bad := func(code, field, message string) string {
		return head + `"object":"Lead","code":"` + code + `","field":"` + field + `","message":"` + message + `"}`
	}
	base := `"Marketing_Id__c":"k1","LastName":"King","Company":"Acme"`
	columns := []string{"id", "name", "company", "x", "y"}
	row1 := func(more ...cell) []cell { return append([]cell{text("k1"), text("King"), text("Acme")}, more...) }
	tests := []struct {
		name  string
		rules string // under fields, or at the target with less indentation
		row   []cell
		want  string
	}{
		{"plain", "", row1(), ok("k1", base, "")},
		{"trimmed", "", []cell{text(" k1 "), text(" King"), text("Acme\t")}, ok("k1", base, "")},
		{"blank text is not sent", "      Title: x", row1(text("")), ok("k1", base, "")},
		{"white space is blank", "      Title: {from: x, blank: 'null'}", row1(text(" \u00a0 ")), ok("k1", base+`,"Title":null`, "")},
		{"null is not sent", "      Title: x", row1(null()), ok("k1", base, "")},
		{"null clears", "      Title: {from: x, blank: 'null'}", row1(null()), ok("k1", base+`,"Title":null`, "")},
		{"blank clears", "      Title: {from: x, blank: null}", row1(text("")), ok("k1", base+`,"Title":null`, "")},
		{"absent never clears", "      Title: {from: x, blank: 'null'}", row1(absent()), ok("k1", base, "")},
		{"blank fails", "      Title: {from: x, blank: fail}", row1(text("")), bad("REQUIRED_FIELD_MISSING", "Title", "Title is blank, and the mapping says blank: fail")},
		{"absent sends nothing, also with blank: fail", "      Title: {from: x, blank: fail}", row1(), ok("k1", base, "")},
		{"first that is not blank", "      Title: {from: [x, y]}", row1(text(""), text("CEO")), ok("k1", base+`,"Title":"CEO"`, "")},
		{"first counts", "      Title: {from: [x, y]}", row1(text("CTO"), text("CEO")), ok("k1", base+`,"Title":"CTO"`, "")},
		{"blank after its steps", "      Title: {from: [x | digits, y]}", row1(text("none"), text("7")), ok("k1", base+`,"Title":"7"`, "")},
		{"list all blank clears", "      Title: {from: [x, y], blank: 'null'}", row1(absent(), null()), ok("k1", base+`,"Title":null`, "")},
		{"steps", "      Title: x | lower | title | truncate(5)", row1(text("CHIEF officer")), ok("k1", base+`,"Title":"Chief"`, "")},
		{"value", "      LeadSource: {value: Web}", row1(), ok("k1", base+`,"LeadSource":"Web"`, "")},
		{"value is converted", "      Score__c: {value: 01.500}", row1(), ok("k1", base+`,"Score__c":1.5`, "")},
		{"value of a checkbox", "      Newsletter__c: {value: no}", row1(), ok("k1", base+`,"Newsletter__c":false`, "")},
		{"default for new records", "      Title: {from: x, default: n/a}", row1(text("")), ok("k1", base, `"Title":"n/a"`)},
		{"default where absent", "      Title: {from: x, default: n/a}", row1(), ok("k1", base, `"Title":"n/a"`)},
		{"default not needed", "      Title: {from: x, default: n/a}", row1(text("CEO")), ok("k1", base+`,"Title":"CEO"`, "")},
		{"default always", "      Title: {from: x, default: n/a, default_on: always}", row1(text("")), ok("k1", base+`,"Title":"n/a"`, "")},
		{"values", "      LeadSource: {from: x, values: {w: Web, o: Other}}", row1(text(" w ")), ok("k1", base+`,"LeadSource":"Web"`, "")},
		{"values keep", "      Title: {from: x, values: {w: Web}}", row1(text("z")), ok("k1", base+`,"Title":"z"`, "")},
		{"values fail", "      Title: {from: x, values: {w: Web}, on_unmapped: fail}", row1(text("z")), bad("UNMAPPED_VALUE", "Title", `value \"z\" is not in the mapping's values`)},
		{"values blank", "      Title: {from: x, values: {w: Web}, on_unmapped: blank, default: n/a}", row1(text("z")), ok("k1", base, `"Title":"n/a"`)},
		{"values of a blank", "      Title: {from: x, values: {w: Web}, on_unmapped: fail}", row1(text("")), ok("k1", base, "")},
		{"number verbatim", "      Score__c: x", row1(number("12.500")), ok("k1", base+`,"Score__c":12.5`, "")},
		{"rounded", "      Score__c: x", row1(text("1.005")), ok("k1", base+`,"Score__c":1.01`, "")},
		{"wrong type", "      Score__c: x", row1(text("many")), bad("INVALID_TYPE_ON_FIELD_IN_RECORD", "Score__c", `value not of required type: \"many\" is no number`)},
		{
			"two wrong", "      Score__c: x\n      Visits__c: y", row1(text("many"), text("1.5")),
			bad("INVALID_TYPE_ON_FIELD_IN_RECORD", "Score__c", `value not of required type: \"many\" is no number (and 1 more problem)`),
		},
		{"step fails", "      Born__c: x | date(dd.MM.yyyy)", row1(text("31.02.2026")), bad("INVALID_TYPE_ON_FIELD_IN_RECORD", "Born__c", `\"31.02.2026\" is no date of the form dd.MM.yyyy`)},
		{"object where a value belongs", "      Title: x", row1(row.MakeCell(row.JSON, `{"a":1}`)), bad("INVALID_TYPE_ON_FIELD_IN_RECORD", "Title", "a JSON object is no string value: name a path into it")},
		{"object into a step", "      Title: x | lower", row1(row.MakeCell(row.JSON, `[1]`)), bad("INVALID_TYPE_ON_FIELD_IN_RECORD", "Title", "a transform needs text, not a JSON object or array: name a path into it")},
		{"blank key", "", []cell{text(" "), text("King"), text("Acme")}, bad("MATCH_KEY_BLANK", "Marketing_Id__c", "the match field Marketing_Id__c is blank")},
		{"absent key", "", []cell{absent(), text("King"), text("Acme")}, bad("MATCH_KEY_BLANK", "Marketing_Id__c", "the match field Marketing_Id__c is blank")},
		{"key before fields", "      Score__c: x", []cell{text(""), text("King"), text("Acme"), text("many")}, bad("MATCH_KEY_BLANK", "Marketing_Id__c", "the match field Marketing_Id__c is blank (and 1 more problem)")},
		{"when skips", "    when: x != \"internal\"", row1(text("internal")), head + `"skipped":"when: is false"}`},
		{"when before the key", "    when: x != \"internal\"", []cell{text(""), text(""), text(""), text("internal")}, head + `"skipped":"when: is false"}`},
		{"when keeps", "    when: x != \"internal\"", row1(text("")), ok("k1", base, "")},
		{"when never", "    when: false", row1(text("")), head + `"skipped":"when: is false"}`},
		{"when by the interpreter", "    when: int(x) > 3", row1(text("4")), ok("k1", base, "")},
		{"when fails", "    when: int(x) > 3", row1(text("four")), bad("EXPR_FAILED", "", `int(\"four\"): no whole number`)},
		{"expr", "      Visits__c: {expr: 'int(x) * 3 + (y == \"DE\" ? 1 : 0)'}", row1(text("4"), text("DE")), ok("k1", base+`,"Visits__c":13`, "")},
		{"expr of a float", "      Score__c: {expr: number(x) / 3}", row1(text("1")), ok("k1", base+`,"Score__c":0.33`, "")},
		{"expr of a flag", "      Newsletter__c: {expr: 'x == \"on\"'}", row1(text("on")), ok("k1", base+`,"Newsletter__c":true`, "")},
		{"expr of text", "      Title: {expr: 'upper(x) + \" \" + y'}", row1(text("a"), text("b")), ok("k1", base+`,"Title":"A b"`, "")},
		{"expr of nothing", "      Title: {expr: 'x', blank: 'null'}", row1(text("")), ok("k1", base+`,"Title":null`, "")},
		{"expr fails", "      Visits__c: {expr: int(x)}", row1(text("")), bad("EXPR_FAILED", "Visits__c", `int(\"\"): no whole number`)},
		{"expr divides by zero", "      Score__c: {expr: number(x) / 0}", row1(text("1")), bad("EXPR_FAILED", "Score__c", "the result is no number (a division by zero?)")},
		{"custom", "    custom: [plan_name]", row1(), ok("k1", base, "")},
		{"multi-select", "      Tags__c: x", row1(text("Red; blue")), ok("k1", base+`,"Tags__c":"red;blue"`, "")},
		{"quotes and lines", "      Notes__c: x", row1(text("a \"b\"\nc")), ok("k1", base+`,"Notes__c":"a \"b\"\nc"`, "")},
	}
	s := testObjects(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := leadFields + tt.rules + "\n"
			p := compileYAML(t, s, m)
			var pool row.Pool
			out := p.NewMapper(&pool).Map(batch(&pool, columns, tt.row))
			defer out.Free()
			got := out.AppendJSON(nil, 0, 0, "in.csv")
			if d := cmp.Diff(tt.want, string(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if v := jsontext.Value(got); !v.IsValid() {
				t.Errorf("not valid JSON: %s", got)
			}
		})
	}
}

// What an operation makes of keys and defaults.
func TestMapOperations(t *testing.T) {
	t.Parallel()
	target := func(more string) string {
		return "version: 1\nname: test\ntargets:\n  - {name: t, object: Lead, " + more + "}\n"
	}
	tests := []struct {
		name, mapping        string
		key, fold            int
		lookup, insert       bool
		fields, match, extra string
	}{
		{"native", target("match: Marketing_Id__c, fields: {LastName: n, Company: c, Marketing_Id__c: k}"), 2, 3, false, false, `"LastName":"N","Company":"C","Marketing_Id__c":"003000000000001"`, `"Marketing_Id__c":"003000000000001"`, ""},
		{"lookup by email-like key", target("match: Loose_Id__c, fields: {LastName: n, Company: c, Loose_Id__c: k}"), 2, 3, true, false, `"LastName":"N","Company":"C","Loose_Id__c":"003000000000001"`, `"Loose_Id__c":"003000000000001"`, ""},
		{"insert-only default", target("match: Marketing_Id__c, fields: {LastName: n, Company: {from: none, default: x}, Marketing_Id__c: k}"), 2, 3, false, true, `"LastName":"N","Marketing_Id__c":"003000000000001"`, `"Marketing_Id__c":"003000000000001"`, `"Company":"x"`},
		{"default always", target("match: Marketing_Id__c, fields: {LastName: n, Company: {from: none, default: x, default_on: always}, Marketing_Id__c: k}"), 2, 3, false, false, `"LastName":"N","Company":"x","Marketing_Id__c":"003000000000001"`, `"Marketing_Id__c":"003000000000001"`, ""},
		{"insert", target("operation: insert, fields: {LastName: n, Company: {from: none, default: x}}"), -1, -1, false, false, `"LastName":"N","Company":"x"`, "", ""},
		{"update by id", target("operation: update, match: Id, fields: {Id: id, LastName: n, Company: {from: none, default: x}}"), -1, 2, false, false, `"LastName":"N"`, `"Id":"00Q000000000001EAA"`, ""},
		{"upsert by id", target("match: Id, fields: {Id: id, LastName: n}"), -1, 1, false, false, `"LastName":"N"`, `"Id":"00Q000000000001EAA"`, ""},
		{"update by external id", target("operation: update, match: Marketing_Id__c, fields: {LastName: n, Marketing_Id__c: k}"), 1, 2, true, false, `"LastName":"N","Marketing_Id__c":"003000000000001"`, `"Marketing_Id__c":"003000000000001"`, ""},
		{"update by auto number", target("operation: update, match: Seq__c, fields: {LastName: n, Seq__c: k}"), -1, 1, true, false, `"LastName":"N"`, `"Seq__c":"003000000000001"`, ""},
	}
	s := testObjects(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := compileYAML(t, s, tt.mapping)
			pt := &p.Targets[0]
			if pt.KeyColumn != tt.key || pt.FoldColumn != tt.fold || pt.Lookup != tt.lookup || pt.InsertDefaults != tt.insert {
				t.Errorf("key %d, fold %d, lookup %v, insert defaults %v", pt.KeyColumn, pt.FoldColumn, pt.Lookup, pt.InsertDefaults)
			}
			var pool row.Pool
			out := p.NewMapper(&pool).Map(batch(&pool, []string{"n", "c", "k", "id"}, []cell{text("N"), text("C"), text("003000000000001"), text("00Q000000000001")}))
			defer out.Free()
			got := string(out.AppendJSON(nil, 0, 0, "f"))
			for _, want := range []string{`"match":{` + tt.match + `}`, `"fields":{` + tt.fields + `}`, `"insert_only":{` + tt.extra + `}`} {
				if !strings.Contains(got, want) {
					t.Errorf("%s\nhas no %s", got, want)
				}
			}
			if tt.fold >= 0 && out.Targets[0].Batch.Schema().Columns[tt.fold].Name != FoldColumnName {
				t.Error("the fold column is not where it should be")
			}
		})
	}
}

// The folded key is what the schema's FoldKey gives, and the record keeps the key as it is.
func TestMapFoldsKeys(t *testing.T) {
	t.Parallel()
	s := testObjects(t)
	for _, tt := range []struct{ field, in, key, fold string }{
		{"Marketing_Id__c", " AbÉ ", "AbÉ", "abé"},
		{"Case_Id__c", " AbÉ ", "AbÉ", "AbÉ"},
		{"Email", "Ada@Example.COM", "Ada@Example.COM", "ada@example.com"},
		{"Number_Id__c", "007.0", "7", "7"},
		{"Parent__c", "001000000000001", "001000000000001AAA", "001000000000001AAA"},
	} {
		p := compileYAML(t, s, "version: 1\nname: t\ntargets:\n  - object: Lead\n    match: "+tt.field+"\n    fields: {LastName: n, Company: n, "+tt.field+": k}\n")
		var pool row.Pool
		out := p.NewMapper(&pool).Map(batch(&pool, []string{"n", "k"}, []cell{text("N"), text(tt.in)}))
		b, pt := out.Targets[0].Batch, &p.Targets[0]
		if key, fold := b.Cell(0, pt.KeyColumn).Text, b.Cell(0, pt.FoldColumn).Text; key != tt.key || fold != tt.fold || fold != pt.Match.FoldKey(key) {
			t.Errorf("%s %q: key %q, fold %q", tt.field, tt.in, key, fold)
		}
		out.Free()
	}
}

// A row that could not be read fails for every target, with the reader's code.
func TestMapSourceProblem(t *testing.T) {
	t.Parallel()
	p := compileYAML(t, testObjects(t), leadFields+"    when: \"false\"\n")
	var pool row.Pool
	b := batch(&pool, []string{"id", "name", "company"}, []cell{text("k")}, []cell{text("l")})
	b.Fail(0, row.Problem{Code: "ROW_WIDTH", Message: "1 cell instead of 3"})
	out := p.NewMapper(&pool).Map(b)
	defer out.Free()
	r := &out.Targets[0]
	if f, why := r.Fate(0), r.Reason(0); f != Fail || why.Code != "ROW_WIDTH" || why.Message != "1 cell instead of 3" {
		t.Errorf("row 0: %v, %+v", f, why)
	}
	if f, why := r.Fate(1), r.Reason(1); f != Skip || why.Code != CodeWhen {
		t.Errorf("row 1: %v, %+v", f, why)
	}
}

// Two targets see the same rows and decide for themselves.
func TestMapTargets(t *testing.T) {
	t.Parallel()
	p := compileYAML(t, testObjects(t), leadFields+`  - name: visit
    object: Visit__c
    match: Key__c
    when: not blank(score)
    fields: {Key__c: id, Score__c: score}
`)
	var pool row.Pool
	src := batch(&pool, []string{"id", "name", "company", "score"},
		[]cell{text("a"), text("A"), text("C"), text("1")}, []cell{text("b"), text("B"), text("C"), text("")}, []cell{text("c"), text("C"), text("C"), text("x")})
	src.Seq, src.File = 7, 3
	out := p.NewMapper(&pool).Map(src)
	defer out.Free()
	want := [][]Fate{{Send, Send, Send}, {Send, Skip, Fail}}
	for ti := range out.Targets {
		r := &out.Targets[ti]
		if r.Batch.Seq != 7 || r.Batch.File != 3 || r.Batch.Len() != 3 || r.Batch.Line(2) != 4 {
			t.Errorf("target %d: batch %d of file %d with %d rows", ti, r.Batch.Seq, r.Batch.File, r.Batch.Len())
		}
		for i, f := range want[ti] {
			if r.Fate(i) != f {
				t.Errorf("target %d row %d: %v, want %v", ti, i, r.Fate(i), f)
			}
		}
	}
}

// rest: custom and rest: fail where a reader meets new keys as it goes.
func TestMapRest(t *testing.T) {
	t.Parallel()
	s := testObjects(t)
	mapping := func(more string) *Plan { return compileYAML(t, s, leadFields+more) }
	cols := []string{"id", "name", "company", "plan_name", "newsletter__c", "novel", "PLAN_NAME"}
	row1 := func(more ...cell) []cell { return append([]cell{text("k"), text("N"), text("C")}, more...) }
	tests := []struct {
		name string
		plan *Plan
		row  []cell
		want string
	}{
		{"custom", mapping("    rest: custom\n"), row1(text("gold"), text("true")), `"Company":"C","Plan_Name__c":"gold","Newsletter__c":true},"insert_only"`},
		{"custom blank", mapping("    rest: custom\n"), row1(text(""), null()), `"Company":"C"},"insert_only"`},
		{"custom checked", mapping("    rest: custom\n"), row1(text("much too long")), `"code":"STRING_TOO_LONG","field":"Plan_Name__c"`},
		{"custom object", mapping("    rest: custom\n"), row1(row.MakeCell(row.JSON, `{}`)), `"code":"INVALID_TYPE_ON_FIELD_IN_RECORD","field":"Plan_Name__c"`},
		{"custom without field", mapping("    rest: custom\n"), row1(absent(), absent(), text("x")), `"code":"INVALID_FIELD","field":"novel__c"`},
		{"custom without field, blank", mapping("    rest: custom\n"), row1(absent(), absent(), text("")), `"Company":"C"},"insert_only"`},
		{"custom, missing ignored", mapping("    rest: custom\n    missing: ignore\n"), row1(absent(), absent(), text("x")), `"Company":"C"},"insert_only"`},
		{"custom, field taken", mapping("      Plan_Name__c: novel\n    rest: custom\n"), row1(text("gold")), `"code":"FIELD_TWICE","field":"Plan_Name__c"`},
		{"custom, only the second of two", mapping("    rest: custom\n"), row1(null(), absent(), absent(), text("gold")), `"Company":"C","Plan_Name__c":"gold"},"insert_only"`},
		{"custom, both of two", mapping("    rest: custom\n"), row1(text("gold"), absent(), absent(), text("lead")), `"code":"FIELD_TWICE","field":"Plan_Name__c","message":"column \"PLAN_NAME\" is one of two`},
		{"fail", mapping("    rest: fail\n"), row1(text("")), `"code":"UNMAPPED_COLUMN"`},
		{"fail, absent", mapping("    rest: fail\n"), row1(), `"Company":"C"},"insert_only"`},
		{"ignore", mapping(""), row1(text("gold")), `"Company":"C"},"insert_only"`},
		{"custom list", mapping("    custom: [plan_name]\n"), row1(text("gold")), `"Company":"C","Plan_Name__c":"gold"},"insert_only"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var pool row.Pool
			out := tt.plan.NewMapper(&pool).Map(batch(&pool, cols, tt.row))
			defer out.Free()
			if got := string(out.AppendJSON(nil, 0, 0, "f")); !strings.Contains(got, tt.want) {
				t.Errorf("%s\nhas no %s", got, tt.want)
			}
		})
	}
}

// One mapper follows schemas that change from batch to batch, more than its plan remembers.
func TestMapManySchemas(t *testing.T) {
	t.Parallel()
	p := compileYAML(t, testObjects(t), leadFields+"    rest: custom\n    missing: ignore\n")
	var pool row.Pool
	m := p.NewMapper(&pool)
	for i := range 200 {
		cols := []string{"id", "name", "company"}
		cells := []cell{text("k"), text("N"), text("C")}
		for range i % 5 {
			cols = append([]string{strings.Repeat("z", len(cols))}, cols...)
			cells = append([]cell{text("?")}, cells...)
		}
		out := m.Map(batch(&pool, cols, cells))
		if got := string(out.AppendJSON(nil, 0, 0, "f")); !strings.Contains(got, `"LastName":"N"`) {
			t.Fatal(got)
		}
		out.Free()
	}
}

// Mappers of one plan work side by side.
func TestMapConcurrently(t *testing.T) {
	t.Parallel()
	p, s, cells := twenty(t)
	var pool row.Pool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			m := p.NewMapper(&pool)
			for i := range 20 {
				b := pool.Get(s)
				if i%2 == 1 {
					b = pool.Get(row.NewSchema(s.Columns...)) // another file
				}
				out := m.Map(fill(b, cells, cells))
				if f, why := out.Targets[0].Fate(1), out.Targets[0].Reason(1); f != Send {
					t.Error(f, why)
				}
				out.Free()
			}
		})
	}
	wg.Wait()
}

// twenty is a mapping of 20 fields without expressions, and a file for it.
func twenty(t testing.TB) (*Plan, *row.Schema, []cell) {
	p := compileYAML(t, testObjects(t), lead+`    when: status != "internal" && not blank(id)
    fields:
      Marketing_Id__c: id
      LastName: name | last_name
      FirstName: name | first_name
      Company: {from: [org, company], default: n/a}
      Email: email | trim | lower
      Phone: phone
      Website: web
      Title: title | title
      City: city
      Street: street
      PostalCode: zip
      Country: {from: country, values: {DE: Germany, FR: France}}
      LeadSource: {value: Web}
      NumberOfEmployees: {from: size, blank: "null"}
      AnnualRevenue: revenue | number(de)
      Score__c: score
      Newsletter__c: news | bool(ja)
      First_Seen__c: seen
      Segment__c: segment
      Plan_Name__c: plan | slug
`)
	names := []string{"id", "name", "org", "company", "email", "phone", "web", "title", "city", "street", "zip", "country", "size", "revenue", "score", "news", "seen", "segment", "plan", "status"}
	cols := make([]row.Column, len(names))
	for i, n := range names {
		cols[i].Name = n
	}
	cells := []cell{
		text("m-000017"), text("Ada King Lovelace"), text(""), text("Analytical Engines"), text("Ada@Example.COM "), text("+44 20 5550 0199"), text("https://example.com"),
		text("chief analyst"), text("London"), text("12 St James's Square"), text("SW1Y"), text("DE"), text("1200"), text("1.234.567,40"), text("12.345"), text("Ja"), text("2026-11-21T10:00:00+01:00"), text("small"), text("Gold Plus"), text("new"),
	}
	return p, row.NewSchema(cols...), cells
}

// Whatever the cells hold, a row is sent, skipped or fails with a reason, as valid JSON.
func FuzzMap(f *testing.F) {
	p, s, _ := twenty(f)
	f.Add("m-1|Ada Lovelace||Acme|a@b.co|1||||||DE|x|1,5|1e3|ja|2026-11-21|small|Gold|new", uint8(row.Text))
	f.Add("m-1|||||||||||||||||||", uint8(row.Number))
	f.Add(" | | |\x00|\"|\\|\u2028", uint8(row.JSON))
	var pool row.Pool
	f.Fuzz(func(t *testing.T, line string, kind uint8) {
		src := pool.Get(s)
		src.AddRow(1)
		for i, v := range strings.SplitN(strings.ToValidUTF8(line, "?"), "|", len(s.Columns)) {
			k := row.Kind((kind+uint8(i)/7)%5 + 1)
			src.Set(0, i, k, v)
		}
		out := p.NewMapper(&pool).Map(src)
		defer out.Free()
		r := &out.Targets[0]
		if why := r.Reason(0); (r.Fate(0) == Send) != (why.Code == "") {
			t.Fatalf("%v: %+v", r.Fate(0), why)
		}
		if got := out.AppendJSON(nil, 0, 0, "f"); !jsontext.Value(got).IsValid() {
			t.Fatalf("not valid JSON: %s", got)
		}
		if r.Fate(0) != Send {
			return
		}
		pt := &p.Targets[0]
		if key := r.Batch.Cell(0, pt.KeyColumn).Text; key == "" || r.Batch.Cell(0, pt.FoldColumn).Text != pt.Match.FoldKey(key) {
			t.Fatalf("key %q folded to %q", key, r.Batch.Cell(0, pt.FoldColumn).Text)
		}
	})
}

// thousand returns a batch of 1,000 rows that have the same cells.
func thousand(pool *row.Pool, s *row.Schema, cells []cell) *row.Batch {
	b := pool.Get(s)
	for i := range 1000 {
		r := b.AddRow(int64(i))
		for c, v := range cells {
			b.Set(r, c, v.Kind(), v.Text)
		}
	}
	return b
}

func TestMapDoesNotAllocate(t *testing.T) {
	p, s, cells := twenty(t)
	var pool row.Pool
	m := p.NewMapper(&pool)
	src := func() *row.Batch { return thousand(&pool, s, cells) }
	first := m.Map(src())
	if f, why := first.Targets[0].Fate(0), first.Targets[0].Reason(0); f != Send {
		t.Fatal(f, why)
	}
	first.Free()
	perBatch := testing.AllocsPerRun(20, func() { m.Map(src()).Free() })
	// A pool may be emptied by the garbage collector between two batches; a row may not cost.
	if perRow := perBatch / 1000; perRow >= 0.1 {
		t.Errorf("%v allocations for a batch of 1,000 rows", perBatch)
	}
}

// references is a mapping whose records refer to each other in every way, and a file for it.
func references(t testing.TB) (*Plan, *row.Schema, []cell) {
	p := compileYAML(t, testObjects(t), `version: 1
targets:
  - name: account
    object: Account
    match: [ERP_Id__c, [Name, BillingCity]]
    fields: {ERP_Id__c: erp, Name: company, BillingCity: city}
  - name: contact
    object: Contact
    match: [[AccountId, Email]]
    fields:
      Email: email
      LastName: name
      AccountId: {ref: account}
      OwnerId: {lookup: User.Username, from: owner | lower}
  - name: member
    object: CampaignMember
    fields:
      ContactId: {ref: contact}
      CampaignId: {lookup: Campaign.Code__c, from: campaign, create: true, fields: {Name: campaign, OwnerId: {lookup: User.Username, from: owner | lower}}}
`)
	names := []string{"erp", "company", "city", "email", "name", "owner", "campaign"}
	cols := make([]row.Column, len(names))
	for i, n := range names {
		cols[i].Name = n
	}
	return p, row.NewSchema(cols...), []cell{text("E-1"), text("Acme"), text("London"), text("ada@example.com"), text("King"), text("Bob@example.com"), text("Spring")}
}

// TestReferencesHold: whatever a row holds, a record that is sent refers only to records that are sent
// or that fail with a reason, and every cell that awaits an id has a need that fills it.
func TestReferencesHold(t *testing.T) {
	t.Parallel()
	p, s, good := references(t)
	var pool row.Pool
	m := p.NewMapper(&pool)
	rapid.Check(t, func(t *rapid.T) {
		src := pool.Get(s)
		rows := rapid.IntRange(1, 4).Draw(t, "rows")
		for i := range rows {
			src.AddRow(int64(i))
			for c := range good {
				switch rapid.IntRange(0, 5).Draw(t, "cell") {
				case 0:
				case 1:
					src.SetKind(i, c, row.Null)
				case 2:
					src.Set(i, c, row.Text, rapid.SampledFrom([]string{"", " ", "much too long for a key", "nobody@", "{}"}).Draw(t, "text"))
				default:
					src.Set(i, c, good[c].Kind(), good[c].Text)
				}
			}
			if only := rapid.SampledFrom([]string{"", "", "", "account", "contact", "member", "member.CampaignId", "nobody"}).Draw(t, "only"); only != "" {
				src.SetOnly(i, only)
			}
		}
		out := m.Map(src)
		defer out.Free()
		for i := range rows {
			for ti := range p.Targets {
				target, r := &p.Targets[ti], &out.Targets[ti]
				if why := r.Reason(i); (r.Fate(i) == Fail || r.Fate(i) == Skip) != (why.Code != "") && r.Fate(i) != Look {
					t.Fatalf("%s: %v with %+v", target.Name, r.Fate(i), why)
				}
				if r.Fate(i) != Send && r.Fate(i) != Look {
					continue
				}
				whole := len(target.Keys) == 0 || r.Fate(i) == Look
				for _, k := range target.Keys {
					parts := 0
					for _, c := range k.Columns {
						if r.Batch.Cell(i, c).Kind() > row.Null {
							parts++
						}
					}
					whole = whole || parts == len(k.Columns)
				}
				if !whole {
					t.Fatalf("%s: a record without a key is sent", target.Name)
				}
				awaited := map[int]bool{}
				for _, n := range target.Needs {
					cell := r.Batch.Cell(i, n.Column)
					if !cell.Awaited() {
						continue
					}
					awaited[n.Column] = true
					f := out.Record(n.Record).Fate(i)
					if n.Record >= p.Own && f != Send && f != Fail && r.Fate(i) == Send {
						t.Fatalf("%s: %s waits for %s, which is a %v", target.Name, n.Field, p.Record(n.Record).Name, f)
					}
				}
				for c := range r.Batch.Schema().Columns {
					if r.Batch.Cell(i, c).Awaited() && !awaited[c] {
						t.Fatalf("%s: nothing fills column %d", target.Name, c)
					}
				}
				if got := out.AppendJSON(nil, i, ti, "f"); !jsontext.Value(got).IsValid() {
					t.Fatalf("not valid JSON: %s", got)
				}
			}
		}
	})
}

func TestReferencesDoNotAllocate(t *testing.T) {
	p, s, cells := references(t)
	var pool row.Pool
	m := p.NewMapper(&pool)
	src := func() *row.Batch { return thousand(&pool, s, cells) }
	first := m.Map(src())
	for i := range first.Targets {
		if f, why := first.Targets[i].Fate(999), first.Targets[i].Reason(999); f != Send {
			t.Fatal(p.Targets[i].Name, f, why)
		}
	}
	first.Free()
	perBatch := testing.AllocsPerRun(20, func() { m.Map(src()).Free() })
	if perRow := perBatch / 1000; perRow >= 0.1 {
		t.Errorf("%v allocations for a batch of 1,000 rows", perBatch)
	}
}

func BenchmarkMapReferences(b *testing.B) {
	p, s, cells := references(b)
	var pool row.Pool
	m := p.NewMapper(&pool)
	src := row.New(s)
	for i := range row.MaxRows {
		r := src.AddRow(int64(i))
		for c, v := range cells {
			src.Set(r, c, v.Kind(), v.Text)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Map(src).Free()
	}
	b.ReportMetric(float64(b.N)*row.MaxRows/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkMap(b *testing.B) {
	p, s, cells := twenty(b)
	var pool row.Pool
	m := p.NewMapper(&pool)
	src := row.New(s)
	for i := range row.MaxRows {
		r := src.AddRow(int64(i))
		for c, v := range cells {
			src.Set(r, c, v.Kind(), v.Text)
		}
	}
	b.ReportAllocs()
	b.SetBytes(int64(src.Size()))
	for b.Loop() {
		m.Map(src).Free()
	}
	b.ReportMetric(float64(b.N)*row.MaxRows/b.Elapsed().Seconds(), "rows/s")
}

// All that is wrong with a record is known, the reason first; another fate puts it aside.
func TestProblems(t *testing.T) {
	t.Parallel()
	p := compileYAML(t, testObjects(t), leadFields+"      Score__c: x\n      Visits__c: y\n")
	var pool row.Pool
	columns := []string{"id", "name", "company", "x", "y"}
	good := []cell{text("k"), text("King"), text("Acme"), text("1"), text("2")}
	bad := []cell{text(""), text("King"), text("Acme"), text("many"), text("1.5")}
	out := p.NewMapper(&pool).Map(batch(&pool, columns, good, bad, good, bad))
	defer out.Free()
	fields := func(r int) (names []string) {
		for p := range out.Targets[0].Problems(r) {
			names = append(names, p.Field)
		}
		return names
	}
	all := []string{"Marketing_Id__c", "Score__c", "Visits__c"}
	for r, want := range [][]string{nil, all, nil, all} {
		if d := cmp.Diff(want, fields(r)); d != "" {
			t.Errorf("row %d, -want +got:\n%s", r, d)
		}
	}
	out.Targets[0].Overrule(1, Fail, Problem{Code: "DUPLICATE_KEY", Field: "Key"})
	out.Targets[0].Overrule(0, Fail, Problem{Code: "DUPLICATE_KEY", Field: "Key"})
	for r, want := range [][]string{{"Key"}, {"Key"}, nil, all} {
		if d := cmp.Diff(want, fields(r)); d != "" {
			t.Errorf("row %d overruled, -want +got:\n%s", r, d)
		}
	}
}
