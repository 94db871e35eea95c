package salesforce

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// encodeOnly returns the body of the first call for a request, without sending it.
func encodeOnly(req *sink.Request) ([]byte, []sink.Result) {
	w := (&Client{prefix: "/services/data/v66.0", now: fixedNow}).Writer()
	j := &job{}
	results := make([]sink.Result, len(req.Records))
	j.begin(w, req, results)
	j.arrange()
	j.take(w.shape())
	return j.body, results
}

func TestCompositeBody(t *testing.T) {
	s := row.NewSchema(
		row.Column{Name: "Ext__c"}, row.Column{Name: "\x00fold"}, row.Column{Name: "LastName"}, row.Column{Name: "NumberOfEmployees"},
		row.Column{Name: "Active__c"}, row.Column{Name: "Account.ERP_Id__c"}, row.Column{Name: "Parent__r.Code__c"},
		row.Column{Name: "User:Owner.Username"}, row.Column{Name: "id"}, row.Column{Name: "Rating"},
	)
	b := row.New(s)
	full := b.AddRow(1)
	b.Set(full, 0, row.Text, "k\"1\\")
	b.Set(full, 1, row.Text, "never sent")
	b.Set(full, 2, row.Text, "Ünïcödé\n\t\u0001<&>\u2028")
	b.Set(full, 3, row.Number, "12345678901234567890.50e-3")
	b.Set(full, 4, row.Bool, "true")
	b.Set(full, 5, row.Text, "A-1")
	b.Set(full, 6, row.Text, "P-1")
	b.Set(full, 7, row.Text, "me@example.com")
	b.Set(full, 8, row.Text, "00Q000000000001AAA")
	b.Set(full, 9, row.Text|row.OnInsert, "Hot")
	nulls := b.AddRow(2)
	b.Set(nulls, 0, row.Text, "k2")
	for c := 1; c < len(s.Columns); c++ {
		b.SetKind(nulls, c, row.Null)
	}
	sparse := b.AddRow(3)
	b.Set(sparse, 0, row.Text, "k3")

	var out bytes.Buffer
	for _, c := range []struct {
		name    string
		key     string
		records []sink.Record
	}{
		{"upserts", "Ext__c", []sink.Record{{Batch: b, Row: full, Action: sink.Upsert}, {Batch: b, Row: nulls, Action: sink.Upsert}, {Batch: b, Row: sparse, Action: sink.Upsert}}},
		{"one of each, updates first", "Ext__c", []sink.Record{
			{Batch: b, Row: sparse, Action: sink.Upsert},
			{Batch: b, Row: nulls, Action: sink.Create},
			{Batch: b, Row: full, Action: sink.Update, ID: "00Q000000000002AAA"},
		}},
		{"upsert by id is update", "Id", []sink.Record{{Batch: b, Row: full, Action: sink.Upsert}}},
		{"deletions go by id, events are created", "", []sink.Record{
			{Batch: b, Row: nulls, Action: sink.Publish},
			{Batch: b, Row: sparse, Action: sink.Delete, ID: "00Q000000000002AAA"},
			{Batch: b, Row: full, Action: sink.Delete, ID: "00Q000000000003AAA"},
		}},
		{"names that need escaping in a URL", "Odd/Key c", []sink.Record{{Batch: b, Row: sparse, Action: sink.Upsert}}},
	} {
		target := &sink.Target{Object: "Lead", Key: c.key, KeyColumn: max(0, s.Index(c.key))}
		if c.key == "Id" {
			target.KeyColumn = 8
		}
		body, results := encodeOnly(&sink.Request{Target: target, Records: c.records})
		for i, r := range results {
			if r.Err != nil {
				t.Errorf("%s: record %d: %v", c.name, i, r.Err)
			}
		}
		fmt.Fprintf(&out, "-- %s --\n", c.name)
		if err := json.Indent(&out, body, "", " "); err != nil {
			t.Fatalf("%s: %v in %s", c.name, err, body)
		}
		out.WriteByte('\n')
	}
	golden(t, "composite.txt", out.Bytes())
}

