package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"sfsync/mapping"
	"sfsync/mapping/event"
	"sfsync/pipeline/internal/intake"
	"sfsync/pipeline/internal/work"
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
	window *intake.Window
	halt   func(error) // makes the run end early

	next   int64                 // the number of the batch to be written next
	held   map[int64]*work.Batch // complete or abandoned batches that are not yet written
	finals []ledger.Final        // batches that are written and not yet committed
	err    error

	account *account
	base    int64 // the number of the pass's first batch
}

// run writes batches until there are no more. After an error it only makes room, so that
// nobody waits for it.
func (c *collector) run(ctx context.Context, in <-chan *work.Batch) error {
	ctx = context.WithoutCancel(ctx) // what is decided is written, however the run ends
	for w := range in {
		c.held[w.Seq()] = w
		for c.err == nil {
			w := c.held[c.next]
			if w == nil || w.Open > 0 {
				break
			}
			c.next = w.Seq() + 1
			c.fail(work.Guard(func() error { return c.finish(w) }))
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
func (c *collector) finish(w *work.Batch) error {
	if c.opt.Ledger != nil {
		states := make([]ledger.State, w.Rows*len(c.opt.Plan.Targets)) // finds have no place in it
		for i := range states {
			states[i] = w.Records[i].State
		}
		c.finals = append(c.finals, ledger.Final{Seq: w.Seq(), States: states})
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
		for i := range w.Records {
			if rec := &w.Records[i]; rec.State == ledger.Sending {
				rec.Problem = &ledger.Problem{Code: "NO_ANSWER", Message: "the run ended before an answer came: resume it to find out", Attempts: int(rec.Attempts)}
			}
		}
		if err == nil {
			err = work.Guard(func() error { return c.write(w) })
		}
		c.drop(w)
	}
	if err == nil && c.opt.Rows != nil {
		_, err = c.opt.Rows.Commit()
	}
	return err
}

// write adds a batch to the report and to the counts.
func (c *collector) write(w *work.Batch) error {
	path := c.opt.Inputs[w.Source.File].Path
	for r := range w.Rows {
		c.count(w, r, path)
	}
	if err := c.planned(w, path); err != nil {
		return err
	}
	if c.opt.Rows == nil || w.Mapped == nil {
		return nil
	}
	return c.opt.Rows.Batch(w.Source, path, len(c.opt.Plan.Targets), func(r, t int) report.Outcome { return c.outcome(w, r, t) })
}

// count adds a row of a batch to the counts and its errors to the groups.
func (c *collector) count(w *work.Batch, r int, path string) {
	c.account.tally(c.base > 0, w.First+int64(r), func(t int) ledger.State { return w.Records[t*w.Rows+r].State })
	if c.opt.Errors == nil {
		return
	}
	for t := range c.opt.Plan.Targets {
		rec := &w.Records[t*w.Rows+r]
		p := rec.Problem
		if p == nil || rank(rec.State) < rank(ledger.Failed) {
			continue
		}
		file, line := w.Source.Place(r, path)
		if w.Mapped != nil && w.Mapped.Targets[t].Fate(r) == mapping.Fail { // its line has the first of what may be several
			for p := range w.Mapped.Targets[t].Problems(r) {
				c.opt.Errors.Add(p.Code, p.Field, file, line, p.Message)
			}
			continue
		}
		c.opt.Errors.Add(p.Code, p.Field, file, line, p.Message)
	}
}

// outcome is the report's view of a record; one without a status has no line.
func (c *collector) outcome(w *work.Batch, r, t int) report.Outcome {
	rec := &w.Records[t*w.Rows+r]
	p := &c.opt.Plan.Targets[t]
	o := report.Outcome{Target: p.Name, Object: p.Object.Name, ID: rec.ID, Attempts: int(rec.Attempts)}
	switch rec.State {
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
		if rec.Problem != nil && unlisted(rec.Problem.Code) {
			return report.Outcome{}
		}
		o.Status, o.Action = report.Skipped, "skipped"
	default:
		o.Status = report.Unknown
	}
	if rec.Problem != nil {
		o.Code, o.Field, o.Message = rec.Problem.Code, rec.Problem.Field, rec.Problem.Message
	}
	return o
}

// unlisted reports whether a record that is skipped for such a reason has no line in the report:
// most rows have no use for a target that is there for events that name it, for parents that are
// referred to, or for references.
func unlisted(code string) bool {
	return code == event.CodeNoEntry || code == mapping.CodeNotReferred || code == work.CodeNotWritten
}

func (c *collector) drop(w *work.Batch) {
	delete(c.held, w.Seq())
	c.window.Leave(w.Room, w.Bytes)
	w.Free()
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
