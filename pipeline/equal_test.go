package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
	"sfsync/sink"
)

const leadFields = "  fields: {Ext__c: ext, Email: email, LastName: {value: Last}, Company: {value: Acme}, Value__c: value}\n"

// shapes are mappings in which records wait for each other in every way.
var shapes = map[string]string{
	"references": "- object: Lead\n  name: lead\n  match: [Ext__c, Email]\n  on_converted: contact\n" + leadFields +
		"- object: Contact\n  name: contact\n  when: false\n  operation: update\n  fields: {Value__c: value}\n" +
		"- object: Visit__c\n  name: visit\n  match: Ext__c\n  when: visit != \"\"\n  fields: {Ext__c: visit, Lead__c: {ref: lead}, Owner__c: {lookup: User.Username, from: owner}," +
		" Account__c: {lookup: Account.ERP_Id__c, from: erp, create: true, fields: {Name: erp}}}\n" +
		"- object: CampaignMember\n  name: member\n  match: [[LeadId, CampaignId]]\n  when: campaign != \"\"\n  fields: {LeadId: {ref: lead}, CampaignId: {lookup: Campaign.Code__c, from: campaign}, Status: value}\n",
	"only what is missing": "- object: Lead\n  name: lead\n  operation: insert\n  match: Email\n  on_many: newest\n  on_converted: skip\n" + leadFields +
		"- object: Visit__c\n  name: visit\n  operation: insert\n  fields: {Ext__c: visit, Lead__c: {ref: lead}, Value__c: value}\n",
	"inserts by key": "- object: Lead\n  name: lead\n  operation: insert\n  match: Email\n  on_many: newest\n  on_converted: skip\n" + leadFields +
		"- object: Visit__c\n  name: visit\n  operation: insert\n  match: Ext__c\n  when: visit != \"\"\n  fields: {Ext__c: visit, Lead__c: {ref: lead}, Value__c: value}\n",
	"only what is empty": "- object: Lead\n  name: lead\n  match: Email\n  on_many: oldest\n  on_converted: skip\n" +
		"  fields: {Ext__c: {from: ext, only_if: empty}, Email: email, LastName: {value: Last, only_if: empty}, Company: {value: Acme}, Value__c: {from: value, only_if: empty}}\n",
	"deletes": "- object: Lead\n  name: lead\n  operation: delete\n  match: [Ext__c, Email]\n  on_many: skip\n  on_converted: skip\n  fields: {Ext__c: ext, Email: email}\n",
	"two passes": "- object: Account\n  name: account\n  match: ERP_Id__c\n  when: erp != \"\"\n" +
		"  fields: {ERP_Id__c: erp, Name: {value: N}, ParentId: {lookup: Account.ERP_Id__c, from: parent}}\n",
}

// story is generated rows, and an org that they meet.
type story struct {
	header string
	rows   []string
}

func tell(rng *rand.Rand, rows int) story {
	s := story{header: "ext,email,value,visit,owner,erp,campaign,parent\n"}
	people := 1 + rng.IntN(rows)
	pick := func(prefix string, n, blank int) string {
		if rng.IntN(100) < blank {
			return ""
		}
		return fmt.Sprintf("%s%d", prefix, rng.IntN(n))
	}
	for i := range rows {
		n := rng.IntN(people)
		ext, email := fmt.Sprintf("E%d", n), fmt.Sprintf("P%d@x.org", n)
		switch rng.IntN(20) {
		case 0:
			email = ""
		case 1:
			ext, email = fmt.Sprintf("F%d", n), "conflict@x.org" // the org's is another's
		case 2:
			ext, email = fmt.Sprintf("G%d", n), "converted@x.org"
		case 3:
			ext, email = fmt.Sprintf("H%d", n), "twins@x.org"
		case 4:
			ext, email = "", ""
		}
		if rng.IntN(2) == 0 {
			email = strings.ToLower(email)
		}
		s.rows = append(s.rows, strings.Join([]string{
			ext, email, fmt.Sprint("v", i), pick("V", rows, 30), pick("u", 6, 20), pick("A", 40, 10), pick("C", 4, 40), pick("A", 50, 40),
		}, ",")+"\n")
	}
	return s
}

