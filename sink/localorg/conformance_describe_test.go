package localorg_test

import (
	"encoding/json"
	"slices"
	"sort"
	"strings"
	"testing"
)

// §7 Describe.
func TestConformance07Describe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.check(t, []fact{
		{"§7 the global describe", "GET /sobjects", "", `200 {"encoding":"UTF-8","maxBatchSize":200,"sobjects":[{…"keyPrefix":"001"…"name":"Account"…"urls":{…"describe":"/services/data/v66.0/sobjects/Account/describe"…}}…]}`},
		{"§7 the basics of an object", "GET /sobjects/lead", "", `200 {"objectDescribe":{…"name":"Lead"…},"recentItems":[…]}`},
		{"§7 a describe says when it last changed", "GET /sobjects/Lead/describe", "", "200\nLast-Modified: <text:modified>…\n\n{…}"},
		{"§7 an unknown object", "GET /sobjects/Nothing__c/describe", "", notFound},
	})
	_, _, header := w.call(t, "GET /sobjects/Lead/describe", "")
	w.vars["since"] = header.Get("Last-Modified")
	w.check(t, []fact{
		{"§7 unchanged since then: 304 without a body", "GET /sobjects/Lead/describe\nIf-Modified-Since: $since", "", `304 -`},
		{"§7 changed since long ago", "GET /sobjects/Lead/describe\nIf-Modified-Since: Fri, 01 Jan 2021 00:00:00 GMT", "", `200 {…}`},
	})
}

// described is what the facts look at of a describe document.
type described struct {
	Name, Label, KeyPrefix           string
	Createable, Custom, Queryable    bool
	Fields                           []map[string]any
	ChildRelationships               []map[string]any
	RecordTypeInfos, SupportedScopes []any
}

func (w *world) describe(t *testing.T, object string) (described, map[string]json.RawMessage) {
	t.Helper()
	status, body, _ := w.call(t, "GET /sobjects/"+object+"/describe", "")
	var d described
	var keys map[string]json.RawMessage
	if status != 200 || json.Unmarshal([]byte(body), &d) != nil || json.Unmarshal([]byte(body), &keys) != nil {
		t.Fatalf("describe %s: %d %.300s", object, status, body)
	}
	return d, keys
}

func (d described) field(name string) map[string]any {
	for _, f := range d.Fields {
		if f["name"] == name {
			return f
		}
	}
	return nil
}

// The keys of objects and fields, as real orgs have them.
func TestConformance07Keys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	const object = "actionOverrides activateable childRelationships compactLayoutable createable custom deletable fields keyPrefix label " +
		"labelPlural layoutable mergeable name namedLayoutInfos queryable recordTypeInfos replicateable retrieveable searchable supportedScopes " +
		"triggerable undeletable updateable urls"
	const field = "aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete caseSensitive compoundFieldName " +
		"controllerName createable custom defaultValue defaultValueFormula defaultedOnCreate dependentPicklist deprecatedAndHidden digits " +
		"displayLocationInDecimal encrypted externalId extraTypeInfo filterable filteredLookupInfo formulaTreatNullNumberAsZero groupable " +
		"highScaleNumber htmlFormatted idLookup inlineHelpText label length mask maskType name nameField namePointing nillable permissionable " +
		"picklistValues polymorphicForeignKey precision queryByDistance referenceTargetField referenceTo relationshipName relationshipOrder " +
		"restrictedDelete restrictedPicklist scale searchPrefilterable soapType sortable type unique updateable writeRequiresMasterRead"
	for _, name := range []string{"Lead", "Contact", "Account", "Opportunity", "Case", "Campaign", "CampaignMember", "Task", "Event", "OpportunityContactRole", "User", "Visit__c"} {
		d, keys := w.describe(t, name)
		for _, k := range strings.Fields(object) {
			if _, there := keys[k]; !there {
				t.Errorf("§7 %s lacks the key %s", name, k)
			}
		}
		for _, f := range d.Fields {
			var lacks []string
			for _, k := range strings.Fields(field) {
				if _, there := f[k]; !there {
					lacks = append(lacks, k)
				}
			}
			if len(lacks) > 0 {
				t.Errorf("§7 %s.%s lacks %v", name, f["name"], lacks)
			}
		}
	}
}

