package mapping

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/pipeline/row"
)

// TestCompile compiles every mapping of testdata/compile and compares what is said about it,
// and the plan if there is one, with the golden file beside it.
func TestCompile(t *testing.T) {
	s := testObjects(t)
	t.Chdir("testdata/compile")
	files, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 60 {
		t.Fatalf("only %d cases", len(files))
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(path, ".yaml"), func(t *testing.T) {
			f, _, err := Load(path)
			if err != nil {
				t.Fatalf("the form is wrong:\n%v", err)
			}
			p, all, err := Compile(f, s)
			var b strings.Builder
			for _, d := range all {
				b.WriteString(d.String() + "\n")
				if d.Pos.File != path || d.Pos.Line < 1 || d.Pos.Column < 1 || d.Code == "" {
					t.Errorf("no place or code: %+v", d)
				}
			}
			if (p == nil) != (err != nil) {
				t.Errorf("plan %v with error %v", p, err)
			}
			if list, ok := diag.As(err); err != nil && (!ok || len(list) != len(all)) {
				t.Errorf("the error carries %d diagnostics of %d", len(list), len(all))
			}
			if p != nil {
				writePlan(&b, p)
			}
			checkGolden(t, strings.TrimSuffix(path, ".yaml")+".golden", b.String())
		})
	}
}

