package localorg

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/rest"
)

func TestToken(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	c := o.Credentials()
	app := url.Values{"client_id": {c.ClientID}, "client_secret": {c.ClientSecret}}
	with := func(kv ...string) string {
		f := url.Values{}
		for k, v := range app {
			f[k] = v
		}
		for i := 0; i < len(kv); i += 2 {
			f.Set(kv[i], kv[i+1])
		}
		return f.Encode()
	}
	tests := []struct{ fact, form, want string }{
		{"client credentials", with("grant_type", "client_credentials"), ""},
		{"password with the security token behind", with("grant_type", "password", "username", c.Username, "password", c.Password+c.SecurityToken), ""},
		{"password from a trusted address", with("grant_type", "password", "username", c.Username, "password", c.Password), ""},
		{"refresh token", with("grant_type", "refresh_token", "refresh_token", c.RefreshToken), ""},
		{"refresh token without a secret", with("grant_type", "refresh_token", "refresh_token", c.RefreshToken, "client_secret", ""), ""},
		{"wrong password", with("grant_type", "password", "username", c.Username, "password", "x"), `{"error":"invalid_grant","error_description":"authentication failure"}`},
		{"wrong refresh token", with("grant_type", "refresh_token", "refresh_token", "x"), `{"error":"invalid_grant","error_description":"expired access/refresh token"}`},
		{"wrong client", with("grant_type", "client_credentials", "client_id", "x"), `{"error":"invalid_client_id","error_description":"client identifier invalid"}`},
		{"wrong secret", with("grant_type", "client_credentials", "client_secret", "x"), `{"error":"invalid_client","error_description":"invalid client credentials"}`},
		{"unknown flow", with("grant_type", "magic"), `{"error":"unsupported_grant_type","error_description":"grant type not supported"}`},
		{"nothing", "", `{"error":"unsupported_grant_type","error_description":"grant type not supported"}`},
	}
	for _, tt := range tests {
		t.Run(tt.fact, func(t *testing.T) {
			r := o.do("POST", "/services/oauth2/token", tt.form, "Content-Type", "application/x-www-form-urlencoded", "Authorization", "")
			if tt.want != "" {
				r.want(t, 400, tt.want)
				return
			}
			var a map[string]string
			if err := json.Unmarshal([]byte(r.body), &a); err != nil || r.status != 200 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if a["token_type"] != "Bearer" || a["instance_url"] != o.url || !strings.HasPrefix(a["access_token"], c.OrganizationID[:15]+"!") ||
				len(a["issued_at"]) != 13 || a["id"] != o.url+"/id/"+c.OrganizationID+"/"+o.ident.UserID || a["expires_in"] != "" {
				t.Errorf("answer: %v", a)
			}
			for _, scheme := range []string{"Bearer ", "OAuth "} {
				o.do("GET", "/limits", "", "Authorization", scheme+a["access_token"]).want(t, 200, `{"ActiveScratchOrgs"…`)
			}
			o.do("GET", "/limits", "", "Authorization", "", "X-SFDC-Session", a["access_token"]).want(t, 200, `{"ActiveScratchOrgs"…`)
		})
	}
	rq, _ := http.NewRequestWithContext(t.Context(), "POST", o.url+"/services/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	rq.SetBasicAuth(c.ClientID, c.ClientSecret)
	res, err := http.DefaultClient.Do(rq)
	if err != nil || res.StatusCode != 200 {
		t.Errorf("client credentials by HTTP Basic: %v %v", res, err)
	}
	res.Body.Close()
}

func TestSessions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	o := newOrg(t, func(c *Config) { c.Now = func() time.Time { return now } })
	expired := `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`
	o.do("GET", "/limits", "", "Authorization", "Bearer nonsense").want(t, 401, expired)
	o.do("GET", "/limits", "", "Authorization", "").want(t, 401, expired)
	o.do("GET", "/_org", "", "Authorization", "").want(t, 401, expired)
	o.do("GET", "/services/data", "", "Authorization", "").want(t, 200, `[{"label":"Spring '19"…`)
	c := o.Credentials()
	login := func() string {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}}
		r := o.do("POST", "/services/oauth2/token", form.Encode(), "Authorization", "")
		var a struct {
			AccessToken string `json:"access_token"`
		}
		if json.Unmarshal([]byte(r.body), &a) != nil || a.AccessToken == "" {
			t.Fatalf("login: %s", r.body)
		}
		return a.AccessToken
	}
	token := login()
	now = now.Add(90 * time.Minute)
	o.do("GET", "/limits", "", "Authorization", "Bearer "+token).want(t, 200, `{"ActiveScratchOrgs"…`)
	now = now.Add(90 * time.Minute) // use keeps it alive
	o.do("GET", "/limits", "", "Authorization", "Bearer "+token).want(t, 200, `{"ActiveScratchOrgs"…`)
	now = now.Add(3 * time.Hour)
	o.do("GET", "/limits", "", "Authorization", "Bearer "+token).want(t, 401, expired)
	token = login()
	o.do("POST", "/_org/expire-sessions", "").want(t, 204, "")
	o.do("GET", "/limits", "", "Authorization", "Bearer "+token).want(t, 401, expired)
	o.do("GET", "/limits", "").want(t, 401, expired)
	token = login()
	o.do("POST", "/services/oauth2/revoke", "token="+url.QueryEscape(token)).want(t, 200, "")
	o.do("GET", "/limits", "", "Authorization", "Bearer "+token).want(t, 401, expired)
}

