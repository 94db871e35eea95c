package syntax

import (
	"errors"
	"io/fs"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/syntax/table"
	"sfsync/mapping/yamlnode"
)

// values parses a table of values. It returns nil if it cannot be used.
func (p *parser) values(n *yamlnode.Node) *Values {
	v := &Values{Pos: n.Pos, Pairs: make(map[string]string, len(n.Pairs))}
	if n.Kind == yamlnode.Scalar {
		if strings.TrimSpace(n.Text) == "" || n.IsNull() {
			p.list.Errorf(n.Pos, codeValueMissing, "name a CSV file, or write a map: {D: Germany}", `"values" is blank`)
			return nil
		}
		v.Path = p.relative(n.Text)
		if !p.valuesFile(v) {
			return nil
		}
		return v
	}
	if len(n.Pairs) == 0 {
		p.list.Errorf(n.Pos, codeValueMissing, "", `the map "values" is empty`)
		return nil
	}
	ok := true
	for _, pair := range n.Pairs {
		switch {
		case pair.Value.Broken:
			ok = false
		case pair.Value.IsNull():
			p.list.Errorf(pair.Value.Pos, codeValueNull, "write '' for a blank value; for the word put it in quotes", "value %q goes to null", diag.Cut(pair.Key.Text))
			ok = false
		case pair.Value.Kind != yamlnode.Scalar:
			p.list.Errorf(pair.Value.Pos, codeKind, "for example {D: Germany, A: Austria}", "value %q must go to a single value, not %s", diag.Cut(pair.Key.Text), pair.Value.Kind)
			ok = false
		default:
			v.add(str(pair.Key), str(pair.Value))
		}
	}
	if !ok {
		return nil
	}
	return v
}

func (v *Values) add(from, to Str) {
	v.Pairs[from.Value] = to.Value
	v.Entries = append(v.Entries, ValuePair{from, to})
}

// valuesFile reads the CSV file of a table. What is wrong with the file as a whole is
// reported at its name in the mapping, what is wrong with a row at the row.
func (p *parser) valuesFile(v *Values) bool {
	text, err := p.read(v.Path, table.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		p.list.Errorf(v.Pos, codeValuesFile, "the path is relative to the mapping file", "%s does not exist", v.Path)
		return false
	}
	if err != nil {
		if e := (*fs.PathError)(nil); errors.As(err, &e) {
			err = e.Err
		}
		p.list.Errorf(v.Pos, codeValuesFile, "", "read %s: %v", v.Path, err)
		return false
	}
	p.takes(v.Path, text)
	t := table.Read(v.Path, text, v.Pos, &p.list)
	if t == nil {
		return false
	}
	for _, c := range t.Columns {
		v.Columns = append(v.Columns, Ref{Name: c.Text, Pos: c.Pos})
	}
	for _, r := range t.Rows {
		v.add(Str{Value: r.Key.Text, Pos: r.Key.Pos}, Str{Value: r.To.Text, Pos: r.To.Pos})
	}
	return true
}
