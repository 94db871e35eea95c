package localorg_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sfsync/sink/localorg"
)

// §12 Platform events, duplicate, assignment and validation rules, converted leads.
func TestConformance12Rules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `
objects:
  Signup__e:
    fields:
      Email__c: {type: email}
  Lead:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
    queues: [Inbound]
    record_types: [Web, {name: Trade Fair, developer_name: Fair}]
    validation_rules:
      - {name: no_test, when: 'LastName == "Test"', message: Give a real name., field: LastName}
      - {name: no_test_company, when: 'Company == "Test"', message: Give a real company.}
    duplicate_rules:
      - {name: same_phone, match: [Phone], action: block}
      - {name: same_title, match: [Title], action: alert}
    assignment_rules:
      - name: by country
        entries: [{when: 'Country == "Germany"', owner: Inbound}]
`)
	const event = `{"id":"<id>","success":true,"errors":[{"statusCode":"OPERATION_ENQUEUED","message":"…","fields":[]}]}`
	const allow = "\nSforce-Duplicate-Rule-Header: allowSave=true; includeRecordDetails=false; runAsCurrentUser=true"
	lead := func(more string) string { return `{` + person + more + `}` }
	w.check(t, []fact{
		{"§12 an event is published: success with an entry in errors", "POST /sobjects/Signup__e", `{"Email__c":"a@example.com"}`, `201 ` + event},
		{"§12 events in a collection", "POST /composite/sobjects", `{"records":[{"attributes":{"type":"Signup__e"},"Email__c":"a@example.com"}]}`, `200 [` + event + `]`},
		{"§12 an event's id begins with e", "POST /sobjects/Signup__e", `{}`, `201 {"id":"e…`},
		{"§12 an event is not queried", q("SELECT Id FROM Signup__e"), "", `400 [{…}]`},

		{"§12 an active assignment rule runs by default", "POST /sobjects/Lead", lead(`,"Country":"Germany"`), `201 {"id":"<id:assigned>",…}`},
		{"§12 its queue is the owner", "GET /sobjects/Lead/$assigned?fields=OwnerId", "", `200 {…"OwnerId":"00G…"}`},
		{"§9 Sforce-Auto-Assign: FALSE", "POST /sobjects/Lead\nSforce-Auto-Assign: FALSE", lead(`,"Country":"Germany"`), `201 {"id":"<id:kept>",…}`},
		{"§9 the owner stays who made it", "GET /sobjects/Lead/$kept?fields=OwnerId", "", `200 {…"OwnerId":"005…"}`},
		{"§12 setup: who is asking", "GET /sobjects/Lead/$kept?fields=OwnerId", "", `200 {…"OwnerId":"<id:me>"}`},
		{"§12 a given owner is overwritten by an active rule", "POST /sobjects/Lead", lead(`,"Country":"Germany","OwnerId":"$me"`), `201 {"id":"<id:given>",…}`},
		{"§12 the queue owns it", "GET /sobjects/Lead/$given?fields=OwnerId", "", `200 {…"OwnerId":"00G…"}`},
		{"§12 no entry fits: the owner stays", "POST /sobjects/Lead", lead(`,"Country":"France"`), `201 {"id":"<id:french>",…}`},
		{"§12 no entry fits: the owner is who made it", "GET /sobjects/Lead/$french?fields=OwnerId", "", `200 {…"OwnerId":"005…"}`},

		{"§3 a validation rule with a field", "POST /sobjects/Lead", `{"LastName":"Test","Company":"C"}`, `400 [{"message":"Give a real name.","errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","fields":["LastName"]}]`},
		{"§3 several validation rules at once", "POST /sobjects/Lead", `{"LastName":"Test","Company":"Test"}`, `400 [{"message":"Give a real name.",…},{"message":"Give a real company.","errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","fields":[]}]`},

		{"§12 setup: a phone number", "POST /sobjects/Lead", lead(`,"Phone":"1","Title":"Boss"`), `201 {"id":"<id:first>",…}`},
		{"§12 a rule that blocks", "POST /sobjects/Lead", lead(`,"Phone":"1"`), `400 [{…"errorCode":"DUPLICATES_DETECTED",…"duplicateResut":{"allowSave":false,"duplicateRule":"same_phone","duplicateRuleEntityType":"Lead","errorMessage":"…","matchResults":[{"entityType":"Lead","errors":[],"matchEngine":"…","matchRecords":[{"additionalInformation":[],"fieldDiffs":[],"matchConfidence":<n>,"record":{"attributes":{"type":"Lead"…},"Id":"$first"}}],"rule":"…","size":1,"success":true}]}…}]`},
		{"§12 a rule that blocks does so whatever allowSave says", "POST /sobjects/Lead" + allow, lead(`,"Phone":"1"`), `400 [{…DUPLICATES_DETECTED…}]`},
		{"§12 a rule that alerts refuses", "POST /sobjects/Lead", lead(`,"Title":"boss"`), `400 [{…"errorCode":"DUPLICATES_DETECTED",…"allowSave":true…}]`},
		{"§12 unless allowSave", "POST /sobjects/Lead" + allow, lead(`,"Title":"boss"`), `201 {…}`},
		{"§12 in a collection it is the row's error", "POST /composite/sobjects", collection(false, lead(`,"Phone":"1"`), lead(`,"Phone":"2"`)), `200 [{"success":false,"errors":[{"statusCode":"DUPLICATES_DETECTED",…]},{"id":"<id>","success":true,"errors":[]}]`},

		{"§7 record types", q("SELECT Id FROM RecordType WHERE SobjectType = 'Lead' AND DeveloperName = 'Fair'"), "", `200 {"totalSize":1,…"Id":"<id:fair>"}]}`},
		{"§7 a record of a type", "POST /sobjects/Lead", lead(`,"RecordTypeId":"$fair"`), `201 {"id":"<id>",…}`},
		{"§3 a record type that is none", "POST /sobjects/Lead", lead(`,"RecordTypeId":"012000000000001AAA"`), `400 [{…"errorCode":"INVALID_CROSS_REFERENCE_KEY"…}]`},

		{"§12 setup: a lead to convert", "POST /sobjects/Lead\nSforce-Auto-Assign: FALSE", lead(`,"Ext__c":"conv","Email":"conv@example.com"`), `201 {"id":"<id:conv>",…}`},
		{"§12 a converted status does not convert and is refused", "PATCH /sobjects/Lead/$conv", `{"Status":"Closed - Converted"}`, `400 [{…}]`},
		{"§12 converted", "POST /_org/convert-lead", `{"lead_id":"$conv"}`, `200 {…}`},
		{"§6 a converted lead says what became of it", q("SELECT IsConverted, ConvertedContactId, ConvertedAccountId FROM Lead WHERE Id = '$conv'"), "", `200 {"totalSize":1,…"IsConverted":true,"ConvertedContactId":"003…","ConvertedAccountId":"001…"}]}`},
	})
}

