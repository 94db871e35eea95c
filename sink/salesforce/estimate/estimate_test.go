package estimate

import (
	"testing"
	"time"
)

func TestREST(t *testing.T) {
	for _, c := range []struct {
		name  string
		loads []Load
		want  int64
	}{
		{"nothing", nil, 0},
		{"one record", []Load{{Upserts: 1}}, 1},
		{"a full call", []Load{{Upserts: 1000}}, 1},
		{"one more", []Load{{Upserts: 1001}}, 2},
		{"groups of one action", []Load{{Upserts: 801, Updates: 1}}, 2},
		{"all actions share a call", []Load{{Upserts: 400, Updates: 200, Deletes: 200, Events: 200}}, 1},
		{"targets do not", []Load{{Upserts: 1}, {Deletes: 1}}, 2},
		{"long texts", []Load{{Upserts: 100, Bytes: 12 << 20}}, 3},
		{"lookups", []Load{{Upserts: 1000, Lookups: 2}}, 3},
		{"small requests", []Load{{Upserts: 1000, Batch: 50}}, 20},
		{"no smaller than they are", []Load{{Upserts: 30, Batch: 50}}, 1},
	} {
		if got := REST(c.loads); got.Calls != c.want || got.Jobs != 0 || got.Why == "" || got.Not != "" {
			t.Errorf("%s: %+v, want %d calls", c.name, got, c.want)
		}
	}
}

func TestBulk(t *testing.T) {
	for _, c := range []struct {
		name  string
		loads []Load
		jobs  int64
		calls int64
	}{
		{"nothing", nil, 0, 0},
		{"one job", []Load{{Upserts: 50_000}}, 1, 6 + Polls(60*time.Second)},
		{"one more", []Load{{Upserts: 50_001}}, 2, 2 * (6 + Polls(35*time.Second))},
		{"lookups", []Load{{Updates: 50_000, Lookups: 50}}, 1, 50 + 6 + Polls(60*time.Second)},
		{"a job an action", []Load{{Upserts: 10, Updates: 10, Deletes: 10}}, 3, 3 * (6 + Polls(10*time.Second))},
		{"long texts", []Load{{Upserts: 30_000, Bytes: 150 << 20}}, 3, 3 * (6 + Polls(20*time.Second))},
		{"bytes shared by rows", []Load{{Upserts: 30_000, Updates: 10_000, Bytes: 100 << 20}}, 3, 2*(6+Polls(25*time.Second)) + 6 + Polls(20*time.Second)},
	} {
		if got := Bulk(c.loads); got.Calls != c.calls || got.Jobs != c.jobs || got.Not != "" {
			t.Errorf("%s: %+v, want %d jobs, %d calls", c.name, got, c.jobs, c.calls)
		}
	}
	if got := Bulk([]Load{{Object: "Signup__e", Events: 1}}); got.Not == "" {
		t.Error("events by Bulk")
	}
	if got := Bulk([]Load{{Upserts: 100_000}}); got.Calls > 40 {
		t.Errorf("100,000 rows cost %d calls", got.Calls)
	}
}

// Polls says how often one has to wait as PollAfter says until the job has ended.
func TestPolls(t *testing.T) {
	for _, took := range []time.Duration{0, time.Second, 1001 * time.Millisecond, 10 * time.Second, time.Minute, 90 * time.Second, 7 * time.Minute, 3 * time.Hour} {
		n, at := 0, time.Duration(0)
		for at < took || n == 0 {
			at += PollAfter(n)
			n++
		}
		if got := Polls(took); got != int64(n) {
			t.Errorf("%v: %d polls, want %d", took, got, n)
		}
	}
	for n := range 100 {
		if d := PollAfter(n); d < firstPoll || d > lastPoll || n > 0 && d < PollAfter(n-1) {
			t.Errorf("poll %d after %v", n, d)
		}
	}
}
