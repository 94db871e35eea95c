package localorg

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// speedRows is how many rows a run of BenchmarkSpeed writes.
const speedRows = 100_000

// BenchmarkSpeed writes rows by HTTP and compares with a bare loop over SQLite that looks each row's key up, then
// inserts or updates the same columns, in the same process and at the same time. The database is in memory and
// -benchtime=1x is enough:
//
//	go test ./sink/localorg -run '^$' -bench Speed -benchtime 1x
func BenchmarkSpeed(b *testing.B) {
	for _, way := range []struct {
		name  string
		chunk int // rows a request
		body  func(from int) []byte
		path  string
	}{
		{"collections", 200, func(from int) []byte { return leads(nil, from, 200) }, "/services/data/v66.0/composite/sobjects/Lead/Ext__c"},
		{"composite", 1000, compositeOf, "/services/data/v66.0/composite"},
	} {
		b.Run(way.name, func(b *testing.B) {
			o := newOrg(b, func(c *Config) { c.DB = Memory })
			method := http.MethodPatch
			if way.name == "composite" {
				method = http.MethodPost
			}
			bodies := make([][]byte, 0, speedRows/way.chunk)
			for from := 0; from < speedRows; from += way.chunk {
				bodies = append(bodies, way.body(from))
			}
			write := func() float64 {
				start := time.Now()
				for _, body := range bodies {
					o.post(b, method, way.path, body)
				}
				return speedRows / time.Since(start).Seconds()
			}
			for b.Loop() {
				loop := newLoop(b)
				for _, what := range []string{"create", "update"} {
					bare, org := loop.write(b, 0, speedRows), write()
					b.ReportMetric(bare, what+"-loop-rows/s")
					b.ReportMetric(org, what+"-rows/s")
					b.ReportMetric(org/bare, what+"-ratio")
				}
				loop.db.Close()
				if err := o.Reset(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMillion fills an org with 1,000,000 records and compares the last 100,000 with the first, and with the bare
// loop, which slows down too.
func BenchmarkMillion(b *testing.B) {
	const million = 10 * speedRows
	o := newOrg(b, func(c *Config) { c.DB = Memory })
	write := func(first int) float64 {
		start := time.Now()
		for from := first; from < first+speedRows; from += 1000 {
			o.post(b, http.MethodPost, "/services/data/v66.0/composite", compositeOf(from))
		}
		return speedRows / time.Since(start).Seconds()
	}
	for b.Loop() {
		loop := newLoop(b)
		for first := 0; first < million; first += speedRows {
			bare, org := loop.write(b, first, speedRows), write(first)
			if first == 0 || first == million-speedRows {
				b.ReportMetric(bare, fmt.Sprintf("loop-at-%dk-rows/s", first/1000))
				b.ReportMetric(org, fmt.Sprintf("create-at-%dk-rows/s", first/1000))
			}
		}
		b.ReportMetric(loop.write(b, million/2, speedRows), "update-loop-rows/s")
		b.ReportMetric(write(million/2), "update-rows/s")
		loop.db.Close()
		if err := o.Reset(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// post sends a body in which every row must succeed.
func (o *testOrg) post(b *testing.B, method, path string, body []byte) {
	rq, err := http.NewRequest(method, o.url+path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	rq.Header.Set("Authorization", "Bearer "+o.token)
	res, err := http.DefaultClient.Do(rq)
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != 200 || bytes.Contains(text, []byte(`"success":false`)) {
		b.Fatalf("%d %v %.300s", res.StatusCode, err, text)
	}
}

// loop is a bare table of the columns that leads writes.
type loop struct {
	db                   *sql.DB
	find, insert, update *sql.Stmt
}

func newLoop(b *testing.B) *loop {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	const columns = "Ext__c, LastName, FirstName, Company, Email, Phone, Street, City, PostalCode, Country, NumberOfEmployees, Score__c"
	if _, err := db.Exec("CREATE TABLE lead (Id TEXT PRIMARY KEY, " + columns + "); CREATE UNIQUE INDEX lead_key ON lead (Ext__c)"); err != nil {
		b.Fatal(err)
	}
	l := &loop{db: db}
	for st, text := range map[**sql.Stmt]string{
		&l.find:   "SELECT Id FROM lead WHERE Ext__c = ?",
		&l.insert: "INSERT INTO lead (Id, " + columns + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
		&l.update: "UPDATE lead SET LastName=?, FirstName=?, Company=?, Email=?, Phone=?, Street=?, City=?, PostalCode=?, Country=?, NumberOfEmployees=?, Score__c=? WHERE Id=?",
	} {
		if *st, err = db.Prepare(text); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

// write writes n rows, 200 a transaction, and returns how many a second.
func (l *loop) write(b *testing.B, first, n int) float64 {
	start := time.Now()
	for from := first; from < first+n; from += 200 {
		tx, err := l.db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		find, insert, update := tx.Stmt(l.find), tx.Stmt(l.insert), tx.Stmt(l.update)
		for i := from; i < from+200; i++ {
			key := fmt.Sprintf("K-%08d", i)
			values := []any{
				fmt.Sprintf("Müller %d", i), "Anna", fmt.Sprintf("Muster %d GmbH", i), fmt.Sprintf("anna.%d@example.com", i), "+1-555-0100",
				fmt.Sprintf("Hauptstr. %d", i), "Köln", "50667", "Germany", i % 1000, 12.5,
			}
			var id string
			switch err = find.QueryRow(key).Scan(&id); {
			case err == nil:
				_, err = update.Exec(append(values, id)...)
			case err == sql.ErrNoRows:
				_, err = insert.Exec(append([]any{fmt.Sprintf("00Q%015d", i), key}, values...)...)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}
