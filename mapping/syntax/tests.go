package syntax

import (
	"fmt"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
	"sfsync/mapping/yamlnode"
)

// test parses a case under tests. It returns nil if it cannot be run.
func (p *parser) test(n *yamlnode.Node) *Test {
	o, ok := p.object(n, spec.AtTest)
	if !ok {
		return nil
	}
	t := &Test{Name: o.text("name"), Pos: n.Pos}
	if t.Name.Value == "" {
		t.Name = Str{Value: fmt.Sprintf("line %d", n.Pos.Line), Pos: n.Pos}
	}
	switch {
	case o.has("row") && o.has("rows"):
		p.conflict(o, "row", "rows")
		return nil
	case !o.has("row") && !o.has("rows"):
		p.list.Errorf(n.Pos, codeKeyMissing, "for example row: {email: ada@example.com}", "a test needs the key \"row\" or \"rows\"")
		return nil
	}
	rows := []*yamlnode.Node{o.get("row")}
	if list := o.get("rows"); list != nil {
		rows = list.Items
	}
	if ok = rows[0] != nil; ok {
		for _, r := range rows {
			text, good := p.row(r)
			ok = ok && good
			t.Rows = append(t.Rows, Str{Value: text, Pos: r.Pos})
		}
	}
	return p.expect(t, o, ok)
}

// expect parses what a test's rows have to become.
func (p *parser) expect(t *Test, o *object, ok bool) *Test {
	n := o.get("expect")
	if n == nil {
		return nil
	}
	outcomes := n.Items
	switch {
	case o.has("row") && n.Kind == yamlnode.Seq:
		p.list.Errorf(n.Pos, codeKind, "for example expect: {lead: {Email: ada@example.com}}", `"expect" of a "row" must be a map of targets, not a list`)
		return nil
	case o.has("rows") && n.Kind == yamlnode.Map:
		p.list.Errorf(n.Pos, codeKind, "for example expect: [{lead: skipped}, {lead: {Email: ada@example.com}}]", `"expect" of "rows" must be a list with an entry for each row, not a map`)
		return nil
	case o.has("row"):
		outcomes = []*yamlnode.Node{n}
	case o.get("rows") == nil:
		return nil
	case len(outcomes) != len(t.Rows):
		p.list.Errorf(n.Pos, codeValueInvalid, "write {} for a row of which nothing is expected", `"expect" has %d entries for %d rows`, len(outcomes), len(t.Rows))
		return nil
	}
	for i, outcome := range outcomes {
		for _, pair := range outcome.Pairs {
			e := &Expectation{Pos: pair.Key.Pos, Row: i + 1, Target: str(pair.Key)}
			if p.outcome(e, pair.Value) {
				t.Expect = append(t.Expect, e)
			} else {
				ok = false
			}
		}
	}
	if !ok {
		return nil
	}
	return t
}

// outcome parses what a row becomes for one target.
func (p *parser) outcome(e *Expectation, n *yamlnode.Node) bool {
	const hint = "write the fields of its record, {error: CODE}, or skipped"
	switch {
	case n.Broken:
		return false
	case n.IsNull():
		p.list.Errorf(n.Pos, codeValueMissing, hint, "nothing is written after target %q", diag.Cut(e.Target.Value))
		return false
	case n.Kind == yamlnode.Scalar && n.Text == "skipped":
		e.Skipped = true
		return true
	case n.Kind != yamlnode.Map:
		p.list.Errorf(n.Pos, codeKind, hint, "target %q must be a map of fields or skipped, not %s", diag.Cut(e.Target.Value), valueOf(n))
		return false
	case len(n.Pairs) == 0:
		p.list.Errorf(n.Pos, codeValueMissing, hint, "nothing is expected of target %q", diag.Cut(e.Target.Value))
		return false
	}
	ok, seen := true, map[string]int{}
	for _, pair := range n.Pairs {
		switch pair.Key.Text {
		case "error":
			ok = p.expectError(e, n, pair.Value) && ok
		case "absent":
			ok = p.expectAbsent(e, pair.Value) && ok
		default:
			ok = p.expectField(e, pair, seen) && ok
		}
	}
	return ok
}

// valueOf names a value that is something else than expected.
func valueOf(n *yamlnode.Node) string {
	if n.Kind == yamlnode.Scalar {
		return fmt.Sprintf("%q", diag.Cut(n.Text))
	}
	return n.Kind.String()
}

