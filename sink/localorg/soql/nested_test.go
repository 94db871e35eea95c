package soql

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answers runs a query and returns its records without attributes.
func answers(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	q, err := Compile(newCatalog(), query, Options{Now: testNow, User: bob})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	got := run(t, db, q, q.Args)
	for i := range got {
		if !json.Valid([]byte(got[i])) {
			t.Errorf("not JSON: %s", got[i])
		}
		got[i] = attributes.ReplaceAllString(got[i], "")
	}
	return got
}

// TestRelationships runs queries over more than one object (SOQL reference, Relationship Queries).
func TestRelationships(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fact, query string
		want        []string
	}{
		{"children are a query result of their own, null if there are none", "SELECT Name, (SELECT Name, Score__c, Active__c FROM Contacts) FROM Account", []string{
			`{"Name":"Acme","Contacts":{"totalSize":2,"done":true,"records":[{"Name":"Carl","Score__c":0.1,"Active__c":true},{"Name":"Dora \"D\"","Score__c":3.0,"Active__c":false}]}}`,
			`{"Name":"Empty","Contacts":null}`,
		}},
		{"with clauses of their own", "SELECT (SELECT Name FROM Contacts WHERE Name != 'x' ORDER BY Name DESC LIMIT 1) FROM Account WHERE Name = 'acme'", []string{
			`{"Contacts":{"totalSize":1,"done":true,"records":[{"Name":"Dora \"D\""}]}}`,
		}},
		{"and an offset", "SELECT (SELECT Name FROM Contacts ORDER BY Name LIMIT 1 OFFSET 1) FROM Account LIMIT 1", []string{
			`{"Contacts":{"totalSize":1,"done":true,"records":[{"Name":"Dora \"D\""}]}}`,
		}},
		{"and parents of their own", "SELECT Id, (SELECT Account.Owner.Name FROM Account.Contacts LIMIT 1) FROM Account LIMIT 1", []string{
			`{"Id":"` + acme + `","Contacts":{"totalSize":1,"done":true,"records":[{"Account":{"Owner":{"Name":"Bob"}}}]}}`,
		}},
		{"named by aliases", "SELECT a.Name, (SELECT c.Name FROM a.Contacts c WHERE c.Name LIKE 'c%') FROM Account a WHERE a.Name = 'Acme'", []string{
			`{"Name":"Acme","Contacts":{"totalSize":1,"done":true,"records":[{"Name":"Carl"}]}}`,
		}},
		{"children of children", "SELECT (SELECT Name, (SELECT Subject, CreatedDate FROM Tasks) FROM Contacts) FROM Account WHERE Name = 'Acme'", []string{
			`{"Contacts":{"totalSize":2,"done":true,"records":[{"Name":"Carl","Tasks":{"totalSize":1,"done":true,"records":[{"Subject":"Call","CreatedDate":"2026-11-21T10:05:00.000+0000"}]}},{"Name":"Dora \"D\"","Tasks":null}]}}`,
		}},
		{"all fields of children", "SELECT (SELECT FIELDS(CUSTOM) FROM Contacts LIMIT 1) FROM Account LIMIT 1", []string{
			`{"Contacts":{"totalSize":1,"done":true,"records":[{"Score__c":0.1,"Active__c":true}]}}`,
		}},
		{"a semi-join", "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Name = 'carl')", []string{`{"Name":"Acme"}`}},
		{"an anti-join holds in spite of nulls in it", "SELECT Name FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact)", []string{`{"Name":"Empty"}`}},
		{"a semi-join by parent", "SELECT Name FROM Contact WHERE AccountId IN (SELECT Id FROM Account WHERE Owner.Name = 'Bob') AND Name LIKE 'D%'", []string{`{"Name":"Dora \"D\""}`}},
		{"a semi-join by parent's parent", "SELECT Name FROM Account WHERE OwnerId IN (SELECT ManagerId FROM User)", []string{`{"Name":"Empty"}`}},
		{"two semi-joins", "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact) AND OwnerId NOT IN (SELECT ManagerId FROM User)", []string{`{"Name":"Acme"}`}},
		{"deleted records count in no semi-join", "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Name = 'Gone')", nil},
		{"a polymorphic parent by its name", "SELECT Subject, Owner.Name, Who.Type, Who.Name FROM Task", []string{
			`{"Subject":"Call","Owner":{"Name":"Bob"},"Who":{"Type":"Contact","Name":"Carl"}}`,
			`{"Subject":"Mail","Owner":{"Name":"The Queue"},"Who":{"Type":"Lead","Name":"Zoë O'Neil"}}`,
			`{"Subject":"Meet","Owner":{"Name":"Ann Boss"},"Who":null}`,
		}},
		{"in conditions and order", "SELECT Subject FROM Task WHERE Owner.Type = 'user' AND Owner.Name != 'x' ORDER BY Owner.Name DESC", []string{`{"Subject":"Call"}`, `{"Subject":"Meet"}`}},
		{"a polymorphic parent's Id", "SELECT Who.Id FROM Task WHERE Who.Id != null ORDER BY Who.Type", []string{`{"Who":{"Id":"` + carl + `"}}`, `{"Who":{"Id":"` + leadID(1) + `"}}`}},
		{"grouped by a polymorphic parent", "SELECT Owner.Type, COUNT(Id) FROM Task GROUP BY Owner.Type", []string{`{"Type":"Group","expr0":1}`, `{"Type":"User","expr0":2}`}},
		{"fields by type", "SELECT Subject, TYPEOF Who WHEN Contact THEN Name, Account.Name WHEN Lead THEN Email, AnnualRevenue ELSE Id END FROM Task", []string{
			`{"Subject":"Call","Who":{"Name":"Carl","Account":{"Name":"Acme"}}}`,
			`{"Subject":"Mail","Who":{"Email":"Zoe@X.org","AnnualRevenue":1500.5}}`,
			`{"Subject":"Meet","Who":null}`,
		}},
		{"fields of the other types", "SELECT TYPEOF Owner WHEN Group THEN Id ELSE Name, Username END FROM Task WHERE Subject != 'Meet'", []string{
			`{"Owner":{"Name":"Bob","Username":"bob@x.org"}}`, `{"Owner":{"Id":"` + queue + `"}}`,
		}},
		{"records that are computed", "SELECT Id, DurableId, Label, Length, IsBig FROM Thing WHERE DurableId IN ('lead','Visit__c') ORDER BY Length NULLS LAST", []string{
			`{"Id":"000000000000000AAA","DurableId":"Lead","Label":"Lead record","Length":3,"IsBig":true}`,
			`{"Id":"000000000000000AAA","DurableId":"Visit__c","Label":"Visit","Length":null,"IsBig":false}`,
		}},
		{"and parents", "SELECT Length FROM Thing WHERE Part.Label = 'visit'", []string{`{"Length":3}`}},
		{"and counted", "SELECT COUNT(Id), MAX(Length) FROM Thing", []string{`{"expr0":2,"expr1":3}`}},
		{"my records", "SELECT Name FROM Account USING SCOPE mine WHERE Name != 'x'", []string{`{"Name":"Acme"}`}},
		{"everybody's records", "SELECT Name FROM Account USING SCOPE Everything ORDER BY Name LIMIT 1", []string{`{"Name":"Acme"}`}},
		{"the team's records", "SELECT Name FROM Account USING SCOPE team", nil},
	}
	db := openOrg(t)
	for _, tt := range tests {
		t.Run(tt.fact, func(t *testing.T) {
			if d := cmp.Diff(tt.want, answers(t, db, tt.query)); d != "" {
				t.Errorf("%s: -want +got\n%s", tt.query, d)
			}
		})
	}
}

