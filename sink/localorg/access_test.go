package localorg

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// as returns the org as a user with those permissions reaches it.
func (o *testOrg) as(username string, p *Permissions) *testOrg {
	o.t.Helper()
	login, err := o.AddUser(o.t.Context(), NewUser{Username: username, Password: "pw", Permissions: p})
	if err != nil {
		o.t.Fatal(err)
	}
	c := o.Credentials()
	form := url.Values{"grant_type": {"password"}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "username": {login.Username}, "password": {"pw"}}
	r := o.do("POST", "/services/oauth2/token", form.Encode(), "Authorization", "")
	var a struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(r.body), &a); err != nil || a.AccessToken == "" {
		o.t.Fatalf("log in: %d %s", r.status, r.body)
	}
	return &testOrg{o.Org, o.t, o.url, a.AccessToken}
}

const noAccess = `[{"message":"insufficient access rights on object id","errorCode":"INSUFFICIENT_ACCESS_OR_READONLY","fields":[]}]`

// What a user may not see is not there; what a user may not do is refused.
func TestPermissions(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	acme := o.create("Account", `{"Name":"Acme"}`)
	ada := o.create("Lead", `{"LastName":"Ada","Company":"C","Title":"Countess","Rating":"Hot","Loose__c":"m","Ext__c":"e"}`)
	u := o.as("ann@org.example", &Permissions{APIEnabled: true, Access: Access{
		Objects: map[string]ObjectAccess{"Lead": {Create: true, Read: true, Edit: true}, "Account": {Read: true}},
		Fields:  map[string]FieldAccess{"Lead.Title": Hidden, "Lead.Rating": ReadOnly},
	}})

	// Objects.
	r := u.do("GET", "/sobjects", "")
	if strings.Contains(r.body, `"name":"Contact"`) || !strings.Contains(r.body, `"name":"Lead"`) {
		t.Errorf("the list of objects: %s", r.body)
	}
	missing := `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`
	u.do("GET", "/sobjects/Contact/describe", "").want(t, 404, missing)
	u.do("POST", "/sobjects/Contact", `{"LastName":"A"}`).want(t, 404, missing)
	u.do("GET", "/query?q="+url.QueryEscape("SELECT Id FROM Contact"), "").want(t, 400, `[{"message":"\nSELECT Id FROM Contact\n…`)
	u.do("POST", "/composite/sobjects", bodyOf(false, `{"attributes":{"type":"Contact"},"LastName":"A"}`)).want(t, 400, `[{"message":"sObject type 'Contact' is not supported.…`)
	u.do("POST", "/sobjects/Account", `{"Name":"B"}`).want(t, 403, noAccess)
	u.do("PATCH", "/sobjects/Account/"+acme, `{"Name":"B"}`).want(t, 403, noAccess)
	u.do("DELETE", "/sobjects/Account/"+acme, "").want(t, 403, noAccess)
	u.do("DELETE", "/sobjects/Lead/"+ada, "").want(t, 403, noAccess)
	u.do("DELETE", "/composite/sobjects?ids="+ada+","+acme, "").want(t, 200,
		`[{"id":"<id>","success":false,"errors":[{"statusCode":"INSUFFICIENT_ACCESS_OR_READONLY","message":"insufficient access rights on object id","fields":[]}]},`+
			`{"id":"<id>","success":false,"errors":[{"statusCode":"INSUFFICIENT_ACCESS_OR_READONLY","message":"insufficient access rights on object id","fields":[]}]}]`)
	u.do("GET", "/sobjects/Account/"+acme+"?fields=Name", "").want(t, 200, `{"attributes":{"type":"Account"…`)
	if n := o.count("Account"); n != 1 {
		t.Errorf("%d accounts", n)
	}

	// Fields.
	d := u.do("GET", "/sobjects/Lead/describe", "").body
	if strings.Contains(d, `"name":"Title"`) || !strings.Contains(d, `"name":"Rating"`) {
		t.Error("the describe shows a hidden field, or hides one")
	}
	noColumn := `[{"message":"No such column 'Title' on sobject of type Lead","errorCode":"INVALID_FIELD"…`
	u.do("PATCH", "/sobjects/Lead/"+ada, `{"Title":"x"}`).want(t, 400, noColumn)
	u.do("GET", "/sobjects/Lead/"+ada+"?fields=Title", "").want(t, 400, noColumn)
	if r := u.do("GET", "/sobjects/Lead/"+ada, ""); r.status != 200 || strings.Contains(r.body, "Countess") || !strings.Contains(r.body, `"Rating":"Hot"`) {
		t.Errorf("a record with a hidden field: %d %s", r.status, r.body)
	}
	for _, soql := range []string{"SELECT Title FROM Lead", "SELECT Id FROM Lead WHERE Title = 'x'", "SELECT Id FROM Lead ORDER BY Title"} {
		if r := u.do("GET", "/query?q="+url.QueryEscape(soql), ""); r.status != 400 || !strings.Contains(r.body, "No such column 'Title'") {
			t.Errorf("%s: %d %s", soql, r.status, r.body)
		}
	}
	readOnly := `[{"message":"Unable to create/update fields: Rating. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",` +
		`"errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE","fields":["Rating"]}]`
	u.do("PATCH", "/sobjects/Lead/"+ada, `{"Rating":"Cold"}`).want(t, 400, readOnly)
	u.do("POST", "/sobjects/Lead", `{"LastName":"B","Company":"C","Rating":"Cold"}`).want(t, 400, readOnly)

	// References.
	ben := o.create("Contact", `{"LastName":"Ben"}`)
	o.as("eve@org.example", &Permissions{APIEnabled: true, Access: Access{Objects: map[string]ObjectAccess{"Task": {Create: true}}}}).
		do("POST", "/sobjects/Task", `{"Subject":"Call","WhoId":"`+ben+`"}`).
		want(t, 400, `[{"message":"insufficient access rights on cross-reference id","errorCode":"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY","fields":[]}]`)

	// Records are the caller's.
	bob := u.create("Lead", `{"LastName":"Bob","Company":"C"}`)
	me := u.query("SELECT Id FROM User WHERE Username = 'ann@org.example'")
	id := strings.TrimSuffix(strings.TrimPrefix(me, `[{"Id":"`), `"}]`)
	if got, want := u.query("SELECT CreatedById, LastModifiedById, OwnerId FROM Lead WHERE Id = '"+bob+"'"), `[{"CreatedById":"`+id+`","LastModifiedById":"`+id+`","OwnerId":"`+id+`"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o.do("PATCH", "/sobjects/Lead/"+bob, `{"Company":"D"}`).want(t, 204, "")
	if got := o.query("SELECT CreatedBy.Username, LastModifiedById FROM Lead WHERE Id = '" + bob + "'"); !strings.Contains(got, `"ann@org.example"`) || !strings.Contains(got, o.ident.UserID) {
		t.Errorf("created by one, changed by another: %s", got)
	}
	// The subrequests of an all-or-none composite are the caller's too.
	r = u.do("POST", "/composite", `{"allOrNone":true,"compositeRequest":[{"method":"POST","url":"`+v66+`/sobjects/Lead","referenceId":"a","body":{"LastName":"Cy","Company":"C"}},`+
		`{"method":"POST","url":"`+v66+`/sobjects/Account","referenceId":"b","body":{"Name":"X"}}]}`)
	if !strings.Contains(r.body, "INSUFFICIENT_ACCESS_OR_READONLY") || o.count("Lead") != 2 {
		t.Errorf("composite: %s", r.body)
	}

	// Upsert by a key that is not unique needs View All Data.
	u.do("PATCH", "/sobjects/Lead/Ext__c/e", `{"Company":"E"}`).want(t, 200, `{"id":"<id>"…`)
	u.do("PATCH", "/sobjects/Lead/Loose__c/m", `{"Company":"E"}`).want(t, 403, `[{"message":"insufficient access rights on object id","errorCode":"INSUFFICIENT_ACCESS","fields":[]}]`)
	o.do("PATCH", "/sobjects/Lead/Loose__c/m", `{"Company":"E"}`).want(t, 200, `{"id":"<id>"…`)

	// The setup.
	u.do("GET", "/limits", "").want(t, 403, `[{"message":"insufficient access rights…`)
	u.do("GET", "/_org", "").want(t, 200, `{"kind":"local"…`)
	for _, path := range []string{"/_org/reset", "/_org/users", "/_org/jwt-key", "/_org/expire-sessions"} {
		u.do("POST", path, "{}").want(t, 403, `[{"message":"Modify All Data is needed","errorCode":"INSUFFICIENT_ACCESS"}]`)
	}
	none := o.as("zoe@org.example", &Permissions{})
	none.do("GET", "/sobjects", "").want(t, 403, `[{"message":"API is disabled for this User","errorCode":"API_CURRENTLY_DISABLED"}]`)
	if r := none.do("GET", "/services/oauth2/userinfo", ""); r.status != 200 || !strings.Contains(r.body, "zoe@org.example") {
		t.Errorf("userinfo needs no API Enabled: %d %s", r.status, r.body)
	}

	// More permissions count at once.
	o.as("ann@org.example", &Permissions{APIEnabled: true, Access: Access{ModifyAllData: true}})
	u.do("GET", "/sobjects/Contact/describe", "").want(t, 200, `{"actionOverrides"…`)
	u.do("DELETE", "/sobjects/Lead/"+ada, "").want(t, 204, "")
}

// Whoever may not edit leads may not convert them, though the accounts and contacts may be created.
func TestConvertNeedsLeads(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	lead := o.create("Lead", `{"LastName":"Ada","Company":"C"}`)
	order := `<convertLead xmlns="urn:partner.soap.sforce.com"><leadConverts><convertedStatus>Closed - Converted</convertedStatus><doNotCreateOpportunity>true</doNotCreateOpportunity><leadId>` + lead + `</leadId></leadConverts></convertLead>`
	makes := ObjectAccess{Create: true, Read: true, Edit: true}
	for name, may := range map[string]ObjectAccess{"blind@org.example": {}, "reader@org.example": {Read: true}} {
		u := o.as(name, &Permissions{APIEnabled: true, Access: Access{Objects: map[string]ObjectAccess{"Account": makes, "Contact": makes, "Lead": may}}})
		if r := u.soapCall(order); r.status != 200 || !strings.Contains(r.body, "<statusCode>INSUFFICIENT_ACCESS_OR_READONLY</statusCode>") || o.count("Account") != 0 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	u := o.as("editor@org.example", &Permissions{APIEnabled: true, Access: Access{Objects: map[string]ObjectAccess{"Account": makes, "Contact": makes, "Lead": {Edit: true}}}})
	if r := u.soapCall(order); r.status != 200 || !strings.Contains(r.body, "<success>true</success>") {
		t.Errorf("an editor: %d %s", r.status, r.body)
	}
}

// A Bulk job and its data are its creator's, and theirs who may do everything.
func TestBulkJobsOfOthers(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	all := &Permissions{APIEnabled: true, Access: Access{Objects: map[string]ObjectAccess{"*": {Read: true, Edit: true, Create: true, Delete: true}}}}
	u, other := o.as("ann@org.example", all), o.as("eve@org.example", all)
	start := func(path, body string) string {
		var j struct{ ID string }
		if r := u.do("POST", path, body); r.status != 200 || json.Unmarshal([]byte(r.body), &j) != nil {
			t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		return path + "/" + j.ID
	}
	for _, job := range []string{
		start("/jobs/query", `{"operation":"query","query":"SELECT Id FROM Lead"}`),
		start("/jobs/ingest", `{"operation":"insert","object":"Lead"}`),
	} {
		if r := u.do("GET", job, ""); r.status != 200 {
			t.Errorf("its creator: %d %s", r.status, r.body)
		}
		if r := o.do("GET", job, ""); r.status != 200 {
			t.Errorf("who may do everything: %d %s", r.status, r.body)
		}
		for _, call := range []string{"GET ", "DELETE ", "GET /results", "GET /successfulResults", "PUT /batches"} {
			method, path, _ := strings.Cut(call, " ")
			if r := other.do(method, job+path, ""); r.status != 404 {
				t.Errorf("another user: %s: %d %s", call, r.status, r.body)
			}
		}
	}
	const async = "/services/async/60.0/job"
	r := u.do("POST", async, `{"operation":"insert","object":"Lead","contentType":"CSV"}`, "X-SFDC-Session", u.token)
	var j struct{ ID string }
	if json.Unmarshal([]byte(r.body), &j) != nil || j.ID == "" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := u.do("GET", async+"/"+j.ID, ""); r.status != 200 {
		t.Errorf("its creator: %d %s", r.status, r.body)
	}
	if r := other.do("GET", async+"/"+j.ID, ""); r.status != 400 || !strings.Contains(r.body, "InvalidJob") {
		t.Errorf("another user: %d %s", r.status, r.body)
	}
}

// An address names an object and a record of it: another object's record is not there.
func TestRecordOfAnotherObject(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	acme := o.create("Account", `{"Name":"Acme"}`)
	for _, method := range []string{"GET", "DELETE"} {
		o.do(method, "/sobjects/Lead/"+acme, "").want(t, 404, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`)
	}
	if n := o.count("Account"); n != 1 {
		t.Errorf("%d accounts are left", n)
	}
	o.do("DELETE", "/sobjects/Account/"+acme[:15], "").want(t, 204, "")
}

// The envelope of the SOAP APIs.
func TestSOAP(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	c := o.Credentials()
	call := func(path, session, op string, header ...string) reply {
		body := `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>` + session +
			`</sessionId></SessionHeader></e:Header><e:Body>` + op + `</e:Body></e:Envelope>`
		return o.do("POST", path, body, append([]string{"Authorization", "", "Content-Type", "text/xml", "SOAPAction", `""`}, header...)...)
	}
	login := `<login xmlns="urn:partner.soap.sforce.com"><username>` + c.Username + `</username><password>` + c.Password + c.SecurityToken + `</password></login>`
	r := call("/services/Soap/u/50.0", "", login)
	_, after, _ := strings.Cut(r.body, "<sessionId>")
	session, _, found := strings.Cut(after, "</sessionId>")
	if r.status != 200 || !found || !strings.HasPrefix(r.header.Get("Content-Type"), "text/xml") {
		t.Fatalf("login: %d %s", r.status, r.body)
	}
	for _, tt := range []struct {
		fact   string
		got    reply
		status int
		want   string
	}{
		{"who am I", call("/services/Soap/u/50.0/"+c.OrganizationID[:15], session, "<getUserInfo/>"), 200, "<userName>" + c.Username + "</userName>"},
		{"the enterprise API", call("/services/Soap/c/50.0", session, "<getUserInfo/>"), 200, `xmlns="urn:enterprise.soap.sforce.com"`},
		{"an operation that is not there", call("/services/Soap/u/50.0", session, "<nothing/>"), 500, "No operation available for request {urn:partner.soap.sforce.com}nothing"},
		{"no session", call("/services/Soap/u/50.0", "x", "<getUserInfo/>"), 500, "<faultcode>sf:INVALID_SESSION_ID</faultcode>"},
		{"no such version", call("/services/Soap/u/99.0", session, "<getUserInfo/>"), 500, "UNSUPPORTED_API_VERSION"},
		{"no version that is one", call("/services/Soap/u/50.5", session, "<getUserInfo/>"), 500, "UNSUPPORTED_API_VERSION"},
		{"no envelope", o.do("POST", "/services/Soap/u/50.0", "hello", "SOAPAction", "login"), 500, "<faultcode>soapenv:Client</faultcode>"},
		{"no SOAPAction", o.do("POST", "/services/Soap/u/50.0", "hello"), 500, "SOAPAction HTTP header missing"},
		{"by GET", o.do("GET", "/services/Soap/u/50.0", ""), 405, "METHOD_NOT_ALLOWED"},
		{"no such API", o.do("POST", "/services/Soap/x/50.0", ""), 404, "NOT_FOUND"},
		{"logout", call("/services/Soap/u/50.0", session, `<logout xmlns="urn:partner.soap.sforce.com"/>`), 200, "<logoutResponse></logoutResponse>"},
		{"after it", call("/services/Soap/u/50.0", session, "<getUserInfo/>"), 500, "INVALID_SESSION_ID"},
	} {
		if tt.got.status != tt.status || !strings.Contains(tt.got.body, tt.want) {
			t.Errorf("%s: %d %s\nwithout %s", tt.fact, tt.got.status, tt.got.body, tt.want)
		}
	}
}

// Neither the journal nor the overview holds a secret, wherever a client puts it.
func TestSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	c := o.Credentials()
	secrets := url.Values{
		"client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "username": {c.Username}, "password": {c.Password + c.SecurityToken},
		"refresh_token": {c.RefreshToken}, "token": {c.AccessToken},
	}
	for _, call := range []string{
		"POST /services/oauth2/token?grant_type=password&", "POST /services/oauth2/token?grant_type=refresh_token&",
		"GET /services/oauth2/authorize?", "POST /services/oauth2/introspect?", "GET /services/oauth2/userinfo?oauth_token=" + c.AccessToken + "&",
		"GET /services/oauth2/revoke?",
	} {
		method, path, _ := strings.Cut(call, " ")
		o.do(method, path+secrets.Encode(), "")
	}
	v, err := o.Show(t.Context())
	if err != nil || len(v.Requests) != 6 {
		t.Fatalf("%d requests: %v", len(v.Requests), err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{c.ClientSecret, c.Password, c.SecurityToken, c.RefreshToken, c.AccessToken} {
		if strings.Contains(string(text), secret) {
			t.Errorf("a secret in %s", text)
		}
	}
}
