package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// reader is the first stage: it turns the inputs into numbered batches, in order.
type reader struct {
	opt    *Options
	window *window
	stop   context.Context // ends when no more is to be read

	// What the stage found out; to be read after it has ended.
	inputs   []Input
	warnings []string
	rows     int64 // read, also those that an earlier try had finished
	complete bool
	err      error // why an input could not be read to its end

	sample *sample // which rows are read; nil for all
	again  bool    // the rows are read the second time, and count but once

	seq   int64 // the number of the next batch
	known int64 // up to this one an earlier try left batches behind; -1 for none
}

// run emits every batch as work. A bad input does not fail the stage: the rows before it are
// delivered, and the error is kept for the end of the run.
func (rd *reader) run(ctx context.Context, emit func(context.Context, *work) error) error {
	rd.known = -1
	var err error
	if rd.sample, err = newSample(rd.stop, rd.opt); err != nil {
		if rd.stop.Err() == nil {
			rd.err = err
		}
		return nil
	}
	if rd.opt.Resume {
		if rd.known, err = rd.opt.Ledger.Last(ctx); err != nil {
			return err
		}
	}
	for i, in := range rd.opt.Inputs {
		more, err := rd.file(ctx, i, in, emit)
		if rd.until(ctx).Err() != nil {
			return nil // told to stop: what was read goes on its way
		}
		if err != nil {
			rd.err = err
			return nil
		}
		if !more {
			return nil // the limit was reached: that is all that was asked for
		}
	}
	if rd.seq <= rd.known {
		rd.err = fmt.Errorf("%w: it has become shorter", ErrInputChanged)
		return nil
	}
	rd.complete = true
	return nil
}

// until returns the context that ends the reading of the next batch. The batches that an
// earlier try left behind are read even after a stop: what is known of their records has to
// come into the account.
func (rd *reader) until(ctx context.Context) context.Context {
	if rd.seq <= rd.known {
		return ctx
	}
	return rd.stop
}

// file emits the batches of one input; more is false once the limit is reached.
func (rd *reader) file(ctx context.Context, index int, in source.Input, emit func(context.Context, *work) error) (more bool, err error) {
	was, _ := os.Stat(in.Path) // Open says what is wrong with it
	r, err := source.Open(rd.until(ctx), in, rd.opt.Source)
	if err != nil {
		return false, err
	}
	defer func() {
		if written(in, was) {
			rd.warnings = append(rd.warnings, in.Path+": was written while it was read: rows may be missing or torn; run it again once it is whole")
		}
		info := r.Info()
		rd.inputs = append(rd.inputs, Input{Path: in.Path, Format: info.Format, SHA256: info.SHA256, Bytes: info.Bytes, Rows: info.Rows})
		for _, w := range r.Warnings() {
			if w = in.Path + ": " + w; !slices.Contains(rd.warnings, w) {
				rd.warnings = append(rd.warnings, w)
			}
		}
		err = errors.Join(err, r.Close())
	}()
	if r.Complete() && len(r.Schema().Columns) > 0 { // an empty file has no rows, and is no mistake of the mapping
		if err := rd.opt.checkColumns(r.Schema(), in.Path); err != nil {
			return false, err
		}
	}
	before := rd.opt.Stats.Bytes.Load()
	for {
		b, err := r.Next(rd.until(ctx))
		if errors.Is(err, io.EOF) {
			rd.progress(before + r.Info().Bytes)
			return true, nil
		}
		if err != nil {
			return false, err
		}
		b.Seq, b.File = rd.seq, index
		if rd.sample != nil {
			if rd.sample.choose(b); b.Len() == 0 {
				b.Free()
				continue
			}
		}
		if limit := rd.opt.Limit; limit > 0 {
			for rd.rows+int64(b.Len()) > limit {
				b.DropLast()
			}
		}
		if err := rd.pass(ctx, b, emit); err != nil {
			return false, err
		}
		rd.seq++
		rd.progress(before + r.Info().Bytes)
		if rd.opt.Limit > 0 && rd.rows >= rd.opt.Limit {
			rd.complete = true
			return false, nil
		}
	}
}

