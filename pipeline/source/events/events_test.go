package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/event"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
	"sfsync/pipeline/source/events"
	"sfsync/pipeline/source/sourcetest"
)

const enabled = `"type":"identify","integrations":{"Salesforce":true}`

// read returns the rows of events as JSON, or the reason why one is skipped or fails.
func read(t testing.TB, lines string, paths []string, rest bool, opt events.Options) (rows []string, r source.Reader) {
	t.Helper()
	r, err := source.Open(t.Context(), source.Input{Path: "e.jsonl", Reader: strings.NewReader(lines)},
		source.Options{Paths: paths, Rest: rest, Events: &opt})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return rows, r
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			if p, skipped := b.Skipped(i); skipped {
				rows = append(rows, "skip "+p.Code)
			} else if p, bad := b.Problem(i); bad {
				rows = append(rows, "fail "+p.Code)
			} else {
				rows = append(rows, string(source.AppendJSON(nil, b, i)))
			}
		}
		b.Free()
	}
}

func TestColumnsAreThePathsOfTheMapping(t *testing.T) {
	t.Parallel()
	line := `{` + enabled + `,"messageId":"m","event":"e","traits":{"a":{"b":1,"c":[2]},"d":"x","e":null},` +
		`"context":{"ip":"::1","traits":{"d":"y","f":true}},"properties":{"total":1.50}}`
	got, _ := read(t, line, []string{"traits.a.b", "traits.d", "messageId", "traits.a", "context.ip", "properties.total", "traits.e", "traits.f", "traits.none", "nothing.at.all"}, false, events.Options{})
	want := `{"traits.a.b":1,"traits.d":"x","messageId":"m","context.ip":"::1","properties.total":1.50,"traits.e":null,"traits.f":true}`
	if d := cmp.Diff([]string{want}, got); d != "" {
		t.Error(d)
	}
}

func TestRestAppendsTraits(t *testing.T) {
	t.Parallel()
	lines := `{` + enabled + `,"traits":{"known":1,"x":{"y":1,"z":{"deep":true}}}}
{` + enabled + `,"traits":{"new":2,"x":"text"},"context":{"traits":{"x":{"y":9},"other":3}}}`
	got, r := read(t, lines, []string{"traits.known"}, true, events.Options{})
	want := []string{
		`{"traits.known":1,"traits.x.y":1,"traits.x.z":{"deep":true}}`,
		`{"traits.x":"text","traits.new":2,"traits.other":3}`,
	}
	for i := range want {
		var a, b map[string]any
		if json.Unmarshal([]byte(want[i]), &a) != nil || json.Unmarshal([]byte(got[i]), &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("row %d: %s, want %s", i, got[i], want[i])
		}
	}
	if r.Complete() || r.Schema().Index("traits.other") < 0 {
		t.Errorf("columns %v", r.Schema())
	}
}

