package importer_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/importer"
	"sfsync/mapping/internal/golden"
	"sfsync/mapping/schema"
)

var update = flag.Bool("update", false, "write the golden files")

// reader reads the files of an archive.
func reader(a *txtar.Archive) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		for _, f := range a.Files {
			if f.Name == path {
				return f.Data, nil
			}
		}
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
}

// known is the schema that imports are compiled against: the standard objects with the custom ones
// of the cases.
func known(t testing.TB) *schema.Schema {
	t.Helper()
	s, _, err := schema.Load(filepath.Join("testdata", "schema.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A case is an archive. Its comment begins with the name of the file that is imported and options
// (object=, match=, only=), and the word "alone" where the objects are in no schema. Its golden
// file has what comes out: the mapping, or one for each step where there are several inputs, and
// the notes.
func TestImports(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) < 25 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	s := known(t)
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(string(a.Comment))
			o, compiles := importer.Options{Schema: s, SchemaURL: "sfsync.schema.json"}, true
			for _, w := range words[1:] {
				switch key, value, _ := strings.Cut(w, "="); key {
				case "object":
					o.Object = value
				case "match":
					o.Match = value
				case "only":
					o.Only = append(o.Only, value)
				case "alone":
					o.Schema, compiles = nil, false
				default:
					t.Fatalf("unknown option %q", w)
				}
			}
			var b strings.Builder
			r, err := importer.Import(words[0], reader(a), o)
			if err != nil {
				fmt.Fprintf(&b, "error: %v\n", err)
				golden.Check(t, strings.TrimSuffix(path, ".txtar")+".golden", b.String(), *update)
				return
			}
			fmt.Fprintf(&b, "%s, steps %s, inputs %d\n", r.Kind, strings.Join(r.Steps, " "), r.Inputs)
			sound(t, &b, s, r.YAML(""), compiles)
			if r.Inputs > 1 {
				for _, step := range r.Steps {
					sound(t, &b, s, r.YAML(step), compiles)
				}
			}
			b.WriteString("--- notes\n")
			all, each := r.Notes(false), r.Notes(true)
			for _, d := range each {
				if slices.Contains(all, d) {
					fmt.Fprintln(&b, d)
				} else {
					fmt.Fprintln(&b, "each for itself:", d)
				}
			}
			for _, d := range all {
				if !slices.Contains(each, d) {
					t.Errorf("only of all steps together: %s", d)
				}
			}
			golden.Check(t, strings.TrimSuffix(path, ".txtar")+".golden", b.String(), *update)
		})
	}
}

// sound writes a mapping behind the others and checks that it can be parsed and compiled.
func sound(t *testing.T, b *strings.Builder, s *schema.Schema, text []byte, compiles bool) {
	t.Helper()
	fmt.Fprintf(b, "--- mapping\n%s", text)
	f, _, err := mapping.Parse("mapping.yaml", text)
	if err != nil {
		t.Errorf("%v\n%s", err, text)
		return
	}
	if !compiles {
		return
	}
	if _, _, err := mapping.Compile(f, s); err != nil {
		list, _ := diag.As(err)
		for _, d := range list {
			if d.Severity == diag.Error {
				fmt.Fprintf(b, "does not compile: %s\n", d)
			}
			if d.Severity == diag.Error && d.Code != "required-missing" && d.Code != "object-unknown" { // what the file does not give, and the schema does not know
				t.Errorf("%s\n%s", d, text)
			}
		}
	}
}

func TestNoObject(t *testing.T) {
	t.Parallel()
	a := txtar.Parse([]byte("-- leads.sdl --\nNAME=LastName\n"))
	_, err := importer.Import("leads.sdl", reader(a), importer.Options{})
	var bad *importer.OptionError
	if !errors.As(err, &bad) || bad.Option != "object" {
		t.Errorf("error %v, want one about the object", err)
	}
}

func TestOnlyUnknown(t *testing.T) {
	t.Parallel()
	a := txtar.Parse([]byte("-- m.yml --\nAccounts: {sf_object: Account, fields: [Name]}\n"))
	_, err := importer.Import("m.yml", reader(a), importer.Options{Only: []string{"acounts"}})
	if err == nil || !strings.Contains(err.Error(), "did you mean accounts?") {
		t.Errorf("error %v, want the nearest name", err)
	}
}