// What the standard objects are.
func TestConformance07Facts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	for _, o := range []struct {
		name, prefix, lookup, required string
		ownerTo                        []any
	}{
		{"Lead", "00Q", "Case__c Email Ext__c Id Many__c Number__c", "Company LastName", []any{"Group", "User"}},
		{"Contact", "003", "Email Id", "LastName", []any{"User"}},
		{"Account", "001", "ERP_Id__c Id", "Name", []any{"User"}},
		{"Opportunity", "006", "Id Name", "CloseDate Name StageName", []any{"User"}},
		{"Campaign", "701", "Id Name", "Name", []any{"User"}},
		{"Case", "500", "CaseNumber Id", "", []any{"Group", "User"}},
		{"CampaignMember", "00v", "Id", "CampaignId", nil},
		{"Task", "00T", "Id", "", nil},
		{"Event", "00U", "Id", "", nil},
		{"OpportunityContactRole", "00K", "Id", "ContactId OpportunityId", nil},
		{"User", "005", "Email FederationIdentifier Id Username", "", nil},
	} {
		d, _ := w.describe(t, o.name)
		var lookup, required []string
		for _, f := range d.Fields {
			if f["idLookup"] == true {
				lookup = append(lookup, f["name"].(string))
			}
			if f["createable"] == true && f["nillable"] == false && f["defaultedOnCreate"] == false {
				required = append(required, f["name"].(string))
			}
			if f["type"] == "boolean" && f["nillable"] != false {
				t.Errorf("§7 booleans are never nillable: %s.%s", o.name, f["name"])
			}
			if n, text := f["length"].(float64), f["type"] == "string" || f["type"] == "textarea" || f["type"] == "phone"; text && n > 0 && f["byteLength"] != 3*n {
				t.Errorf("§7 byteLength is three times length: %s.%s %v %v", o.name, f["name"], n, f["byteLength"])
			}
		}
		sort.Strings(lookup)
		sort.Strings(required)
		if got := strings.Join(lookup, " "); d.KeyPrefix != o.prefix || got != o.lookup {
			t.Errorf("§7 %s: prefix %s, idLookup %s; want %s, %s", o.name, d.KeyPrefix, got, o.prefix, o.lookup)
		}
		if got := strings.Join(required, " "); o.name != "User" && got != o.required {
			t.Errorf("§7 %s requires %q, want %q", o.name, got, o.required)
		}
		if owner := d.field("OwnerId"); o.ownerTo != nil && (owner == nil || !slices.Equal(owner["referenceTo"].([]any), o.ownerTo)) {
			t.Errorf("§7 %s.OwnerId refers to %v, want %v", o.name, owner["referenceTo"], o.ownerTo)
		}
	}
	lead, _ := w.describe(t, "Lead")
	for name, want := range map[string]float64{
		"Email": 80, "Phone": 40, "MobilePhone": 40, "Fax": 40, "Website": 255, "Street": 255, "City": 40, "State": 80, "Country": 80, "PostalCode": 20,
		"Description": 32000, "Company": 255, "FirstName": 40, "LastName": 80, "Title": 128, "Salutation": 40,
	} {
		if f := lead.field(name); f == nil || f["length"] != want {
			t.Errorf("§7 Lead.%s has length %v, want %v", name, f["length"], want)
		}
	}
	ext := lead.field("Ext__c")
	for k, want := range map[string]any{"type": "string", "unique": true, "externalId": true, "idLookup": true, "caseSensitive": false, "custom": true, "soapType": "xsd:string", "relationshipName": nil} {
		if ext[k] != want {
			t.Errorf("§7 a custom external id has %s %v, want %v", k, ext[k], want)
		}
	}
	team := lead.field("Team__c")
	if team["relationshipName"] != "Team__r" || team["soapType"] != "tns:ID" || !slices.Equal(team["referenceTo"].([]any), []any{"Account"}) {
		t.Errorf("§7 a lookup: %v", team)
	}
	var open map[string]any
	for _, v := range lead.field("Status")["picklistValues"].([]any) {
		if v := v.(map[string]any); v["defaultValue"] == true {
			open = v
		}
	}
	if open["value"] != "Open - Not Contacted" || open["active"] != true || open["label"] != "Open - Not Contacted" || open["validFor"] != nil {
		t.Errorf("§7 Lead.Status defaults to %v", open)
	}
	account, _ := w.describe(t, "Account")
	if !slices.ContainsFunc(account.ChildRelationships, func(r map[string]any) bool {
		return r["childSObject"] == "Contact" && r["field"] == "AccountId" && r["relationshipName"] == "Contacts"
	}) {
		t.Error("§7 Account has no child relationship Contacts")
	}
	visit, _ := w.describe(t, "Visit__c")
	if !visit.Custom || visit.KeyPrefix[0] != 'a' || visit.Label != "Visit" {
		t.Errorf("§7 a custom object: %+v", visit)
	}
	if score := visit.field("Score__c"); score["nillable"] != false || score["precision"] != 5.0 || score["scale"] != 2.0 {
		t.Errorf("§7 a required number: %v", score)
	}
}

