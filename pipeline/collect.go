package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"sfsync/mapping/event"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
)

// The keys of the ledger's documents that the collector keeps.
const (
	offsetsKey = "offsets"
	errorsKey  = "errors"
	effortKey  = "effort"
)

// collector is the last stage: it writes the outcome of every row, batch by batch in reading
// order, and keeps the counts. It is the only one that writes the report.
type collector struct {
	opt    *Options
	window *window
	halt   func(error) // makes the run end early

	next   int64           // the number of the batch to be written next
	held   map[int64]*work // complete or abandoned batches that are not yet written
	finals []ledger.Final  // batches that are written and not yet committed
	err    error

	rows    Counts
	targets []TargetCounts
}

// run writes batches until there are no more. After an error it only makes room, so that
// nobody waits for it.
func (c *collector) run(ctx context.Context, in <-chan *work) error {
	ctx = context.WithoutCancel(ctx) // what is decided is written, however the run ends
	for w := range in {
		c.held[w.seq()] = w
		for c.err == nil {
			w := c.held[c.next]
			if w == nil || w.open > 0 {
				break
			}
			c.next = w.seq() + 1
			c.fail(guard(func() error { return c.finish(w) }))
			c.drop(w)
		}
		// A commit waits for the disk, so batches that are there already share one.
		if len(in) == 0 || len(c.finals) >= 16 {
			c.fail(c.commit(ctx))
		}
		if c.err != nil {
			c.dropAll()
		}
	}
	c.fail(c.commit(ctx))
	c.fail(c.leftovers())
	return c.err
}

// fail ends the run early for an error; the first one stays.
func (c *collector) fail(err error) {
	if err != nil && c.err == nil {
		c.err = err
		c.halt(err)
	}
}

// finish writes a batch whose records are all decided.
func (c *collector) finish(w *work) error {
	if c.opt.Ledger != nil {
		states := make([]ledger.State, w.rows*len(c.targets)) // finds have no place in it
		for i := range states {
			states[i] = w.records[i].state
		}
		c.finals = append(c.finals, ledger.Final{Seq: w.seq(), States: states})
	}
	return c.write(w)
}

// commit says in the ledger that the batches written since the last commit are finished, and
// where the report ends now.
func (c *collector) commit(ctx context.Context) error {
	if len(c.finals) == 0 || c.err != nil {
		return nil
	}
	meta := make(map[string]json.RawMessage, 2)
	var err error
	if c.opt.Rows != nil {
		if meta[offsetsKey], err = c.opt.Rows.Commit(); err != nil {
			return err
		}
	}
	if c.opt.Errors != nil && c.opt.Errors.Changed() {
		if meta[errorsKey], err = json.Marshal(c.opt.Errors); err != nil {
			return err
		}
	}
	if c.opt.Effort != nil {
		if meta[effortKey], err = json.Marshal(c.opt.Effort()); err != nil {
			return err
		}
	}
	finals := c.finals
	c.finals = c.finals[:0]
	return c.opt.Ledger.Finish(ctx, finals, meta)
}

// leftovers writes what is known of the batches that a stop left undecided. The ledger does not
// call them finished, so a resumed run cuts these lines off and writes them again.
func (c *collector) leftovers() error {
	err := c.err
	for _, seq := range slices.Sorted(maps.Keys(c.held)) {
		w := c.held[seq]
		for i := range w.records {
			if rec := &w.records[i]; rec.state == ledger.Sending {
				rec.problem = &ledger.Problem{Code: "NO_ANSWER", Message: "the run ended before an answer came: resume it to find out", Attempts: int(rec.attempts)}
			}
		}
		if err == nil {
			err = guard(func() error { return c.write(w) })
		}
		c.drop(w)
	}
	if err == nil && c.opt.Rows != nil {
		_, err = c.opt.Rows.Commit()
	}
	return err
}

// write adds a batch to the report and to the counts.
func (c *collector) write(w *work) error {
	path := c.opt.Inputs[w.source.File].Path
	for r := range w.rows {
		c.count(w, r, path)
	}
	if err := c.planned(w, path); err != nil {
		return err
	}
	if c.opt.Rows == nil || w.mapped == nil {
		return nil
	}
	return c.opt.Rows.Batch(w.source, path, len(c.targets), func(r, t int) report.Outcome { return c.outcome(w, r, t) })
}

