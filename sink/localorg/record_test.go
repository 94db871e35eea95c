package localorg

import (
	"strings"
	"testing"
)

// Each case is one rule of the REST API guide, or of a real org's recorded answer, that a
// client can run into when it creates a single Lead.
func TestCreateRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 81)
	tests := []struct{ fact, body, want string }{
		{
			"required fields, all at once, by API name", `{"FirstName":"A"}`,
			`[{"message":"Required fields are missing: [LastName, Company]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName","Company"]}]`,
		},
		{
			"a blank required field is missing", `{"LastName":"  ","Company":"C"}`,
			`[{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]`,
		},
		{
			"unknown field", `{"LastName":"A","Company":"C","Foo__c":1}`,
			`[{"message":"No such column 'Foo__c' on sobject of type Lead","errorCode":"INVALID_FIELD"}]`,
		},
		{
			"too long, with the label, in characters", `{"LastName":"` + long + `","Company":"C"}`,
			`[{"message":"Last Name: data value too large: ` + long + ` (max length=80)","errorCode":"STRING_TOO_LONG","fields":["LastName"]}]`,
		},
		{
			"e-mail", `{"LastName":"A","Company":"C","Email":"a@b"}`,
			`[{"message":"Email: invalid email address: a@b","errorCode":"INVALID_EMAIL_ADDRESS","fields":["Email"]}]`,
		},
		{
			"restricted picklist, with the label", `{"LastName":"A","Company":"C","CleanStatus":"Nope"}`,
			`[{"message":"Clean Status: bad value for restricted picklist field: Nope","errorCode":"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST","fields":["CleanStatus"]}]`,
		},
		{
			"integer digits", `{"LastName":"A","Company":"C","NumberOfEmployees":123456789}`,
			`[{"message":"Employees: value outside of valid range on numeric field: 123456789","errorCode":"NUMBER_OUTSIDE_VALID_RANGE","fields":["NumberOfEmployees"]}]`,
		},
		{
			"precision less scale", `{"LastName":"A","Company":"C","Score__c":1000}`,
			`[{"message":"Score: value outside of valid range on numeric field: 1000","errorCode":"NUMBER_OUTSIDE_VALID_RANGE","fields":["Score__c"]}]`,
		},
		{
			"rounding up leaves the range", `{"LastName":"A","Company":"C","Score__c":999.999}`,
			`[{"message":"Score: value outside of valid range on numeric field: 999.999","errorCode":"NUMBER_OUTSIDE_VALID_RANGE","fields":["Score__c"]}]`,
		},
		{
			"a word for a number", `{"LastName":"A","Company":"C","Score__c":"many"}`,
			`[{"message":"Cannot deserialize instance of double from VALUE_STRING value many or request may be missing a required field at [line:1, column:48]","errorCode":"JSON_PARSER_ERROR"}]`,
		},
		{
			"an infinite number", `{"LastName":"A","Company":"C","Score__c":"Infinity"}`,
			`[{"message":"Cannot deserialize instance of double from VALUE_STRING value Infinity or…`,
		},
		{
			"a fraction for an integer", `{"LastName":"A","Company":"C","NumberOfEmployees":1.5}`,
			`[{"message":"Cannot deserialize instance of int from VALUE_NUMBER_FLOAT value 1.5 or…`,
		},
		{
			"a date that is none", `{"LastName":"A","Company":"C","Seen__c":"31.12.2026"}`,
			`[{"message":"Cannot deserialize instance of datetime from VALUE_STRING value 31.12.2026 or…`,
		},
		{
			"a datetime without a zone", `{"LastName":"A","Company":"C","Seen__c":"2026-11-21T10:00:00"}`,
			`[{"message":"Cannot deserialize instance of datetime from VALUE_STRING value 2026-11-21T10:00:00 or…`,
		},
		{
			"a datetime for a date", `{"LastName":"A","Company":"C","Day__c":"2026-11-21T10:00:00Z"}`,
			`[{"message":"Cannot deserialize instance of date from VALUE_STRING value 2026-11-21T10:00:00Z or…`,
		},
		{
			"a day that does not exist", `{"LastName":"A","Company":"C","Day__c":"2026-02-30"}`,
			`[{"message":"Cannot deserialize instance of date from VALUE_STRING value 2026-02-30 or…`,
		},
		{
			"before Salesforce's calendar", `{"LastName":"A","Company":"C","Day__c":"1600-01-01"}`,
			`[{"message":"Day: invalid date: 1600-01-01","errorCode":"FIELD_INTEGRITY_EXCEPTION","fields":["Day__c"]}]`,
		},
		{
			"a value that a restricted list lacks", `{"LastName":"A","Company":"C","Tags__c":"a;z"}`,
			`[{"message":"Tags: bad value for restricted picklist field: z","errorCode":"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST","fields":["Tags__c"]}]`,
		},
		{
			"an object for a text", `{"LastName":{"a":1},"Company":"C"}`,
			`[{"message":"Cannot deserialize instance of string from START_OBJECT value { or…`,
		},
		{
			"null for a checkbox", `{"LastName":"A","Company":"C","DoNotCall":null}`,
			`[{"message":"Do Not Call: value not of required type: null","errorCode":"INVALID_TYPE_ON_FIELD_IN_RECORD","fields":["DoNotCall"]}]`,
		},
		{
			"a word for a checkbox", `{"LastName":"A","Company":"C","DoNotCall":"yes"}`,
			`[{"message":"Cannot deserialize instance of boolean from VALUE_STRING value yes or…`,
		},
		{
			"a field that cannot be written", `{"LastName":"A","Company":"C","MasterRecordId":"00Q000000000001"}`,
			`[{"message":"Unable to create/update fields: MasterRecordId. Please check the security settings of this field and verify that it is read/write for your profile or permission set.","errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE","fields":["MasterRecordId"]}]`,
		},
		{
			"compound fields are read-only", `{"LastName":"A","Company":"C","Name":"A B"}`,
			`[{"message":"Unable to create/update fields: Name. Please…`,
		},
		{
			"Id in the body", `{"Id":"00Q000000000001","LastName":"A","Company":"C"}`,
			`[{"message":"The Id field should not be specified in the sobject data.","errorCode":"INVALID_FIELD"}]`,
		},
		{
			"an id of another object, by its label", `{"LastName":"A","Company":"C","OwnerId":"001000000000001AAA"}`,
			`[{"message":"Owner ID: id value of incorrect type: <id>","errorCode":"MALFORMED_ID","fields":["OwnerId"]}]`,
		},
		{
			"a malformed id", `{"LastName":"A","Company":"C","OwnerId":"005-nonsense"}`,
			`[{"message":"malformed id 005-nonsense","errorCode":"MALFORMED_ID","fields":["OwnerId"]}]`,
		},
		{
			"an id of 18 characters with a changed case", `{"LastName":"A","Company":"C","OwnerId":"005ABC000000001aaa"}`,
			`[{"message":"malformed id <id>","errorCode":"MALFORMED_ID","fields":["OwnerId"]}]`,
		},
		{
			"an id of no record", `{"LastName":"A","Company":"C","OwnerId":"005zzz000000009"}`,
			`[{"message":"invalid cross reference id","errorCode":"INVALID_CROSS_REFERENCE_KEY","fields":[]}]`,
		},
		{"broken JSON", `{"LastName":"A",}`, `[{"message":"Unexpected character (',' (code 44)) at [line:1, column:16]","errorCode":"JSON_PARSER_ERROR"}]`},
		{"half a body", `{"LastName":"A"`, `[{"message":"Unexpected end-of-input at [line:1, column:16]","errorCode":"JSON_PARSER_ERROR"}]`},
		{"no body", ``, `[{"message":"Unexpected end-of-input…`},
		{"an array", `[]`, `[{"message":"Cannot deserialize instance of sobject from START_ARRAY value [ or…`},
		{"invalid UTF-8", "{\"LastName\":\"A\xff\"}", `[{"message":"…`},
		{
			"a parent that is not there", `{"LastName":"A","Company":"C","Owner":{"attributes":{"type":"User"},"Username":"No@Body.example"}}`,
			`[{"message":"Foreign key external ID: no@body.example not found for field Username in entity User","errorCode":"INVALID_FIELD","fields":[]}]`,
		},
		{
			"a parent without a key", `{"LastName":"A","Company":"C","Owner":{"attributes":{"type":"User"},"Username":null}}`,
			`[{"message":"Username not specified","errorCode":"MISSING_ARGUMENT","fields":["Username"]}]`,
		},
		{
			"a polymorphic parent without its type", `{"LastName":"A","Company":"C","Owner":{"Username":"x"}}`,
			`[{"message":"The relationship Owner leads to several objects…`,
		},
		{
			"a parent by a field that is no key", `{"LastName":"A","Company":"C","Owner":{"attributes":{"type":"User"},"LastName":"x"}}`,
			`[{"message":"The relationship Owner must be given by an external ID or lookup field of User, not by LastName","errorCode":"INVALID_FIELD"}]`,
		},
	}
	o := newOrg(t)
	for _, tt := range tests {
		t.Run(tt.fact, func(t *testing.T) {
			o.do("POST", "/sobjects/Lead", tt.body).want(t, 400, tt.want)
		})
	}
	if n := o.count("Lead"); n != 0 {
		t.Errorf("%d leads were created", n)
	}
}

