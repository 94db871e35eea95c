package schema_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
)

// visit is a describe document with the keys of a real one that matter here, and some that do not.
const visit = `{
  "actionOverrides": [], "childRelationships": [{"childSObject": "Task", "field": "WhatId"}], "createable": true, "custom": true,
  "customSetting": false, "deletable": true, "keyPrefix": "a0A", "label": "Visit", "labelPlural": "Visits", "mergeable": false,
  "name": "Visit__c", "queryable": true, "searchable": false, "undeletable": true, "updateable": true,
  "recordTypeInfos": [
    {"active": true, "available": true, "defaultRecordTypeMapping": true, "developerName": "Master", "master": true, "name": "Master", "recordTypeId": "012000000000000AAA", "urls": {}},
    {"active": false, "available": true, "developerName": "Old", "master": false, "name": "Old Visit", "recordTypeId": "0125g000000AbCdAAK", "urls": {}}],
  "supportedScopes": null, "urls": {"sobject": "/services/data/v66.0/sobjects/Visit__c"},
  "fields": [
    {"name": "Id", "label": "Record ID", "type": "id", "length": 18, "byteLength": 18, "nillable": false, "defaultedOnCreate": true, "createable": false, "updateable": false,
     "idLookup": true, "defaultValue": null, "picklistValues": [], "referenceTo": [], "relationshipName": null, "filterable": true, "sortable": true, "groupable": true},
    {"name": "Code__c", "label": "Code", "type": "string", "length": 20, "nillable": false, "defaultedOnCreate": false, "createable": true, "updateable": true,
     "unique": true, "externalId": true, "idLookup": true, "caseSensitive": true, "custom": true, "filterable": true, "sortable": true, "groupable": true},
    {"name": "Paid__c", "label": "Paid", "type": "boolean", "nillable": false, "defaultedOnCreate": true, "createable": true, "updateable": true, "custom": true, "defaultValue": true, "groupable": false},
    {"name": "Fee__c", "label": "Fee", "type": "currency", "precision": 10, "scale": 2, "nillable": true, "createable": true, "updateable": true, "custom": true, "defaultValue": 1.50},
    {"name": "Kind__c", "label": "Kind", "type": "picklist", "length": 255, "nillable": true, "createable": true, "updateable": true, "custom": true, "restrictedPicklist": true,
     "dependentPicklist": true, "controllerName": "Paid__c", "defaultValue": "A\u00e9", "picklistValues": [
       {"active": true, "defaultValue": true, "label": "Long A", "validFor": "gAAA", "value": "A\u00e9"}, {"active": false, "defaultValue": false, "label": null, "validFor": null, "value": "B"}]},
    {"name": "Lead__c", "label": "Lead", "type": "reference", "length": 18, "nillable": true, "createable": true, "updateable": false, "custom": true, "referenceTo": ["Lead"], "relationshipName": "Lead__r"},
    {"name": "Formula__c", "label": "Formula", "type": "string", "length": 1300, "nillable": true, "createable": false, "updateable": false, "calculated": true, "htmlFormatted": true, "custom": true, "extraTypeInfo": null, "filteredLookupInfo": {"controllingFields": []}},
    {"name": "New__c", "label": "From a release to come", "type": "vector", "nillable": true, "createable": true, "updateable": true, "dimensions": 3}
  ]}`

