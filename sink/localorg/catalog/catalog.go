package catalog

import (
	"slices"
	"strings"
	"time"

	"sfsync/mapping/schema"
)

// Catalog is the org's schema at one moment. It never changes; extending the org makes another one.
type Catalog struct {
	objects   map[string]*Object
	byPrefix  map[string]*Object
	sorted    []*Object
	referrer  map[string][]*Field  // object → the references that lead to it and end with its records
	summaries map[string][]Summary // object → the roll-ups that count its records
	access    *Access              // of the user whose view it is; nil for everything
}

// Object is one object of the org and how it is stored.
type Object struct {
	Def *schema.Object
	// Table is the name of the object's SQL table.
	Table string
	// Fields are in the order of Def.Fields.
	Fields []*Field
	// Modified is when the object's definition last changed.
	Modified time.Time

	// ID is the Id field.
	ID *Field
	// Unique are the fields of which no two records may hold the same value.
	Unique []*Field
	// Converted is IsConverted where the object has it, as Lead does; else nil.
	Converted *Field
	// AutoNumbers are the fields that the org numbers itself.
	AutoNumbers []*Field
	// RecordType is RecordTypeId where the object has it, DefaultType the id that a new record gets in
	// it, "" for none.
	RecordType  *Field
	DefaultType string
	// Event is set for platform events, which are published only.
	Event bool
	// NameParts are the fields that a person's Name is put together from, in order.
	NameParts []*Field
	// System are the fields that the org keeps itself; those that the object lacks are nil.
	System struct {
		Owner, Created, CreatedBy, Modified, ModifiedBy, Stamp *Field
	}

	byName   map[string]*Field
	byRel    map[string]*Field
	required []*Field
	defaults []Cell
	full     *Object         // the object with all its fields, if this is a user's view of it
	locked   map[*Field]bool // fields that the user can read only
	name     *Field          // of people, and of custom objects whose names are texts
}

// Field is one field and how it is stored.
type Field struct {
	Def *schema.Field
	// Index is the field's place in Object.Fields.
	Index int
	// Column is the SQL column; "" for compound fields, which are put together on reading.
	Column string
	// Fold is the SQL column with the value as Salesforce compares it, indexed; "" where there
	// is none: then Column itself is compared. It is NULL in deleted records if the field is unique.
	Fold string
	// Indexed is set if Column or Fold has an index, so that it is dear to write.
	Indexed bool
	// Watched is set if the checks of every change need the field's value as it is now.
	Watched bool
	// Object is the object that the field belongs to.
	Object *Object
	// Parts are the fields of a compound address or location.
	Parts []*Field

	picklist map[string]string
	number   numberFormat
}

// FoldsCase reports whether Fold holds the value in lower case.
func (f *Field) FoldsCase() bool {
	return f.Fold != "" && !f.Def.CaseSensitive && Textual(f.Def.Type)
}

// KeyColumn is the column by which a record is found by a value of the field.
func (f *Field) KeyColumn() string {
	if f.Fold != "" {
		return f.Fold
	}
	return f.Column
}

// IsKey reports whether an upsert or a relationship may go by the field.
func (f *Field) IsKey() bool { return f.Def.Key() }

// FoldKey returns a stored value as KeyColumn holds it.
func (f *Field) FoldKey(v any) any {
	if s, ok := v.(string); ok {
		return f.Def.FoldKey(s)
	}
	return v
}

// Field returns the field of that name in any case, or nil.
func (o *Object) Field(name string) *Field {
	if f, ok := o.byName[name]; ok {
		return f
	}
	return o.byName[strings.ToLower(name)]
}

// field is Field for a name that is not a string yet; it does not allocate for the usual
// spelling.
func (o *Object) field(name []byte) *Field {
	if f, ok := o.byName[string(name)]; ok {
		return f
	}
	return o.byName[strings.ToLower(string(name))]
}

// Relationship returns the reference field whose relationship has that name, or nil.
func (o *Object) Relationship(name string) *Field { return o.byRel[strings.ToLower(name)] }

