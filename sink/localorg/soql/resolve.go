package soql

import (
	"fmt"
	"slices"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/soql/syntax"
)

// field is a field of a table of the join, or an expression that stands for one.
type field struct {
	Field
	// expr is the SQL of the value as it is stored, "" for a compound field.
	expr string
	// fold is the SQL of the value in lower case, "" if it has to be computed.
	fold string
	// at is the field's table.
	at int
	// via are the relationships that lead from the object after FROM to the field.
	via []step
	// function is the function as the query spells it, "" for a field.
	function string
	labelled bool // it stands as toLabel
}

// step is a relationship on the way to a field.
type step struct {
	name   string // in the org's spelling
	entity string // of the record at its end
	id     string // the SQL of that record's Id
	// kinds are the objects by key prefix of which the record may be, nil if it is always of entity.
	kinds map[string]string
}

// path is the field's canonical name, without alias.
func (f field) path() string {
	var b strings.Builder
	for _, st := range f.via {
		b.WriteString(st.name)
		b.WriteByte('.')
	}
	return b.String() + f.Name
}

// fieldOf returns a field of a table.
func (s *scope) fieldOf(at int, fd Field) field {
	f := field{Field: fd, at: at}
	if fd.Column != "" {
		f.expr = s.column(at, fd.Column)
	}
	if fd.FoldColumn != "" && !fd.CaseSensitive {
		f.fold = s.column(at, fd.FoldColumn)
	}
	return f
}

// resolve finds the field of a path and joins the parents that lead to it.
func (s *scope) resolve(path syntax.Path) (field, *Error) {
	if len(path) > 1 && s.qualifies(path[0].Text) {
		path = path[1:]
	}
	return s.resolveFrom(0, nil, path)
}

// resolveFrom is resolve from a table that via leads to.
func (s *scope) resolveFrom(at int, via []step, path syntax.Path) (field, *Error) {
	if len(path) > syntax.MaxParents+1 {
		return field{}, s.Refuse(CodeMalformed, path.Off(), "only %d relationships may be followed in a path", syntax.MaxParents)
	}
	via = slices.Clip(via)
	last := path[len(path)-1]
	for i, n := range path[:len(path)-1] {
		ref, ok := relationship(s.tables[at].entity, n.Text)
		if !ok {
			return field{}, s.Refuse(CodeField, n.Off, "%s", noRelationship(n.Text))
		}
		if ref.polymorphic() {
			via = append(via, s.nameStep(at, ref))
			if i == len(path)-2 {
				return s.nameField(at, ref, via, last)
			}
			var err *Error
			if at, err = s.nameParent(at, ref, path[i+1]); err != nil {
				return field{}, err
			}
			continue
		}
		var err *Error
		if at, err = s.join(at, ref, n); err != nil {
			return field{}, err
		}
		id, _ := s.tables[at].entity.key()
		via = append(via, step{name: ref.Relationship, entity: s.tables[at].entity.Name, id: s.column(at, id.Column)})
	}
	e := s.tables[at].entity
	fd, ok := e.Fields(last.Text)
	if !ok {
		return field{}, s.Refuse(CodeField, last.Off, "%s", noColumn(last.Text, e.Name))
	}
	f := s.fieldOf(at, fd)
	f.via = via
	return f, nil
}

// qualifies reports whether the first name of a path names the object after FROM, by its alias or,
// unless a relationship has the same name, by its own.
func (s *scope) qualifies(name string) bool {
	if s.sel.Alias != "" && strings.EqualFold(name, s.sel.Alias) {
		return true
	}
	last := s.sel.From[len(s.sel.From)-1].Text // of a child subquery the relationship
	if !strings.EqualFold(name, s.entity.Name) && !strings.EqualFold(name, last) {
		return false
	}
	_, rel := relationship(s.entity, name)
	return !rel
}

func relationship(e Entity, name string) (Field, bool) {
	for _, f := range e.All() {
		if f.Relationship != "" && strings.EqualFold(f.Relationship, name) {
			return f, true
		}
	}
	return Field{}, false
}

func (f Field) polymorphic() bool { return f.Polymorphic || len(f.RefersTo) > 1 }

// join returns the table of the record that a reference of table from points to.
func (s *scope) join(from int, ref Field, n syntax.Name) (int, *Error) {
	target := ""
	if len(ref.RefersTo) > 0 {
		target = ref.RefersTo[0]
	}
	parent, ok := s.cat.Object(target)
	if !ok {
		return 0, s.Refuse(CodeField, n.Off, "%s", noRelationship(n.Text))
	}
	return s.joinEntity(from, ref, parent, n.Off)
}