// TestUnsendable: a record that cannot be encoded fails and leaves no trace in the body.
func TestUnsendable(t *testing.T) {
	for _, c := range []struct {
		kind row.Kind
		text string
		code string
	}{
		{row.JSON, `{"a":1}`, catalog.CodeValue},
		{row.Number, "007", catalog.CodeValue},
		{row.Number, "NaN", catalog.CodeValue},
		{row.Number, "", catalog.CodeValue},
		{row.Bool, "yes", catalog.CodeValue},
		{row.Text, "\xff", catalog.CodeValue},
		{row.Text | row.Awaited, "                  ", catalog.CodeValue},
	} {
		req := leads(3, sink.Upsert)
		req.Records[1].Batch.Set(1, 3, c.kind, c.text)
		body, results := encodeOnly(req)
		e := results[1].Err
		if results[1].Status != sink.Failed || e == nil || e.Code != c.code || !cmp.Equal(e.Fields, []string{"Title"}) {
			t.Errorf("%v %q: %v, %v", c.kind, c.text, results[1].Status, e)
		}
		if !json.Valid(body) || bytes.Count(body, []byte(`"attributes"`)) != 2 || bytes.Contains(body, []byte("k1")) {
			t.Errorf("%v %q: the body is %s", c.kind, c.text, body)
		}
	}
	// All records of an action bad: no subrequest is left.
	req := leads(2, sink.Upsert)
	for i := range 2 {
		req.Records[0].Batch.Set(i, 3, row.JSON, "[]")
	}
	if body, _ := encodeOnly(req); string(body) != wire.CompositeOpen+wire.CompositeClose {
		t.Errorf("nothing to send: %s", body)
	}
}

func fixedNow() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC) }

// bench returns a request of 1,000 upserts of realistic records of 21 columns.
func bench() *sink.Request {
	names := []string{
		"Ext__c", "LastName", "FirstName", "Company", "Email", "Phone", "MobilePhone", "Street", "City", "PostalCode", "State",
		"Country", "Website", "Title", "LeadSource", "Status", "Rating", "Industry", "NumberOfEmployees", "AnnualRevenue", "DoNotCall",
	}
	values := []string{
		"lead-000001", "O'Neill-Müller", "Zoë", `Acme "Widgets" GmbH`, "zoe.oneill@example.com", "+49 30 901820", "+49 170 1234567",
		"Unter den Linden 77\n2. Stock", "Berlin", "10117", "Berlin", "Germany", "https://www.example.com/a?b=c", "Head of Purchasing", "Webinar",
		"Open - Not Contacted", "Hot", "Manufacturing", "2500", "1250000.50", "false",
	}
	cols := make([]row.Column, len(names))
	for i, n := range names {
		cols[i].Name = n
	}
	b := row.New(row.NewSchema(cols...))
	req := &sink.Request{Target: &sink.Target{Object: "Lead", Key: "Ext__c"}}
	for i := range 1000 {
		r := b.AddRow(int64(i))
		for c, v := range values {
			kind := row.Text
			switch {
			case c >= 20:
				kind = row.Bool
			case c >= 18:
				kind = row.Number
			}
			b.Set(r, c, kind, v)
		}
		req.Records = append(req.Records, sink.Record{Batch: b, Row: r, Action: sink.Upsert})
	}
	return req
}

func encodeAgain(j *job, w *Writer, req *sink.Request, results []sink.Result) {
	j.begin(w, req, results)
	j.arrange()
	j.take(w.shape())
}

func TestEncodeDoesNotAllocate(t *testing.T) {
	req := bench()
	w := (&Client{prefix: "/services/data/v66.0", now: fixedNow}).Writer()
	j, results := &job{}, make([]sink.Result, len(req.Records))
	encodeAgain(j, w, req, results)
	if n := testing.AllocsPerRun(20, func() { encodeAgain(j, w, req, results) }); n != 0 {
		t.Errorf("%v allocations for 1,000 records", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	req := bench()
	w := (&Client{prefix: "/services/data/v66.0", now: fixedNow}).Writer()
	j, results := &job{}, make([]sink.Result, len(req.Records))
	encodeAgain(j, w, req, results)
	b.SetBytes(int64(len(j.body)))
	b.ReportAllocs()
	for b.Loop() {
		encodeAgain(j, w, req, results)
	}
	b.ReportMetric(float64(b.N)*float64(len(req.Records))/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkAnswer(b *testing.B) {
	req := leads(1000, sink.Upsert)
	var body strings.Builder
	body.WriteString(`{"compositeResponse":[`)
	for g := range 5 {
		if g > 0 {
			body.WriteByte(',')
		}
		body.WriteString(`{"body":[`)
		for i := range 200 {
			if i > 0 {
				body.WriteByte(',')
			}
			fmt.Fprintf(&body, `{"id":"00Q%012dAAA","success":true,"errors":[],"created":true}`, g*200+i)
		}
		fmt.Fprintf(&body, `],"httpHeaders":{},"httpStatusCode":200,"referenceId":"r%d"}`, g)
	}
	body.WriteString(`]}`)
	src := []byte(body.String())
	w := (&Client{prefix: "/services/data/v66.0", now: fixedNow}).Writer()
	j, results := &job{}, make([]sink.Result, len(req.Records))
	encodeAgain(j, w, req, results)
	subs := make([]wire.SubAnswer, 5)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		wire.ParseComposite(src, subs)
		for i, p := range j.batch {
			j.settle(b.Context(), p, subs[i], 0)
		}
	}
	if results[999].Status != sink.Created || results[999].ID != "00Q000000000999AAA" {
		b.Fatalf("result: %+v", results[999])
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rows/s")
}
