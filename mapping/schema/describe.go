package schema

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sfsync/mapping/schema/document"
)

// describeDoc is the part of an sObject Describe answer that we use; other keys are ignored,
// since every release adds some.
type describeDoc struct {
	Name        string          `json:"name"`
	Label       string          `json:"label"`
	LabelPlural string          `json:"labelPlural"`
	KeyPrefix   string          `json:"keyPrefix"` // null for objects without ids of their own
	Custom      bool            `json:"custom"`
	Createable  bool            `json:"createable"`
	Updateable  bool            `json:"updateable"`
	Deletable   bool            `json:"deletable"`
	Queryable   bool            `json:"queryable"`
	Searchable  bool            `json:"searchable"`
	Undeletable bool            `json:"undeletable"`
	Mergeable   bool            `json:"mergeable"`
	Fields      []describeField `json:"fields"`
	RecordTypes []struct {
		ID            string `json:"recordTypeId"`
		DeveloperName string `json:"developerName"`
		Name          string `json:"name"`
		Active        bool   `json:"active"`
		Master        bool   `json:"master"`
		Default       bool   `json:"defaultRecordTypeMapping"`
	} `json:"recordTypeInfos"`
	Children []struct {
		Object           string `json:"childSObject"`
		Field            string `json:"field"`
		RelationshipName string `json:"relationshipName"` // null for those that cannot be queried
		CascadeDelete    bool   `json:"cascadeDelete"`
		RestrictedDelete bool   `json:"restrictedDelete"`
	} `json:"childRelationships"`
}

type describeField struct {
	Name               string         `json:"name"`
	Label              string         `json:"label"`
	Type               Type           `json:"type"`
	Length             int            `json:"length"`
	Precision          int            `json:"precision"`
	Scale              int            `json:"scale"`
	Digits             int            `json:"digits"`
	Nillable           *bool          `json:"nillable"`
	DefaultedOnCreate  bool           `json:"defaultedOnCreate"`
	Createable         *bool          `json:"createable"`
	Updateable         *bool          `json:"updateable"`
	Unique             bool           `json:"unique"`
	ExternalID         bool           `json:"externalId"`
	IDLookup           bool           `json:"idLookup"`
	CaseSensitive      bool           `json:"caseSensitive"`
	AutoNumber         bool           `json:"autoNumber"`
	Calculated         bool           `json:"calculated"`
	Custom             bool           `json:"custom"`
	NameField          bool           `json:"nameField"`
	HTMLFormatted      bool           `json:"htmlFormatted"`
	Encrypted          bool           `json:"encrypted"`
	Filterable         *bool          `json:"filterable"`
	Sortable           *bool          `json:"sortable"`
	Groupable          *bool          `json:"groupable"`
	RestrictedPicklist bool           `json:"restrictedPicklist"`
	DependentPicklist  bool           `json:"dependentPicklist"`
	PolymorphicRef     bool           `json:"polymorphicForeignKey"`
	CompoundFieldName  string         `json:"compoundFieldName"`
	RelationshipName   string         `json:"relationshipName"`
	ReferenceTo        []string       `json:"referenceTo"`
	ExtraTypeInfo      string         `json:"extraTypeInfo"`
	CascadeDelete      bool           `json:"cascadeDelete"`
	RestrictedDelete   bool           `json:"restrictedDelete"`
	RelationshipOrder  *int           `json:"relationshipOrder"` // null unless master-detail
	DefaultValue       jsontext.Value `json:"defaultValue"`
	Picklist           []struct {
		Value   string `json:"value"`
		Label   string `json:"label"`
		Active  *bool  `json:"active"`
		Default bool   `json:"defaultValue"`
	} `json:"picklistValues"`
}

