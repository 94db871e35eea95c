package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"sfsync/mapping"
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

	account *account
	base    int64 // the number of the pass's first batch
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
		states := make([]ledger.State, w.rows*len(c.opt.Plan.Targets)) // finds have no place in it
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
	return c.opt.Rows.Batch(w.source, path, len(c.opt.Plan.Targets), func(r, t int) report.Outcome { return c.outcome(w, r, t) })
}

// count adds a row of a batch to the counts and its errors to the groups.
func (c *collector) count(w *work, r int, path string) {
	c.account.tally(c.base > 0, w.first+int64(r), func(t int) ledger.State { return w.records[t*w.rows+r].state })
	if c.opt.Errors == nil {
		return
	}
	for t := range c.opt.Plan.Targets {
		rec := &w.records[t*w.rows+r]
		if p := rec.problem; p != nil && rank(rec.state) >= rank(ledger.Failed) {
			file, line := w.source.Place(r, path)
			c.opt.Errors.Add(p.Code, p.Field, file, line, p.Message)
		}
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
		if rec.problem != nil && unlisted(rec.problem.Code) {
			return report.Outcome{}
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

// unlisted reports whether a record that is skipped for such a reason has no line in the report:
// most rows have no use for a target that is there for events that name it, for parents that are
// referred to, or for references.
func unlisted(code string) bool {
	return code == event.CodeNoEntry || code == mapping.CodeNotReferred || code == codeNotWritten
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

// inputsOf gives the inputs that were not reached their place in the account.
func inputsOf(read []Input, all []source.Input) []Input {
	for _, in := range all[len(read):] {
		read = append(read, Input{Path: in.Path, Format: in.Format})
	}
	return read
}