// What a real org accepts that a naive server refuses, and the other way round.
func TestTolerance(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	lead := `{"LastName":"A","Company":"C"}`
	o.do("POST", "//services/data/v66.0/sobjects/lead/", lead).want(t, 201, saved)
	for v := rest.MinVersion; v <= rest.MaxVersion; v++ {
		o.do("GET", fmt.Sprintf("/services/data/v%d.0/", v), "").want(t, 200, fmt.Sprintf(`{"identity":"%s/id/%s/<id>","limits":"/services/data/v%d.0/limits"…`, o.url, maskIDs(o.ident.OrganizationID), v))
	}
	o.do("GET", "/services/data/v30.0/limits", "").want(t, 410, `[{"message":"The API version v30.0 is no longer supported.","errorCode":"UNSUPPORTED_API_VERSION"}]`)
	missing := `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`
	for _, p := range []string{"/services/data/v99.0/limits", "/services/data/v66/limits", "/services/data/66.0/limits", "/services/foo", "/_org/foo", "/nothing", "/query/a/b"} {
		o.do("GET", p, "").want(t, map[bool]int{true: 405, false: 404}[p == "/_org/foo"], map[bool]string{true: `[{"message":"HTTP Method…`, false: missing}[p == "/_org/foo"])
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte(lead))
	_ = w.Close()
	o.do("POST", "/sobjects/Lead", z.String(), "Content-Encoding", "gzip").want(t, 201, saved)
	o.do("POST", "/sobjects/Lead", "no gzip", "Content-Encoding", "gzip").want(t, 400, `[{"message":"the request body cannot be read…`)
	o.do("GET", "/limits", "", "Content-Encoding", "gzip").want(t, 200, `{"ActiveScratchOrgs"…`)
	o.do("GET", "/limits/recordCount?sObjects=Lead,Contact", "", "X-PrettyPrint", "1").want(t, 200, `{
  "sObjects" : [ {
    "count" : 2,
    "name" : "Lead"
  } ]
}`)
	o.do("GET", "/query?q=SELECT+Id+FROM+Contact", "", "X-PrettyPrint", "1").want(t, 200, `{
  "totalSize" : 0,
  "done" : true,
  "records" : [ ]
}`)
	r := o.do("GET", "/sobjects/Lead/describe", "", "Accept-Encoding", "gzip")
	if r.header.Get("Content-Encoding") != "gzip" {
		t.Error("no gzip answer")
	}
	if got := r.header.Get("Sforce-Limit-Info"); !strings.HasPrefix(got, "api-usage=") || !strings.HasSuffix(got, "/5000000") {
		t.Errorf("Sforce-Limit-Info: %q", got)
	}
	if got := r.header.Get("Content-Type"); got != "application/json;charset=UTF-8" {
		t.Errorf("Content-Type: %q", got)
	}
	o.do("GET", "/limits", "", "Host", "evil.example").want(t, 421, `[{"errorCode":"NOT_FOUND","message":"this local org does not serve the host evil.example"}]`)
	o.do("GET", "/limits", "", "Host", "localhost:8080").want(t, 200, `{"ActiveScratchOrgs"…`)
	if r, err := o.raw("GET", "/query?q="+strings.Repeat("a", maxURI), ""); err != nil || r.status != 414 {
		t.Errorf("a long address: %v %v", r.status, err)
	}
	if r, err := o.raw("GET", "/query?q="+strings.Repeat("a", maxURI-200), "", "X-Much", strings.Repeat("b", 300)); err != nil || r.status != 431 {
		t.Errorf("long headers: %v %v", r.status, err)
	}
}

