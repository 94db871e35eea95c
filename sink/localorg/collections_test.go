package localorg

import (
	"fmt"
	"strings"
	"testing"
)

// bodyOf wraps Lead records into a collection.
func bodyOf(allOrNone bool, recs ...string) string {
	for i, r := range recs {
		if !strings.Contains(r, `"attributes"`) {
			recs[i] = `{"attributes":{"type":"Lead"},` + r[1:]
		}
	}
	return fmt.Sprintf(`{"allOrNone":%v,"records":[%s]}`, allOrNone, strings.Join(recs, ","))
}

const (
	created  = `{"id":"<id>","success":true,"errors":[],"created":true}`
	updated  = `{"id":"<id>","success":true,"errors":[],"created":false}`
	saved    = `{"id":"<id>","success":true,"errors":[]}`
	undone   = `{"success":false,"errors":[{"statusCode":"ALL_OR_NONE_OPERATION_ROLLED_BACK","message":"Record rolled back because not all records were valid and the request was using AllOrNone header","fields":[]}]}`
	noName   = `{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [LastName]","fields":["LastName"]}]}`
	noNameID = `{"id":"<id>","success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [LastName]","fields":["LastName"]}]}`
)

// sObject Collections answer 200 with one entry a record, in order: REST API guide and
// recorded answers.
func TestCollections(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	list := func(entries ...string) string { return "[" + strings.Join(entries, ",") + "]" }

	o.do("POST", "/composite/sobjects", bodyOf(false, `{"LastName":"A","Company":"C"}`, `{"Company":"C"}`)).want(t, 200, list(saved, noName))
	o.do("POST", "/composite/sobjects", bodyOf(true, `{"Company":"C"}`, `{"LastName":"B","Company":"C"}`)).want(t, 200, list(noName, undone))
	if n := o.count("Lead"); n != 1 {
		t.Errorf("%d leads, want 1", n)
	}
	o.do("PATCH", "/composite/sobjects/Lead/Ext__c", bodyOf(false,
		`{"Ext__c":"k1","LastName":"A","Company":"C"}`, `{"Ext__c":"k2","Company":"C"}`, `{"Ext__c":" ","LastName":"A"}`, `{"LastName":"A"}`)).
		want(t, 200, list(created, noName,
			`{"success":false,"errors":[{"statusCode":"MISSING_ARGUMENT","message":"Ext__c not specified","fields":[]}]}`,
			`{"success":false,"errors":[{"statusCode":"MISSING_ARGUMENT","message":"Ext__c not specified","fields":[]}]}`))
	o.do("PATCH", "/composite/sobjects/lead/ext__C", bodyOf(false, `{"ext__c":"K1","LastName":"B"}`)).want(t, 200, list(updated))
	o.do("PATCH", "/composite/sobjects/Lead/Ext__c", bodyOf(true, `{"Ext__c":"k3","LastName":"A","Company":"C"}`, `{"Ext__c":"k1","LastName":""}`)).
		want(t, 200, list(undone, noNameID))

	// The same key twice in a request: all that hold it fail.
	duplicate := `{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"Duplicate external id specified: %s","fields":["Ext__c"]}]}`
	o.do("PATCH", "/composite/sobjects/Lead/Ext__c", bodyOf(false,
		`{"Ext__c":"k5","LastName":"A","Company":"C"}`, `{"Ext__c":"K5 ","LastName":"A","Company":"C"}`, `{"Ext__c":"k6","LastName":"A","Company":"C"}`, `{"Ext__c":"k5","LastName":"A"}`)).
		want(t, 200, list(fmt.Sprintf(duplicate, "k5"), fmt.Sprintf(duplicate, "K5"), created, fmt.Sprintf(duplicate, "k5")))

	// Email is no unique field but an idLookup one.
	o.do("PATCH", "/composite/sobjects/Lead/Email", bodyOf(false, `{"Email":"e@example.com","LastName":"A","Company":"C"}`)).want(t, 200, list(created))
	o.do("PATCH", "/composite/sobjects/Lead/Email", bodyOf(false, `{"Email":"E@Example.com","LastName":"B"}`)).want(t, 200, list(updated))
	o.create("Lead", `{"LastName":"A","Company":"C","Email":"E@EXAMPLE.com"}`)
	o.do("PATCH", "/composite/sobjects/Lead/Email", bodyOf(false, `{"Email":"e@example.com","LastName":"B"}`)).
		want(t, 200, list(`{"success":false,"errors":[{"statusCode":"DUPLICATE_EXTERNAL_ID","message":"Email: more than one record found for external id field: [<id>, <id>]","fields":["Email"]}]}`))

	// A key with case, a numeric key, an external id that is not unique.
	for _, key := range []string{"Case__c", "Number__c", "Loose__c"} {
		first, same, other := `"k"`, `"k "`, `"K"`
		if key == "Number__c" {
			first, same, other = `7`, `"7.0"`, `8`
		}
		o.do("PATCH", "/composite/sobjects/Lead/"+key, bodyOf(false, `{"`+key+`":`+first+`,"LastName":"A","Company":"C"}`)).want(t, 200, list(created))
		o.do("PATCH", "/composite/sobjects/Lead/"+key, bodyOf(false, `{"`+key+`":`+same+`,"LastName":"A","Company":"C"}`)).want(t, 200, list(updated))
		answer := created
		if key == "Loose__c" {
			answer = updated // compared without case
		}
		o.do("PATCH", "/composite/sobjects/Lead/"+key, bodyOf(false, `{"`+key+`":`+other+`,"LastName":"A","Company":"C"}`)).want(t, 200, list(answer))
	}

	// Upsert by Id creates where it is null.
	o.do("PATCH", "/composite/sobjects/Lead/Id", bodyOf(false, `{"Id":null,"LastName":"A","Company":"C"}`)).want(t, 200, list(created))

	// Updates by id.
	id := o.create("Lead", `{"LastName":"A","Company":"C"}`)
	o.do("PATCH", "/composite/sobjects", bodyOf(false,
		`{"id":"`+id+`","LastName":"Z"}`, `{"LastName":"B"}`, `{"Id":"00Qnonsense","LastName":"B"}`, `{"id":"00Qzzz000000009","LastName":"B"}`, `{"id":"003zzz000000009","LastName":"B"}`)).
		want(t, 200, list(saved,
			`{"success":false,"errors":[{"statusCode":"MISSING_ARGUMENT","message":"Id not specified in an update call","fields":[]}]}`,
			`{"id":"00Qnonsense","success":false,"errors":[{"statusCode":"MALFORMED_ID","message":"malformed id 00Qnonsense","fields":[]}]}`,
			`{"id":"<id>","success":false,"errors":[{"statusCode":"INVALID_CROSS_REFERENCE_KEY","message":"invalid cross reference id","fields":[]}]}`,
			`{"id":"<id>","success":false,"errors":[{"statusCode":"MALFORMED_ID","message":"Lead ID: id value of incorrect type: <id>","fields":["Id"]}]}`))
	o.do("PATCH", "/composite/sobjects", bodyOf(false, `{"id":"`+id+`","LastName":"Y"}`, `{"id":"`+id[:15]+`","LastName":"X"}`)).
		want(t, 200, list(`{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"Duplicate id specified: <id>","fields":[]}]}`,
			`{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"Duplicate id specified: <id>","fields":[]}]}`))
	if got, want := o.query("SELECT LastName FROM Lead WHERE Id = '"+id+"'"), `[{"LastName":"Z"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	// Unique values that clash inside one request.
	o.do("POST", "/composite/sobjects", bodyOf(false, `{"Ext__c":"u","LastName":"A","Company":"C"}`, `{"Ext__c":"U","LastName":"A","Company":"C"}`)).
		want(t, 200, list(saved, `{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"duplicate value found: Ext__c duplicates value on record with id: <id>","fields":[]}]}`))

	// Parents by external id.
	o.do("POST", "/composite/sobjects", bodyOf(false,
		`{"LastName":"A","Company":"C","Parent__r":{"Ext__c":"U"}}`, `{"LastName":"A","Company":"C","Parent__r":{"Ext__c":"None"}}`)).
		want(t, 200, list(saved, `{"success":false,"errors":[{"statusCode":"INVALID_FIELD","message":"Foreign key external ID: none not found for field Ext__c in entity Lead","fields":[]}]}`))
	if got, want := o.count("Lead WHERE Parent__r.Ext__c = 'u'"), 1; got != want {
		t.Errorf("%d children, want %d", got, want)
	}

	// Types may be mixed; attributes may stand at the end, and names may be of any case.
	o.do("POST", "/composite/sobjects", bodyOf(false, `{"lastname":"A","COMPANY":"C","attributes":{"type":"lead"}}`, `{"attributes":{"type":"Account"},"Name":"N"}`)).
		want(t, 200, list(saved, saved))
}

// What refuses a collection as a whole.
func TestCollectionRefused(t *testing.T) {
	t.Parallel()
	many := make([]string, 201)
	mixed := make([]string, 11)
	for i := range many {
		many[i] = `{"LastName":"A","Company":"C"}`
	}
	for i := range mixed {
		mixed[i] = `{"attributes":{"type":"` + []string{"Lead", "Account"}[i%2] + `"}}`
	}
	good := `{"LastName":"A","Company":"C"}`
	tests := []struct{ fact, method, path, body, want string }{
		{"no records", "POST", "", bodyOf(false), `[{"message":"At least 1 record is required","errorCode":"REQUIRED_FIELD_MISSING"}]`},
		{"more than 200", "POST", "", bodyOf(false, many...), `[{"message":"record limit reached. cannot submit more than 200 records into this call","errorCode":"EXCEEDED_ID_LIMIT"}]`},
		{"more than 10 chunks of a type", "POST", "", bodyOf(false, mixed...), `[{"message":"The request has more than 10 chunks…`},
		{"a record without a type", "POST", "", `{"records":[{"LastName":"A"}]}`, `[{"message":"The request body is missing the attributes.type of a record","errorCode":"INVALID_INPUT"}]`},
		{"an unknown type", "POST", "", `{"records":[{"attributes":{"type":"Foo"}}]}`, `[{"message":"sObject type 'Foo' is not supported. …`},
		{"an unknown field costs all", "POST", "", bodyOf(false, good, `{"Foo":1}`), `[{"message":"No such column 'Foo' on sobject of type Lead","errorCode":"INVALID_FIELD"}]`},
		{"a bad date costs all", "POST", "", bodyOf(false, good, `{"Day__c":"tomorrow"}`), `[{"message":"Cannot deserialize instance of date from VALUE_STRING value tomorrow or…`},
		{"another type than the URL's", "PATCH", "/Lead/Ext__c", `{"records":[{"attributes":{"type":"Account"}}]}`, `[{"message":"attributes.type Account does not fit…`},
		{"broken", "PATCH", "/Lead/Ext__c", `{"records":[`, `[{"message":"Unexpected end-of-input at [line:1, column:13]","errorCode":"JSON_PARSER_ERROR"}]`},
	}
	o := newOrg(t)
	for _, tt := range tests {
		t.Run(tt.fact, func(t *testing.T) {
			o.do(tt.method, "/composite/sobjects"+tt.path, tt.body).want(t, 400, tt.want)
		})
	}
	o.do("PATCH", "/composite/sobjects/Lead/Company", bodyOf(false, good)).want(t, 404, `[{"errorCode":"NOT_FOUND","message":"Provided external ID field does not exist or is not accessible: Company"}]`)
	o.do("PATCH", "/composite/sobjects/Foo/Ext__c", bodyOf(false, good)).want(t, 404, `[{"errorCode":"NOT_FOUND"…`)
	if n := o.count("Lead"); n != 0 {
		t.Errorf("%d leads, want none", n)
	}
}