// written reports whether a file is not any more as it was. One that was replaced or removed does not
// count: what was open was read to its end.
func written(in source.Input, was os.FileInfo) bool {
	if was == nil || in.Stdin || in.Reader != nil {
		return false
	}
	now, err := os.Stat(in.Path)
	return err == nil && os.SameFile(was, now) && (now.Size() != was.Size() || !now.ModTime().Equal(was.ModTime()))
}

// progress notes how many bytes were read.
func (rd *reader) progress(bytes int64) {
	if !rd.again {
		rd.opt.Stats.Bytes.Store(bytes)
	}
}

// pass hands a batch on, unless an earlier try at the run has finished it.
func (rd *reader) pass(ctx context.Context, b *row.Batch, emit func(context.Context, *work) error) error {
	w := &work{source: b, ready: make(chan struct{}), rows: b.Len(), first: rd.rows, room: b.Len(), bytes: b.Size()}
	if rd.opt.Ledger != nil {
		w.sum = b.Checksum()
	}
	if rd.opt.Resume {
		prior, err := rd.opt.Ledger.Find(ctx, b.Seq)
		if err != nil {
			b.Free()
			return err
		}
		if prior != nil && (prior.Checksum != w.sum || prior.Rows != w.rows || prior.File != b.File) {
			last := prior.Line
			if w.rows > 0 {
				last = b.Line(w.rows - 1)
			}
			b.Free()
			return fmt.Errorf("%w: %s:%d to line %d", ErrInputChanged, rd.opt.Inputs[b.File].Path, prior.Line, last)
		}
		if prior != nil && prior.Final {
			rd.rows += int64(w.rows)
			b.Free()
			return nil
		}
		w.prior = prior
	}
	rows := int64(w.rows)
	if err := rd.window.enter(rd.stop, w.rows, w.bytes); err != nil {
		switch {
		case ctx.Err() != nil || rd.seq > rd.known:
			b.Free()
			return err
		case w.prior == nil: // nothing is known of it: it is left for the next try
			b.Free()
			return nil
		}
		// After a stop nothing makes room any more; of these batches there is no more than once
		// found room in the window together.
		rd.window.force()
		w.room, w.bytes = 0, 0
	}
	if err := emit(rd.until(ctx), w); err != nil {
		rd.window.leave(w.room, w.bytes)
		b.Free()
		return err
	}
	rd.rows += rows // emit gave w away
	if !rd.again {
		rd.opt.Stats.Read.Add(rows)
	}
	return nil
}

// Preflight opens every input and checks its columns against the plan, so that the mistakes
// that can be known before anything is sent are. What is no regular file cannot be opened
// twice and is left out.
func Preflight(ctx context.Context, opt Options) error {
	opt.defaults()
	var errs []error
	for _, in := range opt.Inputs {
		if in.Stdin || in.Reader != nil {
			continue
		}
		// What cannot be opened twice (a pipe, a FIFO) would lose its beginning.
		if info, err := os.Stat(in.Path); err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err := preflight(ctx, in, &opt); err != nil {
			errs = append(errs, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

func preflight(ctx context.Context, in source.Input, opt *Options) (err error) {
	r, err := source.Open(ctx, in, opt.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if !r.Complete() || len(r.Schema().Columns) == 0 {
		return nil
	}
	return opt.checkColumns(r.Schema(), in.Path)
}

// checkColumns checks a file's columns against the plan, and what it has for a second pass.
func (o *Options) checkColumns(s *row.Schema, path string) error {
	_, err := o.Plan.CheckColumns(s, path)
	if err == nil && o.Plan.Second != nil {
		_, err = o.Plan.Second.CheckColumns(s, path)
	}
	return err
}

// ledgerBatch is what the ledger needs to know of a batch that is to be sent.
func (w *work) ledgerBatch() ledger.Batch {
	b := ledger.Batch{Seq: w.source.Seq, File: w.source.File, Rows: w.rows, Checksum: w.sum}
	if w.rows > 0 {
		b.Line = w.source.Line(0)
	}
	return b
}
