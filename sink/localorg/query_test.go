package localorg

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fill makes an account with two contacts, an opportunity and a task for one of them, and a lead.
func fill(o *testOrg) (account, contact string) {
	account = o.create("Account", `{"Name":"Acme","Industry":"Energy"}`)
	o.create("Account", `{"Name":"Empty"}`)
	contact = o.create("Contact", `{"LastName":"Ohm","FirstName":"Zoë","Email":"zoe@x.org","AccountId":"`+account+`"}`)
	o.create("Contact", `{"LastName":"Abe","AccountId":"`+account+`","ReportsToId":"`+contact+`"}`)
	o.create("Opportunity", `{"Name":"Deal","StageName":"Prospecting","CloseDate":"2026-12-01","Amount":1200.5,"AccountId":"`+account+`"}`)
	o.create("Task", `{"Subject":"Call","WhoId":"`+contact+`","WhatId":"`+account+`"}`)
	o.create("Lead", `{"LastName":"Volt","Company":"Acme Corp","Email":"volt@acme.example","Phone":"+49 (30) 1234-5"}`)
	return account, contact
}

func (o *testOrg) get(path string, params ...string) reply {
	o.t.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	return o.do("GET", path+"?"+q.Encode(), "")
}

// standard is a Config with the built-in objects.
func standard(c *Config) { c.Schema = nil }

// TestQueryShapes compares whole answers to queries over several objects (REST API guide, Query; recorded shapes).
func TestQueryShapes(t *testing.T) {
	t.Parallel()
	o := newOrg(t, standard)
	account, contact := fill(o)
	record := func(object, id string) string {
		return `"attributes":{"type":"` + object + `","url":"/services/data/v66.0/sobjects/` + object + `/` + id + `"}`
	}
	for _, tt := range []struct{ fact, query, want string }{
		{
			"children, and null without any", "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName LIMIT 1) FROM Account ORDER BY Name",
			`{"totalSize":2,"done":true,"records":[{` + record("Account", "<id>") + `,"Name":"Acme","Contacts":{"totalSize":1,"done":true,"records":[{` + record("Contact", "<id>") + `,"LastName":"Abe"}]}},` +
				`{` + record("Account", "<id>") + `,"Name":"Empty","Contacts":null}]}`,
		},
		{
			"a polymorphic parent", "SELECT Who.Name, What.Type, Owner.Name FROM Task",
			`{"totalSize":1,"done":true,"records":[{` + record("Task", "<id>") + `,"Who":{"attributes":{"type":"Name","url":"/services/data/v66.0/sobjects/Contact/<id>"},"Name":"Zoë Ohm"},` +
				`"What":{"attributes":{"type":"Name","url":"/services/data/v66.0/sobjects/Account/<id>"},"Type":"Account"},"Owner":{"attributes":{"type":"Name","url":"/services/data/v66.0/sobjects/User/<id>"},"Name":"Local Admin"}}]}`,
		},
		{
			"a parent of one object", "SELECT Account.Owner.Profile.Name FROM Contact WHERE LastName = 'ohm'",
			`{"totalSize":1,"done":true,"records":[{` + record("Contact", "<id>") + `,"Account":{` + record("Account", "<id>") + `,"Owner":{` + record("User", "<id>") + `,"Profile":{` + record("Profile", "<id>") + `,"Name":"System Administrator"}}}}]}`,
		},
		{"a count", "SELECT COUNT() FROM Contact", `{"totalSize":2,"done":true,"records":[]}`},
		{
			"groups", "SELECT Account.Name, COUNT(Id) FROM Contact GROUP BY Account.Name HAVING COUNT(Id) > 1",
			`{"totalSize":1,"done":true,"records":[{"attributes":{"type":"AggregateResult"},"Name":"Acme","expr0":2}]}`,
		},
		{
			"sums", "SELECT SUM(Amount) total, CALENDAR_YEAR(CloseDate) y FROM Opportunity GROUP BY CALENDAR_YEAR(CloseDate)",
			`{"totalSize":1,"done":true,"records":[{"attributes":{"type":"AggregateResult"},"total":1200.5,"y":2026}]}`,
		},
	} {
		o.get("/query", "q", tt.query).want(t, 200, tt.want)
	}
	for query, want := range map[string]string{
		"SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Opportunity WHERE Amount > 1000)":               `[{"Name":"Acme"}]`,
		"SELECT Name FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact)":                                   `[{"Name":"Empty"}]`,
		"SELECT Subject FROM Task WHERE WhoId IN (SELECT Id FROM Contact WHERE Email = 'ZOE@x.org')":                 `[{"Subject":"Call"}]`,
		"SELECT Subject FROM Task WHERE What.Type = 'Account' AND Who.Name LIKE 'Zo%'":                               `[{"Subject":"Call"}]`,
		"SELECT ReportsTo.ReportsTo.Name, ReportsTo.LastName FROM Contact WHERE ReportsTo.Account.Name = 'ACME'":     `[{"ReportsTo":{"LastName":"Ohm","ReportsTo":null,"attributes":{"type":"Contact","url":"/services/data/v66.0/sobjects/Contact/` + contact + `"}}}]`,
		"SELECT Owner.Profile.Name FROM Task WHERE Owner.Profile.Name LIKE 'system%' AND Owner.UserRole.Name = null": `[{"Owner":{"Profile":{"Name":"System Administrator"…`,
		"SELECT TYPEOF What WHEN Account THEN Industry, Name WHEN Opportunity THEN Amount END FROM Task":             `[{"What":{"Industry":"Energy","Name":"Acme","attributes":{"type":"Account","url":"/services/data/v66.0/sobjects/Account/` + account + `"}}}]`,
	} {
		got := o.query(query)
		if prefix, cut := strings.CutSuffix(want, "…"); cut && strings.HasPrefix(got, prefix) {
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", query, d)
		}
	}
}

