package fault_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/sink/localorg/fault"
)

// contract is the example that users are shown.
const contract = `- {on: "POST /composite", nth: [3, 7], status: 503, code: SERVER_UNAVAILABLE}
- {on: "PATCH /composite/sobjects/*/*", rate: 0.02, drop: after}     # the connection dies after the commit
- {on: "* *", after: 200, times: 1, expire: session}
- {on: "PUT /jobs/ingest/*/batches", delay: 2s}
- {rows: {object: Lead, rate: 0.01}, code: UNABLE_TO_LOCK_ROW}
- {on: "* *", after: 500, code: REQUEST_LIMIT_EXCEEDED, status: 403, message: TotalRequests Limit exceeded.}
`

func TestParse(t *testing.T) {
	t.Parallel()
	rules, bad := fault.Parse("f.yaml", []byte(contract))
	if len(bad) > 0 {
		t.Fatalf("%v", bad)
	}
	want := []fault.Rule{
		{Method: "POST", Path: "/composite", Nth: []int64{3, 7}, Action: fault.Action{Status: 503, Code: "SERVER_UNAVAILABLE", Message: "server temporarily unavailable"}},
		{Method: "PATCH", Path: "/composite/sobjects/*/*", Rate: 0.02, Action: fault.Action{Drop: fault.DropAfter}},
		{Method: "*", Path: "*", After: 200, Times: 1, Action: fault.Action{Expire: true}},
		{Method: "PUT", Path: "/jobs/ingest/*/batches", Action: fault.Action{Delay: 2 * time.Second}},
		{Method: "*", Path: "*", Rows: true, Object: "Lead", Rate: 0.01, Action: fault.Action{Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record"}},
		{Method: "*", Path: "*", After: 500, Action: fault.Action{Status: 403, Code: "REQUEST_LIMIT_EXCEEDED", Message: "TotalRequests Limit exceeded."}},
	}
	if d := cmp.Diff(want, rules); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// What a rule leaves out is what the platform would say.
func TestParseCompletes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule string
		want fault.Action
	}{
		{`{on: "* *", code: REQUEST_LIMIT_EXCEEDED}`, fault.Action{Status: 403, Code: "REQUEST_LIMIT_EXCEEDED", Message: "TotalRequests Limit exceeded."}},
		{`{on: "* *", status: 503}`, fault.Action{Status: 503, Code: "SERVER_UNAVAILABLE", Message: "server temporarily unavailable"}},
		{`{on: "* *", status: 418}`, fault.Action{Status: 418, Code: "UNKNOWN_EXCEPTION", Message: "unknown exception"}},
		{`{on: "* *", code: FOO_BAR}`, fault.Action{Status: 400, Code: "FOO_BAR", Message: "foo bar"}},
		{`{on: "* *", body: <html>}`, fault.Action{Status: 503, Code: "SERVER_UNAVAILABLE", Message: "server temporarily unavailable", Body: "<html>"}},
		{`{on: "* *", status: 200, body: "<html>"}`, fault.Action{Status: 200, Code: "UNKNOWN_EXCEPTION", Message: "unknown exception", Body: "<html>"}},
		{`{rows: {}, code: UNABLE_TO_LOCK_ROW, message: gone}`, fault.Action{Code: "UNABLE_TO_LOCK_ROW", Message: "gone"}},
		{`{rows: {object: "*"}, delay: 3ms}`, fault.Action{Delay: 3 * time.Millisecond}},
	} {
		rules, bad := fault.Parse("f.yaml", []byte("- "+tt.rule))
		if len(bad) > 0 || len(rules) != 1 {
			t.Errorf("%s: %v", tt.rule, bad)
			continue
		}
		if d := cmp.Diff(tt.want, rules[0].Action); d != "" {
			t.Errorf("%s: -want +got:\n%s", tt.rule, d)
		}
	}
	if rules, bad := fault.Parse("f.yaml", []byte("# nothing yet\n")); len(rules)+len(bad) > 0 {
		t.Errorf("an empty file: %v %v", rules, bad)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"on: x", `f.yaml:1:1: a faults file is a list of rules, not a map [fault-kind]`},
		{"- 3", `f.yaml:1:3: a rule is a map, not a single value [fault-kind]`},
		{`- {on: "POST /x", statsu: 503}`, `f.yaml:1:19: unknown key "statsu"; a rule has on, rows, nth, rate, after, times, status, code, message, body, drop, delay, expire [fault-key] → did you mean status?`},
		{`- {on: "PSOT /x", status: 503}`, `f.yaml:1:9: unknown method "PSOT"; a place is a method and a path, such as "POST /composite" [fault-on] → did you mean POST?`},
		{`- {on: "POST", status: 503}`, `f.yaml:1:13: the path is missing [fault-on]`},
		{`- {on: "POST composite", status: 503}`, `f.yaml:1:14: the path "composite" does not begin with a slash [fault-on]`},
		{`- {on: "POST /services/data/v66.0/composite", status: 503}`, `f.yaml:1:14: paths begin behind the version [fault-on] → leave /services/data/vNN.0 out`},
		{`- {on: "GET /a[", status: 503}`, `f.yaml:1:13: the path "/a[" cannot be read [fault-on]`},
		{`- {on: "GET /**/a/**", status: 503}`, `f.yaml:1:13: a path has at most one ** [fault-on]`},
		{`- {on: "* *", nth: 0, status: 503}`, `f.yaml:1:20: nth is a whole number from 1, not "0" [fault-value]`},
		{`- {on: "* *", nth: [1, x], status: 503}`, `f.yaml:1:24: nth is a whole number from 1, not "x" [fault-value]`},
		{`- {on: "* *", nth: [], status: 503}`, `f.yaml:1:20: nth has 1 to 1000 places [fault-limit]`},
		{`- {on: "* *", rate: 2, status: 503}`, `f.yaml:1:21: rate is a share above 0 and up to 1, not "2" [fault-value] → 0.01 is one in a hundred`},
		{`- {on: "* *", rate: NaN, status: 503}`, `f.yaml:1:21: rate is a share above 0 and up to 1, not "NaN" [fault-value]`},
		{`- {on: "* *", status: 200}`, `f.yaml:1:23: status is an HTTP status from 300 to 599, not "200" [fault-value]`},
		{`- {on: "* *", drop: afer}`, `f.yaml:1:21: drop is before or after (the commit), not "afer" [fault-value] → did you mean after?`},
		{`- {on: "* *", delay: 2}`, `f.yaml:1:22: delay is a time such as 150ms or 2s, at most 10m0s, not "2" [fault-value]`},
		{`- {on: "* *", delay: 1h}`, `f.yaml:1:22: delay is a time such as 150ms or 2s, at most 10m0s, not "1h" [fault-value]`},
		{`- {on: "* *", expire: token}`, `f.yaml:1:23: what expires is a session, not "token" [fault-value] → expire: session`},
		{`- {on: "* *", code: }`, `f.yaml:1:15: code needs a value [fault-value]`},
		{`- {on: "* *"}`, `f.yaml:1:3: the rule does nothing [fault-nothing]`},
		{`- {on: "* *", message: hello}`, `f.yaml:1:24: a message without a code [fault-nothing]`},
		{`- {on: "* *", drop: after, status: 503}`, `f.yaml:1:36: status and drop exclude each other [fault-both] → make them two rules`},
		{`- {rows: {object: Lead}, status: 503}`, `f.yaml:1:34: status is about requests, not about rows [fault-both]`},
		{`- {rows: {rate: 0.1}, rate: 0.2, code: X}`, `f.yaml:1:29: rate is given twice, here and in rows [fault-both]`},
		{`- {rows: Lead, code: X}`, `f.yaml:1:10: rows is a map, not a single value [fault-kind]`},
		{`- {on: "* *", on: "* *", status: 503}`, `f.yaml:1:15: `},
		{"- {on: [", "f.yaml:1:"},
	}
	for _, tt := range tests {
		_, bad := fault.Parse("f.yaml", []byte(tt.text))
		if len(bad) != 1 || !strings.HasPrefix(bad[0].String(), tt.want) {
			t.Errorf("%s\n got %v\nwant %s", tt.text, bad, tt.want)
		}
	}
	_, bad := fault.Parse("f.yaml", []byte("- {on: \"* *\", rate: 7}\n- {drop: x}\n"))
	if len(bad) != 2 || bad[1].Pos.Line != 2 {
		t.Errorf("not all at once: %v", bad)
	}
	if _, bad := fault.Parse("f.yaml", []byte(strings.Repeat("- {drop: before}\n", 1001))); len(bad) != 1 || bad[0].Code != fault.CodeLimit {
		t.Errorf("1001 rules: %v", bad)
	}
}