// Object returns the object of that name in any case, or nil.
func (c *Catalog) Object(name string) *Object {
	if o, ok := c.objects[name]; ok {
		return o
	}
	return c.objects[strings.ToLower(name)]
}

// ByID returns the object whose key prefix the id has, or nil.
func (c *Catalog) ByID(id string) *Object {
	if len(id) < 3 {
		return nil
	}
	return c.byPrefix[id[:3]]
}

// Referrers returns the references that lead to records of an object and that something happens to
// when such a record is deleted.
func (c *Catalog) Referrers(o *Object) []*Field { return c.referrer[o.Def.Name] }

// Objects returns all objects by name. The slice must not be changed.
func (c *Catalog) Objects() []*Object { return c.sorted }

// Definition is an object's definition and when it last changed.
type Definition struct {
	Object   *schema.Object
	Modified time.Time
}

// New returns the catalog of the definitions, which it keeps.
func New(defs []Definition) *Catalog {
	c := &Catalog{objects: map[string]*Object{}, byPrefix: map[string]*Object{}}
	for _, d := range defs {
		o := newObject(d.Object, d.Modified)
		c.objects[d.Object.Name] = o
		c.objects[strings.ToLower(d.Object.Name)] = o
		c.byPrefix[d.Object.KeyPrefix] = o
		c.sorted = append(c.sorted, o)
	}
	slices.SortFunc(c.sorted, func(a, b *Object) int { return strings.Compare(a.Def.Name, b.Def.Name) })
	c.relate()
	return c
}

func newObject(def *schema.Object, modified time.Time) *Object {
	def.Index()
	o := &Object{
		Def: def, Table: TableName(def.Name), Modified: modified,
		byName: make(map[string]*Field, 2*len(def.Fields)), byRel: map[string]*Field{},
	}
	for i, fd := range def.Fields {
		f := &Field{Def: fd, Index: i, Object: o}
		if HasColumn(fd) {
			f.Column = fd.Name
		}
		if HasFold(fd) {
			f.Fold = FoldColumn(fd.Name)
		}
		f.Indexed = f.Fold != "" || HasIndex(fd)
		o.Fields = append(o.Fields, f)
		o.byName[fd.Name] = f
		o.byName[strings.ToLower(fd.Name)] = f
		if fd.Type == schema.Reference && fd.RelationshipName != "" {
			o.byRel[strings.ToLower(fd.RelationshipName)] = f
		}
		if fd.Unique && f.Column != "" && fd.Type != schema.ID {
			o.Unique = append(o.Unique, f)
		}
		if fd.AutoNumber {
			f.number = parseNumberFormat(fd.DisplayFormat)
			o.AutoNumbers = append(o.AutoNumbers, f)
		}
		if fd.Required() && fd.Type != schema.Boolean {
			o.required = append(o.required, f)
		}
		o.addDefault(f)
		f.indexPicklist()
	}
	for _, f := range o.Fields {
		if p := o.Field(f.Def.CompoundFieldName); p != nil && p != f && p.Column == "" {
			p.Parts = append(p.Parts, f)
		}
	}
	for _, f := range o.Fields {
		// The keys of an address are in alphabetical order (recorded).
		slices.SortFunc(f.Parts, func(a, b *Field) int { return strings.Compare(a.PartName(), b.PartName()) })
	}
	o.findSpecial()
	return o
}

// addDefault notes what a new record holds in the field if nothing is given.
func (o *Object) addDefault(f *Field) {
	if f.Column == "" {
		return
	}
	d := f.Def
	switch {
	case d.Summary != nil:
		if op := d.Summary.Operation; op == schema.SummaryCount || op == schema.SummarySum {
			o.defaults = append(o.defaults, Cell{f, 0.0})
		}
	case d.Type == schema.Boolean:
		o.defaults = append(o.defaults, Cell{f, boolInt(strings.EqualFold(d.DefaultValue, "true"))})
	case d.DefaultValue != "" && d.Createable:
		if v, err := f.ParseText(d.DefaultValue); err == nil && v != nil {
			o.defaults = append(o.defaults, Cell{f, v})
		}
	case d.Type == schema.Picklist && (d.Createable || d.DefaultedOnCreate):
		for _, v := range d.Picklist {
			if v.Default && v.Active {
				o.defaults = append(o.defaults, Cell{f, v.Value})
				break
			}
		}
	}
}

