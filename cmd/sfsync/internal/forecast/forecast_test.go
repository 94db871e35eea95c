package forecast

import (
	"strings"
	"testing"

	"sfsync/mapping"
	"sfsync/mapping/expr"
	"sfsync/mapping/schema"
	"sfsync/pipeline"
)

func TestOf(t *testing.T) {
	lead, event := &schema.Object{Name: "Lead"}, &schema.Object{Name: "Signup__e"}
	upsert := mapping.PlanTarget{Object: lead, Operation: mapping.Upsert}
	lookup := mapping.PlanTarget{Object: lead, Operation: mapping.Upsert, Lookup: true}
	insert := mapping.PlanTarget{Object: lead, Operation: mapping.Insert, Lookup: true}
	small := mapping.PlanTarget{Object: lead, Operation: mapping.Update, Batch: 10}
	publish := mapping.PlanTarget{Object: event, Operation: mapping.Publish}
	named := mapping.PlanTarget{Object: lead, Operation: mapping.Upsert, Org: "own"}
	other := mapping.PlanTarget{Object: lead, Operation: mapping.Delete, Org: "eu"}
	chosen := mapping.PlanTarget{Object: lead, Operation: mapping.Upsert}
	chosen.Code.When = &expr.Program{}
	keyed := mapping.PlanTarget{Object: lead, Operation: mapping.Upsert, Keys: make([]mapping.Key, 1)}
	gone := mapping.PlanTarget{Object: lead, Operation: mapping.Delete}
	keyless := mapping.PlanTarget{Name: "keyless", Object: lead, Operation: mapping.Insert}
	always := func(*mapping.PlanTarget) bool { return true }
	n := func(records, keys int64) pipeline.AheadTarget {
		return pipeline.AheadTarget{Records: records, Keys: keys}
	}
	for _, c := range []struct {
		name    string
		targets []mapping.PlanTarget
		second  []mapping.PlanTarget
		counts  []pipeline.AheadTarget
		rows    int64
		about   bool // the rows are an estimate
		opt     Options
		rest    map[string]Cost
	}{
		{"nothing", []mapping.PlanTarget{upsert}, nil, []pipeline.AheadTarget{n(0, 0)}, 0, false, Options{}, map[string]Cost{"": {0, 0}}},
		{"by key", []mapping.PlanTarget{upsert}, nil, []pipeline.AheadTarget{n(5001, 0)}, 5001, false, Options{}, map[string]Cost{"": {6, 6}}},
		{"about", []mapping.PlanTarget{upsert}, nil, []pipeline.AheadTarget{n(100_000, 0)}, 100_000, true, Options{}, map[string]Cost{"": {100, 80}}},
		{"chosen by a condition", []mapping.PlanTarget{chosen}, nil, []pipeline.AheadTarget{n(100_000, 0)}, 100_000, false, Options{}, map[string]Cost{"": {100, 10}}},
		{"chosen of what is left", []mapping.PlanTarget{chosen}, nil, []pipeline.AheadTarget{n(100_000, 0)}, 100_000, false, Options{Done: 10_000}, map[string]Cost{"": {90, 0}}},
		{"chosen of what was mapped", []mapping.PlanTarget{chosen}, nil, []pipeline.AheadTarget{n(3000, 0)}, 3000, false, Options{}, map[string]Cost{"": {3, 3}}},
		{"one of each key", []mapping.PlanTarget{keyed}, nil, []pipeline.AheadTarget{n(3000, 0)}, 3000, false, Options{Thinned: true}, map[string]Cost{"": {3, 0}}},
		{"looked up", []mapping.PlanTarget{lookup}, nil, []pipeline.AheadTarget{n(5000, 5000)}, 5000, false, Options{}, map[string]Cost{"": {10, 10}}},
		{"many looked up", []mapping.PlanTarget{lookup}, nil, []pipeline.AheadTarget{n(50_000, 50_000)}, 50_000, false, Options{}, map[string]Cost{"": {100, 60}}},
		{"inserts of what is missing", []mapping.PlanTarget{insert}, nil, []pipeline.AheadTarget{n(5000, 5000)}, 5000, false, Options{}, map[string]Cost{"": {10, 5}}},
		{"small requests", []mapping.PlanTarget{small}, nil, []pipeline.AheadTarget{n(5000, 0)}, 5000, false, Options{}, map[string]Cost{"": {500, 500}}},
		{"what is left", []mapping.PlanTarget{upsert}, nil, []pipeline.AheadTarget{n(10_000, 0)}, 10_000, false, Options{Done: 7000}, map[string]Cost{"": {3, 3}}},
		{"nothing is left", []mapping.PlanTarget{upsert}, nil, []pipeline.AheadTarget{n(10_000, 0)}, 10_000, false, Options{Done: 20_000}, map[string]Cost{"": {0, 0}}},
		{"with a backup", []mapping.PlanTarget{upsert}, nil, []pipeline.AheadTarget{n(3000, 0)}, 3000, false, Options{Backup: always}, map[string]Cost{"": {6, 6}}},
		{"with a backup of what is looked up", []mapping.PlanTarget{lookup}, nil, []pipeline.AheadTarget{n(3000, 3000)}, 3000, false, Options{Backup: always}, map[string]Cost{"": {9, 9}}},
		{"deletes are kept by id", []mapping.PlanTarget{gone}, nil, []pipeline.AheadTarget{n(3000, 0)}, 3000, false, Options{Backup: always}, map[string]Cost{"": {3, 3}}},
		{
			"looked up as the matcher decides",
			[]mapping.PlanTarget{upsert, lookup},
			nil,
			[]pipeline.AheadTarget{n(5000, 0), n(50_000, 50_000)},
			50_000, false,
			Options{Lookups: func(target int, keys int64) int64 { return int64(target) + keys/10_000 }},
			map[string]Cost{"": {61, 61}},
		},
		{
			"one by a job in any case",
			[]mapping.PlanTarget{upsert, keyless},
			nil,
			[]pipeline.AheadTarget{n(5000, 0), n(5000, 0)},
			5000, false,
			Options{Jobs: []string{"keyless"}},
			map[string]Cost{"": {5 + 6 + 6, 5 + 6 + 1}},
		},
		{"events have none", []mapping.PlanTarget{publish}, nil, []pipeline.AheadTarget{n(3000, 0)}, 3000, false, Options{Backup: always}, map[string]Cost{"": {3, 3}}},
		{"two orgs", []mapping.PlanTarget{upsert, other}, nil, []pipeline.AheadTarget{n(3000, 0), n(1000, 1000)}, 3000, false, Options{}, map[string]Cost{"": {3, 3}, "eu": {2, 2}}},
		{"the run's own by its name", []mapping.PlanTarget{upsert, named}, nil, []pipeline.AheadTarget{n(1000, 0), n(1000, 0)}, 1000, false, Options{}, map[string]Cost{"": {2, 2}}},
		{"a second pass", []mapping.PlanTarget{upsert}, []mapping.PlanTarget{small}, []pipeline.AheadTarget{n(3000, 0), n(100, 0)}, 3000, false, Options{}, map[string]Cost{"": {13, 13}}},
	} {
		p := &mapping.Plan{Targets: c.targets}
		if c.second != nil {
			p.Second = &mapping.Plan{Targets: c.second}
		}
		c.opt.Org = func(name string) string { return strings.TrimPrefix(name, "own") }
		got := Of(p, &pipeline.Ahead{Rows: c.rows, Exact: !c.about, Mapped: min(c.rows, 10_000), Targets: c.counts}, c.opt)
		for org, want := range c.rest {
			if got[org].REST != want {
				t.Errorf("%s: %+v in %q, want %+v", c.name, got[org].REST, org, want)
			}
		}
		if len(got) != len(c.rest) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	// A job takes a dozen calls, at least seven.
	got := Of(&mapping.Plan{Targets: []mapping.PlanTarget{upsert}}, &pipeline.Ahead{Rows: 50_000, Exact: true, Targets: []pipeline.AheadTarget{n(50_000, 0)}}, Options{Org: func(string) string { return "" }})[""]
	if got.Bulk.Least != 7 || got.Bulk.About < 8 || got.Bulk.About > 20 || got.By(true) != got.Bulk || got.By(false) != got.REST {
		t.Errorf("%+v", got)
	}
}

func TestJudge(t *testing.T) {
	bulk := &Cost{About: 20, Least: 7}
	for _, c := range []struct {
		name   string
		cost   Cost
		purse  Purse
		bulk   *Cost
		refuse bool
		words  []string // none: it fits
	}{
		{"it fits", Cost{100, 100}, Purse{Pool: 100, Limit: 15_000, Budget: -1}, nil, false, nil},
		{"nobody knows", Cost{100, 100}, Purse{Pool: -1, Budget: -1}, nil, false, nil},
		{"a budget", Cost{100, 100}, Purse{Pool: 1000, Limit: 15_000, Budget: 99, Given: true}, bulk, false, []string{"about 100 API calls", "the budget leaves 99 in Acme", "resume"}},
		{"a budget where nobody knows", Cost{100, 100}, Purse{Pool: -1, Budget: 9, Given: true}, bulk, false, []string{"the budget leaves 9"}},
		{"a budget beyond the pool", Cost{100, 100}, Purse{Pool: 50, Limit: 15_000, Budget: 1000, Given: true}, nil, false, []string{"Acme has 50 of its 15,000 daily ones left", "resume"}},
		{"an estimate", Cost{100, 80}, Purse{Pool: 80, Limit: 15_000, Budget: -1}, nil, false, []string{"Acme has 80", "where they end"}},
		{"no room for the least", Cost{100, 80}, Purse{Pool: 79, Limit: 15_000, Budget: -1}, nil, true, []string{"nothing was sent", "wait", "--max-api-calls 79", "--api-reserve 0"}},
		{"the other API", Cost{100, 100}, Purse{Pool: 50, Limit: 15_000, Budget: -1}, bulk, true, []string{"--api bulk (about 20 calls)"}},
		{"nothing is left", Cost{1, 1}, Purse{Pool: 0, Limit: 15_000, Budget: -1}, nil, true, []string{"about 1 API call", "has 0 of"}},
	} {
		c.purse.Org = "Acme"
		words, refuse := Judge(c.cost, &c.purse, c.bulk)
		if refuse != c.refuse || (words == "") != (len(c.words) == 0) {
			t.Errorf("%s: refused: %t, %q", c.name, refuse, words)
		}
		for _, w := range c.words {
			if !strings.Contains(words, w) {
				t.Errorf("%s: %q does not say %q", c.name, words, w)
			}
		}
		if c.bulk == nil && strings.Contains(words, "--api bulk") {
			t.Errorf("%s: %q", c.name, words)
		}
	}
}

func TestChoose(t *testing.T) {
	few := Costs{REST: Cost{About: 11}, Bulk: Cost{About: 13}}
	many := Costs{REST: Cost{About: 30}, Bulk: Cost{About: 13}}
	purse := func(pool int64) *Purse { return &Purse{Org: "Acme", Pool: pool, Limit: 100, Budget: -1} }
	for _, c := range []struct {
		name   string
		bulk   bool
		costs  map[string]Costs
		purses map[string]*Purse
		want   bool
		why    string
	}{
		{"jobs fit", true, map[string]Costs{"": few}, map[string]*Purse{"": purse(13)}, true, ""},
		{"jobs do not", true, map[string]Costs{"": few}, map[string]*Purse{"": purse(12)}, false, "jobs would take about 13 calls, and Acme has 12 of its 100 daily ones left; composite requests take about 11"},
		{"neither does", true, map[string]Costs{"": few}, map[string]*Purse{"": purse(5)}, false, "has 5"},
		{"the fewest already", true, map[string]Costs{"": many}, map[string]*Purse{"": purse(5)}, true, ""},
		{"requests fit", false, map[string]Costs{"": many}, map[string]*Purse{"": purse(30)}, false, ""},
		{"requests do not", false, map[string]Costs{"": many}, map[string]*Purse{"": purse(29)}, true, "composite requests would take about 30 calls"},
		{"in another org", false, map[string]Costs{"": many, "eu": many}, map[string]*Purse{"": purse(30), "eu": purse(20)}, true, "has 20"},
		{"nobody knows", false, map[string]Costs{"": many}, map[string]*Purse{"": purse(-1)}, false, ""},
	} {
		got, why := Choose(c.bulk, c.costs, c.purses)
		if got != c.want || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%s: %t, %q", c.name, got, why)
		}
	}
}
