package query

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/virtual"
)

var now = time.Date(2026, 11, 21, 10, 30, 0, 0, time.UTC)

// newCatalog has the standard objects and those that every org has.
func newCatalog() *catalog.Catalog {
	var defs []catalog.Definition
	for _, s := range []*schema.Schema{schema.Standard(), catalog.System()} {
		for _, name := range s.Names() {
			defs = append(defs, catalog.Definition{Object: s.Object(name), Modified: now})
		}
	}
	return catalog.New(defs)
}

func compile(cat *catalog.Catalog, text string, deleted bool) (*soql.Query, error) {
	return soql.Compile(Catalog(cat, virtual.Org{UserID: "005000000000001AAA", Created: now}, deleted), text, soql.Options{Now: now, Deleted: deleted})
}

// TestHidden: what a user must not see is not there, whichever way it is asked for (Salesforce Help, Field-Level Security).
func TestHidden(t *testing.T) {
	t.Parallel()
	full := newCatalog()
	view := full.View(&catalog.Access{
		Objects: map[string]catalog.ObjectAccess{"Lead": {Read: true}, "Account": {Read: true}},
		Fields:  map[string]catalog.FieldAccess{"Lead.Email": catalog.Hidden, "Account.ParentId": catalog.Hidden},
	})
	for text, message := range map[string]string{
		"SELECT Email FROM Lead":                                             "No such column 'Email' on entity 'Lead'.",
		"SELECT Id FROM Lead WHERE Email = 'a@b.c'":                          "No such column 'Email' on entity 'Lead'.",
		"SELECT Id FROM Lead ORDER BY Email":                                 "No such column 'Email' on entity 'Lead'.",
		"SELECT Email, COUNT(Id) FROM Lead GROUP BY Email":                   "No such column 'Email' on entity 'Lead'.",
		"SELECT COUNT(Email) FROM Lead":                                      "No such column 'Email' on entity 'Lead'.",
		"SELECT toLabel(Email) FROM Lead":                                    "No such column 'Email' on entity 'Lead'.",
		"SELECT Parent.Name FROM Account":                                    "Didn't understand relationship 'Parent' in field path.",
		"SELECT (SELECT Id FROM ChildAccounts) FROM Account":                 "Didn't understand relationship 'ChildAccounts'",
		"SELECT (SELECT Id FROM Contacts) FROM Account":                      "Didn't understand relationship 'Contacts'",
		"SELECT Id FROM Contact":                                             "sObject type 'Contact' is not supported.",
		"SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)": "sObject type 'Contact' is not supported.",
		"SELECT ConvertedContact.Name FROM Lead":                             "Didn't understand relationship 'ConvertedContact' in field path.",
	} {
		_, err := compile(view, text, false)
		var e *soql.Error
		if !errors.As(err, &e) || !strings.Contains(e.Message, message) {
			t.Errorf("%s: got %v, want %s", text, err, message)
		}
		if _, err := compile(full, text, false); err != nil {
			t.Errorf("%s, for a user who may: %v", text, err)
		}
	}
	q, err := compile(view, "SELECT FIELDS(ALL) FROM Lead LIMIT 1", false)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(q.SQL, `"Email"`) || !strings.Contains(q.SQL, `"Phone"`) {
		t.Errorf("hidden fields are read: %s", q.SQL)
	}
	text := "SELECT QualifiedApiName, EntityDefinition.QualifiedApiName FROM FieldDefinition"
	q, err = compile(view, text, false)
	if err != nil {
		t.Fatal(err)
	}
	records := strings.Join(run(t, q), "\n")
	if strings.Contains(records, `"QualifiedApiName":"Contact"`) || !strings.Contains(records, `"QualifiedApiName":"NumberOfEmployees"`) || strings.Contains(records, `"QualifiedApiName":"Email","EntityDefinition":{"attributes":{"type":"EntityDefinition","url":"/v/sobjects/EntityDefinition/Lead"}`) {
		t.Error("the definitions show what is hidden")
	}
}

// run runs a query on an empty database, as queries of computed objects need nothing else.
func run(t *testing.T, q *soql.Query) (records []string) {
	t.Helper()
	if err := soql.Register(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), q.SQL, q.Args...)
	if err != nil {
		t.Fatalf("%s: %v", q.SQL, err)
	}
	defer func() { _ = rows.Close() }()
	values := make([]any, q.Width())
	dest := make([]any, len(values))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		records = append(records, string(q.AppendRecord(nil, "/v", values)))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

// TestFoldColumns: lookups go by the indexed column, except where deleted records may have lost its value.
func TestFoldColumns(t *testing.T) {
	t.Parallel()
	cat := newCatalog()
	for _, tt := range []struct {
		text          string
		deleted, fold bool
	}{
		{"SELECT Id FROM Lead WHERE Email = 'A@b.c'", false, true},
		{"SELECT Id FROM Lead WHERE Email = 'A@b.c'", true, true},
		{"SELECT Id FROM User WHERE Username = 'A@b.c'", false, true},
		{"SELECT Id FROM User WHERE Username = 'A@b.c'", true, !cat.Object("User").Field("Username").Def.Unique},
	} {
		q, err := compile(cat, tt.text, tt.deleted)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(q.SQL, `#"`); got != tt.fold {
			t.Errorf("%s, deleted %t: %s", tt.text, tt.deleted, q.SQL)
		}
	}
}
