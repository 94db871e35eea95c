package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"sfsync/mapping"
	"sfsync/mapping/convert"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink/localorg"
)

// TestCheckAgreesWithOrg: what a check lets pass, the local org accepts, and what it refuses for the
// sake of a value, the org refuses when the value is sent as it stands in the file. The two share
// no code for this: package convert and the org's catalog were written after the same facts. What
// the org has then stored is, by convert.Same, what was sent.
//
// What only an org can know is left out: whether a referenced record exists, and whether a value
// of a unique field is taken. Likewise what is ours and no matter of the org: a blank key, and
// control characters, which the org keeps and every XML reader of the record then stumbles over.
func TestCheckAgreesWithOrg(t *testing.T) {
	t.Parallel()
	rows, passed, refused := 0, 0, map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		a := newAgreement(t)
		defer a.close()
		for range 40 {
			rows++
			passed = a.row(passed, refused)
		}
	})
	t.Logf("%d rows: %d passed and were accepted; refused by both: %v", rows, passed, refused)
	if !t.Failed() && (passed < rows/20 || len(refused) < 8) {
		t.Errorf("of %d rows %d pass, and the others are refused for %d kinds of reason: the generators are one-sided", rows, passed, len(refused))
	}
}

// agreementSchema has custom fields of all types and sizes on a custom object, and more on Lead.
const agreementSchema = `
objects:
  Visit__c:
    fields:
      Key__c: {type: string, length: 40, externalId: true, unique: true}
      Short__c: {type: string, length: 1}
      Text__c: {type: string, length: 20}
      Case__c: {type: string, length: 30, unique: true, caseSensitive: true}
      Must__c: {type: string, length: 10, required: true}
      Area__c: {type: textarea, length: 60}
      Long__c: {type: textarea, length: 300}
      Rich__c: {type: textarea, length: 400, htmlFormatted: true}
      Mail__c: {type: email}
      MailShort__c: {type: email, length: 15}
      Phone__c: {type: phone, length: 12}
      Url__c: {type: url, length: 25}
      Secret__c: {type: encryptedstring, length: 10}
      Flag__c: {type: boolean}
      Int__c: {type: int}
      Small__c: {type: int, digits: 2}
      Whole__c: {type: double, precision: 3, scale: 0}
      Wide__c: {type: double, precision: 18, scale: 0}
      Fine__c: {type: double, precision: 18, scale: 9}
      Unit__c: {type: double, precision: 4, scale: 4}
      Count__c: {type: double, precision: 5, scale: 1, unique: true, externalId: true}
      Money__c: {type: currency, precision: 8, scale: 2}
      Share__c: {type: percent, precision: 5, scale: 2}
      MustNumber__c: {type: double, precision: 6, scale: 2, required: true}
      Day__c: {type: date}
      Moment__c: {type: datetime}
      Clock__c: {type: time}
      Pick__c:
        type: picklist
        values: [Hot, Warm, "Größe L", {value: Old, active: false}, {value: "1", label: "One"}, "a;b"]
      Open__c:
        type: picklist
        restricted: false
        values: [Hot, Warm, {value: Old, active: false}]
      Multi__c:
        type: multipicklist
        values: [Red, Green, "Blau ü", {value: Grey, active: false}, {value: W, label: White}]
      OpenMulti__c:
        type: multipicklist
        restricted: false
        values: [Red, Green]
      Account__c: {type: reference, referenceTo: [Account]}
      Spot__c: {type: location, scale: 5}
  Lead:
    fields:
      Key__c: {type: string, length: 40, externalId: true, unique: true}
      Score__c: {type: double, precision: 5, scale: 2}
  Account:
    fields:
      ERP__c: {type: string, length: 20, externalId: true, unique: true}
`

// agreement is one mapping with the plan made of it and a fresh org.
type agreement struct {
	*rapid.T
	schema *schema.Schema
	org    *localorg.Org
	object *schema.Object
	op     mapping.Operation
	fields []*schema.Field // of the plain rules, by column
	more   []string        // columns of the other rules
	user   string          // its name, for lookups
	plan   *mapping.Plan
	ids    map[string]string // of a record, by object
	key    int               // of the last row
	unique map[string]bool   // values of unique fields that were sent
}

