package main_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/localorg"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce"
	"sfsync/sink/salesforce/bulk"
)

// bulkRun runs a job and returns the results by place; each place must be told once.
func bulkRun(t *testing.T, c *salesforce.Client, spec bulk.Spec, schema *row.Schema, records []sink.Record) ([]sink.Result, error) {
	t.Helper()
	f, err := bulk.NewFile(t.TempDir(), spec, schema)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	results := make([]sink.Result, len(records))
	var places []int
	for i := range records {
		ok, refused, err := f.Add(&records[i])
		switch {
		case err != nil || !ok:
			t.Fatalf("record %d: %t, %v", i, ok, err)
		case refused != nil:
			results[i] = sink.Result{Status: sink.Failed, Err: refused}
		default:
			places = append(places, i)
		}
	}
	told := map[int]bool{}
	jobs := bulk.Jobs{Org: c, Now: time.Now, Dir: t.TempDir(), Sleep: func(ctx context.Context, d time.Duration) error {
		return retry.Sleep(ctx, d/100)
	}}
	err = jobs.Run(t.Context(), f, func(place int, r sink.Result) {
		if told[place] {
			t.Errorf("record %d is told of twice", place)
		}
		told[place] = true
		results[places[place]] = r
	})
	if len(told) != len(places) {
		t.Errorf("%d of %d records are told of", len(told), len(places))
	}
	return results, err
}

// statuses counts results.
func statuses(results []sink.Result) string {
	n := map[sink.Status]int{}
	for _, r := range results {
		n[r.Status]++
	}
	var b strings.Builder
	for s := sink.Unknown; s <= sink.Published; s++ {
		if n[s] > 0 {
			fmt.Fprintf(&b, "%d %s ", n[s], s)
		}
	}
	return strings.TrimSpace(b.String())
}

func bulkLeads(n int, text func(i int) string) *row.Batch {
	b := row.New(row.NewSchema(row.Column{Name: "Ext__c"}, row.Column{Name: "LastName"}, row.Column{Name: "Company"}, row.Column{Name: "Title"}, row.Column{Name: "\x00key"}))
	for i := range n {
		b.AddRow(int64(i + 1))
		b.Set(i, 0, row.Text, fmt.Sprintf("key-%d", i))
		b.Set(i, 1, row.Text, "Doe")
		b.Set(i, 2, row.Text, "Acme, \"Inc.\"")
		b.Set(i, 3, row.Text, text(i))
	}
	return b
}

func bulkRecords(b *row.Batch, act sink.Action, ids []sink.Result) []sink.Record {
	recs := make([]sink.Record, b.Len())
	for i := range recs {
		recs[i] = sink.Record{Batch: b, Row: i, Action: act}
		if ids != nil {
			recs[i].ID = ids[i].ID
		}
	}
	return recs
}

