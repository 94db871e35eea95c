package schema

import (
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema/apiname"
	"sfsync/mapping/yamlnode"
)

// maxOverlay bounds an overlay file in bytes.
const maxOverlay = yamlnode.MaxBytes

// Bounds of an org (Salesforce Features and Edition Allocations): 800 custom fields an object in
// the largest edition and 100 more from packages; 3,000 custom objects.
const (
	maxCustomFields  = 900
	maxCustomObjects = 3000
)

// Overlay adds the objects and fields of a YAML overlay to base and returns the sum; base stays
// as it is, and the two share what the overlay does not touch. path names the text in messages.
// An overlay with errors gives a nil schema; the diagnostics may be warnings only.
//
//	objects:
//	  Lead:
//	    fields:
//	      Ext__c: {type: string, length: 40, externalId: true, unique: true}
//	      MiddleName:                    # a standard field that comes with an org feature
//	      LeadSource: {values: [Web, Fair], restricted: true}
//	  Visit__c:
//	    label: Visit
//	    fields:
//	      Score__c: {type: double, precision: 5, scale: 2, required: true}
//	      Lead__c:  {type: reference, referenceTo: [Lead]}
//
// Beside fields an object can have record_types, queues, validation_rules, duplicate_rules and
// assignment_rules, which only an org applies; README.md lists all keys. An object that ends in __e
// is a platform event.
//
// What a field does not say is as Salesforce makes a new custom field of its type: text has 255
// characters, a checkbox is never null and starts false, an external id can be looked up by. A
// new object has the fields that every custom object has. Its key prefix is the org's to choose
// and stays empty unless the overlay gives one.
func Overlay(base *Schema, path string, text []byte) (*Schema, []diag.Diagnostic) {
	var list diag.List
	top := diag.Pos{File: path, Line: 1, Column: 1}
	root := yamlnode.Parse(path, text, &list)
	if !list.Failed() && (root == nil || root.IsNull()) {
		list.Errorf(top, "key-missing", "begin with objects:", "the file is empty")
	}
	if root == nil || root.IsNull() {
		return nil, list.All()
	}
	o := overlay{list: &list, out: base.fork(path)}
	o.root(root)
	if list.Failed() {
		return nil, list.All()
	}
	return o.out, list.All()
}

// fork copies the schema and its objects; the fields are shared, to be copied before a change.
func (s *Schema) fork(source string) *Schema {
	out := New(source)
	for key, o := range s.objects {
		c := *o
		c.Fields = slices.Clone(o.Fields)
		c.RecordTypes, c.Queues = slices.Clone(o.RecordTypes), slices.Clone(o.Queues)
		c.Rules.Validation, c.Rules.Duplicate = slices.Clone(o.Rules.Validation), slices.Clone(o.Rules.Duplicate)
		c.Rules.Assignment = slices.Clone(o.Rules.Assignment)
		c.Index()
		out.objects[key] = &c
	}
	return out
}

// overlay is the reading of one file.
type overlay struct {
	list *diag.List
	out  *Schema
	// optional is the standard objects with all features, read when it is first needed.
	optional *Schema
	// later is what can only be checked when all objects have their fields.
	later []func()
}

func (v *overlay) errorf(pos diag.Pos, code, hint, format string, args ...any) {
	v.list.Errorf(pos, code, hint, format, args...)
}

func (v *overlay) root(n *yamlnode.Node) {
	keys := []string{"objects"}
	found := v.keys(n, "the file", keys)
	objects := found["objects"]
	if objects == nil {
		if n.Kind == yamlnode.Map {
			v.errorf(n.Pos, "key-missing", "", "the file has no objects:")
		}
		return
	}
	if objects.Kind != yamlnode.Map {
		v.kind(objects, "objects", "a map of object names")
		return
	}
	if count := len(objects.Pairs); count > maxCustomObjects {
		v.errorf(objects.Pos, "limit", "", "the file has %d objects, more than the %d that an org allows", count, maxCustomObjects)
		return
	}
	// Objects first, so that a reference may name one that stands further down.
	type declared struct {
		object *Object
		keys   map[string]*yamlnode.Node
	}
	var all []declared
	seen := make(map[string]diag.Pos)
	for _, p := range objects.Pairs {
		folded := strings.ToLower(p.Key.Text)
		if first, twice := seen[folded]; twice {
			v.errorf(p.Key.Pos, "object-twice", "put its fields together", "object %s is already on line %d", p.Key.Text, first.Line)
			continue
		}
		seen[folded] = p.Key.Pos
		if o, keys := v.object(p.Key, p.Value); o != nil {
			all = append(all, declared{o, keys})
		}
	}
	for _, d := range all {
		v.fields(d.object, d.keys["fields"])
	}
	for _, d := range all {
		v.setup(d.object, d.keys)
	}
	for _, check := range v.later {
		check()
	}
	v.nameQueues()
}

