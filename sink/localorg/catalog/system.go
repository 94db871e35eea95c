package catalog

import "sfsync/mapping/schema"

// System returns the objects that every org has and that no schema brings.
func System() *schema.Schema {
	s := schema.New("the local org's own objects")
	text := func(name, label string, n int) *schema.Field {
		return &schema.Field{Name: name, Label: label, Type: schema.String, Length: n, Nillable: true}
	}
	stamp := func(name, label string) *schema.Field {
		return &schema.Field{Name: name, Label: label, Type: schema.DateTime, DefaultedOnCreate: true}
	}
	name := text("Name", "Name", 80)
	name.NameField = true
	s.Add(&schema.Object{Name: "Organization", Label: "Organization", LabelPlural: "Organizations", KeyPrefix: "00D", Queryable: true, Fields: []*schema.Field{
		{Name: "Id", Label: "Organization ID", Type: schema.ID, Length: 18, DefaultedOnCreate: true, IDLookup: true},
		name, text("OrganizationType", "Edition", 40), text("InstanceName", "Instance Name", 5),
		{Name: "IsSandbox", Label: "Is Sandbox", Type: schema.Boolean, DefaultedOnCreate: true, DefaultValue: "false"},
		text("LanguageLocaleKey", "Language", 40), text("DefaultLocaleSidKey", "Locale", 40), text("TimeZoneSidKey", "Time Zone", 40),
		{Name: "NamespacePrefix", Label: "Namespace Prefix", Type: schema.String, Length: 15, Nillable: true},
		{Name: "TrialExpirationDate", Label: "Trial Expiration Date", Type: schema.DateTime, Nillable: true},
		stamp("CreatedDate", "Created Date"), stamp("LastModifiedDate", "Last Modified Date"), stamp("SystemModstamp", "System Modstamp"),
	}})
	profileName := text("Name", "Name", 255)
	profileName.NameField = true
	s.Add(&schema.Object{Name: "Profile", Label: "Profile", LabelPlural: "Profile", KeyPrefix: "00e", Queryable: true, Fields: []*schema.Field{
		{Name: "Id", Label: "Profile ID", Type: schema.ID, Length: 18, DefaultedOnCreate: true, IDLookup: true},
		profileName, text("UserType", "User Type", 40),
		stamp("CreatedDate", "Created Date"), stamp("LastModifiedDate", "Last Modified Date"), stamp("SystemModstamp", "System Modstamp"),
	}})
	return s
}
