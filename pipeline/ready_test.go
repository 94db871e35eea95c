package pipeline_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/ledger"
	"sfsync/sink"
)

// leaving counts the records that the ledger of the run in dir calls leaving.
func leaving(t *testing.T, dir string) (n int) {
	t.Helper()
	l, err := ledger.Open(context.Background(), filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Error(err)
		return 0
	}
	defer l.Close()
	err = l.Each(context.Background(), func(b *ledger.Batch) error {
		for _, s := range b.States {
			if s == ledger.Sending {
				n++
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// The next request gets ready while one is in flight: the ledger has its records. It does not leave then, and
// after a stop it never does: the ledger takes back what it said.
func TestNextRequestGetsReady(t *testing.T) {
	s := strategies["native"]
	in := generate(t, rand.New(rand.NewPCG(21, 21)), 5000, 1_000_000)
	org := newFakeOrg(t, s.match)
	dir := t.TempDir()
	stop := make(chan struct{})
	wait := func(want int) {
		for deadline := time.Now().Add(2 * time.Minute); leaving(t, dir) != want; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d records are leaving, want %d", leaving(t, dir), want)
				return
			}
		}
	}
	org.before = func(call int) error {
		if call == 1 {
			wait(2000)
			close(stop)
			wait(1000)
		}
		return nil
	}
	res, err := try(t.Context(), t, dir, false, in, s, org, func(o *pipeline.Options) { o.Workers, o.Stop = 1, stop })
	if !errors.Is(err, pipeline.ErrStopped) {
		t.Fatal(err)
	}
	if n := res.Targets[0]; len(org.writes) != 1 || n.Created != 1000 || n.Unknown != 0 || n.Created+n.Failed+n.Pending != n.Records {
		t.Errorf("%d requests; %+v", len(org.writes), n)
	}
	org.before = nil
	if res, err = try(t.Context(), t, dir, true, in, s, org, nil); err != nil {
		t.Fatal(err)
	}
	checkResult(t, dir, in, res, org)
}

// There are never more requests in flight than workers, however many are ready.
func TestNoMoreInFlightThanWorkers(t *testing.T) {
	for _, workers := range []int{1, 3} {
		in := generate(t, rand.New(rand.NewPCG(22, 22)), 9000, 1_000_000)
		org := newFakeOrg(t, "Ext__c")
		var mu sync.Mutex
		now, most := 0, 0
		org.before = func(int) error {
			mu.Lock()
			defer mu.Unlock()
			now++
			most = max(most, now)
			return nil
		}
		org.after = func(int) error {
			mu.Lock()
			defer mu.Unlock()
			now--
			return nil
		}
		if _, err := try(t.Context(), t, t.TempDir(), false, in, strategies["native"], org, func(o *pipeline.Options) { o.Workers = workers }); err != nil {
			t.Fatal(err)
		}
		if most > workers {
			t.Errorf("%d requests in flight with %d workers", most, workers)
		}
	}
}

// Of records that must not be sent twice the ledger calls none leaving but those of the requests in flight: a kill
// makes unknowns of no more than those.
func TestInsertsAreNotCalledLeavingBefore(t *testing.T) {
	in := generate(t, rand.New(rand.NewPCG(23, 23)), 4000, 1_000_000)
	org := newFakeOrg(t, "")
	dir := t.TempDir()
	org.before = func(call int) error {
		if n := leaving(t, dir); n != 1000 {
			t.Errorf("call %d: %d records are leaving", call, n)
		}
		return nil
	}
	if _, err := try(t.Context(), t, dir, false, in, spec{operation: mapping.Insert}, org, func(o *pipeline.Options) { o.Workers = 1 }); err != nil {
		t.Fatal(err)
	}
}

// Where a failure too many is to end the run, no request leaves before the answer to the one before it was read.
func TestFailuresAreCountedBeforeTheNextRequest(t *testing.T) {
	in := generate(t, rand.New(rand.NewPCG(24, 24)), 5000, 1_000_000)
	org := newFakeOrg(t, "Ext__c")
	org.refuse = func(string, record) *sink.Error { return &sink.Error{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION"} }
	_, err := try(t.Context(), t, t.TempDir(), false, in, strategies["native"], org, func(o *pipeline.Options) {
		o.Workers, o.StopAfter = 1, pipeline.Threshold{Count: 500}
	})
	if !errors.Is(err, pipeline.ErrTooManyFailed) || len(org.writes) != 1 {
		t.Errorf("%d requests: %v", len(org.writes), err)
	}
}
