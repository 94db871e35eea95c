// Package changed leaves out rows that an org has already: it is about the flag that asks for it, and about what is known
// of earlier runs.
package changed

import (
	"errors"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/pipeline/fingerprint"
)

// Only is the value of --changed-only: what a row is compared with.
type Only string

// What a row can be compared with.
const (
	Off  Only = ""     // with nothing
	Sent Only = "sent" // with what the org last accepted from this mapping
	Org  Only = "org"  // with the record that the org has
)

var _ pflag.Value = (*Only)(nil)

// String returns the value, and Type its form, both for pflag.
func (c *Only) String() string { return string(*c) }

// Type is for pflag; see String.
func (c *Only) Type() string { return "sent|org" }

// Set accepts what a switch is set to, too.
func (c *Only) Set(s string) error {
	switch s {
	case "sent", "true", "1":
		*c = Sent
	case "org":
		*c = Org
	case "", "false", "0":
		*c = Off
	default:
		return exit.Usagef("it is sent or org, not %q", s)
	}
	return nil
}

// AddTo adds the flag.
func (c *Only) AddTo(fs *pflag.FlagSet) {
	fs.Var(c, "changed-only", "``send only rows that differ from what the org last accepted from this mapping; --changed-only=org: from what the org has")
	fs.Lookup("changed-only").NoOptDefVal = string(Sent)
}

// Known is what is known of earlier runs of a mapping to some orgs.
type Known struct {
	Dir     string // of the fingerprints
	Mapping string
	Orgs    map[string]*remote.Org
}

func (k *Known) name(org *remote.Org) string { return fingerprint.Name(k.Mapping, org.Info.ID) }

// Open opens what there is for the orgs, so that a run keeps it true, or for [Sent] for all of them. The function closes
// it.
func (k *Known) Open(only Only) (stores map[*remote.Org]*fingerprint.Store, closeAll func() error, err error) {
	stores = make(map[*remote.Org]*fingerprint.Store)
	closeAll = func() error {
		var errs []error
		for _, s := range stores {
			if err := s.Close(); err != nil {
				errs = append(errs, exit.Errorf(exit.CannotWrite, "%w", err))
			}
		}
		return errors.Join(errs...)
	}
	for _, org := range k.Orgs {
		if only != Sent && !fingerprint.Exists(k.Dir, k.name(org)) {
			continue
		}
		s, err := fingerprint.Open(k.Dir, k.name(org))
		if err != nil {
			return nil, nil, errors.Join(exit.Errorf(exit.CannotWrite, "%w", err), closeAll())
		}
		stores[org] = s
	}
	return stores, closeAll, nil
}

// Any reports whether there is something for any of the orgs.
func (k *Known) Any() bool {
	for _, org := range k.Orgs {
		if fingerprint.Exists(k.Dir, k.name(org)) {
			return true
		}
	}
	return false
}

// Forget removes it.
func (k *Known) Forget() error {
	for _, org := range k.Orgs {
		if err := fingerprint.Remove(k.Dir, k.name(org)); err != nil {
			return exit.Errorf(exit.CannotWrite, "%w", err)
		}
	}
	return nil
}
