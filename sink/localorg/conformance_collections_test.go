package localorg_test

import (
	"fmt"
	"strings"
	"testing"
)

// collection is the body of an sObject Collections request for leads.
func collection(allOrNone bool, records ...string) string {
	for i, r := range records {
		records[i] = `{"attributes":{"type":"Lead"},` + strings.TrimPrefix(r, "{")
	}
	return fmt.Sprintf(`{"allOrNone":%t,"records":[%s]}`, allOrNone, strings.Join(records, ","))
}

// §4.1 sObject Collections, §4.2 relations by external id.
func TestConformance04Collections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	many := make([]string, 201)
	for i := range many {
		many[i] = fmt.Sprintf(`{"LastName":"L%d","Company":"C"}`, i)
	}
	mixed := func(kinds ...string) string {
		for i, k := range kinds {
			kinds[i] = fmt.Sprintf(`{"attributes":{"type":%q},"LastName":"L","Name":"N","Company":"C"}`, k)
			if k == "Lead" {
				kinds[i] = strings.Replace(kinds[i], `"Name":"N",`, "", 1)
			} else {
				kinds[i] = strings.Replace(strings.Replace(kinds[i], `"LastName":"L",`, "", 1), `,"Company":"C"`, "", 1)
			}
		}
		return `{"records":[` + strings.Join(kinds, ",") + `]}`
	}
	const missing = `{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [LastName]","fields":["LastName"]}]}`
	const rolledBack = `{"success":false,"errors":[{"statusCode":"ALL_OR_NONE_OPERATION_ROLLED_BACK","message":"Record rolled back because not all records were valid and the request was using AllOrNone header","fields":[]}]}`
	w.check(t, []fact{
		{
			"§4.1 create: in request order, no created, failed rows without id, statusCode", "POST /composite/sobjects", collection(false, `{"LastName":"A","Company":"C","Ext__c":"c1"}`, `{"Company":"C"}`, `{"LastName":"B","Company":"C"}`),
			`200 [{"id":"<id:c1>","success":true,"errors":[]},` + missing + `,{"id":"<id:c2>","success":true,"errors":[]}]`,
		},
		{"§4.1 200 even if all rows fail", "POST /composite/sobjects", collection(false, `{"Company":"C"}`), `200 [` + missing + `]`},
		{
			"§4.1 allOrNone: the culprit has its own code, the others are rolled back", "POST /composite/sobjects", collection(true, `{"LastName":"R","Company":"C"}`, `{"Company":"C"}`),
			`200 [` + rolledBack + `,` + missing + `]`,
		},
		{"§4.1 allOrNone: nothing is stored", "GET /query?q=SELECT+COUNT()+FROM+Lead+WHERE+LastName='R'", "", `200 {"totalSize":0,"done":true,"records":[]}`},
		{"§4.1 update by id, 15 or 18 characters", "PATCH /composite/sobjects", collection(false, `{"id":"$c1","FirstName":"F"}`, `{"id":"$c2","FirstName":"G"}`), `200 [{"id":"$c1","success":true,"errors":[]},{"id":"$c2","success":true,"errors":[]}]`},
		{"§4.1 update without an id", "PATCH /composite/sobjects", collection(false, `{"FirstName":"F"}`), `200 [{"success":false,"errors":[{"statusCode":"MISSING_ARGUMENT","message":"Id not specified in an update call","fields":[]}]}]`},
		{"§4.1 update of a malformed id", "PATCH /composite/sobjects", collection(false, `{"id":"001RM000003oLrB000","FirstName":"F"}`), `200 [{…"success":false,"errors":[{"statusCode":"MALFORMED_ID","message":"malformed id 001RM000003oLrB000","fields":[]}]}]`},
		{"§4.1 update of an id that is not there", "PATCH /composite/sobjects", collection(false, `{"id":"00Q000000000001EAA","FirstName":"F"}`), `200 [{…"success":false,"errors":[{"statusCode":"INVALID_CROSS_REFERENCE_KEY","message":"invalid cross reference id","fields":[]}]}]`},
		{
			"§4.1 upsert: created true and false", "PATCH /composite/sobjects/Lead/Ext__c", collection(false, `{"Ext__c":"c1","LastName":"A"}`, `{"Ext__c":"c9","LastName":"A","Company":"C"}`),
			`200 [{"id":"$c1","success":true,"errors":[],"created":false},{"id":"<id>","success":true,"errors":[],"created":true}]`,
		},
		{
			"§4.1 the same key twice: both fail", "PATCH /composite/sobjects/Lead/Ext__c", collection(false, `{"Ext__c":"d1","LastName":"A","Company":"C"}`, `{"Ext__c":"D1","LastName":"B","Company":"C"}`, `{"Ext__c":"d2","LastName":"B","Company":"C"}`),
			`200 [{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"Duplicate external id specified: d1","fields":[…]}]},{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"Duplicate external id specified: …","fields":[…]}]},{"id":"<id>",…"created":true}]`,
		},
		{"§4.1 a blank key", "PATCH /composite/sobjects/Lead/Ext__c", collection(false, `{"Ext__c":null,"LastName":"A","Company":"C"}`), `200 [{"success":false,"errors":[{"statusCode":"MISSING_ARGUMENT","message":"Ext__c not specified","fields":[…]}]}]`},
		{"§4.1 no key at all", "PATCH /composite/sobjects/Lead/Ext__c", collection(false, `{"LastName":"A","Company":"C"}`), `200 [{"success":false,"errors":[{"statusCode":"MISSING_ARGUMENT","message":"Ext__c not specified","fields":[…]}]}]`},
		{"§4.1 by e-mail address: created", "PATCH /composite/sobjects/Contact/Email", `{"records":[{"attributes":{"type":"Contact"},"Email":"x@example.com","LastName":"A"}]}`, `200 [{"id":"<id:x1>","success":true,"errors":[],"created":true}]`},
		{"§4.1 by e-mail address: found", "PATCH /composite/sobjects/Contact/Email", `{"records":[{"attributes":{"type":"Contact"},"Email":"X@example.com","LastName":"A"}]}`, `200 [{"id":"$x1","success":true,"errors":[],"created":false}]`},
		{"§4.1 by e-mail address: another with it", "POST /sobjects/Contact", `{"Email":"x@example.com","LastName":"B"}`, `201 {"id":"<id:x2>",…}`},
		{
			"§4.1 several matches: DUPLICATE_EXTERNAL_ID with label and ids", "PATCH /composite/sobjects/Contact/Email", `{"records":[{"attributes":{"type":"Contact"},"Email":"x@example.com","LastName":"A"}]}`,
			`200 [{"success":false,"errors":[{"statusCode":"DUPLICATE_EXTERNAL_ID","message":"Email: more than one record found for external id field: [$x1, $x2]","fields":[…]}]}]`,
		},
		{"§4.1 through Id with a null Id: created (real)", "PATCH /composite/sobjects/Account/Id", `{"records":[{"attributes":{"type":"Account"},"Id":null,"Name":"N"}]}`, `200 [{"id":"<id>","success":true,"errors":[],"created":true}]`},
		{"§4.1 a wrong field kills the request", "POST /composite/sobjects", collection(false, `{"LastName":"K","Company":"C"}`, `{"LastName":"K","Company":"C","Emial":"x"}`), `400 [{"message":"No such column 'Emial' on sobject of type Lead","errorCode":"INVALID_FIELD"}]`},
		{"§4.1 a wrong date kills the request", "POST /composite/sobjects", collection(false, `{"LastName":"K","Company":"C"}`, `{"LastName":"K","Company":"C","Day__c":"x"}`), `400 [{"message":"Cannot deserialize instance of date from VALUE_STRING value x …","errorCode":"JSON_PARSER_ERROR"}]`},
		{"§4.1 after that nothing is stored", "GET /query?q=SELECT+COUNT()+FROM+Lead+WHERE+LastName='K'", "", `200 {"totalSize":0,"done":true,"records":[]}`},
		{"§4.1 201 records", "POST /composite/sobjects", collection(false, many...), `400 [{"message":"record limit reached. cannot submit more than 200 records into this call","errorCode":"EXCEEDED_ID_LIMIT"}]`},
		{"§4.1 no records (real)", "POST /composite/sobjects", `{"records":[]}`, `400 [{"message":"At least 1 record is required","errorCode":"REQUIRED_FIELD_MISSING"}]`},
		{"§4.1 without attributes", "POST /composite/sobjects", `{"records":[{"LastName":"A"}]}`, `400 [{…}]`},
		{"§4.1 records of two objects", "POST /composite/sobjects", mixed("Lead", "Account"), `200 [{"id":"00Q…"…},{"id":"001…"…}]`},
		{"§4.1 more than ten chunks", "POST /composite/sobjects", mixed("Lead", "Account", "Lead", "Account", "Lead", "Account", "Lead", "Account", "Lead", "Account", "Lead"), `400 [{…}]`},
		{
			"§4.1 retrieve: null in the place of what is not there", "GET /composite/sobjects/Lead?ids=$c1,00Q000000000001EAA,$c2&fields=Id,FirstName", "",
			`200 [{"attributes":{"type":"Lead","url":"/services/data/v66.0/sobjects/Lead/$c1"},"Id":"$c1","FirstName":"F"},null,{…"Id":"$c2","FirstName":"G"}]`,
		},
		{"§4.1 retrieve by POST", "POST /composite/sobjects/Lead", `{"ids":["$c2"],"fields":["Id"]}`, `200 [{…"Id":"$c2"}]`},
		{"§4.1 delete, one of them not there", "DELETE /composite/sobjects?ids=$c1,00Q000000000001EAA&allOrNone=false", "", `200 [{"id":"$c1","success":true,"errors":[]},{…"success":false,"errors":[{"statusCode":"…","message":"…","fields":[]}]}]`},
		{"App. B deleted ones are null", "GET /composite/sobjects/Lead?ids=$c1&fields=Id", "", `200 [null]`},
		{"§4.1 delete all or none", "DELETE /composite/sobjects?ids=$c2,$c1&allOrNone=true", "", `200 [{…"success":false,"errors":[{"statusCode":"ALL_OR_NONE_OPERATION_ROLLED_BACK"…},{…"success":false,"errors":[{"statusCode":"ENTITY_IS_DELETED","message":"entity is deleted","fields":[]}]}]`},
		{"§4.1 after that it is still there", "GET /sobjects/Lead/$c2?fields=Id", "", `200 {…"Id":"$c2"}`},

		{"§4.2 setup: a parent", "POST /sobjects/Account", `{"Name":"Acme","ERP_Id__c":"A-1"}`, `201 {"id":"<id:acme>",…}`},
		{"§4.2 a standard relation by external id", "POST /sobjects/Contact", `{"LastName":"A","Account":{"ERP_Id__c":"a-1"}}`, `201 {"id":"<id:contact>",…}`},
		{"§4.2 it is set", "GET /sobjects/Contact/$contact?fields=AccountId", "", `200 {…"AccountId":"$acme"}`},
		{"§4.2 a custom relation by external id, in a collection", "POST /composite/sobjects", collection(false, `{"LastName":"A","Company":"C","Team__r":{"ERP_Id__c":"A-1"}}`), `200 [{"id":"<id>",…}]`},
		{
			"§4.2 a parent that is not there fails its row only", "POST /composite/sobjects", collection(false, `{"LastName":"A","Company":"C","Team__r":{"ERP_Id__c":"A-2"}}`, `{"LastName":"A","Company":"C"}`),
			`200 [{"success":false,"errors":[{"statusCode":"INVALID_FIELD","message":"Foreign key external ID: a-2 not found for field ERP_Id__c in entity Account","fields":[]}]},{"id":"<id>",…}]`,
		},
		{"§4.2 a polymorphic relation with its type inside", "POST /sobjects/Lead", `{` + person + `,"Owner":{"attributes":{"type":"User"},"Username":"$username"}}`, `201 {"id":"<id>",…}`},
		{"§4.2 null unlinks", "PATCH /sobjects/Contact/$contact", `{"AccountId":null}`, `204 -`},
	})
}

