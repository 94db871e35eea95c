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
		"SELECT Foo FROM\n\tLead", "SELECT (", "'", "SELECT Id FROM Lead WHERE Name = '\\uD83D\\uDE00'",
	} {
		f.Add(s)
	}
	db := openOrg(f)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Compile(newCatalog(), text, testNow)
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
		if n := strings.Count(q.SQL, "?"); n < len(q.Args) {
			t.Fatalf("%q: %d args for %s", text, len(q.Args), q.SQL)
		}
		for _, r := range run(t, db, q, q.Args) {
			if !json.Valid([]byte(r)) {
				t.Fatalf("%q answers %s", text, r)
			}
		}
	})
}

// TestPeriods checks every date literal on a Saturday (and on a day that AddDate would overflow).
func TestPeriods(t *testing.T) {
	t.Parallel()
	sat := time.Date(2026, 11, 21, 23, 59, 0, 0, time.UTC)
	tests := []struct {
		word     string
		n        int
		now      time.Time
		from, to string
	}{
		{"TODAY", 0, sat, "2026-11-21", "2026-11-22"},
		{"YESTERDAY", 0, sat, "2026-11-20", "2026-11-21"},
		{"TOMORROW", 0, sat, "2026-11-22", "2026-11-23"},
		{"LAST_90_DAYS", 0, sat, "2026-08-23", "2026-11-22"},
		{"NEXT_90_DAYS", 0, sat, "2026-11-22", "2027-02-20"},
		{"LAST_N_DAYS", 1, sat, "2026-11-20", "2026-11-22"},
		{"NEXT_N_DAYS", 1, sat, "2026-11-22", "2026-11-23"},
		{"N_DAYS_AGO", 2, sat, "2026-11-19", "2026-11-20"},
		{"THIS_WEEK", 0, sat, "2026-11-15", "2026-11-22"},
		{"LAST_WEEK", 0, sat, "2026-11-08", "2026-11-15"},
		{"NEXT_WEEK", 0, sat, "2026-11-22", "2026-11-29"},
		{"LAST_N_WEEKS", 2, sat, "2026-11-01", "2026-11-15"},
		{"N_WEEKS_AGO", 1, sat, "2026-11-08", "2026-11-15"},
		{"THIS_MONTH", 0, sat, "2026-11-01", "2026-12-01"},
		{"LAST_N_MONTHS", 2, time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), "2026-01-01", "2026-03-01"},
		{"NEXT_N_MONTHS", 1, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), "2026-02-01", "2026-03-01"},
		{"THIS_QUARTER", 0, sat, "2026-10-01", "2027-01-01"},
		{"LAST_QUARTER", 0, sat, "2026-07-01", "2026-10-01"},
		{"N_QUARTERS_AGO", 4, sat, "2025-10-01", "2026-01-01"},
		{"THIS_YEAR", 0, sat, "2026-01-01", "2027-01-01"},
		{"LAST_N_YEARS", 3, sat, "2023-01-01", "2026-01-01"},
		{"LAST_N_YEARS", maxPeriod, sat, "0000-01-01", "2026-01-01"},
		{"NEXT_N_QUARTERS", maxPeriod, sat, "2027-01-01", "9999-12-31"},
	}
	for _, tt := range tests {
		pd, _, ok := findPeriod(tt.word, tt.n)
		from, to := pd.days(tt.now)
		if got := [2]string{from.Format(dateForm), to.Format(dateForm)}; !ok || got != [2]string{tt.from, tt.to} {
			t.Errorf("%s:%d = %v, want [%s %s]", tt.word, tt.n, got, tt.from, tt.to)
		}
	}
	for _, word := range []string{"LAST_DAY", "THIS_DAY", "LAST_N_DAY", "N_AGO", "LAST_", "THIS_CENTURY", "N_DAYS", "TODAYS", "LAST_WEEKS"} {
		if pd, _, ok := findPeriod(word, 1); ok {
			t.Errorf("%s is %v", word, pd)
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
		if _, err := Compile(cat, text, testNow); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLookup200 compiles and runs a lookup of 200 keys among 20,000 records.
func BenchmarkLookup200(b *testing.B) {
	db := openOrg(b)
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	for i := range 20_000 {
		mail := fmt.Sprintf("person%06d@example.org", i)
		if _, err := tx.Exec(`INSERT INTO o_Lead (Id, IsDeleted, Email, "Email#") VALUES (?, 0, ?, ?)`, leadID(i+10), mail, mail); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	cat, text := newCatalog(), lookup(200)
	b.ReportAllocs()
	for b.Loop() {
		q, err := Compile(cat, text, testNow)
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
	q, err := Compile(newCatalog(), "SELECT Id, Name, AnnualRevenue, IsConverted, Owner.Name FROM Lead", testNow)
	if err != nil {
		t.Fatal(err)
	}
	values := []any{leadID(1), leadID(1), "Zoë", 12.5, int64(0), ann, "Ann"}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = q.AppendRecord(buf[:0], "/v", values) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}
