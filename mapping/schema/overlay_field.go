package schema

import (
	"slices"
	"strconv"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema/apiname"
	"sfsync/mapping/yamlnode"
)

// fieldKeys are the properties that the fields of an overlay can have.
func fieldKeys() []string {
	return []string{
		"type", "label", "length", "precision", "scale", "digits", "required", "default", "unique", "externalId",
		"caseSensitive", "values", "restricted", "referenceTo", "relationshipName", "autoNumber", "calculated", "htmlFormatted",
		"displayFormat", "masterDetail", "reparentable", "cascadeDelete", "restrictedDelete", "childRelationshipName", "summary",
	}
}

// overlayTypes are the types of custom fields, in the words of describe, with the properties
// that go with each besides type, label, required, default and calculated.
func overlayTypes() map[Type][]string {
	number := []string{"precision", "scale", "unique", "externalId", "summary"}
	return map[Type][]string{
		String:          {"length", "unique", "externalId", "caseSensitive", "autoNumber", "displayFormat"},
		TextArea:        {"length", "htmlFormatted"},
		Email:           {"length", "unique", "externalId", "caseSensitive"},
		Phone:           {"length"},
		URL:             {"length"},
		EncryptedString: {"length"},
		Boolean:         {},
		Int:             {"digits", "unique", "externalId"},
		Double:          number,
		Currency:        {"precision", "scale", "summary"},
		Percent:         {"precision", "scale", "summary"},
		Date:            {"summary"},
		DateTime:        {"summary"},
		Time:            {},
		Picklist:        {"values", "restricted"},
		MultiPicklist:   {"values", "restricted"},
		Reference: {
			"referenceTo", "relationshipName", "masterDetail", "reparentable", "cascadeDelete", "restrictedDelete", "childRelationshipName",
		},
		Location: {"scale"},
	}
}

// fieldDecl is one field as the overlay has it.
type fieldDecl struct {
	*overlay
	object *Object
	name   *yamlnode.Node
	keys   map[string]*yamlnode.Node
}

func (v *overlay) fields(o *Object, n *yamlnode.Node) {
	if n == nil {
		return
	}
	if n.Kind != yamlnode.Map {
		v.kind(n, "fields of "+o.Name, "a map of field names")
		return
	}
	if count := len(n.Pairs); count > maxCustomFields {
		v.errorf(n.Pos, "limit", "", "%s has %d fields here, more than the %d custom ones that an org allows", o.Name, count, maxCustomFields)
		return
	}
	seen := make(map[string]diag.Pos)
	for _, p := range n.Pairs {
		folded := strings.ToLower(p.Key.Text)
		if first, twice := seen[folded]; twice {
			v.errorf(p.Key.Pos, "field-twice", "keep one of them", "field %s is already on line %d", p.Key.Text, first.Line)
			continue
		}
		seen[folded] = p.Key.Pos
		d := fieldDecl{overlay: v, object: o, name: p.Key, keys: map[string]*yamlnode.Node{}}
		if !p.Value.IsNull() {
			if p.Value.Kind != yamlnode.Map {
				v.kind(p.Value, o.Name+"."+p.Key.Text, "a map of properties, such as {type: string}")
				continue
			}
			d.keys = v.keys(p.Value, o.Name+"."+p.Key.Text, fieldKeys())
		}
		d.apply()
	}
}

// apply puts the field into its object: a standard field is changed, a custom one made anew.
func (d *fieldDecl) apply() {
	name := d.name.Text
	old := d.object.Field(name)
	if old == nil {
		old = d.optionalField(name)
	}
	if old != nil && old.Name != name {
		d.list.Warnf(d.name.Pos, "field-case", "", "the field is spelled %s.%s", d.object.Name, old.Name)
	}
	if old != nil && !old.Custom {
		f := *old
		d.changeStandard(&f)
		d.put(&f)
		return
	}
	if problem := apiname.Custom(name); problem != "" {
		hint := diag.DidYouMean(name, d.candidates())
		if hint == "" && apiname.Identifier(name) == "" && !strings.HasSuffix(name, "__c") {
			hint = "a field of your own ends in __c: " + name + "__c"
		}
		d.errorf(d.name.Pos, "field-unknown", hint, "%s is not a standard field of %s, and not the name of a custom one: %s",
			name, d.object.Name, problem)
		return
	}
	d.makeCustom()
}

