package rehearsal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
	"sfsync/pipeline/report"
	"sfsync/sink"
)

// org takes a while for every lookup and must not be written to.
type org struct {
	t     *testing.T
	clock *time.Time
	takes time.Duration
	fails error
}

func (o org) Write(context.Context, *sink.Request, []sink.Result) error {
	o.t.Error("a write came through")
	return nil
}

func (o org) Limits() sink.Limits { return sink.Limits{Records: 1000, Group: 200, Groups: 5} }

func (o org) Lookup(context.Context, *sink.Lookup) error {
	*o.clock = o.clock.Add(o.takes)
	return o.fails
}

func (o org) LookupKeys(l *sink.Lookup) int { return len(l.Keys) / 2 }

func TestGuardLetsNothingBeWritten(t *testing.T) {
	clock := time.Unix(0, 0)
	o := org{t: t, clock: &clock}
	g := NewGuard(o, o, func() time.Time { return clock })
	results := make([]sink.Result, 2)
	err := g.Write(t.Context(), &sink.Request{Records: make([]sink.Record, 2)}, results)
	if exit.Of(err) != exit.Invariant {
		t.Errorf("a write gave %v (code %d)", err, exit.Of(err))
	}
	for i, r := range results {
		if r.Status != sink.NotSent {
			t.Errorf("record %d: %v", i, r.Status)
		}
	}
	if g.Limits() != o.Limits() || g.LookupKeys(&sink.Lookup{Keys: make([]string, 8)}) != 4 {
		t.Error("the limits are not the org's")
	}
}

func TestGuardMeasures(t *testing.T) {
	clock := time.Unix(0, 0)
	o := org{t: t, clock: &clock, takes: 200 * time.Millisecond}
	now := func() time.Time { return clock }
	a, b := NewGuard(o, o, now), NewGuard(o, o, now)
	for _, g := range []*Guard{a, a, b} {
		if err := g.Lookup(t.Context(), &sink.Lookup{Keys: make([]string, 10)}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := Lookups([]*Guard{a, b}), (report.LookupInfo{Calls: 3, Keys: 30, Seconds: 0.2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	o.fails = errors.New("no")
	c := NewGuard(o, o, now)
	if err := c.Lookup(t.Context(), &sink.Lookup{}); !errors.Is(err, o.fails) {
		t.Errorf("the org's error became %v", err)
	}
	if got := Lookups(nil); got != (report.LookupInfo{}) {
		t.Errorf("without guards: %+v", got)
	}
}

func TestEstimates(t *testing.T) {
	key := schema.Standard().Object("Lead").Field("Email")
	plan := &mapping.Plan{Targets: []mapping.PlanTarget{
		{Name: "native", Object: &schema.Object{Name: "Lead"}, Operation: mapping.Upsert, Match: key, KeyColumn: 0},
		{Name: "looked-up", Object: &schema.Object{Name: "Contact"}, Operation: mapping.Upsert, Match: key, KeyColumn: 0},
		{Name: "only-new", Object: &schema.Object{Name: "Account"}, Operation: mapping.Insert},
	}}
	info := &report.PlanInfo{Targets: []report.PlanTarget{
		{Create: 600, Update: 300, Unchanged: 100},
		{Create: 100, Update: 500, Unchanged: 400},
		{Create: 50, Unchanged: 5000},
	}}
	clock := time.Unix(0, 0)
	o := org{t: t, clock: &clock, takes: 100 * time.Millisecond}
	g := NewGuard(o, o, func() time.Time { return clock })
	if err := g.Lookup(t.Context(), &sink.Lookup{Keys: make([]string, 500)}); err != nil {
		t.Fatal(err)
	}
	costs := []pipeline.Cost{{Requests: 1}, {Keys: 1000, Requests: 2}, {Keys: 5050, Requests: 1}, {Keys: 1}}
	got := Estimates(plan, info, costs, []*Guard{g}, 2, "", nil)
	rest, bulk := got[0], got[1]
	// 2 + 11 + 1 lookups of 500 keys, 4 requests; 18 calls of 0.1 s and 2,050 records of 1 ms, two at once.
	if rest.API != "rest" || rest.Lookups != 14 || rest.Calls != 18 || rest.Seconds != 1.925 || !strings.Contains(rest.Why, "100ms a call measured") {
		t.Errorf("REST: %+v", rest)
	}
	// One job for the first target, all by key; two for the second, one for the third.
	if jobs := (bulk.Calls - bulk.Lookups) / 6; bulk.API != "bulk" || bulk.Lookups != 14 || jobs < 4 || bulk.Seconds < 10 || bulk.Not != "" {
		t.Errorf("Bulk: %+v", bulk)
	}

	// A target that goes by a job in any case: its calls in place of its requests.
	plan.Targets[1].Name = "second"
	jobs := Estimates(plan, info, costs, []*Guard{g}, 2, "", []string{"second"})
	if more := jobs[0].Calls - rest.Calls; more <= 2*6 || jobs[0].Seconds < 10 || !strings.Contains(jobs[0].Why, "of them by 2 jobs, of inserts without a key") || jobs[1].Calls != bulk.Calls {
		t.Errorf("with jobs: %+v, %d calls more", jobs[0], more)
	}

	plan.Targets[0].Object.Name, info.Targets[0] = "Signup__e", report.PlanTarget{Publish: 10}
	none := Estimates(plan, info, costs, nil, 0, "", nil)
	if why := Estimates(plan, info, costs, nil, 0, "no batches", nil); why[1].Not != "no batches" || why[0].Not != "" {
		t.Errorf("what Bulk cannot do: %+v", why)
	}
	if none[1].Not == "" || !strings.Contains(none[0].Why, "150ms a call assumed") {
		t.Errorf("events, and nothing measured: %+v", none)
	}
}

func TestCheck(t *testing.T) {
	s := &report.Summary{
		Targets: []report.TargetInfo{{Name: "lead", Created: 1, Updated: 2, Unchanged: 3, Deleted: 4, Published: 5, Skipped: 6, Failed: 7, Pending: 8}},
		Plan:    &report.PlanInfo{Targets: []report.PlanTarget{{Name: "lead", Create: 1, Update: 2, Unchanged: 3, Delete: 4, Publish: 5, Skip: 6, Reject: 7}}},
	}
	if err := Check(s); err != nil {
		t.Error(err)
	}
	p := &s.Plan.Targets[0]
	if p.Undecided != 8 {
		t.Errorf("%d records are undecided, want 8", p.Undecided)
	}
	for _, n := range []*int64{&p.Create, &p.Update, &p.Unchanged, &p.Delete, &p.Publish, &p.Skip, &p.Reject} {
		*n++
		if err := Check(s); !errors.Is(err, report.ErrCounts) || !strings.Contains(err.Error(), "target lead") {
			t.Errorf("a wrong count: %v", err)
		}
		*n--
	}
}
