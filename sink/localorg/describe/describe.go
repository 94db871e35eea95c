// Package describe writes the local org's describe answers: the documents of /sobjects,
// /sobjects/X and /sobjects/X/describe, with every key that a real org's have, in their
// order (REST API guide, sObject Describe; keys as of API v59).
package describe

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

// field has the keys of a field in a describe.
type field struct {
	Aggregatable                 bool       `json:"aggregatable"`
	AIPredictionField            bool       `json:"aiPredictionField"`
	AutoNumber                   bool       `json:"autoNumber"`
	ByteLength                   int        `json:"byteLength"`
	Calculated                   bool       `json:"calculated"`
	CalculatedFormula            *string    `json:"calculatedFormula"`
	CascadeDelete                bool       `json:"cascadeDelete"`
	CaseSensitive                bool       `json:"caseSensitive"`
	CompoundFieldName            *string    `json:"compoundFieldName"`
	ControllerName               *string    `json:"controllerName"`
	Createable                   bool       `json:"createable"`
	Custom                       bool       `json:"custom"`
	DefaultValue                 any        `json:"defaultValue"`
	DefaultValueFormula          *string    `json:"defaultValueFormula"`
	DefaultedOnCreate            bool       `json:"defaultedOnCreate"`
	DependentPicklist            bool       `json:"dependentPicklist"`
	DeprecatedAndHidden          bool       `json:"deprecatedAndHidden"`
	Digits                       int        `json:"digits"`
	DisplayLocationInDecimal     bool       `json:"displayLocationInDecimal"`
	Encrypted                    bool       `json:"encrypted"`
	ExternalID                   bool       `json:"externalId"`
	ExtraTypeInfo                *string    `json:"extraTypeInfo"`
	Filterable                   bool       `json:"filterable"`
	FilteredLookupInfo           *string    `json:"filteredLookupInfo"`
	FormulaTreatNullNumberAsZero bool       `json:"formulaTreatNullNumberAsZero"`
	Groupable                    bool       `json:"groupable"`
	HighScaleNumber              bool       `json:"highScaleNumber"`
	HTMLFormatted                bool       `json:"htmlFormatted"`
	IDLookup                     bool       `json:"idLookup"`
	InlineHelpText               *string    `json:"inlineHelpText"`
	Label                        string     `json:"label"`
	Length                       int        `json:"length"`
	Mask                         *string    `json:"mask"`
	MaskType                     *string    `json:"maskType"`
	Name                         string     `json:"name"`
	NameField                    bool       `json:"nameField"`
	NamePointing                 bool       `json:"namePointing"`
	Nillable                     bool       `json:"nillable"`
	Permissionable               bool       `json:"permissionable"`
	PicklistValues               []picklist `json:"picklistValues"`
	PolymorphicForeignKey        bool       `json:"polymorphicForeignKey"`
	Precision                    int        `json:"precision"`
	QueryByDistance              bool       `json:"queryByDistance"`
	ReferenceTargetField         *string    `json:"referenceTargetField"`
	ReferenceTo                  []string   `json:"referenceTo"`
	RelationshipName             *string    `json:"relationshipName"`
	RelationshipOrder            *int       `json:"relationshipOrder"`
	RestrictedDelete             bool       `json:"restrictedDelete"`
	RestrictedPicklist           bool       `json:"restrictedPicklist"`
	Scale                        int        `json:"scale"`
	SearchPrefilterable          bool       `json:"searchPrefilterable"`
	SOAPType                     string     `json:"soapType"`
	Sortable                     bool       `json:"sortable"`
	Type                         string     `json:"type"`
	Unique                       bool       `json:"unique"`
	Updateable                   bool       `json:"updateable"`
	WriteRequiresMasterRead      bool       `json:"writeRequiresMasterRead"`
}

type picklist struct {
	Active       bool    `json:"active"`
	DefaultValue bool    `json:"defaultValue"`
	Label        string  `json:"label"`
	ValidFor     *string `json:"validFor"`
	Value        string  `json:"value"`
}

