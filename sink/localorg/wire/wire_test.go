package wire

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// Indenting changes the layout and nothing else.
func FuzzPretty(f *testing.F) {
	for _, s := range []string{`{}`, `[]`, `{"a":[{"b":"x\"y{"},1,[],{}],"c":null}`, `[[1,2],"[{"]`, `"s"`, `[true,false]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in := jsontext.Value(s)
		if in.Compact() != nil {
			return // not JSON
		}
		out := jsontext.Value(Pretty(in))
		if err := out.Compact(); err != nil || !bytes.Equal(out, in) {
			t.Fatalf("%s became %s: %v", in, Pretty(in), err)
		}
	})
}

func TestPretty(t *testing.T) {
	t.Parallel()
	// The layout of a recorded answer.
	got := string(Pretty([]byte(`{"compositeResponse":[{"body":[{"errorCode":"NOT_FOUND","message":"x"}],"httpHeaders":{},"httpStatusCode":404}]}`)))
	want := `{
  "compositeResponse" : [ {
    "body" : [ {
      "errorCode" : "NOT_FOUND",
      "message" : "x"
    } ],
    "httpHeaders" : { },
    "httpStatusCode" : 404
  } ]
}`
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestSubstitute(t *testing.T) {
	t.Parallel()
	refs := References{}
	refs.Add("a", jsontext.Value(`{"id":"001","n":5,"records":[{"Id":"x \"y\""},{"ok":true}]}`))
	refs.Add("b", jsontext.Value(`[{"id":"002"}]`))
	refs.Add("none", nil)
	tests := []struct{ url, body, wantURL, wantBody, err string }{
		{"/x", `{"A":"@{a.id}"}`, "/x", `{"A":"001"}`, ""},
		{"/x/@{b[0].id}", `{}`, "/x/002", `{}`, ""},
		{"/x/@{a.records[0].id}", `{}`, "/x/x%20%22y%22", `{}`, ""},
		{"/x", `{"A":"@{none.id}"}`, "", "", "Invalid reference specified. No value for none.id found in none"},
		{"/x?q=@{a.records[0].id}", `{"A":"-@{a.records[0].Id}-@{a.n}@{a.records[1].ok}"}`, "/x?q=x+%22y%22", `{"A":"-x \"y\"-5true"}`, ""},
		{"/x", `{"A":"@{}@{a}@{ }"}`, "/x", `{"A":"@{}@{a}@{ }"}`, ""},
		{"/x", `{"A":"@{a.records[9].id}"}`, "", "", "Invalid reference specified. No value for a.records[9].id found in a"},
		{"/x", `{"A":"@{c.id}"}`, "", "", "Invalid reference specified. No value for c.id found in c"},
		{"/x", `{"A":"@{a.records}"}`, "", "", "Invalid reference specified. No value for a.records found in a"},
	}
	for _, tt := range tests {
		u, b, err := refs.Substitute(tt.url, jsontext.Value(tt.body))
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s %s: error %v, want %s", tt.url, tt.body, err, tt.err)
			}
			continue
		}
		if err != nil || u != tt.wantURL || string(b) != tt.wantBody || !json.Valid(b) {
			t.Errorf("%s %s: %s %s %v", tt.url, tt.body, u, b, err)
		}
	}
}

func TestReferred(t *testing.T) {
	t.Parallel()
	got := Referred("/x/@{a.id}?q=@{b[0].id}", jsontext.Value(`{"A":"@{c.id}@{a.x}","B":"@{}"}`))
	if strings.Join(got, " ") != "a b c" {
		t.Errorf("%v", got)
	}
}