// candidates are the field names that a wrong one may have meant.
func (d *fieldDecl) candidates() []string {
	names := d.object.FieldNames()
	if o := d.withFeatures().Object(d.object.Name); o != nil {
		names = append(names, o.FieldNames()...)
	}
	return names
}

// optionalField returns the standard field of that name that comes with an org feature, or nil.
func (d *fieldDecl) optionalField(name string) *Field {
	if o := d.withFeatures().Object(d.object.Name); o != nil {
		return o.Field(name)
	}
	return nil
}

func (v *overlay) withFeatures() *Schema {
	if v.optional == nil {
		all, err := StandardWith(Features()...)
		if err != nil {
			panic(err) // Features knows its own names
		}
		v.optional = all
	}
	return v.optional
}

// put adds the field to its object or replaces the one of its name.
func (d *fieldDecl) put(f *Field) {
	i := slices.IndexFunc(d.object.Fields, func(g *Field) bool { return strings.EqualFold(f.Name, g.Name) })
	if i < 0 {
		d.object.Fields = append(d.object.Fields, f)
	} else {
		d.object.Fields[i] = f
	}
	d.object.byName[strings.ToLower(f.Name)] = f
}

// changeStandard applies what an admin can change on a standard field.
func (d *fieldDecl) changeStandard(f *Field) {
	what := d.object.Name + "." + f.Name
	nameOfCustom := f.NameField && d.object.Custom
	for key, n := range d.keys {
		switch key {
		case "type":
			if t := d.text(d.keys, key); t != "" && t != string(f.Type) {
				d.errorf(n.Pos, "value-invalid", "leave the type out", "%s is a standard field of type %s, which cannot be changed to %s", what, f.Type, t)
			}
		case "label", "required", "default", "values", "restricted":
		case "autoNumber", "displayFormat":
			if nameOfCustom {
				continue
			}
			fallthrough
		default:
			d.errorf(n.Pos, "value-invalid", "", "%s cannot be changed on the standard field %s", key, what)
		}
	}
	if label := d.text(d.keys, "label"); label != "" {
		f.Label = label
	}
	if nameOfCustom && d.flag("autoNumber", false) {
		f.autoNumber()
		d.displayFormat(f)
	}
	if n := d.keys["required"]; n != nil {
		switch required := d.flag("required", f.Required()); {
		case required && !f.Createable:
			d.errorf(n.Pos, "value-invalid", "", "%s is set by the org and cannot be required", what)
		case required:
			f.Nillable, f.DefaultedOnCreate = false, false
		case f.Required():
			d.errorf(n.Pos, "value-invalid", "", "%s is required in every org", what)
		}
	}
	d.picklist(f)
	d.setDefault(f)
}

// makeCustom builds a custom field and adds it.
func (d *fieldDecl) makeCustom() {
	name := d.name.Text
	what := d.object.Name + "." + name
	types := overlayTypes()
	t := Type(d.text(d.keys, "type"))
	if t == "" {
		if d.keys["type"] == nil {
			d.errorf(d.name.Pos, "key-missing", "such as {type: string}", "the custom field %s has no type", what)
		}
		return
	}
	allowed, known := types[t]
	if !known {
		d.errorf(d.keys["type"].Pos, "value-invalid", typeHint(t), "%q is not the type of a custom field", t)
		return
	}
	f := &Field{Name: name, Label: apiname.Label(name), Type: t, Custom: true, Nillable: true, Createable: true, Updateable: true}
	f.Filterable, f.Sortable, f.Groupable = queryDefaults(t)
	for key, n := range d.keys {
		switch key {
		case "type", "label", "required", "default", "calculated":
		default:
			if !slices.Contains(allowed, key) {
				d.errorf(n.Pos, "value-invalid", "leave it out", "%s does not go with type %s", key, t)
				delete(d.keys, key)
			}
		}
	}
	if label := d.text(d.keys, "label"); label != "" {
		f.Label = label
	}
	d.size(f)
	d.key(f)
	d.reference(f)
	d.picklist(f)
	switch {
	case t == Boolean:
		f.Nillable, f.DefaultedOnCreate, f.DefaultValue = false, true, "false"
		if n := d.keys["required"]; n != nil && d.flag("required", false) {
			d.list.Warnf(n.Pos, "no-effect", "leave it out", "a checkbox always has a value, so required changes nothing")
		}
	case d.flag("required", false):
		f.Nillable = false
	}
	d.setDefault(f)
	d.written(f)
	d.summary(f)
	d.put(f)
	if t == Location {
		d.coordinates(f)
	}
}

