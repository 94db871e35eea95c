// Package proof runs the tests that a mapping file has in itself: rows go through the reader of
// JSON Lines and the compiled plan, and what becomes of them is compared with what the file expects.
// No org is asked.
package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/pipeline"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// CodeFailed is the code of the diagnostic of an expectation that is not met.
const CodeFailed = "test-failed"

// Run runs the tests of a mapping with the plan that was compiled from it; opt are the source
// options of the mapping. It returns a diagnostic for each expectation that is not met, at its
// place in the file, all of them at once. The error is the context's, or says why a test's rows
// could not be read at all.
func Run(ctx context.Context, file *mapping.File, plan *mapping.Plan, opt source.Options) ([]diag.Diagnostic, error) {
	var list diag.List
	for _, test := range file.Tests {
		name := fmt.Sprintf("test %q", test.Name.Value)
		if line := fmt.Sprintf("line %d", test.Pos.Line); test.Name.Value == "" || test.Name.Value == line {
			name = "test on " + line
		}
		c := &comparer{list: &list, file: file, plan: plan, name: name, test: test}
		if err := c.run(ctx, opt); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", test.Pos, name, err)
		}
	}
	return list.All(), nil
}

// Inputs are the rows of all tests of a mapping, an input for each test.
func Inputs(file *mapping.File) []source.Input {
	inputs := make([]source.Input, len(file.Tests))
	for i, test := range file.Tests {
		inputs[i] = input(file, test)
	}
	return inputs
}

func input(file *mapping.File, test *syntax.Test) source.Input {
	var text strings.Builder
	for _, r := range test.Rows {
		text.WriteString(r.Value + "\n")
	}
	return source.Input{Path: file.Path, Format: "jsonl", Reader: strings.NewReader(text.String())}
}

// comparer compares one test.
type comparer struct {
	list *diag.List
	file *mapping.File
	plan *mapping.Plan
	name string
	test *syntax.Test
	rows int
}

