package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sfsync/sink"
)

// The bodies are shaped as real orgs answered, spacing and order of keys included.
func TestParseRefusal(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       sink.Error
	}{
		{"array", `[ {
  "errorCode" : "NOT_FOUND",
  "message" : "The requested resource does not exist"
} ]`, sink.Error{Code: "NOT_FOUND", Message: "The requested resource does not exist"}},
		{
			"with fields", `[{"message":"Unable to create/update fields: MasterRecordId.","errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE","fields":["MasterRecordId"]}]`,
			sink.Error{Code: "INVALID_FIELD_FOR_INSERT_UPDATE", Message: "Unable to create/update fields: MasterRecordId.", Fields: []string{"MasterRecordId"}},
		},
		{
			"several", `[{"message":"a","errorCode":"A","fields":["X"]},{"message":"b","errorCode":"B","fields":["X","Y"]}]`,
			sink.Error{Code: "A", Message: "a; b", Fields: []string{"X", "Y"}},
		},
		{
			"row", `[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [LastName]","fields":["LastName"]}]`,
			sink.Error{Code: "REQUIRED_FIELD_MISSING", Message: "Required fields are missing: [LastName]", Fields: []string{"LastName"}},
		},
		{"single object", `{"errorCode":"X","message":"m\n\"q\""}`, sink.Error{Code: "X", Message: "m\n\"q\""}},
		{"oauth", `{"error":"invalid_grant","error_description":"authentication failure"}`, sink.Error{Code: "invalid_grant", Message: "authentication failure"}},
		{"odd types", `[{"message":7,"errorCode":null,"fields":"LastName"}]`, sink.Error{}},
		{"html", `<html><body>Down for maintenance</body></html>`, sink.Error{}},
		{"xml", `<?xml version="1.0"?><error/>`, sink.Error{}},
		{"empty", ``, sink.Error{}},
		{"empty array", `[]`, sink.Error{}},
		{"broken off", `[{"errorCode":"X","mess`, sink.Error{Code: "X"}},
		{"deep", strings.Repeat(`[`, 100000), sink.Error{}},
	} {
		if d := cmp.Diff(&c.want, ParseRefusal([]byte(c.body))); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestParseOutcomes(t *testing.T) {
	show := func(body string) string {
		var b strings.Builder
		n, ok := ParseOutcomes([]byte(body), func(i int, o Outcome) {
			fmt.Fprintf(&b, "%d:%s,%t,%t", i, o.ID, o.Success, o.Created)
			if o.Err != nil {
				fmt.Fprintf(&b, ",%s", o.Err.Code)
			}
			b.WriteByte(' ')
		})
		return fmt.Sprintf("%s%d %t", b.String(), n, ok)
	}
	for _, c := range []struct{ name, body, want string }{
		{
			"recorded upsert", "[ {\n  \"id\" : \"0035500001H9cakAAB\",\n  \"success\" : true,\n  \"errors\" : [ ],\n  \"created\" : true\n}, {\n  \"id\" : \"0035500001H9calAAB\",\n  \"success\" : true,\n  \"errors\" : [ ],\n  \"created\" : false\n} ]",
			"0:0035500001H9cakAAB,true,true 1:0035500001H9calAAB,true,false 2 true",
		},
		{
			"a failure may show an id", `[{"id":"001RM000003oLruYAE","success":false,"errors":[{"statusCode":"MALFORMED_ID","message":"malformed id","fields":[]}]}]`,
			"0:001RM000003oLruYAE,false,false,MALFORMED_ID 1 true",
		},
		{
			"a success may show errors", `[{"id":"e01xx0000000001AAA","success":true,"errors":[{"statusCode":"OPERATION_ENQUEUED","message":"x","fields":[]}]}]`,
			"0:e01xx0000000001AAA,true,false 1 true",
		},
		{"errors before success", `[{"errors":[{"statusCode":"X","message":"m"}],"success":false}]`, "0:,false,false,X 1 true"},
		{"failure without errors", `[{"success":false,"errors":null}]`, "0:,false,false,UNKNOWN_EXCEPTION 1 true"},
		{"null entries", `[null,{"success":true,"id":"a"}]`, "0:,false,false 1:a,true,false 2 true"},
		{"more than is known", `[{"id":"a","success":true,"errors":[],"extra":{"deep":[1,2,{"x":null}]}}]`, "0:a,true,false 1 true"},
		{"not an array", `{"message":"no"}`, "0 false"},
		{"broken off", `[{"id":"a","success":true,"errors":[]},{"id":"b","succ`, "0:a,true,false 1 false"},
		{"empty", ``, "0 false"},
	} {
		if got := show(c.body); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestParseComposite(t *testing.T) {
	subs := make([]SubAnswer, 3)
	body := `{"compositeResponse":[{"body":[{"errorCode":"NOT_FOUND","message":"m"}],"httpHeaders":{},"httpStatusCode":404,"referenceId":"r2"},
		{"referenceId":"r0","httpStatusCode":200,"body":[]},{"referenceId":"other","httpStatusCode":200},{"referenceId":"r9","httpStatusCode":200},null]}`
	if !ParseComposite([]byte(body), subs) {
		t.Error("not read")
	}
	want := []SubAnswer{{Status: 200, Body: []byte("[]")}, {}, {Status: 404, Body: []byte(`[{"errorCode":"NOT_FOUND","message":"m"}]`)}}
	if d := cmp.Diff(want, subs); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, bad := range []string{"", "<html>", "[]", `{"compositeResponse":[{"body":[],"httpStatusCode":200,"referenceId":"r0"},{"bo`, `{"compositeResponse":7}`, `{}`} {
		if ParseComposite([]byte(bad), subs) {
			t.Errorf("%q was taken for an answer", bad)
		}
	}
	// What came before the break counts.
	ParseComposite([]byte(`{"compositeResponse":[{"body":[],"httpStatusCode":200,"referenceId":"r0"},{"bo`), subs)
	if subs[0].Status != 200 || subs[1].Status != 0 {
		t.Errorf("a broken answer: %+v", subs)
	}
}

// FuzzAnswers: whatever an org or a gateway sends, reading it ends, never panics, and never
// finds more results than the text can hold.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"compositeResponse":[{"body":[{"id":"00Q000000000001AAA","success":true,"errors":[],"created":true}],"httpHeaders":{},"httpStatusCode":200,"referenceId":"r0"}]}`,
		`[{"success":false,"errors":[{"statusCode":"X","message":"m","fields":["A"]}]}]`,
		`{"totalSize":1,"done":false,"nextRecordsUrl":"/services/data/v66.0/query/01g-2000","records":[{"Id":"a"}]}`,
		`{"error":"invalid_grant","error_description":"d"}`,
		"[{\"id\":\"a\\u0041\",\"success\":true}]", "<html>", "[[[[", "\xff\xfe", `{"compositeResponse":[{"referenceId":"r-1"},{"referenceId":"r999999999999999999999"}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		subs := make([]SubAnswer, 5)
		ParseComposite(body, subs)
		for _, s := range append(subs, SubAnswer{Body: body}) {
			n, _ := ParseOutcomes(s.Body, func(_ int, o Outcome) {
				if o.Success && o.Err != nil {
					t.Fatal("a success with an error")
				}
			})
			if n > len(s.Body) {
				t.Fatalf("%d results in %d bytes", n, len(s.Body))
			}
		}
		ParseRefusal(body)
		next, err := ReadPage(body, func(rec []byte) error {
			if !json.Valid(rec) && json.Valid(body) {
				t.Fatalf("the record %q of a valid page is not valid", rec)
			}
			return nil
		})
		if err != nil && next != "" {
			t.Fatal("an error with a next page")
		}
	})
}

func TestJSONNumber(t *testing.T) {
	for _, s := range []string{"0", "-0", "10", "1.50", "-12.5e+10", "1E5", "0.001", "1e-9"} {
		if !JSONNumber(s) {
			t.Errorf("%q is a number", s)
		}
	}
	for _, s := range []string{"", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1 ", " 1", "1,5", "Infinity", "--1", "1.2.3"} {
		if JSONNumber(s) {
			t.Errorf("%q is not a number", s)
		}
	}
}

func FuzzJSONNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5e3", "01", "1.", "1e400"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := json.Valid([]byte(s)) && s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && s[len(s)-1] >= '0' && s[len(s)-1] <= '9'
		if got := JSONNumber(s); got != want {
			t.Fatalf("JSONNumber(%q) = %t", s, got)
		}
	})
}

func TestClip(t *testing.T) {
	for n := range 12 {
		if s := Clip("aé東😀b", n); !utf8.ValidString(s) || len(s) > n+len("…") {
			t.Errorf("clip at %d: %q", n, s)
		}
	}
	if Clip("abc", 3) != "abc" {
		t.Error("cut without need")
	}
}

func TestPlain(t *testing.T) {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$'()*,:@/?"
	for c := range 256 {
		if want := strings.IndexByte(plain, byte(c)) >= 0; Plain(byte(c)) != want {
			t.Errorf("%q: %t", byte(c), !want)
		}
	}
}