// Secrets are in no output: neither in the mapping nor in the notes.
func TestSecretsStayBehind(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"process-secrets.txtar", "sfdmu-script.txtar"} {
		a, err := txtar.ParseFile(filepath.Join("testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(txtar.Format(a)), "S3cret") {
			t.Fatalf("%s has no secret", path)
		}
		r, err := importer.Import(strings.Fields(string(a.Comment))[0], reader(a), importer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if all := string(r.YAML("")) + fmt.Sprint(r.Notes(true)); strings.Contains(all, "S3cret") {
			t.Errorf("%s: a secret is in the output:\n%s", path, all)
		}
	}
}

// What is too large, too deep or made to blow up ends in an error at once.
func TestBounds(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"large.sdl": strings.Repeat("a=b\n", importer.MaxBytes/4+1),
		"deep.json": `{"objects":` + strings.Repeat("[", 100_000),
		"deep.xml":  "<beans>" + strings.Repeat("<bean>", 100_000),
		"deep.yml":  "A: {sf_object: Account, fields: " + strings.Repeat("[", 10_000) + "}",
		"laughs.xml": `<?xml version="1.0"?><!DOCTYPE beans [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>` +
			`<beans><bean id="x"><description>&b;</description></bean></beans>`,
		"laughs.yml": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: {sf_object: Account, fields: *e}\n",
	} {
		read := func(path string) ([]byte, error) {
			if path == name {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}
		if _, err := importer.Import(name, read, importer.Options{Object: "Lead"}); err == nil {
			t.Errorf("%s: no error", name)
		} else if len(err.Error()) > 2000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

// What no mapping can hold is left out and named, and everything else is written so that it is read back:
// mappings can be parsed.
func TestOddNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 81)
	for name, tt := range map[string]struct {
		file, text, other string
		wants             string // in the mapping, else in the error
	}{
		"cumulus: a constant for what is no field": {"m.yml", "a: {sf_object: Lead, fields: [LastName], static: {'a b': x}}", "", `# "a b" is no field name`},
		"cumulus: a key that is no field":          {"m.yml", "a: {sf_object: Lead, action: upsert, update_key: A.B, fields: [LastName]}", "", `the key "A.B" of a is no field of it`},
		"cumulus: a key with a field twice":        {"m.yml", "a: {sf_object: Lead, action: upsert, update_key: 'Email, email', fields: [Email]}", "", "match: Email\n"},
		"cumulus: words of YAML":                   {"m.yml", "a: {sf_object: 'null', action: upsert, update_key: 'Null', fields: ['Null', 'No', 'true']}", "", "match: 'Null'\n"},
		"cumulus: a reference and its column": {"m.yml", "a: {sf_object: Account, fields: [Name]}\nb: {sf_object: Contact, fields: [LastName, AccountId], " +
			"lookups: {accountid: {table: Account}}}", "", "AccountId: Contact.AccountId\n"},
		"cumulus: references in two cases": {"m.yml", "a: {sf_object: Account, fields: [Name]}\nb: {sf_object: Contact, fields: [LastName], " +
			"lookups: {AccountId: {table: Account}, accountid: {table: Account}}}", "", "{ref: a}\n"},
		"cumulus: a reference to what is deleted": {"m.yml", "a: {sf_object: Account, action: delete}\nb: {sf_object: Contact, fields: [LastName], " +
			"lookups: {AccountId: {table: Account}}}", "", "# AccountId: {lookup: Account.External_Id__c"},
		"cumulus: an event":                         {"m.yml", "a: {sf_object: News__e, fields: [Text__c]}", "", "operation: publish"},
		"cumulus: an event that is updated":         {"m.yml", "a: {sf_object: News__e, action: update, fields: [Text__c]}", "", "platform events can only be published"},
		"sdl: a column of many blanks":              {"m.sdl", "a" + strings.Repeat(`\ `, 600) + "b=LastName", "", "blanks in a row"},
		"sdl: a long column for many fields":        {"m.sdl", strings.Repeat("c", 100_000) + "=" + strings.Repeat("LastName,Company,", 500), "", "the column of LastName has more than 1000 bytes"},
		"sdl: more than a file may hold":            {"m.sdl", strings.Repeat("\x01", 400_000) + "=\nx=LastName", "", "1048576 allowed"},
		"sdl: a column that takes no escape":        {"m.sdl", `a\u0085\u2028\u0000\ufeff"=LastName`, "", `LastName: "\"a\u0085\u2028\x00\ufeff\\\"\""`},
		"sfdmu: letters that no name has":           {"e.json", `{"objects":[{"operation":"Insert","query":"SELECT LastName, Größe, $, 1st FROM Lead"}]}`, "", `# "Größe" is no field name`},
		"sfdmu: a reference with a long name":       {"e.json", `{"objects":[{"operation":"Insert","query":"SELECT LastName, ` + long[2:] + `Id FROM X__c"}]}`, "", "is no field name"},
		"sfdmu: a key with a reference twice":       {"e.json", `{"objects":[{"operation":"Upsert","externalId":"Account.Name;AccountId;Name","query":"SELECT Name, AccountId FROM Asset"}]}`, "", "match: [[AccountId, Name]]"},
		"sfdmu: encoding and delimiter":             {"e.json", `{"csvFileEncoding":"ucs-3","csvFileDelimiter":"\r","objects":[{"operation":"Insert","query":"SELECT Name FROM Account"}]}`, "", `sfsync knows no encoding "ucs-3"`},
		"sfdmu: a directory whose name is no UTF-8": {"in\xe5/e.json", `{"objects":[{"operation":"Insert","query":"SELECT Name FROM Account"}]}`, "", "# the path of Account.csv is not UTF-8"},
		"sfdmu: values": {
			"e.json", `{"objects":[{"operation":"Insert","useValuesMapping":true,"query":"SELECT Name FROM Account"}]}`,
			"ObjectName,FieldName,RawValue,Value\nAccount,Name,<<,null\nAccount,Name,~,\"a\nb\"\nAccount,Name,\"x\ny: #\",'\nAccount,Name," + strings.Repeat("k", 2000) + ",-\n", `'<<': ''`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := func(path string) ([]byte, error) {
				switch {
				case path == tt.file:
					return []byte(tt.text), nil
				case tt.other != "":
					return []byte(tt.other), nil
				}
				return nil, fs.ErrNotExist
			}
			r, err := importer.Import(tt.file, read, importer.Options{Object: "Lead", Schema: schema.Standard()})
			got := fmt.Sprint(err)
			if err == nil {
				got = string(r.YAML(""))
				if _, _, err := mapping.Parse("m.yaml", []byte(got)); err != nil {
					t.Errorf("%v\n%s", err, got)
				}
			}
			if !strings.Contains(got, tt.wants) {
				t.Errorf("want %q, got\n%.3000s", tt.wants, got)
			}
		})
	}
}