// TestBulkOnLocalOrg follows records through jobs of every kind, with answers that get lost.
func TestBulkOnLocalOrg(t *testing.T) {
	t.Parallel()
	s, found := schema.Overlay(schema.Standard(), "test.yaml", []byte("objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 80, externalId: true, unique: true}\n"))
	if len(found) > 0 {
		t.Fatal(found)
	}
	for _, lost := range []struct {
		name, method, path string
		drop               localorg.Action
	}{
		{name: "nothing gets lost"},
		{"creating the job", "POST", "/jobs/ingest", localorg.Action{Drop: localorg.DropAfter}},
		{"the upload before", "PUT", "/batches", localorg.Action{Drop: localorg.DropBefore}},
		{"the upload after", "PUT", "/batches", localorg.Action{Drop: localorg.DropAfter}},
		{"closing before", "PATCH", "/jobs/ingest/", localorg.Action{Drop: localorg.DropBefore}},
		{"closing after", "PATCH", "/jobs/ingest/", localorg.Action{Drop: localorg.DropAfter}},
		{"the results", "GET", "Results", localorg.Action{Drop: localorg.DropAfter}},
		{"a busy moment", "GET", "/jobs/ingest/", localorg.Action{Status: 503, Code: "SERVER_UNAVAILABLE"}},
	} {
		t.Run(lost.name, func(t *testing.T) {
			t.Parallel()
			var armed atomic.Bool
			org, url := serveFaulty(t, s, func(p localorg.Fault) localorg.Action {
				if lost.method != "" && p.Method == lost.method && strings.Contains(p.Path, lost.path) && armed.CompareAndSwap(true, false) {
					return lost.drop
				}
				return localorg.Action{}
			})
			c := connect(t, map[string]string{"SFSYNC_INSTANCE_URL": url, "SFSYNC_ACCESS_TOKEN": org.Credentials().AccessToken})
			run := func(spec bulk.Spec, b *row.Batch, recs []sink.Record, want string) []sink.Result {
				t.Helper()
				armed.Store(true)
				spec.Object = "Lead"
				res, err := bulkRun(t, c, spec, b.Schema(), recs)
				if err != nil {
					t.Fatal(err)
				}
				if got := statuses(res); got != want {
					t.Errorf("%s: %s, want %s", spec.Action, got, want)
				}
				if lost.method != "" && armed.Load() {
					t.Errorf("%s: nothing got lost", spec.Action)
				}
				return res
			}
			upsert := bulk.Spec{Action: sink.Upsert, Key: "Ext__c", Fold: strings.ToLower}

			b := bulkLeads(230, func(i int) string { return fmt.Sprintf("line one\r\nline, \"two\" %d", i) })
			b.SetKind(7, 1, row.Absent) // LastName is required
			b.Set(8, 3, row.Text, "#N/A")
			b.SetKind(9, 0, row.Null)
			made := run(upsert, b, bulkRecords(b, sink.Upsert, nil), "227 created 3 failed")
			if e := made[7].Err; e.Code != "REQUIRED_FIELD_MISSING" || len(e.Fields) != 1 || e.Fields[0] != "LastName" {
				t.Errorf("record 7: %+v", e)
			}
			b = bulkLeads(230, func(int) string { return "two" })
			b.SetKind(1, 3, row.Null)
			b.SetKind(2, 3, row.Absent)
			again := run(upsert, b, bulkRecords(b, sink.Upsert, nil), "3 created 227 updated")
			for i := range again {
				if i < 7 && again[i].ID != made[i].ID {
					t.Errorf("record %d: %s, want %s", i, again[i].ID, made[i].ID)
				}
			}
			b.Set(3, 3, row.Text, "three")
			b.Set(4, 3, row.Text|row.OnInsert, "never")
			recs := bulkRecords(b, sink.Update, again)
			recs[229].ID = "00Q999999999999EAA"
			res := run(bulk.Spec{Action: sink.Update}, b, recs, "229 updated 1 failed")
			if res[229].Status != sink.Failed {
				t.Errorf("the record that is not there: %+v", res[229])
			}
			for key, want := range map[string]string{"key-1": "", "key-2": "line one\nline, \"two\" 2", "key-3": "three", "key-4": "two"} {
				if got := titleOf(t, c, key); got != want {
					t.Errorf("%s: %q, want %q", key, got, want)
				}
			}
			run(bulk.Spec{Action: sink.Delete}, b, bulkRecords(b, sink.Delete, again), "230 deleted")

			// Rows without a key, many of them alike.
			b = bulkLeads(60, func(i int) string { return fmt.Sprint(i % 3) })
			for i := range b.Len() {
				b.SetKind(i, 0, row.Absent)
				if i%10 == 0 {
					b.SetKind(i, 1, row.Null)
				}
			}
			res = run(bulk.Spec{Action: sink.Create}, b, bulkRecords(b, sink.Create, nil), "54 created 6 failed")
			for i, r := range res {
				if (r.Status == sink.Failed) != (i%10 == 0) {
					t.Fatalf("record %d: %v", i, r)
				}
			}
		})
	}
}

