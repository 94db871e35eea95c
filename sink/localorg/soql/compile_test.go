package soql

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var attributes = regexp.MustCompile(`"attributes":\{[^}]*\},?`)

// found returns the numbers of the leads that a condition holds for.
func found(t *testing.T, db *sql.DB, where string) []string {
	t.Helper()
	q, err := Compile(newCatalog(), "SELECT Id FROM Lead WHERE "+where, Options{Now: testNow})
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	var got []string
	for _, r := range run(t, db, q, q.Args) {
		var rec struct{ ID string }
		if err := json.Unmarshal([]byte(r), &rec); err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		got = append(got, strings.TrimLeft(rec.ID[3:15], "0"))
	}
	return got
}

// TestWhere runs conditions; want lists the numbers of the leads that they hold for.
func TestWhere(t *testing.T) {
	t.Parallel()
	tests := []struct{ where, want string }{
		// Text is equal without case, accents count, '' is null (SOQL: =, IN).
		{`Email = 'zoe@x.org'`, "1"},
		{`email = 'ZOE@X.ORG'`, "1"},
		{`Name = 'ZOË o\'neil'`, "1"},
		{`Name = 'Zoe O\'Neil'`, ""},
		{`Email = ''`, "3"},
		{`Email = null`, "3"},
		{`Email != null`, "1 2"},
		{`Email != 'e@x.org'`, "1 3"},
		{`Email <> 'e@x.org'`, "1 3"},
		{`NOT Email = 'e@x.org'`, "1 3"},
		{`NOT Email != 'e@x.org'`, "2"},
		{`Email IN ('E@x.org', 'zoe@x.org')`, "1 2"},
		{`Email IN ('E@x.org', null)`, "2 3"},
		{`Email NOT IN ('E@x.org')`, "1 3"},
		{`Email NOT IN ('E@x.org', null)`, "1"},
		{`LeadSource = 'WEB'`, "1 2"},
		{`Code__c = 'abc'`, "2"},
		{`Code__c IN ('Abc', 'x')`, "1"},
		{`Name > 'b'`, "1 2 3"},
		{`Name < 'c'`, "3"},
		// LIKE is without case and has two wildcards and their escapes.
		{`Name LIKE 'zo%'`, "1"},
		{`Name LIKE 'ZO_ o\'neil'`, "1"},
		{`Name LIKE 'ÉMILE%'`, "2"},
		{`Name LIKE '%\%'`, "2"},
		{`Name LIKE '%\_x'`, "3"},
		{`Name LIKE '%\\slash%'`, "3"},
		{`Name LIKE '%\u005Cslash%'`, "3"},
		{`Name LIKE '\u00c9mile%'`, "2"},
		{`Code__c LIKE 'ABC'`, "1 2"},
		{`(NOT Name LIKE 'z%')`, "2 3"},
		{`Email LIKE null`, "3"},
		// Numbers, booleans.
		{`NumberOfEmployees = 10`, "1"},
		{`NumberOfEmployees < 10`, "3"},
		{`NumberOfEmployees >= -3.0`, "1 3"},
		{`NumberOfEmployees IN (10, +5, -3)`, "1 3"},
		{`AnnualRevenue > 1500.4 AND AnnualRevenue <= 2000000`, "1 2"},
		{`AnnualRevenue = 1500.50`, "1"},
		{`AnnualRevenue > null`, ""},
		{`IsConverted = false`, "1 3"},
		{`IsConverted = TRUE`, "2"},
		{`IsConverted != true`, "1 3"},
		{`IsConverted IN (true)`, "2"},
		// Dates, datetimes, times.
		{`Birth__c = 1990-02-28`, "1"},
		{`Birth__c > 1990-02-28`, "2"},
		{`Birth__c = TODAY`, "2"},
		{`Birth__c != today`, "1 3"},
		{`Birth__c < LAST_N_YEARS:30`, "1"},
		{`Birth__c IN (1990-02-28, 2000-01-01)`, "1"},
		{`CreatedDate = TODAY`, "1"},
		{`CreatedDate = TOMORROW`, "2"},
		{`CreatedDate > TODAY`, "2 3"},
		{`CreatedDate >= TOMORROW AND CreatedDate < NEXT_N_DAYS:5`, ""},
		{`CreatedDate = NEXT_N_DAYS:5`, "2 3"},
		{`CreatedDate = THIS_WEEK`, "1"},
		{`CreatedDate = NEXT_WEEK`, "2 3"},
		{`CreatedDate <= TODAY`, "1"},
		{`CreatedDate = 2026-11-21T10:00:00+01:00`, "1"},
		{`CreatedDate = 2026-11-21T09:00:00.000+0000`, "1"},
		{`CreatedDate = 2026-11-21T09:00:00Z`, "1"},
		{`CreatedDate > 2026-11-21T09:00:00.001Z`, "2 3"},
		{`Alarm__c = 08:15:00Z`, "1"},
		// Ids: 15 or 18 characters.
		{`Id = '00Q000000000001'`, "1"},
		{`Id IN ('` + leadID(1) + `','` + leadID(2) + `')`, "1 2"},
		{`Id != '00Q000000000001'`, "2 3"},
		{`OwnerId = null`, "2"},
		{`Id > '00Q000000000001'`, "2 3"}, // by which clients walk through large objects
		{`Id <= '` + leadID(2) + `'`, "1 2"},
		// Parents.
		{`Owner.Name = 'bob'`, "1"},
		{`Owner.Manager.Name LIKE 'ann%'`, "1"},
		{`Owner.Manager.Name = null`, "2 3"},
		{`Lead.Owner.Username = 'ann@x.org'`, "3"},
		// Multi-select picklists.
		{`Tags__c INCLUDES ('red;green', 'nope')`, "1"},
		{`Tags__c INCLUDES ('GREEN', 'blue')`, "1 2"},
		{`Tags__c INCLUDES ('red;blue')`, ""},
		{`Tags__c EXCLUDES ('red')`, "2 3"},
		{`Tags__c = 'red;green'`, "1"},
		// Logic.
		{`(Email = null OR IsConverted = true) AND Name != null`, "2 3"},
		{`Email = null OR (IsConverted = true AND NOT (Name = null))`, "2 3"},
		{`NOT (Email = null OR IsConverted = true)`, "1"},
		{`NOT NOT IsConverted = true`, "2"},
		{`Name = null`, ""},
		{`IsDeleted = true`, ""},
	}
	db := openOrg(t)
	for _, tt := range tests {
		t.Run(tt.where, func(t *testing.T) {
			if got := strings.Join(found(t, db, tt.where), " "); got != tt.want {
				t.Errorf("got leads %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	tests := []struct {
		query string
		want  []string // without attributes
	}{
		{"select ID, name from LEAD order by Id limit 1", []string{`{"Id":"` + leadID(1) + `","Name":"Zoë O'Neil"}`}},
		{"SELECT AnnualRevenue, NumberOfEmployees, IsConverted, Birth__c, CreatedDate, Alarm__c FROM Lead LIMIT 3", []string{
			`{"AnnualRevenue":1500.5,"NumberOfEmployees":10,"IsConverted":false,"Birth__c":"1990-02-28","CreatedDate":"2026-11-21T09:00:00.000+0000","Alarm__c":"08:15:00.000Z"}`,
			`{"AnnualRevenue":2000000.0,"NumberOfEmployees":null,"IsConverted":true,"Birth__c":"2026-11-21","CreatedDate":"2026-11-22T09:00:00.000+0000","Alarm__c":null}`,
			`{"AnnualRevenue":null,"NumberOfEmployees":-3,"IsConverted":false,"Birth__c":null,"CreatedDate":"2026-11-23T09:00:00.000+0000","Alarm__c":null}`,
		}},
		{"SELECT Owner.Name, Name, Owner.Manager.Name, owner.username FROM Lead WHERE Id != null", []string{
			`{"Owner":{"Name":"Bob","Manager":{"Name":"Ann Boss"},"Username":"bob@x.org"},"Name":"Zoë O'Neil"}`,
			`{"Owner":null,"Name":"Émile 100%"}`,
			`{"Owner":{"Name":"Ann Boss","Manager":null,"Username":"ann@x.org"},"Name":"back\\slash_x"}`,
		}},
		{"SELECT l.Name, l.Owner.Name FROM Lead l WHERE l.Email = 'E@x.org'", []string{`{"Name":"Émile 100%","Owner":null}`}},
		{"SELECT Address FROM Lead", []string{
			`{"Address":{"city":"Köln","country":null}}`, `{"Address":{"city":null,"country":"DE"}}`, `{"Address":null}`,
		}},
		{"SELECT COUNT() FROM Lead", []string{"3"}},
		{"select count() from lead where email != null", []string{"2"}},
		{"SELECT COUNT() FROM Lead LIMIT 2", []string{"2"}},
		{"SELECT COUNT(Id), COUNT(Email) mails, COUNT_DISTINCT(LeadSource), MIN(Birth__c), MAX(Name), SUM(AnnualRevenue), AVG(NumberOfEmployees) FROM Lead", []string{
			`{"expr0":3,"mails":2,"expr1":1,"expr2":"1990-02-28","expr3":"Émile 100%","expr4":2001500.5,"expr5":3.5}`,
		}},
		{"SELECT LeadSource, COUNT(Id) n FROM Lead GROUP BY LeadSource ORDER BY COUNT(Id) DESC", []string{
			`{"LeadSource":"Web","n":2}`, `{"LeadSource":null,"n":1}`,
		}},
		{"SELECT LeadSource src, COUNT(Id) n FROM Lead GROUP BY LeadSource ORDER BY n LIMIT 1", []string{`{"src":null,"n":1}`}},
		{"SELECT Owner.Name, MAX(CreatedDate) FROM Lead GROUP BY Owner.Name ORDER BY Owner.Name", []string{
			`{"Name":null,"expr0":"2026-11-22T09:00:00.000+0000"}`,
			`{"Name":"Ann Boss","expr0":"2026-11-23T09:00:00.000+0000"}`,
			`{"Name":"Bob","expr0":"2026-11-21T09:00:00.000+0000"}`,
		}},
		{"SELECT IsConverted FROM Lead GROUP BY IsConverted", []string{`{"IsConverted":false}`, `{"IsConverted":true}`}},
		{"SELECT SUM(NumberOfEmployees) FROM Lead WHERE Name = null", []string{`{"expr0":null}`}},
		{"SELECT Name FROM Lead ORDER BY NumberOfEmployees", []string{`{"Name":"Émile 100%"}`, `{"Name":"back\\slash_x"}`, `{"Name":"Zoë O'Neil"}`}},
		{"SELECT Name FROM Lead ORDER BY NumberOfEmployees DESC NULLS LAST, Name", []string{`{"Name":"Zoë O'Neil"}`, `{"Name":"back\\slash_x"}`, `{"Name":"Émile 100%"}`}},
		{"SELECT Name FROM Lead ORDER BY Owner.Name ASC NULLS FIRST LIMIT 1 OFFSET 1", []string{`{"Name":"back\\slash_x"}`}},
		{"SELECT Name FROM Lead LIMIT 0", nil},
		{"SELECT Id, Name,\n\tUsername FROM User WHERE Name = 'Bob'", []string{`{"Id":"` + bob + `","Name":"Bob","Username":"bob@x.org"}`}},
		{"SELECT FIELDS(ALL) FROM Group LIMIT 200", []string{`{"Id":"` + queue + `","IsDeleted":false,"CreatedDate":null,"Name":"The Queue"}`}},
		{"SELECT FIELDS(STANDARD) FROM User WHERE Name='Bob'", []string{
			`{"Id":"` + bob + `","IsDeleted":false,"CreatedDate":null,"Name":"Bob","Username":"bob@x.org","ManagerId":"` + ann + `"}`,
		}},
		{"SELECT Name, FIELDS(CUSTOM) FROM Lead WHERE Code__c = 'Abc' LIMIT 5", []string{
			`{"Name":"Zoë O'Neil","Birth__c":"1990-02-28","Alarm__c":"08:15:00.000Z","Tags__c":"red;green","Code__c":"Abc"}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			q, err := Compile(newCatalog(), tt.query, Options{Now: testNow})
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, db, q, q.Args)
			for i := range got {
				if !q.Count && !json.Valid([]byte(got[i])) {
					t.Errorf("not JSON: %s", got[i])
				}
				got[i] = attributes.ReplaceAllString(got[i], "")
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got\n%s\n%s", d, q.SQL)
			}
		})
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	tests := []struct{ query, want string }{
		{
			"SELECT Name, Owner.Name FROM Lead LIMIT 1",
			`{"attributes":{"type":"Lead","url":"/v/sobjects/Lead/` + leadID(1) + `"},"Name":"Zoë O'Neil","Owner":{"attributes":{"type":"User","url":"/v/sobjects/User/` + bob + `"},"Name":"Bob"}}`,
		},
		{"SELECT COUNT(Id) n FROM Lead", `{"attributes":{"type":"AggregateResult"},"n":3}`},
	}
	for _, tt := range tests {
		q, err := Compile(newCatalog(), tt.query, Options{Now: testNow})
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, db, q, q.Args); len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.query, got, tt.want)
		}
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	q, err := Compile(newCatalog(), "SELECT owner.name, Email, Address FROM Lead", Options{Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	want := []Column{
		{Path: "Owner.Name", Field: Field{Type: "string"}, Value: 1},
		{Path: "Email", Field: Field{Type: "email"}, Value: 3},
		{Path: "Address", Field: Field{Type: "address"}, Value: -1},
	}
	got := q.Columns
	for i := range got {
		got[i].Field = Field{Type: got[i].Field.Type}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestQueryAll(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	q, err := Compile(newCatalog(), "SELECT Name FROM Lead WHERE IsDeleted = true", Options{Now: testNow, Deleted: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, db, q, q.Args); len(got) != 1 || !strings.Contains(got[0], "Gone") {
		t.Errorf("got %s", got)
	}
}

// TestOrder: the order of equal records is always the same, by Id, so that LIMIT and OFFSET
// neither lose nor repeat any.
func TestOrder(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	for i := 34; i >= 10; i-- {
		if _, err := db.Exec("INSERT INTO o_Lead (Id, IsDeleted, LeadSource) VALUES (?, 0, 'Same')", leadID(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range []string{"", " ORDER BY LeadSource DESC", " ORDER BY Owner.Name, Name"} {
		answer := func(tail string) []string {
			q, err := Compile(newCatalog(), "SELECT Id FROM Lead"+order+tail, Options{Now: testNow})
			if err != nil {
				t.Fatal(err)
			}
			return run(t, db, q, q.Args)
		}
		want := answer("")
		var got []string
		for skip := 0; skip < len(want); skip += 4 {
			got = append(got, answer(fmt.Sprint(" LIMIT 4 OFFSET ", skip))...)
		}
		if d := cmp.Diff(want, got); d != "" || len(want) != 28 {
			t.Errorf("%s: %d records, -whole +pieces\n%s", order, len(want), d)
		}
	}
}

// plan returns SQLite's plan of a query.
func plan(t *testing.T, db *sql.DB, text string) string {
	t.Helper()
	q, err := Compile(newCatalog(), text, Options{Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query("EXPLAIN QUERY PLAN "+q.SQL, q.Args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	steps := ""
	for rows.Next() {
		var a, b, c int
		var s string
		if err := rows.Scan(&a, &b, &c, &s); err != nil {
			t.Fatal(err)
		}
		steps += s + "\n"
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestPlan checks that lookups by a folded column use its index.
func TestPlan(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	many := strings.Repeat("'someone@example.org',", 399) + "'a@b.c'"
	for _, where := range []string{"Email = 'a@b.c'", "Email IN (" + many + ")", "Email IN ('a@b.c') AND IsConverted = false", "Id IN ('00Q000000000001')"} {
		steps := plan(t, db, "SELECT Id, Email FROM Lead WHERE "+where)
		if !strings.Contains(steps, "SEARCH t0 USING") || strings.Contains(steps, "SCAN t0") {
			t.Errorf("%.60s does not use an index:\n%s", where, steps)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 4001)
	refused(t, []wrong{
		{"SELECT Foo FROM Lead", CodeField, "\nSELECT Foo FROM Lead\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Lead'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."},
		{"SELECT Id FROM Nope__c", CodeType, "\nSELECT Id FROM Nope__c\n               ^\nERROR at Row:1:Column:16\nsObject type 'Nope__c' is not supported."},
		{"SELECT Id,\n Ümlaut FROM Lead", CodeMalformed, "unexpected token: 'Ü'"},
		{"SELECT Id,\n  Foo FROM Lead", CodeField, "\n  Foo FROM Lead\n  ^\nERROR at Row:2:Column:3\nNo such column"},
		{"SELECT Owner.Foo FROM Lead", CodeField, "Column:14\nNo such column 'Foo' on entity 'User'."},
		{"SELECT Boss.Name FROM Lead", CodeField, "Didn't understand relationship 'Boss' in field path."},
		{"SELECT Owner.Manager.Manager.Manager.Manager.Manager.Name FROM Lead", CodeMalformed, "only 5 relationships"},
		{"SELECT Ghost.Name FROM Lead", CodeField, "Didn't understand relationship 'Ghost' in field path."},
		{"SELECT Id, id FROM Lead", CodeField, "duplicate field selected: Id"},
		{"SELECT Id, FIELDS(ALL) FROM Lead LIMIT 5", CodeField, "duplicate field selected: Id"},
		{"SELECT FIELDS(ALL) FROM Lead", CodeMalformed, "The SOQL FIELDS function must have a LIMIT of at most 200"},
		{"SELECT FIELDS(ALL) FROM Lead LIMIT 201", CodeMalformed, "The SOQL FIELDS function must have a LIMIT of at most 200"},
		{"SELECT FIELDS(SOME) FROM Lead LIMIT 2", CodeMalformed, "unexpected token: 'SOME'"},
		{"SELECT Id FROM Lead WHERE Email = 'a' AND Name = 'b' OR Name = 'c'", CodeMalformed, "unexpected token: 'OR'"},
		{"SELECT Id FROM Lead WHERE Email = 'a' OR Name = 'b' AND Name = 'c'", CodeMalformed, "unexpected token: 'AND'"},
		{"SELECT Id FROM Lead WHERE Email", CodeMalformed, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM Lead WHERE Email = ", CodeMalformed, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM Lead WHERE (Email = 'a'", CodeMalformed, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM Lead WHERE Email IS NULL", CodeMalformed, "unexpected token: 'IS'"},
		{"SELECT Id FROM Lead WHERE Email = 'O'Brien'", CodeMalformed, "ERROR at Row:1"},
		{"SELECT Id FROM Lead WHERE Email = 'a", CodeMalformed, "the string is not closed"},
		{"SELECT Id FROM Lead WHERE Email = \"a\"", CodeMalformed, "unexpected token: '\"'"},
		{`SELECT Id FROM Lead WHERE Email = 'a\_b'`, CodeMalformed, `illegal character sequence '\_' in string literal`},
		{`SELECT Id FROM Lead WHERE Email IN ('a\%b')`, CodeMalformed, `illegal character sequence '\%' in string literal`},
		{`SELECT Id FROM Lead WHERE Email LIKE 'a\qb'`, CodeMalformed, `illegal character sequence '\q' in string literal`},
		{`SELECT Id FROM Lead WHERE Email = '\u12G4'`, CodeMalformed, `illegal character sequence '\u' in string literal`},
		{`SELECT Id FROM Lead WHERE Email = '\uD83D'`, CodeMalformed, `illegal character sequence '\u' in string literal`},
		{"SELECT Id FROM Lead WHERE Email = '" + long + "'", CodeMalformed, "4000 characters"},
		{"SELECT Id FROM Lead WHERE Email = :mail", CodeMalformed, "Bind variables only allowed in Apex code"},
		{"SELECT Id FROM Lead WHERE Email = Name", CodeMalformed, "unexpected token: 'Name'"},
		{"SELECT Id FROM Lead WHERE Email = 5", CodeField, "value of filter criterion for field 'Email' must be of type string and should be enclosed in quotes"},
		{"SELECT Id FROM Lead WHERE AnnualRevenue = '5'", CodeField, "value of filter criterion for field 'AnnualRevenue' must be of type double and should not be enclosed in quotes"},
		{"SELECT Id FROM Lead WHERE NumberOfEmployees = '5'", CodeField, "must be of type int and should not"},
		{"SELECT Id FROM Lead WHERE IsConverted = 'true'", CodeField, "must be of type boolean and should not be enclosed in quotes"},
		{"SELECT Id FROM Lead WHERE Birth__c = '2020-01-01'", CodeField, "must be of type date and should not be enclosed in quotes"},
		{"SELECT Id FROM Lead WHERE CreatedDate > 2020-01-01", CodeField, "must be of type dateTime and should not be enclosed in quotes"},
		{"SELECT Id FROM Lead WHERE Birth__c = 2020-13-01", CodeMalformed, "unexpected token: '2020-13-01'"},
		{"SELECT Id FROM Lead WHERE NumberOfEmployees = 1e5", CodeMalformed, "unexpected token: '1e5'"},
		{"SELECT Id FROM Lead WHERE AnnualRevenue = " + strings.Repeat("9", 400), CodeRange, "number out of range"},
		{"SELECT Id FROM Lead WHERE Id = 'abc'", CodeOperator, "invalid ID field: abc"},
		{"SELECT Id FROM Lead WHERE Id IN ('00Q000000000001', 'abc')", CodeOperator, "invalid ID field: abc"},
		{"SELECT Id FROM Lead WHERE Id = '" + strings.ToLower(leadID(1)) + "'", CodeOperator, "invalid ID field"},
		{"SELECT Id FROM Lead WHERE OwnerId = 'x'", CodeOperator, "invalid ID field: x"},
		{"SELECT Id FROM Lead WHERE Id LIKE '00Q%'", CodeOperator, "invalid operator on id field"},
		{"SELECT Id FROM Lead WHERE IsConverted > true", CodeOperator, "invalid operator on boolean field"},
		{"SELECT Id FROM Lead WHERE NumberOfEmployees LIKE '1%'", CodeOperator, "invalid operator on int field"},
		{"SELECT Id FROM Lead WHERE Name INCLUDES ('a')", CodeOperator, "invalid operator"},
		{"SELECT Id FROM Lead WHERE Description = 'a'", CodeField, "field 'Description' can not be filtered in a query call"},
		{"SELECT Id FROM Lead WHERE Address = 'a'", CodeField, "field 'Address' can not be filtered in a query call"},
		{"SELECT Id FROM Lead ORDER BY Description", CodeField, "field 'Description' can not be sorted in a query call"},
		{"SELECT COUNT(Id) FROM Lead GROUP BY Description", CodeField, "field 'Description' can not be grouped in a query call"},
		{"SELECT COUNT(Id) FROM Lead GROUP BY CreatedDate", CodeField, "field 'CreatedDate' can not be grouped in a query call"},
		{"SELECT Name, COUNT(Id) FROM Lead", CodeMalformed, "Field must be grouped or aggregated: Name"},
		{"SELECT Name, COUNT(Id) FROM Lead GROUP BY Email", CodeMalformed, "Field must be grouped or aggregated: Name"},
		{"SELECT COUNT(Id) FROM Lead GROUP BY Email ORDER BY Name", CodeMalformed, "Ordered field must be grouped or aggregated: Name"},
		{"SELECT Id FROM Lead ORDER BY COUNT(Id)", CodeMalformed, "Ordered field must be grouped or aggregated"},
		{"SELECT COUNT(Id), COUNT() FROM Lead", CodeMalformed, "COUNT(Id)"},
		{"SELECT COUNT(IsConverted) FROM Lead", CodeMalformed, "field IsConverted does not support aggregate operator COUNT"},
		{"SELECT SUM(Name) FROM Lead", CodeMalformed, "field Name does not support aggregate operator SUM"},
		{"SELECT MAX(Description) FROM Lead", CodeMalformed, "field Description does not support aggregate operator MAX"},
		{"SELECT COUNT(Id) a, COUNT(Name) A FROM Lead", CodeMalformed, "duplicate alias: A"},
		{"SELECT Owner.Name, Name FROM Lead GROUP BY Owner.Name, Name", CodeMalformed, "duplicate alias: Name"},
		{"SELECT COUNT(Id) FROM Lead LIMIT 5", CodeMalformed, "cannot also use LIMIT"},
		{"SELECT Name n FROM Lead", CodeMalformed, "only aggregate expressions use field aliasing"},
		{"SELECT COUNT() FROM Lead ORDER BY Id", CodeMalformed, "ORDER BY"},
		{"SELECT Id FROM Lead OFFSET 2001", CodeRange, "Maximum SOQL offset allowed is 2000"},
		{"SELECT Id FROM Lead LIMIT -1", CodeMalformed, "unexpected token: '-1'"},
		{"SELECT Id FROM Lead LIMIT 99999999999", CodeMalformed, "unexpected token"},
		{"SELECT Id FROM Lead LIMIT 5 WHERE Name = 'x'", CodeMalformed, "unexpected token: 'WHERE'"},
		{"SELECT Id FROM Lead ALL ROWS", CodeMalformed, "ALL ROWS not allowed in this context"},
		{"SELECT Id FROM Lead;", CodeMalformed, "unexpected token: ';'"},
		{"SELECT * FROM Lead", CodeMalformed, "unexpected token: '*'"},
		{"SELECT FROM Lead", CodeMalformed, "unexpected token: 'FROM'"},
		{"SELECT Id, FROM Lead", CodeMalformed, "unexpected token: 'FROM'"},
		{"SELECT Id Lead", CodeMalformed, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM", CodeMalformed, "unexpected token: '<EOF>'"},
		{"DELETE FROM Lead", CodeMalformed, "unexpected token: 'DELETE'"},
		{"", CodeMalformed, "SOQL statements cannot be empty or null"},
		{" \n", CodeMalformed, "SOQL statements cannot be empty or null"},
		{"SELECT Id FROM Lead WHERE Name = '\xff'", CodeMalformed, "not valid UTF-8"},
		{"SELECT Id FROM Lead WHERE Birth__c = LAST_N_DAYS", CodeMalformed, "expecting a colon, found '<EOF>'"},
		{"SELECT Id FROM Lead WHERE Birth__c = LAST_N_DAYS:x", CodeMalformed, "unexpected token: 'x'"},
		{"SELECT Id FROM Lead WHERE Birth__c = LAST_N_DAYS:100001", CodeRange, "up to 100000"},
		{"SELECT Id FROM Lead WHERE Name = TODAY", CodeField, "must be of type string"},
		// What the local org does not understand says so.
		{"SELECT Id, (SELECT Id FROM Calls) FROM Lead", CodeType, "Didn't understand relationship 'Calls' in FROM part of query call."},
		{"SELECT TYPEOF Owner WHEN User THEN Id END FROM Lead", CodeField, "TYPEOF is only allowed on a polymorphic relationship"},
		{"SELECT foo(Name) FROM Lead", CodeMalformed, "Invalid function: foo"},
		{"SELECT COUNT(Id) FROM Lead GROUP BY ROLLUP(Name)", CodeMalformed, "GROUP BY ROLLUP() is not supported"},
		{"SELECT Id FROM Lead WITH DATA CATEGORY Geo__c AT x", CodeMalformed, "WITH DATA CATEGORY is not supported"},
		{"SELECT Id FROM Lead WHERE DISTANCE(Address, GEOLOCATION(1,2), 'mi') < 3", CodeMalformed, "the function DISTANCE is not supported"},
		{"SELECT Id FROM Lead USING SCOPE nobody", CodeMalformed, "invalid scope: nobody"},
		{"SELECT Id FROM Lead l, l.Owner o", CodeMalformed, "more than one object in FROM is not supported"},
	})
}

// wrong is a query that is refused with a code and a message that has this in it.
type wrong struct{ query, code, message string }

func refused(t *testing.T, tests []wrong) {
	for _, tt := range tests {
		name := tt.query
		if len(name) > 80 {
			name = name[:80]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile(newCatalog(), tt.query, Options{Now: testNow})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Code != tt.code || !strings.Contains(e.Message, tt.message) {
				t.Errorf("got  %s %q\nwant %s %q", e.Code, e.Message, tt.code, tt.message)
			}
		})
	}
}

// TestBounds sends queries at and beyond what a query may be; the large ones must run.
func TestBounds(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	list := func(n int, item, sep string) string {
		return strings.TrimSuffix(strings.Repeat(item+sep, n), sep)
	}
	ok := []string{
		"SELECT Id FROM Lead WHERE Email IN (" + list(24_000, "'a'", ",") + ")",
		"SELECT Id FROM Lead WHERE NumberOfEmployees IN (" + list(49_000, "1", ",") + ")",
		"SELECT Id FROM Lead WHERE " + list(9_000, "Id=null", " OR "),
		"SELECT Id FROM Lead WHERE " + list(1_200, "Name='a'", " AND "),
		"SELECT Id FROM Lead WHERE " + strings.Repeat("(", 95) + "Id=null" + strings.Repeat(")", 95),
		"SELECT Id FROM Lead WHERE " + strings.Repeat("NOT ", 95) + "Id=null",
	}
	for _, text := range ok {
		q, err := Compile(newCatalog(), text, Options{Now: testNow})
		if err != nil {
			t.Fatalf("%.60s…: %v", text, err)
		}
		run(t, db, q, q.Args)
	}
	bad := []string{
		"SELECT Id FROM Lead WHERE " + strings.Repeat("(", 101) + "Id=null" + strings.Repeat(")", 101),
		"SELECT Id FROM Lead WHERE " + strings.Repeat("NOT ", 20_000) + "Id=null",
		"SELECT Id FROM Lead WHERE Tags__c INCLUDES ('" + strings.Repeat("a;", 1_999) + "'" + strings.Repeat(",'"+strings.Repeat("a;", 1_999)+"'", 23) + ")",
		"SELECT Id FROM Lead WHERE Name = '" + strings.Repeat("a", 100_000) + "'",
		"SELECT Id FROM Lead ORDER BY " + list(33, "Id", ","),
		"SELECT COUNT(Id) FROM Lead GROUP BY " + list(33, "Name", ","),
	}
	for _, text := range bad {
		if _, err := Compile(newCatalog(), text, Options{Now: testNow}); err == nil {
			t.Errorf("%.60s… is taken", text)
		}
	}
}

// TestInjection checks that hostile names of the catalog stay names and hostile values values.
func TestInjection(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	for _, v := range []string{`'; DROP TABLE o_Lead; --`, `" OR 1=1`, "?", `\`, "\x00", "a%' OR '1'='1"} {
		lit := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v)
		for _, where := range []string{"Name = '%s'", "Email = '%s'", "Name IN ('%s')", "Name LIKE '%s'", "Tags__c INCLUDES ('%s')"} {
			q, err := Compile(newCatalog(), "SELECT FIELDS(ALL) FROM Lead WHERE "+fmt.Sprintf(where, lit)+" LIMIT 1", Options{Now: testNow})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(q.SQL, v) && len(v) > 1 {
				t.Errorf("the value %q is in the SQL", v)
			}
			if got := run(t, db, q, q.Args); len(got) != 0 {
				t.Errorf("%s with %q finds %s", where, v, got)
			}
		}
	}
	var n int
	if err := db.QueryRow("SELECT COUNT(*) FROM o_Lead").Scan(&n); err != nil || n != 4 {
		t.Errorf("%d leads, %v", n, err)
	}
}