// TestQueryInComposite: the address of a subrequest may have blanks in it (recorded).
func TestQueryInComposite(t *testing.T) {
	t.Parallel()
	o := newOrg(t, standard)
	fill(o)
	o.do("POST", "/composite", `{"compositeRequest":[{"referenceId":"a","method":"GET","url":"/services/data/v66.0/query/?q=select count() from Account"},{"referenceId":"b","method":"GET","url":"/services/data/v66.0/query?q=SELECT+Name,+(SELECT+Id+FROM+Opportunities)+FROM+Account+WHERE+Name+=+'Empty'"}]}`).want(t, 200,
		`{"compositeResponse":[{"body":{"totalSize":2,"done":true,"records":[]},"httpHeaders":{},"httpStatusCode":200,"referenceId":"a"},`+
			`{"body":{"totalSize":1,"done":true,"records":[{"attributes":{"type":"Account","url":"/services/data/v66.0/sobjects/Account/<id>"},"Name":"Empty","Opportunities":null}]},"httpHeaders":{},"httpStatusCode":200,"referenceId":"b"}]}`)
}

// TestChildNames reads every child relationship that the standard objects are asked for by (describe's
// childRelationships, recorded).
func TestChildNames(t *testing.T) {
	t.Parallel()
	o := newOrg(t, standard)
	for parent, names := range map[string]string{
		"Account":     "Contacts Opportunities Cases ChildAccounts Tasks Events",
		"Contact":     "Cases CampaignMembers Opportunities OpportunityContactRoles Tasks Events Users",
		"Lead":        "CampaignMembers Tasks Events",
		"Campaign":    "CampaignMembers ChildCampaigns Opportunities",
		"Opportunity": "OpportunityContactRoles Tasks Events",
		"Case":        "Cases Tasks Events",
	} {
		for name := range strings.FieldsSeq(names) {
			o.get("/query", "q", "SELECT Id, (SELECT Id FROM "+name+") FROM "+parent).want(t, 200, `{"totalSize":0,"done":true,"records":[]}`)
		}
	}
}

