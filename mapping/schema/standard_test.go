package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/schema"
)

// TestStandardFacts holds the built-in objects to what is known of a new org: how many fields
// they have, with and without those of org features, which a record needs, and what their
// records' ids begin with.
func TestStandardFacts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		object, prefix   string
		fields, optional int
		required         string
		lookup           string
		delete           bool
	}{
		{"Account", "001", 64, 53, "Name", "Id", true},
		{"Campaign", "701", 33, 2, "Name", "Id Name", true},
		{"CampaignMember", "00v", 36, 3, "CampaignId", "Id", true},
		{"Case", "500", 35, 3, "", "Id CaseNumber", true},
		{"Contact", "003", 63, 10, "LastName", "Id Email", true},
		{"Event", "00U", 48, 0, "", "Id", true},
		{"Lead", "00Q", 58, 8, "LastName Company", "Id Email", true},
		{"Opportunity", "006", 42, 3, "Name StageName CloseDate", "Id Name", true},
		{"OpportunityContactRole", "00K", 11, 0, "OpportunityId ContactId", "Id", true},
		{"Task", "00T", 40, 3, "", "Id", true},
		{
			"User", "005", 46, 0, "Alias CommunityNickname Email EmailEncodingKey LanguageLocaleKey LastName LocaleSidKey ProfileId TimeZoneSidKey Username",
			"Id Email FederationIdentifier Username", false,
		},
	}
	plain := schema.Standard()
	all, err := schema.StandardWith(schema.Features()...)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tt := range tests {
		names = append(names, tt.object)
		o, with := plain.Object(tt.object), all.Object(tt.object)
		if o == nil || with == nil {
			t.Errorf("%s is missing", tt.object)
			continue
		}
		if got := [2]int{len(o.Fields), len(with.Fields) - len(o.Fields)}; got != [2]int{tt.fields, tt.optional} {
			t.Errorf("%s has %d fields and %d of features, want %d and %d", tt.object, got[0], got[1], tt.fields, tt.optional)
		}
		if o.KeyPrefix != tt.prefix || o.Custom || !o.Createable || !o.Updateable || !o.Queryable || o.Deletable != tt.delete {
			t.Errorf("%s: %s", tt.object, objectLine(o))
		}
		var required, lookup []string
		seen := map[string]bool{}
		for _, f := range o.Fields {
			if f.Required() {
				required = append(required, f.Name)
			}
			if f.IDLookup {
				lookup = append(lookup, f.Name)
			}
			if f.Feature != "" || seen[strings.ToLower(f.Name)] || f.Label == "" || o.Field(strings.ToUpper(f.Name)) != f {
				t.Errorf("%s.%s: %s", tt.object, f.Name, fieldLine(f))
			}
			seen[strings.ToLower(f.Name)] = true
			checkField(t, tt.object, f)
		}
		if got := strings.Join(required, " "); got != tt.required {
			t.Errorf("%s requires %q, want %q", tt.object, got, tt.required)
		}
		if got := strings.Join(lookup, " "); got != tt.lookup {
			t.Errorf("%s is looked up by %q, want %q", tt.object, got, tt.lookup)
		}
		if o.Fields[0].Name != "Id" || o.Fields[0].Type != schema.ID {
			t.Errorf("%s begins with %s", tt.object, o.Fields[0].Name)
		}
	}
	if d := cmp.Diff(names, plain.Names()); d != "" {
		t.Errorf("objects: %s", d)
	}
}

// checkField holds a field to what is so of every field.
func checkField(t *testing.T, object string, f *schema.Field) {
	t.Helper()
	wrong := ""
	switch f.Type {
	case schema.String, schema.TextArea, schema.Email, schema.Phone, schema.URL, schema.Picklist, schema.Combobox:
		if f.Length == 0 && f.Name != "Type" { // Task.Type has length 40 in an org with values
			wrong = "text without a length"
		}
	case schema.Double, schema.Currency, schema.Percent:
		if f.Precision == 0 || f.Scale > f.Precision {
			wrong = "a number without a precision"
		}
	case schema.Int:
		if f.Digits == 0 {
			wrong = "an int without digits"
		}
	case schema.Boolean:
		if f.Nillable || f.DefaultValue != "false" || !f.DefaultedOnCreate {
			wrong = "a checkbox that can be null"
		}
	case schema.Reference:
		if f.Length != 18 || len(f.ReferenceTo) > 1 != f.PolymorphicRef && f.Name != "LeadOrContactId" {
			wrong = "a reference whose objects are in doubt"
		}
	case schema.Address:
		if f.Createable || f.Updateable {
			wrong = "a compound field that can be written"
		}
	case schema.ID, schema.Date, schema.DateTime:
	default:
		wrong = "an unexpected type"
	}
	if len(f.Picklist) > 0 && f.Type != schema.Picklist && f.Type != schema.Combobox {
		wrong = "values of no picklist"
	}
	defaults := 0
	for _, v := range f.Picklist {
		if v.Value == "" || v.Label == "" || !v.Active {
			wrong = "an odd picklist value"
		}
		if v.Default {
			defaults++
			if f.DefaultValue != "" && f.DefaultValue != v.Value {
				wrong = "two defaults"
			}
		}
	}
	if defaults > 1 {
		wrong = "several defaults"
	}
	if wrong != "" {
		t.Errorf("%s.%s is %s: %s", object, f.Name, wrong, fieldLine(f))
	}
}

