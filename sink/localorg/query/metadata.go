package query

import (
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/soql"
)

// columns is the answer to /query with columns=true (keys as recorded; what they hold for anything but
// fields, parents and aggregates is unconfirmed).
type columns struct {
	ColumnMetadata []column `json:"columnMetadata"`
	EntityName     string   `json:"entityName"`
	GroupBy        bool     `json:"groupBy"`
	IDSelected     bool     `json:"idSelected"`
	KeyPrefix      *string  `json:"keyPrefix"`
}

// column is one column of the answer; that of a parent or of a child subquery holds others.
type column struct {
	Aggregate      bool     `json:"aggregate"`
	ApexType       string   `json:"apexType"`
	BooleanType    bool     `json:"booleanType"`
	ColumnName     string   `json:"columnName"`
	Custom         bool     `json:"custom"`
	DisplayName    string   `json:"displayName"`
	ForeignKeyName *string  `json:"foreignKeyName"`
	Insertable     bool     `json:"insertable"`
	JoinColumns    []column `json:"joinColumns"`
	NumberType     bool     `json:"numberType"`
	TextType       bool     `json:"textType"`
	Updatable      bool     `json:"updatable"`
}

func metadata(q *soql.Query) columns {
	out := columns{ColumnMetadata: []column{}, EntityName: q.Entity.Name, GroupBy: q.Grouped}
	if q.Entity.KeyPrefix != "" {
		out.KeyPrefix = &q.Entity.KeyPrefix
	}
	for _, c := range q.Columns {
		out.IDSelected = out.IDSelected || c.Path == "Id"
		out.ColumnMetadata = place(out.ColumnMetadata, strings.Split(c.Path, "."), c)
	}
	return out
}

// place adds a column, below its parents if it has some.
func place(list []column, path []string, c soql.Column) []column {
	if len(path) == 1 {
		return append(list, leafColumn(path[0], c))
	}
	for i := range list {
		if list[i].ColumnName == path[0] && len(list[i].JoinColumns) > 0 {
			list[i].JoinColumns = place(list[i].JoinColumns, path[1:], c)
			return list
		}
	}
	return append(list, column{
		ApexType: "SObject", ColumnName: path[0], DisplayName: path[0], ForeignKeyName: &path[0], Custom: strings.HasSuffix(path[0], "__r"),
		JoinColumns: place([]column{}, path[1:], c),
	})
}

func leafColumn(name string, c soql.Column) column {
	out := column{
		Aggregate: c.Aggregate != "" || c.Function != "", ColumnName: name, DisplayName: name, Custom: c.Field.Custom,
		Insertable: c.Field.Createable, Updatable: c.Field.Updateable, JoinColumns: []column{},
	}
	if c.Function != "" {
		out.DisplayName = c.Function
	}
	for _, sub := range c.Columns {
		out.Aggregate = true
		out.JoinColumns = place(out.JoinColumns, strings.Split(sub.Path, "."), sub)
	}
	switch c.Field.Type {
	case schema.ID, schema.Reference:
		out.ApexType, out.TextType = "Id", true
	case schema.Boolean:
		out.ApexType, out.BooleanType = "Boolean", true
	case schema.Int, schema.Long:
		out.ApexType, out.NumberType = "Integer", true
	case schema.Double, schema.Currency, schema.Percent:
		out.ApexType, out.NumberType = "Double", true
	case schema.Date:
		out.ApexType = "Date"
	case schema.DateTime:
		out.ApexType = "Datetime"
	case schema.Time:
		out.ApexType = "Time"
	case schema.Address, schema.Location:
		out.ApexType = "Object"
	case "":
		out.ApexType = "SObject"
	default:
		out.ApexType, out.TextType = "String", true
	}
	return out
}