func TestRetrieveAndDelete(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	a, b := o.create("Lead", `{"LastName":"A","Company":"C"}`), o.create("Lead", `{"LastName":"B","Company":"C"}`)
	rec := func(name string) string {
		return `{"attributes":{"type":"Lead","url":"` + v66 + `/sobjects/Lead/<id>"},"LastName":"` + name + `"}`
	}
	o.do("GET", "/composite/sobjects/Lead?ids="+b+",00Qzzz000000009,"+a[:15]+"&fields=lastname", "").want(t, 200, "["+rec("B")+",null,"+rec("A")+"]")
	o.do("POST", "/composite/sobjects/Lead", `{"ids":["`+a+`"],"fields":["LastName"]}`).want(t, 200, "["+rec("A")+"]")
	o.do("DELETE", "/composite/sobjects?ids="+a+",00Qzzz000000009&allOrNone=true", "").
		want(t, 200, `[`+undone+`,{"id":"<id>","success":false,"errors":[{"statusCode":"INVALID_CROSS_REFERENCE_KEY","message":"invalid cross reference id","fields":[]}]}]`)
	o.do("DELETE", "/composite/sobjects?ids="+a+","+a, "").
		want(t, 200, `[`+saved+`,{"id":"<id>","success":false,"errors":[{"statusCode":"ENTITY_IS_DELETED","message":"entity is deleted","fields":[]}]}]`)
	o.do("GET", "/composite/sobjects/Lead?ids="+a+","+b+"&fields=LastName", "").want(t, 200, "[null,"+rec("B")+"]")
	if n := o.count("Lead"); n != 1 {
		t.Errorf("%d leads, want 1", n)
	}
}

// Keys of any characters find the record that they made.
func TestOddKeys(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	body := bodyOf(false, `{"Ext__c":"a\u0000b","LastName":"A","Company":"C"}`, `{"Ext__c":"ÄÖ\ud83c\udf88<&>\"'","LastName":"A","Company":"C"}`, `{"Ext__c":"%_\\\n.","LastName":"A","Company":"C"}`)
	o.do("PATCH", "/composite/sobjects/Lead/Ext__c", body).want(t, 200, "["+created+","+created+","+created+"]")
	o.do("PATCH", "/composite/sobjects/Lead/Ext__c", body).want(t, 200, "["+updated+","+updated+","+updated+"]")
	if n := o.count(`Lead WHERE Ext__c = 'äö🎈<&>"\''`); n != 1 {
		t.Errorf("%d found", n)
	}
}