// A mapping whose form is wrong is told all the same what is wrong with its names and sound rules.
func TestRestBesideErrorsOfForm(t *testing.T) {
	f, _, err := Parse("m.yaml", []byte(`version: 1
targets:
  - object: Lead
    match: Emial
    when: status = 1
    fields:
      LastNme: last | lowr
      Compny: {from: company, defalt: x}
      Titel: title
      Email: {expr: nosuch(email)}
      Phone: {from: [phone, {expr: 1 +}]}
      NumberOfEmployees: {value: 12x}
      CreatedDate: created
      OwnerId: {lookup: Usr.Username, from: owner}
      Website: {from: site, default: "", default_on: always}
      Fax: {ref: nobody}
      AnnualRevenue: {from: r, values: {a: b}}
`))
	if err == nil {
		t.Fatal("no error of form")
	}
	got := ""
	for _, d := range Rest(f, testObjects(t)) {
		got += d.String() + "\n"
	}
	want := `m.yaml:4:12: unknown match field "Emial" on Lead [match-unknown] → did you mean Email?
m.yaml:5:18: unexpected token Operator("=") [expr-invalid] → two values are compared with ==
m.yaml:7:7: unknown field "LastNme" on Lead [field-unknown] → did you mean LastName?
m.yaml:8:7: unknown field "Compny" on Lead [field-unknown] → did you mean Company?
m.yaml:9:7: unknown field "Titel" on Lead [field-unknown] → did you mean Title?
m.yaml:10:21: unknown name nosuch [expr-invalid]
m.yaml:11:38: unexpected token EOF [expr-invalid]
m.yaml:12:34: value of NumberOfEmployees: value not of required type: "12x" is no number [value-invalid]
m.yaml:13:7: CreatedDate can only be read [field-read-only]
m.yaml:14:25: unknown object "Usr" in testdata/compile/schema.yml [object-unknown] → did you mean User?
m.yaml:15:38: the default of Website is blank [default-blank] → leave it out
m.yaml:17:44: values of AnnualRevenue: value not of required type: "b" is no number [values-invalid]
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// writePlan says in a few lines what a plan does.
func writePlan(b *strings.Builder, p *Plan) {
	fmt.Fprintf(b, "paths: %s\n", strings.Join(p.Paths(), ", "))
	for i := range p.Targets {
		writeTarget(b, p, &p.Targets[i])
	}
	for i := range p.Finds {
		writeTarget(b, p, &p.Finds[i])
	}
	if p.Second != nil {
		b.WriteString("second pass\n")
		writePlan(b, p.Second)
	}
}

func writeTarget(b *strings.Builder, p *Plan, t *PlanTarget) {
	how := "native"
	if t.Lookup {
		how = "lookup"
	}
	var keys []string
	for _, k := range t.Keys {
		var parts []string
		for i, f := range k.Fields {
			parts = append(parts, fmt.Sprintf("%s in column %d", f.Name, k.Columns[i]))
		}
		keys = append(keys, strings.Join(parts, " with "))
	}
	match := "nothing"
	if t.Match != nil {
		match = t.Match.Name
	}
	fmt.Fprintf(b, "%s: %s %s by %s (%s), key in column %d, folded in %d, insert-only defaults %v\n", t.Name, t.Operation, t.Object.Name, match, how, t.KeyColumn, t.FoldColumn, t.InsertDefaults)
	fmt.Fprintf(b, "  fields: %s\n", strings.Join(t.Fields(), ", "))
	if len(t.Keys) > 1 || t.Match == nil && len(t.Keys) > 0 {
		fmt.Fprintf(b, "  keys: %s\n", strings.Join(keys, " then "))
	}
	for _, n := range t.Needs {
		fmt.Fprintf(b, "  needs: %s for %s in column %d, blank: %s\n", p.Record(n.Record).Name, n.Field, n.Column, n.Blank)
	}
	for _, i := range t.After {
		fmt.Fprintf(b, "  goes after: %s\n", p.Targets[i].Name)
	}
	if t.Redirect >= 0 {
		fmt.Fprintf(b, "  converted leads go to %s\n", p.Targets[t.Redirect].Name)
	}
	if t.Redirected >= 0 {
		fmt.Fprintf(b, "  takes the converted leads of %s\n", p.Targets[t.Redirected].Name)
	}
	if len(t.OnlyIfEmpty) > 0 || t.OnMany != ManyFail || t.Converted != ConvertedFail || t.Org != "" || t.First >= 0 {
		fmt.Fprintf(b, "  only if empty %v, on many %d, converted %d, org %q, first %d\n", t.OnlyIfEmpty, t.OnMany, t.Converted, t.Org, t.First)
	}
	if t.Code.When != nil {
		kind := "interpreted"
		if t.Code.When.Simple() {
			kind = "a closure"
		}
		fmt.Fprintf(b, "  when: %s\n", kind)
	}
}

// CheckColumns speaks about the file, at the mapping's places.
func TestCheckColumns(t *testing.T) {
	t.Parallel()
	s := testObjects(t)
	tests := []struct {
		name, rules string
		columns     string
		want        []string // the diagnostics' beginnings and endings, joined by " … "
	}{
		{"all there", "      Title: x\n", "id name company x more", nil},
		{"missing", "      Title: titel\n", "id name company title", []string{`m.yaml:11:14: in.csv has no column "titel" [column-unknown] → did you mean title?`}},
		{"wrong case", "      Title: Title\n", "id name company title", []string{`m.yaml:11:14: in.csv has no column "Title" [column-unknown] → did you mean title?`}},
		{"nothing near", "      Title: q\n", "id name company", []string{`m.yaml:11:14: in.csv has no column "q" [column-unknown] → its columns: id, name, company`}},
		{"no columns", "", "", []string{
			`m.yaml:8:24: in.csv has no column "id" [column-unknown] → the file has no columns at all`,
			`m.yaml:9:17: in.csv has no column "name" [column-unknown] → the file has no columns at all`,
			`m.yaml:10:16: in.csv has no column "company" [column-unknown] → the file has no columns at all`,
		}},
		{"one of a list", "      Title: {from: [a, b]}\n", "id name company b", []string{`m.yaml:11:22: warning: in.csv has no column "a"; another of the list is used [column-unknown]`}},
		{"none of a list", "      Title: {from: [ab, wxyz]}\n", "id name company x", []string{
			`m.yaml:11:22: in.csv has no column "ab" [column-unknown] → its columns: id, name, company, x`,
			`m.yaml:11:26: in.csv has no column "wxyz" [column-unknown] → its columns: id, name, company, x`,
		}},
		{"blanks at its ends", "      Title: tytle\n", "id name company ~title", []string{`m.yaml:11:14: in.csv has no column "tytle" [column-unknown] → its blanks count: write '" title"'`}},
		{"in an expression", "      Title: {expr: 'lower(a) + bc.d'}\n", "id name company a", []string{`m.yaml:11:33: in.csv has no column "bc.d" [column-unknown] → its columns: id, name, company, a`}},
		{"in when", "    when: not blank(statuss)\n", "id name company status", []string{`m.yaml:11:21: in.csv has no column "statuss" [column-unknown] → did you mean status?`}},
		{"in custom", "    custom: [plan_name]\n", "id name company plan", []string{`m.yaml:11:14: in.csv has no column "plan_name" [column-unknown]`}},
		{"path by its exact name", "      Title: a.b\n", "id name company a.b", nil},
		{"rest ignored", "", "id name company x", nil},
		{"rest fails", "    rest: fail\n", "id name company x", []string{`m.yaml:11:11: in.csv has the column "x", which target lead does not map, and rest is fail [column-unmapped] → map it, or say rest: ignore`}},
		{"rest fails, all mapped", "      Title: x\n    rest: fail\n", "id name company x", nil},
		{"rest custom", "    rest: custom\n", "id name company plan_name Score__c", nil},
		{"rest custom, no field", "    rest: custom\n", "id name company plan_nam", []string{
			`m.yaml:11:11: in.csv: column plan_nam has no field plan_nam__c on Lead (target lead, rest: custom) [rest-field-unknown] → did you mean Plan_Name__c? Else create the field, map the column under fields, or say missing: ignore`,
		}},
		{"rest custom, standard field", "    rest: custom\n", "id name company Website", []string{
			`m.yaml:11:11: in.csv: column Website has no field Website__c on Lead (target lead, rest: custom) [rest-field-unknown] → Website is a standard field: map the column under fields`,
		}},
		{"rest custom, missing ignored", "    rest: custom\n    missing: ignore\n", "id name company unheard", nil},
		{"rest custom, read only", "    rest: custom\n", "id name company sum", []string{`m.yaml:11:11: in.csv: column sum would go to Sum__c, which cannot be written (target lead, rest: custom) [rest-field-unknown] → map the column to another field`}},
		{"rest custom, twice", "    rest: custom\n", "id name company plan_name Plan_Name__c", []string{
			`m.yaml:11:11: in.csv: column "Plan_Name__c" goes to Plan_Name__c, which has another source already (target lead, rest: custom) [field-twice] → map one of them under fields`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := compileYAML(t, s, leadFields+tt.rules)
			var cols []row.Column
			for _, c := range strings.Fields(tt.columns) {
				cols = append(cols, row.Column{Name: strings.ReplaceAll(c, "~", " ")})
			}
			all, err := p.CheckColumns(row.NewSchema(cols...), "in.csv")
			if len(all) != len(tt.want) {
				t.Fatalf("%d findings: %v", len(all), all)
			}
			failed := false
			for i, d := range all {
				if !strings.HasPrefix(d.String(), tt.want[i]) {
					t.Errorf("%s\nwant %s", d, tt.want[i])
				}
				failed = failed || d.Severity == diag.Error
			}
			if (err != nil) != failed {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A label that several record types of an org have says nothing; no overlay describes such ones.
func TestRecordTypesOfOneLabel(t *testing.T) {
	t.Parallel()
	s := testObjects(t)
	o := s.Object("Case")
	o.RecordTypes = append(o.RecordTypes, schema.RecordType{DeveloperName: "Twin_A", Name: "Twin", Active: true}, schema.RecordType{DeveloperName: "Twin_B", Name: "Twin", Active: true})
	for name, want := range map[string]string{
		"Twin": `m.yaml:4:100: Case has several record types with the label "Twin" [record-type-many] → write a developer name: Twin_A or Twin_B`, "Twin_B": "",
	} {
		f, _, err := Parse("m.yaml", []byte("version: 1\nname: t\ntargets:\n  - {name: case, object: Case, operation: insert, fields: {Subject: s, RecordTypeId: {record_type: "+name+"}}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		_, all, err := Compile(f, s)
		if (err == nil) != (want == "") || want != "" && (len(all) != 1 || all[0].String() != want) {
			t.Errorf("%s: %v", name, all)
		}
	}
}

// What the parser keeps out is refused here too, where a mapping is made in code.
func TestCompileByHandRefuses(t *testing.T) {
	t.Parallel()
	s := testObjects(t)
	s.Add(&schema.Object{Name: "Log__c", Createable: true, Queryable: true, Fields: []*schema.Field{
		{Name: "Id", Type: schema.ID, IDLookup: true}, {Name: "Text__c", Type: schema.String, Length: 10, Createable: true, Nillable: true}, {Name: "Odd__c", Type: "novel", Createable: true, Nillable: true},
	}})
	str := func(v string) Str { return Str{Value: v, Pos: diag.Pos{File: "m", Line: 1, Column: 1}} }
	field := func(name string, ref Ref) *Rule { return &Rule{Field: str(name), From: []Ref{ref}} }
	call := func(name string, args ...Str) Ref {
		return Ref{Name: "x", Transforms: []Call{{Name: name, Args: args}}}
	}
	tests := []struct {
		target *Target
		code   string
	}{
		{&Target{Object: str("Log__c"), Operation: Update, Match: str("Id"), Fields: []*Rule{field("Id", Ref{Name: "id"})}}, "object-operation"},
		{&Target{Object: str("Log__c"), Operation: Upsert, Match: str("Id"), Fields: []*Rule{field("Id", Ref{Name: "id"})}}, "object-operation"},
		{&Target{Object: str("Log__c"), Operation: Insert, Fields: []*Rule{field("Text__c", call("nope"))}}, "transform-unknown"},
		{&Target{Object: str("Log__c"), Operation: Insert, Fields: []*Rule{field("Text__c", call("truncate", str("x")))}}, "transform-argument"},
		{&Target{Object: str("Log__c"), Operation: Insert, Fields: []*Rule{field("Text__c", call("trim", str("x")))}}, "transform-argument"},
		{&Target{Object: str("Log__c"), Operation: Insert, Fields: []*Rule{field("Odd__c", Ref{Name: "x"})}}, "field-type"},
		{&Target{Object: str("Log__c"), Operation: Insert, Fields: []*Rule{field("Text__c", Ref{Name: "x"}), field("text__c", Ref{Name: "y"})}}, "field-twice"},
		{&Target{Object: str("Lead"), Operation: Update, Fields: []*Rule{field("Title", Ref{Name: "x"})}}, "match-missing"},
		{&Target{Object: str("Lead"), Operation: Update, Match: str("Email"), Fields: []*Rule{field("Title", Ref{Name: "x"})}}, "match-unmapped"},
		{&Target{Object: str("Lead"), Operation: Update, Match: str("Id"), Fields: []*Rule{field("Id", Ref{Name: "x"}), field("Account.Name", Ref{Name: "x"})}}, "relation-unknown"},
		{&Target{Object: str("Log__c"), Operation: Delete, Match: str("Id"), Fields: []*Rule{field("Id", Ref{Name: "x"})}}, "object-operation"},
		{&Target{Object: str("Lead"), Operation: Publish, Fields: []*Rule{field("Title", Ref{Name: "x"})}}, "object-event"},
		{&Target{Object: str("Order_Placed__e"), Operation: Insert, Fields: []*Rule{field("Number__c", Ref{Name: "x"})}}, "object-event"},
		{&Target{Object: str("Order_Placed__e"), Operation: Publish, Keys: [][]Str{{str("Number__c")}}, Fields: []*Rule{field("Number__c", Ref{Name: "x"})}}, "match-event"},
		{&Target{Object: str("Lead"), Operation: Upsert, Keys: [][]Str{{str("LastName"), str("lastname")}}, Fields: []*Rule{field("LastName", Ref{Name: "x"}), field("Company", Ref{Name: "x"})}}, "match-twice"},
		{&Target{Object: str("Contact"), Operation: Upsert, Keys: [][]Str{{str("Account.ERP_Id__c"), str("LastName")}}, Fields: []*Rule{field("LastName", Ref{Name: "x"})}}, "match-relation"},
		{&Target{Object: str("Contact"), Operation: Upsert, Keys: [][]Str{{str("Email"), str("LastName")}}, Fields: []*Rule{field("LastName", Ref{Name: "x"})}}, "match-unmapped"},
		{&Target{Object: str("Lead"), Operation: Update, Keys: [][]Str{{str("Id")}}, OnConverted: str("nobody"), Fields: []*Rule{field("Id", Ref{Name: "x"})}}, "on-converted-unknown"},
		{&Target{Object: str("Lead"), Operation: Insert, OnConverted: str("skip"), Fields: []*Rule{field("LastName", Ref{Name: "x"}), field("Company", Ref{Name: "x"})}}, "on-converted-match"},
		{&Target{Object: str("Log__c"), Operation: Insert, Fields: []*Rule{{Field: str("Text__c"), RefTo: ptr(str("nobody"))}}}, "ref-unknown"},
		{&Target{Name: str("me"), Object: str("Account"), Operation: Insert, Fields: []*Rule{field("Name", Ref{Name: "x"}), {Field: str("ParentId"), RefTo: ptr(str("me"))}}}, "ref-self"},
		{&Target{Object: str("Contact"), Operation: Insert, Fields: []*Rule{field("LastName", Ref{Name: "x"}), {Field: str("Account.ERP_Id__c"), RefTo: ptr(str(""))}}}, "ref-type"},
		{&Target{Object: str("Contact"), Operation: Insert, Fields: []*Rule{field("LastName", Ref{Name: "x"}), {Field: str("AccountId"), Lookup: nested(20)}}}, "lookup-depth"},
	}
	for _, tt := range tests {
		if tt.target.Name.Value == "" {
			tt.target.Name = str(strings.ToLower(tt.target.Object.Value) + "-target")
		}
		for _, r := range tt.target.Fields {
			if r.RefTo != nil && r.RefTo.Value == "" {
				r.RefTo = &tt.target.Name
			}
		}
		p, all, err := Compile(&File{Targets: []*Target{tt.target}}, s)
		if p != nil || err == nil || !slices.ContainsFunc(all, func(d diag.Diagnostic) bool { return d.Severity == diag.Error && d.Code == tt.code }) {
			t.Errorf("no %s: %v", tt.code, all)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// nested is a lookup that makes accounts, so many inside each other.
func nested(depth int) *syntax.Lookup {
	l := &syntax.Lookup{Object: Str{Value: "Account"}, Field: Str{Value: "ERP_Id__c"}, Create: true}
	l.Fields = []*Rule{{Field: Str{Value: "Name"}, From: []Ref{{Name: "n" + strconv.Itoa(depth)}}}}
	if depth > 0 {
		l.Fields = append(l.Fields, &Rule{Field: Str{Value: "ParentId"}, From: []Ref{{Name: "p"}}, Lookup: nested(depth - 1)})
	}
	return l
}

// References between targets of several orgs, and to records that are deleted or published, cannot be.
func TestCompileByHandReferences(t *testing.T) {
	t.Parallel()
	s := testObjects(t)
	str := func(v string) Str { return Str{Value: v} }
	tests := []struct {
		code string
		lead Target
	}{
		{"ref-org", Target{Operation: Insert, Org: str("other")}},
		{"ref-operation", Target{Operation: Delete, Match: str("Id")}},
	}
	for _, tt := range tests {
		lead := tt.lead
		lead.Name, lead.Object = str("lead"), str("Lead")
		for _, name := range []string{"LastName", "Company", "Id"} {
			if (name == "Id") == (lead.Operation == Delete) {
				lead.Fields = append(lead.Fields, &Rule{Field: str(name), From: []Ref{{Name: "x"}}})
			}
		}
		task := &Target{Name: str("task"), Object: str("Task"), Operation: Insert, Org: str("one"), Fields: []*Rule{{Field: str("WhoId"), RefTo: ptr(str("lead"))}}}
		_, all, err := Compile(&File{Targets: []*Target{&lead, task}}, s)
		if err == nil || !slices.ContainsFunc(all, func(d diag.Diagnostic) bool { return d.Code == tt.code }) {
			t.Errorf("no %s: %v", tt.code, all)
		}
	}
}

// Parents names what has to be described before a file is compiled, step by step.
func TestParents(t *testing.T) {
	t.Parallel()
	f, _, err := Parse("m.yaml", []byte(`version: 1
targets:
  - object: Contact
    match: Email
    fields:
      Email: email
      LastName: name
      OwnerId: {lookup: User.Username, from: owner}
      User:Owner.Username: owner
      ReportsTo.Email: boss
      AccountId:
        lookup: Account.ERP_Id__c
        from: erp
        create: true
        fields:
          Name: company
          Visit__r.Key__c: visit
          Visit2__c: {lookup: Visit2__c.Key__c, from: visit}
`))
	if err != nil {
		t.Fatal(err)
	}
	all := schema.Standard()
	all.Object("Account").Fields = append(all.Object("Account").Fields, &schema.Field{Name: "Visit__c", Type: schema.Reference, RelationshipName: "Visit__r", ReferenceTo: []string{"Visit__c"}})
	all.Object("Account").Index()
	s := schema.New("test")
	for i, want := range []string{"", "User Account Visit2__c", "Visit__c Visit2__c"} {
		if i == 0 {
			s.Add(all.Object("Contact"))
			continue
		}
		got := Parents(f, s)
		if strings.Join(got, " ") != want {
			t.Errorf("step %d: %v, want %s", i, got, want)
		}
		for _, name := range got {
			if o := all.Object(name); o != nil {
				s.Add(o)
			}
		}
	}
}

// Every code a row can fail with says what to do.
func TestRemedies(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		CodeWhen, CodeKeyBlank, CodeRequired, CodeUnmappedValue, CodeUnmappedColumn, CodeNoField, CodeFieldTwice, CodeExpression, CodeNotReferred, CodeParentUnknown,
		convert.CodeType, convert.CodeTooLong, convert.CodeEmail, convert.CodePicklist, convert.CodeTooMany, convert.CodeRange, convert.CodeID, convert.CodeCharacter,
	} {
		if Remedy(code) == "" {
			t.Errorf("no remedy for %s", code)
		}
	}
	if r := Remedy("UNABLE_TO_LOCK_ROW"); r != "" {
		t.Errorf("a remedy for another's code: %s", r)
	}
}

// A mapping that is not from a file compiles too: the tables of values may lack places.
func TestCompileByHand(t *testing.T) {
	t.Parallel()
	f := &File{Targets: []*Target{{
		Name: Str{Value: "t"}, Object: Str{Value: "Lead"}, Operation: Insert,
		Fields: []*Rule{
			{Field: Str{Value: "LastName"}, From: []Ref{{Name: "n"}}},
			{Field: Str{Value: "Company"}, From: []Ref{{Name: "c"}}, Values: &Values{Pairs: map[string]string{"a": "A", "b": "B"}, Unmapped: "fail"}},
		},
	}}}
	p, _, err := Compile(f, schema.Standard())
	if err != nil {
		t.Fatal(err)
	}
	var pool row.Pool
	out := p.NewMapper(&pool).Map(batch(&pool, []string{"n", "c"}, []cell{text("N"), text("b")}, []cell{text("N"), text("x")}, []cell{null(), text("a")}))
	defer out.Free()
	r := &out.Targets[0]
	if got := r.Batch.Cell(0, 1).Text; r.Fate(0) != Send || got != "B" {
		t.Errorf("row 0: %v, %q", r.Fate(0), got)
	}
	if why := r.Reason(1); r.Fate(1) != Fail || why.Code != CodeUnmappedValue {
		t.Errorf("row 1: %v, %+v", r.Fate(1), why)
	}
	if why := r.Reason(2); r.Fate(2) != Fail || why.Code != CodeRequired || why.Field != "LastName" {
		t.Errorf("row 2: %v, %+v", r.Fate(2), why)
	}
}
