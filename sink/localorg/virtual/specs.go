package virtual

// specs returns the computed objects by name (Object reference and Tooling API reference; the fields that
// clients ask for, not all that there are).
func specs() []spec {
	return []spec{
		{name: "ApexClass", label: "Apex Class", plural: "Apex Classes", prefix: "01p", fields: "Name NamespacePrefix ApiVersion:double Status:picklist IsValid:boolean Body:textarea LengthWithoutComments:int" + stamps},
		{name: "ApexTrigger", label: "Apex Trigger", plural: "Apex Triggers", prefix: "01q", fields: "Name NamespacePrefix TableEnumOrId ApiVersion:double Status:picklist IsValid:boolean" + stamps},
		{name: "BusinessProcess", label: "Business Process", plural: "Business Processes", prefix: "019", fields: "Name NamespacePrefix Description TableEnumOrId IsActive:boolean" + stamps},
		{name: "CustomField", label: "Custom Field", plural: "Custom Fields", prefix: "00N", fields: "DeveloperName NamespacePrefix TableEnumOrId FullName Length:int Precision:int Scale:int RelationshipLabel ManageableState" + stamps, rows: customFields},
		{name: "CustomObject", label: "Custom Object", plural: "Custom Objects", prefix: "01I", fields: "DeveloperName NamespacePrefix ExternalName Description SharingModel ManageableState" + stamps, rows: customObjects},
		{name: "DuplicateRule", label: "Duplicate Rule", plural: "Duplicate Rules", prefix: "0Bm", fields: "DeveloperName MasterLabel SobjectType:picklist IsActive:boolean NamespacePrefix" + stamps},
		{
			name: "EntityDefinition", label: "Entity Definition", plural: "Entity Definitions", prefix: "4ie", key: "DurableId",
			fields: "Id DurableId QualifiedApiName DeveloperName NamespacePrefix MasterLabel Label PluralLabel KeyPrefix LastModifiedDate:datetime LastModifiedById>User" +
				" IsCustomSetting:boolean IsCustomizable:boolean IsApexTriggerable:boolean IsTriggerable:boolean IsWorkflowEnabled:boolean IsProcessEnabled:boolean" +
				" IsCompactLayoutable:boolean IsLayoutable:boolean IsDeprecatedAndHidden:boolean IsFeedEnabled:boolean IsIdEnabled:boolean IsInterface:boolean" +
				" IsQueryable:boolean IsReplicateable:boolean IsRetrieveable:boolean IsSearchable:boolean IsSearchLayoutable:boolean IsSubtype:boolean" +
				" IsEverCreatable:boolean IsEverUpdatable:boolean IsEverDeletable:boolean IsMruEnabled:boolean PublisherId DeploymentStatus:picklist" +
				" InternalSharingModel:picklist ExternalSharingModel:picklist DefaultImplementation ImplementsInterfaces ExtendsInterfaces",
			children: [3]string{"Fields", "FieldDefinition", "EntityDefinitionId"}, rows: entityDefinitions,
		},
		{
			name: "FieldDefinition", label: "Field Definition", plural: "Field Definitions", prefix: "4fe", key: "DurableId",
			fields: "Id DurableId QualifiedApiName EntityDefinitionId>EntityDefinition DeveloperName NamespacePrefix MasterLabel Label Length:int DataType ServiceDataTypeId" +
				" ValueTypeId ExtraTypeInfo IsCalculated:boolean IsHighScaleNumber:boolean IsHtmlFormatted:boolean IsNameField:boolean IsNillable:boolean" +
				" IsWorkflowFilterable:boolean IsCompactLayoutable:boolean Precision:int Scale:int IsFieldHistoryTracked:boolean IsIndexed:boolean" +
				" IsApiFilterable:boolean IsApiGroupable:boolean IsApiSortable:boolean IsListFilterable:boolean IsListSortable:boolean IsListVisible:boolean" +
				" IsPolymorphicForeignKey:boolean IsCompound:boolean IsSearchPrefilterable:boolean IsCaseSensitive:boolean RelationshipName ReferenceTargetField" +
				" ControllingFieldDefinitionId LastModifiedDate:datetime LastModifiedById>User PublisherId Description SecurityClassification:picklist ComplianceGroup BusinessStatus:picklist",
			rows: fieldDefinitions,
		},
		{name: "FieldPermissions", label: "Field Permissions", plural: "Field Permissions", prefix: "01k", fields: "ParentId>PermissionSet SobjectType:picklist Field:picklist PermissionsEdit:boolean PermissionsRead:boolean SystemModstamp:datetime"},
		{name: "InstalledSubscriberPackage", label: "Installed Subscriber Package", plural: "Installed Subscriber Packages", prefix: "0A3", fields: "SubscriberPackageId>SubscriberPackage SubscriberPackageVersionId>SubscriberPackageVersion MinPackageVersionId"},
		{name: "ObjectPermissions", label: "Object Permissions", plural: "Object Permissions", prefix: "110", fields: "ParentId>PermissionSet SobjectType:picklist PermissionsCreate:boolean PermissionsRead:boolean PermissionsEdit:boolean PermissionsDelete:boolean PermissionsViewAllRecords:boolean PermissionsModifyAllRecords:boolean" + stamps},
		{name: "OrgWideEmailAddress", label: "Organization-wide From Email Address", plural: "Organization-wide From Email Addresses", prefix: "0D2", fields: "Address:email DisplayName IsAllowAllProfiles:boolean" + stamps},
		{name: "PackageLicense", label: "Package License", plural: "Package Licenses", prefix: "050", fields: "NamespacePrefix Status:picklist IsProvisioned:boolean AllowedLicenses:int UsedLicenses:int ExpirationDate:datetime" + stamps},
		{name: "PermissionSet", label: "Permission Set", plural: "Permission Sets", prefix: "0PS", fields: "Name Label Description ProfileId>Profile Type:picklist IsOwnedByProfile:boolean IsCustom:boolean NamespacePrefix LicenseId" + stamps, rows: permissionSets},
		{name: "PermissionSetAssignment", label: "Permission Set Assignment", plural: "Permission Set Assignments", prefix: "0Pa", fields: "PermissionSetId>PermissionSet AssigneeId>User PermissionSetGroupId IsActive:boolean SystemModstamp:datetime", rows: permissionSetAssignments},
		{name: "Publisher", label: "Publisher", plural: "Publishers", prefix: "4pb", fields: "Id DurableId Name NamespacePrefix IsSalesforce:boolean MajorVersion:int MinorVersion:int"},
		{name: "SubscriberPackage", label: "Subscriber Package", plural: "Subscriber Packages", prefix: "033", fields: "Name NamespacePrefix Description IsPackageValid:boolean"},
		{
			name: "SubscriberPackageVersion", label: "Subscriber Package Version", plural: "Subscriber Package Versions", prefix: "04t",
			fields: "Name SubscriberPackageId>SubscriberPackage MajorVersion:int MinorVersion:int PatchVersion:int BuildNumber:int IsBeta:boolean IsManaged:boolean ReleaseState:picklist",
		},
		{name: "UserLicense", label: "User License", plural: "User Licenses", prefix: "100", fields: "Name LicenseDefinitionKey MasterLabel Status:picklist TotalLicenses:int UsedLicenses:int"},
		{name: "UserRole", label: "Role", plural: "Role", prefix: "00E", fields: "Name DeveloperName ParentRoleId RollupDescription PortalType:picklist" + stamps},
		{name: "ValidationRule", label: "Validation Rule", plural: "Validation Rules", prefix: "03d", fields: "ValidationName EntityDefinitionId>EntityDefinition Active:boolean ErrorMessage ErrorDisplayField NamespacePrefix Description" + stamps},
	}
}
