package soql

import (
	"fmt"
	"strings"

	"sfsync/mapping/schema"
)

// selectList fills the columns and the tree of the answer's records.
func (c *compiler) selectList() *Error {
	c.q.root.entity = c.q.Entity.Name
	c.q.root.id, c.q.root.value = -1, -1
	if c.q.Count {
		return nil
	}
	if !c.q.Aggregate {
		id, ok := c.q.Entity.Fields("Id")
		if !ok {
			return &Error{CodeField, noColumn("Id", c.q.Entity.Name)}
		}
		c.q.root.id = c.value("t0." + quote(id.Column))
	}
	if len(c.sel.GroupBy) == 0 && c.q.Aggregate && c.sel.Limit >= 0 {
		return &Error{CodeMalformed, "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"}
	}
	seen := make(map[string]bool, len(c.sel.Items))
	exprs := 0
	for _, it := range c.sel.Items {
		var err *Error
		switch {
		case it.Func == "FIELDS":
			err = c.fields(it, seen)
		case it.Func != "":
			err = c.aggregateItem(it, seen, &exprs)
		default:
			err = c.fieldItem(it, seen)
		}
		if err != nil {
			return err
		}
		if len(c.values) > maxColumns {
			return c.refuse(CodeComplicated, it.Off, "the query selects too many fields")
		}
	}
	return nil
}

// value adds an expression to what SQL selects and returns its index.
func (c *compiler) value(expr string) int {
	c.values = append(c.values, expr)
	return len(c.values) - 1
}

