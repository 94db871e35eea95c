package catalog

// Blank returns a record of the object without any field.
func (o *Object) Blank() *Record { return newRecord(o) }

// Reference returns the object that the relationship of the field leads to, given the name of a type if
// it leads to several.
func (f *Field) Reference(cat *Catalog, typeName string) (*Object, *Error) {
	return f.target(cat, typeName)
}