func (p *parser) expectError(e *Expectation, outcome, n *yamlnode.Node) bool {
	if n.Broken {
		return false
	}
	if n.Kind != yamlnode.Scalar || n.IsNull() || strings.TrimSpace(n.Text) == "" {
		p.list.Errorf(n.Pos, codeKind, "for example {error: REQUIRED_FIELD_MISSING}", `"error" must be the code of an error`)
		return false
	}
	if len(outcome.Pairs) > 1 {
		p.list.Errorf(outcome.Pos, codeConflict, "keep the error or the fields", "a row that fails has no record: %q stands alone", "error")
		return false
	}
	e.Code = str(n)
	return true
}

func (p *parser) expectAbsent(e *Expectation, n *yamlnode.Node) bool {
	items := n.Items
	if n.Kind == yamlnode.Scalar {
		items = []*yamlnode.Node{n}
	}
	if n.Broken {
		return false
	}
	if len(items) == 0 || n.IsNull() {
		p.list.Errorf(n.Pos, codeKind, "for example absent: [Phone, Title]", `"absent" must be a list of fields`)
		return false
	}
	ok := true
	for _, item := range items {
		switch {
		case item.Broken:
			ok = false
		case item.Kind != yamlnode.Scalar || item.IsNull():
			p.list.Errorf(item.Pos, codeKind, "for example absent: [Phone, Title]", `an entry of "absent" must be a field, not %s`, valueOf(item))
			ok = false
		case !p.ruleName(item):
			ok = false
		default:
			e.Absent = append(e.Absent, str(item))
		}
	}
	return ok
}

func (p *parser) expectField(e *Expectation, pair yamlnode.Pair, seen map[string]int) bool {
	if !p.ruleName(pair.Key) {
		return false
	}
	name := strings.ToLower(pair.Key.Text)
	if first, twice := seen[name]; twice {
		p.list.Errorf(pair.Key.Pos, codeFieldTwice, "keep one of them", "field %q is already expected on line %d", diag.Cut(pair.Key.Text), first)
		return false
	}
	seen[name] = pair.Key.Pos.Line
	f := ExpectedField{Field: str(pair.Key)}
	switch n := pair.Value; {
	case n.Broken:
		return false
	case n.Kind == yamlnode.Map || n.Kind == yamlnode.Seq:
		p.list.Errorf(n.Pos, codeKind, "write its text, or null for one that is cleared", "field %q must be a single value, not %s", diag.Cut(pair.Key.Text), n.Kind)
		return false
	case !n.IsNull():
		s := str(n)
		f.Value = &s
	}
	e.Fields = append(e.Fields, f)
	return true
}

// row writes a row as JSON. It reports one that is too long, and the first one that is too much.
func (p *parser) row(n *yamlnode.Node) (string, bool) {
	if p.full {
		return "", false
	}
	left := spec.MaxRowsText - p.rows
	limit := min(spec.MaxRowText, left)
	text, ok := n.AppendJSON(nil, limit)
	if len(text) <= limit {
		p.rows += len(text)
		return string(text), ok // if not, a value in it was reported
	}
	if p.full = limit == left; p.full {
		p.list.Errorf(n.Pos, codeLimit, "", "the rows of the tests have more than %d bytes as JSON", spec.MaxRowsText)
	} else {
		p.list.Errorf(n.Pos, codeLimit, "", "the row has more than %d bytes as JSON", spec.MaxRowText)
	}
	return "", false
}

// lintTests checks the targets that tests name.
func (p *parser) lintTests(f *File, byName map[string]*Target, all bool) {
	var names []string
	for _, t := range f.Targets {
		names = append(names, t.Name.Value)
	}
	for _, test := range f.Tests {
		for _, e := range test.Expect {
			to := byName[strings.ToLower(e.Target.Value)]
			switch {
			case to == nil && all:
				p.list.Errorf(e.Target.Pos, codeTarget, p.list.DidYouMean(e.Target.Value, names), "the test names the target %q, which does not exist", diag.Cut(e.Target.Value))
			case to != nil && to.Name.Value != e.Target.Value:
				p.list.Errorf(e.Target.Pos, codeTarget, "write "+to.Name.Value, "the target is named %s", to.Name.Value)
			}
		}
	}
}
