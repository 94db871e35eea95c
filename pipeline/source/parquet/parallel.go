package parquet

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"sfsync/pipeline/row"
)

// A file is read in spans: runs of row groups with enough rows that many small row groups do not
// make many small batches. A batch ends with its span, however many workers there are, so that
// reading again gives the same batches.
const (
	spanRows = 16 * row.MaxRows
	// maxWorkers is the most spans that are read at once; each takes its share of the memory.
	maxWorkers = 4
	// maxAhead is the most batches that wait for their turn, over all workers.
	maxAhead = 32
)

// span is a run of row groups.
type span struct {
	from, to int   // the row groups
	first    int64 // the rows before it
}

// spans divides the row groups of a file.
func (f *File) spans() []span {
	var out []span
	var first, rows int64
	from := 0
	for i, g := range f.footer.groups {
		rows += g.rows
		if rows >= spanRows || i == len(f.footer.groups)-1 {
			out = append(out, span{from, i + 1, first})
			first, rows, from = first+rows, 0, i+1
		}
	}
	return out
}

// Rows reads the rows of a file in batches, in their order, several spans at a time where there
// are several and the machine has more than one processor. It is not safe for concurrent use.
type Rows struct {
	f      *File
	want   func(int) bool
	schema *row.Schema
	pool   *row.Pool
	spans  []span
	next   int // the span that is read next, of those that were not begun

	alone   *Reader // reads on this goroutine
	workers int
	running []chan result   // one for each span under way, in their order
	ctx     context.Context // of the workers
	cancel  context.CancelFunc
	wait    sync.WaitGroup
	handed  int64 // rows handed out of the span whose turn it is
	err     error
}

// result is a batch, or why a span ended.
type result struct {
	batch *row.Batch
	err   error
}

// ReadRows returns a reader of the columns for which want is true; nil stands for all. The
// schema's columns are those of the file, the other ones are absent. The error says which column
// cannot be read.
func (f *File) ReadRows(want func(i int) bool, schema *row.Schema, pool *row.Pool) (*Rows, error) {
	r := &Rows{f: f, want: want, schema: schema, pool: pool, spans: f.spans()}
	r.workers = min(runtime.GOMAXPROCS(0), maxWorkers, len(r.spans))
	var err error
	if r.alone, err = f.Read(want); err != nil {
		return nil, err
	}
	r.alone.last = 0 // nothing until a span is its
	return r, nil
}

// Next returns the next batch, which belongs to the caller, or io.EOF after the last one. Any
// other error is final. The context must be the same every time.
func (r *Rows) Next(ctx context.Context) (*row.Batch, error) {
	if r.err != nil {
		return nil, r.err
	}
	if err := ctx.Err(); err != nil {
		return nil, r.end(err)
	}
	if r.workers > 1 {
		b, err := r.parallel(ctx)
		if !errors.Is(err, ErrMemory) {
			return b, r.end(err)
		}
		// The share of the memory that a worker has is too little: go on with all of it.
		r.stop()
		r.workers = 1
		if err := r.resume(ctx); err != nil {
			return nil, r.end(err)
		}
	}
	b := r.pool.Get(r.schema)
	err := r.alone.Fill(ctx, b)
	for errors.Is(err, io.EOF) && b.Len() == 0 && r.next < len(r.spans) {
		r.alone.limit(r.spans[r.next])
		r.next++
		err = r.alone.Fill(ctx, b)
	}
	if b.Len() > 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			r.err = err // for the next call
		}
		return b, nil
	}
	b.Free()
	return nil, r.end(err)
}

func (r *Rows) end(err error) error {
	if err != nil && r.err == nil {
		r.err = err
	}
	return err
}

// parallel returns the next batch of the workers.
func (r *Rows) parallel(ctx context.Context) (*row.Batch, error) {
	if r.cancel == nil {
		r.ctx, r.cancel = context.WithCancel(ctx)
		for range r.workers {
			r.start()
		}
	}
	for len(r.running) > 0 {
		var res result
		select {
		case res = <-r.running[0]:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		switch {
		case res.batch != nil:
			r.handed += int64(res.batch.Len())
			return res.batch, nil
		case !errors.Is(res.err, io.EOF):
			return nil, res.err
		}
		r.running, r.handed = r.running[1:], 0
		r.start()
	}
	return nil, io.EOF
}

// start begins to read the next span.
func (r *Rows) start() {
	if r.next == len(r.spans) {
		return
	}
	s := r.spans[r.next]
	r.next++
	c := make(chan result, maxAhead/r.workers)
	r.running = append(r.running, c)
	r.wait.Go(func() { r.work(r.ctx, s, c) })
}

// work reads a span. Panics of the reader are errors already.
func (r *Rows) work(ctx context.Context, s span, out chan<- result) {
	send := func(res result) bool {
		select {
		case out <- res:
			return true
		case <-ctx.Done():
			if res.batch != nil {
				res.batch.Free()
			}
			return false
		}
	}
	rd, err := r.f.share(r.want, r.workers)
	if err != nil {
		send(result{err: err})
		return
	}
	defer rd.Close()
	rd.limit(s)
	for {
		b := r.pool.Get(r.schema)
		err := rd.Fill(ctx, b)
		if b.Len() == 0 || errors.Is(err, ErrMemory) { // what lacks memory is read again with more
			b.Free()
		} else if !send(result{batch: b}) {
			return
		}
		if err != nil {
			send(result{err: err})
			return
		}
	}
}

// stop ends the workers and drops what they have read.
func (r *Rows) stop() {
	if r.cancel != nil {
		r.cancel()
		r.wait.Wait()
		r.cancel = nil
	}
}

// resume goes to the row behind those that were handed out, on this goroutine.
func (r *Rows) resume(ctx context.Context) error {
	at := r.next - len(r.running)
	for _, c := range r.running {
		for len(c) > 0 {
			if res := <-c; res.batch != nil {
				res.batch.Free()
			}
		}
	}
	r.running, r.next = nil, at+1
	r.alone.limit(r.spans[at])
	return r.alone.skip(ctx, r.handed, r.schema, r.pool)
}

// Close ends the workers. Batches that were handed out stay valid.
func (r *Rows) Close() {
	r.stop()
	r.alone.Close()
	if r.err == nil {
		r.err = errors.New("closed")
	}
}
