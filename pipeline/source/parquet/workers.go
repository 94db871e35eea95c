package parquet

import (
	"context"
	"runtime"
	"sync"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/budget"
	"sfsync/pipeline/source/parquet/meta"
)

const (
	// maxWorkers is the most columns that are read at once: more would wait for the rows to be put
	// together.
	maxWorkers = 4
	// fewCells is up to how many cells a file is read without workers.
	fewCells = 20_000
)

// crew is the workers that read the columns of a file. Each reads a column up to the end of a block,
// then another one.
type crew struct {
	mem    *budget.Budget
	tasks  chan *column // those that have a free block and no worker; each is there once at most
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// newCrew begins to read columns.
func newCrew(ctx context.Context, mem *budget.Budget, cols []*column, workers int) *crew {
	c := &crew{mem: mem, tasks: make(chan *column, len(cols))}
	c.ctx, c.cancel = context.WithCancel(ctx)
	for _, col := range cols {
		col.turn.full = make(chan *block, ring)
		col.turn.free, col.turn.busy = ring, true
		c.tasks <- col
	}
	for range workers {
		c.wait.Go(c.work)
	}
	return c
}

// work reads columns until the crew is stopped. Panics are errors of a block already.
func (c *crew) work() {
	w := &worker{ctx: c.ctx, headers: meta.NewPages()}
	defer func() {
		w.unpacker.Close()
		c.mem.Give(int64(cap(w.packed)))
	}()
	for {
		var col *column
		select {
		case col = <-c.tasks:
		case <-c.ctx.Done():
			return
		}
		b := &col.blocks[col.turn.begin()]
		col.fill(w, b)
		last, wait := b.err != nil, b.view != nil // it is not ours any more once it is sent
		col.turn.full <- b                        // there is room for all there are
		if col.turn.end(last, wait) {
			c.tasks <- col
		}
	}
}

// block returns the next block of a column. used is the one before it, which is free then.
func (c *crew) block(ctx context.Context, col *column, used *block) (*block, error) {
	if used != nil && col.turn.release() {
		c.tasks <- col
	}
	select {
	case b := <-col.turn.full:
		return b, nil
	default:
	}
	select {
	case b := <-col.turn.full:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stop ends the workers.
func (c *crew) stop() {
	c.cancel()
	c.wait.Wait()
}

// Rows reads the rows of a file in batches, in their order, several columns at a time where the
// machine has more than one processor. It is not safe for concurrent use.
type Rows struct {
	r       *Reader
	schema  *row.Schema
	pool    *row.Pool
	workers int
}

// ReadRows returns a reader of the columns for which want is true; nil stands for all. The
// schema's columns are those of the file, the other ones are absent. The error says which column
// cannot be read.
func (f *File) ReadRows(want func(i int) bool, schema *row.Schema, pool *row.Pool) (*Rows, error) {
	workers := min(runtime.GOMAXPROCS(0), maxWorkers)
	if f.meta.Rows < fewCells/int64(max(len(f.cols), 1)) {
		workers = 1
	}
	blocks := 1
	if workers > 1 {
		blocks = ring
	}
	r, err := f.read(want, blocks)
	if err != nil {
		return nil, err
	}
	if r.blocks == 1 {
		workers = 1
	}
	return &Rows{r: r, schema: schema, pool: pool, workers: workers}, nil
}

// Next returns the next batch, which belongs to the caller, or io.EOF after the last one. Any
// other error is final. The context must be the same every time.
func (r *Rows) Next(ctx context.Context) (*row.Batch, error) {
	if r.r.err != nil {
		return nil, r.r.err
	}
	if err := ctx.Err(); err != nil {
		r.r.err = err
		return nil, err
	}
	if r.workers > 1 && r.r.crew == nil && !r.r.short {
		r.r.crew = newCrew(ctx, r.r.mem, r.r.cols, r.workers)
	}
	b := r.pool.Get(r.schema)
	err := r.r.Fill(ctx, b)
	if b.Len() > 0 {
		return b, nil // the error comes with the next call
	}
	b.Free()
	return nil, err
}

// Close ends the workers. Batches that were handed out stay valid.
func (r *Rows) Close() { r.r.Close() }
