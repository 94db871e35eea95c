package pipeline

import (
	"context"
	"errors"
	"slices"

	"sfsync/mapping"
	"sfsync/pipeline/internal/intake"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/keys"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// Check reads and maps the inputs as [Run] does and sends nothing: Succeeded counts the rows
// whose records would all be sent or skipped. Each, if not nil, is called with every mapped
// batch in reading order. Targets, Workers and Ledger of the options are not used.
func Check(ctx context.Context, opt Options, each func(Checked) error) (res *Result, err error) {
	opt.defaults()
	opt.Source.Only = true // no row is kept
	res = &Result{Targets: make([]TargetCounts, len(opt.Plan.Targets))}
	var second *mapping.Mapper
	if p := opt.Plan.Second; p != nil {
		second = p.NewMapper(opt.Source.Pool)
		res.Targets = append(res.Targets, make([]TargetCounts, len(p.Targets))...)
	}
	twice, err := findDuplicates(ctx, &opt)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, twice.close()) }()
	var index *keys.Collector
	if twice == nil {
		index = keys.NewCollector(opt.Plan, opt.Temp)
		defer func() { err = errors.Join(err, index.Close()) }()
	}
	read, err := intake.Survey(ctx, opt.intake(), func(w *work.Batch) error {
		if err := twice.apply(ctx, w.Mapped); err != nil {
			return err
		}
		inherit(opt.Plan, w.Mapped)
		c := Checked{Path: opt.Inputs[w.Source.File].Path, First: w.Mapped}
		if second != nil {
			c.Second = second.Map(w.Source)
			defer intake.FreeRecords(c.Second)
			follow(opt.Plan.Second, c)
		}
		res.judge(&opt, c)
		if index != nil {
			if err := index.AddBatch(w.Mapped); err != nil {
				return err
			}
		}
		if each == nil {
			return nil
		}
		return each(c)
	})
	res.Inputs, res.Warnings = inputsOf(read.Inputs, opt.Inputs), read.Warnings
	res.Complete = err == nil && read.Complete
	switch {
	case twice != nil:
		res.Keys = keyCounts(twice.groups, opt.Inputs)
	case ctx.Err() == nil:
		groups, _, found := index.Resolve(ctx, keys.InOrder)
		res.Keys, err = keyCounts(groups, opt.Inputs), errors.Join(err, found)
	}
	return res, err
}

// Checked is a mapped batch of a check. Nothing of it may be kept.
type Checked struct {
	// Path is the input that the rows are of.
	Path string
	// First are the rows as the plan maps them, Second as Plan.Second does; nil where there is none.
	First, Second *mapping.Mapped
}

// follow leaves out what the second pass would not come to, since the first has failed or skipped
// the record.
func follow(second *mapping.Plan, c Checked) {
	for t := range second.Targets {
		first := &c.First.Targets[second.Targets[t].First]
		for r := range c.First.Source.Len() {
			if first.Fate(r) != mapping.Send {
				c.Second.Targets[t].Overrule(r, mapping.Skip, mapping.Problem{Code: work.CodeNotWritten, Message: "the record of " + second.Targets[t].Name + " is not written in the first pass"})
			}
		}
	}
}

// inherit settles the records that refer to others of the same row, as a run would: the mapper
// judges each target by itself.
func inherit(plan *mapping.Plan, m *mapping.Mapped) {
	for t := range plan.Targets {
		if len(plan.Targets[t].Needs) == 0 {
			continue
		}
		for r := range m.Source.Len() {
			inheritRow(plan, m, t, r, len(plan.Targets))
		}
	}
}