func newAgreement(t *rapid.T) *agreement {
	s, found := schema.Overlay(schema.Standard(), "agreement.yaml", []byte(agreementSchema))
	if len(found) > 0 {
		t.Fatal(found)
	}
	org, err := localorg.Open(t.Context(), localorg.Config{DB: localorg.Memory, Schema: s})
	if err != nil {
		t.Fatal(err)
	}
	a := &agreement{T: t, schema: s, org: org, ids: map[string]string{}, unique: map[string]bool{}}
	a.ids["Account"] = a.create("Account", `{"Name":"Acme","ERP__c":"E-1"}`)
	a.ids["Contact"] = a.create("Contact", `{"LastName":"Doe"}`)
	var who struct {
		Records []struct{ ID, Username string }
	}
	if status, body := a.do("GET", "/query?q="+url.QueryEscape("SELECT Id, Username FROM User LIMIT 1"), ""); status != 200 || json.Unmarshal(body, &who) != nil || len(who.Records) != 1 {
		t.Fatalf("the user: %d %s", status, body)
	}
	a.ids["User"], a.user = who.Records[0].ID, who.Records[0].Username
	a.object = s.Object(rapid.SampledFrom([]string{"Visit__c", "Visit__c", "Lead"}).Draw(t, "object"))
	a.op = rapid.SampledFrom([]mapping.Operation{mapping.Insert, mapping.Upsert, mapping.Update}).Draw(t, "operation")
	a.compile()
	return a
}

func (a *agreement) close() {
	if err := a.org.Close(); err != nil {
		a.Fatal(err)
	}
}

