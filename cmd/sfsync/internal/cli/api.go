package cli

import (
	"context"
	"math/rand/v2"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/sink/salesforce/bulk"
)

// The APIs that records can go by.
const (
	apiAuto = "auto"
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
			switch t := &p.Targets[i]; {
			case t.Operation == mapping.Publish:
				return "target " + t.Name + " publishes platform events, which the Bulk API does not take"
			case t.Batch > 0:
				return "target " + t.Name + " has a batch size, which the Bulk API does not let us choose"
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
	switch j.settings.API {
	case apiBulk, apiRest:
		j.api = api{Mode: j.settings.API, Why: "asked for by --api " + j.settings.API}
	default:
		j.api = api{Mode: apiRest, Why: "composite requests of up to 1,000 records"}
	}
	return j.ledger.SetMeta(ctx, apiKey, j.api)
}

// targets says where the records of the plan's targets go.
func (j *job) targets() []pipeline.Target {
	targets := make([]pipeline.Target, len(j.plan.Targets))
	writers := make(map[*remote.Org]pipeline.Target)
	for i := range targets {
		org := j.orgOf(j.plan.Targets[i].Org)
		t, ok := writers[org]
		if !ok {
			rest := org.Writer()
			t = pipeline.Target{Writer: rest, Matcher: rest}
			if j.api.Mode == apiBulk {
				t.Writer = &bulk.Writer{Jobs: bulk.Jobs{Org: org.Client, Now: j.sys.Now, Rand: rand.Float64, Dir: j.dir.Path("")}}
			}
			writers[org] = t
		}
		targets[i] = t
	}
	return targets
}
