package propose_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/internal/golden"
	"sfsync/mapping/propose"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

var update = flag.Bool("update", false, "write the golden files")

// batch makes a batch of text cells; the first line holds the names. A cell that begins with "{"
// is JSON.
func batch(lines [][]string) *row.Batch {
	cols := make([]row.Column, len(lines[0]))
	for i, name := range lines[0] {
		cols[i] = row.Column{Name: name, Type: "text"}
	}
	b := row.New(row.NewSchema(cols...))
	for i, cells := range lines[1:] {
		r := b.AddRow(int64(i) + 2)
		for c, text := range cells {
			kind := row.Text
			if strings.HasPrefix(text, "{") {
				kind = row.JSON
			}
			b.Set(r, c, kind, text)
		}
	}
	return b
}

// proposal proposes a mapping for objects from files of rows; nil where nothing fits. A file whose
// name ends in .jsonl may have any column.
func proposal(t interface{ Fatal(...any) }, s *schema.Schema, objects string, names []string, files ...[][]string) []byte {
	var p propose.Profile
	for i, lines := range files {
		p.File(names[i], !strings.HasSuffix(names[i], ".jsonl"))
		p.Add(batch(lines))
	}
	var list []*schema.Object
	for name := range strings.SplitSeq(objects, ",") {
		list = append(list, s.Object(name))
	}
	targets, err := p.Targets(list, s)
	if err != nil {
		t.Fatal(err)
	}
	f := propose.File{Name: "t", SchemaURL: "sfsync.schema.json", Files: names, Targets: targets}
	for _, target := range targets {
		if !target.Sends() {
			return nil
		}
	}
	return f.YAML()
}

func split(text string) [][]string {
	var out [][]string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			cells := strings.Split(line, "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			out = append(out, cells)
		}
	}
	return out
}