func TestParseDescribe(t *testing.T) {
	t.Parallel()
	o, err := schema.ParseDescribe([]byte(visit))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{objectLine(o)}
	for _, f := range o.Fields {
		got = append(got, fieldLine(f))
	}
	want := []string{
		`Visit__c "Visit" "Visits" prefix="a0A" custom=true create=true update=true delete=true query=true`,
		`Id "Record ID" id length=18 defaulted idLookup filter sort group`,
		`Code__c "Code" string length=20 required create update unique externalId idLookup caseSensitive custom filter sort group`,
		`Paid__c "Paid" boolean defaulted create update custom filter sort default=true`,
		`Fee__c "Fee" currency precision=10 scale=2 nillable create update custom filter sort default=1.50`,
		`Kind__c "Kind" picklist length=255 nillable create update custom filter sort group restricted dependent default=Aé [*Aé(Long A); -B()]`,
		`Lead__c "Lead" reference length=18 nillable create custom filter sort group rel=Lead__r to=Lead`,
		`Formula__c "Formula" string length=1300 nillable calculated custom html filter sort group`,
		`New__c "From a release to come" vector nillable create update filter sort group`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	types := []schema.RecordType{
		{ID: "012000000000000AAA", DeveloperName: "Master", Name: "Master", Active: true, Master: true},
		{ID: "0125g000000AbCdAAK", DeveloperName: "Old", Name: "Old Visit"},
	}
	if d := cmp.Diff(types, o.RecordTypes); d != "" {
		t.Error(d)
	}
	if !o.Undeletable || o.Searchable || o.Mergeable {
		t.Errorf("undelete %t, search %t, merge %t", o.Undeletable, o.Searchable, o.Mergeable)
	}
	if f := o.Field("CODE__C"); f == nil || f.Name != "Code__c" {
		t.Error("the object has no index")
	}
}

func TestParseDescribeRefuses(t *testing.T) {
	t.Parallel()
	field := func(text string) string { return `{"name": "A", "fields": [` + text + `]}` }
	const good = `{"name": "F", "type": "string", "nillable": true, "createable": true, "updateable": true}`
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "not a describe document: "},
		{"no JSON", "<html>", "not a describe document: "},
		{"cut off", visit[:500], "not a describe document: "},
		{"a list", "[]", "not a describe document: a list of the wrong kind"},
		{"an error of the org", `[{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]`, "not a describe document: "},
		{"no name", `{"fields": []}`, "not a describe document: it has no name"},
		{"a name in other letters", `{"NAME": "A", "fields": [` + good + `]}`, "not a describe document: it has no name"},
		{"no fields", `{"name": "A"}`, "the describe document of A has no fields"},
		{"trailing text", field(good) + "x", "not a describe document: "},
		{"a key twice", `{"name": "A", "name": "B", "fields": [` + good + `]}`, "not a describe document: "},
		{"not UTF-8", "{\"name\": \"A\xff\", \"fields\": [" + good + "]}", "not a describe document: "},
		{"a field without a name", field(`{"type": "string"}`), "field 1 of A: it has no name"},
		{"a field without a type", field(good + `, {"name": "G", "nillable": true}`), "field 2 of A: G has no type"},
		{"a field without nillable", field(`{"name": "F", "type": "string", "createable": true, "updateable": true}`), "field 1 of A: F has no nillable"},
		{"a field without createable", field(`{"name": "F", "type": "string", "nillable": true, "updateable": true}`), "field 1 of A: F has no createable"},
		{"a field without updateable", field(`{"name": "F", "type": "string", "nillable": true, "createable": true}`), "field 1 of A: F has no updateable"},
		{"a field twice", field(good + `, {"name": "f", "type": "date", "nillable": true, "createable": true, "updateable": true}`), "field f of A is described twice"},
		{"a size below zero", field(strings.Replace(good, `"F"`, `"F", "length": -1`, 1)), "field 1 of A: F has a size below zero"},
		{"a size as text", field(strings.Replace(good, `"F"`, `"F", "length": "5"`, 1)), "not a describe document: at /fields/0/length: text of the wrong kind"},
		{"a default that is a list", field(strings.Replace(good, `"F"`, `"F", "defaultValue": []`, 1)), "field 1 of A: F: its defaultValue is neither"},
		{"deep", strings.Repeat(`{"a":`, 20_000), "not a describe document: "},
	} {
		_, err := schema.ParseDescribe([]byte(tt.text))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s…", tt.name, err, tt.want)
		}
	}
}

