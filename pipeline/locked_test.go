package pipeline_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/sink"
)

// TestLockedThroughAllTries updates a record that stays locked. It has failed, with the code of the lock, if the org
// has answered every time, whatever happened to the run; it is unknown what became of it if an answer was lost.
func TestLockedThroughAllTries(t *testing.T) {
	lost := &sink.Error{Class: sink.Network, Code: "NO_ANSWER", Lost: true}
	for _, c := range []struct {
		name, want string
		jobs       bool
		trouble    func(o *world, jobs *jobOrg, stop func())
		ends       error // of the first try
	}{
		{"every answer came", "failed", false, func(*world, *jobOrg, func()) {}, nil},
		{"stopped between two tries", "failed", false, func(o *world, _ *jobOrg, stop func()) {
			o.after = func(call int) error {
				if call == 2 {
					stop()
				}
				return nil
			}
		}, pipeline.ErrStopped},
		{"an answer was lost", "unknown", false, func(o *world, _ *jobOrg, _ func()) {
			o.after = func(call int) error {
				if call == 2 {
					return errLost
				}
				return nil
			}
		}, nil},
		{"cut off while it was sent", "unknown", false, func(o *world, _ *jobOrg, _ func()) {
			o.after = func(call int) error {
				if call == 2 {
					return lost
				}
				return nil
			}
		}, lost},
		{"the org has kept the answer", "failed", true, func(_ *world, jobs *jobOrg, _ func()) {
			jobs.dies = func(n int) string {
				if n == 2 {
					return "sent"
				}
				return ""
			}
		}, lost},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, operation := range []mapping.Operation{mapping.Update, mapping.Upsert} {
				in := lockFile(t, filepath.Join(t.TempDir(), "in.csv"), []string{"k1"})
				s := spec{operation: operation, match: "Email"}
				o := newFakeOrg(t, s.match)
				o.add("Lead", record{"Email": "k1", "Value__c": "old"})
				o.refuse = func(string, record) *sink.Error {
					return &sink.Error{Class: sink.Retry, Code: "UNABLE_TO_LOCK_ROW"}
				}
				jobs := &jobOrg{world: o, results: map[string]map[string]sink.Result{}}
				stop := make(chan struct{})
				c.trouble(o, jobs, func() { close(stop) })
				options := func(opt *pipeline.Options) {
					if c.jobs {
						opt.Targets[0].Writer = jobs
					}
					opt.LastPass, opt.Stop = lastPass(nil), stop
				}
				dir := t.TempDir()
				if _, err := try(t.Context(), t, dir, false, in, s, o, options); (err == nil) != (c.ends == nil) || !c.jobs && !errors.Is(err, c.ends) {
					t.Fatal(err)
				}
				if c.ends != nil {
					o.after, jobs.dies, stop = nil, nil, nil
					if _, err := try(t.Context(), t, dir, true, in, s, o, options); err != nil {
						t.Fatal(err)
					}
				}
				got := readCSV(t, filepath.Join(dir, c.want+".csv"))
				if len(got) != 1 || got[0]["sfsync_code"] != "UNABLE_TO_LOCK_ROW" {
					t.Errorf("%s, %s.csv: %v\n%s", operation, c.want, got, outcomes(t, dir))
				}
			}
		})
	}
}

// TestRefusalsThatPass: a parent that stays locked fails the rows that have come by then, which do not wait as long as
// the first has, and not those that come later.
func TestRefusalsThatPass(t *testing.T) {
	p, o := worldOf(t, `
  - object: Visit__c
    name: visit
    match: Ext__c
    fields: {Ext__c: ext, Account__c: {lookup: Account.ERP_Id__c, from: erp, create: true, fields: {Name: erp}}}
`)
	count := 8000 + 2000*(runtime.GOMAXPROCS(0)+2) // more than the window has room for
	var rows strings.Builder
	rows.WriteString("ext,erp\n")
	for i := range count {
		fmt.Fprintf(&rows, "x%d,a1\n", i)
	}
	tries := 0
	o.refuse = func(object string, _ record) *sink.Error {
		if object != "Account" {
			return nil
		}
		if tries++; tries == 1 {
			return &sink.Error{Class: sink.Retry, Code: "UNABLE_TO_LOCK_ROW"}
		}
		return nil
	}
	res, _ := play(t, p, o, rows.String(), func(opt *pipeline.Options) {
		opt.Workers, opt.Backoff, opt.Ledger, opt.Rows = 1, nil, nil, nil
		opt.LastPass = pipeline.LastPass{}
	})
	visits, parents := res.Targets[0], res.Targets[1]
	if parents.Created != 1 || visits.Failed == 0 || visits.Created == 0 || visits.Failed+visits.Created != int64(count) || tries != 2 {
		t.Errorf("%d tries: visits %+v, parents %+v", tries, visits, parents)
	}
}