func script(t *testing.T, text string) *fault.Script {
	t.Helper()
	rules, bad := fault.Parse("f.yaml", []byte(text))
	if len(bad) > 0 {
		t.Fatalf("%v", bad)
	}
	return fault.NewScript(rules)
}

func request(method, path string) fault.Point { return fault.Point{Method: method, Path: path} }

func TestPlaces(t *testing.T) {
	t.Parallel()
	sub := func(p fault.Point) fault.Point { p.Sub = true; return p }
	row := func(object, path string) fault.Point {
		return fault.Point{Method: "POST", Path: path, Row: true, Object: object}
	}
	tests := []struct {
		rule  string
		point fault.Point
		want  bool
	}{
		{`on: "POST /composite"`, request("POST", "/composite"), true},
		{`on: "POST /composite"`, request("POST", "/composite/sobjects"), false},
		{`on: "POST /composite"`, request("GET", "/composite"), false},
		{`on: "post /Composite/"`, request("POST", "/composite"), true},
		{`on: "* /query"`, request("GET", "/query"), true},
		{`on: "PATCH /composite/sobjects/*/*"`, request("PATCH", "/composite/sobjects/lead/Ext__c"), true},
		{`on: "PATCH /composite/sobjects/*/*"`, sub(request("PATCH", "/composite/sobjects/lead/Ext__c")), true},
		{`on: "PATCH /composite/sobjects/*/*"`, request("PATCH", "/composite/sobjects/Lead"), false},
		{`on: "PATCH /sobjects/Lead/Ext__c/*"`, request("PATCH", "/sobjects/Lead/Ext__c/a/b"), false},
		{`on: "PATCH /sobjects/Lead/Ext__c/**"`, request("PATCH", "/sobjects/Lead/Ext__c/a/b"), true},
		{`on: "* /**/batches"`, request("PUT", "/jobs/ingest/750/batches"), true},
		{`on: "* /**/batches"`, request("PUT", "/batches"), false},
		{`on: "* /jobs/**"`, request("PUT", "/jobs"), false},
		{`on: "GET /sobjects/L*/describe"`, request("GET", "/sobjects/Lead/describe"), true},
		{`on: "POST /services/oauth2/token"`, request("POST", "/services/oauth2/token"), true},
		{`on: "* *"`, request("PUT", "/any/thing"), true},
		{`on: "* *"`, sub(request("PUT", "/any/thing")), false},
		{`on: "* *"`, row("Lead", "/composite"), false},
		{`rows: {object: lead}`, row("Lead", "/sobjects/Lead"), true},
		{`rows: {object: Lead}`, row("Account", "/sobjects/Lead"), false},
		{`rows: {}`, row("Account", "/sobjects/Lead"), true},
		{`rows: {}`, request("POST", "/sobjects/Lead"), false},
		{`rows: {}, on: "POST /sobjects/*"`, row("Account", "/sobjects/Account"), true},
		{`rows: {}, on: "POST /sobjects/*"`, row("Account", "/composite/sobjects"), false},
	}
	for _, tt := range tests {
		got := script(t, "- {"+tt.rule+", code: X}").At(tt.point).Code == "X"
		if got != tt.want {
			t.Errorf("{%s} at %+v: %v, want %v", tt.rule, tt.point, got, tt.want)
		}
	}
}