// ParseDescribe reads one answer of the sObject Describe resource (REST API guide, sObject
// Describe; real answers of API v42 to v59 were compared). Keys it does not know are ignored,
// and so is a key that is missing, save those that decide whether a value can be sent: the
// object's name and fields, and every field's name, type, nillable, createable and updateable.
//
// A field type that this package does not list comes back as the org spells it.
func ParseDescribe(text []byte) (*Object, error) {
	var doc describeDoc
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("not a describe document: %w", document.Problem(err))
	}
	switch {
	case doc.Name == "":
		return nil, errors.New("not a describe document: it has no name")
	case len(doc.Fields) == 0:
		return nil, fmt.Errorf("the describe document of %s has no fields: it may be of the list of objects, not of one", doc.Name)
	}
	o := &Object{
		Name: doc.Name, Label: doc.Label, LabelPlural: doc.LabelPlural, KeyPrefix: doc.KeyPrefix,
		Custom: doc.Custom, Createable: doc.Createable, Updateable: doc.Updateable, Deletable: doc.Deletable,
		Queryable: doc.Queryable, Searchable: doc.Searchable, Undeletable: doc.Undeletable, Mergeable: doc.Mergeable,
		Fields: make([]*Field, 0, len(doc.Fields)),
	}
	seen := make(map[string]bool, len(doc.Fields))
	for i := range doc.Fields {
		f, err := doc.Fields[i].field()
		if err != nil {
			return nil, fmt.Errorf("field %d of %s: %w", i+1, doc.Name, err)
		}
		if key := strings.ToLower(f.Name); seen[key] {
			return nil, fmt.Errorf("field %s of %s is described twice", f.Name, doc.Name)
		} else {
			seen[key] = true
		}
		o.Fields = append(o.Fields, f)
	}
	for _, r := range doc.RecordTypes {
		o.RecordTypes = append(o.RecordTypes, RecordType{r.ID, r.DeveloperName, r.Name, r.Active, r.Master, r.Default && !r.Master})
	}
	for _, c := range doc.Children {
		o.children = append(o.children, child{c.Object, c.Field, c.RelationshipName, c.CascadeDelete, c.RestrictedDelete})
	}
	o.Index()
	return o, nil
}

func (d *describeField) field() (*Field, error) {
	if d.Name == "" {
		return nil, errors.New("it has no name")
	}
	for _, need := range []struct {
		key    string
		absent bool
	}{
		{"type", d.Type == ""},
		{"nillable", d.Nillable == nil},
		{"createable", d.Createable == nil},
		{"updateable", d.Updateable == nil},
	} {
		if need.absent {
			return nil, fmt.Errorf("%s has no %s", d.Name, need.key)
		}
	}
	if d.Length < 0 || d.Precision < 0 || d.Scale < 0 || d.Digits < 0 {
		return nil, fmt.Errorf("%s has a size below zero", d.Name)
	}
	value, err := defaultText(d.DefaultValue)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	f := &Field{
		Name: d.Name, Label: d.Label, Type: d.Type,
		Length: d.Length, Precision: d.Precision, Scale: d.Scale, Digits: d.Digits,
		Nillable: *d.Nillable, DefaultedOnCreate: d.DefaultedOnCreate,
		Createable: *d.Createable, Updateable: *d.Updateable,
		Unique: d.Unique, ExternalID: d.ExternalID, IDLookup: d.IDLookup, CaseSensitive: d.CaseSensitive,
		AutoNumber: d.AutoNumber, Calculated: d.Calculated, Custom: d.Custom, NameField: d.NameField,
		HTMLFormatted: d.HTMLFormatted, Encrypted: d.Encrypted,
		RestrictedPicklist: d.RestrictedPicklist, DependentPicklist: d.DependentPicklist,
		PolymorphicRef: d.PolymorphicRef, CompoundFieldName: d.CompoundFieldName,
		RelationshipName: d.RelationshipName, ReferenceTo: d.ReferenceTo, ExtraTypeInfo: d.ExtraTypeInfo,
		CascadeDelete: d.CascadeDelete, RestrictedDelete: d.RestrictedDelete, MasterDetail: d.RelationshipOrder != nil,
		DefaultValue: value,
	}
	f.Filterable, f.Sortable, f.Groupable = queryDefaults(f.Type)
	for _, q := range []struct{ to, from *bool }{
		{&f.Filterable, d.Filterable}, {&f.Sortable, d.Sortable}, {&f.Groupable, d.Groupable},
	} {
		if q.from != nil {
			*q.to = *q.from
		}
	}
	for _, v := range d.Picklist {
		f.Picklist = append(f.Picklist, PicklistValue{v.Value, v.Label, v.Active == nil || *v.Active, v.Default})
	}
	return f, nil
}

// defaultText is a defaultValue, which is null, text, a boolean or a number, as text.
func defaultText(v jsontext.Value) (string, error) {
	switch v.Kind() {
	case 0, 'n':
		return "", nil
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		return string(text), err
	case 't', 'f', '0':
		return string(v), nil
	}
	return "", fmt.Errorf("its defaultValue is neither text, a number nor a boolean")
}
