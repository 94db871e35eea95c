package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// Reader is the first stage: it turns the inputs into numbered batches, in order.
type Reader struct {
	opt    *Options
	window *Window
	stop   context.Context // ends when no more is to be read

	// What the stage found out; to be read after it has ended.
	Inputs   []Input
	Warnings []string
	Rows     int64 // read, also those that an earlier try had finished
	Complete bool
	Seq      int64 // the number of the next batch
	Err      error // why an input could not be read to its end

	sample *sample // which rows are read; nil for all
	again  bool    // the rows are read the second time, and count but once
	known  int64   // up to this one an earlier try left batches behind; -1 for none
}

// NewReader returns the stage. It reads until stop ends and gives its first batch the number first, which is
// that of a second pass if it is not 0.
func NewReader(stop context.Context, opt *Options, window *Window, first int64) *Reader {
	return &Reader{opt: opt, window: window, stop: stop, Seq: first, again: first > 0}
}

// Run emits every batch as work. A bad input does not fail the stage: the rows before it are
// delivered, and the error is kept for the end of the run.
func (rd *Reader) Run(ctx context.Context, emit func(context.Context, *work.Batch) error) error {
	rd.known = -1
	var err error
	if rd.sample, err = newSample(rd.stop, rd.opt); err != nil {
		if rd.stop.Err() == nil {
			rd.Err = err
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
			rd.Err = err
			return nil
		}
		if !more {
			return nil // the limit was reached: that is all that was asked for
		}
	}
	if rd.Seq <= rd.known {
		rd.Err = fmt.Errorf("%w: it has become shorter: put it back, or start a new run", work.ErrInputChanged)
		return nil
	}
	rd.Complete = true
	return nil
}

// until returns the context that ends the reading of the next batch. The batches that an
// earlier try left behind are read even after a stop: what is known of their records has to
// come into the account.
func (rd *Reader) until(ctx context.Context) context.Context {
	if rd.Seq <= rd.known {
		return ctx
	}
	return rd.stop
}

// file emits the batches of one input; more is false once the limit is reached.
func (rd *Reader) file(ctx context.Context, index int, in source.Input, emit func(context.Context, *work.Batch) error) (more bool, err error) {
	was, _ := os.Stat(in.Path) // Open says what is wrong with it
	r, err := source.Open(rd.until(ctx), in, rd.opt.Source)
	if err != nil {
		return false, err
	}
	defer func() {
		if written(in, was) {
			rd.Warnings = append(rd.Warnings, in.Path+": was written while it was read: rows may be missing or torn; run it again once it is whole")
		}
		info := r.Info()
		rd.Inputs = append(rd.Inputs, Input{Path: in.Path, Format: info.Format, SHA256: info.SHA256, Bytes: info.Bytes, Rows: info.Rows})
		for _, w := range r.Warnings() {
			if w = in.Path + ": " + w; !slices.Contains(rd.Warnings, w) {
				rd.Warnings = append(rd.Warnings, w)
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
		b.Seq, b.File = rd.Seq, index
		if rd.sample != nil {
			if rd.sample.choose(b); b.Len() == 0 {
				b.Free()
				continue
			}
		}
		if limit := rd.opt.Limit; limit > 0 {
			for rd.Rows+int64(b.Len()) > limit {
				b.DropLast()
			}
		}
		if err := rd.pass(ctx, b, emit); err != nil {
			return false, err
		}
		rd.Seq++
		rd.progress(before + r.Info().Bytes)
		if rd.opt.Limit > 0 && rd.Rows >= rd.opt.Limit {
			rd.Complete = true
			return false, nil
		}
	}
}

// written reports whether a file is not any more as it was. One that was replaced or removed does not
// count: what was open was read to its end.
func written(in source.Input, was os.FileInfo) bool {
	if was == nil || in.Once || in.Reader != nil {
		return false
	}
	now, err := os.Stat(in.Path)
	return err == nil && os.SameFile(was, now) && (now.Size() != was.Size() || !now.ModTime().Equal(was.ModTime()))
}

// progress notes how many bytes were read.
func (rd *Reader) progress(bytes int64) {
	if !rd.again {
		rd.opt.Stats.Bytes.Store(bytes)
	}
}

// pass hands a batch on, unless an earlier try at the run has finished it.
func (rd *Reader) pass(ctx context.Context, b *row.Batch, emit func(context.Context, *work.Batch) error) error {
	w := &work.Batch{Source: b, Ready: make(chan struct{}), Rows: b.Len(), First: rd.Rows, Room: b.Len(), Bytes: b.Size()}
	if rd.opt.Ledger != nil {
		w.Sum = b.Checksum()
	}
	if rd.opt.Resume {
		prior, err := rd.opt.Ledger.Find(ctx, b.Seq)
		if err != nil {
			b.Free()
			return err
		}
		if prior != nil && (prior.Checksum != w.Sum || prior.Rows != w.Rows || prior.File != b.File) {
			last := prior.Line
			if w.Rows > 0 {
				last = b.Line(w.Rows - 1)
			}
			b.Free()
			return fmt.Errorf("%w: %s:%d to line %d: put the file back, or start a new run", work.ErrInputChanged, rd.opt.Inputs[b.File].Path, prior.Line, last)
		}
		if prior != nil && prior.Final {
			rd.Rows += int64(w.Rows)
			b.Free()
			return nil
		}
		w.Prior = prior
	}
	rows := int64(w.Rows)
	if err := rd.window.enter(rd.stop, w.Rows, w.Bytes); err != nil {
		switch {
		case ctx.Err() != nil || rd.Seq > rd.known:
			b.Free()
			return err
		case w.Prior == nil: // nothing is known of it: it is left for the next try
			b.Free()
			return nil
		}
		// After a stop nothing makes room any more; of these batches there is no more than once
		// found room in the window together.
		rd.window.force()
		w.Room, w.Bytes = 0, 0
	}
	if err := emit(rd.until(ctx), w); err != nil {
		rd.window.Leave(w.Room, w.Bytes)
		b.Free()
		return err
	}
	rd.Rows += rows // emit gave w away
	if !rd.again {
		rd.opt.Stats.Read.Add(rows)
	}
	return nil
}
