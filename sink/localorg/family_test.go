package localorg

import (
	"fmt"
	"strings"
	"testing"
)

func repeat(n int, sep string, item func(i int) string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = item(i)
	}
	return strings.Join(list, sep)
}

func TestBatch(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	notFound := `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`
	halted := `{"statusCode":412,"result":[{"message":"Batch processing halted per request","errorCode":"BATCH_PROCESSING_HALTED"}]}`
	tests := []struct {
		fact, body string
		status     int
		want       string
	}{
		{
			"each by itself, in order", batch(false, `POST v66.0/sobjects/Lead {"LastName":"A","Company":"C"}`, `GET v66.0/sobjects/Foo`, `PATCH v45.0/sobjects/Lead/Ext__c/1 {"LastName":"A","Company":"C"}`, `PATCH v45.0/sobjects/Lead/Ext__c/1 {"LastName":"B"}`, `GET v66.0/limits/recordCount?sObjects=Lead`), 200,
			`{"hasErrors":true,"results":[{"statusCode":201,"result":` + saved + `},{"statusCode":404,"result":` + notFound + `},{"statusCode":201,"result":` + created + `},{"statusCode":204,"result":null},{"statusCode":200,"result":{"sObjects":[{"count":2,"name":"Lead"}]}}]}`,
		},
		{"without errors", batch(true, `GET /services/data/v66.0/limits/recordCount?sObjects=Account`), 200, `{"hasErrors":false,"results":[{"statusCode":200,"result":{"sObjects":[]}}]}`},
		{
			"haltOnError spares the rest", batch(true, `GET v66.0/sobjects/Foo`, `POST v66.0/sobjects/Lead {"LastName":"Z","Company":"C"}`, `GET v66.0/limits`), 200,
			`{"hasErrors":true,"results":[{"statusCode":404,"result":` + notFound + `},` + halted + `,` + halted + `]}`,
		},
		{"no newer version inside", batch(false, `GET v67.0/limits`), 200, `{"hasErrors":true,"results":[{"statusCode":400,"result":[{"message":"The version of a subrequest, 67.0, is above that of its batch, 66.0","errorCode":"INVALID_INPUT"}]}]}`},
		{"no composite inside", batch(false, `POST v66.0/composite {}`), 200, `{"hasErrors":true,"results":[{"statusCode":400,"result":[{"message":"a composite request cannot hold another","errorCode":"INVALID_INPUT"}]}]}`},
		{"none", `{"batchRequests":[]}`, 400, `[{"message":"At least 1 batch request is required","errorCode":"REQUIRED_FIELD_MISSING"}]`},
		{"no url", `{"batchRequests":[{"method":"GET"}]}`, 400, `[{"message":"Each batch request needs method and url","errorCode":"REQUIRED_FIELD_MISSING"}]`},
		{"26", `{"batchRequests":[` + repeat(26, ",", func(int) string { return `{"method":"GET","url":"v66.0/limits"}` }) + `]}`, 400, `[{"message":"The batch has 26 subrequests; at most 25 are allowed","errorCode":"LIMIT_EXCEEDED"}]`},
		{"no JSON", `{`, 400, `[{"message":"…`},
	}
	for _, tt := range tests {
		t.Run(tt.fact, func(t *testing.T) { o.do("POST", "/composite/batch", tt.body).want(t, tt.status, tt.want) })
	}
	if got := o.query("SELECT LastName FROM Lead ORDER BY LastName"); got != `[{"LastName":"A"},{"LastName":"B"}]` {
		t.Errorf("stored: %s", got)
	}
	o.do("GET", "/composite/batch", "").want(t, 405, `[{"message":"HTTP Method 'GET' not allowed. Allowed are POST","errorCode":"METHOD_NOT_ALLOWED"}]`)
}

// graphOf wraps subrequests into a graph.
func graphOf(id string, list ...string) string {
	body := strings.TrimSuffix(strings.TrimPrefix(subs(false, list...), `{"allOrNone":false,`), "}")
	return fmt.Sprintf(`{"graphId":%q,%s}`, id, body)
}

