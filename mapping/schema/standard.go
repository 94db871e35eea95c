package schema

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// standardFacts is what describe says of the standard objects; its head explains its form.
//
//go:embed standard.txt
var standardFacts string

// standardSource is the name of the built-in schema in messages.
const standardSource = "the built-in standard objects"

// Standard returns Account, Campaign, CampaignMember, Case, Contact, Event, Lead, Opportunity,
// OpportunityContactRole, Task and User as a new org without optional features has them. Each
// call makes a schema of its own, in about a millisecond, which the caller may change.
func Standard() *Schema {
	s, err := StandardWith()
	if err != nil {
		panic(err) // only an unknown feature is an error, and none is named
	}
	return s
}

// StandardWith is Standard with the fields that the named org features bring; [Features] lists
// the names. It fails on a name that is not one of them.
func StandardWith(features ...string) (*Schema, error) {
	objects, err := parseFacts(standardFacts)
	if err != nil {
		panic("standard.txt: " + err.Error()) // part of the binary; TestStandardFacts reads it
	}
	known := featuresOf(objects)
	for _, name := range features {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown org feature %q; known are %s", name, strings.Join(known, ", "))
		}
	}
	s := New(standardSource)
	for _, o := range objects {
		o.Fields = slices.DeleteFunc(o.Fields, func(f *Field) bool {
			return f.Feature != "" && !slices.Contains(features, f.Feature)
		})
		s.Add(o)
	}
	return s, nil
}

// Features returns the names of the org features that add fields to the standard objects, such
// as "person_accounts", in order.
func Features() []string {
	objects, err := parseFacts(standardFacts)
	if err != nil {
		panic("standard.txt: " + err.Error())
	}
	return featuresOf(objects)
}

func featuresOf(objects []*Object) []string {
	var names []string
	for _, o := range objects {
		for _, f := range o.Fields {
			if f.Feature != "" && !slices.Contains(names, f.Feature) {
				names = append(names, f.Feature)
			}
		}
	}
	slices.Sort(names)
	return names
}

// parseFacts reads the form that the head of standard.txt describes. Errors begin with the line.
func parseFacts(text string) ([]*Object, error) {
	p := factParser{lists: make(map[string][]PicklistValue)}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return p.objects, nil
}

// factParser holds what the next line may add to.
type factParser struct {
	objects []*Object
	lists   map[string][]PicklistValue
	list    string // the list that is being read, "" within an object
	field   *Field // the field that values and references on lines of their own belong to
}

func (p *factParser) line(line string) error {
	trimmed := strings.TrimSpace(line)
	switch {
	case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		return nil
	case strings.HasPrefix(trimmed, ": "):
		values, err := factValues(trimmed[2:])
		if err != nil {
			return err
		}
		switch {
		case p.list != "":
			p.lists[p.list] = append(p.lists[p.list], values...)
		case p.field != nil:
			p.field.Picklist = append(p.field.Picklist, values...)
		default:
			return errors.New("values belong to no field")
		}
		return nil
	case strings.HasPrefix(trimmed, "> "):
		if p.field == nil || p.field.Type != Reference {
			return errors.New("objects belong to no reference")
		}
		for name := range strings.SplitSeq(strings.TrimSuffix(trimmed[2:], ";"), ";") {
			p.field.ReferenceTo = append(p.field.ReferenceTo, strings.TrimSpace(name))
		}
		return nil
	}
	if name, ok := strings.CutPrefix(line, "list "); ok {
		p.list, p.field = name, nil
		return nil
	}
	if rest, ok := strings.CutPrefix(line, "object "); ok {
		o, err := factObject(rest)
		if err != nil {
			return err
		}
		p.objects, p.list, p.field = append(p.objects, o), "", nil
		return nil
	}
	if len(p.objects) == 0 || p.list != "" {
		return errors.New("a field outside an object")
	}
	f, err := p.factField(line)
	if err != nil {
		return err
	}
	o := p.objects[len(p.objects)-1]
	o.Fields, p.field = append(o.Fields, f), f
	return nil
}

// factObject reads "NAME | label | plural | key prefix | operations".
func factObject(text string) (*Object, error) {
	parts := strings.Split(text, " | ")
	if len(parts) != 5 {
		return nil, fmt.Errorf("an object has 5 parts, this one %d", len(parts))
	}
	o := &Object{Name: parts[0], Label: parts[1], LabelPlural: parts[2], KeyPrefix: parts[3]}
	for word := range strings.FieldsSeq(parts[4]) {
		switch word {
		case "create":
			o.Createable = true
		case "update":
			o.Updateable = true
		case "delete":
			o.Deletable = true
		case "query":
			o.Queryable = true
		case "search":
			o.Searchable = true
		case "undelete":
			o.Undeletable = true
		case "merge":
			o.Mergeable = true
		default:
			return nil, fmt.Errorf("unknown operation %q", word)
		}
	}
	return o, nil
}