// A converted lead is read-only.
func TestConformance12Converted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.check(t, []fact{
		{"§12 setup: a lead", "POST /sobjects/Lead", `{` + person + `,"Ext__c":"conv"}`, `201 {"id":"<id:conv>",…}`},
		{"§12 setup: converted", "POST /_org/convert-lead", `{"lead_id":"$conv"}`, `200 {…}`},
		{
			"§12 CANNOT_UPDATE_CONVERTED_LEAD without fields", "PATCH /composite/sobjects", collection(false, `{"id":"$conv","FirstName":"F"}`),
			`200 [{…"success":false,"errors":[{"statusCode":"CANNOT_UPDATE_CONVERTED_LEAD","message":"cannot reference converted lead","fields":[]}]}]`,
		},
		{"§12 upsert by its key too", "PATCH /sobjects/Lead/Ext__c/conv", `{"FirstName":"F"}`, `400 [{"message":"cannot reference converted lead","errorCode":"CANNOT_UPDATE_CONVERTED_LEAD","fields":[]}]`},
	})
}

// App. A 8 and 11, §1.6, §3: what users may not see or do.
func TestConformance12Permissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	// as makes a user with some permissions and keeps the user's session as $name.
	as := func(name, permissions string) {
		t.Helper()
		w.checkOne(t, fact{"§12 setup: a user", "POST /_org/users", `{"username":"` + name + `@example.com","password":"secret","permissions":` + permissions + `}`, `201`})
		w.vars["form"] = url.Values{
			"grant_type": {"password"}, "client_id": {w.vars["client_id"]}, "client_secret": {w.vars["client_secret"]},
			"username": {name + "@example.com"}, "password": {"secret"},
		}.Encode()
		w.checkOne(t, fact{"§1.4 a user logs in", "POST /services/oauth2/token" + form, "$form", `200 {"access_token":"<text:` + name + `>",…}`})
	}
	as("nobody", `{}`)
	as("clerk", `{"api_enabled":true,"objects":{"Lead":{"create":true,"read":true,"edit":true},"Contact":{"read":true}},"fields":{"Lead.Phone":"hidden","Lead.Title":"read"}}`)
	const clerk = "\nAuthorization: Bearer $clerk"
	w.check(t, []fact{
		{"§1.6 without API Enabled: 403", "GET /sobjects\nAuthorization: Bearer $nobody", "", `403 [{"message":"API is disabled for this User","errorCode":"API_CURRENTLY_DISABLED"}]`},
		{"§8 limits need View Setup and Configuration", "GET /limits" + clerk, "", `403 [{…}]`},
		{"§12 setup: a lead of the clerk", "POST /sobjects/Lead" + clerk, `{` + person + `,"Ext__c":"u1","Many__c":"m"}`, `201 {"id":"<id:lead>",…}`},
		{"A11 a hidden field is not in the describe, its neighbours are", "GET /sobjects/Lead/describe" + clerk, "", `200 {…"name":"Title"…}`},
		{"A11 nor in a record", "GET /sobjects/Lead/$lead" + clerk, "", `200 {…"Title":null…}`},
		{"A11 nor in a query", q("SELECT Phone FROM Lead") + clerk, "", `400 [{"message":"…No such column 'Phone' on entity 'Lead'…","errorCode":"INVALID_FIELD"}]`},
		{"A11 and is not written", "PATCH /sobjects/Lead/$lead" + clerk, `{"Phone":"1"}`, `400 [{"message":"No such column 'Phone' on sobject of type Lead","errorCode":"INVALID_FIELD"}]`},
		{"§3 a field that may only be read", "PATCH /sobjects/Lead/$lead" + clerk, `{"Title":"T"}`, `400 [{"message":"Unable to create/update fields: Title. …","errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE","fields":["Title"]}]`},
		{"§3 an object that may not be read is not there", "GET /sobjects/Account/describe" + clerk, "", notFound},
		{"§6 nor in a query", q("SELECT Id FROM Account") + clerk, "", `400 [{…"errorCode":"INVALID_TYPE"}]`},
		{"§3 reading does not let create", "POST /sobjects/Contact" + clerk, `{"LastName":"A"}`, `403 [{…"errorCode":"INSUFFICIENT_ACCESS_OR_READONLY"…}]`},
		{"§3 upsert by a key that is not unique needs View All Data", "PATCH /sobjects/Lead/Many__c/m" + clerk, `{"LastName":"B"}`, `403 [{…"errorCode":"INSUFFICIENT_ACCESS"…}]`},
		{"§3 with it: found", "PATCH /sobjects/Lead/Many__c/m", `{"LastName":"B"}`, `200 {"id":"$lead",…}`},
	})
	for _, path := range []string{"/sobjects/Lead/describe", "/sobjects/Lead/$lead"} {
		if _, body, _ := w.call(t, "GET "+path+clerk, ""); strings.Contains(body, `"Phone"`) {
			t.Errorf("A11 %s shows the hidden field", path)
		}
	}
}

