package job

import (
	"errors"
	"path/filepath"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/pipeline"
	"sfsync/pipeline/fingerprint"
)

// changedOnly is the value of --changed-only: what a row is compared with.
type changedOnly string

const (
	changedOff  changedOnly = ""
	changedSent changedOnly = "sent" // with what the org last accepted from this mapping
	changedOrg  changedOnly = "org"  // with the record that the org has
)

var _ pflag.Value = (*changedOnly)(nil)

// String returns the value, and Type its form, both for pflag.
func (c *changedOnly) String() string { return string(*c) }

// Type is for pflag; see String.
func (c *changedOnly) Type() string { return "sent|org" }

// Set accepts what a switch is set to, too.
func (c *changedOnly) Set(s string) error {
	switch s {
	case "sent", "true", "1":
		*c = changedSent
	case "org":
		*c = changedOrg
	case "", "false", "0":
		*c = changedOff
	default:
		return exit.Usagef("it is sent or org, not %q", s)
	}
	return nil
}

func (c *changedOnly) AddTo(fs *pflag.FlagSet) {
	fs.Var(c, "changed-only", "``send only rows that differ from what the org last accepted from this mapping; --changed-only=org: from what the org has")
	fs.Lookup("changed-only").NoOptDefVal = string(changedSent)
}

// fingerprints opens what is known of earlier runs of the mapping to each of the orgs, for a run that compares with
// it or has to keep it true. The function closes it; nothing is learned of a run before.
func (j *job) fingerprints(opt *pipeline.Options) (func() error, error) {
	dir, err := j.fingerprintDir()
	if err != nil {
		return nil, err
	}
	only := changedOnly(j.settings.ChangedOnly)
	opt.ChangedOnly, opt.CompareStored = only == changedSent, only == changedOrg
	stores := make(map[*remote.Org]*fingerprint.Store)
	closeAll := func() error {
		var errs []error
		for _, s := range stores {
			if err := s.Close(); err != nil {
				errs = append(errs, exit.Errorf(exit.CannotWrite, "%w", err))
			}
		}
		return errors.Join(errs...)
	}
	for _, org := range j.orgs.All() {
		name := fingerprint.Name(j.file.Name, org.Info.ID)
		if only != changedSent && !fingerprint.Exists(dir, name) {
			continue
		}
		if stores[org], err = fingerprint.Open(dir, name); err != nil {
			delete(stores, org)
			return nil, errors.Join(exit.Errorf(exit.CannotWrite, "%w", err), closeAll())
		}
	}
	for i := range opt.Targets {
		opt.Targets[i].Known = stores[j.orgs.Of(j.plan.Targets[i].Org)]
	}
	return closeAll, nil
}

// sendsAll reports whether every row is to be sent: not with --changed-only, unless nothing is known of an earlier run
// to any of the orgs.
func (j *job) sendsAll() (bool, error) {
	switch changedOnly(j.settings.ChangedOnly) {
	case changedOff:
		return true, nil
	case changedOrg:
		return false, nil
	}
	dir, err := j.fingerprintDir()
	if err != nil {
		return false, err
	}
	for _, org := range j.orgs.All() {
		if fingerprint.Exists(dir, fingerprint.Name(j.file.Name, org.Info.ID)) {
			return false, nil
		}
	}
	return true, nil
}

// forget removes what is known of earlier runs: what the orgs last accepted is not what they hold from here on.
func (j *job) forget() error {
	dir, err := j.fingerprintDir()
	if err != nil {
		return err
	}
	for _, org := range j.orgs.All() {
		if err := fingerprint.Remove(dir, fingerprint.Name(j.file.Name, org.Info.ID)); err != nil {
			return exit.Errorf(exit.CannotWrite, "%w", err)
		}
	}
	return nil
}

// fingerprintDir is where fingerprints are kept.
func (j *job) fingerprintDir() (string, error) {
	state, err := j.MakeStateDir(j.flags.State)
	return filepath.Join(state, "fingerprints"), err
}
