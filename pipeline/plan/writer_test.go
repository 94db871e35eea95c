package plan

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping"
	"sfsync/pipeline/internal/plantest"
	"sfsync/pipeline/report"
	"sfsync/pipeline/row"
)

const leads = `version: 1
name: leads
targets:
  - name: lead
    object: Lead
    match: Email
    fields:
      Email: email
      LastName: name
      Company: {from: company, default: n/a}
      NumberOfEmployees: staff
      DoNotCall: {from: stop, blank: leave}
      Phone: {from: phone, blank: null}
`

func compiled(t testing.TB) *mapping.Plan {
	t.Helper()
	p, _ := plantest.Compile(t, "", leads)
	return p
}

// mapped maps rows whose columns are those of the mapping above.
func mapped(t testing.TB, p *mapping.Plan, rows ...[]string) *mapping.Mapped {
	t.Helper()
	s := row.NewSchema(row.Column{Name: "email"}, row.Column{Name: "name"}, row.Column{Name: "company"},
		row.Column{Name: "staff"}, row.Column{Name: "stop"}, row.Column{Name: "phone"})
	b := row.New(s)
	for i, cells := range rows {
		r := b.AddRow(int64(i + 2))
		for c, text := range cells {
			b.Set(r, c, row.Text, text)
		}
	}
	return p.NewMapper(&row.Pool{}).Map(b)
}

// before makes the values that an update finds, by field.
func before(p *mapping.Plan, values map[string]row.Cell) []row.Cell {
	s := p.Targets[0].Schema
	cells := make([]row.Cell, len(s.Columns))
	for name, v := range values {
		cells[s.Index(name)] = v
	}
	return cells
}

