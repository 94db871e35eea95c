package catalog

import (
	"maps"
	"strings"
	"time"

	"sfsync/mapping/schema"
)

// Access is what a user may do with objects and fields (Salesforce Help, "User Permissions and Access"). The
// zero Access is that of a user without any permission.
type Access struct {
	// ViewAllData and ModifyAllData are the permissions of those names: to read all objects, and to do
	// everything with them. The second implies the first, and ViewSetup. Neither opens a field that is hidden.
	ViewAllData   bool `json:"view_all_data"`
	ModifyAllData bool `json:"modify_all_data"`
	// ViewSetup is "View Setup and Configuration", which the limits need.
	ViewSetup bool `json:"view_setup"`
	// Objects are the permissions by object's name; those of "*" are for all others, but not for those that
	// everybody may read: users and the like are written by administrators.
	Objects map[string]ObjectAccess `json:"objects,omitempty"`
	// Fields is the field-level security of "Object.Field": Hidden or ReadOnly. Fields that are not in it
	// can be read and written. Required fields and those that the org keeps itself are not subject to it.
	Fields map[string]FieldAccess `json:"fields,omitempty"`
	// Changed is when the permissions last changed: that counts as a change of a describe.
	Changed time.Time `json:"changed"`
}

// ObjectAccess is what a user may do with the records of an object. Who may do anything may read.
type ObjectAccess struct {
	Create bool `json:"create"`
	Read   bool `json:"read"`
	Edit   bool `json:"edit"`
	Delete bool `json:"delete"`
}

// FieldAccess is the field-level security of a field for a user.
type FieldAccess string

// The kinds of field-level security; a field that has none is open.
const (
	Hidden   FieldAccess = "hidden"
	ReadOnly FieldAccess = "read"
)

// ViewsAll reports whether the user sees every record.
func (a *Access) ViewsAll() bool { return a.ViewAllData || a.ModifyAllData }

// ViewsSetup reports whether the user sees the org's setup. A nil Access is everything.
func (a *Access) ViewsSetup() bool { return a == nil || a.ViewSetup || a.ModifyAllData }

// object returns what the user may do with an object.
func (a *Access) object(name string) ObjectAccess {
	if a.ModifyAllData {
		return ObjectAccess{true, true, true, true}
	}
	o, found := a.Objects[name]
	if !found && !alwaysVisible(name) {
		o = a.Objects["*"]
	}
	o.Read = o.Read || o.Create || o.Edit || o.Delete || a.ViewAllData
	return o
}

// Securable reports whether field-level security applies to a field: not to Id, required and system fields,
// nor to a person's name (Salesforce Help, "What Determines Field Access?").
func (f *Field) Securable() bool {
	d := f.Def
	if d.CompoundFieldName == "Name" || d.NameField {
		return false
	}
	return d.Nillable && (d.Createable || d.Updateable || d.Calculated || len(f.Parts) > 0)
}

// View returns the catalog as a user with that access sees it: objects without access and hidden fields are not
// there, and definitions say what the user cannot do. The fields of a view are those of the catalog, the
// objects are not: see [Object.Full].
func (c *Catalog) View(a *Access) *Catalog {
	v := &Catalog{objects: make(map[string]*Object, len(c.objects)), byPrefix: make(map[string]*Object, len(c.byPrefix)), referrer: c.referrer, summaries: c.summaries, access: a}
	for _, o := range c.sorted {
		may := a.object(o.Def.Name)
		if !may.Read && !alwaysVisible(o.Def.Name) {
			continue
		}
		w := o.view(may, a)
		v.objects[o.Def.Name], v.objects[strings.ToLower(o.Def.Name)] = w, w
		v.byPrefix[o.Def.KeyPrefix] = w
		v.sorted = append(v.sorted, w)
	}
	return v
}

// alwaysVisible reports whether every user may read an object: those that no permission set governs.
func alwaysVisible(name string) bool {
	switch name {
	case "Organization", "User", "Profile", "RecordType", "Group", "QueueSobject", "AssignmentRule":
		return true
	}
	return false
}

// Access returns what the user whose view the catalog is may do, nil for everything.
func (c *Catalog) Access() *Access {
	if c == nil {
		return nil
	}
	return c.access
}

// Full returns the object with all its fields: the object itself unless it belongs to a view.
func (o *Object) Full() *Object {
	if o.full != nil {
		return o.full
	}
	return o
}

// view returns the object as a user sees it.
func (o *Object) view(may ObjectAccess, a *Access) *Object {
	v := *o
	def := *o.Def
	v.full, v.Def = o.Full(), &def
	def.Createable, def.Updateable, def.Deletable = def.Createable && may.Create, def.Updateable && may.Edit, def.Deletable && may.Delete
	if a.Changed.After(o.Modified) {
		v.Modified = a.Changed
	}
	secured := o.secured(a)
	if len(secured) == 0 {
		return &v
	}
	v.byName, v.byRel = maps.Clone(o.byName), maps.Clone(o.byRel)
	v.locked = make(map[*Field]bool)
	v.Fields = make([]*Field, 0, len(o.Fields))
	def.Fields = make([]*schema.Field, 0, len(o.Fields))
	for _, f := range o.Fields {
		switch secured[f] {
		case Hidden:
			delete(v.byName, f.Def.Name)
			delete(v.byName, strings.ToLower(f.Def.Name))
			if f.Def.RelationshipName != "" {
				delete(v.byRel, strings.ToLower(f.Def.RelationshipName))
			}
			continue
		case ReadOnly:
			d := *f.Def
			d.Createable, d.Updateable = false, false
			def.Fields = append(def.Fields, &d)
			v.locked[f] = true
		default:
			def.Fields = append(def.Fields, f.Def)
		}
		v.Fields = append(v.Fields, f)
	}
	def.Index()
	return &v
}

// secured returns the fields that are hidden or read-only for a user. A compound field and its parts have one
// field-level security, the strictest that any of them was given.
func (o *Object) secured(a *Access) map[*Field]FieldAccess {
	if len(a.Fields) == 0 {
		return nil
	}
	groups := map[string]FieldAccess{}
	group := func(f *Field) string {
		if f.Def.CompoundFieldName != "" {
			return f.Def.CompoundFieldName
		}
		return f.Def.Name
	}
	for name, fa := range a.Fields {
		object, field, _ := strings.Cut(name, ".")
		if !strings.EqualFold(object, o.Def.Name) {
			continue
		}
		f := o.Field(field)
		if f == nil || !f.Securable() || groups[group(f)] == Hidden {
			continue
		}
		groups[group(f)] = fa
	}
	out := map[*Field]FieldAccess{}
	for _, f := range o.Fields {
		if fa := groups[group(f)]; fa != "" && f.Securable() {
			out[f] = fa
		}
	}
	return out
}

// NoAccess refuses a record because of the user's permissions on its object (unconfirmed for creation).
func NoAccess() *Error {
	return &Error{Code: "INSUFFICIENT_ACCESS_OR_READONLY", Message: "insufficient access rights on object id"}
}

// NoReference refuses a reference to a record that the user may not read.
func NoReference() *Error {
	return &Error{Code: "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Message: "insufficient access rights on cross-reference id"}
}

// NoMatching refuses an upsert by a key that is not unique from a user who does not see all records: it would
// make duplicates (REST API guide, "Insert or Update (Upsert) a Record Using an External ID").
func NoMatching() *Error {
	return &Error{Code: "INSUFFICIENT_ACCESS", Message: "insufficient access rights on object id"}
}