// Each case is a value as it is given and as it comes back.
func TestValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ fact, field, in, out string }{
		{"trimmed", "FirstName", `"  Anna \t"`, `"Anna"`},
		{"empty is null", "FirstName", `" "`, `null`},
		{"text keeps its case", "Email", `"Anna@Example.COM"`, `"Anna@Example.COM"`},
		{"characters of all kinds", "FirstName", `"Zoë \"Ω\" 🎈\u0001"`, `"Zoë \"Ω\" 🎈\u0001"`},
		{"line breaks stay", "Description", `"a\r\nb\nc"`, `"a\r\nb\nc"`},
		{"rounded to the scale, halves away from zero", "Score__c", `1.005`, `1.01`},
		{"negative too", "Score__c", `-1.005`, `-1.01`},
		{"a numeric string", "NumberOfEmployees", `"10000"`, `10000`},
		{"an integer with an exponent", "NumberOfEmployees", `1e3`, `1000`},
		{"a double shows its point", "Score__c", `12`, `12.0`},
		{"scale 0", "AnnualRevenue", `350000000.4`, `350000000.0`},
		{"tiny", "Score__c", `1e-300`, `0.0`},
		{"checkbox", "DoNotCall", `true`, `true`},
		{"checkbox by word", "DoNotCall", `"TRUE"`, `true`},
		{"datetime in UTC with milliseconds", "Seen__c", `"2026-11-21T10:00:00+02:00"`, `"2026-11-21T08:00:00.000+0000"`},
		{"offset without a colon, with a fraction", "Seen__c", `"2026-11-21T10:00:00.1234+0000"`, `"2026-11-21T10:00:00.123+0000"`},
		{"date", "Day__c", `"2026-02-28"`, `"2026-02-28"`},
		{"time", "At__c", `"10:00:00.5Z"`, `"10:00:00.500Z"`},
		{"time with the offset of UTC", "At__c", `"10:00:00+0000"`, `"10:00:00.000Z"`},
		{"several values in the order of the definition", "Tags__c", `"c; A;b;a"`, `"a;b;c"`},
		{"known picklist value in any case", "Rating", `"hOT"`, `"Hot"`},
		{"unrestricted picklists take anything", "Rating", `"Tepid"`, `"Tepid"`},
		{"field names in any case", "fIRSTnAME", `"Anna"`, ``},
	}
	o := newOrg(t)
	for _, tt := range tests {
		t.Run(tt.fact, func(t *testing.T) {
			id := o.create("Lead", `{"LastName":"A","Company":"C","`+tt.field+`":`+tt.in+`}`)
			r := o.do("GET", "/sobjects/Lead/"+id+"?fields="+tt.field, "")
			if tt.out == "" { // comes back in the org's spelling
				r.want(t, 200, `{"attributes":{"type":"Lead","url":"`+v66+`/sobjects/Lead/<id>"},"FirstName":"Anna"}`)
				return
			}
			r.want(t, 200, `{"attributes":{"type":"Lead","url":"`+v66+`/sobjects/Lead/<id>"},"`+tt.field+`":`+tt.out+`}`)
		})
	}
}