// people puts into an org what the rows meet.
func (s story) people(o *world) {
	contact := o.add("Contact", record{"LastName": "C"})
	o.add("Lead", record{"Email": "converted@x.org", "IsConverted": "true", "ConvertedContactId": contact})
	o.add("Lead", record{"Ext__c": "X", "Email": "conflict@x.org"})
	o.add("Lead", record{"Email": "twins@x.org", "Company": "Old"})
	o.add("Lead", record{"Email": "twins@x.org"})
	for i := range 20 {
		o.add("Lead", record{"Ext__c": fmt.Sprint("E", 3*i), "Email": fmt.Sprintf("p%d@x.org", 3*i)})
	}
	for i := range 4 {
		o.add("User", record{"Username": fmt.Sprint("u", i)})
		o.add("Account", record{"ERP_Id__c": fmt.Sprint("A", 2*i), "Name": "Old"})
	}
	for i := range 3 {
		o.add("Campaign", record{"Code__c": fmt.Sprint("C", i)})
	}
}

var listed = []string{"Lead", "Contact", "Visit__c", "CampaignMember", "Account"}

// oneByOne is the measure: each row is a run of its own, and with a second pass all of them again.
func oneByOne(t testing.TB, targets string, s story) (*world, map[string]pipeline.TargetCounts) {
	t.Helper()
	p, o := worldOf(t, targets)
	s.people(o)
	counts := map[string]pipeline.TargetCounts{}
	rows := s.rows
	if p.Second != nil {
		rows = append(slices.Clone(rows), rows...) // the second time every record is there to be referred to
	}
	for i, r := range rows {
		opt := pipeline.Options{
			Plan: p, Workers: 1, Source: source.Options{Format: "csv"},
			Inputs: []source.Input{{Path: "in.csv", Reader: strings.NewReader(s.header + r)}},
		}
		for range p.Targets {
			opt.Targets = append(opt.Targets, pipeline.Target{Writer: o, Matcher: o})
		}
		res, err := pipeline.Run(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if i < len(s.rows) {
			addCounts(counts, p, res)
		}
	}
	return o, counts
}

func addCounts(counts map[string]pipeline.TargetCounts, p *mapping.Plan, res *pipeline.Result) {
	for i, n := range res.Targets[:len(p.Targets)] {
		c := counts[p.Targets[i].Name]
		c.Records += n.Records
		c.Created += n.Created
		c.Updated += n.Updated
		c.Unchanged += n.Unchanged
		c.Deleted += n.Deleted
		c.Failed += n.Failed
		c.Skipped += n.Skipped
		counts[p.Targets[i].Name] = c
	}
}

func checkStory(t testing.TB, p *mapping.Plan, o, want *world, counts map[string]pipeline.TargetCounts, res *pipeline.Result) {
	t.Helper()
	for _, object := range listed {
		if d := cmp.Diff(want.dump(object), o.dump(object)); d != "" {
			t.Errorf("%s (-want +got):\n%s", object, d)
		}
	}
	got := map[string]pipeline.TargetCounts{}
	addCounts(got, p, res)
	if d := cmp.Diff(counts, got); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
	if r := res.Rows; r.Read != r.Succeeded+r.Failed+r.Skipped+r.Unknown || !res.Complete {
		t.Errorf("%+v, complete: %v", r, res.Complete)
	}
}

// checkPlan checks that a rehearsal said what the run did, but that it also tells what changes nothing.
func checkPlan(t testing.TB, planned, ran *pipeline.Result) {
	t.Helper()
	alike := func(r *pipeline.Result) []pipeline.TargetCounts {
		n := slices.Clone(r.Targets)
		for i := range n {
			n[i].Updated, n[i].Unchanged = n[i].Updated+n[i].Unchanged, 0
		}
		return n
	}
	if d := cmp.Diff(alike(ran), alike(planned)); d != "" {
		t.Errorf("a rehearsal counts otherwise (-run +rehearsal):\n%s", d)
	}
	if d := cmp.Diff(ran.Rows, planned.Rows); d != "" {
		t.Errorf("a rehearsal counts rows otherwise (-run +rehearsal):\n%s", d)
	}
}

// However many rows are under way at a time, however requests fail, and at whatever moment the run is
// killed and resumed: what becomes of the rows is what becomes of them one by one.
func TestLikeOneByOne(t *testing.T) {
	seeds := 5
	if testing.Short() {
		seeds = 3
	}
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		targets := shapes[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds {
				rng := rand.New(rand.NewPCG(41, uint64(seed)))
				s := tell(rng, 60+rng.IntN(100))
				want, counts := oneByOne(t, targets, s)

				p, o := worldOf(t, targets)
				s.people(o)
				res, _ := play(t, p, o, s.header+strings.Join(s.rows, ""), workersOf(1+rng.IntN(4)))
				checkStory(t, p, o, want, counts, res)

				p, o = worldOf(t, targets)
				s.people(o)
				planned, _ := play(t, p, o, s.header+strings.Join(s.rows, ""), func(opt *pipeline.Options) { opt.Workers, opt.Rehearse = 1+rng.IntN(4), true })
				checkPlan(t, planned, res)
				if len(o.writes) > 0 {
					t.Errorf("the rehearsal wrote: %v", o.writes)
				}

				kinds := []string{"killed"}
				if name != "only what is missing" { // plain inserts cannot be sent again
					kinds = append(kinds, "lost")
				}
				for _, kind := range kinds {
					p, o := worldOf(t, targets)
					s.people(o)
					o.limits = sink.Limits{Records: 25, Group: 5, Groups: 5, Bytes: 1 << 20}
					res := troubled(t, rng, p, o, s, kind, name == "only what is missing")
					checkStory(t, p, o, want, counts, res)
				}
				if t.Failed() {
					t.Fatalf("seed %d:\n%s%s", seed, s.header, strings.Join(s.rows, ""))
				}
			}
		})
	}
}