func (f *Field) indexPicklist() {
	if t := f.Def.Type; t != schema.Picklist && t != schema.MultiPicklist {
		return
	}
	f.picklist = make(map[string]string, len(f.Def.Picklist))
	for _, v := range f.Def.Picklist {
		if v.Active {
			f.picklist[strings.ToLower(v.Value)] = v.Value
		}
	}
}

func (o *Object) findSpecial() {
	o.ID = o.Field("Id")
	o.Converted = o.Field("IsConverted")
	s := &o.System
	s.Owner, s.Created, s.CreatedBy = o.Field("OwnerId"), o.Field("CreatedDate"), o.Field("CreatedById")
	s.Modified, s.ModifiedBy = o.Field("LastModifiedDate"), o.Field("LastModifiedById")
	s.Stamp = o.Field("SystemModstamp")
	o.findSetup()
	n := o.Field("Name")
	if n != nil && n.Def.Createable && !n.Def.AutoNumber && o.Def.Custom {
		o.name = n
	}
	if n != nil && !n.Def.Createable && o.Field("LastName") != nil && o.Field("LastName").Def.Createable {
		o.name = n
		for _, p := range []string{"FirstName", "MiddleName", "LastName", "Suffix"} {
			if f := o.Field(p); f != nil {
				o.NameParts = append(o.NameParts, f)
			}
		}
	}
}

// HasColumn reports whether the field has a column; compound fields have none.
func HasColumn(f *schema.Field) bool {
	return f.Type != schema.Address && f.Type != schema.Location && f.Type != schema.ComplexValue
}

// HasFold reports whether the field has a column for the folded value: the fields by which
// records are looked up, unless they compare with case and are not unique. The fold column of
// a unique field is emptied when a record is deleted, so that its value is free again.
func HasFold(f *schema.Field) bool {
	if !HasColumn(f) || f.Type == schema.ID {
		return false
	}
	return f.Unique || (f.ExternalID || f.IDLookup) && (!Textual(f.Type) || !f.CaseSensitive)
}

// HasIndex reports whether the field's own column has an index: the fields by which records are found as they
// are, and references that are followed backwards.
func HasIndex(f *schema.Field) bool {
	if !HasColumn(f) || f.Type == schema.ID {
		return false
	}
	if f.Unique || f.ExternalID || f.IDLookup {
		return !HasFold(f) || f.CaseSensitive || !Textual(f.Type)
	}
	return f.Type == schema.Reference && (f.Createable || f.Updateable) && f.Name != "OwnerId" && f.Name != "RecordTypeId"
}

// Textual reports whether values of the type are free text, compared without case.
func Textual(t schema.Type) bool {
	switch t {
	case schema.String, schema.Email, schema.Phone, schema.URL, schema.TextArea, schema.Picklist,
		schema.MultiPicklist, schema.Combobox, schema.EncryptedString:
		return true
	}
	return false
}

// TableName is the SQL table of an object.
func TableName(object string) string { return "sf_" + object }

// FoldColumn is the SQL column of a field's folded values. It cannot be the name of a field: names have no '#'.
func FoldColumn(field string) string { return field + "#" }

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// IsReference reports whether the field holds the id of another record.
func (f *Field) IsReference() bool { return f.Def.Type == schema.Reference }

// PartName is the field's key inside its compound field: "city" of MailingCity.
func (f *Field) PartName() string {
	name := f.Def.Name
	if s, ok := strings.CutSuffix(name, "__s"); ok {
		if i := strings.LastIndex(s, "__"); i >= 0 {
			return strings.ToLower(s[i+2:])
		}
	}
	name = strings.TrimPrefix(name, strings.TrimSuffix(f.Def.CompoundFieldName, "Address"))
	return strings.ToLower(name[:1]) + name[1:]
}