// What an org fills in by itself.
func TestDefaults(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	id := o.create("Lead", `{"LastName":"Curie","FirstName":"Marie","Salutation":"Dr.","Company":"C","City":"Paris","Country":"France"}`)
	r := o.do("GET", "/sobjects/Lead/"+id, "")
	for _, want := range []string{
		`"Name":"Marie Curie"`, `"Status":"Open - Not Contacted"`, `"IsConverted":false`, `"IsDeleted":false`,
		`"OwnerId":"` + o.ident.UserID + `"`, `"CreatedById":"` + o.ident.UserID + `"`, `"Email":null`, `.000+0000"`,
		`"city":"Paris","country":"France","geocodeAccuracy":null`,
	} {
		if !strings.Contains(r.body, want) {
			t.Errorf("%s is not in %s", want, r.body)
		}
	}
	o.do("PATCH", "/sobjects/Lead/"+id, `{"FirstName":null}`).want(t, 204, "")
	o.do("GET", "/sobjects/Lead/"+id[:15]+"?fields=Name", "").want(t, 200, `{"attributes":{"type":"Lead","url":"`+v66+`/sobjects/Lead/<id>"},"Name":"Curie"}`)
}

func TestSingleRecord(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	id := o.create("Lead", `{"LastName":"A","Company":"C"}`)
	path := "/sobjects/Lead/" + id
	o.do("PATCH", path, `{"LastName":null}`).want(t, 400, `[{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]`)
	o.do("PATCH", path, `{"LastName":"B"}`).want(t, 204, "")
	o.do("POST", path+"?_HttpMethod=PATCH", `{"LastName":"D"}`).want(t, 204, "")
	o.do("PATCH", path, `{"IsConverted":true}`).want(t, 400, `[{"message":"Unable to create/update fields: IsConverted. Please…`)
	o.do("GET", path+"?fields=Nope", "").want(t, 400, `[{"message":"No such column 'Nope' on sobject of type Lead","errorCode":"INVALID_FIELD"}]`)
	o.do("PUT", path, `{}`).want(t, 405, `[{"message":"HTTP Method 'PUT' not allowed. Allowed are HEAD,GET,PATCH,DELETE","errorCode":"METHOD_NOT_ALLOWED"}]`)
	o.do("HEAD", path, ``).want(t, 200, "")
	o.do("DELETE", path, ``).want(t, 204, "")
	deleted := `[{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED","fields":[]}]`
	o.do("GET", path, ``).want(t, 404, deleted)
	o.do("DELETE", path, ``).want(t, 404, deleted)
	o.do("PATCH", path, `{"LastName":"B"}`).want(t, 404, deleted)
	missing := `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`
	o.do("GET", "/sobjects/Lead/00Qzzz000000009", ``).want(t, 404, missing)
	o.do("PATCH", "/sobjects/Lead/00Qzzz000000009", `{"LastName":"B"}`).want(t, 404, missing)
	o.do("GET", "/sobjects/Lead/nonsense", ``).want(t, 404, missing)
	o.do("POST", "/sobjects/Foo", `{}`).want(t, 404, missing)

	// A converted lead is read-only.
	id = o.create("Lead", `{"LastName":"A","Company":"C","IsConverted":true}`)
	o.do("PATCH", "/sobjects/Lead/"+id, `{"LastName":"B"}`).want(t, 400, `[{"message":"cannot reference converted lead","errorCode":"CANNOT_UPDATE_CONVERTED_LEAD","fields":[]}]`)
}

