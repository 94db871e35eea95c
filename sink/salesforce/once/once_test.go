package once

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

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
		if p.Doubtful() || p.Leave(Answered) {
			t.Error("an org that answers is doubted")
		}
	}
}

func TestLossesInARow(t *testing.T) {
	var g Gate
	a, b := enter(t, &g), enter(t, &g)
	if a.Leave(Lost) || b.Leave(Lost) {
		t.Error("two that were under way together are not two in a row")
	}
	p := enter(t, &g)
	if !p.Doubtful() || p.Leave(Lost) {
		t.Error("the second in a row is not enough")
	}
	p = enter(t, &g)
	if p.Leave(NotSent) {
		t.Error("what was not sent was not lost")
	}
	if p = enter(t, &g); !p.Leave(Lost) {
		t.Error("the third in a row is enough")
	}
	if p = enter(t, &g); p.Leave(Answered) {
		t.Error("an answer is enough")
	}
	enter(t, &g).Leave(Lost)
	g.Answered()
	if p = enter(t, &g); p.Doubtful() || p.Leave(Lost) {
		t.Error("an answer was forgotten")
	}
}

func TestOneAtATimeAfterALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		enter(t, &g).Leave(Lost)
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
				p.Leave(Answered)
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
		first.Leave(Answered)
		synctest.Wait()
		if passed.Load() != 3 {
			t.Errorf("%d of 3 passed after an answer", passed.Load())
		}
	})
}