func TestQueryPages(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	for from := 0; from < 600; from += 200 {
		o.do("PATCH", "/composite/sobjects/Lead/Ext__c", string(leads(nil, from, 200)))
	}
	get := func(path string) (total int, done bool, next string, keys []string) {
		r := o.do("GET", path, "", "Sforce-Query-Options", "batchSize=250")
		var a struct {
			TotalSize      int
			Done           bool
			NextRecordsURL string `json:"nextRecordsUrl"`
			Records        []struct {
				Ext string `json:"Ext__c"`
			}
		}
		if err := json.Unmarshal([]byte(r.body), &a); err != nil || r.status != 200 {
			t.Fatalf("%s: %d %.300s", path, r.status, r.body)
		}
		for _, rec := range a.Records {
			keys = append(keys, rec.Ext)
		}
		return a.TotalSize, a.Done, a.NextRecordsURL, keys
	}
	path, pages := "/query?q="+url.QueryEscape("SELECT Ext__c FROM Lead ORDER BY Ext__c"), 0
	var all []string
	for path != "" {
		total, done, next, keys := get(path)
		if total != 600 || done != (next == "") {
			t.Errorf("page %d: total %d, done %v, next %q", pages, total, done, next)
		}
		if pages == 0 {
			// What changes now does not show any more.
			o.do("PATCH", "/sobjects/Lead/Ext__c/K-00000599", `{"Ext__c":null}`)
			o.do("DELETE", "/sobjects/Lead/Ext__c/K-00000598", "")
			o.create("Lead", `{"LastName":"A","Company":"C"}`)
		}
		all = append(all, keys...)
		path = next
		pages++
	}
	if pages != 3 || len(all) != 600 || !slices.IsSorted(all) {
		t.Errorf("%d records on %d pages", len(all), pages)
	}
	o.do("GET", "/query/01gLOC000000000-250", "").want(t, 400, `[{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}]`)
	o.do("GET", "/query", "").want(t, 400, `[{"message":"A query string has to be specified","errorCode":"MALFORMED_QUERY"}]`)
	o.do("GET", "/query?q=SELECT+Id+FROM+Foo", "").want(t, 400, `[{"message":"\nSELECT Id FROM Foo\n               ^\nERROR at Row:1:Column:16\nsObject type 'Foo'…`)
	if got, want := o.query("SELECT Id, Name, IsSandbox, InstanceName, OrganizationType FROM Organization"),
		`[{"Id":"`+o.ident.OrganizationID+`","InstanceName":"LOCAL","IsSandbox":false,"Name":"sfsync local org","OrganizationType":"Developer Edition"}]`; got != want {
		t.Errorf("Organization: %s", got)
	}
	if r := o.do("GET", "/queryAll?q="+url.QueryEscape("SELECT COUNT() FROM Lead WHERE Ext__c = 'k-00000598'"), ""); !strings.HasPrefix(r.body, `{"totalSize":1,`) {
		t.Errorf("queryAll: %s", r.body)
	}
}

