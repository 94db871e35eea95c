package virtual

import (
	"fmt"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

// durableID is how other records refer to an entity definition: by its name if it is a standard object,
// by an id if it is a custom one.
func durableID(c *catalog.Catalog, o *catalog.Object) string {
	if !o.Def.Custom {
		return o.Def.Name
	}
	for i, other := range c.Objects() {
		if other == o {
			return serial("01I", i+1)[:15]
		}
	}
	return o.Def.Name
}

// developerName cuts a custom suffix off a name.
func developerName(name string) string {
	for _, suffix := range [...]string{"__c", "__e", "__mdt", "__x", "__b", "__s"} {
		if s, ok := strings.CutSuffix(name, suffix); ok {
			name = s
			break
		}
	}
	if _, rest, ok := strings.Cut(name, "__"); ok {
		return rest
	}
	return name
}

// namespace is the prefix of a package in a custom name.
func namespace(name string) string {
	if parts := strings.Split(name, "__"); len(parts) > 2 {
		return parts[0]
	}
	return ""
}

func entityDefinitions(c *catalog.Catalog, org Org, add func(map[string]any)) {
	for _, o := range c.Objects() {
		d := o.Def
		sharing := "ReadWrite"
		if !d.Createable {
			sharing = "Read"
		}
		status := ""
		if d.Custom {
			status = "Deployed"
		}
		publisher := "System"
		if d.Custom {
			publisher = "<local>"
		}
		add(map[string]any{
			"Id": noID, "DurableId": durableID(c, o), "QualifiedApiName": d.Name, "DeveloperName": developerName(d.Name), "NamespacePrefix": namespace(d.Name),
			"MasterLabel": d.Label, "Label": d.Label, "PluralLabel": d.LabelPlural, "KeyPrefix": d.KeyPrefix,
			"LastModifiedDate": o.Modified.UTC().Format(catalog.DateTimeLayout), "LastModifiedById": org.UserID,
			"IsCustomSetting": false, "IsCustomizable": d.Createable, "IsApexTriggerable": d.Createable, "IsTriggerable": d.Createable, "IsWorkflowEnabled": d.Createable,
			"IsProcessEnabled": d.Createable, "IsCompactLayoutable": d.Createable, "IsLayoutable": d.Createable, "IsDeprecatedAndHidden": false,
			"IsFeedEnabled": d.Createable, "IsIdEnabled": true, "IsInterface": false, "IsQueryable": d.Queryable, "IsReplicateable": true, "IsRetrieveable": true,
			"IsSearchable": d.Searchable, "IsSearchLayoutable": d.Searchable, "IsSubtype": false, "IsEverCreatable": d.Createable, "IsEverUpdatable": d.Updateable,
			"IsEverDeletable": d.Deletable, "IsMruEnabled": d.Createable, "PublisherId": publisher, "DeploymentStatus": status,
			"InternalSharingModel": sharing, "ExternalSharingModel": "Private",
		})
	}
}

func fieldDefinitions(c *catalog.Catalog, org Org, add func(map[string]any)) {
	for _, o := range c.Objects() {
		owner := durableID(c, o)
		for _, f := range o.Fields {
			d := f.Def
			name := d.Name
			// The developer name of a standard reference has no Id at its end (recorded).
			if d.Type == schema.Reference && !d.Custom {
				name = strings.TrimSuffix(name, "Id")
			}
			publisher := "System"
			if d.Custom {
				publisher = "<local>"
			}
			length := d.Length
			add(map[string]any{
				"Id": noID, "DurableId": owner + "." + name, "QualifiedApiName": d.Name, "EntityDefinitionId": owner, "DeveloperName": developerName(name),
				"NamespacePrefix": namespace(d.Name), "MasterLabel": d.Label, "Label": d.Label, "Length": length, "DataType": dataType(d),
				"ServiceDataTypeId": string(d.Type), "ValueTypeId": string(d.Type), "ExtraTypeInfo": d.ExtraTypeInfo, "IsCalculated": d.Calculated,
				"IsHighScaleNumber": false, "IsHtmlFormatted": d.HTMLFormatted, "IsNameField": d.NameField, "IsNillable": d.Nillable,
				"IsWorkflowFilterable": d.Filterable, "IsCompactLayoutable": true, "Precision": d.Precision, "Scale": d.Scale, "IsFieldHistoryTracked": false,
				"IsIndexed": d.IDLookup || d.ExternalID || d.Unique || d.Type == schema.ID || d.Type == schema.Reference, "IsApiFilterable": d.Filterable,
				"IsApiGroupable": d.Groupable, "IsApiSortable": d.Sortable, "IsListFilterable": d.Filterable, "IsListSortable": d.Sortable, "IsListVisible": true,
				"IsPolymorphicForeignKey": d.PolymorphicRef, "IsCompound": f.Column == "", "IsSearchPrefilterable": d.Type == schema.Reference,
				"IsCaseSensitive": d.CaseSensitive, "RelationshipName": d.RelationshipName, "LastModifiedDate": o.Modified.UTC().Format(catalog.DateTimeLayout),
				"LastModifiedById": org.UserID, "PublisherId": publisher,
			})
		}
	}
}

// dataType is a field's type as the setup pages show it (recorded for texts, numbers and references; the rest
// is unconfirmed).
func dataType(d *schema.Field) string {
	number := func(word string) string { return fmt.Sprintf("%s(%d, %d)", word, max(0, d.Precision-d.Scale), d.Scale) }
	if d.NameField && d.ExtraTypeInfo == "personname" {
		return "Name"
	}
	switch d.Type {
	case schema.ID, schema.Reference:
		if len(d.ReferenceTo) == 0 {
			return "Lookup()"
		}
		return "Lookup(" + strings.Join(d.ReferenceTo, ",") + ")"
	case schema.Boolean:
		return "Checkbox"
	case schema.Int, schema.Long:
		return fmt.Sprintf("Number(%d, 0)", d.Digits)
	case schema.Double:
		return number("Number")
	case schema.Currency:
		return number("Currency")
	case schema.Percent:
		return number("Percent")
	case schema.Date:
		return "Date"
	case schema.DateTime:
		return "Date/Time"
	case schema.Time:
		return "Time"
	case schema.Email:
		return "Email"
	case schema.Phone:
		return "Phone"
	case schema.URL:
		return fmt.Sprintf("URL(%d)", d.Length)
	case schema.Picklist, schema.Combobox:
		return "Picklist"
	case schema.MultiPicklist:
		return "Picklist (Multi-Select)"
	case schema.Address:
		return "Address"
	case schema.Location:
		return "Geolocation"
	case schema.TextArea:
		if d.Length > 255 {
			return fmt.Sprintf("Long Text Area(%d)", d.Length)
		}
		return fmt.Sprintf("Text Area(%d)", d.Length)
	case schema.EncryptedString:
		return fmt.Sprintf("Text (Encrypted)(%d)", d.Length)
	}
	if d.AutoNumber {
		return "Auto Number"
	}
	return fmt.Sprintf("Text(%d)", d.Length)
}

func customObjects(c *catalog.Catalog, org Org, add func(map[string]any)) {
	for _, o := range c.Objects() {
		if o.Def.Custom {
			add(stamp(map[string]any{
				"Id": schema.ID18(durableID(c, o)), "DeveloperName": developerName(o.Def.Name), "NamespacePrefix": namespace(o.Def.Name),
				"SharingModel": "ReadWrite", "ManageableState": "unmanaged",
			}, org, o.Modified))
		}
	}
}

func customFields(c *catalog.Catalog, org Org, add func(map[string]any)) {
	n := 0
	for _, o := range c.Objects() {
		for _, f := range o.Fields {
			if !f.Def.Custom {
				continue
			}
			n++
			add(stamp(map[string]any{
				"Id": serial("00N", n), "DeveloperName": developerName(f.Def.Name), "NamespacePrefix": namespace(f.Def.Name), "TableEnumOrId": durableID(c, o),
				"FullName": o.Def.Name + "." + f.Def.Name, "Length": f.Def.Length, "Precision": f.Def.Precision, "Scale": f.Def.Scale, "ManageableState": "unmanaged",
			}, org, o.Modified))
		}
	}
}

// permissionSets are the one that stands for the profile, as every profile has one.
func permissionSets(_ *catalog.Catalog, org Org, add func(map[string]any)) {
	add(stamp(map[string]any{
		"Id": serial("0PS", 1), "Name": "X" + serial("0PS", 1), "Label": serial("0PS", 1), "ProfileId": org.ProfileID, "Type": "Profile",
		"IsOwnedByProfile": true, "IsCustom": false,
	}, org, org.Created))
}

func permissionSetAssignments(_ *catalog.Catalog, org Org, add func(map[string]any)) {
	add(stamp(map[string]any{"Id": serial("0Pa", 1), "PermissionSetId": serial("0PS", 1), "AssigneeId": org.UserID, "IsActive": true}, org, org.Created))
}