// TestBounds: what would cost memory or time out of proportion fails its own row alone.
func TestBounds(t *testing.T) {
	t.Parallel()
	many := func(n int, f func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = f(i)
		}
		return strings.Join(parts, ",")
	}
	good := `{` + enabled + `,"traits":{"a":1}}` + "\n"
	tests := []struct{ name, line, want string }{
		{"deep JSON", `{` + enabled + `,"traits":{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}}`, "fail TOO_DEEP"},
		{"a long name", `{` + enabled + `,"traits":{"` + strings.Repeat("k", 5000) + `":1}}`, "fail BAD_KEY"},
		{"very many traits", `{` + enabled + `,"traits":{` + many(20_000, func(i int) string { return fmt.Sprintf(`"k%d":%d`, i, i) }) + `}}`, "fail BAD_KEY"},
		{"very many members", `{` + enabled + `,"traits":{"o":{` + many(20_000, func(i int) string { return fmt.Sprintf(`"k%d":%d`, i, i) }) + `}}}`, "fail BAD_KEY"},
		{
			"a huge externalId array",
			`{` + enabled + `,"traits":{"a":1},"context":{"externalId":[` + many(100_000, func(i int) string { return fmt.Sprintf(`{"type":"Salesforce-O%d__c","id":"1"}`, i) }) + `]}}`,
			"fail TOO_MANY_OBJECTS",
		},
		{
			"very many records of one object",
			`{` + enabled + `,"traits":{"a":1},"context":{"externalId":[` + many(11, func(int) string { return `{"type":"Salesforce-Lead","id":"1"}` }) + `]}}`,
			"fail TOO_MANY_OBJECTS",
		},
		{"an entry without a target", `{` + enabled + `,"traits":{"a":1},"context":{"externalId":[{"type":"Salesforce-Case","id":"1"}]}}`, "fail TOO_MANY_OBJECTS"},
		{"a long object name", `{` + enabled + `,"traits":{"a":1},"context":{"externalId":[{"type":"Salesforce-` + strings.Repeat("x", 500) + `"}]}}`, "fail BAD_EXTERNAL_ID"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _ := read(t, good+tt.line+"\n"+good, nil, true, events.Options{Gate: true})
			if d := cmp.Diff([]string{`{"traits.a":1}`, tt.want, `{"traits.a":1}`}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNewTraitsStopComing(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 700 {
		fmt.Fprintf(&lines, "{%s,\"traits\":{\"k%d\":1}}\n", enabled, i)
	}
	got, r := read(t, lines.String(), nil, true, events.Options{})
	if n := len(r.Schema().Columns); n != 500 {
		t.Errorf("%d columns", n)
	}
	if got[499] != `{"traits.k499":1}` || got[500] != "fail BAD_KEY" || len(got) != 700 {
		t.Errorf("%d rows: …, %s, %s, …", len(got), got[499], got[500])
	}
}

func TestScanFindsAtMostFiftyKinds(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 60 {
		fmt.Fprintf(&lines, "{%s,\"context\":{\"externalId\":[{\"type\":\"Salesforce-O%d__c\",\"id\":\"x\"},{\"type\":\"salesforce-o%d__C\",\"id\":\"y\"}]}}\n", enabled, i, i)
	}
	got, err := source.ScanEvents(t.Context(), inputs([]byte(lines.String())), source.Options{}, true, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != event.MaxEntries {
		t.Fatalf("%d kinds", len(got))
	}
	if d := cmp.Diff([]string{"Salesforce-O0__c", "Salesforce-o0__C:2", "Salesforce-O1__c"}, []string{got[0].Column(), got[1].Column(), got[2].Column()}); d != "" {
		t.Error(d)
	}
	if got, err = source.ScanEvents(t.Context(), inputs([]byte(lines.String())), source.Options{}, true, 3); err != nil || len(got) != 6 {
		t.Errorf("three rows: %d kinds, %v", len(got), err)
	}
	bad := []source.Input{{Path: "no such file"}, {Path: "x.csv", Format: "csv", Reader: strings.NewReader("a,b\n1,2\n")}}
	if got, err = source.ScanEvents(t.Context(), append(bad, inputs([]byte(lines.String()))...), source.Options{}, true, 1); err != nil || len(got) != 2 {
		t.Errorf("behind inputs that cannot be read: %d kinds, %v", len(got), err)
	}
}

func TestOtherFormatsAreRefused(t *testing.T) {
	t.Parallel()
	_, err := source.Open(t.Context(), source.Input{Path: "x.csv", Reader: strings.NewReader("type,traits\nidentify,{}\n")}, source.Options{Events: &events.Options{}})
	if !errors.Is(err, source.ErrOption) || !strings.Contains(err.Error(), "JSON Lines") {
		t.Errorf("%v", err)
	}
}

// TestRowsKeepTheirPlace: line, text and target of a row are those of the event, however many
// batches there are.
func TestRowsKeepTheirPlace(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	const n = 2*row.MaxRows + 7
	for i := range n {
		fmt.Fprintf(&lines, "{%s,\"traits\":{\"n\":%d},\"sfsync_file\":\"f\",\"sfsync_line\":1,\"sfsync_target\":\"t%d\",\"sfsync_object\":\"\",\"sfsync_action\":\"\","+
			"\"sfsync_id\":\"\",\"sfsync_code\":\"\",\"sfsync_field\":\"\",\"sfsync_message\":\"\",\"sfsync_attempts\":0}\n\n", enabled, i, i%3)
	}
	r, err := source.Open(t.Context(), inputs(lines.Bytes())[0], source.Options{Paths: []string{"traits.n"}, Events: &events.Options{Gate: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	seen := 0
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			want := fmt.Sprintf(`{%s,"traits":{"n":%d}}`, enabled, seen)
			if b.Line(i) != int64(2*seen+1) || b.Raw(i) != want || b.Only(i) != fmt.Sprint("t", seen%3) || b.Cell(i, 0).Text != fmt.Sprint(seen) {
				t.Fatalf("row %d: line %d, %s, for %s: %s", seen, b.Line(i), b.Raw(i), b.Only(i), b.Cell(i, 0).Text)
			}
			seen++
		}
		b.Free()
	}
	if seen != n || r.Info().Rows != n || r.Info().SHA256 == "" {
		t.Errorf("%d rows, %+v", seen, r.Info())
	}
}

// TestRetriedEventsGoWhereTheySay: an event that failed for a target of the mapping, since the org did
// not have its object, goes to that object once it is there.
func TestRetriedEventsGoWhereTheySay(t *testing.T) {
	t.Parallel()
	const ours = `,"sfsync_file":"f","sfsync_line":1,"sfsync_target":%q,"sfsync_object":"","sfsync_action":"","sfsync_id":"","sfsync_code":"","sfsync_field":"","sfsync_message":"","sfsync_attempts":0}` + "\n"
	routed := `{` + enabled + `,"traits":{"a":1},"context":{"externalId":[{"type":"Salesforce-Case","id":"1"}]}`
	plain := `{` + enabled + `,"traits":{"a":1}`
	lines := fmt.Sprintf(routed+ours+routed+ours+plain+ours, "lead", "Salesforce-Case", "lead")
	r, err := source.Open(t.Context(), inputs([]byte(lines))[0], source.Options{
		Paths: []string{"Salesforce-Case"}, Events: &events.Options{Entries: []event.Entry{{Object: "Case", Nth: 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"", "Salesforce-Case", "lead"}, []string{b.Only(0), b.Only(1), b.Only(2)}); d != "" {
		t.Error(d)
	}
}

// FuzzEvents: whatever the line, it is one row that is wanted, skipped or fails; and what a path finds
// is what encoding/json finds there.
func FuzzEvents(f *testing.F) {
	for _, traits := range []string{
		`{"a":1}`, `{"a":{"b":"x\n\u00e9"},"a":{"b":2}}`, `{"a.b":1,"a":{"b":2}}`, `{"A":[],"a":{}}`, `{}`, `[]`, `null`, `{"a":"\ud83d\ude80"}`, ` { "a" : { "b" : [ { } ] } } `,
	} {
		f.Add(`{`+enabled+`,"traits":`+traits+`}`, true)
		f.Add(`{`+enabled+`,"context":{"traits":`+traits+`,"externalId":[{"type":"Salesforce-Lead","id":"1"}]}}`, false)
	}
	f.Add(`{"type":"track","event":"Sale","integrations":{"Salesforce":{}},"properties":{"a":1}}`, false)
	f.Add(`{"type":"identify","integrations":{"All":true}}`, true)
	f.Add(`{`+enabled+`,"Traits":{"a":"x"},"context":{"traits":{"a":"y"}}}`, true)
	f.Add(`{`+enabled+`,"trait\u017f":{"a":"x"},"context":{"traits":{"a":"y"}}}`, true)
	f.Add(`{`+enabled+`,"traits":{"a":"x","a":"y","A":"z"}}`, false)
	f.Add(`{`+enabled+`,"traits":{"a":"\u2028\u0085\ufeff"," a":"\x7f"},"messageId":null}`, false)
	f.Fuzz(func(t *testing.T, line string, rest bool) {
		if strings.ContainsAny(line, "\n\r") || strings.TrimSpace(line) == "" {
			return
		}
		opt := events.Options{Gate: true, Track: []string{"Sale"}, Entries: []event.Entry{{Object: "Lead", Nth: 1}, {Object: "Case", Nth: 1, Refused: "no"}}}
		found, err := source.ScanEvents(t.Context(), inputs([]byte(line)), source.Options{}, true, 0)
		if err != nil || len(found) > event.MaxEntries {
			t.Fatalf("%d kinds of entries, %v", len(found), err)
		}
		r, err := source.Open(t.Context(), inputs([]byte(line))[0], source.Options{Paths: []string{"traits.a", "traits.a.b", "messageId", "Salesforce-Lead", event.Routed}, Rest: rest, Events: &opt})
		if err != nil {
			return // no JSON Lines at all
		}
		defer r.Close()
		b, err := r.Next(t.Context())
		if err != nil {
			return
		}
		if b.Len() != 1 {
			t.Fatalf("%d rows of one line", b.Len())
		}
		_, skipped := b.Skipped(0)
		_, bad := b.Problem(0)
		if skipped || bad {
			return
		}
		var e map[string]any // not a struct, whose keys encoding/json takes in any case
		if json.Unmarshal([]byte(line), &e) != nil {
			return // encoding/json takes other lines than we do
		}
		for c, col := range b.Schema().Columns {
			if cell := b.Cell(0, c); cell.Kind() == row.JSON && !json.Valid([]byte(cell.Text)) {
				t.Errorf("column %s: no JSON: %s", col.Name, cell.Text)
			}
		}
		traits, ok := e["traits"].(map[string]any)
		if !ok || strings.Contains(line, `a.b`) || strings.Contains(line, `\u`) {
			return
		}
		if a, ok := traits["a"].(string); ok && strings.Count(line, `"traits"`) == 1 && b.Cell(0, 0).Text != a {
			t.Errorf("traits.a is %q, want %q", b.Cell(0, 0).Text, a)
		}
	})
}

// BenchmarkRead compares reading events with reading the same lines as rows.
func BenchmarkRead(b *testing.B) {
	var lines bytes.Buffer
	const n = 20_000
	for i := range n {
		fmt.Fprintf(&lines, `{"messageId":"m-%d","type":"identify","userId":"u-%d","sentAt":"2026-11-21T02:15:00Z","integrations":{"Salesforce":true},`+
			`"traits":{"email":"person.%d@example.com","firstName":"Alexandra","lastName":"Montgomery-Smith","company":{"name":"Example Industries %d","industry":"Banking","employee_count":%d},`+
			`"address":{"street":"1 Long Street","city":"Köln","postalCode":"50667","country":"Germany"},"phone":"+1-555-0100","plan":"enterprise","score":%d.5,"newsletter":true},`+
			`"context":{"ip":"203.0.113.7","library":{"name":"analytics","version":"2.1"},"traits":{"email":"old@example.com","title":"Director"}}}`+"\n", i, i, i, i%997, i%5000, i%100)
	}
	f, p := plan(b, []byte(usual), lines.Bytes())
	paths := []string{"traits.email", "traits.firstName", "traits.lastName", "traits.company.name", "traits.company.industry", "traits.address.city", "traits.phone", "traits.plan", "traits.score", "context.traits.title"}
	run := func(b *testing.B, open func() source.Reader) {
		b.Helper()
		b.ReportAllocs()
		b.SetBytes(int64(lines.Len()))
		for b.Loop() {
			r := open()
			if rows, err := sourcetest.Drain(b.Context(), r); err != nil || rows != n {
				b.Fatal(rows, err)
			}
			_ = r.Close()
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("rows", func(b *testing.B) {
		run(b, func() source.Reader {
			r, err := source.Open(b.Context(), inputs(lines.Bytes())[0], source.Options{Paths: paths})
			if err != nil {
				b.Fatal(err)
			}
			return r
		})
	})
	b.Run("events", func(b *testing.B) { run(b, func() source.Reader { return open(b, f, p, lines.Bytes()) }) })
	b.Run("scan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := source.ScanEvents(b.Context(), inputs(lines.Bytes()), source.Options{}, true, 0); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}