func graphs(list ...string) string { return `{"graphs":[` + strings.Join(list, ",") + `]}` }

func TestGraph(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	halted := `{"body":[{"message":"The transaction was rolled back since another operation in the same transaction failed.","errorCode":"PROCESSING_HALTED"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"r%d"}`
	contact := `POST /sobjects/Contact {"LastName":"A","AccountId":"@{r0.id}"}`
	o.do("POST", "/composite/graph", graphs(
		graphOf("good", `POST /sobjects/Account {"Name":"Good"}`, contact, `GET /sobjects/Contact/@{r1.id}?fields=LastName`),
		graphOf("bad", `POST /sobjects/Account {"Name":"Bad"}`, `POST /sobjects/Contact {}`, contact),
	)).want(t, 200, `{"graphs":[{"graphId":"good","graphResponse":{"compositeResponse":[`+
		`{"body":`+saved+`,"httpHeaders":{"Location":"`+v66+`/sobjects/Account/<id>"},"httpStatusCode":201,"referenceId":"r0"},`+
		`{"body":`+saved+`,"httpHeaders":{"Location":"`+v66+`/sobjects/Contact/<id>"},"httpStatusCode":201,"referenceId":"r1"},`+
		`{"body":{"attributes":{"type":"Contact","url":"`+v66+`/sobjects/Contact/<id>"},"LastName":"A"},"httpHeaders":{},"httpStatusCode":200,"referenceId":"r2"}]},"isSuccessful":true},`+
		`{"graphId":"bad","graphResponse":{"compositeResponse":[`+fmt.Sprintf(halted, 0)+
		`,{"body":[{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"r1"},`+
		fmt.Sprintf(halted, 2)+`]},"isSuccessful":false}]}`)
	if got := o.query("SELECT Name FROM Account"); got != `[{"Name":"Good"}]` {
		t.Errorf("stored: %s", got)
	}
	// Behind the 15th graph that fails the rest is not processed.
	r := o.do("POST", "/composite/graph", graphs(repeat(17, ",", func(i int) string {
		if i == 16 {
			return graphOf("last", `POST /sobjects/Account {"Name":"Late"}`)
		}
		return graphOf(fmt.Sprint(i), `POST /sobjects/Account {}`)
	})))
	if n := strings.Count(r.body, "REQUIRED_FIELD_MISSING"); r.status != 200 || n != 15 || strings.Count(r.body, "PROCESSING_HALTED") != 2 || strings.Contains(r.body, `"isSuccessful":true`) {
		t.Errorf("%d graphs were processed: %d %s", n, r.status, r.body)
	}
	if n := o.count("Account"); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
}

