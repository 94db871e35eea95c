package soql

import (
	"fmt"
	"strings"

	"sfsync/sink/localorg/soql/syntax"
)

// selectList fills the columns and the tree of the answer's records.
func (s *scope) selectList() *Error {
	s.root.entity = s.entity.Name
	s.root.id, s.root.value = -1, -1
	if s.count {
		return nil
	}
	if !s.aggregate {
		id, ok := s.entity.key()
		if !ok {
			return &Error{Code: CodeField, Message: noColumn("Id", s.entity.Name)}
		}
		s.root.id = s.addValue(s.column(0, id.Column))
	}
	if len(s.sel.GroupBy) == 0 && s.aggregate && s.sel.Limit >= 0 {
		return &Error{Code: CodeMalformed, Message: "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"}
	}
	seen := make(map[string]bool, len(s.sel.Items))
	for _, it := range s.sel.Items {
		var err *Error
		switch {
		case it.Sub != nil:
			err = s.childItem(it, seen)
		case it.TypeOf != nil:
			err = s.typeOfItem(it, seen)
		case it.Func == "FIELDS":
			err = s.fields(it, seen)
		case s.aggregate:
			err = s.groupedItem(it, seen)
		default:
			err = s.fieldItem(it, seen)
		}
		if err != nil {
			return err
		}
		if len(s.values) > maxColumns {
			return s.Refuse(CodeComplicated, it.Off, "the query selects too many fields")
		}
	}
	return nil
}

// addValue adds an expression to what the scope selects and returns its index.
func (s *scope) addValue(expr string) int {
	s.values = append(s.values, expr)
	return len(s.values) - 1
}

func (s *scope) once(seen map[string]bool, key string, it syntax.Item) *Error {
	if k := strings.ToLower(key); !seen[k] {
		seen[k] = true
		return nil
	}
	return s.Refuse(CodeField, it.Off, "duplicate field selected: %s", key)
}

// fields expands FIELDS(ALL), FIELDS(STANDARD) and FIELDS(CUSTOM) (SOQL reference, FIELDS()).
func (s *scope) fields(it syntax.Item, seen map[string]bool) *Error {
	switch {
	case it.Arg != nil:
		return s.Refuse(CodeMalformed, it.Arg.Off, "unexpected token: '%s'", syntax.Clip(it.Arg.Func))
	case len(it.Path) != 1:
		return s.Refuse(CodeMalformed, it.Off, "unexpected token: '%s'", syntax.Clip(it.Path.String()))
	case it.Alias.Text != "":
		return s.Refuse(CodeMalformed, it.Alias.Off, "unexpected token: '%s'", syntax.Clip(it.Alias.Text))
	case s.aggregate:
		return s.Refuse(CodeMalformed, it.Off, "The SOQL FIELDS function is not supported with grouped or aggregated fields")
	}
	which := strings.ToUpper(it.Path[0].Text)
	switch which {
	case "ALL", "CUSTOM":
		if s.sel.Limit < 0 || s.sel.Limit > maxFields {
			return s.Refuse(CodeMalformed, it.Off, "The SOQL FIELDS function must have a LIMIT of at most %d", maxFields)
		}
	case "STANDARD":
	default:
		return s.Refuse(CodeMalformed, it.Path.Off(), "unexpected token: '%s'", syntax.Clip(it.Path[0].Text))
	}
	for _, fd := range s.entity.All() {
		custom := strings.HasSuffix(fd.Name, "__c")
		if which == "CUSTOM" && !custom || which == "STANDARD" && custom || fd.Column == "" && len(fd.Parts) == 0 {
			continue
		}
		if err := s.addField(s.fieldOf(0, fd), it, seen); err != nil {
			return err
		}
	}
	return nil
}

