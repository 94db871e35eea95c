package clients

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/csv"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/k-capehart/go-salesforce/v3"
)

// lead is a record as go-salesforce reads and writes it.
type lead struct {
	Id        string
	Ext__c    string
	LastName  string
	FirstName string
	Company   string
	Email     string
	Score__c  float64
}

// leads makes n leads with keys that begin with a prefix.
func leads(prefix string, n int) []lead {
	list := make([]lead, n)
	for i := range list {
		list[i] = lead{Ext__c: fmt.Sprintf("%s-%05d", prefix, i), LastName: fmt.Sprintf("Jürgen \"%d\", Ö", i), Company: "Acme, Inc.", Score__c: float64(i%99) + 0.25}
	}
	return list
}

// stored returns the leads whose key begins with a prefix, by key.
func stored(t *testing.T, sf *salesforce.Salesforce, prefix string) []lead {
	t.Helper()
	var list []lead
	if err := sf.Query("SELECT Id, Ext__c, LastName, FirstName, Company, Email, Score__c FROM Lead WHERE Ext__c LIKE '"+prefix+"-%' ORDER BY Ext__c", &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestLogins(t *testing.T) {
	o := served(t)
	app := salesforce.Creds{Domain: o.URL, ConsumerKey: o.ClientID, ConsumerSecret: o.ClientSecret}
	user := app
	user.Username, user.Password, user.SecurityToken = o.Username, o.Password, o.SecurityToken
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	o.admin(t, connect(t).GetAccessToken(), "/_org/jwt-key", map[string]string{"pem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))})
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	signed := salesforce.Creds{Domain: o.URL, Username: o.Username, ConsumerKey: o.ClientID, ConsumerRSAPem: private}
	stranger := signed
	stranger.Username = "nobody@example.com"
	wrongPassword, wrongSecret := user, app
	wrongPassword.Password, wrongSecret.ConsumerSecret = "x", "x"
	for _, c := range []struct {
		name  string
		creds salesforce.Creds
		fails string
	}{
		{"client credentials", app, ""},
		{"user name, password and security token", user, ""},
		{"access token", salesforce.Creds{Domain: o.URL, AccessToken: connect(t).GetAccessToken()}, ""},
		{"JWT", signed, ""},
		{"JWT of another user", stranger, "400 Bad Request"},
		{"wrong password", wrongPassword, "400 Bad Request"},
		{"wrong client secret", wrongSecret, "400 Bad Request"},
		{"wrong access token", salesforce.Creds{Domain: o.URL, AccessToken: "00D000000000000!nothing"}, "invalid session"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sf, err := salesforce.Init(c.creds)
			if c.fails != "" {
				wantError(t, err, c.fails)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var found []struct{ Id, Username string }
			if err := sf.Query("SELECT Id, Username FROM User WHERE Username = '"+o.Username+"'", &found); err != nil || len(found) != 1 {
				t.Errorf("%v %v", found, err)
			}
		})
	}
}

func TestRecords(t *testing.T) {
	sf := connect(t)
	made, err := sf.InsertOne("Lead", lead{Ext__c: "GO-ONE-1", LastName: " Ann ", Company: "Acme"})
	if err != nil || !made.Success || len(made.Id) != 18 {
		t.Fatalf("%+v %v", made, err)
	}
	if err := sf.UpdateOne("Lead", lead{Id: made.Id, Ext__c: "GO-ONE-1", LastName: "Ann", FirstName: "Mary", Company: "Acme"}); err != nil {
		t.Error(err)
	}
	same, err := sf.UpsertOne("Lead", "Ext__c", map[string]any{"Ext__c": "GO-ONE-1", "LastName": "Anne"})
	if err != nil || same.Id != made.Id {
		t.Errorf("%+v %v, want %s", same, err, made.Id)
	}
	other, err := sf.UpsertOne("Lead", "Ext__c", lead{Ext__c: "GO-ONE-2", LastName: "Bob", Company: "Acme"})
	if err != nil || other.Id == made.Id {
		t.Errorf("%+v %v", other, err)
	}
	got := stored(t, sf, "GO-ONE")
	want := []lead{
		{Id: made.Id, Ext__c: "GO-ONE-1", LastName: "Anne", FirstName: "Mary", Company: "Acme"},
		{Id: other.Id, Ext__c: "GO-ONE-2", LastName: "Bob", Company: "Acme"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, l := range want {
		if err := sf.DeleteOne("Lead", lead{Id: l.Id}); err != nil {
			t.Error(err)
		}
	}
	wantError(t, sf.DeleteOne("Lead", lead{Id: made.Id}), "ENTITY_IS_DELETED")
	if left := stored(t, sf, "GO-ONE"); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// More records than a request holds, one of them bad in every round.
func TestCollections(t *testing.T) {
	for _, c := range []struct {
		name    string
		options []salesforce.Option
	}{
		{"plain", nil},
		{"compressed", []salesforce.Option{salesforce.WithCompressionHeaders(true)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sf := connect(t, c.options...)
			prefix := "GO-COLL-" + c.name
			list := leads(prefix, 450)
			list[250].LastName = ""
			check := func(op string, res salesforce.SalesforceResults, err error, bad int) {
				t.Helper()
				if err != nil || len(res.Results) != len(list) || res.HasSalesforceErrors != (bad >= 0) {
					t.Fatalf("%s: %d results, %t, %v", op, len(res.Results), res.HasSalesforceErrors, err)
				}
				for i, r := range res.Results {
					if r.Success == (i == bad) {
						t.Errorf("%s: record %d: %+v", op, i, r)
					}
				}
				if bad >= 0 && res.Results[bad].Errors[0].StatusCode != "REQUIRED_FIELD_MISSING" {
					t.Errorf("%s: %+v", op, res.Results[bad])
				}
			}
			res, err := sf.InsertCollection("Lead", list, 200)
			check("insert", res, err, 250)
			list[250].LastName = "Now"
			res, err = sf.UpsertCollection("Lead", "Ext__c", list, 200)
			check("upsert", res, err, -1)
			for i := range list {
				list[i].Id, list[i].FirstName = res.Results[i].Id, fmt.Sprint("F", i)
			}
			res, err = sf.UpdateCollection("Lead", list, 200)
			check("update", res, err, -1)
			if got := stored(t, sf, prefix); !slices.Equal(got, list) {
				t.Errorf("%d are stored otherwise: %+v", len(got), got[:min(2, len(got))])
			}
			res, err = sf.DeleteCollection("Lead", list, 200)
			check("delete", res, err, -1)
			if got := stored(t, sf, prefix); len(got) > 0 {
				t.Errorf("%d are left", len(got))
			}
		})
	}
}

// Five collections in one call, with and without allOrNone.
func TestComposite(t *testing.T) {
	sf := connect(t, salesforce.WithAPIVersion("v63.0"))
	list := leads("GO-COMP", 1000)
	res, err := sf.InsertComposite("Lead", list, 200, true)
	if err != nil || res.HasSalesforceErrors || len(res.Results) != 1000 {
		t.Fatalf("%d results, %t, %v", len(res.Results), res.HasSalesforceErrors, err)
	}
	for i := range list {
		list[i].Id, list[i].FirstName = res.Results[i].Id, "X"
	}
	list[999].LastName = strings.Repeat("L", 81)
	res, err = sf.UpdateComposite("Lead", list, 200, true)
	if err != nil || !res.HasSalesforceErrors {
		t.Fatalf("%t, %v", res.HasSalesforceErrors, err)
	}
	if got := stored(t, sf, "GO-COMP"); len(got) != 1000 || got[0].FirstName != "" {
		t.Errorf("allOrNone kept %d, %+v", len(got), got[0])
	}
	res, err = sf.UpsertComposite("Lead", "Ext__c", withoutIDs(list), 200, false)
	if err != nil || !res.HasSalesforceErrors || len(res.Results) != 1000 {
		t.Fatalf("%d results, %t, %v", len(res.Results), res.HasSalesforceErrors, err)
	}
	if got := stored(t, sf, "GO-COMP"); got[998].FirstName != "X" || got[999].FirstName != "" || res.Results[999].Errors[0].StatusCode != "STRING_TOO_LONG" {
		t.Errorf("%+v %+v", got[998:], res.Results[999])
	}
	if res, err = sf.DeleteComposite("Lead", list, 200, true); err != nil || res.HasSalesforceErrors {
		t.Errorf("%t, %v", res.HasSalesforceErrors, err)
	}
	if got := stored(t, sf, "GO-COMP"); len(got) > 0 {
		t.Errorf("%d are left", len(got))
	}
}

// withoutIDs returns the records as maps that have their key and no Id.
func withoutIDs(list []lead) []map[string]any {
	out := make([]map[string]any, len(list))
	for i, l := range list {
		out[i] = map[string]any{"Ext__c": l.Ext__c, "LastName": l.LastName, "FirstName": l.FirstName, "Company": l.Company}
	}
	return out
}

// A query of more than one page, and one from a struct.
func TestQuery(t *testing.T) {
	sf := connect(t, salesforce.WithAPIVersion("v63.0")) // the client follows pages of this version only
	list := leads("GO-PAGE", 4100)
	if res, err := sf.InsertCollection("Lead", list, 200); err != nil || res.HasSalesforceErrors {
		t.Fatalf("%t %v", res.HasSalesforceErrors, err)
	}
	got := stored(t, sf, "GO-PAGE")
	for i := range got {
		if got[i].Ext__c != list[i].Ext__c || got[i].Score__c != list[i].Score__c {
			t.Fatalf("record %d is %+v, want %+v", i, got[i], list[i])
		}
	}
	if len(got) != len(list) {
		t.Errorf("%d records, want %d", len(got), len(list))
	}
	type where struct {
		LastName string   `soql:"equalsOperator,fieldName=LastName"`
		Exts     []string `soql:"inOperator,fieldName=Ext__c"`
	}
	type columns struct {
		Id     string `soql:"selectColumn,fieldName=Id"`
		Ext__c string `soql:"selectColumn,fieldName=Ext__c"`
	}
	type query struct {
		Select columns `soql:"selectClause,tableName=Lead"`
		Where  where   `soql:"whereClause"`
	}
	var found []columns
	err := sf.QueryStruct(query{Where: where{list[7].LastName, []string{list[7].Ext__c, list[8].Ext__c}}}, &found)
	if err != nil || len(found) != 1 || found[0].Ext__c != list[7].Ext__c {
		t.Errorf("%v %v", found, err)
	}
	if res, err := sf.DeleteCollection("Lead", got, 200); err != nil || res.HasSalesforceErrors {
		t.Errorf("%t %v", res.HasSalesforceErrors, err)
	}
}

func TestErrors(t *testing.T) {
	sf := connect(t)
	_, err := sf.InsertOne("Lead", map[string]any{"LastName": "A"})
	wantError(t, err, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", `"fields":["Company"]`)
	_, err = sf.InsertOne("Lead", map[string]any{"LastName": "A", "Company": "C", "Emial": "x"})
	wantError(t, err, "INVALID_FIELD", "No such column 'Emial' on sobject of type Lead")
	_, err = sf.InsertOne("Lead", map[string]any{"LastName": "A", "Company": "C", "Email": "x"})
	wantError(t, err, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: x")
	_, err = sf.InsertOne("Nothing__c", map[string]any{"LastName": "A"})
	wantError(t, err, "NOT_FOUND")
	_, err = sf.InsertCollection("Lead", []map[string]any{{"LastName": "A", "Company": "C", "Emial": "x"}}, 200)
	wantError(t, err, "INVALID_FIELD", "Emial")
	var none []lead
	wantError(t, sf.Query("SELECT Emial FROM Lead", &none), "INVALID_FIELD", "ERROR at Row:1:Column:8")
	wantError(t, sf.Query("SELECT Id FROM Nothing__c", &none), "INVALID_TYPE", "sObject type 'Nothing__c' is not supported")
	wantError(t, sf.Query("SELECT Id FROM", &none), "MALFORMED_QUERY")
	wantError(t, sf.UpdateOne("Lead", lead{Id: "00Q000000000001EAA", LastName: "A", Company: "C"}), "NOT_FOUND")
}

// A client that logged in by itself renews an expired session and repeats the request.
func TestExpiredSession(t *testing.T) {
	o := served(t)
	sf := connect(t)
	before := sf.GetAccessToken()
	o.admin(t, before, "/_org/expire-sessions", nil)
	res, err := sf.UpsertOne("Lead", "Ext__c", lead{Ext__c: "GO-EXP-1", LastName: "A", Company: "C"})
	if err != nil || !res.Success || sf.GetAccessToken() == before {
		t.Errorf("%+v %v", res, err)
	}
	bare, err := salesforce.Init(salesforce.Creds{Domain: o.URL, AccessToken: before}, salesforce.WithValidateAuthentication(false))
	if err != nil {
		t.Fatal(err)
	}
	_, err = bare.InsertOne("Lead", lead{LastName: "A", Company: "C"})
	wantError(t, err, "unable to refresh session")
}

// Requests that the client has no method for.
func TestOtherResources(t *testing.T) {
	sf := connect(t)
	for _, path := range []string{"/sobjects", "/sobjects/Lead", "/sobjects/Lead/describe", "/limits", "/limits/recordCount?sObjects=Lead,User", "", "/query?q=SELECT+COUNT()+FROM+User"} {
		res, err := sf.DoRequest(http.MethodGet, path, nil, salesforce.WithHeader("X-PrettyPrint", "1"))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Bulk API 2.0: insert, upsert with rows that fail, update, delete, from memory and from files.
func TestBulkIngest(t *testing.T) {
	sf := connect(t)
	list := withoutIDs(leads("GO-BULK", 2500))
	one := func(ids []string, err error) salesforce.BulkJobResults {
		t.Helper()
		if err != nil || len(ids) == 0 {
			t.Fatalf("%v %v", ids, err)
		}
		res, err := sf.GetJobResults(ids[len(ids)-1])
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	res := one(sf.InsertBulk("Lead", list[:1000], 10_000, true))
	if res.State != "JobComplete" || len(res.SuccessfulRecords) != 1000 || len(res.FailedRecords) != 0 {
		t.Fatalf("insert: %s, %d and %d", res.State, len(res.SuccessfulRecords), len(res.FailedRecords))
	}
	list[3]["LastName"] = strings.Repeat("x", 81)
	list[2000]["Company"] = "" // a blank cell of a required field
	res = one(sf.UpsertBulk("Lead", "Ext__c", list, 10_000, true))
	created := 0
	for _, r := range res.SuccessfulRecords {
		if len(r["sf__Id"].(string)) != 18 {
			t.Fatalf("%v", r)
		}
		if r["sf__Created"] == "true" {
			created++
		}
	}
	if res.NumberRecordsFailed != 2 || created != 1499 || len(res.SuccessfulRecords) != 2498 || len(res.FailedRecords) != 2 {
		t.Errorf("upsert: %d failed, %d created, %d and %d", res.NumberRecordsFailed, created, len(res.SuccessfulRecords), len(res.FailedRecords))
	}
	codes := map[string]string{}
	for _, r := range res.FailedRecords {
		codes[r["Ext__c"].(string)] = r["sf__Error"].(string)
	}
	if e := codes["GO-BULK-00003"]; !strings.HasPrefix(e, "STRING_TOO_LONG:Last Name: data value too large: ") || !strings.HasSuffix(e, ":LastName --") {
		t.Errorf("sf__Error %q", e)
	}
	if e := codes["GO-BULK-02000"]; e != "REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --" {
		t.Errorf("sf__Error %q", e)
	}

	// A file of ids and new values.
	there := stored(t, sf, "GO-BULK")
	if len(there) != 2499 {
		t.Fatalf("%d are stored", len(there))
	}
	file := filepath.Join(t.TempDir(), "update.csv")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	_ = w.Write([]string{"Id", "FirstName", "Score__c"})
	for i, l := range there {
		score := fmt.Sprint(i % 100)
		if i == 0 {
			score = "#N/A"
		}
		_ = w.Write([]string{l.Id, "line\nbreak", score})
	}
	w.Flush()
	if w.Error() != nil || f.Close() != nil {
		t.Fatal(w.Error())
	}
	ids, err := sf.UpdateBulkFile("Lead", file, 1000, true)
	if err != nil || len(ids) != 3 {
		t.Fatalf("%v %v", ids, err)
	}
	updated := 0
	for _, id := range ids {
		r, err := sf.GetJobResults(id)
		for tries := 0; err == nil && r.State != "JobComplete" && tries < 1000; tries++ { // the client waits for the first job only
			r, err = sf.GetJobResults(id)
		}
		if err != nil || len(r.FailedRecords) > 0 {
			t.Errorf("%s %v %v", r.State, r.FailedRecords, err)
		}
		updated += len(r.SuccessfulRecords)
	}
	now := stored(t, sf, "GO-BULK")
	if updated != 2499 || now[0].Score__c != 0 || now[101].Score__c != 1 || now[2].FirstName != "line\nbreak" {
		t.Errorf("%d updated: %+v %+v", updated, now[0], now[101])
	}

	// The whole job fails.
	_, err = sf.InsertBulk("Lead", []map[string]any{{"LastName": "A", "Company": "C", "Emial": "x"}}, 10_000, true)
	wantError(t, err, "InvalidBatch : Field name not found : Emial")

	gone := make([]map[string]any, len(now))
	for i, l := range now {
		gone[i] = map[string]any{"Id": l.Id}
	}
	res = one(sf.DeleteBulk("Lead", gone, 10_000, true))
	if len(res.SuccessfulRecords) != len(now) || len(stored(t, sf, "GO-BULK")) > 0 {
		t.Errorf("delete: %d of %d, %v", len(res.SuccessfulRecords), len(now), res.FailedRecords)
	}
}

// A query job: whole to a file, and page by page.
func TestBulkQuery(t *testing.T) {
	sf := connect(t)
	list := leads("GO-BQ", 400)
	res, err := sf.UpsertCollection("Lead", "Ext__c", withoutIDs(list), 200)
	if err != nil || res.HasSalesforceErrors {
		t.Fatalf("%t %v", res.HasSalesforceErrors, err)
	}
	const soql = "SELECT Id, Ext__c, LastName FROM Lead WHERE Ext__c LIKE 'GO-BQ-%'"
	file := filepath.Join(t.TempDir(), "leads.csv")
	if err := sf.QueryBulkExport(soql, file); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 401 || !slices.Equal(rows[0], []string{"Id", "Ext__c", "LastName"}) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	it, err := sf.QueryBulkIterator(soql)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for it.Next() {
		var page []struct{ Ext__c, LastName string }
		if err := it.Decode(&page); err != nil {
			t.Fatal(err)
		}
		for _, l := range page {
			seen[l.Ext__c] = true
		}
	}
	if it.Error() != nil || len(seen) != 400 {
		t.Errorf("%d leads, %v", len(seen), it.Error())
	}
}

// What jsforce wrote before, and something for it to read.
func TestReadBack(t *testing.T) {
	sf := connect(t)
	if os.Getenv("LOCALORG_JSFORCE") != "" {
		got := stored(t, sf, "JS-FOR-GO")
		if len(got) != 3 || got[1].LastName != "Müller, \"Zoë\"" || got[1].Score__c != 12.34 || got[2].Email != "c@example.com" {
			t.Errorf("%+v", got)
		}
	}
	res, err := sf.UpsertCollection("Lead", "Ext__c", []map[string]any{
		{"Ext__c": "GO-FOR-JS-1", "LastName": "Ωmega \\ '", "Company": "C", "Score__c": 7.5, "Born__c": "1990-02-28"},
		{"Ext__c": "GO-FOR-JS-2", "LastName": "B", "Company": "C", "Agreed__c": true, "Seen__c": "2026-11-21T10:00:00+02:00"},
	}, 200)
	if err != nil || res.HasSalesforceErrors {
		t.Errorf("%+v %v", res, err)
	}
}