// factField reads "NAME | label | type and size | properties".
func (p *factParser) factField(line string) (*Field, error) {
	parts := strings.Split(line, " | ")
	if len(parts) != 3 && len(parts) != 4 {
		return nil, fmt.Errorf("a field has 3 or 4 parts, this one %d", len(parts))
	}
	f := &Field{Name: parts[0], Label: parts[1], Nillable: true, Createable: true, Updateable: true}
	word, size, _ := strings.Cut(parts[2], " ")
	f.Type = Type(word)
	f.Filterable, f.Sortable, f.Groupable = queryDefaults(f.Type)
	if err := f.setSize(size); err != nil {
		return nil, err
	}
	if len(parts) == 3 {
		return f, nil
	}
	properties := parts[3]
	// A default may hold blanks and so stands last.
	if i := strings.Index(" "+properties, " default="); i >= 0 {
		f.DefaultValue = properties[i+len("default="):]
		properties = properties[:i]
	}
	for property := range strings.FieldsSeq(properties) {
		if err := p.property(f, property); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// setSize reads the size that goes with the field's type: characters, precision.scale, digits
// or objects.
func (f *Field) setSize(size string) (err error) {
	switch f.Type {
	case Boolean:
		f.DefaultValue = "false"
		fallthrough
	case Date, DateTime, Address:
		if size != "" {
			return fmt.Errorf("type %s has no size, got %q", f.Type, size)
		}
	case ID:
		f.Length = 18
	case Reference:
		f.Length = 18
		if size != "" {
			f.ReferenceTo = strings.Split(size, ",")
		}
	case Int:
		f.Digits, err = strconv.Atoi(size)
	case Double, Currency, Percent:
		precision, scale, _ := strings.Cut(size, ".")
		if f.Precision, err = strconv.Atoi(precision); err == nil {
			f.Scale, err = strconv.Atoi(scale)
		}
	case String, TextArea, Email, Phone, URL, Picklist, Combobox:
		f.Length, err = strconv.Atoi(size)
	default:
		return fmt.Errorf("unknown type %q", f.Type)
	}
	return err
}

func (p *factParser) property(f *Field, text string) error {
	key, value, _ := strings.Cut(text, "=")
	switch key {
	case "notnull":
		f.Nillable = false
	case "defaulted":
		f.DefaultedOnCreate = true
	case "readonly":
		f.Createable, f.Updateable = false, false
	case "system":
		f.Nillable, f.DefaultedOnCreate, f.Createable, f.Updateable = false, true, false, false
	case "nocreate":
		f.Createable = false
	case "noupdate":
		f.Updateable = false
	case "unique":
		f.Unique = true
	case "idLookup":
		f.IDLookup = true
	case "autoNumber":
		f.AutoNumber = true
	case "nameField":
		f.NameField = true
	case "polymorphic":
		f.PolymorphicRef = true
	case "restricted":
		f.RestrictedPicklist = true
	case "query":
		f.Filterable = strings.Contains(value, "f")
		f.Sortable = strings.Contains(value, "s")
		f.Groupable = strings.Contains(value, "g")
	case "in":
		f.CompoundFieldName = value
	case "children":
		f.ChildRelationship = value
	case "cascade":
		f.CascadeDelete = true
	case "restrict":
		f.RestrictedDelete = true
	case "rel":
		f.RelationshipName = value
	case "info":
		f.ExtraTypeInfo = value
	case "feature":
		f.Feature = value
	case "values":
		list, ok := p.lists[value]
		if !ok {
			return fmt.Errorf("unknown list %q", value)
		}
		f.Picklist = slices.Clone(list)
	default:
		return fmt.Errorf("unknown property %q", key)
	}
	return nil
}

// factValues reads "value; value=label; *default".
func factValues(text string) ([]PicklistValue, error) {
	var values []PicklistValue
	for item := range strings.SplitSeq(strings.TrimSuffix(text, ";"), ";") {
		item = strings.TrimSpace(item)
		v := PicklistValue{Active: true}
		item, v.Default = strings.CutPrefix(item, "*")
		var labelled bool
		v.Value, v.Label, labelled = strings.Cut(item, "=")
		if !labelled {
			v.Label = v.Value
		}
		v.Label = strings.ReplaceAll(v.Label, "$", v.Value)
		if v.Value == "" {
			return nil, errors.New("an empty picklist value")
		}
		values = append(values, v)
	}
	return values, nil
}

// queryDefaults says whether fields of a type can be filtered, sorted and grouped by, as a rule.
func queryDefaults(t Type) (filter, sort, group bool) {
	switch t {
	case TextArea, Base64, EncryptedString, ComplexValue:
		return false, false, false
	case Address, Location, MultiPicklist:
		return true, false, false
	case Double, Currency, Percent, DateTime, Time, Combobox:
		return true, true, false
	}
	return true, true, true
}
