package job

import (
	"path/filepath"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
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
	fs.Var(c, "changed-only", "send only rows that differ from what the org last accepted from this mapping; =org: from what it has")
	fs.Lookup("changed-only").NoOptDefVal = string(changedSent)
}

// fingerprints opens what is known of earlier runs of the mapping to the org, for a run that compares with it or
// has to keep it true. The function closes it; nothing is learned of a run before.
func (j *job) fingerprints(opt *pipeline.Options) (func() error, error) {
	state, err := j.MakeStateDir(j.flags.State)
	if err != nil {
		return nil, err
	}
	dir, name := filepath.Join(state, "fingerprints"), j.file.Name+"-"+j.orgs.Main.Info.ID
	only := changedOnly(j.settings.ChangedOnly)
	opt.ChangedOnly, opt.CompareStored = only == changedSent, only == changedOrg
	if only != changedSent && !fingerprint.Exists(dir, name) {
		return func() error { return nil }, nil
	}
	if opt.Known, err = fingerprint.Open(dir, name); err != nil {
		return nil, exit.Errorf(exit.CannotWrite, "%w", err)
	}
	return func() error {
		if err := opt.Known.Close(); err != nil {
			return exit.Errorf(exit.CannotWrite, "%w", err)
		}
		return nil
	}, nil
}