// §8 Limits, §9 headers.
func TestConformance08Limits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.check(t, []fact{
		{"§8 Max and Remaining", "GET /limits", "", `200 {…"DailyApiRequests":{"Max":<n>,"Remaining":<n>},…"DailyBulkApiBatches":{"Max":15000,"Remaining":15000},"DailyBulkV2QueryFileStorageMB":{"Max":976562,"Remaining":976562},"DailyBulkV2QueryJobs":{"Max":10000,"Remaining":10000},…}`},
		{"§8 PermissionSets is nested", "GET /limits", "", `200 {…"PermissionSets":{"Max":<n>,"Remaining":<n>,"CreateCustom":{"Max":<n>,"Remaining":<n>}}…}`},
		{"§8 setup: a lead", "POST /sobjects/Lead", `{` + person + `}`, `201 {"id":"<id:lead>",…}`},
		{"§8 recordCount", "GET /limits/recordCount?sObjects=lead,Contact", "", `200 {"sObjects":[{"count":1,"name":"Lead"}]}`},
		{"§8 each call counts one", "GET /limits", "", "200\nSforce-Limit-Info: api-usage=5/<n>\n\n…"},
		{"§9 headers of an answer", "GET /limits", "", "200\nContent-Type: application/json;charset=UTF-8\nCache-Control: no-cache,must-revalidate,max-age=0,no-store,private\nVary: Accept-Encoding\nX-Content-Type-Options: nosniff\n\n…"},
		{"§9 gzip if asked for", "GET /sobjects/Lead/describe\nAccept-Encoding: gzip", "", "200\nContent-Encoding: gzip\n\n{…}"},
		{"App. B Content-Encoding on a GET without a body is ignored", "GET /limits\nContent-Encoding: gzip", "", `200 {…}`},
		{"§9 X-PrettyPrint", "GET /sobjects/Lead/$lead?fields=Id\nX-PrettyPrint: 1", "", "200 {\n  \"attributes\" : {\n    \"type\" : \"Lead\",\n    \"url\" : \"…\"\n  },\n  \"Id\" : \"$lead\"\n}"},
		{"App. B doubled slashes", "GET //services/data/v66.0/limits", "", `200 {…}`},
		{"App. B a trailing slash", "GET /sobjects/Lead/$lead/?fields=Id", "", `200 {…}`},
		{"App. B object and field names in any case", "PATCH /sobjects/lEAD/eXT__C/case1", `{"lastname":"A","COMPANY":"C"}`, `201 {"id":"<id:any>",…}`},
		{"App. B canonical names back", "GET /sobjects/LEAD/$any?fields=EXT__C,lastname", "", `200 {"attributes":{"type":"Lead",…},"Ext__c":"case1","LastName":"A"…}`},
		{"§9 setup: an account", "POST /sobjects/Account", `{"Name":"A"}`, `201 {"id":"<id:acc>",…}`},
		{"§9 rows of Account have an ETag", "GET /sobjects/Account/$acc", "", "200\nETag: \"<text:etag>\"\n\n{…}"},
		{"§9 If-None-Match with another", "GET /sobjects/Account/$acc\nIf-None-Match: \"x\"", "", `200 {…}`},
		{"§9 If-Match with another: 412", "PATCH /sobjects/Account/$acc\nIf-Match: \"x\"", `{"Name":"B"}`, `412`},
	})
}
