package presets_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping"
	"sfsync/mapping/event"
	"sfsync/mapping/presets"
	"sfsync/mapping/schema"
)

// The traits of the destination's fields, the first that has a value counts (RudderStack docs,
// "Salesforce destination", and its published transformer).
const (
	leadTraits = `
AnnualRevenue company.annualRevenue
City address.city, city
Company company.name, company
CompanyDunsNumber company.companyDunsNumber, companyDunsNumber
Country address.country, country
CountryCode address.countryCode, countryCode
CurrencyIsoCode currencyIsoCode
Description description
Email email
Fax fax
FirstName firstName, name
GeocodeAccuracy geocodeAccuracy
HasOptedOutOfEmail hasOptedOutOfEmail
HasOptedOutOfFax hasOptedOutOfFax
IndividualId individualId
Industry company.industry
IsUnreadByOwner isUnreadByOwner
Jigsaw jigsaw
LastName lastName, name
Latitude address.latitude, latitude
LeadSource LeadSource
Longitude address.longitude, longitude
MiddleName middleName
MobilePhone mobilePhone
NumberOfEmployees company.employee_count
OwnerId ownerId
Phone phone
PostalCode address.postalCode, postalCode
Rating rating
RecordTypeId recordTypeId
Salutation salutation
State address.state, state
StateCode address.stateCode, stateCode
Status status
Street address.street, street
Suffix suffix
Title title
Website website`
	contactTraits = `
AccountId accountId
AssistantName assistantName
AssistantPhone assistantPhone
Birthdate birthday
Department department
Description description
DoNotCall doNotCall
Email email
Fax fax
FirstName firstName, name
HasOptedOutOfEmail hasOptedOutOfEmail
HasOptedOutOfFax hasOptedOutOfFax
HomePhone homePhone
IndividualId individualId
Jigsaw jigsaw
LastName lastName, name
LeadSource LeadSource
MailingCity address.city, city
MailingCountry address.country, country
MailingCountryCode address.countryCode, countryCode
MailingGeocodeAccuracy geocodeAccuracy
MailingLatitude address.latitude, latitude
MailingLongitude address.longitude, longitude
MailingPostalCode address.postalCode, postalCode
MailingState address.state, state
MailingStateCode address.stateCode, stateCode
MailingStreet address.street, street
MiddleName middleName
MobilePhone mobilePhone
OwnerId ownerId
Phone phone
RecordTypeId recordTypeId
ReportsToId reportsToId
Salutation salutation
Suffix suffix
Title title`
)

func parse(t *testing.T, name string) *mapping.File {
	t.Helper()
	text, ok := presets.Get(name)
	if !ok {
		t.Fatalf("no preset %s", name)
	}
	f, found, err := mapping.Parse(name+".yaml", text)
	if err != nil || len(found) > 0 {
		t.Fatalf("%v\n%v", found, err)
	}
	return f
}

func TestNames(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff([]string{"rudderstack-contact", "rudderstack-lead"}, presets.Names()); d != "" {
		t.Error(d)
	}
	if _, ok := presets.Get("no-such-preset"); ok {
		t.Error("a preset that is none")
	}
	if _, ok := presets.Get("../presets/rudderstack-lead"); ok {
		t.Error("a path is no name")
	}
}

// TestPresetsCompile: a preset is a mapping by itself, which every org takes: fields that come with a
// feature are left out where the org has none.
func TestPresetsCompile(t *testing.T) {
	t.Parallel()
	for _, name := range presets.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(t, name)
			if f.Name != name || f.Source.Events != event.RudderStack || !f.Source.Gate {
				t.Errorf("name %s, events %s, gate %v", f.Name, f.Source.Events, f.Source.Gate)
			}
			p, found, err := mapping.Compile(f, schema.Standard())
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range found {
				if d.Code != "field-left-out" && d.Code != "match-costs-lookup" {
					t.Error(d)
				}
			}
			if !p.Rest() {
				t.Error("other traits are not copied")
			}
		})
	}
}

func TestPresetsHaveEveryTrait(t *testing.T) {
	t.Parallel()
	check := func(name, target, table string) {
		t.Helper()
		f := parse(t, name)
		i := slices.IndexFunc(f.Targets, func(t *mapping.Target) bool { return t.Name.Value == target })
		if i < 0 {
			t.Fatalf("%s has no target %s", name, target)
		}
		want := map[string][]string{}
		for line := range strings.Lines(strings.TrimSpace(table)) {
			field, paths, _ := strings.Cut(strings.TrimSpace(line), " ")
			for p := range strings.SplitSeq(paths, ", ") {
				want[field] = append(want[field], event.Traits+p)
			}
		}
		for _, r := range f.Targets[i].Fields {
			field := r.Field.Value
			if want[field] == nil {
				t.Errorf("%s: %s.%s is in no table", name, target, field)
				continue
			}
			var got []string
			own := false
			for _, ref := range r.From {
				if ref.Name == event.Traits+field {
					own = true // a standard field's own name is that field
					if !slices.Contains(want[field], ref.Name) {
						continue
					}
				}
				got = append(got, ref.Name)
			}
			if d := cmp.Diff(want[field], got); d != "" || !own {
				t.Errorf("%s: %s.%s: own name %v, paths (-want +got):\n%s", name, target, field, own, d)
			}
			if r.DefaultAlways || (r.Default != nil) != (field == "LastName" || field == "Company") {
				t.Errorf("%s: %s.%s: default %v, always %v", name, target, field, r.Default, r.DefaultAlways)
			}
			delete(want, field)
		}
		for field := range want {
			t.Errorf("%s: %s lacks %s", name, target, field)
		}
	}
	check("rudderstack-lead", "lead", leadTraits)
	check("rudderstack-lead", "contact", contactTraits)
	check("rudderstack-contact", "contact", contactTraits)
}
