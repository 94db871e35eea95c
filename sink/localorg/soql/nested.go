package soql

import (
	"fmt"
	"slices"
	"strings"

	"sfsync/sink/localorg/soql/syntax"
)

// childItem adds a child subquery: a value that holds the children's rows as JSON text.
func (s *scope) childItem(it syntax.Item, seen map[string]bool) *Error {
	sel := it.Sub
	if s.subs++; s.subs > maxSubs {
		return s.Refuse(CodeMalformed, sel.Off, "at most %d child subqueries may be used in a query", maxSubs)
	}
	if s.aggregate {
		return s.Refuse(CodeMalformed, sel.Off, "Subqueries are not allowed in a query with grouped or aggregated fields")
	}
	from := sel.From
	if len(from) == 2 && s.qualifies(from[0].Text) {
		from = from[1:]
	}
	var rel Children
	ok := len(from) == 1 && s.entity.Children != nil
	if ok {
		rel, ok = s.entity.Children(from[0].Text)
	}
	var child Entity
	if ok {
		child, ok = s.cat.Object(rel.Entity)
	}
	if !ok {
		return s.Refuse(CodeType, from[0].Off, "%s", noChildren(sel.From.String()))
	}
	if err := s.once(seen, rel.Name, it); err != nil {
		return err
	}
	ref, hasRef := child.Fields(rel.Field)
	id, hasID := s.entity.key()
	if !hasRef || !hasID {
		return s.Refuse(CodeType, from[0].Off, "%s", noChildren(sel.From.String()))
	}
	in, err := s.scope(sel, child)
	if err != nil {
		return err
	}
	if in.aggregate {
		return s.Refuse(CodeMalformed, sel.Off, "Only root queries support aggregate expressions")
	}
	in.under = in.column(0, ref.Column) + " = " + s.column(0, id.Column)
	st, err := in.compile()
	if err != nil {
		return err
	}
	if len(in.values) > maxInner {
		return s.Refuse(CodeComplicated, sel.Off, "a child subquery selects too many fields")
	}
	as := make([]string, len(in.values))
	for i := range as {
		as[i] = fmt.Sprintf("c%d", i)
	}
	// The concatenation makes it plain text: SQLite would take JSON inside JSON for JSON in some plans only.
	i := s.addValue("(SELECT '' || json_group_array(json_array(" + strings.Join(as, ", ") + ")) FROM (" + st.sql(as) + "))")
	s.root.add(node{name: jsonKey(rel.Name), value: i, id: -1, rows: &in.root})
	s.columns = append(s.columns, Column{Path: rel.Name, Value: -1, Columns: in.columns})
	return nil
}

// findSub returns the first semi-join of a condition, or nil.
func findSub(cond syntax.Cond) *syntax.Select {
	switch cond := cond.(type) {
	case *syntax.Logic:
		for _, t := range cond.Terms {
			if sub := findSub(t); sub != nil {
				return sub
			}
		}
	case *syntax.Not:
		return findSub(cond.Cond)
	case *syntax.Compare:
		return cond.Sub
	}
	return nil
}

// semiJoins checks where a WHERE clause has semi-joins (SOQL reference, Semi-Joins with IN and
// Anti-Joins with NOT IN): at most two, not under OR and NOT, not inside one another.
func (s *scope) semiJoins(where syntax.Cond) *Error {
	terms := []syntax.Cond{where}
	if l, ok := where.(*syntax.Logic); ok {
		terms = l.Terms
		if sub := findSub(where); sub != nil && l.Or {
			return s.Refuse(CodeMalformed, sub.Off, "Semi join sub-selects are not allowed with the 'OR' operator")
		}
	}
	n := 0
	for _, t := range terms {
		sub := findSub(t)
		if sub == nil {
			continue
		}
		if _, plain := t.(*syntax.Compare); !plain {
			return s.Refuse(CodeMalformed, sub.Off, "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions.")
		}
		if n++; n > 2 {
			return s.Refuse(CodeMalformed, sub.Off, "Maximum 2 semi join sub-selects are allowed")
		}
	}
	return nil
}

// semiJoin writes IN (SELECT …) or NOT IN (SELECT …).
func (s *scope) semiJoin(b *strings.Builder, f field, cmp *syntax.Compare) *Error {
	sel := cmp.Sub
	if sel.Where != nil {
		if sub := findSub(sel.Where); sub != nil {
			return s.Refuse(CodeMalformed, sub.Off, "Nesting of semi join sub-selects is not supported")
		}
	}
	if kindOf(f.Field) != idKind {
		return s.Refuse(CodeMalformed, cmp.Off, "The left operand '%s' of a semi join must be an ID or a reference", f.Name)
	}
	name := sel.From[len(sel.From)-1]
	e, ok := s.cat.Object(name.Text)
	if !ok || len(sel.From) != 1 {
		return s.Refuse(CodeType, name.Off, "%s", noEntity(sel.From.String()))
	}
	it := sel.Items[0]
	if len(sel.Items) != 1 || it.Func != "" || it.Sub != nil || it.TypeOf != nil || it.Alias.Text != "" {
		return s.Refuse(CodeMalformed, sel.Off, "A semi join sub-select must select exactly one ID or reference field")
	}
	if len(sel.GroupBy) > 0 || len(sel.OrderBy) > 0 || sel.Limit >= 0 || sel.Offset >= 0 {
		return s.Refuse(CodeMalformed, sel.Off, "GROUP BY, ORDER BY, LIMIT and OFFSET are not supported in a semi join sub-select")
	}
	in, err := s.scope(sel, e)
	if err != nil {
		return err
	}
	inner, err := in.resolve(it.Path)
	if err != nil {
		return err
	}
	if kindOf(inner.Field) != idKind {
		return s.Refuse(CodeMalformed, it.Off, "The inner select field '%s' must be an ID or a reference", inner.Name)
	}
	if !sameObjects(s.points(f), in.points(inner)) {
		return s.Refuse(CodeMalformed, cmp.Off, "The selected field '%s' in the subquery and the left operand field in the where expression in the outer query '%s' should point to the same object type", inner.Name, f.Name)
	}
	in.values = []string{inner.expr}
	where, err := in.where()
	if err != nil {
		return err
	}
	b.WriteString("(" + f.expr + " IN (" + statement{in.values, in.from() + where}.sql(nil) + "))")
	if cmp.Op == syntax.NotIn {
		b.WriteString(" IS NOT TRUE")
	}
	return nil
}

// points returns the objects that an id may be of.
func (s *scope) points(f field) []string {
	switch {
	case len(f.RefersTo) > 0:
		return f.RefersTo
	case strings.EqualFold(f.Name, "Id") && len(f.via) > 0 && len(f.via[len(f.via)-1].kinds) > 0:
		var names []string
		for _, name := range f.via[len(f.via)-1].kinds {
			names = append(names, name)
		}
		return names
	}
	return []string{s.tables[f.at].entity.Name}
}

// sameObjects reports whether two lists have an object in common.
func sameObjects(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return strings.EqualFold(x, y) })
	})
}
