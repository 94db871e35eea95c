package job

import (
	"path/filepath"

	"sfsync/cmd/sfsync/internal/changed"
	"sfsync/pipeline"
)

// known is what is known of earlier runs of the mapping to its orgs.
func (j *job) known() (*changed.Known, error) {
	state, err := j.MakeStateDir(j.flags.State)
	return &changed.Known{Dir: filepath.Join(state, "fingerprints"), Mapping: j.file.Name, Orgs: j.orgs.All()}, err
}

// fingerprints opens what is known of earlier runs, for a run that compares with it or has to keep it true. The function
// closes it; nothing is learned of a run before.
func (j *job) fingerprints(opt *pipeline.Options) (func() error, error) {
	known, err := j.known()
	if err != nil {
		return nil, err
	}
	only := changed.Only(j.settings.ChangedOnly)
	opt.ChangedOnly, opt.CompareStored = only == changed.Sent, only == changed.Org
	stores, closeAll, err := known.Open(only)
	if err != nil {
		return nil, err
	}
	for i := range opt.Targets {
		opt.Targets[i].Known = stores[j.orgs.Of(j.plan.Targets[i].Org)]
	}
	return closeAll, nil
}

// sendsAll reports whether every row is to be sent: not with --changed-only, unless nothing is known of an earlier run
// to any of the orgs.
func (j *job) sendsAll() (bool, error) {
	only := changed.Only(j.settings.ChangedOnly)
	if only != changed.Sent {
		return only == changed.Off, nil
	}
	known, err := j.known()
	return err == nil && !known.Any(), err
}

// forget removes what is known of earlier runs: what the orgs last accepted is not what they hold from here on.
func (j *job) forget() error {
	known, err := j.known()
	if err != nil {
		return err
	}
	return known.Forget()
}