// summary has the keys of an object in the list of all objects.
type summary struct {
	Activateable          bool    `json:"activateable"`
	AssociateEntityType   *string `json:"associateEntityType"`
	AssociateParentEntity *string `json:"associateParentEntity"`
	Createable            bool    `json:"createable"`
	Custom                bool    `json:"custom"`
	CustomSetting         bool    `json:"customSetting"`
	DeepCloneable         bool    `json:"deepCloneable"`
	Deletable             bool    `json:"deletable"`
	DeprecatedAndHidden   bool    `json:"deprecatedAndHidden"`
	FeedEnabled           bool    `json:"feedEnabled"`
	HasSubtypes           bool    `json:"hasSubtypes"`
	IsInterface           bool    `json:"isInterface"`
	IsSubtype             bool    `json:"isSubtype"`
	KeyPrefix             *string `json:"keyPrefix"`
	Label                 string  `json:"label"`
	LabelPlural           string  `json:"labelPlural"`
	Layoutable            bool    `json:"layoutable"`
	Mergeable             bool    `json:"mergeable"`
	MRUEnabled            bool    `json:"mruEnabled"`
	Name                  string  `json:"name"`
	Queryable             bool    `json:"queryable"`
	Replicateable         bool    `json:"replicateable"`
	Retrieveable          bool    `json:"retrieveable"`
	Searchable            bool    `json:"searchable"`
	Triggerable           bool    `json:"triggerable"`
	Undeletable           bool    `json:"undeletable"`
	Updateable            bool    `json:"updateable"`
	URLs                  urls    `json:"urls"`
}

type urls struct {
	RowTemplate string `json:"rowTemplate"`
	Describe    string `json:"describe"`
	SObject     string `json:"sobject"`
}

// object has the keys of a full describe.
type object struct {
	ActionOverrides       []any        `json:"actionOverrides"`
	Activateable          bool         `json:"activateable"`
	AssociateEntityType   *string      `json:"associateEntityType"`
	AssociateParentEntity *string      `json:"associateParentEntity"`
	ChildRelationships    []child      `json:"childRelationships"`
	CompactLayoutable     bool         `json:"compactLayoutable"`
	Createable            bool         `json:"createable"`
	Custom                bool         `json:"custom"`
	CustomSetting         bool         `json:"customSetting"`
	DeepCloneable         bool         `json:"deepCloneable"`
	DefaultImplementation *string      `json:"defaultImplementation"`
	Deletable             bool         `json:"deletable"`
	DeprecatedAndHidden   bool         `json:"deprecatedAndHidden"`
	ExtendedBy            *string      `json:"extendedBy"`
	ExtendsInterfaces     *string      `json:"extendsInterfaces"`
	FeedEnabled           bool         `json:"feedEnabled"`
	Fields                []field      `json:"fields"`
	HasSubtypes           bool         `json:"hasSubtypes"`
	ImplementedBy         *string      `json:"implementedBy"`
	ImplementsInterfaces  *string      `json:"implementsInterfaces"`
	IsInterface           bool         `json:"isInterface"`
	IsSubtype             bool         `json:"isSubtype"`
	KeyPrefix             *string      `json:"keyPrefix"`
	Label                 string       `json:"label"`
	LabelPlural           string       `json:"labelPlural"`
	Layoutable            bool         `json:"layoutable"`
	Listviewable          *bool        `json:"listviewable"`
	LookupLayoutable      *bool        `json:"lookupLayoutable"`
	Mergeable             bool         `json:"mergeable"`
	MRUEnabled            bool         `json:"mruEnabled"`
	Name                  string       `json:"name"`
	NamedLayoutInfos      []any        `json:"namedLayoutInfos"`
	NetworkScopeFieldName *string      `json:"networkScopeFieldName"`
	Queryable             bool         `json:"queryable"`
	RecordTypeInfos       []recordType `json:"recordTypeInfos"`
	Replicateable         bool         `json:"replicateable"`
	Retrieveable          bool         `json:"retrieveable"`
	SearchLayoutable      bool         `json:"searchLayoutable"`
	Searchable            bool         `json:"searchable"`
	SObjectDescribeOption string       `json:"sobjectDescribeOption"`
	SupportedScopes       []scope      `json:"supportedScopes"`
	Triggerable           bool         `json:"triggerable"`
	Undeletable           bool         `json:"undeletable"`
	Updateable            bool         `json:"updateable"`
	URLs                  urls         `json:"urls"`
}

type child struct {
	CascadeDelete       bool     `json:"cascadeDelete"`
	ChildSObject        string   `json:"childSObject"`
	DeprecatedAndHidden bool     `json:"deprecatedAndHidden"`
	Field               string   `json:"field"`
	JunctionIDListNames []string `json:"junctionIdListNames"`
	JunctionReferenceTo []string `json:"junctionReferenceTo"`
	RelationshipName    *string  `json:"relationshipName"`
	RestrictedDelete    bool     `json:"restrictedDelete"`
}

type recordType struct {
	Active                   bool              `json:"active"`
	Available                bool              `json:"available"`
	DefaultRecordTypeMapping bool              `json:"defaultRecordTypeMapping"`
	DeveloperName            string            `json:"developerName"`
	Master                   bool              `json:"master"`
	Name                     string            `json:"name"`
	RecordTypeID             string            `json:"recordTypeId"`
	URLs                     map[string]string `json:"urls"`
}

