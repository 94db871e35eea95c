package job

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/sink"
	"sfsync/sink/salesforce/bulk"
	"sfsync/sink/salesforce/estimate"
)

// The APIs that records can go by.
const (
	APIAuto = "auto"
	apiRest = "rest"
	apiBulk = "bulk"
)

// api is how the records of a run are sent, and why. It is kept in the ledger: a resumed run sends them
// the same way.
type api struct {
	Mode string `json:"mode"` // rest or bulk
	Why  string `json:"why"`
}

// notByBulk says what of a plan the Bulk API cannot do; "" if it can do all of it.
func notByBulk(p *mapping.Plan) string {
	for ; p != nil; p = p.Second {
		for i := range p.Targets {
			t := &p.Targets[i]
			options := sink.Options{AssignmentRule: t.AssignmentRule, AllowDuplicates: t.AllowDuplicates, AllOrNone: t.AllOrNone, UpdateMRU: t.UpdateMRU}
			switch why := bulk.Refuses(&options); {
			case why != "":
				return "target " + t.Name + ": the Bulk API " + why
			case t.Operation == mapping.Publish:
				return "target " + t.Name + ": the Bulk API takes no platform events"
			case t.Batch > 0:
				return "target " + t.Name + ": the Bulk API chooses its batch size itself"
			}
		}
	}
	return ""
}

// forceAPI refuses --api bulk where the plan asks what the Bulk API cannot do.
func (j *job) forceAPI() error {
	if j.settings.API != apiBulk {
		return nil
	}
	if why := notByBulk(j.plan); why != "" {
		return exit.Errorf(exit.BadConfig, "--api bulk: %s: leave --api out, or use --api rest", why)
	}
	return nil
}

// chooseAPI decides how the records are sent, once for all tries at the run.
func (j *job) chooseAPI(ctx context.Context) error {
	if known, err := j.ledger.Meta(ctx, apiKey, &j.api); err != nil || known {
		return err
	}
	begun, err := j.ledger.Last(ctx)
	if err != nil {
		return err
	}
	switch {
	case begun >= 0: // by a version that did not keep it
		j.api = api{Mode: apiRest, Why: "as the run was begun"}
	case j.settings.API == apiBulk, j.settings.API == apiRest:
		j.api = api{Mode: j.settings.API, Why: "asked for by --api " + j.settings.API}
	default:
		if j.api, err = j.bestAPI(ctx); err != nil {
			return err
		}
	}
	return j.ledger.SetMeta(ctx, apiKey, j.api)
}

// restRows is up to how many rows composite requests cost fewer API calls than jobs, and less time: a job of the
// Bulk API takes a dozen calls, and waits for its turn.
const restRows = 10_000

// bestAPI chooses between the APIs by what the plan asks for and how many rows there are, of which it reads no
// more than it has to.
func (j *job) bestAPI(ctx context.Context) (api, error) {
	if why := notByBulk(j.plan); why != "" {
		return api{Mode: apiRest, Why: why}, nil
	}
	if j.settings.ChangedOnly != "" {
		return api{Mode: apiRest, Why: "with --changed-only few rows are expected to be sent"}, nil
	}
	rows, more, err := pipeline.ReadAhead(ctx, pipeline.Options{Plan: j.plan, Inputs: j.inputs, Source: input.Options(j.file)}, restRows)
	if err != nil {
		return api{}, err
	}
	for _, n := range [...]int64{j.limit, j.sample} {
		if n > 0 && n <= rows {
			rows, more = n, false
		}
	}
	if more {
		return api{Mode: apiBulk, Why: fmt.Sprintf("more than %s", ui.Plural(restRows, "row", "rows"))}, nil
	}
	why := ui.Plural(rows, "row", "rows")
	if left := j.callsLeft(); left < math.MaxInt64 {
		loads := make([]estimate.Load, len(j.plan.Targets))
		for i := range loads {
			loads[i] = estimate.Load{Object: j.plan.Targets[i].Object.Name, Upserts: rows}
		}
		composite, jobs := estimate.REST(loads).Calls, estimate.Bulk(loads).Calls
		if composite > left && jobs < composite {
			return api{Mode: apiBulk, Why: fmt.Sprintf("%s would take %d calls, and the budget leaves %d", why, composite, left)}, nil
		}
	}
	return api{Mode: apiRest, Why: fmt.Sprintf("%s: up to %s, composite requests of 1,000 cost fewer calls than jobs", why, ui.Plural(restRows, "row", "rows"))}, nil
}

// callsLeft is how many calls --max-api-calls leaves.
func (j *job) callsLeft() int64 {
	if j.flags.MaxCalls == 0 {
		return math.MaxInt64
	}
	return max(0, j.flags.MaxCalls-j.orgs.Main.Calls().Made)
}

// targets says where the records of the plan's targets go.
func (j *job) targets() []pipeline.Target {
	targets := make([]pipeline.Target, len(j.plan.Targets))
	writers := make(map[*remote.Org]pipeline.Target)
	for i := range targets {
		org := j.orgs.Of(j.plan.Targets[i].Org)
		t, ok := writers[org]
		if !ok {
			rest := org.Writer()
			t = pipeline.Target{Writer: rest, Matcher: rest}
			if j.api.Mode == apiBulk {
				t.Writer = &bulk.Writer{Jobs: bulk.Jobs{Org: org.Client, Now: j.Sys.Now, Rand: rand.Float64, Dir: j.dir.Path("")}}
			}
			writers[org] = t
		}
		targets[i] = t
	}
	return targets
}
