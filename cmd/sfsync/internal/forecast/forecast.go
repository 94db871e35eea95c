// Package forecast says before a run how many API calls it will cost each of its orgs, and whether they
// are there to be spent.
package forecast

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/sink/salesforce/estimate"
)

// Cost is how many API calls something takes: about, and in the best case.
type Cost struct{ About, Least int64 }

// Costs are those of each API.
type Costs struct{ REST, Bulk Cost }

// By returns the cost by one of them.
func (c Costs) By(bulk bool) Cost {
	if bulk {
		return c.Bulk
	}
	return c.REST
}

// Options are what of a run its plan does not say.
type Options struct {
	// Done is how many of the rows earlier tries at the run have dealt with.
	Done int64
	// Backup reports whether what a target's records hold is read before they are written; nil for none.
	Backup func(t *mapping.PlanTarget) bool
	// Lookups returns how many calls look so many keys up of a target, by its place in [pipeline.Ahead]. Nil stands
	// for 1,000 keys a call.
	Lookups func(target int, keys int64) int64
	// Jobs names the targets that go by jobs of the Bulk API whatever takes the others.
	Jobs []string
	// Thinned says that of several records with the same match key not all are sent.
	Thinned bool
	// Org gives the name of the org that targets mean by theirs, by which costs are kept.
	Org func(name string) string
}

const (
	// sureShare is the part of an estimated number of rows that counts as certain. The estimate goes by the
	// first 4 MiB, as they are stored: what the readers hold back makes it wrong by a sixteenth, and
	// rows that are a sixth longer further down are nothing unusual; files whose rows grow by more
	// are warned of rather than refused.
	sureShare = 0.8
	// sureLookups is how many calls the lookups of a target take at least, if they would be more: rows of one key are
	// looked up once.
	sureLookups = 10
)

// Of returns what a run costs in each org, by its name: lookups and writes. What begins a session, and what is sent again, comes on top.
func Of(p *mapping.Plan, a *pipeline.Ahead, opt Options) map[string]Costs {
	type loads struct{ about, least []estimate.Load }
	byOrg := map[string]*[2]loads{} // those of targets that go by jobs in any case are the second
	add := func(targets []mapping.PlanTarget, at int) {
		for i := range targets {
			t := &targets[i]
			org := opt.Org(t.Org)
			if byOrg[org] == nil {
				byOrg[org] = new([2]loads)
			}
			l := &byOrg[org][0]
			if slices.Contains(opt.Jobs, t.Name) {
				l = &byOrg[org][1]
			}
			about, least := load(t, at+i, a, &opt)
			l.about, l.least = append(l.about, about), append(l.least, least)
		}
	}
	add(p.Targets, 0)
	if p.Second != nil {
		add(p.Second.Targets, len(p.Targets))
	}
	costs := make(map[string]Costs, len(byOrg))
	for org, l := range byOrg {
		jobs := Cost{About: estimate.Bulk(l[1].about).Calls, Least: estimate.Bulk(l[1].least).Least}
		costs[org] = Costs{
			REST: Cost{About: jobs.About + estimate.REST(l[0].about).Calls, Least: jobs.Least + estimate.REST(l[0].least).Least},
			Bulk: Cost{About: jobs.About + estimate.Bulk(l[0].about).Calls, Least: jobs.Least + estimate.Bulk(l[0].least).Least},
		}
	}
	return costs
}

