package event_test

import (
	"testing"

	"sfsync/mapping/event"
)

func TestColumnsOfEntries(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]event.Entry{
		"Salesforce-Account":            {Object: "Account", Nth: 1},
		"Salesforce-Account:2":          {Object: "Account", Nth: 2},
		"Salesforce-Account:new":        {Object: "Account", New: true, Nth: 1},
		"Salesforce-Visit__c.Key__c":    {Object: "Visit__c", Field: "Key__c", Nth: 1},
		"Salesforce-Visit__c.Key__c:10": {Object: "Visit__c", Field: "Key__c", Nth: 10},
	} {
		if got := e.Column(); got != want {
			t.Errorf("%+v: %s, want %s", e, got, want)
		}
	}
}

func TestTraits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		column, key, field string
		ok                 bool
	}{
		{"traits.plan", "plan", "plan", true},
		{"traits.billing.iban", "billing", "billing_iban", true},
		{"traits.Score__c", "Score__c", "Score__c", true},
		{"traits.", "", "", false},
		{"traits", "", "", false},
		{"properties.plan", "", "", false},
	}
	for _, tt := range tests {
		if key, field, ok := event.Trait(tt.column); key != tt.key || field != tt.field || ok != tt.ok {
			t.Errorf("%s: %s, %s, %v", tt.column, key, field, ok)
		}
	}
	if event.Column("plan") != "traits.plan" || event.Column("traits.plan") != "traits.plan" {
		t.Error("a trait by its name and by its column are one")
	}
}

func TestEveryCodeHasARemedy(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		event.CodeNotEnabled, event.CodeType, event.CodeRouted, event.CodeNoEntry, event.CodeNoTraits, event.CodeExternalID, event.CodeObject, event.CodeTooMany,
	} {
		if event.Remedy(code) == "" {
			t.Error(code)
		}
	}
	if event.Remedy("STRING_TOO_LONG") != "" {
		t.Error("a code of others")
	}
}
