package soql

import (
	"fmt"
	"strings"

	"sfsync/sink/localorg/soql/syntax"
)

// scope is one SELECT of the statement: the outermost, a child subquery's, or a semi-join's.
type scope struct {
	*compiler
	sel       *syntax.Select
	entity    Entity
	count     bool
	aggregate bool
	tables    []table
	values    []string // the expressions that it selects
	groups    map[string]bool
	columns   []Column
	root      node
	exprs     int // aggregates without alias so far
	// under is a condition that children are under their parent, or "".
	under string
}

// table is one table of the join: the object after FROM, or a parent reached by a path.
type table struct {
	entity Entity
	path   string          // the path to it in lower case
	name   string          // its name in the SQL
	on     string          // the join's condition
	used   map[string]bool // the columns that the query reads, of an object without a table
}

// scope returns the scope of a SELECT from an object.
func (c *compiler) scope(sel *syntax.Select, e Entity) (*scope, *Error) {
	s := &scope{compiler: c, sel: sel, entity: e, aggregate: len(sel.GroupBy) > 0}
	if _, err := s.addTable(e, "", sel.Off); err != nil {
		return nil, err
	}
	for _, it := range sel.Items {
		s.aggregate = s.aggregate || aggregates(it.Operand)
	}
	return s, nil
}

// aggregates reports whether an operand is or holds a function of many records.
func aggregates(op syntax.Operand) bool {
	return syntax.IsAggregate(op.Func) || op.Arg != nil && aggregates(*op.Arg)
}

// addTable adds a table to the join and returns its place.
func (s *scope) addTable(e Entity, path string, off int) (int, *Error) {
	if len(s.tables) > maxJoins || s.compiler.tables > 4*maxJoins {
		return 0, s.Refuse(CodeMalformed, off, "at most %d relationships may be used in a query", maxJoins)
	}
	t := table{entity: e, path: path, name: fmt.Sprintf("t%d", s.compiler.tables)}
	if e.Rows != nil {
		t.used = map[string]bool{}
	}
	s.compiler.tables++
	s.tables = append(s.tables, t)
	return len(s.tables) - 1, nil
}

// source is what a table is in the SQL. Of an object without one, only the columns in use are taken out of its
// JSON, and the limit, which is none, makes SQLite do that once and not for each row of a join.
func (s *scope) source(t table) string {
	if t.entity.Rows == nil {
		return quote(t.entity.Table)
	}
	var b strings.Builder
	for i, f := range t.entity.All() {
		if t.used[f.Column] {
			fmt.Fprintf(&b, "json_extract(value, '$[%d]') AS %s, ", i, quote(f.Column))
		}
	}
	return "(SELECT " + b.String() + "1 FROM json_each(" + s.bind(string(t.entity.Rows())) + ") LIMIT -1)"
}

// column is the SQL of a column of a table.
func (s *scope) column(at int, name string) string {
	if used := s.tables[at].used; used != nil {
		used[name] = true
	}
	return s.tables[at].name + "." + quote(name)
}

// quote makes an SQL identifier of a name.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// statement is a compiled scope but for its SELECT list.
type statement struct {
	values []string
	tail   string
}

// sql returns the statement's text. as, if given, names the values.
func (st statement) sql(as []string) string {
	list := st.values
	if as != nil {
		list = make([]string, len(as))
		for i := range as {
			list[i] = st.values[i] + " AS " + as[i]
		}
	}
	if len(list) == 0 {
		list = []string{"1"}
	}
	return "SELECT " + strings.Join(list, ", ") + st.tail
}

// compile compiles the clauses. The SELECT list comes first, as errors in it do.
func (s *scope) compile() (statement, *Error) {
	groupBy, err := s.groupBy()
	if err == nil {
		err = s.selectList()
	}
	if err != nil {
		return statement{}, err
	}
	where, err := s.where()
	if err != nil {
		return statement{}, err
	}
	having, err := s.having()
	if err != nil {
		return statement{}, err
	}
	order, err := s.orderBy()
	if err != nil {
		return statement{}, err
	}
	const limit = " LIMIT %s OFFSET %s" // LIMIT -1 is none
	return statement{s.values, s.from() + where + groupBy + having + order + fmt.Sprintf(limit, s.bind(s.sel.Limit), s.bind(max(0, s.sel.Offset)))}, nil
}

// from returns the FROM clause; it is called last, when all parents are known.
func (s *scope) from() string {
	var b strings.Builder
	fmt.Fprintf(&b, " FROM %s AS %s", s.source(s.tables[0]), s.tables[0].name)
	for _, t := range s.tables[1:] {
		fmt.Fprintf(&b, " LEFT JOIN %s AS %s ON %s", s.source(t), t.name, t.on)
	}
	return b.String()
}

// where returns the WHERE clause, if there is any.
func (s *scope) where() (string, *Error) {
	var terms []string
	if s.under != "" {
		terms = append(terms, s.under)
	}
	if f, ok := s.entity.Fields("IsDeleted"); ok && !s.opt.Deleted {
		terms = append(terms, "coalesce("+s.column(0, f.Column)+", 0) = 0")
	}
	if s.sel.Scope.Text != "" {
		term, err := s.scopeTerm()
		if err != nil {
			return "", err
		}
		if term != "" {
			terms = append(terms, term)
		}
	}
	if s.sel.Where != nil {
		if err := s.semiJoins(s.sel.Where); err != nil {
			return "", err
		}
		var b strings.Builder
		if err := s.cond(&b, s.sel.Where, s.value); err != nil {
			return "", err
		}
		terms = append(terms, b.String())
	}
	if len(terms) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(terms, " AND "), nil
}

