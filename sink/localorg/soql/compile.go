package soql

import (
	"fmt"
	"time"

	"sfsync/sink/localorg/soql/syntax"
)

// StoredDateTime is the form of a stored datetime, for the package time; the zone is UTC.
const StoredDateTime = syntax.StoredDateTime

// The bounds of what SQLite is asked to do, below its own limits.
const (
	maxColumns = 1_900   // SQLITE_MAX_COLUMN is 2,000
	maxInner   = 900     // SQLITE_MAX_FUNCTION_ARG is 1,000
	maxJoins   = 50      // a join has at most 64 tables
	maxArgs    = 30_000  // SQLITE_MAX_VARIABLE_NUMBER is 32,766
	maxSQL     = 950_000 // SQLITE_MAX_SQL_LENGTH is 1,000,000
	// maxSubs is how many child subqueries a query may have (SOQL reference, Relationship Query Limitations).
	maxSubs = 20
	// maxFields is the largest LIMIT of a query with FIELDS(ALL) or FIELDS(CUSTOM).
	maxFields = 200
)

// Options say how a query is meant.
type Options struct {
	// Now decides what TODAY is.
	Now time.Time
	// Deleted records are among the answer, as /queryAll has it.
	Deleted bool
	// User is the id of the user whose records USING SCOPE mine means.
	User string
}

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
	// Grouped is set for a query with GROUP BY.
	Grouped bool
	// Columns are what the query selects, as they stand in it.
	Columns []Column
	// Offset is the query's own.
	Offset int

	width int
	root  node
}

// Column is one column of the answer.
type Column struct {
	// Path is the field's canonical name, Owner.Name for a parent's, or the alias or exprN of an
	// aggregate, or the name of a child relationship.
	Path string
	// Field is the field, or what stands for the aggregate's value; it is empty for a child relationship.
	Field Field
	// Function is the function as the query spells it, "" for a field.
	Function string
	// Aggregate is the function in upper case if it is one of many records, or "".
	Aggregate string
	// Value is the index of the value in a row of SQL's answer; -1 for a compound field, a child
	// relationship and a TYPEOF.
	Value int
	// Columns are those of a child subquery.
	Columns []Column
}

// Width returns how many values a row of SQL's answer has.
func (q *Query) Width() int { return q.width }

// Compile compiles a query. Errors are of type *[Error].
func Compile(cat Catalog, text string, opt Options) (*Query, error) {
	sel, err := syntax.Parse(text)
	if err != nil {
		return nil, err
	}
	c := newCompiler(cat, text, opt)
	if sel.AllRows >= 0 {
		return nil, c.Refuse(CodeMalformed, sel.AllRows, "ALL ROWS not allowed in this context")
	}
	q, refused := c.query(sel)
	if refused != nil {
		return nil, refused
	}
	return q, nil
}

// compiler is what the scopes of one statement share.
type compiler struct {
	syntax.Text
	cat    Catalog
	opt    Options
	args   []any
	consts map[string]string // the parameters of texts that do not come from the query
	tables int               // so far, in all scopes
	subs   int               // child subqueries so far
}

func newCompiler(cat Catalog, text string, opt Options) *compiler {
	opt.Now = opt.Now.UTC()
	return &compiler{Text: syntax.Text(text), cat: cat, opt: opt, consts: map[string]string{}}
}

// bind adds an argument and returns its parameter.
func (c *compiler) bind(v any) string {
	c.args = append(c.args, v)
	return fmt.Sprintf("?%d", len(c.args))
}

// constant binds a text that is the same wherever it stands, so that equal expressions are equal as SQL.
func (c *compiler) constant(s string) string {
	p, ok := c.consts[s]
	if !ok {
		p = c.bind(s)
		c.consts[s] = p
	}
	return p
}

func (c *compiler) unsupported(off int, what string) *Error {
	return c.Refuse(CodeMalformed, off, "%s is not supported by the local org", what)
}

// query compiles the outermost SELECT.
func (c *compiler) query(sel *syntax.Select) (*Query, *Error) {
	name := sel.From[0]
	e, ok := c.cat.Object(name.Text)
	if !ok {
		return nil, c.Refuse(CodeType, name.Off, "%s", noEntity(name.Text))
	}
	s, err := c.scope(sel, e)
	if err != nil {
		return nil, err
	}
	if it := sel.Items[0]; it.Func == "COUNT" && it.Arg == nil && len(it.Path) == 0 && len(sel.Items) == 1 {
		s.count, s.aggregate = true, false
	}
	return s.finish()
}

// finish compiles the outermost scope.
func (s *scope) finish() (*Query, *Error) {
	st, err := s.compile()
	if err != nil {
		return nil, err
	}
	text := st.sql(nil)
	if s.count {
		text = "SELECT COUNT(*) FROM (" + text + ")"
	}
	if len(s.args) > maxArgs || len(text) > maxSQL {
		return nil, &Error{Code: CodeComplicated, Message: "Query is either selecting too many fields or the filter conditions are too complicated."}
	}
	return &Query{
		Entity: s.entity, SQL: text, Args: s.args, Count: s.count, Aggregate: s.aggregate, Grouped: len(s.sel.GroupBy) > 0,
		Columns: s.columns, Offset: max(0, s.sel.Offset), width: max(1, len(s.values)), root: s.root,
	}, nil
}