// A lookup by key must use the index: the fold column for text, the column itself for keys
// with case and numbers.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	for _, cond := range []string{"Ext__c IN ('a','b')", "Email = 'a@b.de'", "Case__c = 'a'", "Number__c = 5", "Loose__c IN ('x')", "Id = '00Q000000000001'", "Parent__c = '00Q000000000001'"} {
		plan := o.plan(t, "SELECT Id FROM Lead WHERE "+cond)
		if !strings.Contains(plan, "SEARCH t0 USING") {
			t.Errorf("%s: %s", cond, plan)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	// The keys of a recorded describe (API v59), in their order.
	objectKeys := strings.Fields(`actionOverrides activateable associateEntityType associateParentEntity childRelationships compactLayoutable createable custom
		customSetting deepCloneable defaultImplementation deletable deprecatedAndHidden extendedBy extendsInterfaces feedEnabled fields hasSubtypes implementedBy
		implementsInterfaces isInterface isSubtype keyPrefix label labelPlural layoutable listviewable lookupLayoutable mergeable mruEnabled name namedLayoutInfos
		networkScopeFieldName queryable recordTypeInfos replicateable retrieveable searchLayoutable searchable sobjectDescribeOption supportedScopes triggerable
		undeletable updateable urls`)
	fieldKeys := strings.Fields(`aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete caseSensitive compoundFieldName
		controllerName createable custom defaultValue defaultValueFormula defaultedOnCreate dependentPicklist deprecatedAndHidden digits displayLocationInDecimal
		encrypted externalId extraTypeInfo filterable filteredLookupInfo formulaTreatNullNumberAsZero groupable highScaleNumber htmlFormatted idLookup inlineHelpText
		label length mask maskType name nameField namePointing nillable permissionable picklistValues polymorphicForeignKey precision queryByDistance
		referenceTargetField referenceTo relationshipName relationshipOrder restrictedDelete restrictedPicklist scale searchPrefilterable soapType sortable type
		unique updateable writeRequiresMasterRead`)
	r := o.do("GET", "/sobjects/Lead/describe", "")
	if got := keysOf(t, []byte(r.body)); !slices.Equal(got, objectKeys) {
		t.Errorf("keys of the object: %v", got)
	}
	var d struct {
		Fields []json.RawMessage
	}
	if err := json.Unmarshal([]byte(r.body), &d); err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Fields {
		if got := keysOf(t, f); !slices.Equal(got, fieldKeys) {
			t.Errorf("keys of a field: %v", got)
		}
	}
	// A client reads back what the org was made of.
	parsed, err := schema.ParseDescribe([]byte(r.body))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range o.store.Catalog().Object("Lead").Def.Fields {
		got := parsed.Field(want.Name)
		if got == nil || got.Type != want.Type || got.Length != want.Length || got.Required() != want.Required() || got.Key() != want.Key() ||
			got.UniqueKey() != want.UniqueKey() || got.Label != want.Label || len(got.Picklist) != len(want.Picklist) || got.Createable != want.Createable {
			t.Errorf("%s: got %+v, want %+v", want.Name, got, want)
		}
	}
	mod := r.header.Get("Last-Modified")
	o.do("GET", "/sobjects/Lead/describe", "", "If-Modified-Since", mod).want(t, 304, "")
	o.do("GET", "/sobjects/Lead/describe", "", "If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT").want(t, 200, `{"actionOverrides"…`)
	o.do("GET", "/sobjects/Lead", "").want(t, 200, `{"objectDescribe":{"activateable":false…`)
	o.do("GET", "/sobjects", "").want(t, 200, `{"encoding":"UTF-8","maxBatchSize":200,"sobjects":[{"activateable":false…`)
	o.do("GET", "/sobjects/Foo/describe", "").want(t, 404, `[{"errorCode":"NOT_FOUND"…`)
}