func TestGraphRefused(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	get := func(int) string { return "GET /sobjects/Lead" }
	split := func(n int, f func(int) string) []string { return strings.Split(repeat(n, "\x00", f), "\x00") }
	chain := func(i int) string {
		if i == 0 {
			return `POST /sobjects/Lead {"LastName":"A","Company":"C"}`
		}
		return fmt.Sprintf(`POST /sobjects/Lead {"LastName":"A","Company":"C","Parent__c":"@{r%d.id}"}`, i-1)
	}
	tests := []struct{ fact, body, want string }{
		{"none", graphs(), `At least 1 graph is required`},
		{"76 graphs", graphs(repeat(76, ",", func(i int) string { return graphOf(fmt.Sprint(i), get(i)) })), `The request has 76 graphs; at most 75 are allowed`},
		{"501 nodes", graphs(repeat(21, ",", func(i int) string { return graphOf(fmt.Sprint(i), split(24, get)...) })), `more than 500 nodes`},
		{"no nodes", `{"graphs":[{"graphId":"a","compositeRequest":[]}]}`, `At least 1 subrequest`},
		{"a bad graphId", graphs(graphOf("a b", get(0))), `Provided graphId 'a b'`},
		{"a graphId twice", graphs(graphOf("a", get(0)), graphOf("a", get(0))), `Duplicate graphId provided: a`},
		{"no record", graphs(graphOf("a", "GET /query?q=x")), `must be that of a record`},
		{"16 deep", graphs(graphOf("a", split(16, chain)...)), `The graph a is deeper than 15 nodes`},
		{"16 kinds", graphs(graphOf("a", split(16, func(i int) string { return fmt.Sprintf("GET /sobjects/O%d__c/1", i) })...)), `more than 15 different kinds of nodes`},
	}
	for _, tt := range tests {
		t.Run(tt.fact, func(t *testing.T) {
			r := o.do("POST", "/composite/graph", tt.body)
			if r.status != 400 || !strings.Contains(r.body, tt.want) {
				t.Errorf("%d %s, want 400 with %q", r.status, r.body, tt.want)
			}
		})
	}
	o.do("POST", "/composite/graph", graphs(graphOf("a", split(15, chain)...))).want(t, 200, `{"graphs":[{"graphId":"a",…`)
	o.do("POST", "/services/data/v49.0/composite/graph", graphs(graphOf("a", get(0)))).want(t, 404, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`)
}

// treeNode is a record of a tree with children by a relationship.
func treeNode(object, ref, fields, relationship string, children ...string) string {
	s := fmt.Sprintf(`{"attributes":{"type":%q,"referenceId":%q}`, object, ref)
	if fields != "" {
		s += "," + fields
	}
	if len(children) > 0 {
		s += fmt.Sprintf(`,%q:{"records":[%s]}`, relationship, strings.Join(children, ","))
	}
	return s + "}"
}

func treeOf(records ...string) string { return `{"records":[` + strings.Join(records, ",") + `]}` }

func TestTree(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.do("POST", "/composite/tree/account", treeOf(
		treeNode("Account", "ref1", `"Name":"One"`, "contacts",
			treeNode("Contact", "ref2", `"LastName":"Two"`, ""),
			treeNode("Contact", "ref3", `"LastName":"Three"`, "Cases", treeNode("Case", "ref5", `"Subject":"Five"`, ""))),
		treeNode("Account", "ref4", `"Name":"Four"`, "ChildAccounts", treeNode("Account", "ref6", `"Name":"Six"`, "")),
	)).want(t, 201, `{"hasErrors":false,"results":[{"referenceId":"ref1","id":"<id>"},{"referenceId":"ref4","id":"<id>"},{"referenceId":"ref2","id":"<id>"},{"referenceId":"ref3","id":"<id>"},{"referenceId":"ref6","id":"<id>"},{"referenceId":"ref5","id":"<id>"}]}`)
	for _, q := range []struct{ soql, want string }{
		{"SELECT COUNT() FROM Contact WHERE Account.Name = 'One'", "2"},
		{"SELECT COUNT() FROM Case WHERE Contact.LastName = 'Three'", "1"},
		{"SELECT COUNT() FROM Account WHERE Parent.Name = 'Four'", "1"},
	} {
		if got := fmt.Sprint(o.count(strings.TrimPrefix(q.soql, "SELECT COUNT() FROM "))); got != q.want {
			t.Errorf("%s: %s, want %s", q.soql, got, q.want)
		}
	}
	before := o.count("Account")
	// One bad record costs the whole tree; the answer names the bad ones only.
	o.do("POST", "/composite/tree/Account", treeOf(
		treeNode("Account", "a", `"Name":"A"`, "Contacts", treeNode("Contact", "b", `"LastName":"B"`, ""), treeNode("Contact", "c", `"LastName":"C","Email":"x"`, "")),
	)).want(t, 400, `{"hasErrors":true,"results":[{"referenceId":"c","errors":[{"statusCode":"INVALID_EMAIL_ADDRESS","message":"Email: invalid email address: x","fields":["Email"]}]}]}`)
	if n := o.count("Account"); n != before {
		t.Errorf("%d accounts, want %d", n, before)
	}
	for _, tt := range []struct{ fact, body, want string }{
		{"none", treeOf(), `At least 1 record is required`},
		{"no reference", treeOf(`{"attributes":{"type":"Account"},"Name":"A"}`), `Include a reference ID for each record`},
		{"a reference twice", treeOf(treeNode("Account", "a", `"Name":"A"`, ""), treeNode("Account", "a", `"Name":"A"`, "")), `Duplicate ReferenceId provided in the request: a`},
		{"no type", treeOf(`{"attributes":{"referenceId":"a"},"Name":"A"}`), `missing the attributes.type`},
		{"another type than the resource's", treeOf(treeNode("Lead", "a", `"LastName":"A"`, "")), `attributes.type Lead does not fit the resource Account`},
		{"no such field", treeOf(treeNode("Account", "a", `"Foo":"A"`, "")), `No such column 'Foo' on sobject of type Account`},
		{"no such relationship", treeOf(treeNode("Account", "a", `"Name":"A"`, "Foos", treeNode("Contact", "b", "", ""))), `No such column 'Foos' on sobject of type Account`},
		{"201 records", treeOf(repeat(201, ",", func(i int) string { return treeNode("Account", fmt.Sprint("r", i), `"Name":"A"`, "") })), `cannot submit more than 200 records`},
		{"6 levels", treeOf(deep(6)), `more than 5 levels`},
		{"no record", treeOf(`7`), `JSON_PARSER_ERROR`},
		{"broken", `{"records":[{]}`, `JSON_PARSER_ERROR`},
	} {
		r := o.do("POST", "/composite/tree/Account", tt.body)
		if r.status != 400 || !strings.Contains(r.body, tt.want) {
			t.Errorf("%s: %d %s, want 400 with %q", tt.fact, r.status, r.body, tt.want)
		}
	}
	o.do("POST", "/composite/tree/Account", treeOf(deep(5))).want(t, 201, `{"hasErrors":false,…`)
	o.do("POST", "/composite/tree/Foo", treeOf()).want(t, 404, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`)
}

// deep is a tree of n levels.
func deep(n int) string {
	if n == 1 {
		return treeNode("Account", "r1", `"Name":"A"`, "")
	}
	return treeNode("Account", fmt.Sprint("r", n), `"Name":"A"`, "ChildAccounts", deep(n-1))
}

// What the composite resource says of itself.
func TestCompositeResources(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.do("GET", "/composite", "").want(t, 200, `{"batch":"`+v66+`/composite/batch","graph":"`+v66+`/composite/graph","sobjects":"`+v66+`/composite/sobjects","tree":"`+v66+`/composite/tree"}`)
	o.do("GET", "/services/data/v49.0/composite/", "").want(t, 200, `{"batch":"/services/data/v49.0/composite/batch","sobjects":"/services/data/v49.0/composite/sobjects","tree":"/services/data/v49.0/composite/tree"}`)
	o.do("DELETE", "/composite", "").want(t, 405, `[{"message":"HTTP Method 'DELETE' not allowed. Allowed are GET,HEAD,POST","errorCode":"METHOD_NOT_ALLOWED"}]`)
	o.do("GET", "/composite/foo", "").want(t, 404, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`)
}

// Up to v51 a referenceId may be anything; from v52 on a wrong one costs the request.
func TestReferenceRule(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	body := func(v string) string {
		return `{"compositeRequest":[{"method":"GET","url":"/services/data/` + v + `/limits/recordCount?sObjects=Lead","referenceId":"a-b"}]}`
	}
	o.do("POST", "/services/data/v51.0/composite", body("v51.0")).want(t, 200, `{"compositeResponse":[{"body":{"sObjects":[]},"httpHeaders":{},"httpStatusCode":200,"referenceId":"a-b"}]}`)
	o.do("POST", "/services/data/v52.0/composite", body("v52.0")).want(t, 400, `[{"message":"Provided referenceId 'a-b'…`)
}
