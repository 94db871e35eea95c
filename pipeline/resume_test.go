package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// stopAfter makes a run stop on request when the org has answered so many calls.
func stopAfter(org *world, calls int) func(*pipeline.Options) {
	stop := make(chan struct{})
	org.after = func(call int) error {
		if call == calls {
			close(stop)
		}
		return nil
	}
	return func(o *pipeline.Options) { o.Stop = stop }
}

func TestResumeRefusesAShorterInput(t *testing.T) {
	s := strategies["native"]
	in := generate(t, rand.New(rand.NewPCG(17, 17)), 20_000, 20_000)
	org := newFakeOrg(t, s.match)
	dir := t.TempDir()
	if _, err := try(t.Context(), t, dir, false, in, s, org, stopAfter(org, 7)); !errors.Is(err, pipeline.ErrStopped) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(in.path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if err := os.WriteFile(in.path, bytes.Join(lines[:2001], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	org.after = nil
	res, err := try(t.Context(), t, dir, true, in, s, org, nil)
	if !errors.Is(err, pipeline.ErrInputChanged) || res.Complete {
		t.Errorf("%v %+v", err, res)
	}
}

// A resumed run that finds its input changed has not forgotten what the first try did: its account and its row files
// have it. Once the input is back, it goes on.
func TestResumeOfAnotherInputKeepsTheAccount(t *testing.T) {
	s := strategies["native"]
	in := generate(t, rand.New(rand.NewPCG(37, 37)), 20_000, 20_000)
	org := newFakeOrg(t, s.match)
	dir := t.TempDir()
	first, err := try(t.Context(), t, dir, false, in, s, org, stopAfter(org, 2))
	if !errors.Is(err, pipeline.ErrStopped) || first.Rows.Succeeded == 0 {
		t.Fatal(err, first.Rows)
	}
	org.after = nil
	text, err := os.ReadFile(in.path)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(text)
	at := bytes.IndexByte(other, '\n') + 1
	other[at] ^= 1
	if err := os.WriteFile(in.path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := try(t.Context(), t, dir, true, in, s, org, nil)
	if !errors.Is(err, pipeline.ErrInputChanged) || res.Rows.Succeeded != first.Rows.Succeeded || res.Rows.Unknown != first.Rows.Unknown {
		t.Errorf("%v: %+v, had %+v", err, res.Rows, first.Rows)
	}
	if n := len(readCSV(t, dir+"/succeeded.csv")); n != int(first.Rows.Succeeded) {
		t.Errorf("succeeded.csv has %d rows, want %d", n, first.Rows.Succeeded)
	}
	if err := os.WriteFile(in.path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	last, err := try(t.Context(), t, dir, true, in, s, org, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkResult(t, dir, in, last, org)
}

// So does one that was in its second pass, which makes the rows worse that the first pass has counted.
func TestResumeOfAnotherInputInTheSecondPass(t *testing.T) {
	p, org := worldOf(t, "- {object: Account, name: account, match: ERP_Id__c, fields: {ERP_Id__c: erp, Name: {from: name, blank: fail}, ParentId: {lookup: Account.ERP_Id__c, from: parent}}}\n")
	const rows = 12_000
	text := []byte("erp,name,parent\n")
	for i := range rows {
		name := "N"
		if i < row.MaxRows { // a batch that fails
			name = ""
		}
		text = fmt.Appendf(text, "e%05d,%s,e%05d\n", i, name, rows-1)
	}
	in := input{path: filepath.Join(t.TempDir(), "in.csv"), rows: rows}
	if err := os.WriteFile(in.path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	references := 0
	org.refuse = func(_ string, fields record) *sink.Error {
		if fields["ParentId"] != "" {
			if references++; references == 5000 {
				close(stop)
			}
		}
		return nil
	}
	dir, s := t.TempDir(), spec{operation: mapping.Upsert, match: "Email"}
	first, err := try(t.Context(), t, dir, false, in, s, org, func(o *pipeline.Options) { o.Plan, o.Workers, o.Stop = p, 1, stop })
	if !errors.Is(err, pipeline.ErrStopped) || first.Rows.Failed != row.MaxRows {
		t.Fatal(err, first.Rows)
	}
	text[bytes.IndexByte(text, '\n')+1] ^= 1
	if err := os.WriteFile(in.path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := try(t.Context(), t, dir, true, in, s, org, func(o *pipeline.Options) { o.Plan = p })
	if !errors.Is(err, pipeline.ErrInputChanged) || res.Rows.Failed != first.Rows.Failed || res.Rows.Unknown != 0 || res.Targets[1].Updated != first.Targets[1].Updated {
		t.Errorf("%v: %+v, had %+v", err, res, first)
	}
}

// A resumed run that is stopped again at once still accounts for all that the first try did.
func TestResumedAndStoppedAtOnce(t *testing.T) {
	s := strategies["native"]
	in := generate(t, rand.New(rand.NewPCG(19, 19)), 40_000, 40_000)
	org := newFakeOrg(t, s.match)
	dir := t.TempDir()
	first, err := try(t.Context(), t, dir, false, in, s, org, stopAfter(org, 12))
	if !errors.Is(err, pipeline.ErrStopped) {
		t.Fatal(err)
	}
	org.after = nil
	stopped := make(chan struct{})
	close(stopped)
	second, err := try(t.Context(), t, dir, true, in, s, org, func(o *pipeline.Options) { o.Stop = stopped })
	if !errors.Is(err, pipeline.ErrStopped) {
		t.Fatal(err)
	}
	if first.Rows.Succeeded == 0 || second.Rows.Succeeded != first.Rows.Succeeded || second.Rows.Failed < 0 {
		t.Errorf("first %+v, then %+v", first.Rows, second.Rows)
	}
	if n := len(readCSV(t, dir+"/succeeded.csv")); n != int(first.Rows.Succeeded) {
		t.Errorf("succeeded.csv has %d rows, want %d", n, first.Rows.Succeeded)
	}
	last, err := try(t.Context(), t, dir, true, in, s, org, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkResult(t, dir, in, last, org)
}

// A context that ends is an error however far the run has come, unless it is complete.
func TestACancelledRunIsNeverComplete(t *testing.T) {
	s := strategies["native"]
	in := generate(t, rand.New(rand.NewPCG(23, 23)), 3000, 3000)
	for range 30 {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		res, err := try(ctx, t, t.TempDir(), false, in, s, newFakeOrg(t, s.match), nil)
		if err == nil || res != nil && res.Complete {
			t.Fatalf("%v %+v", err, res)
		}
	}
}

// What an org does to a request in flight while the run is being stopped is not forgotten.
func TestTheWorstReasonStays(t *testing.T) {
	s := strategies["native"]
	in := generate(t, rand.New(rand.NewPCG(29, 29)), 9000, 9000)
	org := newFakeOrg(t, s.match)
	auth := &sink.Error{Class: sink.Auth, Code: "INVALID_SESSION_ID"}
	stop := make(chan struct{})
	org.after = func(call int) error {
		if call == 1 {
			close(stop)
			return auth
		}
		return nil
	}
	_, err := try(t.Context(), t, t.TempDir(), false, in, s, org, func(o *pipeline.Options) { o.Stop, o.Workers = stop, 1 })
	if !errors.Is(err, auth) {
		t.Errorf("%v", err)
	}
}

// A bug in a stage costs the run, not its account.
func TestPanicInTheFormer(t *testing.T) {
	s := strategies["lookup"]
	in := generate(t, rand.New(rand.NewPCG(31, 31)), 9000, 9000)
	org := newFakeOrg(t, s.match)
	res, err := try(t.Context(), t, t.TempDir(), false, in, s, org, func(o *pipeline.Options) { o.Targets[0].Matcher = panics{org} })
	if !errors.Is(err, pipeline.ErrPanic) {
		t.Fatal(err)
	}
	if r := res.Rows; res.Complete || r.Read != r.Succeeded+r.Failed+r.Skipped+r.Unknown+r.Pending {
		t.Errorf("%+v", r)
	}
}

type panics struct{ *world }

func (panics) LookupKeys(*sink.Lookup) int { panic("a bug") }

// What may have reached the org is unknown until somebody has asked: also in a try that was stopped before it did.
func TestUnknownStaysSoUntilItIsAsked(t *testing.T) {
	s := strategies["native"]
	in := generate(t, rand.New(rand.NewPCG(31, 31)), 1000, 1_000_000)
	org := newFakeOrg(t, s.match)
	dir := t.TempDir()
	down := &sink.Error{Class: sink.Network, Code: "NO_ANSWER"}
	org.after = func(int) error { return down }
	res, err := try(t.Context(), t, dir, false, in, s, org, nil)
	if !errors.Is(err, down) || res.Rows.Unknown == 0 {
		t.Fatalf("%v, %+v", err, res.Rows)
	}
	want := res.Rows
	stop := make(chan struct{})
	close(stop)
	res, err = try(t.Context(), t, dir, true, in, s, org, func(o *pipeline.Options) { o.Stop = stop })
	if !errors.Is(err, pipeline.ErrStopped) || res.Rows != want {
		t.Errorf("%v, %+v after a stop, %+v before", err, res.Rows, want)
	}
	org.after = nil
	if res, err = try(t.Context(), t, dir, true, in, s, org, nil); err != nil {
		t.Fatal(err)
	}
	checkResult(t, dir, in, res, org)
}

// unsent is an org to which no request gets: what got lost was asked before the records were to be sent.
type unsent struct{ *world }

func (unsent) Write(_ context.Context, _ *sink.Request, results []sink.Result) error {
	lost := &sink.Error{Class: sink.Network, Code: "NO_ANSWER", Lost: true}
	for i := range results {
		results[i] = sink.Result{Status: sink.NotSent, Err: lost}
	}
	return lost
}

// Records that have not left are pending, whatever else of the request got lost.
func TestWhatWasNotSentIsPending(t *testing.T) {
	for name, s := range map[string]spec{"upsert": strategies["native"], "insert": {operation: mapping.Insert}} {
		t.Run(name, func(t *testing.T) {
			in := generate(t, rand.New(rand.NewPCG(32, 32)), 500, 1_000_000)
			org := newFakeOrg(t, s.match)
			dir := t.TempDir()
			res, err := try(t.Context(), t, dir, false, in, s, org, func(o *pipeline.Options) { o.Targets[0].Writer = unsent{org} })
			if err == nil || res.Rows.Unknown != 0 || res.Rows.Pending+res.Rows.Failed != res.Rows.Read || res.Rows.Pending == 0 {
				t.Fatalf("%v, %+v", err, res.Rows)
			}
			if res, err = try(t.Context(), t, dir, true, in, s, org, nil); err != nil || !res.Complete || res.Rows.Unknown != 0 {
				t.Fatalf("%v, %+v", err, res)
			}
		})
	}
}