// keysOf returns the keys of a JSON object in their order.
func keysOf(t *testing.T, doc []byte) (keys []string) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(doc))
	depth := 0
	key := false
	for {
		tok, err := dec.Token()
		if err != nil {
			return keys
		}
		d, isDelim := tok.(json.Delim)
		switch {
		case isDelim && (d == '{' || d == '['):
			depth++
			key = d == '{' && depth == 1
			continue
		case isDelim:
			depth--
			key = depth == 1
			continue
		case depth == 1 && key:
			keys = append(keys, tok.(string))
		}
		if depth == 1 {
			key = !key
		}
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.do("GET", "/_org", "").want(t, 200, `{"kind":"local","organization_id":"`+o.ident.OrganizationID+`"…`)
	o.create("Lead", `{"LastName":"A","Company":"C"}`)
	calls := o.calls.Current().Total
	r := o.do("GET", "/_org/show", "")
	var v Overview
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatal(err)
	}
	if v.Calls != calls || !slices.Contains(v.Objects, ObjectCount{"Lead", 1}) {
		t.Errorf("overview: %+v", v)
	}
	s := schema.New("test")
	s.Add(&schema.Object{
		Name: "Visit__c", Label: "Visit", LabelPlural: "Visits", Custom: true, Createable: true, Updateable: true, Deletable: true, Queryable: true,
		Fields: []*schema.Field{{Name: "Score__c", Label: "Score", Type: schema.Double, Precision: 5, Scale: 2, Createable: true, Updateable: true, Custom: true, Filterable: true}},
	})
	s.Add(&schema.Object{Name: "Lead", Fields: []*schema.Field{
		{Name: "ext__C", Type: schema.Double}, {Name: "New__c", Label: "New", Type: schema.Boolean, DefaultedOnCreate: true, DefaultValue: "true", Createable: true, Custom: true},
	}})
	body, err := EncodeSchema(s)
	if err != nil {
		t.Fatal(err)
	}
	o.do("POST", "/_org/extend", string(body)).want(t, 200, `{"added":["Lead.New__c","Visit__c"]}`)
	o.do("POST", "/_org/extend", string(body)).want(t, 200, `{"added":[]}`)
	o.do("POST", "/sobjects/Visit__c", `{}`).want(t, 400, `[{"message":"Required fields are missing: [Score__c]","errorCode":"REQUIRED_FIELD_MISSING","fields":["Score__c"]}]`)
	if id := o.create("Visit__c", `{"Score__c":1}`); !strings.HasPrefix(id, "a00") {
		t.Errorf("id of a custom object: %s", id)
	}
	if got, want := o.query("SELECT New__c FROM Lead"), `[{"New__c":true}]`; got != want {
		t.Errorf("a new checkbox on old records: %s, want %s", got, want)
	}
	o.do("POST", "/_org/extend", `{"objects":[{"Name":"x\"; DROP TABLE"}]}`).want(t, 500, `[{"message":"…`)
	o.do("POST", "/_org/reset", "").want(t, 204, "")
	if o.count("Lead") != 0 || o.count("Visit__c") != 0 || o.count("User") != 1 || o.count("Organization") != 1 {
		t.Error("reset left something or took too much")
	}
	o.create("Visit__c", `{"Score__c":1}`) // ids go on
}

// An org that is opened again is the same one, and a process that dies leaves nothing half.
func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "org.db")
	cfg := Config{DB: path, Schema: leadSchema()}
	first, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ta := &testOrg{Org: first, t: t}
	_ = ta
	if _, err := first.Extend(t.Context(), leadSchema()); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{path, filepath.Dir(path)} {
		st, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f, st.Mode())
		}
	}
	second, err := Open(t.Context(), Config{DB: path})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if first.Credentials() != second.Credentials() {
		t.Error("the credentials changed")
	}
	if second.store.Catalog().Object("Lead").Field("Ext__c") == nil {
		t.Error("the schema is gone")
	}
}