// compile draws a mapping of some fields of the object: column cN goes to the field N.
func (a *agreement) compile() {
	var optional []*schema.Field
	for _, f := range a.object.Fields {
		_, known := a.ids[append(slices.Clone(f.ReferenceTo), "")[0]]
		switch {
		case !f.Createable || !f.Updateable || f.Type == schema.Base64 || f.Name == "Key__c" || f.Type == schema.Reference && !known, f.Name == "Status":
		case f.Required():
			a.fields = append(a.fields, f)
		default:
			optional = append(optional, f)
		}
	}
	for range rapid.IntRange(1, 8).Draw(a.T, "fields") {
		f := optional[rapid.IntRange(0, len(optional)-1).Draw(a.T, "field")]
		if !slices.Contains(a.fields, f) {
			a.fields = append(a.fields, f)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nname: agreement\ntargets:\n- name: it\n  object: %s\n  operation: %s\n", a.object.Name, a.op)
	if a.op != mapping.Insert {
		text.WriteString("  match: Key__c\n")
	}
	text.WriteString("  fields:\n    Key__c: key\n")
	for i, f := range a.fields {
		blank := ""
		if f.Nillable && rapid.IntRange(0, 2).Draw(a.T, "null") == 0 {
			blank = ", blank: null"
		}
		fmt.Fprintf(&text, "    %s: {from: c%d%s}\n", f.Name, i, blank)
	}
	text.WriteString(a.rules(optional))
	if a.object.Name == "Visit__c" && rapid.Bool().Draw(a.T, "relation") && !strings.Contains(text.String(), "Account__c") {
		text.WriteString("    Account__r.ERP__c: erp\n")
	}
	file, _, err := mapping.Parse("agreement.yaml", []byte(text.String()))
	if err == nil {
		a.plan, _, err = mapping.Compile(file, a.schema)
	}
	if err != nil {
		a.Fatalf("%v\n%s", err, text.String())
	}
}

// rules draws rules that do more than take a column, for fields that have no rule yet. A row that
// one of them fails is not sent past the check: what the rule made of it is not to be seen.
func (a *agreement) rules(optional []*schema.Field) string {
	var b strings.Builder
	for range rapid.IntRange(0, 4).Draw(a.T, "rules") {
		f := optional[rapid.IntRange(0, len(optional)-1).Draw(a.T, "field")]
		if slices.Contains(a.fields, f) || strings.Contains(b.String(), "    "+f.Name+":") {
			continue
		}
		column := fmt.Sprintf("x%d", len(a.more))
		a.more = append(a.more, column)
		sound := string(a.sound(f.Name))
		if sound == "null" {
			sound = ""
		}
		rule := column
		switch f.Type {
		case schema.Boolean:
			rule = rapid.SampledFrom([]string{column + " | bool(x,yes)", "{expr: '" + column + " == \"x\"'}", "{from: " + column + ", values: {x: true}, on_unmapped: blank}"}).Draw(a.T, "rule")
		case schema.Int, schema.Double, schema.Currency, schema.Percent:
			rule = rapid.SampledFrom([]string{column + " | number(de)", column + " | digits", "{expr: 'len(" + column + ")'}", "{from: " + column + ", default: 0, default_on: always}"}).Draw(a.T, "rule")
		case schema.Date, schema.DateTime, schema.Time:
			rule = rapid.SampledFrom([]string{column + " | truncate(10)", column + " | replace(/,-)"}).Draw(a.T, "rule")
		case schema.Reference:
			switch f.ReferenceTo[0] {
			case "User":
				rule = "{lookup: User.Username, from: user}"
			case "Account":
				rule = "{lookup: Account.ERP__c, from: erp, blank: null}"
			}
		case schema.Picklist, schema.MultiPicklist, schema.Combobox:
			rule = rapid.SampledFrom([]string{
				"{from: " + column + ", values: {x: " + sound + "}, on_unmapped: blank}", "{from: [" + column + ", " + column + " | title], default: " + sound + "}",
			}).Draw(a.T, "rule")
		case schema.Email:
			rule = column + " | trim | lower"
		default:
			rule = rapid.SampledFrom([]string{
				column + " | upper | truncate(5)", column + " | title", column + " | slug", column + " | prefix(é) | truncate(1)", column + " | replace(a,bb)", column + " | split(b,1)",
				column + " | first_name", column + " | last_name", "{expr: 'upper(" + column + ") + \" 1\"'}", "{from: [" + column + ", key], default: s}", "{value: s}",
			}).Draw(a.T, "rule")
		}
		fmt.Fprintf(&b, "    %s: %s\n", f.Name, rule)
	}
	return b.String()
}

// row draws a row and compares what check says of it with what the org does.
func (a *agreement) row(passed int, refused map[string]int) int {
	a.key++
	key := fmt.Sprintf("k-%d", a.key)
	columns := []row.Column{{Name: "key"}, {Name: "erp"}}
	for i := range a.fields {
		columns = append(columns, row.Column{Name: fmt.Sprintf("c%d", i)})
	}
	for _, name := range append(a.more, "user") {
		columns = append(columns, row.Column{Name: name})
	}
	src := row.New(row.NewSchema(columns...))
	src.AddRow(2)
	src.Set(0, 0, row.Text, key)
	src.Set(0, 1, row.Text, rapid.SampledFrom([]string{"E-1", "e-1", " E-1 ", ""}).Draw(a.T, "erp"))
	calm := rapid.Bool().Draw(a.T, "calm")
	for i, f := range a.fields {
		a.cell(src, 2+i, f)
		for try := 0; calm && try < 8 && !a.fine(src.Cell(0, 2+i), f); try++ { // or few rows would pass whole
			a.cell(src, 2+i, f)
		}
	}
	for i := range a.more {
		value := rapid.SampledFrom([]string{"", "", "x", "1", "1.234,5", "2026/11/21", "2026-11-21T10:00:00Z", "Ann Bea Doe", "abc", "yes"}).Draw(a.T, "value")
		if rapid.IntRange(0, 9).Draw(a.T, "odd") == 0 {
			value = rawText(a.T, 12)
		}
		src.Set(0, 2+len(a.fields)+i, row.Text, value)
	}
	if rapid.Bool().Draw(a.T, "owner") {
		src.Set(0, len(columns)-1, row.Text, strings.ToUpper(a.user))
	}
	mapped := a.plan.NewMapper(&row.Pool{}).Map(src)
	records := &mapped.Targets[0]
	if records.Fate(0) == mapping.Send {
		return a.accepted(mapped, key, passed)
	}
	a.refused(src, records.Reason(0), refused)
	return passed
}

// fine reports whether a cell has a value that the field takes.
func (a *agreement) fine(c row.Cell, f *schema.Field) bool {
	conv, err := convert.New(f, a.schema)
	if err != nil {
		a.Fatal(err)
	}
	_, kind, problem := conv.Append(nil, c.Text, c.Kind())
	return problem == nil && kind > row.Null
}

// cell draws one cell: of a CSV file mostly, some as JSON has them.
func (a *agreement) cell(src *row.Batch, c int, f *schema.Field) {
	kind := row.Text
	text := rawCell(a.T, f, a.ids)
	switch rapid.IntRange(0, 15).Draw(a.T, "kind") {
	case 0:
		src.SetKind(0, c, row.Null)
		return
	case 1:
		return // absent
	case 2:
		kind, text = row.Bool, rapid.SampledFrom([]string{"true", "false"}).Draw(a.T, "literal")
	case 3:
		kind, text = row.JSON, rapid.SampledFrom([]string{"{}", "[1]", `{"a":"b"}`}).Draw(a.T, "json")
	case 4:
		if raw := jsontext.Value(text); raw.IsValid() && raw.Kind() == '0' {
			kind = row.Number
		}
	}
	src.Set(0, c, kind, text)
}

// accepted sends what would be sent; the org has to take it, and to have it then.
func (a *agreement) accepted(m *mapping.Mapped, key string, passed int) int {
	var line struct {
		Match, Fields map[string]jsontext.Value
		InsertOnly    map[string]jsontext.Value `json:"insert_only"`
	}
	text := m.AppendJSON(nil, 0, 0, "rows.csv")
	if err := json.Unmarshal(text, &line); err != nil {
		a.Fatalf("%v\n%s", err, text)
	}
	for _, f := range a.object.Fields {
		v, sent := line.Fields[f.Name]
		if insert, ok := line.InsertOnly[f.Name]; ok {
			v, sent = insert, true
		}
		if !sent || !f.Unique || v.Kind() == 'n' || f.Name == "Key__c" {
			continue
		}
		folded := f.Name + " " + f.FoldKey(string(v))
		if a.unique[folded] {
			return passed
		}
		a.unique[folded] = true
	}
	for name, v := range line.Fields { // what is looked up in a run
		if v.Kind() != '{' {
			continue
		}
		var by struct{ Lookup, Value string }
		if err := json.Unmarshal(v, &by); err != nil {
			a.Fatal(err)
		}
		object, _, _ := strings.Cut(by.Lookup, ".")
		line.Fields[name] = literal(row.Text, a.ids[object])
	}
	exists := a.op == mapping.Update || a.op == mapping.Upsert && (a.lacks(line.Fields) || rapid.Bool().Draw(a.T, "exists"))
	if exists {
		a.create(a.object.Name, a.least(key))
	}
	maps.Copy(line.Fields, line.InsertOnly)
	if status, body := a.send(key, line.Fields, true); status >= 300 {
		a.Fatalf("check lets pass what the org refuses: %s %s %s\n%s\n%d %s", a.op, a.object.Name, m.Targets[0].Fate(0), text, status, body)
	}
	a.stored(m, key, text)
	return passed + 1
}

// stored compares what the org has with what was sent.
func (a *agreement) stored(m *mapping.Mapped, key string, text []byte) {
	b := m.Targets[0].Batch
	names := b.Schema().Names()
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "\x00") })
	status, body := a.do("GET", "/query?q="+url.QueryEscape("SELECT "+strings.Join(names, ",")+" FROM "+a.object.Name+" WHERE Key__c = '"+key+"'"), "")
	var answer struct {
		Records []map[string]jsontext.Value `json:"records"`
	}
	if err := json.Unmarshal(body, &answer); status != 200 || err != nil || len(answer.Records) != 1 {
		a.Fatalf("read back %s: %d %s", key, status, body)
	}
	for c := range b.Schema().Columns {
		f := a.plan.Targets[0].Field(b.Schema(), c)
		sent := b.Cell(0, c)
		if f == nil || sent.Awaited() || strings.Contains(f.Name, ".") {
			continue
		}
		have := storedCell(a.T, answer.Records[0][f.Name])
		if f.Type == schema.EncryptedString || f.NameField { // masked; made by the org where it is null
			continue
		}
		if !convert.Same(f, sent, have) {
			a.Fatalf("%s %s of %s %d/%d: %q was sent, the org has %q\n%s", f.Type, f.Name, a.object.Name, f.Precision, f.Scale, sent.Text, have.Text, text)
		}
	}
}

