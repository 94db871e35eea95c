package soql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"sfsync/mapping/schema"
)

// testNow is a Saturday.
var testNow = time.Date(2026, 11, 21, 10, 30, 0, 0, time.UTC)

type testCatalog map[string][]Field

func (c testCatalog) Object(name string) (Entity, bool) {
	for n, fields := range c {
		if strings.EqualFold(n, name) {
			e := Entity{
				Name: n, Table: "o_" + n, KeyPrefix: prefixes()[n], Searchable: n != "Thing",
				Children: func(name string) (Children, bool) {
					for _, ch := range children()[n] {
						if strings.EqualFold(ch.Name, name) {
							return ch, true
						}
					}
					return Children{}, false
				},
				All: func() []Field { return fields },
				Fields: func(name string) (Field, bool) {
					for _, f := range fields {
						if strings.EqualFold(f.Name, name) {
							return f, true
						}
					}
					return Field{}, false
				},
			}
			if n == "Thing" {
				e.Table, e.Key = "", "DurableId"
				e.Rows = func() []byte {
					return []byte(`[["000000000000000AAA",false,null,"Lead","Lead record",3,true,"Visit__c"],["000000000000000AAA",false,null,"Visit__c","Visit",null,null,null]]`)
				}
			}
			return e, true
		}
	}
	return Entity{}, false
}

func prefixes() map[string]string {
	return map[string]string{"User": "005", "Group": "00G", "Lead": "00Q", "Account": "001", "Contact": "003", "Task": "00T"}
}

func children() map[string][]Children {
	return map[string][]Children{
		"Account": {{"Contacts", "Contact", "AccountId"}, {"Ghosts", "Ghost", "AccountId"}, {"Hidden", "Contact", "HiddenId"}},
		"Contact": {{"Tasks", "Task", "WhoId"}},
		"Lead":    {{"Tasks", "Task", "WhoId"}},
	}
}

func fields(specs ...Field) []Field {
	all := append([]Field{
		{Name: "Id", Type: schema.ID},
		{Name: "IsDeleted", Type: schema.Boolean},
		{Name: "CreatedDate", Type: schema.DateTime},
	}, specs...)
	for i := range all {
		f := &all[i]
		f.Filterable = f.Name != "Description" && len(f.Parts) == 0
		f.NameField = f.Name == "Name"
		if len(f.Parts) == 0 {
			f.Column = f.Name
		}
		for j := range f.Parts {
			f.Parts[j].Column = f.Parts[j].Name
		}
	}
	return all
}

func newCatalog() testCatalog {
	return testCatalog{
		"User": fields(
			Field{Name: "Name", Type: schema.String},
			Field{Name: "Username", Type: schema.String},
			Field{Name: "ManagerId", Type: schema.Reference, Relationship: "Manager", RefersTo: []string{"User"}}),
		"Group": fields(Field{Name: "Name", Type: schema.String}),
		"Account": fields(
			Field{Name: "Name", Type: schema.String},
			Field{Name: "OwnerId", Type: schema.Reference, Relationship: "Owner", RefersTo: []string{"User"}}),
		"Contact": fields(
			Field{Name: "Name", Type: schema.String},
			Field{Name: "Score__c", Type: schema.Double},
			Field{Name: "Active__c", Type: schema.Boolean},
			Field{Name: "AccountId", Type: schema.Reference, Relationship: "Account", RefersTo: []string{"Account"}}),
		"Task": fields(
			Field{Name: "Subject", Type: schema.String},
			Field{Name: "Status", Type: schema.Picklist, Labels: []Label{{"Open", "<Open>"}, {"Done", "<Done>"}}},
			Field{Name: "WhoId", Type: schema.Reference, Relationship: "Who", RefersTo: []string{"Contact", "Lead", "Ghost"}, Polymorphic: true},
			Field{Name: "OwnerId", Type: schema.Reference, Relationship: "Owner", RefersTo: []string{"Group", "User"}, Polymorphic: true}),
		"Thing": fields(
			Field{Name: "DurableId", Type: schema.String},
			Field{Name: "Label", Type: schema.String},
			Field{Name: "Length", Type: schema.Int},
			Field{Name: "IsBig", Type: schema.Boolean},
			Field{Name: "PartId", Type: schema.String, Relationship: "Part", RefersTo: []string{"Thing"}}),
		"Lead": fields(
			Field{Name: "Name", Type: schema.String},
			Field{Name: "Email", Type: schema.Email, FoldColumn: "Email#"},
			Field{Name: "LeadSource", Type: schema.Picklist},
			Field{Name: "Description", Type: schema.TextArea},
			Field{Name: "IsConverted", Type: schema.Boolean},
			Field{Name: "NumberOfEmployees", Type: schema.Int},
			Field{Name: "AnnualRevenue", Type: schema.Currency},
			Field{Name: "Birth__c", Type: schema.Date},
			Field{Name: "Alarm__c", Type: schema.Time},
			Field{Name: "Tags__c", Type: schema.MultiPicklist},
			Field{Name: "Code__c", Type: schema.String, CaseSensitive: true},
			Field{Name: `Odd"; DROP TABLE o_Lead; --`, Type: schema.String},
			Field{Name: "OwnerId", Type: schema.Reference, Relationship: "Owner", RefersTo: []string{"User"}},
			Field{Name: "GhostId", Type: schema.Reference, Relationship: "Ghost", RefersTo: []string{"Ghost"}},
			Field{Name: "Address", Type: schema.Address, Parts: []Field{
				{Name: "city", Type: schema.String}, {Name: "country", Type: schema.String},
			}}),
	}
}