// troubled runs a story while answers get lost, or while it is killed again and again.
func troubled(t testing.TB, rng *rand.Rand, p *mapping.Plan, o *world, s story, kind string, before bool) *pipeline.Result {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(path, []byte(s.header+strings.Join(s.rows, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := report.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	kills := 1 + rng.IntN(3)
	for attempt := 0; ; attempt++ {
		if attempt > 10 {
			t.Fatal("does not end")
		}
		var l *ledger.Ledger
		if attempt == 0 {
			l, err = ledger.Create(t.Context(), d.Path("ledger.db"), 1)
		} else {
			l, err = ledger.Open(t.Context(), d.Path("ledger.db"))
		}
		if err != nil {
			t.Fatal(err)
		}
		files, err := report.NewRows(d)
		if err != nil {
			t.Fatal(err)
		}
		ctx, kill := context.WithCancel(t.Context())
		o.before, o.after = nil, nil
		start := len(o.writes)
		at := start + 1 + rng.IntN(3)
		var dead atomic.Bool
		die := func(call int) error {
			if call >= at && !dead.Swap(true) {
				kill()
				return context.Canceled
			}
			return nil
		}
		switch {
		case kind == "lost":
			o.after = func(call int) error {
				if call%3 == 0 {
					return errLost
				}
				return nil
			}
		case attempt >= kills:
		case before || rng.IntN(2) == 0:
			o.before = die
		default:
			o.after = die
		}
		opt := pipeline.Options{
			Plan: p, Inputs: []source.Input{{Path: path}}, Ledger: l, Resume: attempt > 0, Rows: files, Errors: &report.Errors{}, Workers: 1 + rng.IntN(3),
			Backoff: func(n int) (time.Duration, bool) { return 0, n <= 9 },
		}
		for range p.Targets {
			opt.Targets = append(opt.Targets, pipeline.Target{Writer: o, Matcher: o})
		}
		res, err := pipeline.Run(ctx, opt)
		kill()
		if err2 := errors.Join(files.Close(), l.Close()); err2 != nil {
			t.Fatal(err2)
		}
		if err == nil {
			return res
		}
		if !dead.Load() {
			t.Fatal(err)
		}
	}
}
