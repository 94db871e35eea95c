package host

import (
	"context"
	"os"
	"sync"

	"sfsync/cmd/sfsync/internal/exit"
)

// Stopper turns signals into the two steps of stopping: the first asks a run to finish what
// is in flight and save its state, the second ends everything. Where nothing drains, the
// first one ends everything too.
type Stopper struct {
	// Cancel ends everything.
	Cancel context.CancelCauseFunc

	mu      sync.Mutex
	tell    func(format string, args ...any) // the user
	drain   chan struct{}                    // non-nil while something drains
	drained bool
	first   os.Signal
}

// Watch handles signals until the context ends.
func (s *Stopper) Watch(ctx context.Context, sys *System) {
	for {
		select {
		case <-ctx.Done():
			return
		case sig, ok := <-sys.Signals:
			if !ok {
				return
			}
			s.mu.Lock()
			if s.first == nil {
				s.first = sig
			}
			again := s.drain == nil || s.drained
			if !again {
				s.drained = true
				close(s.drain)
			}
			tell := s.tell
			s.mu.Unlock()
			if !again {
				tell("%v: finishing what is in flight and saving the state; once more to stop at once", sig)
				continue
			}
			sys.StopSignals()
			s.Cancel(&exit.Signal{Sig: sig})
			return
		}
	}
}

// TellBy says how to tell the user what a signal does.
func (s *Stopper) TellBy(tell func(format string, args ...any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell = tell
}

// Draining returns a channel that is closed at the first signal. From now on that signal
// drains instead of ending everything.
func (s *Stopper) Draining() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drain == nil {
		s.drain = make(chan struct{})
	}
	return s.drain
}

// Err returns what the first signal makes of the command, nil if there was none.
func (s *Stopper) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		return nil
	}
	return &exit.Signal{Sig: s.first}
}
