package jobs

import (
	"context"
	"sync"
)

// Pool runs jobs by their ids, in the order in which they were added, a few at a time and never one
// twice at once. It is safe for concurrent use.
type Pool struct {
	run    func(ctx context.Context, id string)
	ctx    context.Context // the life of the workers, ended by Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	ready   *sync.Cond
	queue   []string
	running map[string]bool // true: once more when it is done
	closed  bool
}

// NewPool starts n workers that call run.
func NewPool(n int, run func(ctx context.Context, id string)) *Pool {
	p := &Pool{run: run, running: map[string]bool{}}
	p.ready = sync.NewCond(&p.mu)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for range n {
		p.wg.Go(p.work)
	}
	return p
}

// Add queues a job. One that runs already will run once more.
func (p *Pool) Add(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, runs := p.running[id]; runs {
		p.running[id] = true
		return
	}
	p.queue = append(p.queue, id)
	p.ready.Signal()
}

func (p *Pool) work() {
	for {
		id, ok := p.next()
		if !ok {
			return
		}
		p.run(p.ctx, id)
		p.done(id)
	}
}

// next waits for a job that does not run yet.
func (p *Pool) next() (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if p.closed {
			return "", false
		}
		for len(p.queue) > 0 {
			id := p.queue[0]
			p.queue = p.queue[1:]
			if _, runs := p.running[id]; runs {
				p.running[id] = true
				continue
			}
			p.running[id] = false
			return id, true
		}
		p.ready.Wait()
	}
}

func (p *Pool) done(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	again := p.running[id]
	delete(p.running, id)
	if again {
		p.queue = append(p.queue, id)
		p.ready.Signal()
	}
}

// Close ends the context of the jobs that run and waits for them. Jobs in the queue are left.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.ready.Broadcast()
	p.wg.Wait()
}