var (
	ann    = schema.ID18("005000000000001")
	bob    = schema.ID18("005000000000002")
	leadID = func(n int) string { return schema.ID18(fmt.Sprintf("00Q%012d", n)) }
	acme   = schema.ID18("001000000000001")
	empty  = schema.ID18("001000000000002")
	carl   = schema.ID18("003000000000001")
	dora   = schema.ID18("003000000000002")
	queue  = schema.ID18("00G000000000001")
	taskID = func(n int) string { return schema.ID18(fmt.Sprintf("00T%012d", n)) }
)

// openOrg makes an in-memory database with the tables of newCatalog and a few records.
func openOrg(t testing.TB) *sql.DB {
	t.Helper()
	if err := Register(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	ctx := context.Background()
	exec := func(q string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(ctx, q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	for name, fields := range newCatalog() {
		var cols []string
		for _, f := range fields {
			for _, p := range append([]Field{f}, f.Parts...) {
				if p.Column == "" {
					continue
				}
				typ := " TEXT"
				switch kindOf(p) {
				case boolKind, intKind:
					typ = " INTEGER"
				case numberKind:
					typ = " REAL"
				}
				cols = append(cols, quote(p.Column)+typ)
				if p.FoldColumn != "" {
					cols = append(cols, quote(p.FoldColumn)+" TEXT")
				}
			}
		}
		exec("CREATE TABLE " + quote("o_"+name) + " (" + strings.Join(cols, ", ") + ", PRIMARY KEY (Id))")
	}
	exec(`CREATE INDEX lead_email ON o_Lead ("Email#")`)
	exec(`CREATE INDEX contact_account ON o_Contact (AccountId)`)
	exec(`INSERT INTO o_Group (Id, IsDeleted, Name) VALUES (?, 0, 'The Queue')`, queue)
	exec(`INSERT INTO o_Account (Id, IsDeleted, Name, OwnerId) VALUES (?, 0, 'Acme', ?), (?, 0, 'Empty', ?)`, acme, bob, empty, ann)
	exec(`INSERT INTO o_Contact (Id, IsDeleted, Name, Score__c, Active__c, AccountId) VALUES (?, 0, 'Carl', 0.1, 1, ?), (?, 0, 'Dora "D"', 3, 0, ?)`, carl, acme, dora, acme)
	exec(`INSERT INTO o_Contact (Id, IsDeleted, Name, AccountId) VALUES ('003000000000009AAA', 1, 'Gone', ?), ('003000000000008AAA', 0, 'Lone', NULL)`, acme)
	exec(`INSERT INTO o_Task (Id, IsDeleted, CreatedDate, Subject, Status, WhoId, OwnerId) VALUES (?, 0, '2026-11-21T10:05:00.000+0000', 'Call', 'Open', ?, ?), (?, 0, NULL, 'Mail', 'Open', ?, ?), (?, 0, NULL, 'Meet', 'Done', NULL, ?)`,
		taskID(1), carl, bob, taskID(2), leadID(1), queue, taskID(3), ann)
	exec(`INSERT INTO o_User (Id, IsDeleted, Name, Username, ManagerId) VALUES (?, 0, 'Ann Boss', 'ann@x.org', NULL), (?, 0, 'Bob', 'bob@x.org', ?)`, ann, bob, ann)
	add := func(n int, cols string, vals ...any) {
		t.Helper()
		exec("INSERT INTO o_Lead (Id, IsDeleted, CreatedDate, "+cols+") VALUES (?, ?, ?"+strings.Repeat(", ?", len(vals))+")",
			append([]any{leadID(n), 0, time.Date(2026, 11, 20+n, 9, 0, 0, 0, time.UTC).Format(StoredDateTime)}, vals...)...)
	}
	const all = `Name, Email, "Email#", LeadSource, Description, IsConverted, NumberOfEmployees, AnnualRevenue, Birth__c, Alarm__c, Tags__c, Code__c, OwnerId, city, country`
	add(1, all, "Zoë O'Neil", "Zoe@X.org", "zoe@x.org", "Web", "long text", 0, 10, 1500.5, "1990-02-28", "08:15:00.000Z", "red;green", "Abc", bob, "Köln", nil)
	add(2, all, "Émile 100%", "E@X.ORG", "e@x.org", "web", nil, 1, nil, 2000000.0, "2026-11-21", nil, "blue", "abc", nil, nil, "DE")
	add(3, all, "back\\slash_x", nil, nil, nil, nil, nil, -3, nil, nil, nil, nil, nil, ann, nil, nil)
	exec("INSERT INTO o_Lead (Id, IsDeleted, CreatedDate, Name) VALUES (?, 1, ?, 'Gone')", leadID(4), testNow.Format(StoredDateTime))
	return db
}

// run executes a compiled query and returns its records as JSON.
func run(t testing.TB, db *sql.DB, q *Query, args []any) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), q.SQL, args...)
	if err != nil {
		t.Fatalf("%s: %v", q.SQL, err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		values := make([]any, q.Width())
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		if q.Count {
			out = append(out, fmt.Sprint(values[0]))
			continue
		}
		out = append(out, string(q.AppendRecord(nil, "/v", values)))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