func TestTwoOrgsDiffer(t *testing.T) {
	t.Parallel()
	a, b := newOrg(t).Credentials(), newOrg(t).Credentials()
	if a.OrganizationID == b.OrganizationID || a.Username == b.Username || a.AccessToken == b.AccessToken || a.ClientSecret == b.ClientSecret || a.Password == b.Password {
		t.Error("two orgs share an id or a secret")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var current atomic.Pointer[func(Fault) Action]
	set := func(f func(Fault) Action) { current.Store(&f) }
	set(func(Fault) Action { return Action{} })
	o := newOrg(t, func(c *Config) { c.Fault = func(f Fault) Action { return (*current.Load())(f) } })
	lead := `{"LastName":"A","Company":"C"}`
	set(func(f Fault) Action {
		return Action{Status: 503, Code: "SERVER_UNAVAILABLE", Message: "server temporarily unavailable"}
	})
	o.do("POST", "/sobjects/Lead", lead).want(t, 503, `[{"message":"server temporarily unavailable","errorCode":"SERVER_UNAVAILABLE"}]`)
	set(func(Fault) Action { return Action{Status: 503, Body: "<html>down</html>"} })
	o.do("POST", "/sobjects/Lead", lead).want(t, 503, `<html>down</html>`)
	set(func(Fault) Action { return Action{Drop: DropBefore} })
	if _, err := o.raw("POST", "/sobjects/Lead", lead); err == nil {
		t.Error("dropped, but answered")
	}
	set(func(Fault) Action { return Action{} })
	if n := o.count("Lead"); n != 0 {
		t.Errorf("%d leads, want none", n)
	}
	set(func(f Fault) Action {
		if f.Path == "/sobjects/Lead" && !f.Row {
			return Action{Drop: DropAfter}
		}
		return Action{}
	})
	if _, err := o.raw("POST", "/sobjects/Lead", lead); err == nil {
		t.Error("dropped, but answered")
	}
	if n := o.count("Lead"); n != 1 {
		t.Errorf("%d leads, want 1", n)
	}
	set(func(f Fault) Action {
		if f.Row && f.Object == "Lead" && f.Index == 1 {
			return Action{Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record"}
		}
		return Action{}
	})
	o.do("POST", "/composite/sobjects", bodyOf(false, lead, lead)).
		want(t, 200, `[`+saved+`,{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access to this record","fields":[]}]}]`)
	set(func(f Fault) Action {
		if f.Sub && f.Path == "/limits" {
			return Action{Status: 500, Code: "UNKNOWN_EXCEPTION"}
		}
		return Action{}
	})
	o.do("POST", "/composite", subs(false, "GET /limits")).
		want(t, 200, `{"compositeResponse":[{"body":[{"message":"","errorCode":"UNKNOWN_EXCEPTION"}],"httpHeaders":{},"httpStatusCode":500,"referenceId":"r0"}]}`)
	set(func(Fault) Action { return Action{Expire: true} })
	o.do("GET", "/limits", "").want(t, 401, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`)
}

// A latency passes before each answer, and no longer than its caller waits.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if !rest.Sleep(t.Context(), 3*time.Second) || time.Since(start) != 3*time.Second {
			t.Errorf("slept %v", time.Since(start))
		}
	})
}

// What the org needs for a request itself is a part of its latency and its pace, so that they are kept on a slow
// machine: with a clock on which everything takes ten minutes, a request and a record of five take no time more.
func TestPaceCountsTheWork(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	begin := time.Now()
	o := newOrg(t, func(c *Config) {
		c.Now = func() time.Time { return begin.Add(time.Duration(asked.Add(1)) * 10 * time.Minute) }
		c.Latency, c.RowLatency = 5*time.Minute, 5*time.Minute
	})
	if r := o.do("POST", "/sobjects/Lead", `{"LastName":"L","Company":"C"}`); r.status != 201 {
		t.Fatal(r)
	}
	if took := time.Since(begin); took >= 5*time.Minute {
		t.Errorf("it took %v", took)
	}
}
