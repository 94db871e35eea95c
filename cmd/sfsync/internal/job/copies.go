package job

import (
	"math/rand/v2"
	"strings"

	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/wording"
	"sfsync/pipeline"
	"sfsync/sink/salesforce/mirror"
)

// matchers are those of the orgs of the run's targets: they answer lookups from copies of key columns where these cost
// less. The run's counters are stats; it is to end when stop is closed.
func (j *job) matchers(stats *pipeline.Stats, stop <-chan struct{}) map[*remote.Org]*mirror.Matcher {
	matchers := make(map[*remote.Org]*mirror.Matcher)
	for i := range j.plan.Targets {
		if org := j.orgs.Of(j.plan.Targets[i].Org); matchers[org] == nil {
			matchers[org] = j.copies(org, j.written(org), stats, stop)
		}
	}
	return matchers
}

// copyKeys lets the matchers answer the lookups of a run, and see what it writes.
func (j *job) copyKeys(targets []pipeline.Target, matchers map[*remote.Org]*mirror.Matcher) []pipeline.Target {
	for i := range targets {
		m := matchers[j.orgs.Of(j.plan.Targets[i].Org)]
		targets[i].Matcher, targets[i].Writer = m, m.Watch(targets[i].Writer)
	}
	return targets
}

// copies returns a matcher for an org of the run, which answers from copies of key columns where they cost less than
// lookups. The objects are those that the run writes there; it is to end when stop is closed. The job closes it.
func (j *job) copies(org *remote.Org, objects []string, stats *pipeline.Stats, stop <-chan struct{}) *mirror.Matcher {
	dir := ""
	if j.dir != nil {
		dir = j.dir.Path("")
	}
	m := mirror.New(mirror.Options{
		Org: org.Client, Matcher: org.Writer(), Writes: objects, Ahead: func() (int64, int64) { return j.ahead(stats) },
		Stop: stop, Dir: dir, Now: j.Sys.Now, Rand: rand.Float64, Logger: j.Con.Logger(),
		Word: func(err error) string { return wording.Of(err, "") },
	})
	j.copied = append(j.copied, m)
	return m
}

// written are the objects that the run writes in an org.
func (j *job) written(org *remote.Org) []string {
	var objects []string
	for p := j.plan; p != nil; p = p.Second {
		for i := range p.Targets {
			if t := &p.Targets[i]; j.orgs.Of(t.Org) == org {
				objects = append(objects, t.Object.Name)
			}
		}
	}
	return objects
}

// ahead is how many rows are decided and about how many are still to be, -1 where the size of the input is not known.
func (j *job) ahead(stats *pipeline.Stats) (done, left int64) {
	records := stats.Written.Load() + stats.Failed.Load() + stats.Skipped.Load() + stats.Unknown.Load()
	done = records / int64(len(j.plan.Targets))
	read, bytes, total := stats.Read.Load(), stats.Bytes.Load(), stats.BytesTotal.Load()
	if total == 0 || bytes == 0 || read == 0 {
		return done, -1
	}
	all := int64(float64(read) / float64(bytes) * float64(max(total, bytes)))
	for _, n := range [...]int64{j.limit, j.sample} {
		if n > 0 {
			all = min(all, n)
		}
	}
	return done, max(0, all-done)
}

// tellCopies notes which objects were copied for lookups.
func (j *job) tellCopies() {
	var objects []string
	for _, m := range j.copied {
		objects = append(objects, m.Copied()...)
	}
	if len(objects) > 0 {
		j.notes = append(j.notes, "lookups were answered from a copy of the key columns of "+strings.Join(objects, ", "))
	}
}

// closeCopies removes the copies.
func (j *job) closeCopies() {
	for _, m := range j.copied {
		if err := m.Close(); err != nil {
			j.Con.Warnf("%v", err)
		}
	}
	j.copied = nil
}
