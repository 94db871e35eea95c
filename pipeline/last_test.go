package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline"
	"sfsync/pipeline/source"
	"sfsync/sink"
)

// The attempts that the tests of this file grant a record: beside others, and in the last pass.
const (
	ordinary = 5
	lastly   = 3
)

// lockOrg refuses records for a lock as often as a test says, and checks that those of the last pass travel alone
// and in small groups.
type lockOrg struct {
	*world
	alone int // from which attempt of a record on its request is the only one under way

	lock     sync.Mutex
	refusals map[string]int // value of a row → how often it is refused
	tries    map[string]int
	history  map[string][]string
	active   int
	most     int // active at a time
	lonely   bool
	begun    bool // the last pass
	wide     int  // requests after that that were as large as ever
	takes    time.Duration
	faults   []string
}

func newLockOrg(o *world, alone int, refusals map[string]int) *lockOrg {
	l := &lockOrg{world: o, alone: alone, refusals: refusals, tries: map[string]int{}, history: map[string][]string{}}
	o.refuse = func(_ string, fields record) *sink.Error {
		l.lock.Lock()
		defer l.lock.Unlock()
		value, key := fields["Value__c"], strings.ToLower(fields[o.sole])
		if l.tries[value] <= l.refusals[value] {
			return &sink.Error{Class: sink.Retry, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record"}
		}
		l.history[key] = append(l.history[key], value)
		return nil
	}
	return l
}

func (o *lockOrg) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	o.begin(req)
	time.Sleep(o.takes)
	defer func() {
		o.lock.Lock()
		defer o.lock.Unlock()
		if o.active--; o.active == 0 {
			o.lonely = false
		}
	}()
	return o.world.Write(ctx, req, results)
}

func (o *lockOrg) begin(req *sink.Request) {
	o.lock.Lock()
	defer o.lock.Unlock()
	lonely := false
	for _, r := range req.Records {
		value := cell(r.Batch, r.Row, "Value__c")
		o.tries[value]++
		lonely = lonely || o.tries[value] >= o.alone
	}
	o.active++
	o.most = max(o.most, o.active)
	if o.active > 1 && (lonely || o.lonely) {
		o.faults = append(o.faults, "a request is under way beside one of the last pass")
	}
	if lonely && o.limits.Group > 0 && (req.Group != 50 || len(req.Records) > 50*o.limits.Groups) {
		o.faults = append(o.faults, fmt.Sprintf("a request of the last pass has %d records in groups of %d", len(req.Records), req.Group))
	}
	o.lonely, o.begun = o.lonely || lonely, o.begun || lonely
	if o.begun && req.Group == 0 {
		o.wide++
	}
}

// lockJobs is a lockOrg that keeps the results of its requests.
type lockJobs struct {
	*jobOrg
	*lockOrg
}

func (o lockJobs) Limits() sink.Limits { return o.jobOrg.Limits() }

func (o lockJobs) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	return o.lockOrg.Write(ctx, req, results)
}

func (o lockJobs) Lookup(ctx context.Context, l *sink.Lookup) error { return o.lockOrg.Lookup(ctx, l) }

func (o lockJobs) LookupKeys(l *sink.Lookup) int { return o.lockOrg.LookupKeys(l) }

func lastPass(begun func(attempt, records int)) pipeline.LastPass {
	return pipeline.LastPass{Wait: func(attempt int) (time.Duration, bool) { return 0, attempt <= lastly }, Begun: begun}
}

