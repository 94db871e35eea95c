package localorg_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// q is a query as a call.
func q(soql string) string {
	return "GET /query?q=" + strings.ReplaceAll(url.QueryEscape(soql), "%24", "$")
}

// §6 Query.
func TestConformance06Query(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	records := func(n int, values string) string {
		return fmt.Sprintf(`200 {"totalSize":%d,"done":true,"records":[%s]}`, n, values)
	}
	row := func(object, values string) string {
		return `{"attributes":{"type":"` + object + `","url":"/services/data/v66.0/sobjects/` + object + `/<id>"},` + values + `}`
	}
	group := func(values string) string { return `{"attributes":{"type":"AggregateResult"},` + values + `}` }
	w.check(t, []fact{
		{"§6 setup: an account", "POST /sobjects/Account", `{"Name":"Acme","ERP_Id__c":"A1"}`, `201 {"id":"<id:acme>",…}`},
		{
			"§6 setup: contacts", "POST /composite/sobjects", `{"records":[{"attributes":{"type":"Contact"},"LastName":"Alpha","FirstName":"Ann","AccountId":"$acme","Email":"a@example.com"},{"attributes":{"type":"Contact"},"LastName":"beta","AccountId":"$acme"},{"attributes":{"type":"Contact"},"LastName":"Gam%ma_"}]}`,
			`200 [{"id":"<id:alpha>",…},{"id":"<id:beta>",…},{"id":"<id:gamma>",…}]`,
		},
		{
			"§6 setup: leads", "POST /composite/sobjects", collection(false, `{"LastName":"O'Hara","Company":"C","Score__c":1.5,"Day__c":"2026-11-01","Seen__c":"2026-11-01T10:00:00Z","Tags__c":"a;b","Ext__c":"Q1","NumberOfEmployees":5}`, `{"LastName":"Back\\slash","Company":"C","Score__c":2.5,"Ext__c":"Q2","Tags__c":"c","NumberOfEmployees":5}`, `{"LastName":"Plain","Company":"D","Ext__c":"Q3"}`),
			`200 [{"id":"<id:l1>",…},{"id":"<id:l2>",…},{"id":"<id:l3>",…}]`,
		},
		{"§6 attributes with type and url; canonical names whatever the case", q("select id, lastname from CONTACT where id = '$alpha'"), "", records(1, `{"attributes":{"type":"Contact","url":"/services/data/v66.0/sobjects/Contact/$alpha"},"Id":"$alpha","LastName":"Alpha"}`)},
		{"§6 a parent's fields nested with their own attributes", q("SELECT Account.Name FROM Contact WHERE Id = '$alpha'"), "", records(1, row("Contact", `"Account":`+row("Account", `"Name":"Acme"`)))},
		{"§6 no parent is null", q("SELECT Account.Name FROM Contact WHERE Id = '$gamma'"), "", records(1, row("Contact", `"Account":null`))},
		{"§6 two levels up", q("SELECT Account.Owner.Username FROM Contact WHERE Id = '$alpha'"), "", records(1, row("Contact", `"Account":`+row("Account", `"Owner":`+row("User", `"Username":"$username"`))))},
		{
			"§6 children as a query result", q("SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account"), "",
			records(1, row("Account", `"Name":"Acme","Contacts":{"totalSize":2,"done":true,"records":[`+row("Contact", `"LastName":"Alpha"`)+`,`+row("Contact", `"LastName":"beta"`)+`]}`)),
		},
		{"§6 no children is null", q("SELECT Name, (SELECT Id FROM Opportunities) FROM Account"), "", records(1, row("Account", `"Name":"Acme","Opportunities":null`))},
		{"§6 COUNT() has no records", q("SELECT COUNT() FROM Contact"), "", `200 {"totalSize":3,"done":true,"records":[]}`},
		{"§6 COUNT with an alias", q("SELECT COUNT(Id) n FROM Contact"), "", records(1, group(`"n":3`))},
		{"§6 expr0", q("SELECT COUNT(Id), MAX(LastName) FROM Contact"), "", records(1, group(`"expr0":3,"expr1":"Gam%ma_"`))},
		{"§6 GROUP BY and HAVING", q("SELECT Company, COUNT(Id) n, SUM(Score__c) s FROM Lead GROUP BY Company HAVING COUNT(Id) > 1"), "", records(1, group(`"Company":"C","n":2,"s":4.0`))},
		{"§6 text compares without regard to case", q("SELECT Id FROM Contact WHERE LastName = 'ALPHA'"), "", records(1, row("Contact", `"Id":"$alpha"`))},
		{"§6 IN too", q("SELECT Id FROM Contact WHERE LastName IN ('alpha','BETA') ORDER BY LastName"), "", records(2, row("Contact", `"Id":"$alpha"`)+","+row("Contact", `"Id":"$beta"`))},
		{"§6 NOT IN", q("SELECT COUNT() FROM Contact WHERE LastName NOT IN ('alpha')"), "", `200 {"totalSize":2,…}`},
		{"§6 LIKE with % and _", q("SELECT COUNT() FROM Contact WHERE LastName LIKE 'a_p%'"), "", `200 {"totalSize":1,…}`},
		{`§6 LIKE with \% and \_`, q(`SELECT COUNT() FROM Contact WHERE LastName LIKE 'gam\%ma\_'`), "", `200 {"totalSize":1,…}`},
		{"§6 escapes in text", q(`SELECT Id FROM Lead WHERE LastName = 'O\'Hara' OR LastName = 'Back\\slash' ORDER BY Ext__c`), "", records(2, row("Lead", `"Id":"$l1"`)+","+row("Lead", `"Id":"$l2"`))},
		{"§6 another backslash is an error", q(`SELECT Id FROM Lead WHERE LastName = 'a\qb'`), "", `400 [{…"errorCode":"MALFORMED_QUERY"}]`},
		{"§6 = null", q("SELECT COUNT() FROM Lead WHERE Score__c = null"), "", `200 {"totalSize":1,…}`},
		{"§6 and, or, not, brackets", q("SELECT Ext__c FROM Lead WHERE (NOT (Company = 'D')) AND (Score__c > 2 OR Day__c < 2026-11-02) ORDER BY Ext__c DESC"), "", records(2, row("Lead", `"Ext__c":"Q2"`)+","+row("Lead", `"Ext__c":"Q1"`))},
		{"§6 datetime literals", q("SELECT COUNT() FROM Lead WHERE Seen__c >= 2026-11-01T12:00:00+02:00 AND CreatedDate = TODAY AND CreatedDate >= LAST_N_DAYS:2"), "", `200 {"totalSize":1,…}`},
		{"§6 INCLUDES", q("SELECT Ext__c FROM Lead WHERE Tags__c INCLUDES ('a;b','c') ORDER BY Ext__c"), "", records(2, row("Lead", `"Ext__c":"Q1"`)+","+row("Lead", `"Ext__c":"Q2"`))},
		{"§6 ORDER BY with NULLS LAST, LIMIT and OFFSET", q("SELECT Ext__c FROM Lead ORDER BY Score__c DESC NULLS LAST LIMIT 1 OFFSET 2"), "", records(1, row("Lead", `"Ext__c":"Q3"`))},
		{"§6 a semi-join", q("SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName = 'beta')"), "", records(1, row("Account", `"Name":"Acme"`))},
		{"§6 FIELDS(ALL) needs a LIMIT of 200", q("SELECT FIELDS(ALL) FROM Account"), "", `400 [{…}]`},
		{"§6 FIELDS(ALL)", q("SELECT FIELDS(ALL) FROM Account LIMIT 200"), "", `200 {"totalSize":1,…"Name":"Acme"…"ERP_Id__c":"A1"…}`},
		{"§6 objects that clients ask for", q("SELECT Id, Name, OrganizationType, IsSandbox, InstanceName FROM Organization"), "", records(1, row("Organization", `"Id":"$org",…`))},
		{"§6 EntityDefinition", q("SELECT QualifiedApiName, KeyPrefix FROM EntityDefinition WHERE QualifiedApiName = 'Lead'"), "", `200 {"totalSize":1,…"QualifiedApiName":"Lead","KeyPrefix":"00Q"}]}`},
		{"§6 tooling/query", "GET /tooling/query?q=SELECT+QualifiedApiName+FROM+EntityDefinition+WHERE+QualifiedApiName='Visit__c'", "", `200 {…"QualifiedApiName":"Visit__c"…}`},
		{"App. B columns=true", q("SELECT Id, Account.Name FROM Contact") + "&columns=true", "", `200 {"columnMetadata":[{"aggregate":false,"apexType":"Id","booleanType":false,"columnName":"Id","custom":false,"displayName":"Id","foreignKeyName":null,"insertable":…,"joinColumns":[],"numberType":false,"textType":true,"updatable":…},…],"entityName":"Contact","groupBy":false,"idSelected":true,"keyPrefix":"003"}`},

		{"§6 INVALID_FIELD with the place", q("SELECT Emial FROM Lead"), "", `400 [{"message":"\nSELECT Emial FROM Lead\n       ^\nERROR at Row:1:Column:8\nNo such column 'Emial' on entity 'Lead'. …","errorCode":"INVALID_FIELD"}]`},
		{"§6 INVALID_TYPE", q("SELECT Id FROM Nothing__c"), "", `400 [{"message":"…sObject type 'Nothing__c' is not supported. …'__c'…","errorCode":"INVALID_TYPE"}]`},
		{"§6 MALFORMED_QUERY", q("SELECT Id FROM Lead WHERE"), "", `400 [{"message":"…","errorCode":"MALFORMED_QUERY"}]`},
		{"§6 one malformed id fails the query", q("SELECT Id FROM Lead WHERE Id IN ('$l1','abc')"), "", `400 [{"message":"…invalid ID field: abc","errorCode":"INVALID_QUERY_FILTER_OPERATOR"}]`},
		{"§6 OFFSET beyond 2,000", q("SELECT Id FROM Lead OFFSET 2001"), "", `400 [{…}]`},
		{"§6 a long text cannot be filtered", q("SELECT Id FROM Lead WHERE Description = 'x'"), "", `400 [{…"errorCode":"INVALID_FIELD"}]`},
		{"§6 a literal beyond 4,000 characters", "GET /query?q=SELECT+Id+FROM+Lead+WHERE+LastName='" + strings.Repeat("x", 4001) + "'", "", `400 [{…}]`},
		{"§6 no query", "GET /query", "", `400 [{…}]`},
		{"§3 a URI beyond 16,384 bytes", "GET /query?q=" + strings.Repeat("x", 16384), "", `414`},

		{"§6 deleted rows are gone", "DELETE /sobjects/Lead/$l3", "", `204 -`},
		{"§6 deleted rows are gone from query", q("SELECT COUNT() FROM Lead"), "", `200 {"totalSize":2,…}`},
		{"§6 but not from queryAll", "GET /queryAll?q=SELECT+Id,IsDeleted+FROM+Lead+WHERE+IsDeleted=true", "", records(1, row("Lead", `"Id":"$l3","IsDeleted":true`))},
	})
}