func titleOf(t *testing.T, c *salesforce.Client, key string) string {
	t.Helper()
	l := &sink.Lookup{Object: "Lead", By: []sink.KeyField{{Name: "Ext__c", Fold: strings.ToLower}}, Keys: []string{key}, Want: []string{"Title"}}
	if err := c.Writer().Lookup(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if len(l.Found[0]) != 1 {
		t.Fatalf("%d records have the key %s", len(l.Found[0]), key)
	}
	return l.Found[0][0].Values[0].Text
}

// TestBulkRelationshipsOnLocalOrg: parents by key, of one object and of several, set, cleared and left
// alone.
func TestBulkRelationshipsOnLocalOrg(t *testing.T) {
	t.Parallel()
	s, found := schema.Overlay(schema.Standard(), "test.yaml", []byte(lookupSchema))
	if len(found) > 0 {
		t.Fatal(found)
	}
	c := client(t, s)
	created(t, c, "Account", map[string]row.Cell{"Name": textCell("Acme"), "ERP_Id__c": textCell("E-1")}, map[string]row.Cell{"Name": textCell("Globex"), "ERP_Id__c": textCell("E-2")})
	b := row.New(row.NewSchema(row.Column{Name: "Code__c"}, row.Column{Name: "LastName"}, row.Column{Name: "Company"}, row.Column{Name: "Account__r.ERP_Id__c"}, row.Column{Name: "User:Owner.Username"}))
	user := ""
	if err := c.Query(t.Context(), "SELECT Username FROM User LIMIT 1", func(rec []byte) error {
		user = strings.Split(string(rec), `"Username":"`)[1]
		user, _, _ = strings.Cut(user, `"`)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		b.AddRow(int64(i + 1))
		b.Set(i, 0, row.Text, fmt.Sprintf("C%d", i))
		b.Set(i, 1, row.Text, "Doe")
		b.Set(i, 2, row.Text, "X")
		b.Set(i, 3, row.Text, "E-1")
		b.Set(i, 4, row.Text, user)
	}
	spec := bulk.Spec{Object: "Lead", Action: sink.Upsert, Key: "Code__c"}
	if res, err := bulkRun(t, c, spec, b.Schema(), bulkRecords(b, sink.Upsert, nil)); err != nil || statuses(res) != "4 created" {
		t.Fatalf("%s, %v: %v", statuses(res), err, res[0].Err)
	}
	b.Set(0, 3, row.Text, "E-2")
	b.SetKind(1, 3, row.Null)
	b.SetKind(2, 3, row.Absent)
	b.Set(3, 3, row.Text, "E-9")
	res, err := bulkRun(t, c, spec, b.Schema(), bulkRecords(b, sink.Upsert, nil))
	if err != nil || statuses(res) != "3 updated 1 failed" || res[3].Status != sink.Failed {
		t.Fatalf("%s, %v", statuses(res), err)
	}
	l := &sink.Lookup{Object: "Lead", By: []sink.KeyField{{Name: "Code__c"}}, Keys: []string{"C0", "C1", "C2", "C3"}, Want: []string{"Account__r.ERP_Id__c"}}
	if err := c.Writer().Lookup(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"E-2", "", "E-1", "E-1"} {
		if got := l.Found[i][0].Values[0].Text; got != want {
			t.Errorf("record %d belongs to %q, want %q", i, got, want)
		}
	}
}

// TestBulkJobsThatFail: a job that the org refuses as a whole says why, and none of its records counts
// as written.
func TestBulkJobsThatFail(t *testing.T) {
	t.Parallel()
	c := client(t, schema.Standard())
	b := row.New(row.NewSchema(row.Column{Name: "LastName"}, row.Column{Name: "Nope__c"}))
	for i := range 3 {
		b.AddRow(int64(i + 1))
		b.Set(i, 0, row.Text, "Doe")
		b.Set(i, 1, row.Text, "x")
	}
	res, err := bulkRun(t, c, bulk.Spec{Object: "Lead", Action: sink.Create}, b.Schema(), bulkRecords(b, sink.Create, nil))
	var e *sink.Error
	if !errors.As(err, &e) || e.Class != sink.Config || e.Code != "InvalidBatch" || !strings.Contains(e.Message, "Nope__c") {
		t.Errorf("the error is %v", err)
	}
	if got := statuses(res); got != "3 not sent" && got != "3 unknown" {
		t.Errorf("results: %s", got)
	}
	t.Log(statuses(res))
	if res, err = bulkRun(t, c, bulk.Spec{Object: "Nope__c", Action: sink.Create}, b.Schema(), bulkRecords(b, sink.Create, nil)); !errors.As(err, &e) || statuses(res) != "3 not sent" {
		t.Errorf("an object that is not there: %s, %v", statuses(res), err)
	}
}