// lockFile writes rows: one for each key, whose value is its number.
func lockFile(t testing.TB, path string, keys []string) input {
	t.Helper()
	in := input{path: path, rows: len(keys), want: map[string]string{}}
	var b bytes.Buffer
	b.WriteString("key,value,company\n")
	for i, k := range keys {
		fmt.Fprintf(&b, "%s,%d,\n", k, i)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return in
}

// Whatever pattern of refusals that pass: every record is written once, in order with the others of its key, or
// fails with the org's code when there have been enough attempts.
func TestLastPassWritesOnceInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.csv")
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfN(rapid.SampledFrom(strings.Split("a b c d e f", " ")), 1, 30).Draw(rt, "keys")
		in := lockFile(t, path, keys)
		refusals := map[string]int{}
		for i := range keys {
			refusals[strconv.Itoa(i)] = rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2, 4, 5, 6, 7, 8, 9}).Draw(rt, "refusals")
		}
		name := rapid.SampledFrom([]string{"native", "lookup", "no key", "defaults"}).Draw(rt, "strategy")
		jobs := rapid.Bool().Draw(rt, "jobs")
		s := strategies[name]
		fake := newFakeOrg(t, s.match)
		org := newLockOrg(fake, ordinary+1, refusals)
		attempts := ordinary + lastly
		var w sink.Writer = org
		if jobs {
			attempts, org.alone = 1+lastly, 2
			fake.limits = sink.Limits{Records: 3000, Bytes: 1 << 20}
			w = lockJobs{&jobOrg{world: fake}, org}
		} else {
			fake.limits.Records = rapid.SampledFrom([]int{1, 2, 1000}).Draw(rt, "records")
		}
		rounds := 0
		res, err := pipeline.Run(t.Context(), pipeline.Options{
			Plan: s.plan(t), Inputs: []source.Input{{Path: in.path}}, Targets: []pipeline.Target{{Writer: w, Matcher: org}},
			Workers:  rapid.IntRange(1, 8).Draw(rt, "workers"),
			Backoff:  func(attempt int) (time.Duration, bool) { return 0, attempt <= ordinary },
			LastPass: lastPass(func(int, int) { rounds++ }),
		})
		if err != nil {
			rt.Fatal(err)
		}
		want := map[string][]string{}
		failed, late := 0, 0
		for i, k := range keys {
			n := refusals[strconv.Itoa(i)]
			if n >= attempts {
				failed++
			} else {
				want[k] = append(want[k], strconv.Itoa(i))
			}
			if n >= attempts-lastly {
				late++
			}
		}
		if d := cmp.Diff(want, org.history); d != "" {
			rt.Errorf("-want +got:\n%s", d)
		}
		if len(org.faults) > 0 {
			rt.Error(org.faults)
		}
		if int(res.Rows.Failed) != failed || int(res.Rows.Succeeded) != len(keys)-failed || int(res.LastPass) != late || (late > 0) != (rounds > 0) {
			rt.Errorf("%+v, %d in the last pass in %d rounds; want %d failed, %d in the last pass", res.Rows, res.LastPass, rounds, failed, late)
		}
	})
}

// A record that waits for the last pass holds its batch, and all behind it, in the window: when that is full, the
// last pass does not wait for the end of the input.
func TestLastPassWhenTheWindowIsFull(t *testing.T) {
	for _, jobs := range []bool{false, true} {
		keys := make([]string, 16_000+2000*(runtime.GOMAXPROCS(0)+2)) // the window has room for half of the first
		for i := range keys {
			keys[i] = fmt.Sprint("k", i)
		}
		in := lockFile(t, filepath.Join(t.TempDir(), "in.csv"), keys)
		for i, k := range keys {
			in.want[k] = strconv.Itoa(i)
		}
		s := strategies["native"]
		fake := newFakeOrg(t, s.match)
		org := newLockOrg(fake, ordinary+1, map[string]int{"3": ordinary + 1, "1500": ordinary, strconv.Itoa(len(keys) - 9): ordinary})
		var w sink.Writer = org
		if jobs {
			org.alone = 2
			org.refusals = map[string]int{"3": 2, "1500": 1, strconv.Itoa(len(keys) - 9): 1}
			fake.limits = sink.Limits{Records: 3000, Bytes: 1 << 20}
			w = lockJobs{&jobOrg{world: fake}, org}
		}
		var read []int64
		dir := t.TempDir()
		res, err := try(t.Context(), t, dir, false, in, s, fake, func(o *pipeline.Options) {
			o.Targets[0].Writer, o.Workers, o.Stats, o.Ledger = w, 2, &pipeline.Stats{}, nil
			o.LastPass = lastPass(func(int, int) { read = append(read, o.Stats.Read.Load()) })
		})
		if err != nil {
			t.Fatal(err)
		}
		checkResult(t, dir, in, res, fake)
		if res.LastPass != 3 || len(read) < 3 || read[0] >= int64(len(keys)) || read[len(read)-1] != int64(len(keys)) || org.wide == 0 || len(org.faults) > 0 {
			t.Errorf("%d records in the last pass, begun when so many rows were read: %v, and %d large requests after that; %v", res.LastPass, read, org.wide, org.faults)
		}
	}
}

// Whatever the number of workers, nothing else is under way with a request of the last pass.
func TestLastPassIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, refusals := make([]string, 40), map[string]int{}
		for i := range keys {
			keys[i] = fmt.Sprint("k", i)
			refusals[strconv.Itoa(i)] = i % (ordinary + lastly)
		}
		in := lockFile(t, filepath.Join(t.TempDir(), "in.csv"), keys)
		s := strategies["lookup"]
		org := newLockOrg(newFakeOrg(t, s.match), ordinary+1, refusals)
		org.limits.Records, org.takes = 2, time.Second
		res, err := pipeline.Run(t.Context(), pipeline.Options{
			Plan: s.plan(t), Inputs: []source.Input{{Path: in.path}}, Targets: []pipeline.Target{{Writer: org, Matcher: org}}, Workers: 8,
			Backoff:  func(attempt int) (time.Duration, bool) { return time.Millisecond, attempt <= ordinary },
			LastPass: lastPass(nil),
		})
		if err != nil || res.Rows.Succeeded != 40 || res.LastPass != 15 || org.most != 8 || len(org.faults) > 0 {
			t.Errorf("%v, %+v, %d in the last pass, %d requests at once, %v", err, res.Rows, res.LastPass, org.most, org.faults)
		}
	})
}

