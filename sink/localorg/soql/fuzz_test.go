package soql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/soql/syntax"
)

// FuzzCompile checks that any text is either refused with an *Error or compiles to SQL that
// runs, answers with as many values as it says, and renders as JSON.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"SELECT Id, Name FROM Lead WHERE Email IN ('a@b.c', 'd\\'e') ORDER BY Name DESC NULLS LAST LIMIT 5 OFFSET 1",
		"SELECT COUNT() FROM Lead WHERE (Name LIKE '%\\_x' OR IsConverted = true) AND NOT CreatedDate = LAST_N_DAYS:3",
		"select owner.name, max(AnnualRevenue) m from lead group by owner.name order by m",
		"SELECT FIELDS(ALL) FROM Lead l WHERE l.Owner.Manager.Name != null LIMIT 200",
		"SELECT Id FROM Lead WHERE CreatedDate >= 2026-11-21T09:00:00.5+01:00 AND Birth__c < 2020-02-29",
		"SELECT Address, Id FROM Lead WHERE Tags__c INCLUDES ('a;b', '\\u00e9') AND AnnualRevenue > -1.5",
		"SELECT Id FROM Lead WHERE Id = '00Q000000000001' ALL ROWS",
		"SELECT Name, (SELECT Name, (SELECT Subject FROM Tasks) FROM Contacts c WHERE c.Name != 'x' LIMIT 2) FROM Account",
		"SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Name LIKE 'C%') AND OwnerId NOT IN (SELECT ManagerId FROM User)",
		"SELECT TYPEOF Who WHEN Contact THEN Name, Account.Name ELSE Id END, Owner.Type FROM Task USING SCOPE mine WITH USER_MODE FOR VIEW",
		"SELECT CALENDAR_YEAR(CreatedDate) y, FORMAT(MAX(AnnualRevenue)) FROM Lead GROUP BY CALENDAR_YEAR(CreatedDate) HAVING COUNT(Id) > 1 ORDER BY COUNT(Id)",
		"SELECT toLabel(Status), convertCurrency(WhoId) FROM Task WHERE DAY_ONLY(convertTimezone(CreatedDate)) IN (TODAY, LAST_N_FISCAL_YEARS:2)",
		"SELECT DurableId, COUNT_DISTINCT(Length) FROM Thing GROUP BY DurableId",
		"SELECT Foo FROM\n\tLead", "SELECT (", "'", "SELECT Id FROM Lead WHERE Name = '\\uD83D\\uDE00'",
	} {
		f.Add(s)
	}
	db := openOrg(f)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Compile(newCatalog(), text, Options{Now: testNow})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code == "" || e.Message == "" {
				t.Fatalf("%q: %v", text, err)
			}
			if !utf8.ValidString(e.Message) {
				t.Fatalf("%q: message is not UTF-8: %q", text, e.Message)
			}
			return
		}
		for i := range q.Args {
			if !strings.Contains(q.SQL, fmt.Sprintf("?%d", i+1)) {
				t.Fatalf("%q: argument %d is not in %s", text, i+1, q.SQL)
			}
		}
		for _, r := range run(t, db, q, q.Args) {
			if !json.Valid([]byte(r)) {
				t.Fatalf("%q answers %s", text, r)
			}
		}
	})
}

// FuzzSearch checks that any search is either refused with an *Error or compiles to SQL that runs and renders as JSON.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{
		"FIND {zo* AND NOT (x OR \"a b\")} IN ALL FIELDS RETURNING Lead(Id, Owner.Name WHERE IsConverted = false ORDER BY Name LIMIT 3), Task(Who.Name)",
		"FIND {acme} IN NAME FIELDS RETURNING Account, Contact(Account.Name) LIMIT 2", "FIND {ab} RETURNING Nothing", "FIND {ab} RETURNING Lead(COUNT(Id))",
	} {
		f.Add(s)
	}
	db := openOrg(f)
	f.Fuzz(func(t *testing.T, text string) {
		find, err := syntax.ParseFind(text)
		if err != nil {
			return
		}
		for _, sel := range find.Returning {
			q, err := CompileSearch(newCatalog(), text, sel, find.Terms, find.Group, Options{Now: testNow})
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Code == "" || e.Message == "" {
					t.Fatalf("%q: %v", text, err)
				}
				continue
			}
			for _, r := range run(t, db, q, q.Args) {
				if !json.Valid([]byte(r)) {
					t.Fatalf("%q answers %s", text, r)
				}
			}
		}
	})
}