// fieldItem adds a field, or a function of one, to the records of the answer.
func (s *scope) fieldItem(it syntax.Item, seen map[string]bool) *Error {
	if it.Func == "" {
		f, err := s.resolve(it.Path)
		if err != nil {
			return err
		}
		if it.Alias.Text != "" {
			return s.Refuse(CodeMalformed, it.Alias.Off, "only aggregate expressions use field aliasing")
		}
		return s.addField(f, it, seen)
	}
	f, err := s.value(it.Operand)
	if err != nil {
		return err
	}
	if syntax.IsDateFunction(it.Func) || it.Func == "CONVERTTIMEZONE" {
		return s.Refuse(CodeMalformed, it.Off, "Field must be grouped or aggregated: %s", f.Name)
	}
	key := f.Name
	if it.Alias.Text != "" {
		key, f.via = it.Alias.Text, nil
	}
	f.Name = key
	path := f.path()
	if err := s.once(seen, path, it); err != nil {
		return err
	}
	n := s.shown(it.Operand, f, s.addValue(f.expr))
	n.name = jsonKey(key)
	s.parent(f).add(n)
	s.columns = append(s.columns, Column{Path: path, Field: f.Field, Function: f.function, Value: n.value})
	return nil
}

// shown is the node of a value, which a display function may change.
func (s *scope) shown(op syntax.Operand, f field, value int) node {
	n := leaf(f.Name, kindOf(f.Field), value)
	for o := &op; o != nil; o = o.Arg {
		switch {
		case o.Func == "TOLABEL" && len(f.Labels) > 0:
			n.show = f.label
		case o.Func == "FORMAT":
			typ := f.Type
			n.show = func(text string) string { return format(typ, text) }
		}
	}
	return n
}

// addField adds a field to the records of the answer.
func (s *scope) addField(f field, it syntax.Item, seen map[string]bool) *Error {
	path := f.path()
	if err := s.once(seen, path, it); err != nil {
		return err
	}
	n, value, err := s.fieldNode(f, it.Off)
	if err != nil {
		return err
	}
	s.parent(f).add(n)
	s.columns = append(s.columns, Column{Path: path, Field: f.Field, Value: value})
	return nil
}

// fieldNode returns the node of a field and the index of its value, -1 for a compound one.
func (s *scope) fieldNode(f field, off int) (node, int, *Error) {
	if len(f.Parts) > 0 {
		n := node{name: jsonKey(f.Name), kind: compoundKind, value: -1, id: -1}
		for _, p := range f.Parts {
			n.add(leaf(p.Name, kindOf(p), s.addValue(s.fieldOf(f.at, p).expr)))
		}
		return n, -1, nil
	}
	if f.expr == "" {
		return node{}, 0, s.unsupported(off, "the field "+f.Name)
	}
	i := s.addValue(f.expr)
	return leaf(f.Name, kindOf(f.Field), i), i, nil
}

// parent returns the node of the record that holds the field.
func (s *scope) parent(f field) *node {
	n := &s.root
	for _, st := range f.via {
		n = s.follow(n, st)
	}
	return n
}

// follow returns the node at the end of a step from n.
func (s *scope) follow(n *node, st step) *node {
	if child := n.child(st.name); child != nil {
		return child
	}
	n.add(node{name: jsonKey(st.name), key: st.name, entity: st.entity, kinds: st.kinds, value: -1, id: s.addValue(st.id)})
	return &n.children[len(n.children)-1]
}

