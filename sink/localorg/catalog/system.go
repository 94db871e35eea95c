package catalog

import (
	"strings"

	"sfsync/mapping/schema"
)

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
	s.Add(&schema.Object{Name: "Organization", Label: "Organization", LabelPlural: "Organizations", KeyPrefix: "00D", Queryable: true, Updateable: true, Fields: []*schema.Field{
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
	addSetup(s)
	return s
}

// addSetup adds the objects in which an org keeps what administrators set up for records (Object Reference).
func addSetup(s *schema.Schema) {
	text := func(name, label string, n int, required bool) *schema.Field {
		return &schema.Field{
			Name: name, Label: label, Type: schema.String, Length: n, Nillable: !required, Createable: true, Updateable: true,
			Filterable: true, Sortable: true, Groupable: true, NameField: name == "Name",
		}
	}
	id := func(label string) *schema.Field {
		return &schema.Field{Name: "Id", Label: label, Type: schema.ID, Length: 18, DefaultedOnCreate: true, IDLookup: true, Filterable: true, Sortable: true, Groupable: true}
	}
	flag := func(name, label, value string) *schema.Field {
		return &schema.Field{Name: name, Label: label, Type: schema.Boolean, DefaultedOnCreate: true, DefaultValue: value, Filterable: true, Sortable: true, Groupable: true}
	}
	pick := func(name, label string, values ...string) *schema.Field {
		f := &schema.Field{Name: name, Label: label, Type: schema.Picklist, Length: 40, Createable: true, Filterable: true, Sortable: true, Groupable: true}
		for _, v := range values {
			f.Picklist = append(f.Picklist, schema.PicklistValue{Value: v, Label: v, Active: true})
		}
		return f
	}
	audit := func(fields ...*schema.Field) []*schema.Field {
		user := []string{"User"}
		return append(fields,
			&schema.Field{Name: "CreatedDate", Label: "Created Date", Type: schema.DateTime, DefaultedOnCreate: true, Filterable: true, Sortable: true},
			&schema.Field{Name: "CreatedById", Label: "Created By ID", Type: schema.Reference, Length: 18, DefaultedOnCreate: true, ReferenceTo: user, RelationshipName: "CreatedBy", Filterable: true},
			&schema.Field{Name: "LastModifiedDate", Label: "Last Modified Date", Type: schema.DateTime, DefaultedOnCreate: true, Filterable: true, Sortable: true},
			&schema.Field{Name: "LastModifiedById", Label: "Last Modified By ID", Type: schema.Reference, Length: 18, DefaultedOnCreate: true, ReferenceTo: user, RelationshipName: "LastModifiedBy", Filterable: true},
			&schema.Field{Name: "SystemModstamp", Label: "System Modstamp", Type: schema.DateTime, DefaultedOnCreate: true, Filterable: true, Sortable: true},
		)
	}
	s.Add(&schema.Object{Name: "RecordType", Label: "Record Type", LabelPlural: "Record Types", KeyPrefix: "012", Queryable: true, Fields: audit(
		id("Record Type ID"), text("Name", "Name", 80, true), text("DeveloperName", "Record Type Name", 80, true), text("NamespacePrefix", "Namespace Prefix", 15, false),
		text("Description", "Description", 255, false), text("SobjectType", "SObject Type Name", 40, true), flag("IsActive", "Active", "true"), flag("IsPersonType", "Is Person Type", "false"),
	)})
	group := &schema.Object{
		Name: "Group", Label: "Group", LabelPlural: "Groups", KeyPrefix: "00G", Queryable: true, Createable: true, Updateable: true, Deletable: true,
		Fields: audit(
			id("Group ID"), text("Name", "Name", 40, true), text("DeveloperName", "Developer Name", 80, false), pick("Type", "Type", "Regular", "Role", "RoleAndSubordinates", "Organization", "Queue"),
			text("Email", "Email", 255, false), flag("DoesSendEmailToMembers", "Send Email to Members", "false"), flag("DoesIncludeBosses", "Include Bosses", "true"),
		),
	}
	group.Fields[3].DefaultedOnCreate = true
	group.Fields[3].Picklist[0].Default = true
	s.Add(group)
	queueID := &schema.Field{
		Name: "QueueId", Label: "Group ID", Type: schema.Reference, Length: 18, Createable: true, ReferenceTo: []string{"Group"}, RelationshipName: "Queue",
		ChildRelationship: "QueueSobjects", CascadeDelete: true, Filterable: true,
	}
	sobject := text("SobjectType", "Sobject Type", 40, true)
	sobject.Updateable = false
	s.Add(&schema.Object{
		Name: "QueueSobject", Label: "Queue Sobject", LabelPlural: "Queue Sobjects", KeyPrefix: "03g", Queryable: true, Createable: true, Deletable: true,
		Fields: audit(id("Queue Sobject ID"), queueID, sobject),
	})
	s.Add(&schema.Object{Name: "AssignmentRule", Label: "Assignment Rule", LabelPlural: "Assignment Rules", KeyPrefix: "01Q", Queryable: true, Fields: audit(
		id("Assignment Rule ID"), text("Name", "Name", 120, true), text("SobjectType", "SObject Type", 40, true), flag("Active", "Active", "false"),
	)})
}

// WithSystemFields returns the object's fields with those that every object has, in front if
// they are missing.
func WithSystemFields(o *schema.Object) []*schema.Field {
	system := []*schema.Field{
		{Name: "Id", Label: o.Label + " ID", Type: schema.ID, Length: 18, DefaultedOnCreate: true, IDLookup: true},
		{Name: "IsDeleted", Label: "Deleted", Type: schema.Boolean, DefaultedOnCreate: true, DefaultValue: "false"},
		{Name: "CreatedDate", Label: "Created Date", Type: schema.DateTime, DefaultedOnCreate: true},
		{Name: "CreatedById", Label: "Created By ID", Type: schema.Reference, Length: 18, DefaultedOnCreate: true, ReferenceTo: []string{"User"}, RelationshipName: "CreatedBy"},
		{Name: "LastModifiedDate", Label: "Last Modified Date", Type: schema.DateTime, DefaultedOnCreate: true},
		{Name: "LastModifiedById", Label: "Last Modified By ID", Type: schema.Reference, Length: 18, DefaultedOnCreate: true, ReferenceTo: []string{"User"}, RelationshipName: "LastModifiedBy"},
		{Name: "SystemModstamp", Label: "System Modstamp", Type: schema.DateTime, DefaultedOnCreate: true},
	}
	switch {
	case o.Event():
		return o.Fields // all of them are the overlay's
	case !o.Custom:
		// Standard objects say themselves which of the others they have.
		system = system[:1]
	}
	have := make(map[string]bool, len(o.Fields))
	for _, f := range o.Fields {
		have[strings.ToLower(f.Name)] = true
	}
	var out []*schema.Field
	for _, f := range system {
		if !have[strings.ToLower(f.Name)] {
			out = append(out, f)
		}
	}
	return append(out, o.Fields...)
}