// joinEntity joins the records of one object that a reference may point to.
func (s *scope) joinEntity(from int, ref Field, parent Entity, off int) (int, *Error) {
	path := s.tables[from].path + "." + strings.ToLower(ref.Relationship) + ":" + parent.Name
	for i := range s.tables {
		if s.tables[i].path == path {
			return i, nil
		}
	}
	id, ok := parent.key()
	if !ok {
		return 0, s.Refuse(CodeField, off, "%s", noColumn("Id", parent.Name))
	}
	at, err := s.addTable(parent, path, off)
	if err == nil {
		s.tables[at].on = s.column(at, id.Column) + " = " + s.column(from, ref.Column)
	}
	return at, err
}

// targets returns the objects of the catalog that a reference may point to.
func (s *scope) targets(ref Field) []Entity {
	list := make([]Entity, 0, len(ref.RefersTo))
	for _, name := range ref.RefersTo {
		if e, ok := s.cat.Object(name); ok {
			list = append(list, e)
		}
	}
	return list
}

// nameStep is the step to a record that may be of several objects: Salesforce shows it as one of the
// object Name (recorded), with the address of the record itself.
func (s *scope) nameStep(at int, ref Field) step {
	kinds := map[string]string{}
	for _, e := range s.targets(ref) {
		kinds[e.KeyPrefix] = e.Name
	}
	return step{name: ref.Relationship, entity: "Name", id: s.column(at, ref.Column), kinds: kinds}
}

// nameParent joins the users that a polymorphic reference may point to: the object Name has their profile and
// role as parents (Object reference, Name).
func (s *scope) nameParent(at int, ref Field, n syntax.Name) (int, *Error) {
	if strings.EqualFold(n.Text, "Profile") || strings.EqualFold(n.Text, "UserRole") {
		for _, e := range s.targets(ref) {
			if e.Name == "User" {
				return s.joinEntity(at, ref, e, n.Off)
			}
		}
	}
	return 0, s.Refuse(CodeField, n.Off, "%s", noRelationship(n.Text))
}

// nameFieldType returns a field of the object Name in its own spelling, and its type (Object reference, Name).
func nameFieldType(name string) (canonical string, typ schema.Type, ok bool) {
	for _, f := range [...]struct {
		name string
		typ  schema.Type
	}{
		{"Id", schema.ID},
		{"Name", schema.String},
		{"Type", schema.Picklist},
		{"FirstName", schema.String},
		{"LastName", schema.String},
		{"MiddleName", schema.String},
		{"Suffix", schema.String},
		{"Alias", schema.String},
		{"Email", schema.Email},
		{"IsActive", schema.Boolean},
		{"Phone", schema.Phone},
		{"ProfileId", schema.Reference},
		{"RecordTypeId", schema.Reference},
		{"Title", schema.String},
		{"Username", schema.String},
		{"UserRoleId", schema.Reference},
	} {
		if strings.EqualFold(f.name, name) {
			return f.name, f.typ, true
		}
	}
	return "", "", false
}

// nameField returns a field of the object Name: that of the record that the reference points to, whichever
// object it is of. Each is looked up by itself, since an activity may belong to more objects than a join takes.
func (s *scope) nameField(at int, ref Field, via []step, n syntax.Name) (field, *Error) {
	name, typ, ok := nameFieldType(n.Text)
	if !ok {
		return field{}, s.Refuse(CodeField, n.Off, "%s", noColumn(n.Text, "Name"))
	}
	f := field{Field: Field{Name: name, Column: name, Type: typ, Filterable: true}, at: at, via: via}
	f.expr = s.column(at, ref.Column)
	if name == "Id" {
		return f, nil
	}
	var b strings.Builder
	for _, e := range s.targets(ref) {
		value := s.constant(e.Name)
		if name != "Type" {
			fd, ok := e.Fields(name)
			id, hasID := e.key()
			if !ok || !hasID || fd.Column == "" || e.Table == "" {
				continue
			}
			value = fmt.Sprintf("(SELECT p.%s FROM %s AS p WHERE p.%s = %s)", quote(fd.Column), quote(e.Table), quote(id.Column), f.expr)
		}
		fmt.Fprintf(&b, " WHEN %s THEN %s", s.constant(e.KeyPrefix), value)
	}
	if b.Len() == 0 {
		f.expr = "NULL"
		return f, nil
	}
	f.expr = "CASE substr(" + f.expr + ", 1, 3)" + b.String() + " END"
	return f, nil
}