// §4.3 The composite family.
func TestConformance04Composite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	const base = "/services/data/v66.0"
	composite := func(allOrNone bool, subs ...string) string {
		return fmt.Sprintf(`{"allOrNone":%t,"compositeRequest":[%s]}`, allOrNone, strings.Join(subs, ","))
	}
	sub := func(ref, method, path, body string) string {
		if body != "" {
			body = `,"body":` + body
		}
		return fmt.Sprintf(`{"method":%q,"url":%q,"referenceId":%q%s}`, method, base+path, ref, body)
	}
	repeat := func(n int, ref, method, path, body string) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = sub(ref+fmt.Sprint(i), method, path, body)
		}
		return out
	}
	upserts := `{"records":[{"attributes":{"type":"Lead"},"Ext__c":"q1","LastName":"A","Company":"C"}]}`
	w.check(t, []fact{
		{
			"§4.3 references between subrequests", "POST /composite", composite(true,
				sub("acc", "POST", "/sobjects/Account", `{"Name":"Acme"}`),
				sub("con", "POST", "/sobjects/Contact", `{"LastName":"A","AccountId":"@{acc.id}"}`),
				sub("q", "GET", "/query?q=SELECT+Account.Name+FROM+Contact+WHERE+Id='@{con.id}'", "")),
			`200 {"compositeResponse":[{"body":{"id":"<id>","success":true,"errors":[]},"httpHeaders":{"Location":"/services/data/v66.0/sobjects/Account/…"},"httpStatusCode":201,"referenceId":"acc"},{…"httpStatusCode":201,"referenceId":"con"},{"body":{"totalSize":1,…"Name":"Acme"…},"httpHeaders":{…},"httpStatusCode":200,"referenceId":"q"}]}`,
		},
		{
			"§4.3 an inner error is an array", "POST /composite", composite(false, sub("x", "GET", "/sobjects/Foo", "")),
			`200 {"compositeResponse":[{"body":[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}],"httpHeaders":{},"httpStatusCode":404,"referenceId":"x"}]}`,
		},
		{
			"§4.3 allOrNone rolls back and says so", "POST /composite", composite(true, sub("a", "POST", "/sobjects/Account", `{"Name":"Gone"}`), sub("b", "POST", "/sobjects/Contact", `{}`)),
			`200 {"compositeResponse":[{"body":[{"…errorCode":"PROCESSING_HALTED"…}],…"httpStatusCode":400,"referenceId":"a"},{"body":[{…"errorCode":"REQUIRED_FIELD_MISSING"…}],…"httpStatusCode":400,"referenceId":"b"}]}`,
		},
		{"§4.3 after that nothing is stored", "GET /query?q=SELECT+COUNT()+FROM+Account+WHERE+Name='Gone'", "", `200 {"totalSize":0,…}`},
		{
			"§4.3 a reference to what failed", "POST /composite", composite(false, sub("a", "POST", "/sobjects/Account", `{}`), sub("b", "POST", "/sobjects/Contact", `{"LastName":"A","AccountId":"@{a.id}"}`)),
			`200 {"compositeResponse":[{…"httpStatusCode":400,"referenceId":"a"},{"body":[{…}],…"httpStatusCode":400,"referenceId":"b"}]}`,
		},
		{"§4.3 five collections", "POST /composite", composite(false, repeat(5, "r", "PATCH", "/composite/sobjects/Lead/Ext__c", upserts)...), `200 {"compositeResponse":[{"body":[{"id":"<id>","success":true,"errors":[],"created":true}],…"referenceId":"r4"}]}`},
		{"§4.3 six collections", "POST /composite", composite(false, repeat(6, "r", "PATCH", "/composite/sobjects/Lead/Ext__c", upserts)...), `400 [{…}]`},
		{"§4.3 twenty-six subrequests", "POST /composite", composite(false, repeat(26, "r", "GET", "/sobjects/Lead", "")...), `400 [{…}]`},
		{"§4.3 a bad reference id fails the request", "POST /composite", composite(false, sub("a-b", "GET", "/sobjects/Lead", "")), `400 [{…}]`},
		{"§4.3 one call, one count", "GET /limits", "", "200\nSforce-Limit-Info: api-usage=<n:before>/<n>\n\n…"},
		{
			"§4.3 batch: hasErrors, statusCode and result", "POST /composite/batch", `{"batchRequests":[{"method":"GET","url":"v66.0/sobjects/Foo"},{"method":"POST","url":"v66.0/sobjects/Account","richInput":{"Name":"B"}}]}`,
			`200 {"hasErrors":true,"results":[{"statusCode":404,"result":[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]},{"statusCode":201,"result":{"id":"<id>","success":true,"errors":[]}}]}`,
		},
		{
			"§4.3 batch: haltOnError", "POST /composite/batch", `{"haltOnError":true,"batchRequests":[{"method":"GET","url":"v66.0/sobjects/Foo"},{"method":"GET","url":"v66.0/limits"}]}`,
			`200 {"hasErrors":true,"results":[{"statusCode":404,…},{"statusCode":412,"result":[{…"errorCode":"BATCH_PROCESSING_HALTED"…}]}]}`,
		},
		{
			"§4.3 tree: 201 with references and ids", "POST /composite/tree/Account", `{"records":[{"attributes":{"type":"Account","referenceId":"a1"},"Name":"T","Contacts":{"records":[{"attributes":{"type":"Contact","referenceId":"c1"},"LastName":"A"}]}}]}`,
			`201 {"hasErrors":false,"results":[{"referenceId":"a1","id":"<id:tree>"},{"referenceId":"c1","id":"<id:leaf>"}]}`,
		},
		{"§4.3 tree: children have their parent", "GET /sobjects/Contact/$leaf?fields=AccountId", "", `200 {…"AccountId":"$tree"}`},
		{
			"§4.3 tree: 400 and nothing stored", "POST /composite/tree/Account", `{"records":[{"attributes":{"type":"Account","referenceId":"a1"},"Name":"TreeGone"},{"attributes":{"type":"Account","referenceId":"a2"}}]}`,
			`400 {"hasErrors":true,"results":[{"referenceId":"a2","errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [Name]","fields":["Name"]}]}]}`,
		},
		{"§4.3 tree: nothing was stored", "GET /query?q=SELECT+COUNT()+FROM+Account+WHERE+Name='TreeGone'", "", `200 {"totalSize":0,…}`},
		{
			"§4.3 graph: each all or nothing", "POST /composite/graph", `{"graphs":[{"graphId":"g1","compositeRequest":[` + sub("a", "POST", "/sobjects/Account", `{"Name":"G1"}`) + `,` + sub("b", "POST", "/sobjects/Contact", `{"LastName":"A","AccountId":"@{a.id}"}`) + `]},{"graphId":"g2","compositeRequest":[` + sub("a", "POST", "/sobjects/Account", `{"Name":"G2"}`) + `,` + sub("b", "POST", "/sobjects/Contact", `{}`) + `]}]}`,
			`200 {"graphs":[{"graphId":"g1","graphResponse":{"compositeResponse":[…]},"isSuccessful":true},{"graphId":"g2","graphResponse":{"compositeResponse":[…]},"isSuccessful":false}]}`,
		},
		{"§4.3 graph: one is stored, the other not", "GET /query?q=SELECT+Name+FROM+Account+WHERE+Name+LIKE+'G_'", "", `200 {"totalSize":1,…"Name":"G1"}]}`},
	})
}

