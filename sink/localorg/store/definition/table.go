package definition

import (
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

// Statements returns the SQL that makes the table of an object, or what one lacks that was made for old.
func Statements(old *catalog.Object, def *schema.Object) []string {
	table := quote(catalog.TableName(def.Name))
	var out []string
	if old == nil {
		columns := []string{`"Id" TEXT PRIMARY KEY NOT NULL`, `"IsDeleted" INTEGER NOT NULL DEFAULT 0`}
		for _, f := range def.Fields {
			columns = append(columns, columnsOf(f)...)
		}
		out = append(out, "CREATE TABLE "+table+" ("+strings.Join(columns, ", ")+")")
	}
	for _, f := range def.Fields {
		if old != nil && old.Field(f.Name) != nil {
			continue
		}
		if old != nil {
			for _, c := range columnsOf(f) {
				out = append(out, "ALTER TABLE "+table+" ADD COLUMN "+c)
			}
		}
		out = append(out, indexes(table, def.Name, f)...)
	}
	return out
}

// columnsOf returns the definitions of a field's columns. Every table has Id and IsDeleted
// already.
func columnsOf(f *schema.Field) []string {
	if !catalog.HasColumn(f) {
		return nil
	}
	var out []string
	switch {
	case f.Name == "Id" || f.Name == "IsDeleted":
	case f.Type == schema.Boolean && strings.EqualFold(f.DefaultValue, "true"):
		// A new checkbox is unticked, or ticked by default, on the records that exist.
		out = append(out, quote(f.Name)+" INTEGER NOT NULL DEFAULT 1")
	case f.Type == schema.Boolean:
		out = append(out, quote(f.Name)+" INTEGER NOT NULL DEFAULT 0")
	default:
		out = append(out, quote(f.Name)+" "+columnType(f.Type))
	}
	if catalog.HasFold(f) {
		out = append(out, quote(catalog.FoldColumn(f.Name))+" "+columnType(f.Type))
	}
	return out
}

// indexes returns the statements that make the indexes of a field.
func indexes(table, object string, f *schema.Field) []string {
	var out []string
	index := func(unique, column string) {
		expr := quote(column)
		if t := columnType(f.Type); t != "TEXT" && column == f.Name {
			expr = "CAST(" + expr + " AS NUMERIC)" // as queries compare numbers
		}
		// Many fields are empty in most records, and empty ones are not looked up.
		out = append(out, "CREATE "+unique+"INDEX "+quote("ix_"+object+"_"+column)+" ON "+table+" ("+expr+") WHERE "+expr+" IS NOT NULL")
	}
	if catalog.HasFold(f) {
		unique := ""
		if f.Unique {
			unique = "UNIQUE "
		}
		index(unique, catalog.FoldColumn(f.Name))
	}
	if catalog.HasIndex(f) {
		index("", f.Name)
	}
	return out
}

func columnType(t schema.Type) string {
	switch t {
	case schema.Boolean, schema.Int, schema.Long:
		return "INTEGER"
	case schema.Double, schema.Currency, schema.Percent:
		return "REAL"
	}
	return "TEXT"
}

func quote(name string) string { return `"` + name + `"` }
