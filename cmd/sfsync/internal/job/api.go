package job

import (
	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/sink"
	"sfsync/sink/salesforce"
	"sfsync/sink/salesforce/bulk"
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
	Why  string `json:"why"`  // in words that stand in brackets
	// Jobs are targets that go by jobs even so.
	Jobs []string `json:"jobs,omitempty"`
	// Predicted is about how many API calls the run takes, all in all; nil where that cannot be known.
	Predicted *int64 `json:"predicted,omitempty"`
}

// notByBulk says what of a plan the Bulk API cannot do; "" if it can do all of it.
func notByBulk(p *mapping.Plan) string {
	for ; p != nil; p = p.Second {
		for i := range p.Targets {
			if why := notByJobs(&p.Targets[i]); why != "" {
				return "target " + p.Targets[i].Name + ": the Bulk API " + why
			}
		}
	}
	return ""
}

// notByJobs says what of a target the Bulk API cannot do; "" if it can do all of it.
func notByJobs(t *mapping.PlanTarget) string {
	options := sink.Options{AssignmentRule: t.AssignmentRule, AllowDuplicates: t.AllowDuplicates, AllOrNone: t.AllOrNone, UpdateMRU: t.UpdateMRU}
	switch why := bulk.Refuses(&options); {
	case why != "":
		return why
	case t.Operation == mapping.Publish:
		return "takes no platform events"
	case t.Batch > 0:
		return "chooses its batch size itself"
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

// targets says where the records of the plan's targets go.
func (j *job) targets() []pipeline.Target {
	targets := make([]pipeline.Target, len(j.plan.Targets))
	rest := make(map[*remote.Org]*salesforce.Writer)
	jobs := make(map[*remote.Org]*bulk.Writer)
	for i := range targets {
		t := &j.plan.Targets[i]
		org := j.orgs.Of(t.Org)
		if rest[org] == nil {
			rest[org] = org.Writer()
			jobs[org] = &bulk.Writer{Jobs: org.Bulk(), AskCreated: rest[org].AskCreated}
			jobs[org].Jobs.Dir = j.dir.Path("")
		}
		targets[i] = pipeline.Target{Writer: rest[org], Matcher: rest[org]}
		if mode, _ := j.api.of(t.Name); mode == apiBulk {
			targets[i].Writer = jobs[org]
		}
	}
	return targets
}
