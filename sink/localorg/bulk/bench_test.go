package bulk_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the bare loop's driver

	"sfsync/sink/localorg"
)

const benchRows = 100_000

// people is a file of rows with twelve columns.
func people(n int) string {
	var b strings.Builder
	b.WriteString("Ext__c,LastName,FirstName,Company,Email,Phone,Street,City,PostalCode,Country,NumberOfEmployees,Score__c\n")
	for i := range n {
		fmt.Fprintf(&b, "K-%08d,Müller %d,Anna,Muster %d GmbH,anna.%d@example.com,+1-555-0100,Hauptstr. %d,Köln,50667,Germany,%d,12.5\n", i, i, i, i, i, i%1000)
	}
	return b.String()
}

// BenchmarkLoad compares jobs of 100,000 rows with a bare loop that does the same to a table of SQLite: for
// each row it looks the key up and inserts or updates the same columns, 200 rows a transaction, prepared.
func BenchmarkLoad(b *testing.B) {
	file := people(benchRows)
	rate := func(b *testing.B, d time.Duration) { b.ReportMetric(float64(b.N)*benchRows/d.Seconds(), "rows/s") }
	b.Run("bulk/create", func(b *testing.B) {
		var took time.Duration
		for b.Loop() {
			o, stop := openOrg(b, localorg.Config{DB: localorg.Memory})
			took += o.timed(upsertLeads, file)
			stop()
		}
		rate(b, took)
	})
	b.Run("bulk/update", func(b *testing.B) {
		o := newOrg(b)
		o.timed(upsertLeads, file)
		var took time.Duration
		for b.Loop() {
			took += o.timed(upsertLeads, file)
		}
		rate(b, took)
	})
	b.Run("bare/create", func(b *testing.B) {
		var took time.Duration
		for b.Loop() {
			db := bareTable(b)
			took += bareLoop(b, db, benchRows)
			_ = db.Close()
		}
		rate(b, took)
	})
	b.Run("bare/update", func(b *testing.B) {
		db := bareTable(b)
		defer db.Close()
		bareLoop(b, db, benchRows)
		var took time.Duration
		for b.Loop() {
			took += bareLoop(b, db, benchRows)
		}
		rate(b, took)
	})
}

// timed runs a job whose rows all succeed, and returns how long that took from the upload to the end.
func (o *testOrg) timed(order, file string) time.Duration {
	o.t.Helper()
	start := time.Now()
	_, info := o.load(order, file)
	took := time.Since(start)
	if member(o.t, info, "state") != "JobComplete" || member(o.t, info, "numberRecordsFailed") != "0" {
		o.t.Fatal(info)
	}
	return took
}

const bareColumns = "Ext, LastName, FirstName, Company, Email, Phone, Street, City, PostalCode, Country, Employees, Score"

func bareTable(b *testing.B) *sql.DB {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, text := range []string{
		"CREATE TABLE lead (Id TEXT PRIMARY KEY, Fold TEXT, " + bareColumns + ")", "CREATE UNIQUE INDEX lead_fold ON lead (Fold)",
	} {
		if _, err := db.Exec(text); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

func bareLoop(b *testing.B, db *sql.DB, n int) time.Duration {
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	prepare := func(text string) *sql.Stmt {
		st, err := conn.PrepareContext(ctx, text)
		if err != nil {
			b.Fatal(err)
		}
		return st
	}
	find := prepare("SELECT Id FROM lead WHERE Fold = ?")
	insert := prepare("INSERT INTO lead (Id, Fold, " + bareColumns + ") VALUES (?" + strings.Repeat(", ?", 13) + ")")
	update := prepare("UPDATE lead SET Fold = ?, " + strings.ReplaceAll(bareColumns, ",", " = ?,") + " = ? WHERE Id = ?")
	start := time.Now()
	for i := range n {
		if i%200 == 0 {
			if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
				b.Fatal(err)
			}
		}
		key := fmt.Sprintf("K-%08d", i)
		values := []any{strings.ToLower(key), key, fmt.Sprint("Müller ", i), "Anna", fmt.Sprintf("Muster %d GmbH", i), fmt.Sprintf("anna.%d@example.com", i), "+1-555-0100", fmt.Sprint("Hauptstr. ", i), "Köln", "50667", "Germany", i % 1000, 12.5}
		var id string
		err := find.QueryRowContext(ctx, values[0]).Scan(&id)
		switch err {
		case sql.ErrNoRows:
			_, err = insert.ExecContext(ctx, append([]any{fmt.Sprintf("00Q%015d", i)}, values...)...)
		case nil:
			_, err = update.ExecContext(ctx, append(values, id)...)
		}
		if err != nil {
			b.Fatal(err)
		}
		if i%200 == 199 {
			if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
				b.Fatal(err)
			}
		}
	}
	return time.Since(start)
}