// §13 Two transactions that want the same parent: one waits, and loses in the end.
func TestConformance13Locks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields, func(c *localorg.Config) { c.RowLatency = 300 * time.Millisecond })
	w.check(t, []fact{
		{"§13 setup: how long a transaction waits", "PATCH /_org/settings", `{"lock_wait":"20ms"}`, `200 {…}`},
		{"§13 setup: a parent", "POST /sobjects/Account", `{"Name":"Skewed"}`, `201 {"id":"<id:acc>",…}`},
	})
	locked, written := w.children(t, 4)
	if locked == 0 || written == 0 {
		t.Errorf("§13 %d rows were locked and %d written, want some of both", locked, written)
	}
	w.checkOne(t, fact{"§13 setup: patience", "PATCH /_org/settings", `{"lock_wait":"10s"}`, `200 {…}`})
	if locked, written = w.children(t, 4); locked != 0 || written != 4 {
		t.Errorf("§13 %d rows were locked and %d written, want none and all", locked, written)
	}
}

// children writes contacts of $acc from as many clients at once.
func (w *world) children(t *testing.T, n int) (locked, written int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			body := fmt.Sprintf(`{"records":[{"attributes":{"type":"Contact"},"LastName":"C%d","AccountId":"$acc"}]}`, i)
			status, answer, _ := w.call(t, "POST /composite/sobjects", body)
			var results []result
			if status != http.StatusOK || json.Unmarshal([]byte(answer), &results) != nil || len(results) != 1 {
				t.Errorf("%d %s", status, answer)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			switch r := results[0]; {
			case r.Success:
				written++
			case r.Errors[0].StatusCode == "UNABLE_TO_LOCK_ROW" && strings.HasPrefix(r.Errors[0].Message, "unable to obtain exclusive access to this record"):
				locked++
			default:
				t.Errorf("%+v", r)
			}
		})
	}
	wg.Wait()
	return locked, written
}