// scopeTerm returns the condition that USING SCOPE means (SOQL reference, USING SCOPE). The local org has
// no teams and no territories, so that those hold nothing.
func (s *scope) scopeTerm() (string, *Error) {
	switch strings.ToLower(s.sel.Scope.Text) {
	case "everything":
		return "", nil
	case "mine", "mine_and_my_groups":
		if f, ok := s.entity.Fields("OwnerId"); ok {
			return s.column(0, f.Column) + " = " + s.bind(s.opt.User), nil
		}
		return "", nil
	case "delegated", "my_territory", "my_team_territory", "team", "scopingrule":
		return "0", nil
	}
	return "", s.Refuse(CodeMalformed, s.sel.Scope.Off, "invalid scope: %s", syntax.Clip(s.sel.Scope.Text))
}

// groupBy returns the GROUP BY clause and notes what is grouped.
func (s *scope) groupBy() (string, *Error) {
	if len(s.sel.GroupBy) == 0 {
		return "", nil
	}
	s.groups = make(map[string]bool, len(s.sel.GroupBy))
	exprs := make([]string, 0, len(s.sel.GroupBy))
	for _, op := range s.sel.GroupBy {
		f, err := s.value(op)
		if err != nil {
			return "", err
		}
		switch k := kindOf(f.Field); {
		case !f.Filterable, k == compoundKind, k == numberKind, k == dateTimeKind, k == timeKind, k == multiKind:
			return "", s.Refuse(CodeField, op.Off, "field '%s' can not be grouped in a query call", f.Name)
		}
		e := canonical(f)
		if !s.groups[e] {
			s.groups[e] = true
			exprs = append(exprs, e)
		}
	}
	return " GROUP BY " + strings.Join(exprs, ", "), nil
}

// having returns the HAVING clause.
func (s *scope) having() (string, *Error) {
	if s.sel.Having == nil {
		return "", nil
	}
	if sub := findSub(s.sel.Having); sub != nil {
		return "", s.Refuse(CodeMalformed, sub.Off, "Semi join sub-selects are not allowed in HAVING")
	}
	var b strings.Builder
	b.WriteString(" HAVING ")
	err := s.cond(&b, s.sel.Having, func(op syntax.Operand) (field, *Error) {
		if syntax.IsAggregate(op.Func) {
			return s.aggregateOf(op)
		}
		f, err := s.value(op)
		if err == nil && !s.groups[canonical(f)] {
			err = s.Refuse(CodeMalformed, op.Off, "Field must be grouped or aggregated: %s", f.Name)
		}
		return f, err
	})
	return b.String(), err
}

// orderBy returns the ORDER BY clause. Records with equal values come by Id, so that pages
// neither repeat nor lose any.
func (s *scope) orderBy() (string, *Error) {
	if s.count && len(s.sel.OrderBy) > 0 {
		return "", s.Refuse(CodeMalformed, s.sel.OrderBy[0].Off, "COUNT() cannot be used with ORDER BY")
	}
	exprs := make([]string, 0, len(s.sel.OrderBy)+1)
	for _, o := range s.sel.OrderBy {
		e, err := s.ordered(o)
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
	case !s.aggregate:
		if id, ok := s.entity.key(); ok && !s.count {
			exprs = append(exprs, s.column(0, id.Column))
		}
	case len(s.sel.GroupBy) > 0 && len(exprs) == 0:
		for i := range s.values {
			exprs = append(exprs, fmt.Sprint(i+1))
		}
	}
	if len(exprs) == 0 {
		return "", nil
	}
	return " ORDER BY " + strings.Join(exprs, ", "), nil
}

// ordered returns the expression by which an entry of ORDER BY sorts.
func (s *scope) ordered(o syntax.Order) (string, *Error) {
	if syntax.IsAggregate(o.Func) {
		if !s.aggregate || len(o.Path) == 0 {
			return "", s.Refuse(CodeMalformed, o.Off, "Ordered field must be grouped or aggregated: %s", o.Func)
		}
		f, err := s.aggregateOf(o.Operand)
		return f.expr, err
	}
	if o.Func == "" && len(o.Path) == 1 && s.aggregate {
		for _, col := range s.columns {
			if col.Function != "" && strings.EqualFold(col.Path, o.Path[0].Text) {
				return fmt.Sprint(col.Value + 1), nil
			}
		}
	}
	f, err := s.value(o.Operand)
	if err != nil {
		return "", err
	}
	if k := kindOf(f.Field); !f.Filterable || k == compoundKind || k == multiKind {
		return "", s.Refuse(CodeField, o.Off, "field '%s' can not be sorted in a query call", f.Name)
	}
	e := canonical(f)
	if s.aggregate && !s.groups[e] {
		return "", s.Refuse(CodeMalformed, o.Off, "Ordered field must be grouped or aggregated: %s", f.Name)
	}
	return e, nil
}