// Upsert by external id, REST API guide: 201, 200, 204 up to v45, 300, updateOnly, key in the body.
func TestUpsertOne(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	path := "/sobjects/Lead/Ext__c/K1"
	o.do("PATCH", path, `{"LastName":"A","Company":"C"}`).want(t, 201, `{"id":"<id>","success":true,"errors":[],"created":true}`)
	o.do("PATCH", path, `{"LastName":"B"}`).want(t, 200, `{"id":"<id>","success":true,"errors":[],"created":false}`)
	o.do("PATCH", "/services/data/v45.0/sobjects/Lead/ext__c/k1", `{"LastName":"B"}`).want(t, 204, "")
	o.do("PATCH", path, `{"Ext__c":"K1","LastName":"B"}`).want(t, 400, `[{"message":"The Ext__c field should not be specified in the sobject data.","errorCode":"INVALID_FIELD"}]`)
	o.do("PATCH", path+"9?updateOnly=true", `{"LastName":"B"}`).want(t, 404, `[{"errorCode":"NOT_FOUND"…`)
	o.do("PATCH", path+"9", `{"LastName":"B"}`).want(t, 400, `[{"message":"Required fields are missing: [Company]"…`)
	o.do("PATCH", "/sobjects/Lead/Company/C", `{"LastName":"B"}`).want(t, 404, `[{"errorCode":"NOT_FOUND"…`)
	o.do("PATCH", "/sobjects/Lead/Ext__c/a/b%20%C3%BC", `{"LastName":"A","Company":"C"}`).want(t, 201, `{"id":"<id>"…`)
	if got, want := o.query("SELECT Ext__c FROM Lead ORDER BY Ext__c"), `[{"Ext__c":"a/b ü"},{"Ext__c":"k1"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o.do("GET", path+"?fields=LastName", "").want(t, 200, `{"attributes":{"type":"Lead","url":"`+v66+`/sobjects/Lead/<id>"},"LastName":"B"}`)

	// Email is no unique field: several records may fit.
	for range 2 {
		o.create("Lead", `{"LastName":"A","Company":"C","Email":"x@example.com"}`)
	}
	o.do("PATCH", "/sobjects/Lead/Email/X@example.com", `{"LastName":"B"}`).want(t, 300, `["`+v66+`/sobjects/Lead/<id>","`+v66+`/sobjects/Lead/<id>"]`)
	o.do("PATCH", "/sobjects/Lead/Email/nonsense", `{"LastName":"B","Company":"C"}`).want(t, 400, `[{"message":"Email: invalid email address: nonsense","errorCode":"INVALID_EMAIL_ADDRESS","fields":["Email"]}]`)
	o.do("DELETE", path, "").want(t, 204, "")
	o.do("GET", path, "").want(t, 404, `[{"errorCode":"NOT_FOUND"…`)
	// A deleted record's key is free again.
	o.do("PATCH", path, `{"LastName":"A","Company":"C"}`).want(t, 201, `{"id":"<id>"…`)
}

func TestUnique(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	id := o.create("Lead", `{"LastName":"A","Company":"C","Ext__c":"Key"}`)
	o.do("POST", "/sobjects/Lead", `{"LastName":"B","Company":"C","Ext__c":" kEY"}`).
		want(t, 400, `[{"message":"duplicate value found: Ext__c duplicates value on record with id: <id>","errorCode":"DUPLICATE_VALUE","fields":[]}]`)
	o.do("PATCH", "/sobjects/Lead/"+id, `{"Ext__c":"KEY"}`).want(t, 204, "") // its own
	other := o.create("Lead", `{"LastName":"B","Company":"C"}`)
	o.do("PATCH", "/sobjects/Lead/"+other, `{"Ext__c":"key"}`).want(t, 400, `[{"message":"duplicate value found…`)
	o.do("PATCH", "/sobjects/Lead/"+id, `{"Ext__c":null}`).want(t, 204, "")
	o.do("PATCH", "/sobjects/Lead/"+other, `{"Ext__c":"key"}`).want(t, 204, "")
}

func TestRelationships(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.create("Account", `{"Name":"Acme"}`)
	name := strings.ToUpper(o.ident.Username)
	id := o.create("Lead", `{"LastName":"A","Company":"C","Owner":{"attributes":{"type":"User"},"Username":"`+name+`"}}`)
	if got := o.query("SELECT Owner.Username FROM Lead WHERE Id = '" + id + "'"); !strings.Contains(got, o.ident.Username) {
		t.Errorf("owner: %s", got)
	}
	// Parent and child in one composite, by reference.
	o.do("POST", "/composite", `{"allOrNone":true,"compositeRequest":[
		{"method":"POST","url":"`+v66+`/sobjects/Account","referenceId":"acc","body":{"Name":"Ref \"Q\""}},
		{"method":"POST","url":"`+v66+`/composite/sobjects","referenceId":"con","body":{"records":[{"attributes":{"type":"Contact"},"LastName":"X","AccountId":"@{acc.id}"}]}},
		{"method":"GET","url":"`+v66+`/sobjects/Contact/@{con[0].id}?fields=LastName","referenceId":"get"}]}`).
		want(t, 200, `{"compositeResponse":[{"body":{"id":"<id>","success":true,"errors":[]},"httpHeaders":{"Location":"`+v66+`/sobjects/Account/<id>"},"httpStatusCode":201,"referenceId":"acc"},`+
			`{"body":[{"id":"<id>","success":true,"errors":[]}],"httpHeaders":{},"httpStatusCode":200,"referenceId":"con"},`+
			`{"body":{"attributes":{"type":"Contact","url":"`+v66+`/sobjects/Contact/<id>"},"LastName":"X"},"httpHeaders":{},"httpStatusCode":200,"referenceId":"get"}]}`)
	if got, want := o.query("SELECT Account.Name FROM Contact"), `"Name":"Ref \"Q\""`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
}

// Numbers and names that the org gives itself.
func TestOwnNumbers(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	id := o.create("Case", `{"Subject":"S"}`)
	if got, want := o.query("SELECT CaseNumber FROM Case"), `[{"CaseNumber":"00000001"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o.do("GET", "/sobjects/Case/CaseNumber/00000001?fields=Subject", "").want(t, 200, `{"attributes":{"type":"Case","url":"`+v66+`/sobjects/Case/<id>"},"Subject":"S"}`)
	o.do("PATCH", "/sobjects/Case/"+id, `{"CaseNumber":"7"}`).want(t, 400, `[{"message":"Unable to create/update fields: CaseNumber. …`)
}
