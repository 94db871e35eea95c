package localorg_test

import (
	"strings"
	"testing"
)

const (
	notFound = `404 [{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`
	person   = `"LastName":"A","Company":"C"`
)

// §3 Single records.
func TestConformance03Records(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.check(t, []fact{
		{
			"§3 create: 201, the id, success and no errors; Location", "POST /sobjects/Lead", `{` + person + `,"Ext__c":"K1","Email":"A@Example.com"}`,
			"201\nLocation: …/services/data/v66.0/sobjects/Lead/$lead\n\n" + `{"id":"<id:lead>","success":true,"errors":[]}`,
		},
		{
			"§3 read: attributes first, nulls included", "GET /sobjects/Lead/$lead", "",
			`200 {"attributes":{"type":"Lead","url":"/services/data/v66.0/sobjects/Lead/$lead"},"Id":"$lead",…"FirstName":null,…"Name":"A",…}`,
		},
		{"§3 read of some fields", "GET /sobjects/Lead/$lead?fields=LastName,ext__c", "", `200 {"attributes":{…},"LastName":"A","Ext__c":"K1"…}`},
		{"§3 read of an unknown field", "GET /sobjects/Lead/$lead?fields=Emial", "", `400 [{"message":"…No such column 'Emial' on sobject of type Lead…","errorCode":"INVALID_FIELD"…}]`},
		{"§3 HEAD has no body", "HEAD /sobjects/Lead/$lead", "", `200 -`},
		{"§3 update: 204 without a body", "PATCH /sobjects/Lead/$lead", `{"FirstName":"F"}`, `204 -`},
		{"§3 POST stands for PATCH by _HttpMethod", "POST /sobjects/Lead/$lead?_HttpMethod=PATCH", `{"FirstName":"G"}`, `204 -`},
		{"§3 what was left out stays, what was given is there", "GET /sobjects/Lead/$lead?fields=FirstName,LastName,Email", "", `200 {…"FirstName":"G","LastName":"A","Email":"A@Example.com"}`},
		{"§3 read by a key", "GET /sobjects/Lead/Ext__c/k1?fields=Id", "", `200 {…"Id":"$lead"}`},
		{"§3 upsert updates: 200 with created:false", "PATCH /sobjects/Lead/Ext__c/K1", `{"LastName":"B"}`, `200 {"id":"$lead","success":true,"errors":[],"created":false}`},
		{"§3 upsert updates up to v45: 204 without a body", "PATCH /services/data/v45.0/sobjects/Lead/Ext__c/K1", `{"LastName":"B"}`, `204 -`},
		{"§3 upsert creates: 201 with created:true", "PATCH /sobjects/Lead/Ext__c/K2", `{` + person + `}`, `201 {"id":"<id:lead2>","success":true,"errors":[],"created":true}`},
		{"§3 keys are matched without regard to case", "PATCH /sobjects/Lead/Ext__c/k2", `{"LastName":"C"}`, `200 {"id":"$lead2",…}`},
		{"§3 unless the field is case-sensitive", "PATCH /sobjects/Lead/Case__c/k", `{` + person + `}`, `201 {"id":"<id:small>",…}`},
		{"§3 unless the field is case-sensitive: another case is another record", "PATCH /sobjects/Lead/Case__c/K", `{` + person + `}`, `201 {"id":"<id:big>",…}`},
		{"§3 a key with a slash, a space and an umlaut", "PATCH /sobjects/Lead/Ext__c/a%2Fb%20%C3%BC", `{` + person + `}`, `201 {"id":"<id:odd>",…}`},
		{"App. B an unescaped slash in the last segment", "PATCH /sobjects/Lead/Ext__c/a/b%20%C3%BC", `{"LastName":"X"}`, `200 {"id":"$odd",…}`},
		{"§3 a numeric key", "PATCH /sobjects/Lead/Number__c/42", `{` + person + `}`, `201 {…}`},
		{"§3 the same number", "PATCH /sobjects/Lead/Number__c/42.0", `{"LastName":"N"}`, `200 {…"created":false}`},
		{"§3 upsert by an e-mail address (idLookup)", "PATCH /sobjects/Lead/Email/a%40example.com", `{"LastName":"B"}`, `200 {"id":"$lead",…}`},
		{"§3 updateOnly and no match: 404", "PATCH /sobjects/Lead/Ext__c/none?updateOnly=true", `{` + person + `}`, notFound},
		{"§3 an unknown key field: 404", "PATCH /sobjects/Lead/Nothing__c/1", `{` + person + `}`, notFound},
		{"§3 a field that is no key: 404", "PATCH /sobjects/Lead/LastName/A", `{` + person + `}`, notFound},
		{
			"§3 the key must not be in the body", "PATCH /sobjects/Lead/Ext__c/K1", `{"LastName":"B","Ext__c":"K1"}`,
			`400 [{"message":"The Ext__c field should not be specified in the sobject data.","errorCode":"INVALID_FIELD"…}]`,
		},
		{
			"§3 nor the Id", "PATCH /sobjects/Lead/$lead", `{"Id":"$lead","LastName":"B"}`,
			`400 [{"message":"The Id field should not be specified in the sobject data.","errorCode":"INVALID_FIELD"…}]`,
		},
		{"§3 POST to /Id is an insert", "POST /sobjects/Lead/Id", `{` + person + `}`, `201 {"id":"<id>",…}`},
		{"§3 several matches, first", "POST /sobjects/Lead", `{` + person + `,"Many__c":"m"}`, `201 {"id":"<id:m1>",…}`},
		{"§3 several matches, second", "POST /sobjects/Lead", `{` + person + `,"Many__c":"M"}`, `201 {"id":"<id:m2>",…}`},
		{
			"§3 several matches: 300 with addresses", "PATCH /sobjects/Lead/Many__c/m", `{"LastName":"B"}`,
			`300 ["/services/data/v66.0/sobjects/Lead/$m1","/services/data/v66.0/sobjects/Lead/$m2"]`,
		},
		{"§3 reading by a key that fits several: 300", "GET /sobjects/Lead/Many__c/m", "", `300 ["/services/data/v66.0/sobjects/Lead/$m1",…]`},
		{"§3 delete: 204", "DELETE /sobjects/Lead/$lead2", "", `204 -`},
		{"§3 reading what is deleted", "GET /sobjects/Lead/$lead2", "", `404 [{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED","fields":[]}]`},
		{"§3 updating what is deleted", "PATCH /sobjects/Lead/$lead2", `{"LastName":"Z"}`, `404 [{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED","fields":[]}]`},
		{"§3 deleting what is deleted", "DELETE /sobjects/Lead/$lead2", "", `404 [{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED","fields":[]}]`},
		{"§3 a key of what is deleted is free", "PATCH /sobjects/Lead/Ext__c/K2", `{` + person + `}`, `201 {"id":"<id>",…}`},
		{"§3 delete by a key", "DELETE /sobjects/Lead/Ext__c/K2", "", `204 -`},
		{"§3 an unknown id", "GET /sobjects/Lead/00Q000000000001EAA", "", notFound},
		{"§3 an unknown object", "GET /sobjects/Nothing__c/00Q000000000001EAA", "", notFound},
		{"§3 METHOD_NOT_ALLOWED names what is allowed", "DELETE /sobjects/Lead", "", `405 [{…"HTTP Method 'DELETE' not allowed. Allowed are HEAD,GET,POST"…}]`},
		{"§3 UNSUPPORTED_MEDIA_TYPE", "POST /sobjects/Lead\nContent-Type: text/plain", `{` + person + `}`, `415 [{…"errorCode":"UNSUPPORTED_MEDIA_TYPE"…}]`},
	})
}

