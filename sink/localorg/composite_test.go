package localorg

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// subs wraps subrequests "METHOD path body" into a composite; their ids are r0, r1 …
func subs(allOrNone bool, list ...string) string {
	out := make([]string, len(list))
	for i, s := range list {
		f := strings.SplitN(s, " ", 3)
		out[i] = fmt.Sprintf(`{"method":%q,"url":"%s%s","referenceId":"r%d"`, f[0], v66, f[1], i)
		if len(f) > 2 && f[2] != "" {
			out[i] += `,"body":` + f[2]
		}
		out[i] += "}"
	}
	return fmt.Sprintf(`{"allOrNone":%v,"compositeRequest":[%s]}`, allOrNone, strings.Join(out, ","))
}

func TestComposite(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	before := o.calls.Current().Total
	q := url.QueryEscape("SELECT COUNT() FROM Lead")
	o.do("POST", "/composite", subs(false,
		`PATCH /composite/sobjects/Lead/Ext__c `+bodyOf(false, `{"Ext__c":"1","LastName":"A","Company":"C"}`, `{"Ext__c":"2","Company":"C"}`),
		`PATCH /composite/sobjects/Lead/Ext__c `+bodyOf(false, `{"Ext__c":"3","Foo":"A"}`),
		`GET /query?q=`+q,
		`GET /query?q=select+Foo+from+Lead`,
		`PATCH /sobjects/Lead/Ext__c/1 {"LastName":"B"}`,
		`GET /sobjects/Foo`,
		`POST /composite {}`,
	)).want(t, 200, `{"compositeResponse":[`+
		`{"body":[`+created+`,`+noName+`],"httpHeaders":{},"httpStatusCode":200,"referenceId":"r0"},`+
		`{"body":[{"message":"No such column 'Foo' on sobject of type Lead","errorCode":"INVALID_FIELD"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"r1"},`+
		`{"body":{"totalSize":1,"done":true,"records":[]},"httpHeaders":{},"httpStatusCode":200,"referenceId":"r2"},`+
		`{"body":[{"message":"\nselect Foo from Lead\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Lead'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.","errorCode":"INVALID_FIELD"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"r3"},`+
		`{"body":`+updated+`,"httpHeaders":{},"httpStatusCode":200,"referenceId":"r4"},`+
		`{"body":[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}],"httpHeaders":{},"httpStatusCode":404,"referenceId":"r5"},`+
		`{"body":[{"message":"a composite request cannot hold another","errorCode":"INVALID_INPUT"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"r6"}]}`)
	if got := o.calls.Current().Total - before; got != 1 {
		t.Errorf("a composite counted as %d calls, want 1", got)
	}
}

// With allOrNone everything is rolled back, also what subrequests before the culprit wrote;
// reads in between see what the transaction wrote.
func TestCompositeAllOrNone(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	halted := `{"body":[{"message":"The transaction was rolled back since another operation in the same transaction failed.","errorCode":"PROCESSING_HALTED"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"r%d"}`
	o.do("POST", "/composite", subs(true,
		`POST /sobjects/Lead {"LastName":"A","Company":"C"}`,
		`GET /query?q=SELECT+COUNT()+FROM+Lead`,
		`POST /sobjects/Lead {"Company":"C"}`,
		`GET /limits`,
	)).want(t, 200, `{"compositeResponse":[`+fmt.Sprintf(halted, 0)+`,`+fmt.Sprintf(halted, 1)+
		`,{"body":[{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"r2"},`+
		fmt.Sprintf(halted, 3)+`]}`)
	// A collection with one bad row fails as a whole too, although its inner flag says otherwise.
	r := o.do("POST", "/composite", subs(true,
		`POST /sobjects/Lead {"LastName":"A","Company":"C"}`,
		`POST /composite/sobjects `+bodyOf(false, `{"LastName":"B","Company":"C"}`, `{"LastName":"B"}`)))
	if !strings.Contains(r.body, "PROCESSING_HALTED") || !strings.Contains(r.body, "REQUIRED_FIELD_MISSING") {
		t.Errorf("answer: %s", r.body)
	}
	if n := o.count("Lead"); n != 0 {
		t.Errorf("%d leads are left", n)
	}
	o.do("POST", "/composite", subs(true, `POST /sobjects/Lead {"LastName":"A","Company":"C"}`, `GET /query?q=SELECT+COUNT()+FROM+Lead`)).
		want(t, 200, `{"compositeResponse":[{"body":`+saved+`,"httpHeaders":{"Location":"`+v66+`/sobjects/Lead/<id>"},"httpStatusCode":201,"referenceId":"r0"},`+
			`{"body":{"totalSize":1,"done":true,"records":[]},"httpHeaders":{},"httpStatusCode":200,"referenceId":"r1"}]}`)
}