// App. A2 Composite with collections.
func TestConformance04CompositeHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.check(t, []fact{
		{"A2 headers of the outer request do nothing, those of a subrequest count", "POST /composite\nSforce-Auto-Assign: FALSE", `{"compositeRequest":[{"method":"POST","url":"/services/data/v66.0/sobjects/Lead","referenceId":"a","body":{` + person + `},"httpHeaders":{"Sforce-Auto-Assign":"FALSE"}}]}`, `200 {…"httpStatusCode":201…}`},
		{"§4.3 a subrequest must not carry Authorization", "POST /composite", `{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits","referenceId":"a","httpHeaders":{"Authorization":"Bearer x"}}]}`, `400 [{…}]`},
		{
			"A2 a collection's allOrNone is its own", "POST /composite", `{"allOrNone":false,"compositeRequest":[{"method":"POST","url":"/services/data/v66.0/composite/sobjects","referenceId":"a","body":{"allOrNone":true,"records":[{"attributes":{"type":"Lead"},` + person + `},{"attributes":{"type":"Lead"}}]}},{"method":"POST","url":"/services/data/v66.0/composite/sobjects","referenceId":"b","body":{"allOrNone":false,"records":[{"attributes":{"type":"Lead"},` + person + `}]}}]}`,
			`200 {"compositeResponse":[{"body":[{"success":false,…}],"httpHeaders":{},"httpStatusCode":200,"referenceId":"a"},{"body":[{"id":"<id>","success":true,"errors":[]}],"httpHeaders":{},"httpStatusCode":200,"referenceId":"b"}]}`,
		},
	})
}