// §6 Pages.
func TestConformance06Pages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	for b := range 11 {
		rows := make([]string, 200)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"LastName":"L%04d","Company":"C"}`, b*200+i)
		}
		if status, body, _ := w.call(t, "POST /composite/sobjects", collection(false, rows...)); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	w.check(t, []fact{
		{"§6 2,000 records and an address for the rest", q("SELECT LastName FROM Lead ORDER BY LastName"), "", `200 {"totalSize":2200,"done":false,"nextRecordsUrl":"/services/data/v66.0/query/<id:locator>-2000","records":[{…"LastName":"L0000"},…,{…"LastName":"L1999"}]}`},
		{"§6 the last page has none", "GET /query/$locator-2000", "", `200 {"totalSize":2200,"done":true,"records":[{…"LastName":"L2000"},…,{…"LastName":"L2199"}]}`},
		{"§6 a page again", "GET /query/$locator-2000", "", `200 {"totalSize":2200,"done":true,…}`},
		{"§6 batchSize", q("SELECT LastName FROM Lead ORDER BY LastName") + "\nSforce-Query-Options: batchSize=200", "", `200 {"totalSize":2200,"done":false,"nextRecordsUrl":"/services/data/v66.0/query/<id>-200",…}`},
		{"§6 locators begin with 01g", "GET /query/01g000000000001AAA-2000", "", `400 [{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}]`},
		{"§6 no nonsense either", "GET /query/nonsense", "", `400 [{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}]`},
	})
	if !strings.HasPrefix(w.vars["locator"], "01g") {
		t.Errorf("locator %s", w.vars["locator"])
	}
}

// §6 Search.
func TestConformance06Search(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.check(t, []fact{
		{"§6 setup: a lead", "POST /sobjects/Lead", `{"LastName":"Findable","Company":"Acme","Email":"find@example.com"}`, `201 {"id":"<id:lead>",…}`},
		{"§6 setup: a contact", "POST /sobjects/Contact", `{"LastName":"Findable"}`, `201 {"id":"<id:contact>",…}`},
		{"§6 FIND in e-mail fields", "GET /search?q=" + url.QueryEscape("FIND {find@example.com} IN EMAIL FIELDS RETURNING Lead(Id, Email)"), "", `200 {"searchRecords":[{"attributes":{"type":"Lead","url":"/services/data/v66.0/sobjects/Lead/$lead"},"Id":"$lead","Email":"find@example.com"}]}`},
		{"§6 FIND over several objects", "GET /search?q=" + url.QueryEscape("FIND {Findable} IN NAME FIELDS RETURNING Lead(Id), Contact(Id)"), "", `200 {"searchRecords":[{…"Id":"$lead"},{…"Id":"$contact"}]}`},
		{"§6 nothing found", "GET /search?q=" + url.QueryEscape("FIND {nowhere} RETURNING Lead(Id)"), "", `200 {"searchRecords":[]}`},
		{"§6 parameterizedSearch", "POST /parameterizedSearch", `{"q":"find@example.com","in":"EMAIL","sobjects":[{"name":"Lead","fields":["Id","LastName"],"limit":10}]}`, `200 {"searchRecords":[{…"Id":"$lead","LastName":"Findable"}]}`},
		{"§6 malformed search", "GET /search?q=FIND", "", `400 [{…"errorCode":"MALFORMED_SEARCH"}]`},
	})
}