// typeHint names the type that a word of Setup or of databases most likely meant.
func typeHint(t Type) string {
	meant := apiname.Type(string(t))
	var names []string
	for name := range overlayTypes() {
		names = append(names, string(name))
	}
	slices.Sort(names)
	if meant != "" {
		return "did you mean " + meant + "?"
	}
	if hint := diag.DidYouMean(string(t), names); hint != "" {
		return hint
	}
	return "known are " + strings.Join(names, ", ")
}

// size sets the field's length or digits to what is written, or to what Setup proposes.
func (d *fieldDecl) size(f *Field) {
	switch f.Type {
	case String:
		f.Length = d.number("length", 255, 1, 255)
	case TextArea:
		f.Length = d.number("length", 255, 1, 131_072)
		f.ExtraTypeInfo = "plaintextarea"
		if f.HTMLFormatted = d.flag("htmlFormatted", false); f.HTMLFormatted {
			f.ExtraTypeInfo = "richtextarea"
		}
		// The short kind is text on several lines and can be queried by; the long one cannot.
		short := f.Length <= 255 && !f.HTMLFormatted
		f.Filterable, f.Sortable, f.Groupable = short, short, short
	case Email:
		f.Length = d.number("length", 80, 1, 80)
	case Phone:
		f.Length = d.number("length", 40, 1, 40)
	case URL, Picklist:
		f.Length = d.number("length", 255, 1, 255)
	case MultiPicklist:
		f.Length = 4099 // as describe says of every one
	case EncryptedString:
		f.Length, f.Encrypted = d.number("length", 175, 1, 175), true
	case Reference:
		f.Length = 18
	case Int:
		f.Digits = d.number("digits", 9, 1, 9)
	case Double, Currency, Percent:
		scale := 0
		if f.Type == Currency {
			scale = 2
		}
		f.Scale = d.number("scale", scale, 0, 17)
		f.Precision = d.number("precision", 18, 1, 18)
		if f.Scale > f.Precision {
			n := d.keys["scale"]
			if n == nil {
				n = d.keys["precision"]
			}
			d.errorf(n.Pos, "value-invalid", "precision counts all digits, those behind the point too",
				"scale %d is more than precision %d", f.Scale, f.Precision)
		}
	case Location:
		f.Scale = d.number("scale", 6, 0, 15)
		f.Createable, f.Updateable = false, false
	}
}

// key sets what lets a field identify records.
func (d *fieldDecl) key(f *Field) {
	f.Unique = d.flag("unique", false)
	f.ExternalID = d.flag("externalId", false)
	f.IDLookup = f.ExternalID
	f.CaseSensitive = d.flag("caseSensitive", false)
	if f.CaseSensitive && !f.Unique {
		d.errorf(d.keys["caseSensitive"].Pos, "value-invalid", "add unique: true", "only a unique field can be case-sensitive")
	}
}

// reference reads where a lookup leads.
func (d *fieldDecl) reference(f *Field) {
	if f.Type != Reference {
		return
	}
	n := d.keys["referenceTo"]
	if n == nil {
		d.errorf(d.name.Pos, "key-missing", "such as referenceTo: [Account]", "the reference %s.%s has no referenceTo", d.object.Name, f.Name)
		return
	}
	items := n.Items
	if n.Kind != yamlnode.Seq {
		items = []*yamlnode.Node{n}
	}
	if len(items) != 1 {
		d.errorf(n.Pos, "value-invalid", "", "a custom reference leads to one object, not to %d", len(items))
		return
	}
	if items[0].Kind != yamlnode.Scalar {
		d.kind(items[0], "referenceTo", "an object name")
		return
	}
	known := d.referable()
	i := slices.IndexFunc(known, func(name string) bool { return strings.EqualFold(name, items[0].Text) })
	if i < 0 {
		hint := diag.DidYouMean(items[0].Text, known)
		if hint == "" && strings.HasSuffix(items[0].Text, "__c") {
			hint = "add the object to this file"
		}
		d.errorf(items[0].Pos, "object-unknown", hint, "there is no object %s to refer to", items[0].Text)
		return
	}
	f.ReferenceTo = []string{known[i]}
	f.RelationshipName = strings.TrimSuffix(f.Name, "c") + "r"
	if given := d.text(d.keys, "relationshipName"); given != "" && given != f.RelationshipName {
		d.errorf(d.keys["relationshipName"].Pos, "value-invalid", "leave it out", "the relationship of %s is called %s", f.Name, f.RelationshipName)
	}
	d.relation(f)
}