type scope struct {
	Label string `json:"label"`
	Name  string `json:"name"`
}

// Global returns the list of all objects; base is what their addresses begin with,
// "/services/data/v66.0".
func Global(c *catalog.Catalog, base string) []byte {
	list := make([]summary, 0, len(c.Objects()))
	for _, o := range c.Objects() {
		list = append(list, summarize(o.Def, base))
	}
	return marshal(struct {
		Encoding     string    `json:"encoding"`
		MaxBatchSize int       `json:"maxBatchSize"`
		SObjects     []summary `json:"sobjects"`
	}{"UTF-8", 200, list})
}

// Basic returns what /sobjects/X answers: the object as in the list of all.
func Basic(o *catalog.Object, base string) []byte {
	return marshal(struct {
		ObjectDescribe summary `json:"objectDescribe"`
		RecentItems    []any   `json:"recentItems"`
	}{summarize(o.Def, base), []any{}})
}

// Object returns an object's full describe.
func Object(c *catalog.Catalog, o *catalog.Object, base string) []byte {
	s := summarize(o.Def, base)
	d := object{
		ActionOverrides: []any{}, ChildRelationships: children(c, o), CompactLayoutable: s.Layoutable, DeepCloneable: s.DeepCloneable,
		Createable: s.Createable, Custom: s.Custom, Deletable: s.Deletable, FeedEnabled: s.FeedEnabled,
		Fields: make([]field, 0, len(o.Fields)), KeyPrefix: s.KeyPrefix, Label: s.Label, LabelPlural: s.LabelPlural,
		Layoutable: s.Layoutable, Mergeable: s.Mergeable, MRUEnabled: s.MRUEnabled, Name: s.Name, NamedLayoutInfos: []any{},
		Queryable: s.Queryable, RecordTypeInfos: recordTypes(o, base), Replicateable: s.Replicateable, Retrieveable: s.Retrieveable,
		SearchLayoutable: s.Searchable, Searchable: s.Searchable, SObjectDescribeOption: "FULL",
		SupportedScopes: []scope{{"All " + strings.ToLower(s.LabelPlural), "everything"}, {"My " + strings.ToLower(s.LabelPlural), "mine"}},
		Triggerable:     s.Triggerable, Undeletable: s.Undeletable, Updateable: s.Updateable, URLs: s.URLs,
	}
	for _, f := range o.Def.Fields { // in a user's view the definitions differ from those of o.Fields
		d.Fields = append(d.Fields, describeField(f))
	}
	return marshal(d)
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types above always marshal
	}
	return b
}

func summarize(d *schema.Object, base string) summary {
	searchable := d.Searchable || d.Custom && d.Updateable
	return summary{
		Createable: d.Createable, Custom: d.Custom, DeepCloneable: d.Name == "Campaign" || d.Name == "Opportunity", Deletable: d.Deletable,
		FeedEnabled: d.Createable && searchable && d.Name != "Campaign", KeyPrefix: text(d.KeyPrefix), Label: d.Label, LabelPlural: d.LabelPlural,
		Layoutable: d.Createable, Mergeable: d.Mergeable, MRUEnabled: d.Createable && searchable, Name: d.Name, Queryable: d.Queryable,
		Replicateable: d.Queryable, Retrieveable: d.Queryable, Searchable: searchable, Triggerable: d.Createable, Undeletable: d.Undeletable, Updateable: d.Updateable,
		URLs: urls{base + "/sobjects/" + d.Name + "/{ID}", base + "/sobjects/" + d.Name + "/describe", base + "/sobjects/" + d.Name},
	}
}

// children lists the references that lead to the object.
func children(c *catalog.Catalog, o *catalog.Object) []child {
	out := []child{}
	for _, from := range c.Objects() {
		for _, f := range from.Def.Fields {
			if slices.Contains(f.ReferenceTo, o.Def.Name) {
				out = append(out, child{
					CascadeDelete: f.CascadeDelete, ChildSObject: from.Def.Name, Field: f.Name,
					JunctionIDListNames: []string{}, JunctionReferenceTo: []string{}, RelationshipName: text(f.ChildRelationship), RestrictedDelete: f.RestrictedDelete,
				})
			}
		}
	}
	return out
}