// Each rule counts for itself, and the first one in the file that wants to act does.
func TestWhen(t *testing.T) {
	t.Parallel()
	tests := []struct{ fact, rules, want string }{
		{"nth", `- {on: "* *", nth: [2, 4], code: A}`, ".A.A......"},
		{"one nth", `- {on: "* *", nth: 3, code: A}`, "..A......."},
		{"after", `- {on: "* *", after: 7, code: A}`, ".......AAA"},
		{"times", `- {on: "* *", after: 2, times: 3, code: A}`, "..AAA....."},
		{"the first wins", "- {on: \"* *\", nth: 2, code: A}\n- {on: \"* *\", times: 3, code: B}", "BABB......"},
		{"a later rule counts what an earlier took", "- {on: \"* *\", nth: 2, code: A}\n- {on: \"* *\", nth: [2, 3], code: B}", ".AB......."},
		{"rate 1", `- {on: "* *", rate: 1, nth: 1, code: A}`, "A........."},
	}
	for _, tt := range tests {
		s := script(t, tt.rules)
		var got strings.Builder
		for range 10 {
			code := s.At(request("GET", "/x")).Code
			if code == "" {
				code = "."
			}
			got.WriteString(code)
		}
		if got.String() != tt.want {
			t.Errorf("%s: %s, want %s", tt.fact, &got, tt.want)
		}
	}
}

