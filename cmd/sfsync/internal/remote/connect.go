package remote

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/local"
	"sfsync/cmd/sfsync/internal/orgs"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping/schema"
	"sfsync/sink/salesforce"
)

// The orgs that --to can name.
const (
	ToLocal = "local"
	toEnv   = "env"
)

// Flags say which org a command talks to.
type Flags struct {
	To         string
	State      string
	AllowHosts []string
	CACert     string

	Budget salesforce.Budget // of commands that have the flags for one
}

// AddTo adds the flags to those of a command.
func (f *Flags) AddTo(fs *pflag.FlagSet) {
	fs.StringVar(&f.To, "to", ToLocal, "`local|env|NAME`: the local org, that of the credentials in the environment, or one that org login keeps")
	f.AddReach(fs)
	f.AddState(fs)
}

// AddReach adds those about how an org is reached, for a command that has another way to say which.
func (f *Flags) AddReach(fs *pflag.FlagSet) {
	fs.StringSliceVar(&f.AllowHosts, "allow-host", nil, "a `host` besides Salesforce's that may see credentials")
	AddRoots(fs, &f.CACert)
}

// AddState adds --state alone, for a command that asks no org but the local one.
func (f *Flags) AddState(fs *pflag.FlagSet) {
	fs.StringVar(&f.State, "state", "", "`directory` of the local org, logins, locks, consents and fingerprints (default: the user's state directory)")
}

// Check checks what the flags say, as far as it can be known without asking anybody.
func (f *Flags) Check() error {
	switch f.To {
	case ToLocal, toEnv:
		return nil
	case "":
		return exit.Usagef("--to is empty: it is local, env, or a name that org login gave")
	}
	if err := orgs.CheckName(f.To); err != nil {
		return exit.Usagef("--to: %w", err)
	}
	return nil
}

// Start is what a session begins with. Since is needed.
type Start struct {
	// Since is when the run began.
	Since time.Time
	// Objects are described on the way.
	Objects []string
	// Extend is what the local org first gets, as far as it lacks it; nil for nothing.
	Extend *schema.Schema
}

// Connect connects to the org that the flags name.
func Connect(ctx context.Context, a *verb.App, f *Flags, start Start) (*Org, error) {
	cfg, err := Config(a, f, start.Since)
	if err != nil {
		return nil, err
	}
	cfg.Objects = start.Objects
	o := &Org{}
	var named *orgs.Org
	switch f.To {
	case ToLocal:
		if o.Local, err = local.OpenState(ctx, a, f.State); err != nil {
			return nil, err
		}
		if start.Extend != nil {
			if err := o.Local.Extend(ctx, start.Extend); err != nil {
				return nil, errors.Join(err, o.Local.Close())
			}
		}
		cfg.Auth, cfg.Transport = o.Local.Auth(), o.Local.Transport()
	case toEnv:
		if cfg.Auth, err = AuthFrom(ctx, a, a.Sys.Getenv); err != nil {
			return nil, err
		}
		if given := cfg.Auth.RefreshToken; given != "" {
			cfg.OnRefreshToken = func(s salesforce.Secret) {
				if s != given {
					a.Con.Warnf("the org replaced the refresh token of the environment, which is of no use any more: sfsync org login keeps the new ones")
				}
			}
		}
	default:
		if named, err = namedOrg(ctx, a, f, &cfg); err != nil {
			return nil, err
		}
	}
	if o.Client, err = salesforce.Connect(ctx, cfg); err != nil {
		if o.Local != nil {
			err = errors.Join(err, o.Local.Close())
		}
		return nil, err
	}
	o.Info = o.Org()
	if named != nil && named.ID != o.Info.ID {
		return nil, errors.Join(exit.Errorf(exit.BadConfig, "%s was the org %s when it was logged in to, and is %s now: log in again with sfsync org login %[1]s",
			named.Name, named.ID, o.Info.ID), o.Close())
	}
	return o, nil
}

// Config is the part of a client's configuration that is the same for every org.
func Config(a *verb.App, f *Flags, since time.Time) (salesforce.Config, error) {
	roots, err := Roots(a, f.CACert)
	return salesforce.Config{
		Now: a.Sys.Now, Since: since, AllowHosts: f.AllowHosts, Roots: roots, Logger: a.Con.Logger(), Client: "sfsync/" + verb.Version, Budget: f.Budget,
	}, err
}

// namedOrg takes what to log in with from an org that org login keeps. A refresh token that the org replaces
// is kept in its place.
func namedOrg(ctx context.Context, a *verb.App, f *Flags, cfg *salesforce.Config) (*orgs.Org, error) {
	dir, err := a.MakeStateDir(f.State)
	if err != nil {
		return nil, err
	}
	store := orgs.In(dir)
	org, err := store.Load(f.To)
	if err != nil {
		return nil, err
	}
	if cfg.Auth, err = AuthFrom(ctx, a, org.Getenv); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	cfg.OnRefreshToken = func(s salesforce.Secret) {
		mu.Lock()
		defer mu.Unlock()
		if org.Env["SFSYNC_REFRESH_TOKEN"] == "" {
			a.Con.Warnf("the org replaced the refresh token of %s, which comes from elsewhere and is of no use any more", org.Name)
			return
		}
		org.Env["SFSYNC_REFRESH_TOKEN"] = string(s)
		if err := store.Save(org); err != nil {
			a.Con.Warnf("%v", err)
		}
	}
	return org, nil
}

// AuthFrom is credentials from variables.
func AuthFrom(ctx context.Context, a *verb.App, getenv func(string) string) (salesforce.Auth, error) {
	return salesforce.AuthFromEnv(getenv, os.ReadFile, func(argv []string) ([]byte, error) {
		return a.Sys.Command(ctx, argv[0], argv[1:]...)
	})
}