func TestProposals(t *testing.T) {
	t.Parallel()
	overlay := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(overlay, []byte(`objects:
  Contact:
    fields:
      Key__c: {type: string, length: 5, externalId: true, unique: true}
      Sum__c: {type: currency, precision: 12, scale: 2}
      Opt_In__c: {type: boolean}
      Seen__c: {type: datetime}
  Account:
    fields:
      ERP_Id__c: {type: string, length: 10, externalId: true, unique: true}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := schema.Load(overlay)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, object, text string }{
		{"german", "Contact", `
			Key | Nachname | Vorname | Geburtstag | Sum | Opt-In | PLZ | Ort | E-Mail | Bemerkung, lang
			k1 | Müller | Ada | 03.02.1990 | 1.234,50 | ja | 01099 | Dresden | a@example.com | x
			k2 | Maier | Bo | 28.02.1991 | 17,00 | nein | 10115 | Berlin | b@example.com | y`},
		{"whole-name", "Lead", `
			name | company | mail | seen
			Ada Lovelace | Acme | ada@example.com | 1
			Bo Derek | Beta | | 2`},
		{"nothing-required", "Lead", `
			email | nation
			ada@example.com | DE`},
		{"ambiguous-date", "Contact", `
			LastName | Birthdate | Seen__c
			Able | 01/02/1990 | 2026-11-21 10:00:00
			Baker | 03/04/1991 | 2026-11-22 11:30:00`},
		{"refused-values", "Contact", `
			Last Name | Email | Sum | Department
			Able | not an address | many | Sales
			Baker | also not | few | IT`},
		{"keys-come-twice", "Contact", `
			LastName | Key | Email
			Able | k1 | a@example.com
			Baker | k1 | b@example.com
			Charlie | longer than five | c@example.com`},
		{"json", "Contact", `
			person | contact
			{"last_name":"Able","first_name":"Ada","tags":["x"]} | {"email":"a@example.com","address":{"city":"Rome","zip":"00100"}}`},
		{"json-name", "Contact", `
			name | phone
			{"first":"Ada","last":"Able"} | 030 1234567`},
		{"opportunity", "Opportunity", `
			Name | Close Date | Stage | Amount | Account Id
			Big | 2026-12-31 | Prospecting | 10.5 | 001000000000001`},
		{"odd-names", "Contact", `
			Last Name | null | #1 | it's "so" | a: b
			Able | 1 | 2 | 3 | 4`},
		{"two-files", "Contact", `
			a.csv:
			Last Name | E-Mail | Phone
			Able | a@example.com | 1
			====
			b.csv:
			Surname | Email | Title
			Baker | b@example.com | Boss
			====
			c.jsonl:
			Surname | Email | MobilePhone
			Charlie | c@example.com | 2`},
		{"two-objects", "Account,Contact", `
			account_name | account_phone | contact.first_name | contact.last_name | contact_email | Key | city
			Hill | 1 | Ada | Able | a@example.com | k1 | Rome
			Dale | 2 | Bo | Baker | b@example.com | k2 | Bonn`},
		{"references", "Contact", `
			LastName | account_erp_id | Owner | Reports To Email
			Able | e-1 | boss@example.com | x@example.com
			Baker | e-2 | boss@example.com | y@example.com`},
		{"reference-by-name", "Contact", `
			LastName | Account | Owner Id
			Able | Hill | 005000000000001
			Baker | Dale | 005000000000001`},
		{"blank-keys", "Contact", `
			LastName | Email | Department
			Able | a@example.com | x
			 | b@example.com | y
			Charlie | | z`},
		{"long-names", "Contact", `
			Full Name | Email
			Anna-Maria Wilhelmine Charlotte Theodora of Somewhere | a@example.com`},
		{"picklists", "Lead", `
			Last Name | Company | Lead Source | Rating | Industry
			Able | x | web | HOT | banking
			Baker | y | partner | Hot | Fishing
			Charlie | z | list | warm | Banking`},
		{"thousands", "Lead", `
			Last Name | Company | Annual Revenue | Employees
			Able | x | 1.234 | 10.5
			Baker | y | 2.500 | 3`},
		{"prefixed", "Contact", `
			contact_last_name | Contact E-Mail | contact.phone
			Able | a@example.com | 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var names []string
			var files [][][]string
			for text := range strings.SplitSeq(tt.text, "====") {
				name, rest, ok := strings.Cut(text, ":\n")
				if !ok {
					name, rest = "in/t.csv", text
				}
				names, files = append(names, strings.TrimSpace(name)), append(files, split(rest))
			}
			got := proposal(t, s, tt.object, names, files...)
			path := filepath.Join("testdata", tt.name+".golden.yaml")
			golden.Check(t, path, string(got), *update)
			f, _, err := mapping.Parse("t.yaml", got)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := mapping.Compile(f, s); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whatever the columns are called and hold, the mapping can be compiled against the schema it was
// made from, and every file can be read with it.
func TestProposalsCompile(t *testing.T) {
	t.Parallel()
	s := schema.Standard()
	objects := slices.DeleteFunc(s.Names(), func(name string) bool { return name == "User" })
	rapid.Check(t, func(t *rapid.T) {
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(objects), 1, 3, rapid.ID[string]).Draw(t, "objects")
		var fields []string
		for _, o := range chosen {
			fields = append(fields, s.Object(o).FieldNames()...)
		}
		name := rapid.OneOf(rapid.SampledFrom(fields), rapid.SampledFrom(fields), rapid.StringN(1, 12, 40),
			rapid.SampledFrom([]string{"name", "full name", "null", "a.b", "x: y", "'", `"`, "mail", "plz", "- z", "@", "a #b", "Account", "owner", "contact_email", "account.name"}))
		value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "1", "1,5", "01.02.2026", "2026-01-02", "ja", "yes", "a@example.com", `{"a":{"b":1}}`, "{", "web", "hot"}))
		var paths []string
		var files [][][]string
		for i := range rapid.IntRange(1, 3).Draw(t, "files") {
			names := rapid.SliceOfNDistinct(name, 1, 12, rapid.ID[string]).Draw(t, "names")
			lines := [][]string{names}
			for range rapid.IntRange(0, 4).Draw(t, "rows") {
				lines = append(lines, rapid.SliceOfN(value, len(names), len(names)).Draw(t, "cells"))
			}
			paths, files = append(paths, fmt.Sprintf("%d.%s", i, rapid.SampledFrom([]string{"csv", "jsonl"}).Draw(t, "format"))), append(files, lines)
		}
		text := proposal(t, s, strings.Join(chosen, ","), paths, files...)
		if text == nil {
			return // nothing fits
		}
		f, _, err := mapping.Parse("t.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		plan, _, err := mapping.Compile(f, s)
		for i, lines := range files {
			if err != nil || strings.HasSuffix(paths[i], ".jsonl") {
				continue
			}
			if _, err := plan.CheckColumns(batch(lines).Schema(), paths[i]); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
		}
		if list, ok := diag.As(err); ok {
			list = slices.DeleteFunc(list, func(d diag.Diagnostic) bool {
				return d.Severity != diag.Error || d.Code == "required-missing" // a reference that no column gives
			})
			if len(list) > 0 {
				t.Fatalf("%v\n%s", list, text)
			}
		}
	})
}