// TestSystemObjects sends the queries that clients make by themselves.
func TestSystemObjects(t *testing.T) {
	t.Parallel()
	o := newOrg(t, func(c *Config) { c.Schema = leadSchema() })
	for _, tt := range []struct{ query, want string }{
		{"SELECT QualifiedApiName, Label, KeyPrefix, IsQueryable FROM EntityDefinition WHERE QualifiedApiName IN ('lead', 'Organization') ORDER BY QualifiedApiName", `[{"IsQueryable":true,"KeyPrefix":"00Q","Label":"Lead","QualifiedApiName":"Lead"},{"IsQueryable":true,"KeyPrefix":"00D","Label":"Organization","QualifiedApiName":"Organization"}]`},
		{
			"SELECT Id, DurableId, Length, DataType, EntityDefinition.QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Lead' AND QualifiedApiName = 'Company'",
			`[{"DataType":"Text(255)","DurableId":"Lead.Company","EntityDefinition":{"QualifiedApiName":"Lead","attributes":{"type":"EntityDefinition","url":"/services/data/v66.0/sobjects/EntityDefinition/Lead"}},"Id":"000000000000000AAA","Length":255}]`,
		},
		{"SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinitionId = 'Lead' AND QualifiedApiName LIKE 'Ext%'", `[{"QualifiedApiName":"Ext__c"}]`},
		{"SELECT Name, UserType FROM Profile", `[{"Name":"System Administrator","UserType":"Standard"}]`},
		{"SELECT Username, Profile.Name, UserRole.Name FROM User", `[{"Profile":{"Name":"System Administrator"…`},
		{"SELECT Id FROM UserRole", `[]`},
		{"SELECT Assignee.Name, PermissionSet.IsOwnedByProfile, PermissionSet.Profile.Name FROM PermissionSetAssignment", `[{"Assignee":{"Name":"Local Admin"…`},
		{"SELECT Id, Name, SobjectType FROM AssignmentRule", `[]`},
		{"SELECT Id, Address FROM OrgWideEmailAddress", `[]`},
		{"SELECT COUNT(Id) n FROM EntityDefinition WHERE IsCustomizable = true AND QualifiedApiName = 'Lead'", `[{"n":1}]`},
		{
			"SELECT (SELECT QualifiedApiName FROM Fields WHERE QualifiedApiName = 'Email') FROM EntityDefinition WHERE QualifiedApiName = 'Lead'",
			`[{"Fields":{"done":true,"records":[{"QualifiedApiName":"Email"…`,
		},
	} {
		got := o.query(tt.query)
		if prefix, cut := strings.CutSuffix(tt.want, "…"); cut {
			got = strings.NewReplacer(`"attributes":{`, "\x00").Replace(got)
			for i := strings.IndexByte(got, 0); i >= 0; i = strings.IndexByte(got, 0) {
				end := strings.IndexByte(got[i:], '}')
				got = strings.TrimSuffix(got[:i], ",") + got[i+end+1:]
			}
			if !strings.HasPrefix(got, prefix) {
				t.Errorf("%s: got %s, want %s", tt.query, got, tt.want)
			}
			continue
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", tt.query, d)
		}
	}
	o.get("/tooling/query", "q", "SELECT QualifiedApiName FROM EntityDefinition WHERE DurableId = 'Lead'").want(t, 200,
		`{"totalSize":1,"done":true,"records":[{"attributes":{"type":"EntityDefinition","url":"/services/data/v66.0/tooling/sobjects/EntityDefinition/Lead"},"QualifiedApiName":"Lead"}]}`)
	o.do("GET", "/tooling/sobjects", "").want(t, 200, `{"encoding":"UTF-8","maxBatchSize":200,"sobjects":[{"activateable":false…`)
	if r := o.do("GET", "/tooling/sobjects/FieldDefinition/describe", ""); r.status != 200 || !strings.Contains(r.body, `"name":"EntityDefinitionId"`) {
		t.Errorf("describe of FieldDefinition: %d %.200s", r.status, r.body)
	}
	if r := o.do("GET", "/sobjects/entitydefinition/describe", ""); r.status != 200 || !strings.Contains(r.body, `"name":"QualifiedApiName"`) {
		t.Errorf("describe of EntityDefinition: %d %.200s", r.status, r.body)
	}
	o.do("POST", "/sobjects/EntityDefinition", "{}").want(t, 405, `[{"message":"HTTP Method 'POST' not allowed…`)
	o.do("GET", "/sobjects/EntityDefinition/Lead", "").want(t, 404, `[{"errorCode":"NOT_FOUND"…`)
	o.do("GET", "/tooling/sobjects/Nothing/describe", "").want(t, 404, `[{"errorCode":"NOT_FOUND"…`)
	o.do("GET", "/tooling/nothing", "").want(t, 404, `[{"errorCode":"NOT_FOUND"…`)
}

