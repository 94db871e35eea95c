package once

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

var errLost = errors.New("lost")

func enter(t *testing.T, g *Gate) *Pass {
	t.Helper()
	p, err := g.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestManyPassWhileTheyAreAnswered(t *testing.T) {
	var g Gate
	a, b := enter(t, &g), enter(t, &g)
	for _, p := range []*Pass{a, b, enter(t, &g)} {
		if p.Doubtful() || p.Leave(Answered, errLost) {
			t.Error("an org that answers is doubted")
		}
	}
}

func TestLossesInARow(t *testing.T) {
	var g Gate
	a, b := enter(t, &g), enter(t, &g)
	if a.Leave(Lost, errLost) || b.Leave(Lost, errLost) {
		t.Error("two that were under way together are not two in a row")
	}
	p := enter(t, &g)
	if !p.Doubtful() || p.Leave(Lost, errLost) {
		t.Error("the second in a row is not enough")
	}
	p = enter(t, &g)
	if p.Leave(NotSent, errLost) {
		t.Error("what was not sent was not lost")
	}
	if p = enter(t, &g); p.Leave(Answered, nil) {
		t.Error("an answer is enough")
	}
	for range most - 1 {
		if enter(t, &g).Leave(Lost, errLost) {
			t.Error("an answer was forgotten")
		}
	}
	g.Answered()
	if p = enter(t, &g); p.Doubtful() || p.Leave(Lost, errLost) {
		t.Error("the answer to another request was forgotten")
	}
	enter(t, &g).Leave(Lost, errLost)
	if p = enter(t, &g); !p.Leave(Lost, errLost) {
		t.Error("the third in a row is not enough")
	}
	if _, err := g.Enter(t.Context()); !errors.Is(err, errLost) {
		t.Errorf("then: %v", err)
	}
}

func TestOneAtATimeAfterALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		enter(t, &g).Leave(Lost, errLost)
		first := enter(t, &g)
		var passed atomic.Int64
		for range 3 {
			go func() {
				p, err := g.Enter(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				passed.Add(1)
				p.Leave(Answered, errLost)
			}()
		}
		synctest.Wait()
		if passed.Load() != 0 {
			t.Fatalf("%d passed beside the one that has the way to itself", passed.Load())
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := errors.New("ended")
		cancel(ended)
		if _, err := g.Enter(ctx); !errors.Is(err, ended) {
			t.Errorf("waiting ended with %v", err)
		}
		first.Leave(Answered, nil)
		synctest.Wait()
		if passed.Load() != 3 {
			t.Errorf("%d of 3 passed after an answer", passed.Load())
		}
	})
}

// Whoever waits for the way when it is closed gets the reason.
func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		enter(t, &g).Leave(Lost, errLost)
		p := enter(t, &g)
		down := errors.New("down")
		var got error
		go func() { _, got = g.Enter(t.Context()) }()
		synctest.Wait()
		p.Close(down)
		p.Leave(NotSent, nil)
		synctest.Wait()
		if !errors.Is(got, down) {
			t.Errorf("%v", got)
		}
	})
}