func TestLines(t *testing.T) {
	p := compiled(t)
	m := mapped(t, p,
		[]string{"a@x.org", "Ann", "", "12", "true", ""},
		[]string{"b@x.org", "Bo", "B\"Co", "7", "", "1"},
		[]string{"c@x.org", "Cy", "", "", "", ""},
		[]string{"nobody", "Di", "", "", "", ""},
		[]string{"e@x.org", "Ed", "", "", "", ""},
		[]string{"f@x.org", "Flo", "", "", "", ""},
	)
	recs := []Record{
		{Action: Create},
		{Action: Update, ID: "00Q000000000001AAA", Before: before(p, map[string]row.Cell{
			"LastName": row.MakeCell(row.Text, "B\x00\xffo"), "NumberOfEmployees": row.MakeCell(row.Number, "6"), "Phone": row.MakeCell(row.Null, ""),
		})},
		{Action: Unchanged, ID: "00Q000000000002AAA"},
		{Action: Reject, Code: "INVALID_EMAIL_ADDRESS", Field: "Email", Message: `no "address"`},
		{},
		{Action: Look},
	}
	var out bytes.Buffer
	w := NewWriter(p, &out)
	err := w.Batch(&Batch{Path: "in/a.csv", Mapped: m, Record: func(r, _ int) Record { return recs[r] }})
	if err := errors.Join(err, w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	want := `{"file":"in/a.csv","line":2,"target":"lead","object":"Lead","action":"create","id":"","match":{"Email":"a@x.org"},` +
		`"fields":{"Email":"a@x.org","LastName":"Ann","Company":"n/a","NumberOfEmployees":12,"DoNotCall":true,"Phone":null},"before":{},"code":"","field":"","message":""}
{"file":"in/a.csv","line":3,"target":"lead","object":"Lead","action":"update","id":"00Q000000000001AAA","match":{"Email":"b@x.org"},` +
		`"fields":{"LastName":"Bo","NumberOfEmployees":7,"Phone":"1"},"before":{"LastName":"B\u0000�o","NumberOfEmployees":6,"Phone":null},"code":"","field":"","message":""}
{"file":"in/a.csv","line":4,"target":"lead","object":"Lead","action":"unchanged","id":"00Q000000000002AAA","match":{"Email":"c@x.org"},"fields":{},"before":{},"code":"","field":"","message":""}
{"file":"in/a.csv","line":5,"target":"lead","object":"Lead","action":"reject","id":"","match":{},"fields":{},"before":{},"code":"INVALID_EMAIL_ADDRESS","field":"Email","message":"no \"address\""}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("plan.jsonl (-want +got):\n%s", diff)
	}
	info := w.Info()
	wantInfo := &report.PlanInfo{Changes: 2, Estimates: []report.Estimate{}, Targets: []report.PlanTarget{{
		Name: "lead", Object: "Lead", Create: 1, Update: 1, Unchanged: 1, Skip: 1, Reject: 1, Undecided: 1,
		Fields:  []report.FieldChanges{{Field: "LastName", Changed: 1}, {Field: "NumberOfEmployees", Changed: 1}, {Field: "Phone", Changed: 1, Filled: 1}},
		Reasons: []report.Reason{{Action: "reject", Code: "INVALID_EMAIL_ADDRESS", Count: 1}},
	}}}
	if diff := cmp.Diff(wantInfo, info); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
}

// TestCounts: the fields that change most come first, a field that would be blank afterwards is
// cleared, and the reasons are counted by action and code.
func TestCounts(t *testing.T) {
	p := compiled(t)
	m := mapped(t, p,
		[]string{"a@x.org", "A", "", "", "", ""},
		[]string{"b@x.org", "B", "", "", "", ""},
		[]string{"c@x.org", "C", "", "", "", ""},
		[]string{"d@x.org", "D", "", "", "", ""},
	)
	text := row.MakeCell(row.Text, "x")
	recs := []Record{
		{Action: Update, Before: before(p, map[string]row.Cell{"Phone": text, "Company": text})},
		{Action: Update, Before: before(p, map[string]row.Cell{"Phone": text})},
		{Action: Skip, Code: "WHEN_FALSE"},
		{Action: Skip, Code: "WHEN_FALSE"},
	}
	w := NewWriter(p, &bytes.Buffer{})
	for range 2 { // two batches of one schema
		if err := w.Batch(&Batch{Path: "a.csv", Mapped: m, Record: func(r, _ int) Record { return recs[r] }}); err != nil {
			t.Fatal(err)
		}
	}
	got := w.Info().Targets[0]
	if diff := cmp.Diff([]report.FieldChanges{{Field: "Phone", Changed: 4, Cleared: 4}, {Field: "Company", Changed: 2}}, got.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]report.Reason{{Action: "skip", Code: "WHEN_FALSE", Count: 4}}, got.Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

// TestReasonsAreBounded: an org with codes of its own making does not fill the memory.
func TestReasonsAreBounded(t *testing.T) {
	p := compiled(t)
	m := mapped(t, p, []string{"a@x.org", "A"})
	w := NewWriter(p, &bytes.Buffer{})
	for i := range 2 * maxReasons {
		rec := Record{Action: Reject, Code: strings.Repeat("X", i+1)}
		if err := w.Batch(&Batch{Mapped: m, Record: func(int, int) Record { return rec }}); err != nil {
			t.Fatal(err)
		}
	}
	reasons := w.Info().Targets[0].Reasons
	if len(reasons) != maxReasons+1 || reasons[0].Code != report.OtherCode || reasons[0].Count != maxReasons {
		t.Errorf("%d reasons, the first %+v", len(reasons), reasons[0])
	}
}

// TestFile: the file holds personal data, and there is one in a run directory.
func TestFile(t *testing.T) {
	d, err := report.Create(t.TempDir(), "leads", time.Unix(0, 0), rand.Reader, func(*report.Dir) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	p := compiled(t)
	w, err := NewFile(d, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(d.Path(report.PlanFile))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want mode 0600", info.Mode(), err)
	}
	if _, err := NewFile(d, p); !errors.Is(err, report.ErrReport) {
		t.Errorf("a second plan in the directory: %v", err)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestDiskFull(t *testing.T) {
	p := compiled(t)
	m := mapped(t, p, []string{"a@x.org", strings.Repeat("x", 60)})
	w := NewWriter(p, full{})
	var err error
	for range 10_000 {
		if err = w.Batch(&Batch{Mapped: m, Record: func(int, int) Record { return Record{Action: Create} }}); err != nil {
			break
		}
	}
	if !errors.Is(err, report.ErrReport) || !errors.Is(w.Close(), report.ErrReport) {
		t.Errorf("writing to a full disk: %v", err)
	}
}

// FuzzLines: whatever the cells and the org hold, a line is one JSON object on one line that says
// the same.
func FuzzLines(f *testing.F) {
	f.Add("a@x.org", "Ann", "x", "12", uint8(3))
	f.Add("", "\x00\xff\n", `{"ref":"lead"}`, "NaN", uint8(1))
	f.Add("b@x.org", "B\u2028", "[1,\r\n 2]", "-0", uint8(row.JSON))
	f.Add("c@x.org", "\"", "true\n", "1e400", uint8(row.Bool))
	f.Add("d@x.org", "\ufeff", MadeUp+"1", "1.50", uint8(row.Text))
	f.Add("e@x.org", "\xc3", "\xff\xfe", "1", uint8(row.Text))
	p := compiled(f)
	f.Fuzz(func(t *testing.T, email, name, old, number string, kind uint8) {
		m := mapped(t, p, []string{email, name, "", number, "", ""})
		var out bytes.Buffer
		w := NewWriter(p, &out)
		rec := Record{Action: Update, Message: old, Before: before(p, map[string]row.Cell{"LastName": row.MakeCell(row.Kind(kind%6), old)})}
		if err := errors.Join(w.Batch(&Batch{Path: name, Mapped: m, Record: func(int, int) Record { return rec }}), w.Close()); err != nil {
			t.Fatal(err)
		}
		var line struct {
			Action, Message string
			Before          map[string]any
		}
		if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 || json.Unmarshal(out.Bytes(), &line) != nil || line.Action != "update" {
			t.Fatalf("%d lines: %s", n, out.Bytes())
		}
		if want := string([]rune(old)); line.Message != want || kind%6 == uint8(row.Text) && line.Before["LastName"] != want {
			t.Fatalf("message %q, before %q, want %q", line.Message, line.Before, want)
		}
	})
}

// TestAllocations: a record costs no memory.
func TestAllocations(t *testing.T) {
	p := compiled(t)
	m := mapped(t, p, []string{"a@x.org", "Ann", "Co", "12", "true", "1"})
	rec := Record{Action: Update, ID: "00Q000000000001AAA", Before: before(p, map[string]row.Cell{"Phone": row.MakeCell(row.Text, "2")})}
	b := &Batch{Path: "a.csv", Mapped: m, Record: func(int, int) Record { return rec }}
	w := NewWriter(p, &bytes.Buffer{})
	w.out.Reset(discard{})
	if n := testing.AllocsPerRun(1000, func() {
		if err := w.Batch(b); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a record", n)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