// TestRelationshipAttributes checks type and address of what is nested (recorded for parents; polymorphic ones
// are of the type Name).
func TestRelationshipAttributes(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	for _, tt := range []struct{ query, want string }{
		{"SELECT Owner.Name FROM Task WHERE Subject = 'Mail'", `"Owner":{"attributes":{"type":"Name","url":"/v/sobjects/Group/` + queue + `"}`},
		{"SELECT TYPEOF Owner WHEN Group THEN Name END FROM Task WHERE Subject = 'Mail'", `"Owner":{"attributes":{"type":"Group","url":"/v/sobjects/Group/` + queue + `"},"Name":"The Queue"}`},
		{"SELECT TYPEOF Owner WHEN Group THEN Name END FROM Task WHERE Subject = 'Call'", `"Owner":{"attributes":{"type":"User","url":"/v/sobjects/User/` + bob + `"}}`},
		{"SELECT (SELECT Id FROM Contacts) FROM Account WHERE Name = 'Acme'", `"records":[{"attributes":{"type":"Contact","url":"/v/sobjects/Contact/` + carl + `"},"Id":"` + carl + `"}`},
		{"SELECT Label FROM Thing WHERE DurableId = 'Visit__c'", `{"attributes":{"type":"Thing","url":"/v/sobjects/Thing/Visit__c"}`},
	} {
		q, err := Compile(newCatalog(), tt.query, Options{Now: testNow})
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, db, q, q.Args); len(got) != 1 || !strings.Contains(got[0], tt.want) {
			t.Errorf("%s:\n got %s\nwant %s", tt.query, got, tt.want)
		}
	}
}