// storedCell is a value of a query's answer as a lookup delivers it.
func storedCell(t *rapid.T, v jsontext.Value) row.Cell {
	switch v.Kind() {
	case 'n':
		return row.MakeCell(row.Null, "")
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		return row.MakeCell(row.Text, string(text))
	case '0':
		return row.MakeCell(row.Number, string(v))
	}
	return row.MakeCell(row.Bool, string(v))
}

// refused sends a row that check refuses past it: with the values that are fine as they would be
// sent, and one that is not as it stands in the file. The org has to refuse each.
func (a *agreement) refused(src *row.Batch, why mapping.Problem, refused map[string]int) {
	good, bad := map[string]jsontext.Value{}, map[string]jsontext.Value{}
	codes, ours := map[string]string{}, 0
	for i, f := range a.fields {
		cell := src.Cell(0, 2+i)
		conv, err := convert.New(f, a.schema)
		if err != nil {
			a.Fatal(err)
		}
		text, kind, problem := conv.Append(nil, cell.Text, cell.Kind())
		switch {
		case problem != nil && problem.Code == convert.CodeCharacter:
			ours++
		case problem != nil:
			bad[f.Name], codes[f.Name] = literal(cell.Kind(), cell.Text), problem.Code
		case kind > row.Null:
			good[f.Name] = literal(kind, string(text))
		}
	}
	key := fmt.Sprintf("past-%d", a.key)
	if a.op == mapping.Update {
		a.create(a.object.Name, a.least(key))
	}
	plain := slices.ContainsFunc(a.fields, func(f *schema.Field) bool { return f.Name == why.Field })
	if len(bad) == 0 && (ours > 0 || !plain) {
		return
	}
	if len(bad) == 0 { // something is missing
		if why.Code != mapping.CodeRequired {
			a.Fatalf("refused without a bad value: %+v", why)
		}
		if a.op != mapping.Insert {
			good[why.Field] = jsontext.Value("null")
		}
		if status, body := a.send(key, good, false); status < 300 {
			a.Fatalf("check refuses what the org accepts: %s %s: %+v\n%v\n%d %s", a.op, a.object.Name, why, good, status, body)
		}
		refused[why.Code]++
		return
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		rec := maps.Clone(good)
		for f := range bad { // required ones have to be there for the record to be refused for this one
			rec[f] = a.sound(f)
		}
		rec[name] = bad[name]
		for _, f := range a.fields {
			if _, given := rec[f.Name]; !given && f.Required() {
				rec[f.Name] = a.sound(f.Name)
			}
			if f.Unique && f.Name != name {
				delete(rec, f.Name)
			}
		}
		if status, body := a.send(key, rec, false); status < 300 {
			f := a.object.Field(name)
			a.Fatalf("check refuses what the org accepts: %s %s.%s (%s %d): %s %s\n%d %s", a.op, a.object.Name, name, f.Type, f.Length, codes[name], bad[name], status, body)
		}
		refused[codes[name]+" "+string(a.object.Field(name).Type)]++
	}
}
