package soql

import (
	"fmt"
	"strings"
	"time"

	"sfsync/mapping/schema"
)

// The bounds of what SQLite is asked to do, below its own limits.
const (
	maxColumns = 1_900   // SQLITE_MAX_COLUMN is 2,000
	maxJoins   = 50      // a join has at most 64 tables
	maxArgs    = 30_000  // SQLITE_MAX_VARIABLE_NUMBER is 32,766
	maxSQL     = 950_000 // SQLITE_MAX_SQL_LENGTH is 1,000,000
	// maxFields is the largest LIMIT of a query with FIELDS(ALL) or FIELDS(CUSTOM).
	maxFields = 200
)

// Query is a compiled query. It does not change and is safe for concurrent use.
type Query struct {
	// Entity is the object after FROM.
	Entity Entity
	// SQL is one SELECT statement. Its text does not depend on the query's values.
	SQL string
	// Args are the arguments of SQL.
	Args []any
	// Count is set for SELECT COUNT(): SQL gives one row with one integer, which is the answer's
	// totalSize, and the answer has no records.
	Count bool
	// Aggregate is set for a query whose records are groups: their type is AggregateResult.
	Aggregate bool
	// Columns are what the query selects, as they stand in it.
	Columns []Column
	// Limit and Offset are the query's own; Limit is -1 without one.
	Limit, Offset int

	width int
	root  node
}

// Column is one column of the answer.
type Column struct {
	// Path is the field's canonical name, Owner.Name for a parent's, or the alias or exprN of an
	// aggregate.
	Path string
	// Type is the type of the field, or of the aggregate's value.
	Type schema.Type
	// Aggregate is the function in upper case, or "".
	Aggregate string
	// Value is the index of the value in a row of SQL's answer; -1 for a compound field.
	Value int
}

// Width returns how many values a row of SQL's answer has.
func (q *Query) Width() int { return q.width }

// Compile compiles a query as /query takes it: deleted records are left out. now decides what
// TODAY is. Errors are of type *[Error].
func Compile(cat Catalog, text string, now time.Time) (*Query, error) {
	return compile(cat, text, now, false)
}

// CompileAll compiles a query as /queryAll takes it: deleted records are among the answer.
func CompileAll(cat Catalog, text string, now time.Time) (*Query, error) {
	return compile(cat, text, now, true)
}

func compile(cat Catalog, text string, now time.Time, deleted bool) (*Query, error) {
	p, s, err := parse(text)
	if err != nil {
		return nil, err
	}
	if s.AllRows >= 0 {
		return nil, p.refuse(CodeMalformed, s.AllRows, "ALL ROWS not allowed in this context")
	}
	e, ok := cat.Object(s.From.Text)
	if !ok {
		return nil, p.refuse(CodeType, s.From.Off, "%s", noEntity(s.From.Text))
	}
	c := &compiler{parser: p, cat: cat, sel: s, now: now.UTC(), deleted: deleted, tables: []table{{entity: e}}, q: &Query{Entity: e, Limit: s.Limit, Offset: max(0, s.Offset)}}
	if err := c.compile(); err != nil {
		return nil, err
	}
	return c.q, nil
}

// table is one table of the join: the object after FROM, or a parent reached by a path.
type table struct {
	entity Entity
	path   string // the path to it in lower case
	on     string // the join's condition
	id     int    // the value that holds its Id, -1 if the answer does not need it
}

type compiler struct {
	*parser
	cat     Catalog
	sel     *Select
	now     time.Time
	deleted bool
	q       *Query
	tables  []table
	values  []string // the expressions SQL selects
	groups  map[string]bool
	args    []any
}

// field is a field of a table of the join.
type field struct {
	Field
	table int
	// path is the canonical path of the field as the query has it, without alias.
	path []string
}

func (f field) column(name string) string { return fmt.Sprintf("t%d.%s", f.table, quote(name)) }

