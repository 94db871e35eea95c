package rehearsal

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/report"
	"sfsync/sink/salesforce/estimate"
)

// What a run takes cannot be measured without writing. These figures stand for what was not; every
// estimate names those that it rests on.
const (
	// recordTime is how long an org works on a record. It is between 1 ms and 100 ms, by what runs on
	// a save: triggers, flows, rules.
	recordTime = time.Millisecond
	// callTime stands for the time of a call where no lookup was made that could be measured.
	callTime = 150 * time.Millisecond
)

// Estimates says what a run would cost by each API, from what the plan says of the records, what the
// rehearsal has counted for each target and find, and what the guards have measured. Records that
// are unchanged count as sent, unless the target only inserts: a run does not compare. notByBulk is
// why the records cannot go by the Bulk API, "" if they can; jobs are targets that go by it whatever takes the others.
func Estimates(p *mapping.Plan, info *report.PlanInfo, costs []pipeline.Cost, guards []*Guard, workers int, notByBulk string, jobs []string) []report.Estimate {
	var loads, always []estimate.Load
	var lookups, requests, records int64
	perCall := keysOf(guards)
	for i, c := range costs {
		asks := (c.Keys + perCall - 1) / perCall
		if i < len(guards) {
			asks = guards[i].forecast(&p.Targets[i], c.Keys, written(p, p.Targets[i].Org), asks)
		}
		lookups += asks
		if i >= len(p.Targets) {
			requests += c.Requests
			continue
		}
		t, n := &p.Targets[i], &info.Targets[i]
		l := estimate.Load{Object: t.Object.Name, Upserts: n.Create, Deletes: n.Delete, Events: n.Publish}
		if t.Operation != mapping.Insert {
			l.Updates = n.Update + n.Unchanged
		}
		if c.Keys == 0 && t.KeyColumn >= 0 { // all go by their key
			l.Upserts, l.Updates = l.Upserts+l.Updates, 0
		}
		loads = append(loads, l)
		if slices.Contains(jobs, t.Name) {
			always = append(always, l)
			continue
		}
		requests += c.Requests
		records += l.Upserts + l.Updates + l.Deletes + l.Events
	}
	call, measured := callOf(guards)
	basis := fmt.Sprintf("%v a call measured", call.Round(time.Millisecond))
	if !measured {
		basis = fmt.Sprintf("%v a call assumed", call)
	}
	atOnce := func(calls int64) time.Duration { return time.Duration(max(1, min(int64(workers), calls))) }
	asking := time.Duration(lookups) * call / atOnce(lookups)
	writing := (time.Duration(requests)*call + time.Duration(records)*recordTime) / atOnce(requests)
	bulk, byJobs, besides := estimate.Bulk(loads), estimate.Bulk(always), ""
	if byJobs.Jobs > 0 {
		besides = fmt.Sprintf("; %s of them by %s, of inserts without a key", ui.Count(byJobs.Calls), ui.Plural(byJobs.Jobs, "job", "jobs"))
	}
	return []report.Estimate{
		{
			API: "rest", Calls: lookups + requests + byJobs.Calls, Lookups: lookups, Seconds: seconds(asking + max(writing, byJobs.Time)),
			Why: fmt.Sprintf("%s%s; %s, %v a record assumed, %s at once", estimate.REST(nil).Why, besides, basis, recordTime, ui.Plural(int64(workers), "call", "calls")),
		},
		{
			API: "bulk", Calls: lookups + bulk.Calls, Lookups: lookups, Seconds: seconds(asking + bulk.Time), Not: cmp.Or(notByBulk, bulk.Not),
			Why: bulk.Why,
		},
	}
}

// written are the objects of which a plan writes records in an org.
func written(p *mapping.Plan, org string) []string {
	var objects []string
	for ; p != nil; p = p.Second {
		for i := range p.Targets {
			if p.Targets[i].Org == org {
				objects = append(objects, p.Targets[i].Object.Name)
			}
		}
	}
	return objects
}

// keysOf returns how many keys a call has looked up on average.
func keysOf(guards []*Guard) int64 {
	n := Lookups(guards)
	return max(1, n.Keys/max(1, n.Calls))
}

// Lookups says what the guards have counted.
func Lookups(guards []*Guard) report.LookupInfo {
	var n report.LookupInfo
	for _, g := range guards {
		n.Calls += g.calls.Load()
		n.Keys += g.keys.Load()
	}
	if took, ok := callOf(guards); ok {
		n.Seconds = took.Round(time.Microsecond).Seconds()
	}
	return n
}

// callOf returns how long a call takes on average, and whether that was measured.
func callOf(guards []*Guard) (time.Duration, bool) {
	var calls, took int64
	for _, g := range guards {
		calls += g.calls.Load()
		took += g.took.Load()
	}
	if calls == 0 {
		return callTime, false
	}
	return time.Duration(took / calls), true
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
