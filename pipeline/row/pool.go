package row

import "sync"

const (
	// keepBytes is the largest arena a pool keeps: one row of many megabytes must not stay in
	// memory for the rest of a run.
	keepBytes = 4 * MaxBytes
	// keepBatches is how many unused batches a pool keeps, more than a run has under way.
	keepBatches = 128
)

// Pool reuses batches. It does not bound how many are out: the pipeline's window does, by rows
// and bytes. It is a plain list, since a sync.Pool is emptied by every other garbage collection,
// and new arenas were then most of a run's garbage. The zero Pool is ready, and safe for
// concurrent use.
type Pool struct {
	mu   sync.Mutex
	free []*Batch
}

// Get returns an empty batch with the schema.
func (p *Pool) Get(s *Schema) *Batch {
	var b *Batch
	p.mu.Lock()
	if n := len(p.free); n > 0 {
		b, p.free = p.free[n-1], p.free[:n-1]
	}
	p.mu.Unlock()
	if b == nil {
		b = &Batch{}
	}
	b.pool = p
	b.Reset(s)
	return b
}

func (p *Pool) put(b *Batch) {
	b.pool = nil // a second Free of the same batch does nothing
	if cap(b.arena) > keepBytes {
		b.arena = nil
	}
	b.schema = nil
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < keepBatches {
		p.free = append(p.free, b)
	}
}