// TestColumnMetadata compares the keys with those that were recorded, and what the columns say.
func TestColumnMetadata(t *testing.T) {
	t.Parallel()
	o := newOrg(t, standard)
	r := o.get("/query", "columns", "true", "q", "SELECT Id, Name, Owner.Name, Owner.Profile.Name, (SELECT Email FROM Contacts) FROM Account")
	col := func(aggregate bool, apex, name, join string, text bool) string {
		insertable := apex == "String" && name == "Name" && join == ""
		return fmt.Sprintf(`{"aggregate":%t,"apexType":%q,"booleanType":false,"columnName":%q,"custom":false,"displayName":%q,"foreignKeyName":%s,"insertable":%t,"joinColumns":[%s],"numberType":false,"textType":%t,"updatable":%t}`,
			aggregate, apex, name, name, map[bool]string{true: `"Owner"`, false: "null"}[name == "Owner"], insertable, join, text, insertable)
	}
	read := func(s string) string {
		return strings.NewReplacer(`"insertable":true`, `"insertable":_`, `"insertable":false`, `"insertable":_`, `"updatable":true`, `"updatable":_`, `"updatable":false`, `"updatable":_`).Replace(s)
	}
	profile := strings.Replace(col(false, "SObject", "Profile", col(false, "String", "Name", "", true), false), `"Profile","foreignKeyName":null`, `"Profile","foreignKeyName":"Profile"`, 1)
	want := `{"columnMetadata":[` + strings.Join([]string{
		col(false, "Id", "Id", "", true), col(false, "String", "Name", "", true),
		col(false, "SObject", "Owner", col(false, "String", "Name", "", true)+","+profile, false),
		col(true, "SObject", "Contacts", col(false, "String", "Email", "", true), false),
	}, ",") + `],"entityName":"Account","groupBy":false,"idSelected":true,"keyPrefix":"001"}`
	if d := cmp.Diff(read(want), read(r.body)); d != "" || r.status != 200 {
		t.Errorf("%d -want +got\n%s", r.status, d)
	}
	o.get("/query", "columns", "TRUE", "q", "SELECT Industry, COUNT(Id), MAX(CreatedDate) last FROM Account GROUP BY Industry").want(t, 200,
		`{"columnMetadata":[{"aggregate":false,"apexType":"String","booleanType":false,"columnName":"Industry","custom":false,"displayName":"Industry","foreignKeyName":null,"insertable":true,"joinColumns":[],"numberType":false,"textType":true,"updatable":true},`+
			`{"aggregate":true,"apexType":"Integer","booleanType":false,"columnName":"expr0","custom":false,"displayName":"COUNT(Id)","foreignKeyName":null,"insertable":false,"joinColumns":[],"numberType":true,"textType":false,"updatable":false},`+
			`{"aggregate":true,"apexType":"Datetime","booleanType":false,"columnName":"last","custom":false,"displayName":"MAX(CreatedDate)","foreignKeyName":null,"insertable":false,"joinColumns":[],"numberType":false,"textType":false,"updatable":false}],"entityName":"Account","groupBy":true,"idSelected":false,"keyPrefix":"001"}`)
	o.get("/query", "columns", "true", "q", "SELECT Foo FROM Account").want(t, 400, `[{"message":"\nSELECT Foo FROM Account…`)
}

