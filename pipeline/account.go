package pipeline

import (
	"context"
	"encoding/json"
	"fmt"

	"sfsync/pipeline/internal/intake"
	"sfsync/pipeline/ledger"
)

// account is what became of the rows and records, over all passes of a run. The collector of the
// pass under way has it to itself.
type account struct {
	opt     *Options
	rows    Counts
	targets []TargetCounts // of the plan's targets, then of those of its second pass

	// What the first pass made of each row, for the second: what became of the row, then of the
	// records that the targets of the second pass complete. Nil where there is no second pass.
	states []ledger.State
	width  int // of a row in states

	next  int64 // the number of the first batch that no earlier try has finished
	begun int64 // the number of the first batch of a second pass that an earlier try began; 0 for none
}

// secondKey is the key of the ledger's document that says with which batch the second pass began.
const secondKey = "second"

// newAccount returns an empty account, or that of an earlier try: the counts of the batches it
// finished, the error groups, and the report cut back to where it ended then.
func newAccount(ctx context.Context, opt *Options) (*account, error) {
	a := &account{opt: opt, targets: make([]TargetCounts, len(opt.Plan.Targets))}
	if second := opt.Plan.Second; second != nil {
		a.targets = make([]TargetCounts, len(opt.Plan.Targets)+len(second.Targets))
		a.width = 1 + len(second.Targets)
	}
	if !opt.Resume {
		return a, nil
	}
	l := opt.Ledger
	if _, err := l.Meta(ctx, secondKey, &a.begun); err != nil {
		return nil, err
	}
	row, second := int64(0), false
	err := l.Each(ctx, func(b *ledger.Batch) error {
		if !b.Final {
			return nil
		}
		if a.begun > 0 && b.Seq >= a.begun && !second {
			row, second = 0, true
		}
		for r := range b.Rows {
			a.tally(second, row, func(t int) ledger.State { return b.States[t*b.Rows+r] })
			row++
		}
		for _, state := range b.States {
			opt.Stats.Add(state)
		}
		if !second {
			opt.Stats.Read.Add(int64(b.Rows))
		}
		a.next = b.Seq + 1
		return nil
	})
	if err != nil {
		return nil, err
	}
	if opt.Errors != nil {
		if _, err := l.Meta(ctx, errorsKey, opt.Errors); err != nil {
			return nil, err
		}
	}
	if opt.Rows == nil {
		return a, nil
	}
	var offsets json.RawMessage
	if _, err := l.Meta(ctx, offsetsKey, &offsets); err != nil {
		return nil, err
	}
	return a, opt.Rows.Restore(offsets)
}

// tally adds a row to the counts: unknown if any of its records is, else pending, else failed, else
// written if any was, else skipped. The second pass may make the row that the first has counted
// worse. Rows are numbered from 0 in each pass.
func (a *account) tally(second bool, row int64, state func(target int) ledger.State) {
	worst := ledger.Skipped
	targets := a.targets[:len(a.opt.Plan.Targets)]
	if second {
		targets = a.targets[len(targets):]
		if row >= a.read() {
			return // the input has grown: check says so
		}
		worst = a.states[row*int64(a.width)]
		a.rows.add(worst, -1)
	}
	for t := range targets {
		s := state(t)
		targets[t].add(s)
		if rank(s) > rank(worst) {
			worst = s
		}
	}
	a.rows.add(worst, 1)
	if a.width == 0 || second {
		return
	}
	if need := (row + 1) * int64(a.width); int64(len(a.states)) < need {
		a.states = append(a.states, make([]ledger.State, need-int64(len(a.states)))...)
	}
	at := a.states[row*int64(a.width):]
	at[0] = worst
	for i := range a.opt.Plan.Second.Targets {
		at[1+i] = state(a.opt.Plan.Second.Targets[i].First)
	}
}

// unread adds what the ledger knows of the batches that this try did not come to read again: they are part of the run,
// and some of their records may have been sent.
func (a *account) unread(ctx context.Context, p *pass, rd *intake.Reader) error {
	if !a.opt.Resume {
		return nil
	}
	row := rd.Rows
	return a.opt.Ledger.Each(context.WithoutCancel(ctx), func(b *ledger.Batch) error {
		switch {
		case b.Seq < rd.Seq:
			return nil
		case b.Final: // counted when the run began
			row += int64(b.Rows)
			return nil
		}
		for r := range b.Rows {
			a.tally(p.base > 0, row, func(t int) ledger.State { return b.States[t*b.Rows+r] })
			row++
		}
		return nil
	})
}

// read is how many rows the first pass has counted.
func (a *account) read() int64 { return int64(len(a.states) / max(1, a.width)) }

// written reports whether the first pass wrote the record of a row that target t of the second
// completes.
func (a *account) written(row int64, t int) bool {
	return row < a.read() && rank(a.states[row*int64(a.width)+1+int64(t)]) == rank(ledger.Updated)
}

// check returns an error if the second pass has read other rows than the first.
func (a *account) check(p *pass, rd *intake.Reader) error {
	if p.base > 0 && rd.Complete && rd.Rows != a.read() {
		return fmt.Errorf("%w: it had %d rows when it was read first, and %d the second time", ErrInputChanged, a.read(), rd.Rows)
	}
	return nil
}

// result makes the account of the run.
func (a *account) result(first, last *pass) *Result {
	res := &Result{
		Rows: a.rows, Targets: a.targets, Costs: first.lanes.Costs(), Retried: first.retried, LastPass: first.late,
		Inputs: first.inputs, Warnings: first.warnings,
	}
	if last != first {
		res.Costs = append(res.Costs, last.lanes.Costs()...)
		res.Retried += last.retried
		res.LastPass += last.late
		if a.begun > 0 { // the first pass was an earlier try's
			res.Inputs, res.Warnings = last.inputs, last.warnings
		}
	}
	res.Inputs = inputsOf(res.Inputs, a.opt.Inputs)
	return res
}

// rank orders states by what they make of a row with several records.
func rank(s ledger.State) int {
	switch s {
	case ledger.Unknown, ledger.Sending:
		return 4
	case ledger.Pending:
		return 3
	case ledger.Failed:
		return 2
	case ledger.Created, ledger.Updated, ledger.Unchanged, ledger.Deleted, ledger.Published:
		return 1
	}
	return 0
}

// add counts n rows more that ended so.
func (c *Counts) add(s ledger.State, n int64) {
	c.Read += n
	switch s {
	case ledger.Created, ledger.Updated, ledger.Unchanged, ledger.Deleted, ledger.Published:
		c.Succeeded += n
	case ledger.Failed:
		c.Failed += n
	case ledger.Skipped:
		c.Skipped += n
	case ledger.Pending:
		c.Pending += n
	default:
		c.Unknown += n
	}
}

func (n *TargetCounts) add(s ledger.State) {
	n.Records++
	switch s {
	case ledger.Created:
		n.Created++
	case ledger.Updated:
		n.Updated++
	case ledger.Unchanged:
		n.Unchanged++
	case ledger.Deleted:
		n.Deleted++
	case ledger.Published:
		n.Published++
	case ledger.Failed:
		n.Failed++
	case ledger.Skipped:
		n.Skipped++
	case ledger.Pending:
		n.Pending++
	default:
		n.Unknown++
	}
}