// The names that the command line gives an .sdl file have to be names.
func TestOddOptions(t *testing.T) {
	t.Parallel()
	a := txtar.Parse([]byte("-- leads.sdl --\nNAME=LastName\n"))
	for option, o := range map[string]importer.Options{"object": {Object: "My Lead"}, "match": {Object: "Lead", Match: "Account.Name"}} {
		_, err := importer.Import("leads.sdl", reader(a), o)
		var bad *importer.OptionError
		if !errors.As(err, &bad) || bad.Option != option {
			t.Errorf("%s: error %v, want one about it", option, err)
		}
	}
}

// Whatever a file holds, an import ends in an error or in mappings that can be parsed. The files
// beside it are an archive, or one text that is all of them.
func FuzzImport(f *testing.F) {
	cases, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range cases {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		name := strings.Fields(string(a.Comment))[0]
		var main []byte
		var others txtar.Archive
		for _, file := range a.Files {
			if file.Name == name {
				main = file.Data
			} else {
				others.Files = append(others.Files, txtar.File{Name: filepath.Base(file.Name), Data: file.Data})
			}
		}
		f.Add(filepath.Ext(name), main, txtar.Format(&others))
	}
	const bean = `<beans><bean id="%s"><property><map><entry key="sfdc.entity" value="%s"/><entry key="process.operation" value="%s"/>` +
		`<entry key="process.mappingFile" value="a.sdl"/><entry key="sfdc.externalIdField" value="%s"/><entry key="dataAccess.name" value="%s"/>` +
		`<entry key="dataAccess.readCharset" value="%s"/><entry key="loader.csvOther" value="true"/><entry key="loader.csvOtherValue" value="%s"/></map></property></bean></beans>`
	for _, seed := range [][3]string{
		{".sdl", "a\\ \\u0085b=LastName,Account.Name\n\"'# : \"=Company\n\\u2028=\\=x\n\"\"=Phone\nNULL=Title\nn0=K\\u212aey,\\u0130d", ""},
		{".sdl", "\\ufeff=a\nA=Owner:User-Username\nB=Owner:Username\nC=User:Owner.Username\nid=Id\n~=Email\n-=Fax\n", ""},
		{".xml", fmt.Sprintf(bean, "null", "Null", "upsert", "External Id", `C:\in\a,b.csv`, "utf-9", "&quot;"), "a\\ b=Name\n#=x\n"},
		{".xml", fmt.Sprintf(bean, "-.x", "News__e", "insert", "Id", "../#.csv", "windows-1252", "|"), "-- a.sdl --\nA=B,b,C.D,c.d\n-- #.csv --\nA|B\n"},
		{".xml", fmt.Sprintf(bean, "y", "Lead", "delete", "email", "${in}/a", "", "&#9;"), "e=EMAIL\n"},
		{
			".json", `{"csvFileDelimiter":"\\t","csvFileEncoding":"utf16le","csvInsertNulls":true,"objects":[{"query":"SELECT ALL, A$B, OwnerId, \u00e4 FROM Lead","operation":"Upsert","externalId":"Owner.Name;Email;email","useValuesMapping":true}]}`,
			"ObjectName,FieldName,RawValue,Value\nLead,Status,null,x\nLead,Status,<<,~\nLead,Status,\"a: #\n\",\nLead,Status,/x/,eval(1)\n",
		},
		{
			".json", `{"allowFieldTruncation":true,"objectSets":[{"objects":[{"query":"SELECT Id, Name, ParentId FROM Account","operation":"Insert","useFieldMapping":true,"skipExistingRecords":true},{"query":"SELECT AccountId, LastName FROM Contact","operation":"Update","externalId":"Account.Name"}]}]}`,
			"ObjectName,Target,FieldName\nAccount,null,\nAccount,No,Name\n",
		},
		{".yml", "a b: {sf_object: Account, table: '#', action: upsert, update_key: [Name, name], fields: {Name: ' ', Site: 'x: y'}, static: {Fax: 'null', a b: c}, record_type: '~'}\n" +
			"a-b: {sf_object: contact, fields: [AccountId, LastName], lookups: {accountid: {table: '#'}, ReportsToId: {table: contact, key_field: '{'}}, api: bulk, filters: ['|']}\n", ""},
		{".yaml", "x:\n  sf_object: News__e\n  fields: [Text__c]\ny:\n  sf_object: Lead\n  action: delete\nz:\n  sf_object: \"null\"\n  action: update\n  update_key: 'null, Id'\n  fields: {\"null\": \"\\u0085 \", LeadId: b}\n  lookups: {LeadId: {table: Lead}, Id: {table: x}}\n", ""},
	} {
		f.Add(seed[0], []byte(seed[1]), []byte(seed[2]))
	}
	s := schema.Standard()
	f.Fuzz(func(t *testing.T, ext string, main, other []byte) {
		name := "in" + ext
		others := txtar.Parse(other)
		read := func(path string) ([]byte, error) {
			switch {
			case path == name:
				return main, nil
			case len(others.Files) == 0:
				return other, nil
			}
			for _, file := range others.Files {
				if file.Name == filepath.Base(path) {
					return file.Data, nil
				}
			}
			return nil, fs.ErrNotExist
		}
		for _, s := range []*schema.Schema{s, nil} {
			r, err := importer.Import(name, read, importer.Options{Object: "Lead", Schema: s})
			if err != nil {
				continue
			}
			for _, step := range append(r.Steps, "") {
				if _, _, err := mapping.Parse("m.yaml", r.YAML(step)); err != nil {
					t.Fatalf("%v\n%s", err, r.YAML(step))
				}
			}
		}
	})
}
