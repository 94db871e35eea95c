package virtual_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/virtual"
)

var (
	made = time.Date(2026, 11, 21, 10, 30, 0, 0, time.UTC)
	org  = virtual.Org{UserID: "005000000000001AAA", ProfileID: "00e000000000001AAA", Created: made}
)

// newCatalog has the standard objects, those that every org has, and a custom one of a package.
func newCatalog() *catalog.Catalog {
	var defs []catalog.Definition
	for _, s := range []*schema.Schema{schema.Standard(), catalog.System()} {
		for _, name := range s.Names() {
			defs = append(defs, catalog.Definition{Object: s.Object(name), Modified: made})
		}
	}
	visit := &schema.Object{Name: "acme__Visit__c", Label: "Visit", LabelPlural: "Visits", KeyPrefix: "a00", Custom: true, Queryable: true, Fields: []*schema.Field{
		{Name: "Id", Type: schema.ID},
		{Name: "acme__Fee__c", Label: "Fee", Type: schema.Currency, Precision: 18, Scale: 2, Custom: true, Nillable: true},
	}}
	return catalog.New(append(defs, catalog.Definition{Object: visit, Modified: made}))
}

// rows returns the records of a computed object, each by its fields' names.
func rows(t *testing.T, object string) []map[string]any {
	t.Helper()
	v, ok := virtual.Find(strings.ToUpper(object))
	if !ok {
		t.Fatalf("there is no %s", object)
	}
	var values [][]any
	if err := json.Unmarshal(v.Rows(newCatalog(), org), &values); err != nil {
		t.Fatal(err)
	}
	out := make([]map[string]any, len(values))
	for i, row := range values {
		if len(row) != len(v.Def.Fields) {
			t.Fatalf("%s: %d values for %d fields", object, len(row), len(v.Def.Fields))
		}
		out[i] = map[string]any{}
		for j, f := range v.Def.Fields {
			out[i][f.Name] = row[j]
		}
	}
	return out
}

// TestObjects checks that every computed object can be read as it is described, and is not stored as well.
func TestObjects(t *testing.T) {
	t.Parallel()
	cat, prefixes := newCatalog(), map[string]string{}
	for _, v := range virtual.All() {
		name := v.Def.Name
		if cat.Object(name) != nil {
			t.Errorf("%s is stored as well", name)
		}
		if prefixes[v.Def.KeyPrefix] != "" {
			t.Errorf("%s and %s have the same prefix", name, prefixes[v.Def.KeyPrefix])
		}
		prefixes[v.Def.KeyPrefix] = name
		for _, rec := range rows(t, name) {
			for field, value := range rec {
				f := v.Def.Field(field)
				ok := true
				switch value.(type) {
				case nil:
					ok = f.Nillable
				case bool:
					ok = f.Type == schema.Boolean
				case float64:
					ok = f.Type == schema.Int
				case string:
					ok = !slices.Contains([]schema.Type{schema.Boolean, schema.Int}, f.Type)
				}
				if !ok {
					t.Errorf("%s.%s, a %s, is %v", name, field, f.Type, value)
				}
			}
		}
		for _, f := range v.Def.Fields {
			for _, to := range f.ReferenceTo {
				if _, computed := virtual.Find(to); !computed && cat.Object(to) == nil {
					t.Errorf("%s.%s refers to %s, which is not there", name, f.Name, to)
				}
			}
		}
	}
	if n := len(virtual.Catalog().Objects()); n != len(virtual.All()) {
		t.Errorf("%d of %d objects are described", n, len(virtual.All()))
	}
}

// TestDefinitions checks what is recorded of entity and field definitions: durable ids by name for standard
// objects and by id for custom ones, data types as the setup pages show them.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	known := map[string][]map[string]any{}
	find := func(object, field, value string) map[string]any {
		t.Helper()
		if known[object] == nil {
			known[object] = rows(t, object)
		}
		list := known[object]
		i := slices.IndexFunc(list, func(r map[string]any) bool { return r[field] == value })
		if i < 0 {
			t.Fatalf("no %s whose %s is %s", object, field, value)
		}
		return list[i]
	}
	check := func(rec map[string]any, want map[string]any) {
		t.Helper()
		for field, v := range want {
			if rec[field] != v {
				t.Errorf("%v: %s is %v, want %v", rec["QualifiedApiName"], field, rec[field], v)
			}
		}
	}
	check(find("EntityDefinition", "QualifiedApiName", "Lead"), map[string]any{
		"Id": "000000000000000AAA", "DurableId": "Lead", "DeveloperName": "Lead", "KeyPrefix": "00Q", "NamespacePrefix": nil, "IsCustomizable": true,
		"LastModifiedDate": "2026-11-21T10:30:00.000+0000", "PublisherId": "System",
	})
	visit := find("EntityDefinition", "QualifiedApiName", "acme__Visit__c")
	check(visit, map[string]any{"DeveloperName": "Visit", "NamespacePrefix": "acme", "DeploymentStatus": "Deployed", "KeyPrefix": "a00"})
	if id, _ := visit["DurableId"].(string); len(id) != 15 || !strings.HasPrefix(id, "01I") {
		t.Errorf("the durable id of a custom object is %q", id)
	}
	check(find("FieldDefinition", "QualifiedApiName", "acme__Fee__c"), map[string]any{
		"EntityDefinitionId": visit["DurableId"], "DeveloperName": "Fee", "DataType": "Currency(16, 2)", "Precision": 18.0, "Scale": 2.0,
	})
	for name, dataType := range map[string]string{
		"Lead.Company": "Text(255)", "Lead.Owner": "Lookup(Group,User)", "Lead.IsConverted": "Checkbox", "Lead.NumberOfEmployees": "Number(8, 0)",
		"Lead.AnnualRevenue": "Currency(18, 0)", "Lead.Email": "Email", "Lead.Website": "URL(255)", "Lead.Status": "Picklist", "Lead.Address": "Address",
		"Lead.CreatedDate": "Date/Time", "Lead.ConvertedDate": "Date", "Lead.Description": "Long Text Area(32000)", "Lead.Name": "Name",
	} {
		check(find("FieldDefinition", "DurableId", name), map[string]any{"DataType": dataType, "EntityDefinitionId": "Lead"})
	}
	check(find("CustomField", "FullName", "acme__Visit__c.acme__Fee__c"), map[string]any{"TableEnumOrId": visit["DurableId"], "NamespacePrefix": "acme"})
	if list := rows(t, "CustomObject"); len(list) != 1 || list[0]["DeveloperName"] != "Visit" {
		t.Errorf("custom objects: %v", list)
	}
}

// TestNothing: what is no computed object is none.
func TestNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Lead", "RecordType", "EntityDefinitions"} {
		if v, ok := virtual.Find(name); ok {
			t.Errorf("%q is %s", name, v.Def.Name)
		}
	}
}
