package schema

import (
	"slices"
	"strings"
	"unicode/utf8"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema/number"
	"sfsync/mapping/yamlnode"
)

// Bounds of picklists (Salesforce Features and Edition Allocations: custom picklists).
const (
	maxPicklistValues = 1000
	maxPicklistValue  = 255
)

// picklist reads values and restricted. A custom picklist with values is restricted unless it
// says otherwise, as Setup makes it; a standard one stays what it was.
func (d *fieldDecl) picklist(f *Field) {
	list := f.Type == Picklist || f.Type == MultiPicklist || f.Type == Combobox
	values, restricted := d.keys["values"], d.keys["restricted"]
	if !list {
		for _, n := range []*yamlnode.Node{values, restricted} {
			if n != nil {
				d.errorf(n.Pos, "value-invalid", "leave it out", "%s.%s is no picklist", d.object.Name, f.Name)
			}
		}
		return
	}
	if values != nil {
		before := f.DefaultValue
		f.Picklist, f.DefaultValue = nil, ""
		d.values(f, values)
		if before != "" && f.DefaultValue == "" && d.keys["default"] == nil && len(f.Picklist) > 0 {
			// Fields such as Lead.Status have a default in every org.
			f.Picklist[0].Default, f.DefaultValue = true, f.Picklist[0].Value
		}
	} else if f.Custom {
		d.errorf(d.name.Pos, "key-missing", "such as values: [A, B]", "the picklist %s.%s has no values", d.object.Name, f.Name)
	}
	f.RestrictedPicklist = d.flag("restricted", f.RestrictedPicklist || f.Custom)
}

func (d *fieldDecl) values(f *Field, n *yamlnode.Node) {
	if n.Kind != yamlnode.Seq {
		d.kind(n, "values", "a list")
		return
	}
	if len(n.Items) == 0 {
		d.errorf(n.Pos, "value-missing", "", "values is empty")
	}
	if len(n.Items) > maxPicklistValues {
		d.errorf(n.Pos, "limit", "", "a picklist has at most %d values, this one %d", maxPicklistValues, len(n.Items))
		return
	}
	seen := make(map[string]diag.Pos, len(n.Items))
	for _, item := range n.Items {
		v, ok := d.value(f, item)
		if !ok {
			continue
		}
		folded := strings.ToLower(v.Value)
		if first, twice := seen[folded]; twice {
			d.errorf(item.Pos, "value-twice", "keep one of them", "the value %q is already on line %d", diag.Cut(v.Value), first.Line)
			continue
		}
		seen[folded] = item.Pos
		f.Picklist = append(f.Picklist, v)
		if v.Default {
			if f.DefaultValue != "" {
				d.errorf(item.Pos, "value-invalid", "keep one", "a picklist has one default, and %q is it already", diag.Cut(f.DefaultValue))
			}
			f.DefaultValue, f.DefaultedOnCreate = v.Value, true
		}
	}
}

// value reads one value: its text, or a map that says more.
func (d *fieldDecl) value(f *Field, n *yamlnode.Node) (PicklistValue, bool) {
	v := PicklistValue{Active: true}
	pos := n.Pos
	switch n.Kind {
	case yamlnode.Scalar:
		v.Value = n.Text
	case yamlnode.Map:
		keys := d.overlay.keys(n, "a picklist value", []string{"value", "label", "active", "default"})
		if keys["value"] == nil {
			d.errorf(n.Pos, "key-missing", "", "the picklist value has no value:")
			return v, false
		}
		pos = keys["value"].Pos
		v.Value, v.Label = d.text(keys, "value"), d.text(keys, "label")
		of := fieldDecl{overlay: d.overlay, object: d.object, name: d.name, keys: keys}
		v.Active, v.Default = of.flag("active", true), of.flag("default", false)
	default:
		d.kind(n, "a picklist value", "text or a map")
		return v, false
	}
	if v.Label == "" {
		v.Label = v.Value
	}
	switch {
	case strings.TrimSpace(v.Value) == "" || strings.TrimSpace(v.Value) != v.Value:
		d.errorf(pos, "value-invalid", "", "a picklist value is not blank and has no blanks around it")
	case utf8.RuneCountInString(v.Value) > maxPicklistValue:
		d.errorf(pos, "value-invalid", "", "a picklist value has at most %d characters", maxPicklistValue)
	case f.Type == MultiPicklist && strings.Contains(v.Value, ";"):
		d.errorf(pos, "value-invalid", "", "a value of a multi-select picklist holds no semicolon, since records list values with it")
	default:
		return v, true
	}
	return v, false
}

// setDefault reads the default that the org gives a new record.
func (d *fieldDecl) setDefault(f *Field) {
	n := d.keys["default"]
	if n == nil {
		return
	}
	text := d.text(d.keys, "default")
	if text == "" {
		return
	}
	if problem := f.defaultProblem(text); problem != "" {
		d.errorf(n.Pos, "value-invalid", "", "default %q: %s", diag.Cut(text), problem)
		return
	}
	if f.Type == Picklist {
		f.Picklist = slices.Clone(f.Picklist) // a standard field shares it with the base
		for i, v := range f.Picklist {
			if v.Default && v.Value != text {
				d.errorf(n.Pos, "value-invalid", "keep one", "a picklist has one default, and %q is it already", diag.Cut(v.Value))
				return
			}
			f.Picklist[i].Default = v.Value == text
		}
	}
	switch f.Type {
	case Int, Double, Currency, Percent:
		text = number.Plain(text)
	}
	f.DefaultValue, f.DefaultedOnCreate = text, true
}

// displayFormat reads how an auto-number looks.
func (d *fieldDecl) displayFormat(f *Field) {
	n := d.keys["displayFormat"]
	if n == nil {
		return
	}
	text := d.text(d.keys, "displayFormat")
	before, rest, _ := strings.Cut(text, "{")
	zeros, after, closed := strings.Cut(rest, "}")
	if !closed || zeros == "" || strings.Trim(zeros, "0") != "" || len(zeros) > 10 || strings.ContainsAny(before+after, "{}") || len(text) > 30 {
		d.errorf(n.Pos, "value-invalid", `such as "A-{0000}"`, "displayFormat has one run of up to 10 zeros in braces and at most 30 characters, not %q", diag.Cut(text))
		return
	}
	f.DisplayFormat = text
}

// defaultProblem says why the text cannot be the field's default, "" if it can.
func (f *Field) defaultProblem(text string) string {
	switch f.Type {
	case Boolean:
		if text != "true" && text != "false" {
			return "a checkbox starts as true or false"
		}
	case Int, Double, Currency, Percent:
		whole, fraction, ok := number.Decimal(text)
		switch {
		case !ok:
			return "not a number"
		case f.Type == Int && (fraction > 0 || whole > f.Digits):
			return "not a whole number that fits"
		case f.Type != Int && (fraction > f.Scale || whole > f.Precision-f.Scale):
			return "it does not fit precision and scale"
		}
	case Picklist, Combobox:
		if f.RestrictedPicklist && !f.offers(text) {
			return "not one of the values"
		}
	case MultiPicklist:
		for part := range strings.SplitSeq(text, ";") {
			if f.RestrictedPicklist && !f.offers(part) {
				return "not one of the values"
			}
		}
	case String, TextArea, Email, Phone, URL:
		if utf8.RuneCountInString(text) > f.Length {
			return "longer than the field"
		}
	default:
		return "a field of type " + string(f.Type) + " has no fixed default"
	}
	return ""
}

func (f *Field) offers(value string) bool {
	for _, v := range f.Picklist {
		if v.Active && v.Value == value {
			return true
		}
	}
	return false
}