// referable are the objects of the schema, and those that its fields refer to.
func (d *fieldDecl) referable() []string {
	names := d.out.Names()
	for _, name := range d.out.Names() {
		for _, f := range d.out.Object(name).Fields {
			names = append(names, f.ReferenceTo...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// written says who may write the field: nobody where the org computes it.
func (d *fieldDecl) written(f *Field) {
	auto, calculated := d.flag("autoNumber", false), d.flag("calculated", false)
	if auto && calculated {
		d.errorf(d.keys["calculated"].Pos, "value-invalid", "keep one of them", "a field is either numbered or calculated")
	}
	if n := d.keys["displayFormat"]; n != nil && !auto {
		d.errorf(n.Pos, "value-invalid", "add autoNumber: true", "only an auto-number has a displayFormat")
	}
	if !auto && !calculated {
		return
	}
	which := "calculated"
	if auto {
		which = "autoNumber"
	}
	for _, key := range []string{"required", "default"} {
		if n := d.keys[key]; n != nil {
			d.errorf(n.Pos, "value-invalid", "leave it out", "%s does not go with %s: the org fills the field", key, which)
		}
	}
	if auto {
		f.autoNumber()
		d.displayFormat(f)
		return
	}
	for _, key := range []string{"unique", "externalId"} {
		if n := d.keys[key]; n != nil {
			d.errorf(n.Pos, "value-invalid", "leave it out", "a calculated field cannot have %s", key)
		}
	}
	if slices.Contains([]Type{Picklist, MultiPicklist, Reference, Location, TextArea, EncryptedString}, f.Type) {
		d.errorf(d.keys["calculated"].Pos, "value-invalid", "", "no formula has the type %s", f.Type)
	}
	f.Calculated, f.Createable, f.Updateable = true, false, false
}

// autoNumber makes the field one that the org counts up.
func (f *Field) autoNumber() {
	f.AutoNumber, f.Nillable, f.DefaultedOnCreate, f.Createable, f.Updateable = true, false, true, false, false
	f.Length = 30
}

// coordinates adds the two numbers that a location is written by.
func (d *fieldDecl) coordinates(f *Field) {
	stem := strings.TrimSuffix(f.Name, "c")
	for _, part := range []string{"Latitude", "Longitude"} {
		d.put(&Field{
			Name: stem + part + "__s", Label: f.Label + " (" + part + ")", Type: Double, Precision: f.Scale + 3, Scale: f.Scale,
			Nillable: f.Nillable, Createable: true, Updateable: true, Custom: true, CompoundFieldName: f.Name,
			Filterable: true, Sortable: true,
		})
	}
}

// flag returns a key's true or false, or its default.
func (d *fieldDecl) flag(key string, otherwise bool) bool {
	switch text := d.text(d.keys, key); text {
	case "":
		return otherwise
	case "true", "false":
		return text == "true"
	default:
		d.errorf(d.keys[key].Pos, "value-invalid", "", "%s is true or false, not %q", key, diag.Cut(text))
		delete(d.keys, key) // said once
		return otherwise
	}
}

// number returns a key's whole number within bounds, or its default.
func (d *fieldDecl) number(key string, otherwise, low, high int) int {
	text := d.text(d.keys, key)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high || strings.HasPrefix(text, "+") {
		d.errorf(d.keys[key].Pos, "value-invalid", "", "%s is a whole number from %d to %d, not %q", key, low, high, diag.Cut(text))
		return otherwise
	}
	return n
}