// typeOfItem adds a TYPEOF: a parent whose fields depend on its object.
func (s *scope) typeOfItem(it syntax.Item, seen map[string]bool) *Error {
	t := it.TypeOf
	path := t.Relationship
	if len(path) > 1 && s.qualifies(path[0].Text) {
		path = path[1:]
	}
	if s.aggregate {
		return s.Refuse(CodeMalformed, it.Off, "TYPEOF is not allowed in a query with grouped or aggregated fields")
	}
	ref, ok := relationship(s.entity, path[0].Text)
	if !ok || len(path) > 1 {
		return s.Refuse(CodeField, path.Off(), "%s", noRelationship(path.String()))
	}
	if !ref.polymorphic() {
		return s.Refuse(CodeField, path.Off(), "TYPEOF is only allowed on a polymorphic relationship, and %s is none", ref.Relationship)
	}
	if err := s.once(seen, ref.Relationship, it); err != nil {
		return err
	}
	st := s.nameStep(0, ref)
	n := node{name: jsonKey(ref.Relationship), key: ref.Relationship, entity: st.entity, kinds: st.kinds, value: -1, id: s.addValue(st.id), typed: map[string][]node{}}
	for _, w := range t.Whens {
		e, ok := s.cat.Object(w.Type.Text)
		if !ok {
			return s.Refuse(CodeType, w.Type.Off, "%s", noEntity(w.Type.Text))
		}
		if !sameObjects(ref.RefersTo, []string{e.Name}) {
			return s.Refuse(CodeType, w.Type.Off, "%s is not an object that %s refers to", e.Name, ref.Relationship)
		}
		at, err := s.joinEntity(0, ref, e, w.Type.Off)
		if err != nil {
			return err
		}
		branch := node{value: -1, id: -1}
		for _, p := range w.Fields {
			f, err := s.resolveFrom(at, nil, p)
			if err != nil {
				return err
			}
			leaf, _, err := s.fieldNode(f, p.Off())
			if err != nil {
				return err
			}
			to := &branch
			for _, st := range f.via {
				to = s.follow(to, st)
			}
			to.add(leaf)
		}
		n.typed[e.Name] = branch.children
	}
	for _, p := range t.Else {
		f, err := s.nameField(0, ref, []step{st}, p[len(p)-1])
		if err == nil && len(p) > 1 {
			err = s.Refuse(CodeField, p.Off(), "%s", noRelationship(p[0].Text))
		}
		if err != nil {
			return err
		}
		n.add(leaf(f.Name, kindOf(f.Field), s.addValue(f.expr)))
	}
	s.root.add(n)
	s.columns = append(s.columns, Column{Path: ref.Relationship, Value: -1})
	return nil
}

// groupedItem adds a grouped field or an aggregate to the groups of the answer.
func (s *scope) groupedItem(it syntax.Item, seen map[string]bool) *Error {
	if aggregates(it.Operand) {
		return s.aggregateItem(it, seen)
	}
	f, err := s.value(it.Operand)
	if err != nil {
		return err
	}
	if kindOf(f.Field) == compoundKind || !s.groups[canonical(f)] {
		return s.Refuse(CodeMalformed, it.Off, "Field must be grouped or aggregated: %s", f.Name)
	}
	key := f.Name
	switch {
	case it.Alias.Text != "":
		key = it.Alias.Text
	case syntax.IsDateFunction(it.Func):
		key = s.nextExpr()
	}
	if err := s.alias(seen, key, it); err != nil {
		return err
	}
	expr := f.expr
	if kindOf(f.Field) == textKind {
		expr = "MIN(" + expr + ")" // of a group's spellings, always the same one
	}
	n := s.shown(it.Operand, f, s.addValue(expr))
	n.name = jsonKey(key)
	s.columns = append(s.columns, Column{Path: key, Field: f.Field, Function: f.function, Value: n.value})
	s.root.add(n)
	return nil
}

// alias is once for the keys of groups.
func (s *scope) alias(seen map[string]bool, key string, it syntax.Item) *Error {
	if s.once(seen, key, it) != nil {
		return s.Refuse(CodeMalformed, it.Off, "duplicate alias: %s", key)
	}
	return nil
}

// nextExpr is the key of a value without alias: expr0, expr1 ….
func (s *scope) nextExpr() string {
	s.exprs++
	return fmt.Sprintf("expr%d", s.exprs-1)
}

func (s *scope) aggregateItem(it syntax.Item, seen map[string]bool) *Error {
	op := it.Operand
	for op.Func == "FORMAT" || op.Func == "CONVERTCURRENCY" {
		op = *op.Arg // there is one, or nothing would be aggregated
	}
	f, err := s.aggregateOf(op)
	if err != nil {
		return err
	}
	key := it.Alias.Text
	if key == "" {
		key = s.nextExpr()
	}
	if err := s.alias(seen, key, it); err != nil {
		return err
	}
	n := s.shown(it.Operand, f, s.addValue(f.expr))
	n.name = jsonKey(key)
	s.columns = append(s.columns, Column{Path: key, Field: f.Field, Function: s.spelled(it.Operand), Aggregate: op.Func, Value: n.value})
	s.root.add(n)
	return nil
}
