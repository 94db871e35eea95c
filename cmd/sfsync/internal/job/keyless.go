package job

import (
	"slices"
	"strings"

	"sfsync/mapping"
)

// keyless names the targets of a plan that insert without a match key and that the Bulk API can take. If the answer to
// such an insert is lost nobody can say whether the records are there: they end unknown and must not be sent again. A
// job's results survive. That is worth its dozen API calls and some seconds, however few the rows are.
func keyless(p *mapping.Plan) []string {
	var names []string
	for i := range p.Targets {
		if t := &p.Targets[i]; t.Operation == mapping.Insert && len(t.Keys) == 0 && notByJobs(t) == "" {
			names = append(names, t.Name)
		}
	}
	return names
}

// affords reports whether the calls of jobs for some targets besides composite requests for the others are no matter, in
// any org. Where the user has set a bound on the calls, they always are.
func (o *outlook) affords(jobs []string) bool {
	if o == nil || len(jobs) == 0 {
		return true
	}
	for name, c := range o.of(jobs) {
		if p := o.purses[name]; p.Given || !p.Fits(c.REST.About) {
			return false
		}
	}
	return true
}

// keylessWhy is why they do.
const keylessWhy = "of inserts without a key only a job's results tell what is there if an answer is lost"

// withJobs sends targets by jobs though the rest of the run goes by composite requests.
func (a api) withJobs(targets []string) api {
	if len(targets) > 0 && a.Mode == apiRest {
		a.Jobs = targets
	}
	return a
}

// of returns the API that the records of a target go by, and why.
func (a api) of(target string) (mode, why string) {
	if a.Mode == apiRest && slices.Contains(a.Jobs, target) {
		return apiBulk, keylessWhy
	}
	return a.Mode, a.Why
}

// whole is the reason for how all targets go, and what else there is to say of it.
func (a api) whole(notes []string) string {
	parts := []string{a.Why}
	if len(a.Jobs) > 0 {
		parts = append(parts, strings.Join(a.Jobs, ", ")+" by jobs of the Bulk API: "+keylessWhy)
	}
	return strings.Join(append(parts, notes...), "; ")
}