// count adds a row of a batch to the counts and its errors to the groups.
func (c *collector) count(w *work, r int, path string) {
	c.tally(func(t int) ledger.State { return w.records[t*w.rows+r].state })
	if c.opt.Errors == nil {
		return
	}
	for t := range c.targets {
		rec := &w.records[t*w.rows+r]
		if p := rec.problem; p != nil && rank(rec.state) >= rank(ledger.Failed) {
			c.opt.Errors.Add(p.Code, p.Field, path, w.source.Line(r), p.Message)
		}
	}
}

// tally adds a row to the counts: unknown if any of its records is, else pending, else failed,
// else written if any was, else skipped.
func (c *collector) tally(state func(target int) ledger.State) {
	var worst ledger.State
	for t := range c.targets {
		s := state(t)
		c.targets[t].add(s)
		if t == 0 || rank(s) > rank(worst) {
			worst = s
		}
	}
	c.rows.add(worst)
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

func (n *Counts) add(s ledger.State) {
	n.Read++
	switch s {
	case ledger.Created, ledger.Updated, ledger.Unchanged, ledger.Deleted, ledger.Published:
		n.Succeeded++
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

// outcome is the report's view of a record; one without a status has no line.
func (c *collector) outcome(w *work, r, t int) report.Outcome {
	rec := &w.records[t*w.rows+r]
	p := &c.opt.Plan.Targets[t]
	o := report.Outcome{Target: p.Name, Object: p.Object.Name, ID: rec.id, Attempts: int(rec.attempts)}
	switch rec.state {
	case ledger.Pending:
		return report.Outcome{}
	case ledger.Created:
		o.Status, o.Action = report.Succeeded, "created"
	case ledger.Updated:
		o.Status, o.Action = report.Succeeded, "updated"
	case ledger.Unchanged:
		o.Status, o.Action = report.Succeeded, "unchanged"
	case ledger.Deleted:
		o.Status, o.Action = report.Succeeded, "deleted"
	case ledger.Published:
		o.Status, o.Action = report.Succeeded, "published"
	case ledger.Failed:
		o.Status = report.Failed
	case ledger.Skipped:
		if rec.problem != nil && rec.problem.Code == event.CodeNoEntry {
			return report.Outcome{} // the target is for events that name it, which most do not
		}
		o.Status, o.Action = report.Skipped, "skipped"
	default:
		o.Status = report.Unknown
	}
	if rec.problem != nil {
		o.Code, o.Field, o.Message = rec.problem.Code, rec.problem.Field, rec.problem.Message
	}
	return o
}

func (c *collector) drop(w *work) {
	delete(c.held, w.seq())
	c.window.leave(w.room, w.bytes)
	w.free()
}

func (c *collector) dropAll() {
	for _, w := range c.held {
		c.drop(w)
	}
}

// restore takes up the account of an earlier try: the counts of the batches it finished, the
// error groups, and the report cut back to where it ended then.
func (c *collector) restore(ctx context.Context) error {
	l := c.opt.Ledger
	err := l.Each(ctx, func(b *ledger.Batch) error {
		if !b.Final {
			return nil
		}
		for r := range b.Rows {
			c.tally(func(t int) ledger.State { return b.States[t*b.Rows+r] })
		}
		for _, state := range b.States {
			c.opt.Stats.add(state)
		}
		c.opt.Stats.Read.Add(int64(b.Rows))
		c.next = b.Seq + 1
		return nil
	})
	if err != nil {
		return err
	}
	if c.opt.Errors != nil {
		if _, err := l.Meta(ctx, errorsKey, c.opt.Errors); err != nil {
			return err
		}
	}
	if c.opt.Rows == nil {
		return nil
	}
	var offsets json.RawMessage
	if _, err := l.Meta(ctx, offsetsKey, &offsets); err != nil {
		return err
	}
	return c.opt.Rows.Restore(offsets)
}

// inputsOf gives the inputs that were not reached their place in the account.
func inputsOf(read []Input, all []source.Input) []Input {
	for _, in := range all[len(read):] {
		read = append(read, Input{Path: in.Path, Format: in.Format})
	}
	return read
}