// FuzzParseDescribe holds that no text makes ParseDescribe panic, and that an object that comes
// back has what the mapping relies on.
func FuzzParseDescribe(f *testing.F) {
	f.Add([]byte(visit))
	f.Add([]byte(`{"name":"A","fields":[{"name":"F","type":"string","nillable":true,"createable":true,"updateable":true,"defaultValue":"\ud83d\ude00"}]}`))
	f.Add([]byte(`{"name":"A","fields":[{"name":"F","type":"x","nillable":null}],"recordTypeInfos":null}`))
	f.Add([]byte(`{"name":"A","fields":[{"name":"F","type":"double","nillable":true,"createable":true,"updateable":true,"length":-1,"precision":-2,"scale":-3,"digits":-4}]}`))
	f.Add([]byte(`{"name":"A","fields":[{"name":"K","type":"","nillable":true,"createable":true,"updateable":true},{"name":"\u212a","type":"string","nillable":true,"createable":true,"updateable":true}]}`))
	f.Add([]byte(`{"name":"A","fields":[{"name":"F","type":"int","length":1e3,"nillable":true,"createable":true,"updateable":true,"referenceTo":[""],"picklistValues":[{"value":null,"active":null}],"defaultValue":{"a":[1]}}],"fields":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := schema.ParseDescribe(text)
		if err != nil {
			if o != nil || err.Error() == "" {
				t.Fatalf("an object with an error: %v", err)
			}
			return
		}
		if o.Name == "" || len(o.Fields) == 0 {
			t.Fatalf("an empty object: %+v", o)
		}
		for _, f := range o.Fields {
			if f.Name == "" || f.Type == "" || f.Length < 0 || f.Precision < 0 || f.Scale < 0 || f.Digits < 0 {
				t.Fatalf("half a field: %s", fieldLine(f))
			}
		}
	})
}

func BenchmarkParseDescribe(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(visit)))
	for b.Loop() {
		if _, err := schema.ParseDescribe([]byte(visit)); err != nil {
			b.Fatal(err)
		}
	}
}

// write makes a directory with these files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const global = `{"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [{"name": "Visit__c", "label": "Visit", "keyPrefix": "a0A"}, {"name": "Lead"}]}`

func TestSnapshot(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"global.json": global, "Visit__c.json": visit, "notes.txt": "x", "README.md": "x"})
	if err := os.Mkdir(filepath.Join(dir, "old.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, found, err := schema.Load(dir)
	if err != nil || len(found) != 0 {
		t.Fatal(err, found)
	}
	if d := cmp.Diff([]string{"Visit__c"}, s.Names()); d != "" {
		t.Error(d)
	}
	if s.Source != dir || s.Object("visit__C").Field("code__c") == nil {
		t.Errorf("source %q", s.Source)
	}
}

func TestSnapshotRefuses(t *testing.T) {
	t.Parallel()
	good := map[string]string{"global.json": global, "Visit__c.json": visit}
	for _, tt := range []struct {
		name   string
		change map[string]string // "" removes
		want   string
	}{
		{"no global.json", map[string]string{"global.json": ""}, "it has no global.json"},
		{"no documents", map[string]string{"Visit__c.json": ""}, "it has no describe document, such as Lead.json"},
		{"global.json is none", map[string]string{"global.json": "x"}, "global.json: not a schema snapshot"},
		{"global.json is of something else", map[string]string{"global.json": "{}"}, "global.json: not a schema snapshot: it lists no sobjects"},
		{"a broken document", map[string]string{"Lead.json": "{"}, "Lead.json: not a schema snapshot: not a describe document"},
		{"a document under another name", map[string]string{"Lead.json": visit}, "Lead.json: not a schema snapshot: it describes Visit__c"},
	} {
		files := maps.Clone(good)
		for name, text := range tt.change {
			files[name] = text
			if text == "" {
				delete(files, name)
			}
		}
		dir := write(t, files)
		_, _, err := schema.Load(dir)
		if !errors.Is(err, schema.ErrNotSnapshot) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"good.yaml": "objects: {Lead: {fields: {A__c: {type: string}, email: {label: Mail}}}}",
		"bad.yaml":  "objects: {Leed: {}, lead: {}}",
		"Lead.json": visit,
		"big.yaml":  strings.Repeat("# x\n", 1<<18) + "objects: {}",
	})
	path := func(name string) string { return filepath.Join(dir, name) }
	s, found, err := schema.Load(path("good.yaml"))
	if err != nil || len(found) != 1 || found[0].Code != "field-case" {
		t.Fatal(err, found)
	}
	if s.Object("Lead").Field("A__c") == nil || s.Object("Account") == nil || s.Source != path("good.yaml") {
		t.Errorf("source %q", s.Source)
	}
	_, found, err = schema.Load(path("bad.yaml"))
	if all, ok := diag.As(err); !ok || found != nil || len(all) != 2 {
		t.Errorf("bad.yaml: %v, %v", err, found)
	}
	if _, _, err := schema.Load(path("missing.yaml")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "missing.yaml") {
		t.Errorf("missing: %v", err)
	}
	if _, _, err := schema.Load(path("Lead.json")); !errors.Is(err, schema.ErrNotSnapshot) || !strings.Contains(err.Error(), "by its directory") {
		t.Errorf("a single document: %v", err)
	}
	if _, _, err := schema.Load(os.DevNull); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a device: %v", err)
	}
	if _, _, err := schema.Load(path("big.yaml")); err == nil || !strings.Contains(err.Error(), "more than the 1048576 bytes") {
		t.Errorf("big: %v", err)
	}
}
