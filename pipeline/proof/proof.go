// Package proof runs the tests that a mapping file has in itself: rows go through the reader of
// JSON Lines and the compiled plan, and what becomes of them is compared with what the file expects.
// No org is asked.
package proof

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/convert"
	"sfsync/mapping/diag"
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
		c := &comparer{list: &list, plan: plan, name: name, test: test}
		if err := c.run(ctx, file, opt); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", test.Pos, name, err)
		}
	}
	return list.All(), nil
}

// comparer compares one test.
type comparer struct {
	list *diag.List
	plan *mapping.Plan
	name string
	test *syntax.Test
	rows int
}

// run maps the rows and looks at each expectation of those that come along.
func (c *comparer) run(ctx context.Context, file *mapping.File, opt source.Options) error {
	var text strings.Builder
	for _, r := range c.test.Rows {
		text.WriteString(r.Value + "\n")
	}
	opt.Format = "jsonl"
	_, err := pipeline.Check(ctx, pipeline.Options{
		Plan: c.plan, Source: opt, Duplicates: file.Source.Duplicates,
		Inputs: []source.Input{{Path: file.Path, Format: "jsonl", Reader: strings.NewReader(text.String())}},
	}, func(m *mapping.Mapped, _ string) error {
		for r := range m.Source.Len() {
			c.rows++
			for _, want := range c.test.Expect {
				if want.Row == c.rows {
					c.compare(m, r, want)
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

func (c *comparer) compare(m *mapping.Mapped, r int, want *syntax.Expectation) {
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
			c.field(m, r, target, want, f)
		}
		for _, name := range want.Absent {
			if col := c.column(m, target, name.Value); col >= 0 {
				if cell := records.Batch.Cell(r, col); cell.Kind() != row.Absent {
					c.failf(name.Pos, want, "", "%s is %s, expected not to be sent", name.Value, c.shown(m, r, target, col))
				}
			}
		}
	}
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

// column returns the column of a field's name, in any case; -1 for none.
func (c *comparer) column(m *mapping.Mapped, target int, name string) int {
	for i, col := range m.Targets[target].Batch.Schema().Columns {
		if strings.EqualFold(col.Name, name) {
			return i
		}
	}
	return -1
}

// field compares one field.
func (c *comparer) field(m *mapping.Mapped, r, target int, want *syntax.Expectation, f syntax.ExpectedField) {
	col := c.column(m, target, f.Field.Value)
	if col < 0 {
		c.failf(f.Field.Pos, want, diag.DidYouMean(f.Field.Value, c.plan.Targets[target].Fields()), "%s has no rule", f.Field.Value)
		return
	}
	cell := m.Targets[target].Batch.Cell(r, col)
	if f.Value == nil {
		if cell.Kind() != row.Null {
			c.failf(f.Field.Pos, want, "", "%s is %s, expected null", f.Field.Value, c.shown(m, r, target, col))
		}
		return
	}
	expected := f.Value.Value
	if what, name, value := m.Awaits(r, target, col); what != "" {
		got := name
		if what == "lookup" {
			got = value.Text
		}
		if got != expected {
			c.failf(f.Value.Pos, want, "", "%s is %s, expected %q", f.Field.Value, c.shown(m, r, target, col), expected)
		}
		return
	}
	same := cell.Kind() > row.Null && cell.Text == expected
	if field := c.plan.Targets[target].Field(m.Targets[target].Batch.Schema(), col); !same && field != nil && cell.Kind() > row.Null {
		same = convert.Same(field, cell, row.MakeCell(row.Text, expected)) // 12 and 12.0 are the same
	}
	if !same {
		c.failf(f.Value.Pos, want, "", "%s is %s, expected %q", f.Field.Value, c.shown(m, r, target, col), expected)
	}
}

// shown words what a column of a row holds.
func (c *comparer) shown(m *mapping.Mapped, r, target, col int) string {
	cell := m.Targets[target].Batch.Cell(r, col)
	switch what, name, value := m.Awaits(r, target, col); {
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
