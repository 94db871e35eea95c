package schema

import (
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema/apiname"
	"sfsync/mapping/yamlnode"
)

// relation reads what a reference of an overlay does when the other record goes, and what that
// one calls the records that refer to it.
func (d *fieldDecl) relation(f *Field) {
	f.CascadeDelete, f.RestrictedDelete = d.flag("cascadeDelete", false), d.flag("restrictedDelete", false)
	if f.CascadeDelete && f.RestrictedDelete {
		d.errorf(d.keys["restrictedDelete"].Pos, "value-invalid", "keep one of them", "%s.%s either goes with the other record or keeps it", d.object.Name, f.Name)
	}
	f.MasterDetail = d.flag("masterDetail", false)
	reparentable := d.flag("reparentable", false)
	if reparentable && !f.MasterDetail {
		d.errorf(d.keys["reparentable"].Pos, "value-invalid", "leave it out", "only a master-detail field is reparentable or not")
	}
	if f.MasterDetail {
		if f.RestrictedDelete {
			d.errorf(d.keys["restrictedDelete"].Pos, "value-invalid", "leave it out", "records of a master-detail field are deleted with their master")
		}
		f.CascadeDelete, f.Nillable, f.Updateable = true, false, reparentable
		d.ownedByMaster()
	}
	f.ChildRelationship = d.text(d.keys, "childRelationshipName")
	if f.ChildRelationship == "" {
		f.ChildRelationship = d.freeChildName(f)
		return
	}
	if stem, ok := strings.CutSuffix(f.ChildRelationship, "__r"); !ok || apiname.Identifier(stem) != "" {
		d.errorf(d.keys["childRelationshipName"].Pos, "value-invalid", "such as "+d.freeChildName(f), "%q is no name of a relationship", diag.Cut(f.ChildRelationship))
	}
}

// ownedByMaster takes the owner away from a detail record, which has its master's.
func (d *fieldDecl) ownedByMaster() {
	if !d.object.Custom {
		d.errorf(d.name.Pos, "value-invalid", "make it a lookup", "a standard object such as %s cannot be the detail of another one", d.object.Name)
		return
	}
	d.object.Fields = slices.DeleteFunc(d.object.Fields, func(f *Field) bool { return f.Name == "OwnerId" })
	d.object.Index()
}

// freeChildName is the name that Setup proposes: the plural of the object with the reference.
func (d *fieldDecl) freeChildName(f *Field) string {
	letters := func(s string) string {
		return strings.Trim(strings.Map(func(c rune) rune {
			if c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80 || c >= '0' && c <= '9' || c == '_' {
				return c
			}
			return -1
		}, s), "_0123456789")
	}
	stem := letters(d.object.LabelPlural)
	if stem == "" {
		stem = letters(strings.TrimSuffix(d.object.Name, "__c")) + "s"
	}
	name := stem + "__r"
	for _, other := range d.object.Fields {
		if other.ChildRelationship == name && !strings.EqualFold(other.Name, f.Name) && slices.Equal(other.ReferenceTo, f.ReferenceTo) {
			return stem + "_" + strings.TrimSuffix(f.Name, "__c") + "__r"
		}
	}
	return name
}

// summary reads what a roll-up summary field counts. That the records are there is checked when
// all objects have been read.
func (d *fieldDecl) summary(f *Field) {
	n := d.keys["summary"]
	if n == nil {
		return
	}
	keys := d.overlay.keys(n, "summary of "+d.object.Name+"."+f.Name, []string{"operation", "object", "field", "by"})
	if n.Kind != yamlnode.Map {
		return
	}
	for _, key := range []string{"required", "default", "unique", "externalId", "autoNumber"} {
		if k := d.keys[key]; k != nil {
			d.errorf(k.Pos, "value-invalid", "leave it out", "%s does not go with summary: the org fills the field", key)
		}
	}
	s := &Summary{
		Operation: SummaryOperation(d.overlay.text(keys, "operation")), Object: d.overlay.text(keys, "object"),
		Field: d.overlay.text(keys, "field"), By: d.overlay.text(keys, "by"),
	}
	f.Summary, f.Calculated, f.Createable, f.Updateable = s, true, false, false
	d.overlay.later = append(d.overlay.later, func() { d.checkSummary(f, s, n.Pos, keys) })
}

func (d *fieldDecl) checkSummary(f *Field, s *Summary, pos diag.Pos, keys map[string]*yamlnode.Node) {
	at := func(key string) diag.Pos {
		if k := keys[key]; k != nil {
			return k.Pos
		}
		return pos
	}
	bad := func(key, hint, format string, args ...any) { d.errorf(at(key), "value-invalid", hint, format, args...) }
	number := f.Type == Double || f.Type == Currency || f.Type == Percent
	switch s.Operation {
	case SummaryCount:
		if s.Field != "" {
			bad("field", "leave it out", "a count has no field")
			return
		}
	case SummarySum, SummaryMin, SummaryMax:
		if s.Field == "" {
			bad("field", "add field:", "operation %s needs a field", s.Operation)
			return
		}
	default:
		bad("operation", "known are count, sum, min, max", "operation %q", diag.Cut(string(s.Operation)))
		return
	}
	if !number && (s.Operation == SummaryCount || s.Operation == SummarySum || f.Type != Date && f.Type != DateTime) {
		d.errorf(d.name.Pos, "value-invalid", "", "a summary by %s does not have the type %s", s.Operation, f.Type)
		return
	}
	child := d.out.Object(s.Object)
	if child == nil {
		bad("object", diag.DidYouMean(s.Object, d.out.Names()), "there is no object %q", diag.Cut(s.Object))
		return
	}
	s.Object = child.Name
	if s.By == "" {
		for _, c := range child.Fields {
			if c.MasterDetail && slices.Contains(c.ReferenceTo, d.object.Name) {
				s.By = c.Name
			}
		}
	}
	by := child.Field(s.By)
	if by == nil || !slices.Contains(by.ReferenceTo, d.object.Name) || !by.MasterDetail && (by.Custom || !by.CascadeDelete) {
		bad("by", "only details of a master are summed up", "%s has no master-detail field %s that leads to %s", child.Name, s.By, d.object.Name)
		return
	}
	s.By = by.Name
	if s.Field == "" {
		return
	}
	of := child.Field(s.Field)
	if of == nil {
		bad("field", diag.DidYouMean(s.Field, child.FieldNames()), "%s has no field %s", child.Name, diag.Cut(s.Field))
		return
	}
	numeric := of.Type == Double || of.Type == Currency || of.Type == Percent || of.Type == Int
	if number != numeric || !number && of.Type != f.Type {
		bad("field", "", "%s of type %s cannot be summed up in a %s", of.Name, of.Type, f.Type)
		return
	}
	s.Field = of.Name
}