// inheritRow settles one record after those that it refers to. There are no circles; depth is a
// bound in any case.
func inheritRow(plan *mapping.Plan, m *mapping.Mapped, t, r, depth int) {
	if depth == 0 || m.Targets[t].Fate(r) != mapping.Send {
		return
	}
	target, records := &plan.Targets[t], &m.Targets[t]
	blanked := false
	for _, need := range target.Needs {
		if need.Record >= len(plan.Targets) || !records.Batch.Cell(r, need.Column).Awaited() {
			continue
		}
		inheritRow(plan, m, need.Record, r, depth-1)
		parent, name := &m.Targets[need.Record], plan.Targets[need.Record].Name
		switch why := parent.Reason(r); {
		case parent.Fate(r) == mapping.Fail:
			records.Overrule(r, mapping.Fail, mapping.Problem{Code: work.CodeParentFailed, Field: need.Field, Message: "the record of target " + name + " failed: " + why.Code + ": " + why.Message})
			return
		case parent.Fate(r) == mapping.Look && why.Code != "":
			records.Overrule(r, mapping.Fail, mapping.Problem{Code: work.CodeParentFailed, Field: need.Field, Message: "the record of target " + name + " cannot be looked for: " + why.Code + ": " + why.Message})
			return
		case parent.Fate(r) != mapping.Skip:
			continue
		case why.Code == work.CodeSuperseded: // the later row of the key has this record, too
			records.Overrule(r, mapping.Skip, why)
			return
		}
		blanked = true
		switch f := target.Field(records.Batch.Schema(), need.Column); {
		case need.Blank == mapping.BlankFail, f != nil && f.Required() && target.Operation == mapping.Insert:
			records.Overrule(r, mapping.Fail, mapping.Problem{Code: mapping.CodeRequired, Field: need.Field, Message: need.Field + " is blank, since the record of target " + name + " is skipped"})
			return
		case need.Blank == mapping.BlankNull:
			records.Batch.SetKind(r, need.Column, row.Null)
		default:
			records.Batch.SetKind(r, need.Column, row.Absent)
		}
	}
	if blanked && len(target.Keys) > 0 && !slices.ContainsFunc(target.Keys, func(k mapping.Key) bool { return filled(records.Batch, r, k) }) {
		records.Overrule(r, mapping.Fail, *target.KeyBlank())
	}
}

// filled reports whether a record has all parts of a key.
func filled(b *row.Batch, r int, k mapping.Key) bool {
	return !slices.ContainsFunc(k.Columns, func(c int) bool { return b.Cell(r, c).Kind() <= row.Null })
}

// keyCounts brings what an index found into a form for reports.
func keyCounts(groups []keys.Group, inputs []source.Input) []KeyCounts {
	out := make([]KeyCounts, 0, len(groups))
	place := func(p keys.Place) Place { return Place{inputs[p.File()].Path, p.Line()} }
	for _, g := range groups {
		c := KeyCounts{Target: g.Target, Key: g.Number, Records: g.Records, Distinct: g.Distinct, Repeated: g.Repeated, Sharing: g.Sharing}
		for _, r := range g.First {
			c.First = append(c.First, [2]Place{place(r.First), place(r.Again)})
		}
		out = append(out, c)
	}
	return out
}

// judge counts what would become of the rows of a batch.
func (res *Result) judge(opt *Options, c Checked) {
	first := len(opt.Plan.Targets)
	for r := range c.First.Source.Len() {
		sent, failed := false, false
		for t := range res.Targets {
			var recs *mapping.Records
			if t < first {
				recs = &c.First.Targets[t]
			} else {
				recs = &c.Second.Targets[t-first]
			}
			n := &res.Targets[t]
			n.Records++
			switch recs.Fate(r) {
			case mapping.Send:
				sent = true
			case mapping.Look: // no record of its own
				n.Records--
			case mapping.Skip, mapping.Hold:
				n.Skipped++
				opt.Stats.Skipped.Add(1)
			case mapping.Fail:
				failed = true
				n.Failed++
				opt.Stats.Failed.Add(1)
				if opt.Errors != nil {
					file, line := c.First.Source.Place(r, c.Path)
					for p := range recs.Problems(r) {
						opt.Errors.Add(p.Code, p.Field, file, line, p.Message)
					}
				}
			}
		}
		res.Rows.Read++
		switch {
		case failed:
			res.Rows.Failed++
		case sent:
			res.Rows.Succeeded++
		default:
			res.Rows.Skipped++
		}
	}
}