// load is what a target, which stands at a place in a, has to send: about, and at least.
func load(t *mapping.PlanTarget, at int, a *pipeline.Ahead, opt *Options) (about, least estimate.Load) {
	n := &a.Targets[at]
	part := 1.0
	if a.Rows > 0 {
		part = float64(max(0, a.Rows-opt.Done)) / float64(a.Rows)
	}
	sure := part
	if !a.Exact {
		sure *= sureShare
	}
	if (t.Code.When != nil || t.Code.Events != nil) && a.Mapped < a.Rows { // it may be false behind those that were mapped
		sure = min(sure, float64(max(0, a.Mapped-opt.Done))/float64(a.Rows))
	}
	if opt.Thinned && len(t.Keys) > 0 { // they may all have one key
		sure = 0
	}
	of := func(part float64) estimate.Load {
		l := estimate.Load{Object: t.Object.Name, Bytes: int64(float64(n.Text) * part), Batch: int64(t.Batch)}
		records := int64(float64(n.Records) * part)
		switch t.Operation {
		case mapping.Publish:
			l.Events = records
		case mapping.Delete:
			l.Deletes = records
		case mapping.Update:
			l.Updates = records
		default:
			l.Upserts = records
		}
		if keys := int64(float64(n.Keys) * part); keys > 0 && opt.Lookups != nil {
			l.Lookups = opt.Lookups(at, keys)
		} else {
			l.Lookups = estimate.Requests(keys)
		}
		if opt.Backup != nil && opt.Backup(t) && t.Operation != mapping.Publish && t.Operation != mapping.Delete && (t.Operation != mapping.Insert || t.Lookup) {
			l.Lookups += estimate.Requests(records) // of what they hold, by key or id
		}
		return l
	}
	about, least = of(part), of(sure)
	least.Lookups = min(least.Lookups, sureLookups)
	if t.Lookup && t.Operation == mapping.Insert { // all may be there already
		least.Upserts = 0
	}
	return about, least
}

// Purse is what may be spent in an org; -1 stands for what is not known or not bounded.
type Purse struct {
	// Org is the org's name for people.
	Org string
	// Pool is what the org has left of its Limit of daily calls.
	Pool, Limit int64
	// Budget is what the user leaves to the run of it.
	Budget int64
	// Given says that the user has said how far the run is to go.
	Given bool
}

// Fits reports whether so many calls can be spent.
func (p *Purse) Fits(calls int64) bool {
	return (p.Pool < 0 || calls <= p.Pool) && (p.Budget < 0 || calls <= p.Budget)
}

// Leaves says how many calls there are to be spent, in words that follow "and".
func (p *Purse) Leaves() string {
	if p.Budget >= 0 && (p.Pool < 0 || p.Budget <= p.Pool) {
		return fmt.Sprintf("the budget leaves %s in %s", ui.Count(p.Budget), p.Org)
	}
	return fmt.Sprintf("%s has %s of its %s daily ones left", p.Org, ui.Count(p.Pool), ui.Count(p.Limit))
}

// Choose returns whether a run goes by the Bulk API, given which of the two suits it better: that one, unless its calls
// are not there in one of the orgs and the other takes fewer of it. why says so, "" for the first choice.
func Choose(bulk bool, costs map[string]Costs, purses map[string]*Purse) (choice bool, why string) {
	for _, org := range slices.Sorted(maps.Keys(costs)) {
		suits, other := costs[org].By(bulk).About, costs[org].By(!bulk).About
		if p := purses[org]; !p.Fits(suits) && other < suits {
			by, instead := "composite requests", "jobs"
			if bulk {
				by, instead = instead, by
			}
			return !bulk, fmt.Sprintf("%s would take about %s, and %s; %s take about %s", by, ui.Plural(suits, "call", "calls"), p.Leaves(), instead, ui.Count(other))
		}
	}
	return bulk, ""
}

// Judge says in words what a cost means for a purse, "" if it fits. A run that would use up all that the org has
// left, while nobody has said that it may, is to be refused: if even the least that it takes is more. bulk is what
// the Bulk API would take instead, nil if it is no choice.
func Judge(c Cost, p *Purse, bulk *Cost) (words string, refuse bool) {
	if p.Fits(c.About) {
		return "", false
	}
	need := fmt.Sprintf("about %s are needed, and %s", ui.Plural(c.About, "API call", "API calls"), p.Leaves())
	if p.Given || c.Least <= p.Pool {
		return need + ": where they end the run stops, and sfsync resume goes on", false
	}
	ways := []string{"wait until it has more (they are counted over 24 hours) and go on with sfsync resume"}
	if bulk != nil && bulk.About < c.About {
		ways = append(ways, fmt.Sprintf("begin anew with --api bulk (about %s)", ui.Plural(bulk.About, "call", "calls")))
	}
	if p.Pool > 0 {
		ways = append(ways, fmt.Sprintf("go as far as they reach with --max-api-calls %d or --api-reserve 0", p.Pool))
	}
	return need + ", so nothing was sent: " + strings.Join(ways, "; or "), true
}