// object finds the object that a key names, or makes it, and reads its own properties.
func (v *overlay) object(key, n *yamlnode.Node) (*Object, map[string]*yamlnode.Node) {
	found := map[string]*yamlnode.Node{}
	if !n.IsNull() {
		found = v.keys(n, "object "+key.Text, objectKeys())
	}
	o := v.out.Object(key.Text)
	switch {
	case o != nil && o.Name != key.Text:
		v.list.Warnf(key.Pos, "object-case", "", "the object is spelled %s", o.Name)
	case o == nil && !v.customObjectName(key):
		return nil, nil
	case o == nil && apiname.Event(key.Text):
		o = newEvent(key.Text)
		v.out.Add(o)
	case o == nil:
		o = newCustomObject(key.Text)
		v.out.Add(o)
	}
	if label := v.text(found, "label"); label != "" {
		o.Label = label
		if o.Custom {
			o.LabelPlural = label + "s"
			for _, f := range o.Fields {
				if f.NameField {
					f.Label = label + " Name"
				}
			}
		}
	}
	if plural := v.text(found, "labelPlural"); plural != "" {
		o.LabelPlural = plural
	}
	if prefix := v.text(found, "keyPrefix"); prefix != "" {
		v.keyPrefix(o, prefix, found["keyPrefix"].Pos)
	}
	return o, found
}