// TestFunctions runs functions of dates, of display and of groups (SOQL reference, Date Functions, GROUP BY, HAVING).
func TestFunctions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query string
		want  []string
	}{
		{"SELECT CALENDAR_YEAR(CreatedDate) y, COUNT(Id) n FROM Lead GROUP BY CALENDAR_YEAR(CreatedDate)", []string{`{"y":2026,"n":3}`}},
		{"SELECT CALENDAR_QUARTER(CreatedDate), FISCAL_QUARTER(CreatedDate), MAX(Name) FROM Lead GROUP BY CALENDAR_QUARTER(CreatedDate), FISCAL_QUARTER(CreatedDate)", []string{`{"expr0":4,"expr1":4,"expr2":"Émile 100%"}`}},
		{"SELECT DAY_ONLY(CreatedDate) d, COUNT(Id) FROM Lead GROUP BY DAY_ONLY(CreatedDate) ORDER BY DAY_ONLY(CreatedDate) DESC LIMIT 1", []string{`{"d":"2026-11-23","expr0":1}`}},
		{"SELECT DAY_ONLY(convertTimezone(CreatedDate)) d FROM Lead GROUP BY DAY_ONLY(convertTimezone(CreatedDate)) ORDER BY d LIMIT 1", []string{`{"d":"2026-11-21"}`}},
		{"SELECT Name FROM Lead WHERE CALENDAR_MONTH(Birth__c) = 2 AND DAY_IN_MONTH(Birth__c) = 28", []string{`{"Name":"Zoë O'Neil"}`}},
		{"SELECT COUNT() FROM Lead WHERE DAY_IN_WEEK(CreatedDate) = 7", []string{"1"}}, // a Saturday
		{"SELECT COUNT() FROM Lead WHERE DAY_IN_YEAR(CreatedDate) = 325", []string{"1"}},
		{"SELECT COUNT() FROM Lead WHERE HOUR_IN_DAY(CreatedDate) = 9", []string{"3"}},
		{"SELECT COUNT() FROM Lead WHERE WEEK_IN_MONTH(CreatedDate) = 3", []string{"1"}}, // the 21st, not the 22nd
		{"SELECT COUNT() FROM Lead WHERE WEEK_IN_YEAR(CreatedDate) = 47", []string{"3"}},
		{"SELECT COUNT() FROM Lead WHERE DAY_ONLY(CreatedDate) = 2026-11-22", []string{"1"}},
		{"SELECT COUNT() FROM Lead WHERE DAY_ONLY(CreatedDate) = TODAY", []string{"1"}},
		{"SELECT COUNT() FROM Lead WHERE CALENDAR_YEAR(Birth__c) = null", []string{"1"}},
		{"SELECT COUNT() FROM Lead WHERE Birth__c IN (TODAY, 1990-02-28)", []string{"2"}},
		{"SELECT COUNT() FROM Lead WHERE CreatedDate NOT IN (TODAY, TOMORROW)", []string{"1"}},
		{"SELECT COUNT() FROM Lead WHERE Birth__c = THIS_FISCAL_YEAR", []string{"1"}},
		{"SELECT COUNT() FROM Lead WHERE CreatedDate = LAST_N_FISCAL_QUARTERS:2", []string{"0"}},
		{"SELECT LeadSource, COUNT(Id) FROM Lead GROUP BY LeadSource HAVING COUNT(Id) > 1", []string{`{"LeadSource":"Web","expr0":2}`}},
		{"SELECT LeadSource FROM Lead GROUP BY LeadSource HAVING COUNT(Id) >= 1 AND LeadSource LIKE 'w%'", []string{`{"LeadSource":"Web"}`}},
		{"SELECT LeadSource FROM Lead GROUP BY LeadSource HAVING NOT (MAX(AnnualRevenue) > 1500.0)", []string{`{"LeadSource":null}`}},
		{"SELECT toLabel(Status), Subject FROM Task WHERE toLabel(Status) = '<open>' ORDER BY toLabel(Subject) LIMIT 1", []string{`{"Status":"<Open>","Subject":"Call"}`}},
		{"SELECT COUNT() FROM Task WHERE toLabel(Status) = 'Open' OR toLabel(Status) LIKE '<d%'", []string{"1"}},
		{"SELECT toLabel(Status) label, Status FROM Task LIMIT 1", []string{`{"label":"<Open>","Status":"Open"}`}},
		{"SELECT toLabel(Status), COUNT(Id) FROM Task GROUP BY Status ORDER BY Status", []string{`{"Status":"<Done>","expr0":1}`, `{"Status":"<Open>","expr0":2}`}},
		{"SELECT FORMAT(AnnualRevenue) a, format(CreatedDate) c, FORMAT(Birth__c) b, FORMAT(NumberOfEmployees) FROM Lead WHERE Name LIKE 'Zo%'", []string{
			`{"a":"$1,500.50","c":"11/21/2026, 9:00 AM","b":"2/28/1990","NumberOfEmployees":"10"}`,
		}},
		{"SELECT convertCurrency(AnnualRevenue), FORMAT(convertCurrency(AnnualRevenue)) f FROM Lead WHERE AnnualRevenue > 1000000", []string{`{"AnnualRevenue":2000000.0,"f":"$2,000,000.00"}`}},
		{"SELECT FORMAT(MAX(CreatedDate)) m FROM Lead", []string{`{"m":"11/23/2026, 9:00 AM"}`}},
		{"SELECT FORMAT(Owner.Name) FROM Lead WHERE Name LIKE 'Zo%'", []string{`{"Owner":{"Name":"Bob"}}`}},
		{"SELECT Name FROM Lead WHERE Name LIKE 'Zo%' WITH SECURITY_ENFORCED ORDER BY Name LIMIT 5 FOR VIEW", []string{`{"Name":"Zoë O'Neil"}`}},
		{"SELECT COUNT() FROM Lead WITH USER_MODE FOR REFERENCE UPDATE TRACKING, VIEWSTAT", []string{"3"}},
		{"SELECT COUNT() FROM Lead FOR UPDATE", []string{"3"}},
	}
	db := openOrg(t)
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			if d := cmp.Diff(tt.want, answers(t, db, tt.query)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestRelationshipErrors sends what Salesforce refuses (the words on semi-joins are recorded; others are not).
func TestRelationshipErrors(t *testing.T) {
	t.Parallel()
	refused(t, []wrong{
		{"SELECT (SELECT Id FROM Ghosts) FROM Account", CodeType, "Column:24\nDidn't understand relationship 'Ghosts' in FROM part of query call."},
		{"SELECT (SELECT Id FROM Hidden) FROM Account", CodeType, "Didn't understand relationship 'Hidden'"},
		{"SELECT (SELECT Id FROM Contact) FROM Account", CodeType, "Didn't understand relationship 'Contact'"},
		{"SELECT (SELECT Id FROM Contacts), (SELECT Name FROM Contacts) FROM Account", CodeField, "duplicate field selected: Contacts"},
		{"SELECT (SELECT COUNT(Id) FROM Contacts) FROM Account", CodeMalformed, "Only root queries support aggregate expressions"},
		{"SELECT COUNT(Id), (SELECT Id FROM Contacts) FROM Account", CodeMalformed, "Subqueries are not allowed"},
		{"SELECT (SELECT Foo FROM Contacts) FROM Account", CodeField, "Column:16\nNo such column 'Foo' on entity 'Contact'."},
		{"SELECT (SELECT FIELDS(ALL) FROM Contacts) FROM Account LIMIT 5", CodeMalformed, "must have a LIMIT of at most 200"},
		{"SELECT (SELECT Id FROM Contacts ALL ROWS) FROM Account", CodeMalformed, "unexpected token: 'ALL'"},
		{"SELECT (SELECT Id FROM Contacts FROM Account", CodeMalformed, "unexpected token: 'FROM'"},
		{"SELECT " + strings.Repeat("(SELECT ", 6) + "Id FROM Contacts", CodeMalformed, "at most 5 levels"},
		{"SELECT Id FROM Account WHERE Name = 'x' OR Id IN (SELECT AccountId FROM Contact)", CodeMalformed, "Semi join sub-selects are not allowed with the 'OR' operator"},
		{"SELECT Id FROM Account WHERE NOT Id IN (SELECT AccountId FROM Contact)", CodeMalformed, "Semi join sub-selects are only allowed at the top level WHERE expressions"},
		{"SELECT Id FROM Account WHERE Name = 'x' AND (Name = 'y' OR Id IN (SELECT AccountId FROM Contact))", CodeMalformed, "Semi join sub-selects are only allowed at the top level"},
		{"SELECT Id FROM Account WHERE " + strings.Repeat("Id IN (SELECT AccountId FROM Contact) AND ", 2) + "Id NOT IN (SELECT AccountId FROM Contact)", CodeMalformed, "Maximum 2 semi join sub-selects are allowed"},
		{"SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE AccountId IN (SELECT Id FROM Account))", CodeMalformed, "Nesting of semi join sub-selects is not supported"},
		{"SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Contact)", CodeMalformed, "Column:30\nThe selected field 'Id' in the subquery and the left operand field in the where expression in the outer query 'AccountId' should point to the same object type"},
		{"SELECT Id FROM Contact WHERE Name IN (SELECT Id FROM Contact)", CodeMalformed, "must be an ID or a reference"},
		{"SELECT Id FROM Account WHERE Id IN (SELECT Name FROM Contact)", CodeMalformed, "The inner select field 'Name' must be an ID or a reference"},
		{"SELECT Id FROM Account WHERE Id IN (SELECT Id, AccountId FROM Contact)", CodeMalformed, "exactly one"},
		{"SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact LIMIT 5)", CodeMalformed, "LIMIT"},
		{"SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Ghost)", CodeType, "sObject type 'Ghost' is not supported."},
		{"SELECT Id FROM Account WHERE Id = (SELECT AccountId FROM Contact)", CodeMalformed, "unexpected token: '('"},
		{"SELECT Who.Foo FROM Task", CodeField, "No such column 'Foo' on entity 'Name'."},
		{"SELECT Who.Owner.Name FROM Task", CodeField, "Column:12\nDidn't understand relationship 'Owner' in field path."},
		{"SELECT TYPEOF Who WHEN Account THEN Name END FROM Task", CodeType, "Account is not an object that Who refers to"},
		{"SELECT TYPEOF Who WHEN Contact THEN Foo END FROM Task", CodeField, "No such column 'Foo' on entity 'Contact'."},
		{"SELECT TYPEOF Who WHEN Contact THEN Name FROM Task", CodeMalformed, "unexpected token: 'FROM'"},
		{"SELECT TYPEOF Who END FROM Task", CodeMalformed, "unexpected token: 'END'"},
		{"SELECT Who.Name, TYPEOF Who WHEN Contact THEN Name END, TYPEOF Who WHEN Contact THEN Name END FROM Task", CodeField, "duplicate field selected: Who"},
		{"SELECT CALENDAR_YEAR(CreatedDate) FROM Lead", CodeMalformed, "Field must be grouped or aggregated: CALENDAR_YEAR(CreatedDate)"},
		{"SELECT COUNT(Id) FROM Lead GROUP BY CALENDAR_YEAR(Name)", CodeField, "field 'Name' does not support the function CALENDAR_YEAR"},
		{"SELECT COUNT(Id) FROM Lead GROUP BY HOUR_IN_DAY(Birth__c)", CodeField, "does not support the function HOUR_IN_DAY"},
		{"SELECT Id FROM Lead WHERE COUNT(Id) > 1", CodeMalformed, "aggregate function COUNT is not allowed here"},
		{"SELECT COUNT(Id) FROM Lead GROUP BY LeadSource HAVING Name = 'x'", CodeMalformed, "Field must be grouped or aggregated: Name"},
		{"SELECT Id FROM Lead HAVING COUNT(Id) > 1", CodeMalformed, "unexpected token: 'HAVING'"},
		{"SELECT COUNT(Id) FROM Lead GROUP BY LeadSource HAVING LeadSource IN (SELECT Id FROM Lead)", CodeMalformed, "not allowed in HAVING"},
		{"SELECT convertCurrency(Name) FROM Lead", CodeField, "does not support the function CONVERTCURRENCY"},
		{"SELECT FORMAT() FROM Lead", CodeMalformed, "unexpected token: ')'"},
		{"SELECT FIELDS(FORMAT(Name)) FROM Lead LIMIT 5", CodeMalformed, "unexpected token: 'FORMAT'"},
		{"SELECT COUNT(Id), FIELDS(ALL) FROM Lead", CodeMalformed, "FIELDS function is not supported with grouped"},
		{"SELECT FORMAT(FIELDS(ALL)) FROM Lead LIMIT 5", CodeMalformed, "unexpected token: 'FIELDS'"},
		{"SELECT Id FROM Lead WITH NOTHING", CodeMalformed, "unexpected token: 'NOTHING'"},
		{"SELECT Id FROM Lead FOR NOTHING", CodeMalformed, "unexpected token: 'NOTHING'"},
		{"SELECT Id FROM Lead WHERE " + strings.Repeat("FORMAT(", 120) + "Name" + strings.Repeat(")", 120) + " = 'x'", CodeComplicated, "functions are nested"},
	})
}

// TestNestedPlan checks that children are found by the index on their reference.
func TestNestedPlan(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	for _, query := range []string{
		"SELECT Id, (SELECT Name FROM Contacts) FROM Account",
		"SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account WHERE Name = 'x')",
	} {
		if p := plan(t, db, query); !strings.Contains(p, "contact_account") {
			t.Errorf("%s does not use the index:\n%s", query, p)
		}
	}
}

// TestManyTargets: an activity may belong to more objects than SQLite joins.
func TestManyTargets(t *testing.T) {
	t.Parallel()
	db, cat := openOrg(t), newCatalog()
	what := Field{Name: "WhatId", Column: "WhoId", Type: "reference", Relationship: "What", Polymorphic: true, Filterable: true}
	for i := range 100 {
		name := fmt.Sprintf("Object%d__c", i)
		cat[name] = fields(Field{Name: "Name", Type: "string"})
		what.RefersTo = append(what.RefersTo, name)
		if _, err := db.Exec("CREATE TABLE " + quote("o_"+name) + " (Id TEXT PRIMARY KEY, Name TEXT)"); err != nil {
			t.Fatal(err)
		}
	}
	cat["Task"] = append(cat["Task"], what)
	q, err := Compile(cat, "SELECT What.Name, What.Type FROM Task WHERE What.Name = null ORDER BY What.Name", Options{Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, db, q, q.Args); len(got) != 3 {
		t.Errorf("got %s", got)
	}
}