func TestExplain(t *testing.T) {
	t.Parallel()
	o := newOrg(t, standard)
	fill(o)
	o.get("/query", "explain", "SELECT Id FROM Contact WHERE Email = 'a@b.c'").want(t, 200, `{"plans":[{"cardinality":1,"fields":[],"leadingOperationType":"Index","notes":[],"relativeCost":0,"sobjectCardinality":2,"sobjectType":"Contact"}],"sourceQuery":"SELECT Id FROM Contact WHERE Email = 'a@b.c'"}`)
	o.get("/query", "explain", "SELECT Id FROM Account WHERE Industry = 'x'").want(t, 200, `{"plans":[{"cardinality":2,"fields":[],"leadingOperationType":"TableScan"…`)
	o.get("/query", "explain", "SELECT Id FROM EntityDefinition").want(t, 200, `{"plans":[{"cardinality":0…`)
	o.get("/query", "explain", "nonsense").want(t, 400, `[{"message":"\nnonsense\n^\nERROR at Row:1:Column:1\nunexpected token: 'nonsense'","errorCode":"MALFORMED_QUERY"}]`)
}

// TestLocators: a cursor lives for two days of the org's clock, through /query and /queryAll, with its first answer's data.
func TestLocators(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	o := newOrg(t, func(c *Config) { c.Now = func() time.Time { return now } })
	for range 3 {
		var recs []string
		for i := range 200 {
			recs = append(recs, fmt.Sprintf(`{"attributes":{"type":"Lead"},"LastName":"L%d","Company":"C"}`, i))
		}
		if r := o.do("POST", "/composite/sobjects", `{"records":[`+strings.Join(recs, ",")+`]}`); r.status != 200 {
			t.Fatal(r.body)
		}
	}
	type answer struct {
		TotalSize      int
		Done           bool
		NextRecordsURL string
		Records        []map[string]any
	}
	fetch := func(path string) (a answer) {
		t.Helper()
		r := o.do("GET", path, "", "Sforce-Query-Options", "batchSize=1") // a hint below the least
		if r.status != 200 || json.Unmarshal([]byte(r.body), &a) != nil {
			t.Fatalf("%s: %d %.200s", path, r.status, r.body)
		}
		return a
	}
	first := fetch("/queryAll?q=SELECT+Id+FROM+Lead")
	if first.Done || first.TotalSize != 600 || len(first.Records) != 200 || !strings.HasPrefix(first.NextRecordsURL, v66+"/query/01g") {
		t.Fatalf("%+v", first)
	}
	o.token = o.Credentials().AccessToken
	second := fetch(first.NextRecordsURL)
	again := fetch(strings.Replace(first.NextRecordsURL, "/query/", "/queryAll/", 1))
	if d := cmp.Diff(second, again); d != "" || len(second.Records) != 200 || second.Done {
		t.Errorf("/query and /queryAll differ: %s", d)
	}
	third := fetch(second.NextRecordsURL)
	if !third.Done || len(third.Records) != 200 || third.NextRecordsURL != "" {
		t.Errorf("the last page: done %t, %d records", third.Done, len(third.Records))
	}
	const wrong = `[{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}]`
	id, _, _ := strings.Cut(strings.TrimPrefix(first.NextRecordsURL, v66), "-")
	for _, locator := range []string{id + "-0", id + "-1", id + "-199", id + "-600", id + "--200", id, id + "-x"} {
		o.do("GET", locator, "").want(t, 400, wrong)
	}
	now = now.Add(49 * time.Hour)
	token := o.do("POST", "/services/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {o.Credentials().ClientID}, "client_secret": {o.Credentials().ClientSecret},
	}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	var login struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(token.body), &login); err != nil {
		t.Fatal(err)
	}
	o.token = login.AccessToken
	o.do("GET", first.NextRecordsURL, "").want(t, 400, wrong)
}