// recordTypes lists the record types, and behind them the one that every object has. That one is the default if no
// other is.
func recordTypes(o *catalog.Object, base string) []recordType {
	types := make([]schema.RecordType, 0, len(o.Def.RecordTypes)+1)
	for _, t := range o.Def.RecordTypes {
		if !t.Master {
			types = append(types, t)
		}
	}
	types = append(types, schema.RecordType{
		ID: catalog.MasterRecordType, DeveloperName: "Master", Name: "Master", Active: true, Master: true, Default: o.DefaultType == "",
	})
	out := make([]recordType, len(types))
	for i, t := range types {
		out[i] = recordType{
			Active: t.Active, Available: t.Active, DefaultRecordTypeMapping: t.Default, DeveloperName: t.DeveloperName,
			Master: t.Master, Name: t.Name, RecordTypeID: t.ID,
			URLs: map[string]string{"layout": base + "/sobjects/" + o.Def.Name + "/describe/layouts/" + t.ID},
		}
	}
	return out
}

func describeField(d *schema.Field) field {
	f := field{
		AutoNumber: d.AutoNumber, Calculated: d.Calculated, CaseSensitive: d.CaseSensitive,
		CompoundFieldName: text(d.CompoundFieldName), Createable: d.Createable, Custom: d.Custom, DefaultValue: defaultValue(d),
		DefaultedOnCreate: d.DefaultedOnCreate, DependentPicklist: d.DependentPicklist, Digits: d.Digits,
		Encrypted: d.Encrypted, ExternalID: d.ExternalID, ExtraTypeInfo: text(d.ExtraTypeInfo), Filterable: d.Filterable,
		Groupable: d.Groupable, HTMLFormatted: d.HTMLFormatted, IDLookup: d.IDLookup, Label: d.Label, Length: d.Length,
		Name: d.Name, NameField: d.NameField, NamePointing: d.PolymorphicRef, Nillable: d.Nillable,
		Permissionable: permissionable(d), PicklistValues: make([]picklist, 0, len(d.Picklist)),
		PolymorphicForeignKey: d.PolymorphicRef, Precision: d.Precision,
		QueryByDistance: d.Type == schema.Address || d.Type == schema.Location,
		ReferenceTo:     append([]string{}, d.ReferenceTo...), RelationshipName: text(d.RelationshipName),
		RestrictedPicklist: d.RestrictedPicklist, Scale: d.Scale, SOAPType: soapType(d), Sortable: d.Sortable,
		Type: string(d.Type), Unique: d.Unique, Updateable: d.Updateable,
	}
	if d.MasterDetail {
		// Of standard objects describe says it in the child relationships only (recorded).
		order := 0
		f.RelationshipOrder, f.CascadeDelete = &order, true
	}
	f.Aggregatable = f.Filterable && d.Type != schema.Boolean && d.Type != schema.Address && d.Type != schema.Location
	f.SearchPrefilterable = d.Type == schema.Reference && d.Nillable && len(d.ReferenceTo) == 1 && d.Name != "MasterRecordId"
	switch f.SOAPType {
	case "xsd:string":
		f.ByteLength = 3 * d.Length
	case "tns:ID":
		f.ByteLength = d.Length
	}
	for _, v := range d.Picklist {
		label := v.Label
		if label == "" {
			label = v.Value
		}
		f.PicklistValues = append(f.PicklistValues, picklist{Active: v.Active, DefaultValue: v.Default, Label: label, Value: v.Value})
	}
	return f
}

// permissionable reports whether field-level security applies to the field, as recorded describes have it.
func permissionable(d *schema.Field) bool {
	switch d.Name {
	case "IndividualId", "EmailBouncedReason", "EmailBouncedDate":
		return false
	}
	return d.Nillable && d.CompoundFieldName != "Name" && (d.Createable || d.Calculated || d.Type == schema.Address || d.Type == schema.Location)
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// defaultValue is JSON of the field's own type, null without one.
func defaultValue(d *schema.Field) any {
	switch {
	case d.Type == schema.Boolean:
		return strings.EqualFold(d.DefaultValue, "true")
	case d.DefaultValue == "":
		return nil
	}
	switch d.Type {
	case schema.Int, schema.Long, schema.Double, schema.Currency, schema.Percent:
		if v, err := strconv.ParseFloat(d.DefaultValue, 64); err == nil {
			return v
		}
	}
	return d.DefaultValue
}

func soapType(d *schema.Field) string {
	switch d.Type {
	case schema.ID, schema.Reference:
		return "tns:ID"
	case schema.Boolean, schema.Int, schema.Long, schema.Double, schema.Date, schema.Time:
		return "xsd:" + string(d.Type)
	case schema.Currency, schema.Percent:
		return "xsd:double"
	case schema.DateTime:
		return "xsd:dateTime"
	case schema.Base64:
		return "xsd:base64Binary"
	case schema.Address, schema.Location:
		return "urn:" + string(d.Type)
	case schema.AnyType:
		return "xsd:anyType"
	}
	return "xsd:string"
}
