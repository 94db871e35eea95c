package retry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestDelayDoublesUpToTheCap(t *testing.T) {
	p := Policy{Base: 500 * time.Millisecond, Cap: 3 * time.Second, Attempts: 6}
	for i, want := range []time.Duration{500, 1000, 2000, 3000, 3000, 3000} {
		if got := p.Delay(i+1, 1); got != want*time.Millisecond {
			t.Errorf("bound after attempt %d is %v, want %v", i+1, got, want*time.Millisecond)
		}
	}
	if got := p.Delay(3, 0); got != 0 {
		t.Errorf("jitter 0 waits %v", got)
	}
}

// A float has no such number, but one that is longer.
func TestDelayIsNotLongerThanTheCap(t *testing.T) {
	const most = 1<<53 + 3
	if got := (Policy{Base: 1, Cap: most}).Delay(100, 1); got != most {
		t.Errorf("waits %d ns, want %d", got, most)
	}
}

func TestDelayStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			Base: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "base")),
			Cap:  time.Duration(rapid.Int64Range(0, 1<<62).Draw(t, "cap")),
		}
		n := rapid.IntRange(1, 1000).Draw(t, "attempts")
		j := rapid.Float64Range(0, 1).Draw(t, "jitter")
		d := p.Delay(n, j)
		if d < 0 || d > p.Cap {
			t.Fatalf("%+v waits %v after %d attempts", p, d, n)
		}
		if p.Delay(n+1, j) < d {
			t.Fatalf("%+v waits less after %d attempts than before", p, n+1)
		}
	})
}

func TestMore(t *testing.T) {
	p := Policy{Attempts: 3}
	for n, want := range map[int]bool{0: true, 2: true, 3: false, 4: false} {
		if p.More(n) != want {
			t.Errorf("More(%d) = %t", n, !want)
		}
	}
	if (Policy{}).More(0) {
		t.Error("the zero policy retries")
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := Sleep(t.Context(), time.Minute); err != nil || time.Since(start) != time.Minute {
			t.Errorf("slept %v: %v", time.Since(start), err)
		}
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		start = time.Now()
		if err := Sleep(ctx, time.Hour); !errors.Is(err, why) || time.Since(start) != time.Second {
			t.Errorf("an ended context: %v after %v", err, time.Since(start))
		}
		if err := Sleep(ctx, 0); !errors.Is(err, why) {
			t.Errorf("no wait, ended context: %v", err)
		}
	})
}