// The rounds of the last pass come after the waits that are asked for, and end; a stop need not wait for the next
// one. What waits stays pending, and a resumed run sends it.
func TestLastPassWaits(t *testing.T) {
	type round struct {
		After            time.Duration
		Attempt, Records int
	}
	for _, stops := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			in := lockFile(t, filepath.Join(t.TempDir(), "in.csv"), []string{"a", "b", "a", "c"})
			in.want = map[string]string{"b": "1", "c": "3"}
			s := strategies["native"]
			org := newLockOrg(newFakeOrg(t, s.match), ordinary+1, map[string]int{"0": 1000, "1": 6})
			start := time.Now()
			var rounds []round
			stop := make(chan struct{})
			options := func(o *pipeline.Options) {
				o.Targets[0].Writer, o.Stop = org, stop
				o.Backoff = func(attempt int) (time.Duration, bool) { return time.Second, attempt <= ordinary }
				o.LastPass = pipeline.LastPass{
					Wait: func(attempt int) (time.Duration, bool) {
						return time.Duration(attempt) * time.Minute, attempt <= lastly
					},
					Begun: func(attempt, records int) { rounds = append(rounds, round{time.Since(start), attempt, records}) },
				}
			}
			if stops {
				time.AfterFunc(2*time.Minute, func() { close(stop) })
			}
			dir := t.TempDir()
			res, err := try(t.Context(), t, dir, false, in, s, org.world, options)
			want := []round{{64 * time.Second, 1, 2}, {184 * time.Second, 2, 2}, {364 * time.Second, 3, 1}}
			if !stops {
				if d := cmp.Diff(want, rounds); d != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, d)
				}
				// The second row of the key comes when the first is decided.
				if res.Rows.Failed != 1 || res.Rows.Succeeded != 3 || res.LastPass != 2 || org.values("Value__c")["a"] != "2" || len(org.faults) > 0 {
					t.Errorf("%+v, %d in the last pass, %v", res.Rows, res.LastPass, org.faults)
				}
				failed := readCSV(t, filepath.Join(dir, "failed.csv"))
				if len(failed) != 1 || failed[0]["sfsync_code"] != "UNABLE_TO_LOCK_ROW" || failed[0]["sfsync_attempts"] != strconv.Itoa(ordinary+lastly) {
					t.Errorf("%v", failed)
				}
				return
			}
			if d := cmp.Diff(want[:1], rounds); d != "" || !errors.Is(err, pipeline.ErrStopped) || time.Since(start) != 2*time.Minute {
				t.Errorf("%v after %v (-want +got):\n%s", err, time.Since(start), d)
			}
			if res.Rows.Pending != 3 || res.Rows.Succeeded != 1 {
				t.Errorf("%+v", res.Rows)
			}
			org.refusals, stop = nil, make(chan struct{})
			if res, err = try(t.Context(), t, dir, true, in, s, org.world, options); err != nil || res.Rows.Succeeded != 4 || org.values("Value__c")["a"] != "2" {
				t.Errorf("%v, %+v", err, res.Rows)
			}
		})
	}
}

// A record of the last pass may turn out to be one that another record of it has come to by another key. It waits for
// that one, through as many rounds as it takes, and still travels alone and in a small group.
func TestLastPassBehindAnother(t *testing.T) {
	p, w := worldOf(t, `
  - object: Lead
    match: [Ext__c, Email]
    fields: {Ext__c: key, Email: email, Value__c: value, LastName: {value: N}, Company: {value: Y}}
`)
	id := w.add("Lead", record{"Email": "a@x.de"})
	path := filepath.Join(t.TempDir(), "in.csv")
	if err := os.WriteFile(path, []byte("key,email,value\n,a@x.de,0\nl1,,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	org := newLockOrg(w, ordinary+1, map[string]int{"0": ordinary + 1, "1": ordinary})
	res, err := pipeline.Run(t.Context(), pipeline.Options{
		Plan: p, Inputs: []source.Input{{Path: path}}, Targets: []pipeline.Target{{Writer: org, Matcher: org}},
		Backoff: func(attempt int) (time.Duration, bool) { return 0, attempt <= ordinary },
		LastPass: lastPass(func(attempt, _ int) {
			if attempt == 1 {
				w.objects["Lead"][id]["Ext__c"] = "l1"
			}
		}),
	})
	if err != nil || res.Rows.Succeeded != 2 || res.LastPass != 2 || len(w.objects["Lead"]) != 1 || w.objects["Lead"][id]["Value__c"] != "1" {
		t.Errorf("%v, %+v, %d in the last pass, %v", err, res.Rows, res.LastPass, w.objects["Lead"])
	}
	if len(org.faults) > 0 {
		t.Error(org.faults)
	}
}