// §3 Error codes of a record, with labels in messages and names in fields.
func TestConformance03ErrorCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	long := strings.Repeat("x", 81)
	bad := func(name, body, want string) fact {
		return fact{"§3 " + name, "POST /sobjects/Lead", body, want}
	}
	w.check(t, []fact{
		{"§3 setup: an account", "POST /sobjects/Account", `{"Name":"Acme","ERP_Id__c":"E1"}`, `201 {"id":"<id:account>",…}`},
		{"§3 setup: a lead with a key", "POST /sobjects/Lead", `{` + person + `,"Ext__c":"taken"}`, `201 {"id":"<id:lead>",…}`},
		bad("REQUIRED_FIELD_MISSING lists all", `{"FirstName":"F"}`, `400 [{"message":"Required fields are missing: [LastName, Company]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName","Company"]}]`),
		bad("REQUIRED_FIELD_MISSING for blanks", `{"LastName":" ","Company":"C"}`, `400 [{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]`),
		{"§3 a required field cannot be cleared", "PATCH /sobjects/Lead/$lead", `{"LastName":null}`, `400 [{"message":"Required fields are missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]`},
		bad("INVALID_FIELD: no such column", `{`+person+`,"Emial":"x"}`, `400 [{"message":"No such column 'Emial' on sobject of type Lead","errorCode":"INVALID_FIELD"}]`),
		bad("INVALID_FIELD: no such parent", `{`+person+`,"Team__r":{"ERP_Id__c":"E2"}}`, `400 [{"message":"Foreign key external ID: e2 not found for field ERP_Id__c in entity Account","errorCode":"INVALID_FIELD","fields":[]}]`),
		bad("INVALID_FIELD_FOR_INSERT_UPDATE", `{`+person+`,"MasterRecordId":"$lead"}`, `400 [{"message":"Unable to create/update fields: MasterRecordId. Please check the security settings of this field and verify that it is read/write for your profile or permission set.","errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE","fields":["MasterRecordId"]}]`),
		bad("DUPLICATE_VALUE names the record", `{`+person+`,"Ext__c":"TAKEN"}`, `400 [{"message":"duplicate value found: Ext__c duplicates value on record with id: …","errorCode":"DUPLICATE_VALUE","fields":[…]}]`),
		bad("STRING_TOO_LONG", `{"LastName":"`+long+`","Company":"C"}`, `400 [{"message":"Last Name: data value too large: `+long+` (max length=80)","errorCode":"STRING_TOO_LONG","fields":["LastName"]}]`),
		bad("INVALID_EMAIL_ADDRESS", `{`+person+`,"Email":"a@b"}`, `400 [{"message":"Email: invalid email address: a@b","errorCode":"INVALID_EMAIL_ADDRESS","fields":["Email"]}]`),
		bad("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", `{`+person+`,"Size__c":"XL"}`, `400 [{"message":"Size: bad value for restricted picklist field: XL","errorCode":"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST","fields":["Size__c"]}]`),
		bad("an unrestricted picklist takes any value", `{`+person+`,"Mood__c":"Odd"}`, `201 {…}`),
		bad("MALFORMED_ID", `{`+person+`,"OwnerId":"abc"}`, `400 [{"message":"malformed id abc","errorCode":"MALFORMED_ID","fields":["OwnerId"]}]`),
		bad("MALFORMED_ID: the id of another object", `{`+person+`,"Team__c":"$lead"}`, `400 [{"message":"Team: id value of incorrect type: $lead","errorCode":"MALFORMED_ID","fields":["Team__c"]}]`),
		bad("INVALID_CROSS_REFERENCE_KEY", `{`+person+`,"Team__c":"001000000000001AAA"}`, `400 [{"message":"…","errorCode":"INVALID_CROSS_REFERENCE_KEY","fields":[…]}]`),
		bad("NUMBER_OUTSIDE_VALID_RANGE", `{`+person+`,"Score__c":1000}`, `400 [{"message":"Score: value outside of valid range on numeric field: 1000","errorCode":"NUMBER_OUTSIDE_VALID_RANGE","fields":["Score__c"]}]`),
		bad("INVALID_TYPE_ON_FIELD_IN_RECORD for null on a checkbox", `{`+person+`,"Agreed__c":null}`, `400 [{"message":"Agreed: value not of required type: null","errorCode":"INVALID_TYPE_ON_FIELD_IN_RECORD","fields":["Agreed__c"]}]`),
		bad("JSON_PARSER_ERROR for a date", `{`+person+`,"Day__c":"21.11.2026"}`, `400 [{"message":"Cannot deserialize instance of date from VALUE_STRING value 21.11.2026 or request may be missing a required field at [line:1, column:<n>]","errorCode":"JSON_PARSER_ERROR"}]`),
		bad("JSON_PARSER_ERROR for a datetime", `{`+person+`,"Seen__c":"yesterday"}`, `400 [{"message":"Cannot deserialize instance of datetime from VALUE_STRING value yesterday or request may be missing a required field at [line:1, column:<n>]","errorCode":"JSON_PARSER_ERROR"}]`),
		bad("JSON_PARSER_ERROR for a number", `{`+person+`,"Score__c":"many"}`, `400 [{"message":"Cannot deserialize instance of double from VALUE_STRING value many or request may be missing a required field at [line:1, column:<n>]","errorCode":"JSON_PARSER_ERROR"}]`),
		bad("JSON_PARSER_ERROR for a boolean", `{`+person+`,"Agreed__c":"perhaps"}`, `400 [{"message":"Cannot deserialize instance of boolean from VALUE_STRING value perhaps or request may be missing a required field at [line:1, column:<n>]","errorCode":"JSON_PARSER_ERROR"}]`),
		bad("JSON_PARSER_ERROR for broken JSON", `{"LastName":`, `400 [{"message":"…","errorCode":"JSON_PARSER_ERROR"}]`),
		bad("JSON_PARSER_ERROR for no JSON at all", `LastName=A`, `400 [{"message":"…","errorCode":"JSON_PARSER_ERROR"}]`),
		{"§3 compound fields are read-only", "POST /sobjects/Contact", `{"LastName":"A","MailingAddress":"x"}`, `400 [{…"errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE"…}]`},
		{"§3 SystemModstamp is never written", "POST /sobjects/Contact", `{"LastName":"A","SystemModstamp":"2026-11-21T10:00:00Z"}`, `400 [{…"errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE"…}]`},
		{"§3 a blank parent key", "POST /sobjects/Contact", `{"LastName":"A","Account":{"ERP_Id__c":null}}`, `400 [{…"errorCode":"MISSING_ARGUMENT"…}]`},
	})
}
