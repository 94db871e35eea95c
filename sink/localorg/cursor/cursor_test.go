package cursor

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

func made(t *testing.T, id string, at time.Time) *Cursor {
	t.Helper()
	c, err := New(id, 2, at)
	if err != nil {
		t.Fatal(err)
	}
	c.Total, c.Owner = 5, "ann"
	for _, page := range []string{"third,fourth", "fifth"} {
		if err := c.Add([]byte(page)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestPages: only the beginnings of pages can be asked for, by the user whose query it was, for two days.
func TestPages(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	var s Set
	t.Cleanup(s.Close)
	s.Keep(made(t, "c1", start))
	for _, tt := range []struct {
		id, owner string
		offset    int
		after     time.Duration
		want      string
	}{
		{"c1", "ann", 2, 0, "third,fourth"},
		{"c1", "ann", 4, time.Hour, "fifth"},
		{"c1", "ann", 2, Life, "third,fourth"},
		{"c1", "bob", 2, 0, ""},
		{"c2", "ann", 2, 0, ""},
		{"c1", "ann", 0, 0, ""},
		{"c1", "ann", -2, 0, ""},
		{"c1", "ann", 3, 0, ""},
		{"c1", "ann", 6, 0, ""},
		{"c1", "ann", 2, Life + time.Second, ""},
		{"c1", "ann", 2, 0, ""}, // it is gone for good
	} {
		cur, page := s.Page(tt.id, tt.owner, tt.offset, start.Add(tt.after))
		if string(page) != tt.want || (cur != nil) != (tt.want != "") {
			t.Errorf("%s of %s at %d after %v: %q", tt.id, tt.owner, tt.offset, tt.after, page)
		}
	}
}

// TestBound: the oldest cursor gives way when there are too many.
func TestBound(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	var s Set
	t.Cleanup(s.Close)
	var wg sync.WaitGroup
	s.Keep(made(t, "first", now))
	for i := range maxOpen {
		c := made(t, fmt.Sprint(i), now)
		wg.Go(func() { s.Keep(c) })
	}
	wg.Wait()
	if cur, _ := s.Page("first", "ann", 2, now); cur != nil {
		t.Error("the oldest cursor is still there")
	}
	for i := range maxOpen {
		if cur, _ := s.Page(fmt.Sprint(i), "ann", 2, now); cur == nil {
			t.Errorf("cursor %d is gone", i)
		}
	}
}