// quote makes an SQL identifier of a name.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (c *compiler) compile() *Error {
	c.q.Aggregate = len(c.sel.GroupBy) > 0
	for _, it := range c.sel.Items {
		c.q.Aggregate = c.q.Aggregate || it.Func != "" && it.Func != "FIELDS"
	}
	if it := c.sel.Items[0]; it.Func == "COUNT" && len(it.Path) == 0 && len(c.sel.Items) == 1 {
		c.q.Count, c.q.Aggregate = true, false
	}
	groupBy, err := c.groupBy()
	if err == nil {
		err = c.selectList()
	}
	if err != nil {
		return err
	}
	where := &strings.Builder{}
	if err := c.where(where); err != nil {
		return err
	}
	order, err := c.orderBy()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("SELECT ")
	if c.q.Count {
		b.WriteByte('1')
	}
	b.WriteString(strings.Join(c.values, ", "))
	fmt.Fprintf(&b, " FROM %s AS t0", quote(c.tables[0].entity.Table))
	for i, t := range c.tables[1:] {
		fmt.Fprintf(&b, " LEFT JOIN %s AS t%d ON %s", quote(t.entity.Table), i+1, t.on)
	}
	b.WriteString(where.String())
	b.WriteString(groupBy)
	c.args = append(c.args, c.q.Limit, c.q.Offset)
	const limit = " LIMIT ? OFFSET ?" // LIMIT -1 is none
	c.q.SQL = b.String() + order + limit
	if c.q.Count {
		c.q.SQL = "SELECT COUNT(*) FROM (" + c.q.SQL + ")"
	}
	c.q.Args, c.q.width = c.args, max(1, len(c.values))
	if len(c.args) > maxArgs || len(c.q.SQL) > maxSQL {
		return &Error{CodeComplicated, "Query is either selecting too many fields or the filter conditions are too complicated."}
	}
	return nil
}

// resolve finds the field of a path and joins the parents that lead to it.
func (c *compiler) resolve(path Path) (field, *Error) {
	if len(path) > 1 && c.qualifies(path[0].Text) {
		path = path[1:]
	}
	if len(path) > MaxParents+1 {
		return field{}, c.refuse(CodeMalformed, path.off(), "only %d relationships may be followed in a path", MaxParents)
	}
	at, f := 0, field{}
	for _, n := range path[:len(path)-1] {
		ref, ok := c.relationship(c.tables[at].entity, n.Text)
		if !ok {
			return f, c.refuse(CodeField, n.Off, "%s", noRelationship(n.Text))
		}
		f.path = append(f.path, ref.Relationship)
		var err *Error
		if at, err = c.join(at, ref, n); err != nil {
			return f, err
		}
	}
	last := path[len(path)-1]
	e := c.tables[at].entity
	fd, ok := e.Fields(last.Text)
	if !ok {
		return f, c.refuse(CodeField, last.Off, "%s", noColumn(last.Text, e.Name))
	}
	f.Field, f.table, f.path = fd, at, append(f.path, fd.Name)
	return f, nil
}

// qualifies reports whether the first name of a path names the object after FROM, by its alias or,
// unless a relationship has the same name, by its own.
func (c *compiler) qualifies(name string) bool {
	if c.sel.Alias != "" && strings.EqualFold(name, c.sel.Alias) {
		return true
	}
	if !strings.EqualFold(name, c.q.Entity.Name) {
		return false
	}
	_, rel := c.relationship(c.q.Entity, name)
	return !rel
}

func (c *compiler) relationship(e Entity, name string) (Field, bool) {
	for _, f := range e.All() {
		if f.Relationship != "" && strings.EqualFold(f.Relationship, name) {
			return f, true
		}
	}
	return Field{}, false
}

// join returns the table of the record that a reference of table from points to.
func (c *compiler) join(from int, ref Field, n Name) (int, *Error) {
	path := c.tables[from].path + "." + strings.ToLower(ref.Relationship)
	for i := range c.tables {
		if c.tables[i].path == path {
			return i, nil
		}
	}
	parent, ok := c.cat.Object(ref.RefersTo)
	if !ok {
		return 0, c.notYet(n.Off, "the relationship "+ref.Relationship)
	}
	id, ok := parent.Fields("Id")
	if !ok {
		return 0, c.refuse(CodeField, n.Off, "%s", noColumn("Id", parent.Name))
	}
	if len(c.tables) > maxJoins {
		return 0, c.refuse(CodeMalformed, n.Off, "at most %d relationships may be used in a query", maxJoins)
	}
	i := len(c.tables)
	c.tables = append(c.tables, table{
		entity: parent, path: path, id: -1,
		on: fmt.Sprintf("t%d.%s = t%d.%s", i, quote(id.Column), from, quote(ref.Column)),
	})
	return i, nil
}