// TestStandardFields looks at fields one by one, as recorded describe answers have them.
func TestStandardFields(t *testing.T) {
	t.Parallel()
	all, err := schema.StandardWith(schema.Features()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ field, want string }{
		{"Lead.LastName", `LastName "Last Name" string length=80 required create update filter sort group in=Name info=personname`},
		{"Lead.Name", `Name "Full Name" string length=121 nameField filter sort group info=personname`},
		{"Lead.Email", `Email "Email" email length=80 nillable create update idLookup filter sort group`},
		{"Lead.Status", `Status "Status" picklist length=255 defaulted create update filter sort group default=Open - Not Contacted [*Open - Not Contacted; Working - Contacted; Closed - Converted; Closed - Not Converted]`},
		{"Lead.AnnualRevenue", `AnnualRevenue "Annual Revenue" currency precision=18 nillable create update filter sort`},
		{"Lead.NumberOfEmployees", `NumberOfEmployees "Employees" int digits=8 nillable create update filter sort group`},
		{"Lead.OwnerId", `OwnerId "Owner ID" reference length=18 defaulted create update filter sort group polymorphic rel=Owner to=Group,User`},
		{"Lead.IsConverted", `IsConverted "Converted" boolean defaulted create filter sort group default=false`},
		{"Lead.Street", `Street "Street" textarea length=255 nillable create update filter sort group in=Address info=plaintextarea`},
		{"Lead.Description", `Description "Description" textarea length=32000 nillable create update info=plaintextarea`},
		{"Lead.Address", `Address "Address" address nillable filter`},
		{"Lead.EmailBouncedReason", `EmailBouncedReason "Email Bounced Reason" string length=255 nillable update filter sort group`},
		{"Lead.CleanStatus", `CleanStatus "Clean Status" picklist length=40 nillable create update filter sort group restricted [Matched(In Sync); Different; Acknowledged(Reviewed); NotFound(Not Found); Inactive; Pending(Not Compared); SelectMatch(Select Match); Skipped]`},
		{"Lead.MiddleName", `MiddleName "Middle Name" string length=40 nillable create update filter sort group feature=middle_names`},
		{"Lead.RecordTypeId", `RecordTypeId "Record Type Id" reference length=18 nillable create update filter rel=RecordType to=RecordType feature=record_types`},
		{"Case.CaseNumber", `CaseNumber "Case Number" string length=30 defaulted idLookup auto nameField filter sort`},
		{"Opportunity.Amount", `Amount "Amount" currency precision=18 scale=2 nillable create update filter sort`},
		{"Opportunity.StageName", `StageName "Stage" picklist length=255 required create update filter sort group [Prospecting; Qualification; Needs Analysis; Value Proposition; Id. Decision Makers; Perception Analysis; Proposal/Price Quote; Negotiation/Review; Closed Won; Closed Lost]`},
		{"Contact.Salutation", `Salutation "Salutation" picklist length=40 nillable create update filter sort group in=Name info=personname [Mr.; Ms.; Mrs.; Dr.; Prof.]`},
		{"User.Username", `Username "Username" string length=80 required create update unique idLookup filter sort group`},
		{"Event.ShowAs", `ShowAs "Show Time As" picklist length=40 nillable defaulted create update filter sort group restricted default=Busy [*Busy; OutOfOffice(Out of Office); Free]`},
	} {
		object, field, _ := strings.Cut(tt.field, ".")
		f := all.Object(object).Field(field)
		if f == nil {
			t.Errorf("%s is missing", tt.field)
			continue
		}
		if d := cmp.Diff(tt.want, fieldLine(f)); d != "" {
			t.Errorf("%s: %s", tt.field, d)
		}
	}
	zones := all.Object("Event").Field("RecurrenceTimeZoneSidKey").Picklist
	kiritimati := schema.PicklistValue{Value: "Pacific/Kiritimati", Label: "(GMT+14:00) Line Islands Time (Pacific/Kiritimati)", Active: true}
	if len(zones) != 423 || zones[0] != kiritimati {
		t.Errorf("%d time zones, first %v", len(zones), zones[0])
	}
	if what := all.Object("Event").Field("WhatId").ReferenceTo; len(what) != 80 || !slices.Contains(what, "Opportunity") {
		t.Errorf("Event.WhatId refers to %d objects", len(what))
	}
}

func TestStandardWith(t *testing.T) {
	t.Parallel()
	want := []string{
		"accounts_as_campaign_members", "einstein", "entitlements", "gender_identity_fields", "middle_names", "multicurrency",
		"name_suffixes", "partner_portal", "person_accounts", "record_types", "shared_activities", "state_country_picklists",
	}
	if d := cmp.Diff(want, schema.Features()); d != "" {
		t.Error(d)
	}
	s, err := schema.StandardWith("middle_names")
	if err != nil {
		t.Fatal(err)
	}
	if lead := s.Object("Lead"); lead.Field("MiddleName") == nil || lead.Field("Suffix") != nil {
		t.Error("the feature asked for and no other must be there")
	}
	if _, err := schema.StandardWith("middle_name"); err == nil || !strings.Contains(err.Error(), `"middle_name"`) {
		t.Errorf("an unknown feature: %v", err)
	}
	a, b := schema.Standard(), schema.Standard()
	a.Object("Lead").Field("Email").Length = 1
	a.Object("Lead").Field("Industry").Picklist[0].Value = "x"
	if b.Object("Lead").Field("Email").Length != 80 || a.Object("Account").Field("Industry").Picklist[0].Value == "x" {
		t.Error("two schemas, or two fields of one, share what can be changed")
	}
}

func BenchmarkStandard(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		schema.Standard()
	}
}
