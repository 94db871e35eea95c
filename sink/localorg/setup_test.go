package localorg

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"sfsync/mapping/schema"
)

// setupSchema is what administrators set up, and objects that hang together.
func setupSchema(t *testing.T) *schema.Schema {
	t.Helper()
	s, found := schema.Overlay(schema.Standard(), "setup.yaml", []byte(`
objects:
  Lead:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
    queues: [Inbound]
    record_types: [Fair, {name: Web, default: true}]
    assignment_rules: [{name: all, entries: [{owner: Inbound}]}]
  Project__c:
    fields:
      Visits__c: {type: double, summary: {operation: count, object: Visit__c}}
      Number__c: {type: string, autoNumber: true, displayFormat: "P-{0000}"}
  Visit__c:
    fields:
      Project__c: {type: reference, referenceTo: Project__c, masterDetail: true}
      Site__c: {type: reference, referenceTo: Account, restrictedDelete: true}
`))
	if s == nil {
		t.Fatal(found)
	}
	return s
}

func setupOrg(t *testing.T) *testOrg {
	t.Helper()
	return newOrg(t, func(c *Config) { c.Schema = setupSchema(t) })
}

// Headers of the outer request of a /composite do nothing; those of a subrequest count (REST API guide, Composite;
// seen in traces).
func TestAutoAssignInComposite(t *testing.T) {
	t.Parallel()
	o := setupOrg(t)
	send := func(key, outer, inner string) string {
		t.Helper()
		r := o.do("POST", "/composite", `{"compositeRequest":[{"method":"PATCH","url":"/services/data/v66.0/composite/sobjects/Lead/Ext__c","referenceId":"a","httpHeaders":{`+inner+`},`+
			`"body":{"records":[{"attributes":{"type":"Lead"},"Ext__c":"`+key+`","LastName":"L","Company":"C"}]}}]}`, "Sforce-Auto-Assign", outer)
		if r.status != 200 || !strings.Contains(r.body, `"created":true`) {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return o.query("SELECT OwnerId FROM Lead WHERE Ext__c = '" + key + "'")
	}
	const queue, user = `"OwnerId":"00G`, `"OwnerId":"005`
	for _, tt := range []struct{ key, outer, inner, want string }{
		{"a", "FALSE", ``, queue},
		{"b", "TRUE", `"Sforce-Auto-Assign":"false"`, user},
		{"c", "", `"sforce-auto-assign":"TRUE"`, queue},
	} {
		if got := send(tt.key, tt.outer, tt.inner); !strings.Contains(got, tt.want) {
			t.Errorf("outer %q, inner %q: %s, want %s", tt.outer, tt.inner, got, tt.want)
		}
	}
	o.do("POST", "/sobjects/Lead", `{"LastName":"L","Company":"C"}`, "Sforce-Auto-Assign", "perhaps").want(t, 400, `[{"message":"invalid assignment rule id: perhaps","errorCode":"INVALID_CROSS_REFERENCE_KEY"}]`)
}

// soapCall sends a call of the partner API.
func (o *testOrg) soapCall(body string) reply {
	o.t.Helper()
	return o.do("POST", "/services/Soap/u/64.0", `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header><SessionHeader><sessionId>`+o.token+
		`</sessionId></SessionHeader></soapenv:Header><soapenv:Body>`+body+`</soapenv:Body></soapenv:Envelope>`, "SOAPAction", `""`, "Content-Type", "text/xml")
}

// REST has no undelete; SOAP has, and takes the OAuth session.
func TestUndeleteBySOAP(t *testing.T) {
	t.Parallel()
	o := setupOrg(t)
	p := o.create("Project__c", `{"Name":"P"}`)
	v := o.create("Visit__c", `{"Name":"V","Project__c":"`+p+`"}`)
	if r := o.do("DELETE", "/sobjects/Project__c/"+p, ""); r.status != 204 {
		t.Fatalf("delete: %d %s", r.status, r.body)
	}
	o.do("GET", "/sobjects/Visit__c/"+v, "").want(t, 404, `[{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED","fields":[]}]`)
	all := o.do("GET", "/queryAll?q="+url.QueryEscape("SELECT Name, IsDeleted FROM Visit__c"), "")
	if !strings.Contains(all.body, `"Name":"V","IsDeleted":true`) {
		t.Errorf("queryAll: %s", all.body)
	}
	r := o.soapCall(`<undelete xmlns="urn:partner.soap.sforce.com"><ids>` + p[:15] + `</ids><ids>` + v + `</ids><ids>nonsense</ids></undelete>`)
	for _, want := range []string{
		"<undeleteResponse><result><id>" + p + "</id><success>true</success></result>",
		"<result><errors><message>Entity is not in the recycle bin</message><statusCode>UNDELETE_FAILED</statusCode></errors><id>" + v + "</id><success>false</success></result>",
		"<message>malformed id nonsense</message><statusCode>MALFORMED_ID</statusCode>",
	} {
		if r.status != 200 || !strings.Contains(r.body, want) {
			t.Errorf("%d %s\nwant %s", r.status, r.body, want)
		}
	}
	if got := o.query("SELECT Visits__c, Number__c FROM Project__c"); got != `[{"Number__c":"P-0001","Visits__c":1}]` {
		t.Errorf("brought back: %s", got)
	}
	bad := o.soapCall(`<undelete xmlns="urn:partner.soap.sforce.com">` + strings.Repeat("<ids>"+p+"</ids>", 201) + `</undelete>`)
	if bad.status != 500 || !strings.Contains(bad.body, "<sf:exceptionCode>EXCEEDED_ID_LIMIT</sf:exceptionCode>") {
		t.Errorf("201 ids: %d %s", bad.status, bad.body)
	}
}

func TestConvertLeadBySOAP(t *testing.T) {
	t.Parallel()
	o := setupOrg(t)
	lead := o.create("Lead", `{"LastName":"Lovelace","Company":"Engines & Co"}`)
	call := func(more string) reply {
		return o.soapCall(`<convertLead xmlns="urn:partner.soap.sforce.com"><leadConverts>` + more + `<doNotCreateOpportunity>true</doNotCreateOpportunity><leadId>` + lead + `</leadId></leadConverts></convertLead>`)
	}
	if r := call(""); r.status != 500 || !strings.Contains(r.body, "MISSING_ARGUMENT") {
		t.Errorf("without a status: %d %s", r.status, r.body)
	}
	if r := call("<convertedStatus>New</convertedStatus>"); !strings.Contains(r.body, "<statusCode>INVALID_STATUS</statusCode></errors><leadId>"+lead+`</leadId><opportunityId xsi:nil="true"/><success>false</success>`) {
		t.Errorf("with a wrong status: %d %s", r.status, r.body)
	}
	r := call("<convertedStatus>Closed - Converted</convertedStatus>")
	if r.status != 200 || !strings.Contains(r.body, "<convertLeadResponse><result><accountId>001") || !strings.Contains(r.body, "<success>true</success>") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if got := o.query("SELECT IsConverted, ConvertedAccount.Name, ConvertedContact.LastName FROM Lead"); !strings.Contains(got, `"Name":"Engines \u0026 Co"`) || !strings.Contains(got, `"LastName":"Lovelace"`) {
		t.Errorf("the lead is %s", got)
	}
}

// Which records changed or were deleted in a span of time.
func TestReplication(t *testing.T) {
	t.Parallel()
	o := setupOrg(t)
	a, b := o.create("Account", `{"Name":"A"}`), o.create("Account", `{"Name":"B"}`)
	o.do("DELETE", "/sobjects/Account/"+b, "")
	const always = "?start=2020-01-01T00:00:00%2B00:00&end=2100-01-01T00:00:00Z"
	o.do("GET", "/sobjects/Account/updated/"+always, "").want(t, 200, `{"ids":["<id>"],"latestDateCovered":"2100-01-01T00:00:00.000+0000"}`)
	if r := o.do("GET", "/sobjects/Account/updated"+always, ""); !strings.Contains(r.body, a) {
		t.Errorf("updated: %s", r.body)
	}
	r := o.do("GET", "/sobjects/Account/deleted"+always, "")
	if !strings.HasPrefix(r.body, `{"deletedRecords":[{"id":"`+b+`","deletedDate":"`) || !strings.HasSuffix(r.body, `"earliestDateAvailable":"2099-12-17T00:00:00.000+0000","latestDateCovered":"2100-01-01T00:00:00.000+0000"}`) {
		t.Errorf("deleted: %s", r.body)
	}
	o.do("GET", "/sobjects/Account/deleted?start=2021-01-01T00:00:00Z&end=2020-01-01T00:00:00Z", "").want(t, 400,
		`[{"message":"endDate (2020-01-01T00:00:00.000+0000) must be after startDate (2021-01-01T00:00:00.000+0000)","errorCode":"INVALID_REPLICATION_DATE"}]`)
	o.do("GET", "/sobjects/Account/updated?start=yesterday", "").want(t, 400, `[{"message":"start is not a date and time with a zone","errorCode":"INVALID_REPLICATION_DATE"}]`)
}

// Describe tells what was set up.
func TestDescribeSetup(t *testing.T) {
	t.Parallel()
	o := setupOrg(t)
	type describe struct {
		Fields []struct {
			Name, RelationshipName string
			RelationshipOrder      *int
			CascadeDelete          bool
			RestrictedDelete       bool
			AutoNumber, Calculated bool
			Createable, Updateable bool
			Nillable               bool
		}
		ChildRelationships []struct {
			ChildSObject, Field, RelationshipName string
			CascadeDelete, RestrictedDelete       bool
		}
		RecordTypeInfos []struct {
			DeveloperName                               string
			RecordTypeID                                string
			Master, Available, DefaultRecordTypeMapping bool
		}
	}
	read := func(object string) (d describe) {
		t.Helper()
		if err := json.Unmarshal([]byte(o.do("GET", "/sobjects/"+object+"/describe", "").body), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, f := range read("Visit__c").Fields {
		if f.Name == "Project__c" && (f.RelationshipOrder == nil || *f.RelationshipOrder != 0 || !f.CascadeDelete || f.Updateable || f.Nillable || f.RelationshipName != "Project__r") {
			t.Errorf("master-detail: %+v", f)
		}
		if f.Name == "OwnerId" {
			t.Error("a detail has an owner")
		}
	}
	for _, f := range read("Project__c").Fields {
		if f.Name == "Visits__c" && (!f.Calculated || f.Createable || f.Updateable) || f.Name == "Number__c" && (!f.AutoNumber || f.Createable) {
			t.Errorf("computed: %+v", f)
		}
	}
	children := map[string]bool{}
	for _, c := range read("Account").ChildRelationships {
		children[c.ChildSObject+"."+c.Field+" "+c.RelationshipName] = true
		if c.ChildSObject == "Contact" && c.Field == "AccountId" && !c.CascadeDelete || c.ChildSObject == "Visit__c" && !c.RestrictedDelete {
			t.Errorf("child: %+v", c)
		}
	}
	for _, want := range []string{"Contact.AccountId Contacts", "Opportunity.AccountId Opportunities", "Case.AccountId Cases", "Account.ParentId ChildAccounts", "Visit__c.Site__c Visits__r", "Lead.ConvertedAccountId "} {
		if !children[want] {
			t.Errorf("%s is not among the children of Account: %v", want, children)
		}
	}
	types := read("Lead").RecordTypeInfos
	if len(types) != 3 || types[0].DeveloperName != "Fair" || types[0].DefaultRecordTypeMapping || !types[1].DefaultRecordTypeMapping || !types[2].Master || types[2].DefaultRecordTypeMapping {
		t.Errorf("record types: %+v", types)
	}
	if types := read("Contact").RecordTypeInfos; len(types) != 1 || !types[0].Master || !types[0].DefaultRecordTypeMapping || types[0].RecordTypeID != "012000000000000AAA" {
		t.Errorf("record types without any: %+v", types)
	}
}

// A schema with a rule that cannot be compiled is the sender's mistake.
func TestExtendRefused(t *testing.T) {
	t.Parallel()
	o := setupOrg(t)
	o.do("POST", "/_org/extend", `{"source":"x","objects":[{"Name":"Lead","Rules":{"Validation":[{"Name":"r","When":"Titel == 1","Message":"m"}]}}]}`).want(t, 400,
		`[{"message":"extend the local org: validation rule \"r\" of Lead: unknown name Titel (1:1)","errorCode":"INVALID_INPUT"}]`)
}
