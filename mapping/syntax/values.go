package syntax

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gocarina/gocsv"

	"sfsync/mapping/diag"
	"sfsync/mapping/yamlnode"
)

// The bounds of a table of values in a CSV file.
const (
	maxValuesBytes = 16 << 20
	maxValues      = 250_000
)

// valuesRow is a row of a CSV file of values; other columns are ignored.
type valuesRow struct {
	From string `csv:"from"`
	To   string `csv:"to"`
}

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
			p.list.Errorf(pair.Value.Pos, codeValueNull, "write '' for a blank value; for the word put it in quotes", "value %q goes to null", cut(pair.Key.Text))
			ok = false
		case pair.Value.Kind != yamlnode.Scalar:
			p.list.Errorf(pair.Value.Pos, codeKind, "for example {D: Germany, A: Austria}", "value %q must go to a single value, not %s", cut(pair.Key.Text), pair.Value.Kind)
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
	text, err := p.read(v.Path, maxValuesBytes)
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
	if len(text) > maxValuesBytes {
		p.list.Errorf(v.Pos, codeValuesFile, "", "%s has more than the %d bytes allowed", v.Path, maxValuesBytes)
		return false
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		p.list.Errorf(v.Pos, codeValuesFile, "save it as UTF-8", "%s is not UTF-8", v.Path)
		return false
	}
	cr := csv.NewReader(bytes.NewReader(text))
	rows, err := gocsv.NewUnmarshaller(cr, valuesRow{})
	if err != nil {
		return p.valuesError(v, err)
	}
	from, to := slices.Index(rows.Headers, "from"), slices.Index(rows.Headers, "to")
	if from < 0 || to < 0 {
		p.list.Errorf(diag.Pos{File: v.Path, Line: 1, Column: 1}, codeValuesFile, "its first line must be from,to",
			"the table of values has the columns %s instead of from and to", quoteRest(strings.Join(rows.Headers, ",")))
		return false
	}
	lines := []int{0} // where each begins
	for i, c := range text {
		if c == '\n' {
			lines = append(lines, i+1)
		}
	}
	at := func(field int) diag.Pos {
		line, column := cr.FieldPos(field)
		start := lines[line-1]
		return diag.Pos{File: v.Path, Line: line, Column: utf8.RuneCount(text[start:start+column-1]) + 1}
	}
	seen, ok := map[string]int{}, true
	for {
		got, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return p.valuesError(v, err)
		}
		row, _ := got.(valuesRow)
		if len(v.Entries) == maxValues {
			p.list.Errorf(at(from), codeValuesFile, "", "the table of values has more than %d rows", maxValues)
			return false
		}
		if first, twice := seen[row.From]; twice {
			if v.Pairs[row.From] == row.To {
				p.list.Warnf(at(from), codeValuesConflict, "", "%q is already on line %d", cut(row.From), first)
			} else {
				p.list.Errorf(at(from), codeValuesConflict, "keep one of them", "%q goes to another value on line %d", cut(row.From), first)
				ok = false
			}
			continue
		}
		seen[row.From] = at(from).Line
		v.add(Str{Value: row.From, Pos: at(from)}, Str{Value: row.To, Pos: at(to)})
	}
	if len(v.Entries) == 0 {
		p.list.Errorf(v.Pos, codeValuesFile, "", "%s has no rows", v.Path)
		return false
	}
	return ok
}

// valuesError reports what the CSV reader says, at its line.
func (p *parser) valuesError(v *Values, err error) bool {
	if e := (*csv.ParseError)(nil); errors.As(err, &e) {
		p.list.Errorf(diag.Pos{File: v.Path, Line: e.Line, Column: max(1, e.Column)}, codeValuesFile, "", "the table of values is no valid CSV: %v", e.Err)
		return false
	}
	if errors.Is(err, io.EOF) {
		p.list.Errorf(v.Pos, codeValuesFile, "its first line must be from,to", "%s is empty", v.Path)
		return false
	}
	p.list.Errorf(v.Pos, codeValuesFile, "", "read %s: %v", v.Path, err)
	return false
}