// fields expands FIELDS(ALL), FIELDS(STANDARD) and FIELDS(CUSTOM) (SOQL reference, FIELDS()).
func (c *compiler) fields(it Item, seen map[string]bool) *Error {
	if len(it.Path) != 1 {
		return c.refuse(CodeMalformed, it.Off, "unexpected token: '%s'", clip(it.Path.String()))
	}
	if it.Alias.Text != "" {
		return c.refuse(CodeMalformed, it.Alias.Off, "unexpected token: '%s'", clip(it.Alias.Text))
	}
	which := strings.ToUpper(it.Path[0].Text)
	switch which {
	case "ALL", "CUSTOM":
		if c.sel.Limit < 0 || c.sel.Limit > maxFields {
			return c.refuse(CodeMalformed, it.Off, "The SOQL FIELDS function must have a LIMIT of at most %d", maxFields)
		}
	case "STANDARD":
	default:
		return c.refuse(CodeMalformed, it.Path.off(), "unexpected token: '%s'", clip(it.Path[0].Text))
	}
	for _, f := range c.q.Entity.All() {
		custom := strings.HasSuffix(f.Name, "__c")
		if which == "CUSTOM" && !custom || which == "STANDARD" && custom || f.Column == "" && len(f.Parts) == 0 {
			continue
		}
		if err := c.addField(field{Field: f, path: []string{f.Name}}, it, seen); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) fieldItem(it Item, seen map[string]bool) *Error {
	f, err := c.resolve(it.Path)
	if err != nil {
		return err
	}
	if !c.q.Aggregate {
		if it.Alias.Text != "" {
			return c.refuse(CodeMalformed, it.Alias.Off, "only aggregate expressions use field aliasing")
		}
		return c.addField(f, it, seen)
	}
	if kindOf(f.Field) == compoundKind || !c.groups[c.comparable(f)] {
		return c.refuse(CodeMalformed, it.Off, "Field must be grouped or aggregated: %s", f.Name)
	}
	key := f.Name
	if it.Alias.Text != "" {
		key = it.Alias.Text
	}
	if err := c.once(seen, key, it); err != nil {
		return err
	}
	expr := c.stored(f)
	if kindOf(f.Field) == textKind {
		expr = "MIN(" + expr + ")" // of a group's spellings, always the same one
	}
	i := c.value(expr)
	c.q.Columns = append(c.q.Columns, Column{Path: key, Type: f.Type, Aggregate: "", Value: i})
	c.q.root.add(leaf(key, kindOf(f.Field), i))
	return nil
}

func (c *compiler) once(seen map[string]bool, key string, it Item) *Error {
	if k := strings.ToLower(key); !seen[k] {
		seen[k] = true
		return nil
	}
	return c.refuse(CodeField, it.Off, "duplicate field selected: %s", key)
}

// addField adds a field to the records of the answer.
func (c *compiler) addField(f field, it Item, seen map[string]bool) *Error {
	path := strings.Join(f.path, ".")
	if err := c.once(seen, path, it); err != nil {
		return err
	}
	n := c.parent(f)
	if len(f.Parts) > 0 {
		sub := node{name: appendKey(nil, f.Name), kind: compoundKind, value: -1, id: -1}
		for _, p := range f.Parts {
			sub.add(leaf(p.Name, kindOf(p), c.value(c.stored(field{Field: p, table: f.table}))))
		}
		n.add(sub)
		c.q.Columns = append(c.q.Columns, Column{Path: path, Type: f.Type, Value: -1})
		return nil
	}
	if f.Column == "" {
		return c.notYet(it.Off, "the field "+f.Name)
	}
	i := c.value(c.stored(f))
	n.add(leaf(f.Name, kindOf(f.Field), i))
	c.q.Columns = append(c.q.Columns, Column{Path: path, Type: f.Type, Value: i})
	return nil
}

// parent returns the node of the record that holds the field.
func (c *compiler) parent(f field) *node {
	n := &c.q.root
	at := ""
	for _, name := range f.path[:len(f.path)-1] {
		at += "." + strings.ToLower(name)
		child := n.child(name)
		if child == nil {
			t := c.tableAt(at)
			id, _ := c.tables[t].entity.Fields("Id")
			n.add(node{
				name: appendKey(nil, name), key: name, entity: c.tables[t].entity.Name, value: -1,
				id: c.value(fmt.Sprintf("t%d.%s", t, quote(id.Column))),
			})
			child = &n.children[len(n.children)-1]
		}
		n = child
	}
	return n
}

func (c *compiler) tableAt(path string) int {
	for i := range c.tables {
		if c.tables[i].path == path {
			return i
		}
	}
	return 0
}

func (c *compiler) aggregateItem(it Item, seen map[string]bool, exprs *int) *Error {
	if len(it.Path) == 0 {
		return c.refuse(CodeMalformed, it.Off, "Grouped query cannot use COUNT() with other fields: use COUNT(Id)")
	}
	expr, typ, err := c.aggregate(it)
	if err != nil {
		return err
	}
	key := it.Alias.Text
	if key == "" {
		key = fmt.Sprintf("expr%d", *exprs)
		*exprs++
	}
	if seen[strings.ToLower(key)] {
		return c.refuse(CodeMalformed, it.Off, "duplicate alias: %s", key)
	}
	seen[strings.ToLower(key)] = true
	i := c.value(expr)
	c.q.Columns = append(c.q.Columns, Column{Path: key, Type: typ, Aggregate: it.Func, Value: i})
	c.q.root.add(leaf(key, kindOf(Field{Type: typ}), i))
	return nil
}

// aggregate returns the SQL of an aggregate function and the type of its value.
func (c *compiler) aggregate(it Item) (string, schema.Type, *Error) {
	f, err := c.resolve(it.Path)
	if err != nil {
		return "", "", err
	}
	k := kindOf(f.Field)
	ok := f.Filterable && k != compoundKind && k != multiKind
	switch it.Func {
	case "COUNT", "COUNT_DISTINCT":
		ok = ok && k != boolKind
	case "MIN", "MAX":
		ok = ok && k != boolKind && k != idKind
	default:
		ok = ok && (k == intKind || k == numberKind)
	}
	if !ok {
		return "", "", c.refuse(CodeMalformed, it.Off, "field %s does not support aggregate operator %s", f.Name, it.Func)
	}
	switch e := c.comparable(f); it.Func {
	case "COUNT":
		return "COUNT(" + e + ")", schema.Int, nil
	case "COUNT_DISTINCT":
		return "COUNT(DISTINCT " + e + ")", schema.Int, nil
	case "SUM":
		return "SUM(" + e + ")", f.Type, nil
	case "AVG":
		return "AVG(" + e + ")", schema.Double, nil
	}
	if k == textKind {
		return it.Func + "(" + c.stored(f) + " COLLATE NOCASE)", f.Type, nil
	}
	return it.Func + "(" + c.comparable(f) + ")", f.Type, nil
}
