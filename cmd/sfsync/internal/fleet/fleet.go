// Package fleet is the orgs of a run: the one of --to and those that targets name besides, connected to, locked and
// given back together.
package fleet

import (
	"cmp"
	"context"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/report"
	"sfsync/sink/salesforce"
)

// maxOrgs bounds the orgs of one run.
const maxOrgs = 16

// Fleet is the orgs of one run. A nil one has none, and can be closed.
type Fleet struct {
	Main *remote.Org // of --to

	app    *verb.App
	to     string                 // the name of Main
	others map[string]*remote.Org // that targets name besides
	locks  []*ledger.Lock
}

// Connect connects to the org that the flags name and to those that the targets of the mapping name, and refuses those
// that have too few API calls left. The local org first gets what the mapping's schema has and it lacks. since is when
// the run began.
func Connect(ctx context.Context, a *verb.App, flags *remote.Flags, file *mapping.File, since time.Time) (*Fleet, error) {
	f := &Fleet{app: a, to: flags.To, others: make(map[string]*remote.Org)}
	names, at, err := namesOf(flags, file)
	if err != nil {
		return nil, err
	}
	extend := make(map[string]*schema.Schema)
	for _, name := range names {
		if extend[name], err = f.extend(name, file); err != nil {
			return nil, err
		}
	}
	err = f.connect(names, func(name string) (*remote.Org, error) {
		named := *flags
		named.To = name
		return remote.Connect(ctx, a, &named, remote.Start{Since: since, Objects: remote.Objects(file, name, flags.To), Extend: extend[name]})
	})
	if err == nil {
		err = f.distinct(names, at)
	}
	for _, name := range names {
		if err == nil {
			err = f.Of(name).Afford()
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Reconnect connects to the org that the flags name and to others by their names, for what takes up a run: nothing is
// added to the local org.
func Reconnect(ctx context.Context, a *verb.App, flags *remote.Flags, names []string, since time.Time) (*Fleet, error) {
	f := &Fleet{app: a, to: flags.To, others: make(map[string]*remote.Org)}
	err := f.connect(append([]string{flags.To}, names...), func(name string) (*remote.Org, error) {
		named := *flags
		named.To = name
		return remote.Connect(ctx, a, &named, remote.Start{Since: since})
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// extend returns the schema of the mapping if the org of the name is the local one, which is to have what is in it.
func (f *Fleet) extend(name string, file *mapping.File) (*schema.Schema, error) {
	if name != remote.ToLocal || file.Schema.Value == "" {
		return nil, nil //nolint:nilnil // nothing to extend it by
	}
	return input.SchemaOf(f.app, file)
}

// namesOf returns the names of the orgs that a run goes to, that of --to first, and where the mapping names the others.
func namesOf(flags *remote.Flags, file *mapping.File) ([]string, map[string]diag.Pos, error) {
	names, at := []string{flags.To}, make(map[string]diag.Pos)
	for _, t := range file.Targets {
		name := t.Org.Value
		if name == "" || slices.Contains(names, name) {
			continue
		}
		if len(names) == maxOrgs {
			return nil, nil, exit.Errorf(exit.BadConfig, "%v: a run has at most %d orgs", t.Org.Pos, maxOrgs)
		}
		named := *flags
		named.To = name
		if err := named.Check(); err != nil {
			return nil, nil, exit.Errorf(exit.BadConfig, "%v: %w", t.Org.Pos, err)
		}
		names, at[name] = append(names, name), t.Org.Pos
	}
	return names, at, nil
}

// connect connects to orgs side by side. After an error those that were connected to are there to be closed.
func (f *Fleet) connect(names []string, to func(name string) (*remote.Org, error)) error {
	found, errs := make([]*remote.Org, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { found[i], errs[i] = to(name) })
	}
	wg.Wait()
	for i, name := range names {
		switch {
		case found[i] == nil:
		case name == f.to:
			f.Main = found[i]
		default:
			f.others[name] = found[i]
		}
	}
	return cmp.Or(errs...)
}

// distinct refuses two names of one org.
func (f *Fleet) distinct(names []string, at map[string]diag.Pos) error {
	for i, name := range names {
		for _, other := range names[:i] {
			if id := f.Of(name).Info.ID; f.Of(other).Info.ID == id {
				return exit.Errorf(exit.BadConfig, "%v: %s and %s are the same org, %s", at[name], name, other, id)
			}
		}
	}
	return nil
}

// All are the orgs by their names; that of --to has its own.
func (f *Fleet) All() map[string]*remote.Org {
	all := maps.Clone(f.others)
	all[f.to] = f.Main
	return all
}

// Name is the name of the org that a target names.
func (f *Fleet) Name(name string) string {
	if f.others[name] != nil {
		return name
	}
	return f.to
}

// Of is the org that a target names.
func (f *Fleet) Of(name string) *remote.Org {
	if o := f.others[name]; o != nil {
		return o
	}
	return f.Main
}

// Schemas asks each org for the objects of the targets that go to it. They go by the names of the orgs.
func (f *Fleet) Schemas(ctx context.Context, file *mapping.File) (map[string]*schema.Schema, error) {
	found := make(map[string]*schema.Schema)
	for name, org := range f.All() {
		part := *file
		part.Targets = slices.DeleteFunc(slices.Clone(part.Targets), func(t *mapping.Target) bool { return f.Of(t.Org.Value) != org })
		s, err := org.SchemaOf(ctx, &part)
		if err != nil {
			return nil, err
		}
		found[name] = s
	}
	return found, nil
}

// Calls are the API calls so far, in all the orgs. The limit is that of the run's own.
func (f *Fleet) Calls() salesforce.Usage {
	sum := f.Main.Calls()
	for _, o := range f.others {
		c := o.Calls()
		sum.Made, sum.Retries = sum.Made+c.Made, sum.Retries+c.Retries
	}
	return sum
}

// Lock keeps other runs of a mapping to the same orgs away until Close. It waits for them as long as wait says. Runs
// that share orgs lock them in one order, so that no two wait for each other.
func (f *Fleet) Lock(ctx context.Context, stateDir, mapping string, wait time.Duration) error {
	state, err := f.app.MakeStateDir(stateDir)
	if err != nil {
		return err
	}
	for _, id := range f.ids() {
		lock, err := ledger.Acquire(ctx, state, mapping, id, wait, f.holder())
		if err != nil {
			return err
		}
		f.locks = append(f.locks, lock)
	}
	return nil
}

// Claim keeps other processes away from a run until Close, as Lock does; also those with another state directory.
func (f *Fleet) Claim(ctx context.Context, run *report.Dir, wait time.Duration) error {
	lock, err := ledger.Claim(ctx, run.Path(""), wait, f.holder())
	if err != nil {
		return err
	}
	f.locks = append(f.locks, lock)
	return nil
}

func (f *Fleet) holder() ledger.Holder {
	host, _ := os.Hostname() // only for the message to another run
	return ledger.Holder{PID: os.Getpid(), Host: host, Started: f.app.Sys.Now().UTC().Truncate(time.Second)}
}

// ids are the ids of the orgs, in order.
func (f *Fleet) ids() []string {
	var ids []string
	for _, o := range f.All() {
		ids = append(ids, o.Info.ID)
	}
	slices.Sort(ids)
	return ids
}

// Info is what a summary says of the org of --to.
func (f *Fleet) Info() report.OrgInfo { return info("", f.Main) }

func info(name string, o *remote.Org) report.OrgInfo {
	i := o.Info
	return report.OrgInfo{To: name, Name: i.Name, Kind: string(i.Kind), ID: i.ID, InstanceURL: i.InstanceURL, APIVersion: i.APIVersion}
}

// Infos are what a summary says of each of several orgs, by name; nil for a single one.
func (f *Fleet) Infos() []report.OrgInfo {
	all := f.All()
	if len(all) == 1 {
		return nil
	}
	var infos []report.OrgInfo
	for _, name := range slices.Sorted(maps.Keys(all)) {
		infos = append(infos, info(name, all[name]))
	}
	return infos
}

// Others are the ids of the orgs besides that of --to by their names, as Check takes them.
func (f *Fleet) Others() map[string]string {
	ids := make(map[string]string, len(f.others))
	for name, o := range f.others {
		ids[name] = o.Info.ID
	}
	return ids
}

// Check refuses to take up a run in another org than it began in: main is the id of the org of --to as it was then,
// others those of the others.
func (f *Fleet) Check(main string, others map[string]string) error {
	if f.Main.Info.ID != main {
		return exit.Errorf(exit.BadConfig, "the run went to the org %s, this is %s: use the credentials of the former", main, f.Main.Info.ID)
	}
	for name, id := range others {
		if o := f.others[name]; o != nil && o.Info.ID != id {
			return exit.Errorf(exit.BadConfig, "the run went to the org %s as %s, which is %s now: log in to the former again", id, name, o.Info.ID)
		}
	}
	return nil
}

// Began is when the run began by the clock of each org, by the orgs' ids.
func (f *Fleet) Began() map[string]time.Time {
	began := make(map[string]time.Time)
	for _, o := range f.All() {
		began[o.Info.ID] = o.Began()
	}
	return began
}

// Resumes says when the run that is taken up began, as Began told at its beginning.
func (f *Fleet) Resumes(began map[string]time.Time) {
	for _, o := range f.All() {
		if t, ok := began[o.Info.ID]; ok {
			o.Resumes(t)
		}
	}
}

// Close gives locks and connections back; closing again is fine. What goes wrong is said as a warning: what matters was written before.
func (f *Fleet) Close() {
	if f == nil {
		return
	}
	for _, l := range f.locks {
		if err := l.Release(); err != nil {
			f.app.Con.Warnf("%v", err)
		}
	}
	for _, o := range append(slices.Collect(maps.Values(f.others)), f.Main) {
		if err := o.Close(); err != nil {
			f.app.Con.Warnf("close the org: %v", err)
		}
	}
	f.locks, f.Main, f.others = nil, nil, nil
}