// A rate strikes about as often as it says, spread evenly, and always the same ones.
func TestRate(t *testing.T) {
	t.Parallel()
	const n = 100_000
	strike := func() (hits []int) {
		s := script(t, "- {on: \"* *\", rate: 0.02, code: A}\n- {on: \"* *\", rate: 0.02, code: B}")
		for i := range n {
			if s.At(request("GET", "/x")).Code == "A" {
				hits = append(hits, i)
			}
		}
		return hits
	}
	first := strike()
	if len(first) < n*2/100-150 || len(first) > n*2/100+150 { // 3.4 standard deviations
		t.Errorf("%d of %d struck, want about 2,000", len(first), n)
	}
	if d := cmp.Diff(first, strike()); d != "" {
		t.Errorf("a second run strikes others: %s", d)
	}
	// Two rules of the same rate do not strike the same places.
	both := script(t, "- {on: \"GET /a\", rate: 0.5, code: A}\n- {on: \"GET /b\", rate: 0.5, code: A}")
	same := 0
	for range 1000 {
		if both.At(request("GET", "/a")).Code == both.At(request("GET", "/b")).Code {
			same++
		}
	}
	if same < 400 || same > 600 {
		t.Errorf("two rules agree in %d of 1000 places, want about 500", same)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(contract)
	f.Add(`- {rows: {object: "*", rate: 1e-3}, on: "* /**/[a-z]", nth: 3, delay: 1ms, code: X}`)
	f.Add("- on: \"GET /a\\\\\"\n  status: 0x1f7\n- *a")
	f.Fuzz(func(t *testing.T, text string) {
		rules, bad := fault.Parse("f.yaml", []byte(text))
		for _, d := range bad {
			if d.Pos.Line < 1 || d.Pos.Column < 1 || d.Message == "" {
				t.Errorf("a diagnostic without a place: %v", d)
			}
			if d.Severity == diag.Error {
				return
			}
		}
		s := fault.NewScript(rules)
		for i, r := range rules {
			p := fault.Point{Method: r.Method, Path: r.Path, Row: r.Rows, Object: r.Object}
			for range 3 {
				a := s.At(p)
				if a.Body != "" && a.Status == 0 || r.Rows && (a.Status != 0 || a.Drop != 0) {
					t.Errorf("rule %d: %s", i, fmt.Sprintf("%+v", a))
				}
			}
		}
	})
}