// TestSearch looks for words in the test records.
func TestSearch(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	for find, want := range map[string]string{
		"FIND {zo*} IN NAME FIELDS RETURNING Lead(Email)":                        `{"Email":"Zoe@X.org"}`,
		"FIND {o'neil} RETURNING Lead(Name)":                                     `{"Name":"Zoë O'Neil"}`,
		"FIND {org} IN EMAIL FIELDS RETURNING Lead(Email)":                       `{"Email":"Zoe@X.org"} {"Email":"E@X.ORG"}`,
		"FIND {org AND NOT zoe} IN EMAIL FIELDS RETURNING Lead(Email)":           `{"Email":"E@X.ORG"}`,
		"FIND {\"long text\"} RETURNING Lead(Name)":                              `{"Name":"Zoë O'Neil"}`,
		"FIND {\"text long\"} RETURNING Lead(Name)":                              ``,
		"FIND {web} RETURNING Lead(Name)":                                        ``, // a picked value
		"FIND {gone} RETURNING Lead(Name)":                                       ``, // a deleted record
		"FIND {carl OR dora} RETURNING Contact(Name WHERE Score__c = 3)":         `{"Name":"Dora \"D\""}`,
		"FIND {carl OR dora} RETURNING Contact(Name ORDER BY Name DESC LIMIT 1)": `{"Name":"Dora \"D\""}`,
		"FIND {123} IN PHONE FIELDS RETURNING Lead(Name)":                        ``,
	} {
		f, err := syntax.ParseFind(find)
		if err != nil {
			t.Fatal(err)
		}
		q, err := CompileSearch(newCatalog(), find, f.Returning[0], f.Terms, f.Group, Options{Now: testNow})
		if err != nil {
			t.Fatal(err)
		}
		got := attributes.ReplaceAllString(strings.Join(run(t, db, q, q.Args), " "), "")
		if got != want {
			t.Errorf("%s: got %s, want %s", find, got, want)
		}
	}
}

// TestAppendValue renders what a driver may hand over for each type.
func TestAppendValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typ  schema.Type
		v    any
		want string
	}{
		{schema.Double, int64(3), "3.0"},
		{schema.Double, "12.50", "12.50"},
		{schema.Double, "7", "7.0"},
		{schema.Double, ".5", "0.5"},
		{schema.Double, "007.5", "7.5"},
		{schema.Double, "-", "null"},
		{schema.Double, "junk", "null"},
		{schema.Currency, "123456789012345678.01", "123456789012345678.01"},
		{schema.Currency, 1e15, "1000000000000000.0"},
		{schema.Int, int64(9007199254740993), "9007199254740993"},
		{schema.Int, "9007199254740993", "9007199254740993"},
		{schema.Int, 4.0, "4"},
		{schema.Boolean, int64(1), "true"},
		{schema.Boolean, nil, "false"},
		{schema.Boolean, "true", "true"},
		{schema.Boolean, true, "true"},
		{schema.String, int64(5), `"5"`},
		{schema.String, []byte("a\"\n\xff"), `"a\"\n` + "\uFFFD" + `"`},
		{schema.Date, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), `"2026-01-02"`},
		{schema.DateTime, time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), `"2026-01-02T03:04:05.006+0000"`},
		{schema.String, nil, "null"},
	}
	for _, tt := range tests {
		if got := string(appendValue(nil, kindOf(Field{Type: tt.typ}), tt.v)); got != tt.want {
			t.Errorf("%s %v = %s, want %s", tt.typ, tt.v, got, tt.want)
		}
	}
}

func lookup(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("'person%06d@example.org'", i)
	}
	return "SELECT Id, Email, IsConverted FROM Lead WHERE Email IN (" + strings.Join(keys, ",") + ")"
}

func BenchmarkCompileLookup200(b *testing.B) {
	cat, text := newCatalog(), lookup(200)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(cat, text, Options{Now: testNow}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLookup compiles and runs a lookup of 200 keys, which must not take longer among more records.
func BenchmarkLookup(b *testing.B) {
	for _, records := range []int{20_000, 200_000} {
		b.Run(fmt.Sprint(records), func(b *testing.B) { benchmarkLookup(b, records) })
	}
}

func benchmarkLookup(b *testing.B, records int) {
	db := openOrg(b)
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	insert, err := tx.Prepare(`INSERT INTO o_Lead (Id, IsDeleted, Email, "Email#") VALUES (?, 0, ?, ?)`)
	if err != nil {
		b.Fatal(err)
	}
	for i := range records {
		mail := fmt.Sprintf("person%06d@example.org", i)
		if _, err := insert.Exec(leadID(i+10), mail, mail); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	cat, text := newCatalog(), lookup(200)
	b.ReportAllocs()
	for b.Loop() {
		q, err := Compile(cat, text, Options{Now: testNow})
		if err != nil {
			b.Fatal(err)
		}
		rows, err := db.QueryContext(context.Background(), q.SQL, q.Args...)
		if err != nil {
			b.Fatal(err)
		}
		values := make([]any, q.Width())
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		var buf []byte
		n := 0
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				b.Fatal(err)
			}
			buf = q.AppendRecord(buf[:0], "/services/data/v66.0", values)
			n++
		}
		if err := rows.Close(); err != nil || n != 200 {
			b.Fatal(n, err)
		}
	}
}

func TestAppendRecordAllocs(t *testing.T) {
	q, err := Compile(newCatalog(), "SELECT Id, Name, AnnualRevenue, IsConverted, Owner.Name FROM Lead", Options{Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	values := []any{leadID(1), leadID(1), "Zoë", 12.5, int64(0), ann, "Ann"}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = q.AppendRecord(buf[:0], "/v", values) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}
