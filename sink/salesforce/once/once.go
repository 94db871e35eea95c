// Package once keeps losses small where requests must not be sent twice. What becomes of such a request without
// an answer nobody can tell, so that an org that has ceased to answer must not be fed with more of them.
package once

import (
	"context"
	"sync"
)

// most is how many answers in a row may be lost.
const most = 3

// Gate lets requests that must not be sent twice pass: as many at once as come while they are answered, one at a
// time after a lost answer until there is one again. The zero Gate is ready and safe for concurrent use.
type Gate struct {
	mu     sync.Mutex
	losses int           // in all
	lost   int           // answers in a row
	closed error         // why nothing passes any more
	turn   chan struct{} // holds one while a request has the way to itself; nil as long as none was lost
}

// Answered says that a request of another kind was answered: the org works.
func (g *Gate) Answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost = 0
}

// Pass is the passage of one request.
type Pass struct {
	g      *Gate
	losses int  // that were known when it began
	sole   bool // it has the way to itself
}

// Enter waits until a request may be sent. Whoever gets no error calls [Pass.Leave] when the request has ended,
// whether it was sent or not. The error is that of [Pass.Close], or the context's cause.
func (g *Gate) Enter(ctx context.Context) (*Pass, error) {
	g.mu.Lock()
	if g.lost == 0 || g.closed != nil {
		defer g.mu.Unlock()
		return &Pass{g: g, losses: g.losses}, g.closed
	}
	turn := g.turn
	g.mu.Unlock()
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lost == 0 || g.closed != nil { // the one before has found out
		<-turn
		return &Pass{g: g, losses: g.losses}, g.closed
	}
	return &Pass{g: g, losses: g.losses, sole: true}, nil
}

// Doubtful reports whether the last answer was lost, so that it is to be found out first whether the org answers.
func (p *Pass) Doubtful() bool { return p.sole }

// Close lets no request pass after this one, for the reason given. It comes before Leave.
func (p *Pass) Close(why error) {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	p.g.closed = why
}

// Outcome is how a passage ended.
type Outcome uint8

// The outcomes.
const (
	NotSent Outcome = iota
	Answered
	Lost
)

// Leave says how the request ended; why is the error of one whose answer was lost. It reports whether so many answers
// in a row are lost that the gate has been closed. Several that were under way together count once.
func (p *Pass) Leave(o Outcome, why error) (enough bool) {
	g := p.g
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case o == Answered:
		g.lost = 0
	case o == Lost && g.losses == p.losses:
		g.losses++
		g.lost++
		if g.turn == nil {
			g.turn = make(chan struct{}, 1)
		}
	}
	if enough = o == Lost && g.lost >= most; enough && g.closed == nil {
		g.closed = why
	}
	if p.sole {
		<-g.turn
	}
	return enough
}
