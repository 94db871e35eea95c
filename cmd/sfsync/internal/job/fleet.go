package job

import (
	"context"
	"maps"
	"os"
	"slices"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/sink/salesforce"
)

// maxOrgs bounds the orgs of one run.
const maxOrgs = 16

// connectOthers connects to the orgs that targets name besides the run's own.
func (j *job) connectOthers(ctx context.Context, since time.Time) error {
	j.others = make(map[string]*remote.Org)
	for _, t := range j.file.Targets {
		name := t.Org.Value
		if name == "" || name == j.flags.To || j.others[name] != nil {
			continue
		}
		if len(j.others) == maxOrgs-1 {
			return exit.Errorf(exit.BadConfig, "%v: a run has at most %d orgs", t.Org.Pos, maxOrgs)
		}
		f := j.flags.Flags
		f.To = name
		if err := f.Check(); err != nil {
			return exit.Errorf(exit.BadConfig, "%v: %w", t.Org.Pos, err)
		}
		var extend *schema.Schema
		if name == remote.ToLocal && j.file.Schema.Value != "" {
			var err error
			if extend, err = input.SchemaOf(j.App, j.file); err != nil {
				return err
			}
		}
		org, err := remote.Connect(ctx, j.App, &f, extend, since)
		if err != nil {
			return err
		}
		j.others[name] = org
		for other, o := range j.orgs() {
			if other != name && o.Info.ID == org.Info.ID {
				return exit.Errorf(exit.BadConfig, "%v: %s and %s are the same org, %s", t.Org.Pos, name, other, org.Info.ID)
			}
		}
		if err := org.Afford(); err != nil {
			return err
		}
	}
	return nil
}

// orgs are the orgs of the run by their names; that of --to has its own.
func (j *job) orgs() map[string]*remote.Org {
	all := maps.Clone(j.others)
	if all == nil {
		all = make(map[string]*remote.Org, 1)
	}
	all[j.flags.To] = j.org
	return all
}

// orgOf is the org that a target names.
func (j *job) orgOf(name string) *remote.Org {
	if o := j.others[name]; o != nil {
		return o
	}
	return j.org
}

// schemas asks each org for the objects of the targets that go to it.
func (j *job) schemas(ctx context.Context) (map[string]*schema.Schema, error) {
	found := make(map[string]*schema.Schema)
	for name, org := range j.orgs() {
		part := *j.file
		part.Targets = slices.DeleteFunc(slices.Clone(part.Targets), func(t *mapping.Target) bool { return j.orgOf(t.Org.Value) != org })
		s, err := org.SchemaOf(ctx, &part)
		if err != nil {
			return nil, err
		}
		found[name] = s
	}
	return found, nil
}

// calls are the API calls of the run so far, in all its orgs. The limit is that of the run's own.
func (j *job) calls() salesforce.Usage {
	sum := j.org.Calls()
	for _, o := range j.others {
		c := o.Calls()
		sum.Made, sum.Retries = sum.Made+c.Made, sum.Retries+c.Retries
	}
	return sum
}

// takeLock keeps other runs of the mapping to the same orgs away. Runs that share orgs lock them in one order,
// so that no two wait for each other.
func (j *job) takeLock(ctx context.Context) error {
	state, err := j.MakeStateDir(j.flags.State)
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // only for the message to another run
	holder := ledger.Holder{PID: os.Getpid(), Host: host, Started: j.Sys.Now().UTC().Truncate(time.Second)}
	for _, id := range j.orgIDs() {
		lock, err := ledger.Acquire(ctx, state, j.file.Name, id, j.flags.LockWait, holder)
		if err != nil {
			return err
		}
		j.locks = append(j.locks, lock)
	}
	return nil
}

// orgIDs are the ids of the run's orgs, in order.
func (j *job) orgIDs() []string {
	var ids []string
	for _, o := range j.orgs() {
		ids = append(ids, o.Info.ID)
	}
	slices.Sort(ids)
	return ids
}

// orgInfo is what a summary says of an org.
func orgInfo(name string, o *remote.Org) report.OrgInfo {
	i := o.Info
	return report.OrgInfo{To: name, Name: i.Name, Kind: string(i.Kind), ID: i.ID, InstanceURL: i.InstanceURL, APIVersion: i.APIVersion}
}

// orgInfos are those of a run with several orgs, by name; nil for one with a single one.
func (j *job) orgInfos() []report.OrgInfo {
	all := j.orgs()
	if len(all) == 1 {
		return nil
	}
	var infos []report.OrgInfo
	for _, name := range slices.Sorted(maps.Keys(all)) {
		infos = append(infos, orgInfo(name, all[name]))
	}
	return infos
}

// knownOrgs are the ids of the run's orgs by name, for its settings.
func (j *job) knownOrgs() map[string]string {
	ids := make(map[string]string, len(j.others))
	for name, o := range j.others {
		ids[name] = o.Info.ID
	}
	return ids
}

// checkOrgs refuses to resume a run in another org than it began in.
func (j *job) checkOrgs() error {
	if j.org.Info.ID != j.settings.OrgID {
		return exit.Errorf(exit.BadConfig, "the run went to the org %s, this is %s: use the credentials of the former", j.settings.OrgID, j.org.Info.ID)
	}
	for name, id := range j.settings.Orgs {
		if o := j.others[name]; o != nil && o.Info.ID != id {
			return exit.Errorf(exit.BadConfig, "the run went to the org %s as %s, which is %s now: log in to the former again", id, name, o.Info.ID)
		}
	}
	return nil
}

// closeOrgs gives connections and locks back.
func (j *job) closeOrgs() {
	for _, l := range j.locks {
		if err := l.Release(); err != nil {
			j.Con.Warnf("%v", err)
		}
	}
	for _, o := range j.orgs() {
		if err := o.Close(); err != nil {
			j.Con.Warnf("close the org: %v", err)
		}
	}
	j.locks, j.org, j.others = nil, nil, nil
}