// TestSearch looks for words in /search and /parameterizedSearch (REST API guide, Search, Parameterized Search).
func TestSearch(t *testing.T) {
	t.Parallel()
	o := newOrg(t, standard)
	fill(o)
	deleted := o.create("Account", `{"Name":"Acme Gone"}`)
	o.do("DELETE", "/sobjects/Account/"+deleted, "").want(t, 204, "")
	record := func(object, values string) string {
		return `{"attributes":{"type":"` + object + `","url":"/services/data/v66.0/sobjects/` + object + `/<id>"},` + values + `}`
	}
	hits := func(records ...string) string { return `{"searchRecords":[` + strings.Join(records, ",") + `]}` }
	for _, tt := range []struct{ fact, find, want string }{
		{"a word, in all objects", "FIND {acme}", hits(record("Account", `"Id":"<id>"`), record("Lead", `"Id":"<id>"`))},
		{"in the order of RETURNING, with fields", "FIND {ACME} RETURNING Lead(Company), Account(Name, Industry)", hits(record("Lead", `"Company":"Acme Corp"`), record("Account", `"Name":"Acme","Industry":"Energy"`))},
		{"with parents", "FIND {zoë} RETURNING Contact(Account.Name)", hits(record("Contact", `"Account":`+record("Account", `"Name":"Acme"`)))},
		{"in e-mail fields", "FIND {volt@acme.example} IN EMAIL FIELDS RETURNING Lead(Email)", hits(record("Lead", `"Email":"volt@acme.example"`))},
		{"in phone fields", "FIND {1234} IN PHONE FIELDS RETURNING Lead", hits(record("Lead", `"Id":"<id>"`))},
		{"in name fields", "FIND {acme} IN NAME FIELDS RETURNING Lead, Account", hits(record("Account", `"Id":"<id>"`))},
		{"both words", "FIND {acme corp} RETURNING Lead(Company), Account", hits(record("Lead", `"Company":"Acme Corp"`))},
		{"without a word", "FIND {acme AND NOT corp} RETURNING Lead(Company), Account(Name)", hits(record("Account", `"Name":"Acme"`))},
		{"wildcards", "FIND {ac?e AND cor*} RETURNING Lead(Company)", hits(record("Lead", `"Company":"Acme Corp"`))},
		{"with a condition", "FIND {acme OR empty} RETURNING Account(Name WHERE Name != 'Acme' ORDER BY Name DESC LIMIT 5)", hits(record("Account", `"Name":"Empty"`))},
		{"with a limit over all", "FIND {acme} LIMIT 1", hits(record("Account", `"Id":"<id>"`))},
		{"nothing", "FIND {nowhere}", hits()},
	} {
		t.Run(tt.fact, func(t *testing.T) { o.get("/search", "q", tt.find).want(t, 200, tt.want) })
	}
	for find, want := range map[string]string{
		"FIND acme":                             `[{"message":"No search term found. The search term must be enclosed in braces.","errorCode":"MALFORMED_SEARCH"}]`,
		"FIND {a}":                              `[{"message":"search term must be longer than one character: a","errorCode":"INVALID_SEARCH"}]`,
		"FIND {acme} RETURNING Nothing":         `[{"message":"\nFIND {acme} RETURNING Nothing\n                      ^\nERROR at Row:1:Column:23\nsObject type 'Nothing' is not supported.…`,
		"FIND {acme} RETURNING Lead(Foo)":       `[{"message":"\nFIND {acme} RETURNING Lead(Foo)\n                           ^\nERROR at Row:1:Column:28\nNo such column 'Foo' on entity 'Lead'.…`,
		"FIND {acme} RETURNING Organization":    `[{"message":"\nFIND {acme} RETURNING Organization\n                      ^\nERROR at Row:1:Column:23\nentity type Organization does not support search","errorCode":"INVALID_SEARCH"}]`,
		"FIND {acme} RETURNING Lead(COUNT(Id))": `[{"message":"\nFIND {acme}…`,
	} {
		o.get("/search", "q", find).want(t, 400, want)
	}
	o.get("/parameterizedSearch", "q", "acme", "sobject", "Account", "Account.fields", "name,industry", "Account.limit", "5", "sobject", "Lead", "Lead.where", "Company LIKE 'x%'").want(t, 200,
		hits(record("Account", `"Name":"Acme","Industry":"Energy"`)))
	o.get("/parameterizedSearch", "q", "acme", "fields", "Name", "overallLimit", "1").want(t, 200, hits(record("Account", `"Name":"Acme"`)))
	o.do("POST", "/parameterizedSearch", `{"q":"zoe@x.org","in":"EMAIL","fields":["Id","firstName"],"sobjects":[{"name":"Contact","limit":10},{"fields":["Id"],"name":"Lead"}]}`).want(t, 200,
		hits(record("Contact", `"Id":"<id>","FirstName":"Zoë"`)))
	o.do("POST", "/parameterizedSearch", `{"q":"acme","sobjects":[{"name":"Account","fields":["Id"],"where":"Name = 'x') OR (Id != null"}]}`).want(t, 400, `[{"message":"\nSELECT Id FROM Account WHERE Name = 'x') OR (Id…`)
	o.do("POST", "/parameterizedSearch", `{"sobjects":[]}`).want(t, 400, `[{"message":"No search term found: the parameter q is missing.","errorCode":"MALFORMED_SEARCH"}]`)
	o.do("POST", "/parameterizedSearch", `{"q":"acme","in":"SOME"}`).want(t, 400, `[{"message":"in has to be ALL, NAME, EMAIL, PHONE or SIDEBAR","errorCode":"MALFORMED_SEARCH"}]`)
	o.do("POST", "/parameterizedSearch", `nonsense`).want(t, 400, `[{"message":"the body of a search…`)
	o.do("POST", "/search", `{}`).want(t, 405, `[{"message":"HTTP Method 'POST' not allowed…`)
	o.do("DELETE", "/parameterizedSearch", ``).want(t, 405, `[{"message":"HTTP Method 'DELETE' not allowed…`)
	o.do("GET", "/search/layout", ``).want(t, 404, `[{"errorCode":"NOT_FOUND"…`)
}

// TestManyGroups: an answer of groups cannot be had in pages (Salesforce's words).
func TestManyGroups(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	for b := range 11 {
		var recs []string
		for i := range 200 {
			recs = append(recs, fmt.Sprintf(`{"attributes":{"type":"Lead"},"LastName":"L%d","Company":"C"}`, b*200+i))
		}
		if r := o.do("POST", "/composite/sobjects", `{"records":[`+strings.Join(recs, ",")+`]}`); r.status != 200 {
			t.Fatal(r.body)
		}
	}
	o.get("/query", "q", "SELECT LastName, COUNT(Id) FROM Lead GROUP BY LastName").want(t, 400,
		`[{"message":"Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch","errorCode":"EXCEEDED_ID_LIMIT"}]`)
	o.get("/query", "q", "SELECT LastName, COUNT(Id) FROM Lead GROUP BY LastName LIMIT 2000").want(t, 200, `{"totalSize":2000,"done":true…`)
}