// where writes the WHERE clause, if there is any.
func (c *compiler) where(b *strings.Builder) *Error {
	if f, ok := c.q.Entity.Fields("IsDeleted"); ok && !c.deleted {
		fmt.Fprintf(b, " WHERE coalesce(t0.%s, 0) = 0", quote(f.Column))
	}
	if c.sel.Where == nil {
		return nil
	}
	if b.Len() == 0 {
		b.WriteString(" WHERE ")
	} else {
		b.WriteString(" AND ")
	}
	return c.cond(b, c.sel.Where)
}

// groupBy returns the GROUP BY clause and notes what is grouped.
func (c *compiler) groupBy() (string, *Error) {
	if len(c.sel.GroupBy) == 0 {
		return "", nil
	}
	c.groups = make(map[string]bool, len(c.sel.GroupBy))
	exprs := make([]string, 0, len(c.sel.GroupBy))
	for _, path := range c.sel.GroupBy {
		f, err := c.resolve(path)
		if err != nil {
			return "", err
		}
		switch k := kindOf(f.Field); {
		case !f.Filterable, k == compoundKind, k == numberKind, k == dateTimeKind, k == timeKind, k == multiKind:
			return "", c.refuse(CodeField, path.off(), "field '%s' can not be grouped in a query call", f.Name)
		}
		e := c.comparable(f)
		if !c.groups[e] {
			c.groups[e] = true
			exprs = append(exprs, e)
		}
	}
	return " GROUP BY " + strings.Join(exprs, ", "), nil
}

// orderBy returns the ORDER BY clause. Records with equal values come by Id, so that pages
// neither repeat nor lose any.
func (c *compiler) orderBy() (string, *Error) {
	if c.q.Count && len(c.sel.OrderBy) > 0 {
		return "", c.refuse(CodeMalformed, c.sel.OrderBy[0].Off, "COUNT() cannot be used with ORDER BY")
	}
	exprs := make([]string, 0, len(c.sel.OrderBy)+1)
	for _, o := range c.sel.OrderBy {
		e, err := c.ordered(o)
		if err != nil {
			return "", err
		}
		if o.Desc {
			e += " DESC"
		}
		if o.NullsLast {
			e += " NULLS LAST"
		} else {
			e += " NULLS FIRST"
		}
		exprs = append(exprs, e)
	}
	switch {
	case !c.q.Aggregate:
		if id, ok := c.q.Entity.Fields("Id"); ok {
			exprs = append(exprs, "t0."+quote(id.Column))
		}
	case len(c.sel.GroupBy) > 0 && len(exprs) == 0:
		for i := range c.values {
			exprs = append(exprs, fmt.Sprint(i+1))
		}
	}
	if len(exprs) == 0 {
		return "", nil
	}
	return " ORDER BY " + strings.Join(exprs, ", "), nil
}

// ordered returns the expression by which an entry of ORDER BY sorts.
func (c *compiler) ordered(o Order) (string, *Error) {
	if o.Func != "" {
		if !c.q.Aggregate || o.Func == "FIELDS" || len(o.Path) == 0 {
			return "", c.refuse(CodeMalformed, o.Off, "Ordered field must be grouped or aggregated: %s", o.Func)
		}
		e, _, err := c.aggregate(o.Item)
		return e, err
	}
	if len(o.Path) == 1 && c.q.Aggregate {
		for _, col := range c.q.Columns {
			if col.Aggregate != "" && strings.EqualFold(col.Path, o.Path[0].Text) {
				return fmt.Sprint(col.Value + 1), nil
			}
		}
	}
	f, err := c.resolve(o.Path)
	if err != nil {
		return "", err
	}
	if k := kindOf(f.Field); !f.Filterable || k == compoundKind || k == multiKind {
		return "", c.refuse(CodeField, o.Off, "field '%s' can not be sorted in a query call", f.Name)
	}
	e := c.comparable(f)
	if c.q.Aggregate && !c.groups[e] {
		return "", c.refuse(CodeMalformed, o.Off, "Ordered field must be grouped or aggregated: %s", f.Name)
	}
	return e, nil
}