// A resource that reads what the org keeps beside its records reads it in the transaction of the whole: an org in
// memory has no other connection.
func TestCompositeAllOrNoneLimits(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	r := o.do("POST", "/composite", subs(true, `POST /sobjects/Lead {"LastName":"A","Company":"C"}`, `GET /limits`, `GET /limits/recordCount?sObjects=Lead`))
	for _, want := range []string{`"DailyBulkV2QueryJobs":{"Max":10000,"Remaining":10000}`, `{"sObjects":[{"count":1,"name":"Lead"}]}`} {
		if r.status != 200 || !strings.Contains(r.body, want) {
			t.Errorf("%d %s\nwithout %s", r.status, r.body, want)
		}
	}
}

func TestCompositeRefused(t *testing.T) {
	t.Parallel()
	repeat := func(n int, s string) []string {
		return strings.Split(strings.TrimSuffix(strings.Repeat(s+"\x00", n), "\x00"), "\x00")
	}
	tests := []struct{ fact, body, want string }{
		{"none", `{"compositeRequest":[]}`, `At least 1 subrequest`},
		{"26", subs(false, repeat(26, "GET /limits")...), `at most 25`},
		{"6 queries and collections", subs(false, append(repeat(3, "GET /query?q=x"), repeat(3, "POST /composite/sobjects {}")...)...), `at most 5`},
		{"no referenceId", `{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits"}]}`, `needs method, url and referenceId`},
		{"a referenceId with a dash", `{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits","referenceId":"a-b"}]}`, `only letters, numbers and underscores`},
		{"a referenceId twice", `{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits","referenceId":"a"},{"method":"GET","url":"/services/data/v66.0/limits","referenceId":"a"}]}`, `Duplicate ReferenceId provided: a`},
		{"another kind of address", `{"compositeRequest":[{"method":"GET","url":"https://evil.example/","referenceId":"a"}]}`, `must start with /services/data/`},
		{"authorization inside", `{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits","referenceId":"a","httpHeaders":{"authorization":"x"}}]}`, `not allowed`},
		{"broken", `{"compositeRequest":[`, `JSON_PARSER_ERROR`},
	}
	o := newOrg(t)
	for _, tt := range tests {
		t.Run(tt.fact, func(t *testing.T) {
			r := o.do("POST", "/composite", tt.body)
			if r.status != 400 || !strings.Contains(r.body, tt.want) {
				t.Errorf("%d %s, want 400 with %q", r.status, r.body, tt.want)
			}
		})
	}
	r := o.do("POST", "/composite", `{"compositeRequest":[{"method":"POST","url":"/services/data/v66.0/sobjects/Lead","referenceId":"a","body":{"LastName":"@{b.id}"}}]}`)
	if !strings.Contains(r.body, `"message":"Invalid reference specified. No value for b.id found in b","errorCode":"PROCESSING_HALTED"`) {
		t.Errorf("a reference to nothing: %s", r.body)
	}
}

// Headers of the outer request do not reach the subrequests; the log shows what did.
func TestCompositeHeaders(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.do("POST", "/composite", `{"compositeRequest":[`+
		`{"method":"POST","url":"`+v66+`/sobjects/Lead","referenceId":"a","httpHeaders":{"sforce-auto-assign":"FALSE"},"body":{"LastName":"A","Company":"C"}},`+
		`{"method":"POST","url":"`+v66+`/sobjects/Lead","referenceId":"b","body":{"LastName":"A","Company":"C"}}]}`, "Sforce-Auto-Assign", "TRUE")
	v, err := o.Show(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last := v.Requests[len(v.Requests)-1]
	if last.AutoAssign != "TRUE" || last.Sub[0].AutoAssign != "FALSE" || last.Sub[1].AutoAssign != "" || last.Records != 2 || last.Sub[0].Path != "/sobjects/Lead" {
		t.Errorf("log: %+v", last)
	}
}