func (v *overlay) keyPrefix(o *Object, prefix string, pos diag.Pos) {
	alnum := func(r rune) bool { return r < 0x80 && (r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z') }
	switch {
	case len(prefix) != 3 || strings.ContainsFunc(prefix, func(r rune) bool { return !alnum(r) }):
		v.errorf(pos, "value-invalid", "such as a00", "a key prefix has three letters or digits, not %q", prefix)
	case !o.Custom && prefix != o.KeyPrefix:
		v.errorf(pos, "value-invalid", "leave it out", "the key prefix of %s is %s in every org", o.Name, o.KeyPrefix)
	default:
		for _, name := range v.out.Names() {
			if other := v.out.Object(name); other != o && other.KeyPrefix == prefix {
				v.errorf(pos, "value-invalid", "leave it out and the org chooses one", "the key prefix %s is that of %s", prefix, other.Name)
				return
			}
		}
		o.KeyPrefix = prefix
	}
}

// customObjectName reports whether an object of that name can be added, and says why not.
func (v *overlay) customObjectName(key *yamlnode.Node) bool {
	name := key.Text
	like := name
	if apiname.Event(name) {
		like = strings.TrimSuffix(name, "e") + "c"
	}
	if problem := apiname.Custom(like); problem != "" {
		hint := diag.DidYouMean(name, v.out.Names())
		if hint == "" {
			hint = "an object of your own ends in __c, a platform event in __e; for other standard objects use a snapshot of the org"
		}
		v.errorf(key.Pos, "object-unknown", hint, "%s is not a built-in object, and not the name of a custom one: %s", name, problem)
		return false
	}
	return true
}

// newCustomObject has the fields of every custom object (recorded describe answers of custom
// objects with an owner).
func newCustomObject(name string) *Object {
	label := apiname.Label(name)
	system := func(f Field) *Field {
		f.Filterable, f.Sortable, f.Groupable = queryDefaults(f.Type)
		f.DefaultedOnCreate = true
		return &f
	}
	user := []string{"User"}
	o := &Object{
		Name: name, Label: label, LabelPlural: label + "s", Custom: true,
		Createable: true, Updateable: true, Deletable: true, Queryable: true, Undeletable: true,
		Fields: []*Field{
			system(Field{Name: "Id", Label: "Record ID", Type: ID, Length: 18, IDLookup: true}),
			system(Field{
				Name: "OwnerId", Label: "Owner ID", Type: Reference, Length: 18, Createable: true, Updateable: true,
				PolymorphicRef: true, RelationshipName: "Owner", ReferenceTo: []string{"Group", "User"},
			}),
			system(Field{Name: "IsDeleted", Label: "Deleted", Type: Boolean, DefaultValue: "false"}),
			system(Field{
				Name: "Name", Label: label + " Name", Type: String, Length: 80, Nillable: true, Createable: true,
				Updateable: true, NameField: true, IDLookup: true,
			}),
			system(Field{Name: "CreatedDate", Label: "Created Date", Type: DateTime}),
			system(Field{Name: "CreatedById", Label: "Created By ID", Type: Reference, Length: 18, RelationshipName: "CreatedBy", ReferenceTo: user}),
			system(Field{Name: "LastModifiedDate", Label: "Last Modified Date", Type: DateTime}),
			system(Field{Name: "LastModifiedById", Label: "Last Modified By ID", Type: Reference, Length: 18, RelationshipName: "LastModifiedBy", ReferenceTo: user}),
			system(Field{Name: "SystemModstamp", Label: "System Modstamp", Type: DateTime}),
		},
	}
	o.Index()
	return o
}

// newEvent has the fields of every platform event (Platform Events developer guide; that Id is
// among them is how the local org keeps events, real ones have none).
func newEvent(name string) *Object {
	label := apiname.Label(name)
	o := &Object{Name: name, Label: label, LabelPlural: label + "s", Custom: true, Createable: true}
	for _, f := range []Field{
		{Name: "Id", Label: "Event ID", Type: ID, Length: 18},
		{Name: "ReplayId", Label: "Replay ID", Type: String, Length: 1000},
		{Name: "EventUuid", Label: "Event UUID", Type: String, Length: 36},
		{Name: "CreatedDate", Label: "Created Date", Type: DateTime},
		{Name: "CreatedById", Label: "Created By ID", Type: Reference, Length: 18, RelationshipName: "CreatedBy", ReferenceTo: []string{"User"}},
	} {
		f.DefaultedOnCreate = true
		o.Fields = append(o.Fields, &f)
	}
	o.Index()
	return o
}

// keys reads a map of known keys. Unknown ones are reported; of the result, every value is written.
func (v *overlay) keys(n *yamlnode.Node, where string, known []string) map[string]*yamlnode.Node {
	found := make(map[string]*yamlnode.Node)
	if n.Kind != yamlnode.Map {
		v.kind(n, where, "a map")
		return found
	}
	for _, p := range n.Pairs {
		key := p.Key.Text
		if !slices.Contains(known, key) {
			hint := diag.DidYouMean(key, known)
			if hint == "" {
				hint = "known are " + strings.Join(known, ", ")
			}
			v.errorf(p.Key.Pos, "key-unknown", hint, "unknown key %q in %s", key, where)
			continue
		}
		if p.Value.IsNull() {
			if key != "fields" {
				v.errorf(p.Key.Pos, "value-missing", "give it a value or leave it out", "%s of %s has no value", key, where)
			}
			continue
		}
		found[key] = p.Value
	}
	return found
}

func (v *overlay) kind(n *yamlnode.Node, what, want string) {
	v.errorf(n.Pos, "value-kind", "", "%s must be %s, not %s", what, want, n.Kind)
}

// text returns the single value of a key, "" if it is not there or is none.
func (v *overlay) text(found map[string]*yamlnode.Node, key string) string {
	n := found[key]
	switch {
	case n == nil:
		return ""
	case n.Kind != yamlnode.Scalar:
		v.kind(n, key, "a single value")
		return ""
	case strings.TrimSpace(n.Text) == "":
		v.errorf(n.Pos, "value-invalid", "", "%s is blank", key)
		return ""
	}
	return n.Text
}