// run maps the rows and looks at each expectation of those that come along.
func (c *comparer) run(ctx context.Context, opt source.Options) error {
	opt.Format = "jsonl"
	_, err := pipeline.Check(ctx, pipeline.Options{
		Plan: c.plan, Source: opt, Duplicates: c.file.Source.Duplicates,
		Inputs: []source.Input{input(c.file, c.test)},
	}, func(b pipeline.Checked) error {
		for r := range b.First.Source.Len() {
			c.rows++
			for _, want := range c.test.Expect {
				if want.Row == c.rows {
					c.compare(b, r, want)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.rows != len(c.test.Rows) {
		return errors.New("its rows could not be read")
	}
	return nil
}

// failf reports an expectation that is not met.
func (c *comparer) failf(pos diag.Pos, want *syntax.Expectation, hint, format string, args ...any) {
	where := c.name
	if len(c.test.Rows) > 1 {
		where += fmt.Sprintf(", row %d", want.Row)
	}
	c.list.Errorf(pos, CodeFailed, hint, "%s, %s: %s", where, want.Target.Value, fmt.Sprintf(format, args...))
}

func (c *comparer) compare(b pipeline.Checked, r int, want *syntax.Expectation) {
	m := b.First
	target := -1
	var names []string
	for i := range c.plan.Targets {
		names = append(names, c.plan.Targets[i].Name)
		if c.plan.Targets[i].Name == want.Target.Value {
			target = i
		}
	}
	if target < 0 {
		c.failf(want.Target.Pos, want, diag.DidYouMean(want.Target.Value, names), "the mapping makes no such records")
		return
	}
	records := &m.Targets[target]
	fate, why := records.Fate(r), records.Reason(r)
	switch {
	case want.Skipped && fate == mapping.Skip, want.Skipped && fate == mapping.Hold:
	case want.Skipped:
		c.failf(want.Pos, want, "", "expected to be skipped, but %s", c.came(m, r, target))
	case want.Code.Value != "" && fate == mapping.Fail:
		if why.Code != want.Code.Value {
			c.failf(want.Code.Pos, want, "", "expected to fail with %s, but it fails with %s", want.Code.Value, &why)
		}
	case want.Code.Value != "":
		c.failf(want.Code.Pos, want, "", "expected to fail with %s, but %s", want.Code.Value, c.came(m, r, target))
	case fate != mapping.Send:
		c.failf(want.Pos, want, "", "expected to be sent, but %s", c.came(m, r, target))
	default:
		for _, f := range want.Fields {
			c.field(b, r, target, want, f)
		}
		for _, name := range want.Absent {
			switch p := c.place(b, target, name.Value); {
			case p.column >= 0 && p.cell(r).Kind() != row.Absent:
				c.failf(name.Pos, want, "", "%s is %s, expected not to be sent", name.Value, p.shown(r))
			case p.column < 0 && !c.known(target, name.Value): // nothing could ever send it
				o := c.plan.Targets[target].Object
				c.failf(name.Pos, want, diag.DidYouMean(name.Value, o.FieldNames()), "%s has no field %s", o.Name, name.Value)
			}
		}
	}
}

// known reports whether a name is that of a field of a target's object, is behind a relationship, or has a
// rule, which may be left out where the object lacks the field.
func (c *comparer) known(target int, name string) bool {
	t := &c.plan.Targets[target]
	return strings.Contains(name, ".") || t.Object.Field(name) != nil || slices.ContainsFunc(c.file.Targets, func(f *syntax.Target) bool {
		return f.Name.Value == t.Name && slices.ContainsFunc(f.Fields, func(r *syntax.Rule) bool { return strings.EqualFold(r.Field.Value, name) })
	})
}

// came words what became of a row instead of what was expected.
func (c *comparer) came(m *mapping.Mapped, r, target int) string {
	records := &m.Targets[target]
	why := records.Reason(r)
	switch records.Fate(r) {
	case mapping.Fail:
		return "it fails: " + why.Error()
	case mapping.Send:
		return "it would be sent"
	case mapping.Skip, mapping.Hold, mapping.Look:
	}
	return "it is skipped: " + why.Message
}

// place is a column of a target's records.
type place struct {
	plan    *mapping.Plan
	mapped  *mapping.Mapped
	target  int
	column  int // -1 for none
	records *mapping.Records
	key     *schema.Field // what the column holds as keys are compared, of a field that is not sent
}

func (p *place) cell(r int) row.Cell { return p.records.Batch.Cell(r, p.column) }

// place finds a field, in any case, among those that are sent for a target first, or in the second
// pass.
func (c *comparer) place(b pipeline.Checked, target int, name string) *place {
	p := &place{plan: c.plan, mapped: b.First, target: target, column: -1, records: &b.First.Targets[target]}
	if p.find(name) || b.Second == nil {
		return p
	}
	for i := range c.plan.Second.Targets {
		if c.plan.Second.Targets[i].First != target {
			continue
		}
		if q := (&place{plan: c.plan.Second, mapped: b.Second, target: i, column: -1, records: &b.Second.Targets[i]}); q.find(name) {
			return q
		}
	}
	return p
}

func (p *place) find(name string) bool {
	_, plain, _ := strings.Cut(name, ":") // User:Owner.Username is Owner.Username where nothing else can be meant
	p.column = slices.IndexFunc(p.records.Batch.Schema().Columns, func(c row.Column) bool {
		return strings.EqualFold(c.Name, name) || plain != "" && strings.EqualFold(c.Name, plain)
	})
	return p.column >= 0
}

// findKey finds a field of a match key, such as Id, or any of a delete: it is not sent.
func (p *place) findKey(name string) bool {
	for _, k := range p.plan.Targets[p.target].Keys {
		for i, f := range k.Fields {
			if strings.EqualFold(f.Name, name) {
				p.column, p.key = k.Columns[i], f
				return true
			}
		}
	}
	return false
}

// field compares one field.
func (c *comparer) field(b pipeline.Checked, r, target int, want *syntax.Expectation, f syntax.ExpectedField) {
	p := c.place(b, target, f.Field.Value)
	if p.column < 0 && !p.findKey(f.Field.Value) {
		c.failf(f.Field.Pos, want, diag.DidYouMean(f.Field.Value, c.plan.Targets[target].Fields()), "%s has no rule", f.Field.Value)
		return
	}
	cell := p.cell(r)
	if f.Value == nil {
		if cell.Kind() != row.Null {
			c.failf(f.Field.Pos, want, "", "%s is %s, expected null", f.Field.Value, p.shown(r))
		}
		return
	}
	expected := f.Value.Value
	same := cell.Kind() > row.Null && cell.Text == expected
	field := p.plan.Targets[p.target].Field(p.records.Batch.Schema(), p.column)
	switch what, name, value := p.mapped.Awaits(r, p.target, p.column); {
	case what == "lookup":
		same = value.Text == expected
	case what != "":
		same = name == expected
	case p.key != nil:
		same = cell.Kind() > row.Null && cell.Text == p.key.FoldKey(expected)
	case !same && field != nil && cell.Kind() > row.Null:
		same = convert.Same(field, cell, row.MakeCell(row.Text, expected)) // 12 and 12.0 are the same
	}
	if !same {
		c.failf(f.Value.Pos, want, "", "%s is %s, expected %q", f.Field.Value, p.shown(r), expected)
	}
}

// shown words what the column of a row holds.
func (p *place) shown(r int) string {
	cell := p.cell(r)
	switch what, name, value := p.mapped.Awaits(r, p.target, p.column); {
	case what == "lookup":
		return fmt.Sprintf("the record whose %s is %q", name, value.Text)
	case what != "":
		return fmt.Sprintf("the %s %s", what, name)
	case cell.Kind() == row.Absent:
		return "not sent"
	case cell.Kind() == row.Null:
		return "null"
	}
	return convert.Quote(cell.Text)
}
