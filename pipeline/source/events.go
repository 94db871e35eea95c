package source

import (
	"context"

	"sfsync/mapping/event"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source/events"
	"sfsync/pipeline/source/inputerr"
)

// eventsReader reads JSON Lines of events.
type eventsReader struct {
	Reader
	events *events.Translator
}

// openEvents opens an input of events.
func openEvents(ctx context.Context, in Input, opt Options) (Reader, error) {
	t := events.New(opt.Paths, opt.Rest, opt.Pool, *opt.Events)
	opt.Events, opt.Paths, opt.Rest, opt.All = nil, t.Wants(), false, false
	r, err := openLines(ctx, in, opt)
	if err != nil {
		return nil, err
	}
	return &eventsReader{Reader: r, events: t}, nil
}

// openLines opens an input that has to be JSON Lines, as those of events.
func openLines(ctx context.Context, in Input, opt Options) (Reader, error) {
	r, err := Open(ctx, in, opt)
	if err != nil {
		return nil, err
	}
	if f := r.Info().Format; f != "jsonl" {
		_ = r.Close() // only read from
		return nil, inputerr.BadOption(in.Path, "is %s, and events are read from JSON Lines, one event a line: export them so, or say events: none", f)
	}
	return r, nil
}

func (r *eventsReader) Next(ctx context.Context) (*row.Batch, error) {
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	return r.events.Translate(b), nil
}

func (r *eventsReader) Schema() *row.Schema { return r.events.Schema() }

func (r *eventsReader) Warnings() []string {
	w := r.Reader.Warnings()
	return append(w[:len(w):len(w)], r.events.Warnings()...)
}

// ScanEvents reads inputs of events for the kinds of records that they name themselves, in the order
// in which they first come, and stops once there are as many as a run takes or, unless it is 0, after
// a limit of rows. What is wrong with an input or a row is passed over: it comes up where they are
// read. The error is the context's.
func ScanEvents(ctx context.Context, inputs []Input, opt Options, gate bool, limit int64) ([]event.Entry, error) {
	scan := events.NewScan(gate)
	opt.Events, opt.Paths, opt.Rest, opt.All = nil, scan.Paths(), false, false
	for _, in := range inputs {
		rows := scanEvents(ctx, in, opt, scan, limit)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if limit > 0 {
			if limit -= rows; limit <= 0 {
				break
			}
		}
	}
	return scan.Entries(), nil
}

// scanEvents scans one input, up to a limit that is not 0, and returns its rows.
func scanEvents(ctx context.Context, in Input, opt Options, scan *events.Scan, limit int64) (rows int64) {
	r, err := openLines(ctx, in, opt)
	if err != nil {
		return 0
	}
	defer func() { _ = r.Close() }() // only read from
	for !scan.Full() {
		b, err := r.Next(ctx)
		if err != nil {
			break
		}
		for limit > 0 && rows+int64(b.Len()) > limit {
			b.DropLast()
		}
		rows += int64(b.Len())
		scan.Add(b)
		b.Free()
		if rows == limit {
			break
		}
	}
	return rows
}
