package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/sink"
)

// jobOrg takes large requests and keeps their results under ids, as the Bulk API does.
type jobOrg struct {
	*world
	// dies says where request n is cut off: "opened", before anything of it was sent, or "sent", after all was
	// done; "" for not at all.
	dies func(n int) string

	mu      sync.Mutex
	results map[string]map[string]sink.Result // id of a job → value of a row → result
	settled []string
	settle  func() error // before that is done; nil for nothing
	asked   int
}

func (o *jobOrg) Limits() sink.Limits { return sink.Limits{Records: 3000, Bytes: 1 << 20, InFlight: 2} }

func (o *jobOrg) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	for i := range req.Records {
		if req.Records[i].Action != req.Records[0].Action {
			o.t.Error("a request of several actions")
			break
		}
	}
	o.mu.Lock()
	n := len(o.results) + 1
	id := fmt.Sprintf("750%012dAAA", n)
	o.results[id] = nil
	o.mu.Unlock()
	all := make([]int, len(req.Records))
	for i := range all {
		all[i] = i
	}
	if err := req.Opened(id, all); err != nil {
		return err
	}
	how := ""
	if o.dies != nil {
		how = o.dies(n)
	}
	lost := &sink.Error{Class: sink.Network, Code: "NO_ANSWER", Lost: true}
	if how == "opened" {
		clear(results)
		return lost
	}
	if err := o.world.Write(ctx, req, results); err != nil {
		return err
	}
	kept := make(map[string]sink.Result, len(results))
	for i, r := range req.Records {
		kept[cell(r.Batch, r.Row, "Value__c")] = results[i]
	}
	o.mu.Lock()
	o.results[id] = kept
	o.mu.Unlock()
	if how == "sent" {
		clear(results)
		return lost
	}
	return nil
}

func (o *jobOrg) Settle(_ context.Context, ids []string) (never []string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.settle != nil {
		if err := o.settle(); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		kept, ok := o.results[id]
		if !ok {
			o.t.Errorf("there is no job %s", id)
		}
		if kept == nil {
			never = append(never, id)
		}
	}
	o.settled = append(o.settled, ids...)
	return never, nil
}

func (o *jobOrg) Resume(_ context.Context, id string, req *sink.Request, results []sink.Result) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if len(req.Records) != len(o.results[id]) {
		o.t.Errorf("job %s had %d records and is asked for %d", id, len(o.results[id]), len(req.Records))
	}
	for i, r := range req.Records {
		results[i] = o.results[id][cell(r.Batch, r.Row, "Value__c")]
	}
	return nil
}

// TestRequestsLeftUnderWay cuts runs off at every large request, before it was sent and after it was done, and
// resumes them: every row is in the org once, also where sending twice would make two records of it.
func TestRequestsLeftUnderWay(t *testing.T) {
	for name, s := range map[string]spec{
		"native": strategies["native"],
		"insert": {operation: mapping.Insert},
	} {
		for _, how := range []string{"opened", "sent"} {
			for at := 1; at <= 3; at++ {
				t.Run(fmt.Sprint(name, " ", how, " ", at), func(t *testing.T) {
					t.Parallel()
					in := generate(t, rand.New(rand.NewPCG(5, 5)), 10_000, 1<<40)
					org := &jobOrg{world: newFakeOrg(t, s.match), results: map[string]map[string]sink.Result{}}
					org.limits = sink.Limits{Records: 3000, Bytes: 1 << 20}
					org.dies = func(n int) string {
						if n >= at {
							return how
						}
						return ""
					}
					on := func(o *pipeline.Options) { o.Targets[0] = pipeline.Target{Writer: org, Matcher: org} }
					dir := t.TempDir()
					var e *sink.Error
					if _, err := try(t.Context(), t, dir, false, in, s, org.world, on); !errors.As(err, &e) || !e.Lost {
						t.Fatal(err)
					}
					org.dies = nil
					before := len(org.writes)
					res, err := try(t.Context(), t, dir, true, in, s, org.world, on)
					if err != nil {
						t.Fatal(err)
					}
					if len(org.settled) == 0 || (org.asked > 0) != (how == "sent") {
						t.Errorf("settled %v, asked %d times", org.settled, org.asked)
					}
					if s.operation == mapping.Upsert {
						checkResult(t, dir, in, res, org.world)
					} else if n := res.Targets[0]; int(n.Created) != in.rows-int(n.Failed) || len(org.objects["Lead"]) != int(n.Created) || n.Unknown > 0 || !res.Complete {
						t.Errorf("%+v, and %d records in the org", n, len(org.objects["Lead"]))
					}
					if slices.Max(org.sizes()) <= 1000 {
						t.Errorf("%d calls before, %d after: requests are not large", before, len(org.writes)-before)
					}
				})
			}
		}
	}
}

// sizes are the numbers of records of the jobs that were done.
func (o *jobOrg) sizes() []int {
	sizes := []int{0}
	for _, kept := range o.results {
		sizes = append(sizes, len(kept))
	}
	return sizes
}

// A resumed run that ends while it waits for the jobs that were left under way accounts for every row as the run
// before it did.
func TestEndWhileJobsAreWaitedFor(t *testing.T) {
	s := spec{operation: mapping.Insert}
	in := generate(t, rand.New(rand.NewPCG(6, 6)), 10_000, 1<<40)
	org := &jobOrg{world: newFakeOrg(t, s.match), results: map[string]map[string]sink.Result{}}
	org.limits = sink.Limits{Records: 3000, Bytes: 1 << 20}
	org.dies = func(n int) string {
		if n == 2 {
			return "sent"
		}
		return ""
	}
	stop := make(chan struct{})
	on := func(o *pipeline.Options) {
		o.Targets[0], o.Workers, o.Stop = pipeline.Target{Writer: org, Matcher: org}, 1, stop
	}
	dir := t.TempDir()
	down := &sink.Error{Class: sink.Network, Code: "NO_ANSWER"}
	res, err := try(t.Context(), t, dir, false, in, s, org.world, on)
	if err == nil || res.Rows.Unknown == 0 || res.Rows.Succeeded == 0 {
		t.Fatalf("%v, %+v", err, res.Rows)
	}
	want, lines := res.Rows, len(readCSV(t, filepath.Join(dir, "unknown.csv")))
	org.dies, org.settle = nil, func() error { return down }
	for range 2 {
		if res, err = try(t.Context(), t, dir, true, in, s, org.world, on); !errors.Is(err, down) {
			t.Fatal(err)
		}
		got := res.Rows
		if got.Succeeded != want.Succeeded || got.Unknown != want.Unknown || res.Complete {
			t.Errorf("%+v, before: %+v", got, want)
		}
		if n := len(readCSV(t, filepath.Join(dir, "unknown.csv"))); n != lines {
			t.Errorf("%d lines of what is unknown, before: %d", n, lines)
		}
	}
	org.settle = nil
	if res, err = try(t.Context(), t, dir, true, in, s, org.world, on); err != nil || int(res.Rows.Succeeded) != in.rows-in.bad && res.Rows.Unknown+res.Rows.Pending > 0 || len(org.objects["Lead"]) != int(res.Targets[0].Created) {
		t.Errorf("%v, %+v, %d records in the org", err, res.Rows, len(org.objects["Lead"]))
	}
}
