package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/local"
	"sfsync/cmd/sfsync/internal/orgs"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
	"sfsync/sink/salesforce"
)

// The orgs that --to can name.
const (
	toLocal = "local"
	toEnv   = "env"
)

// orgFlags say which org a command talks to.
type orgFlags struct {
	To         string
	State      string
	AllowHosts []string

	budget salesforce.Budget // of commands that have the flags for one
}

func (f *orgFlags) addTo(fs *pflag.FlagSet) {
	fs.StringVar(&f.To, "to", toLocal, "the org: `local|env|NAME`, a name that org login gave")
	fs.StringSliceVar(&f.AllowHosts, "allow-host", nil, "a `host` besides Salesforce's that may see credentials")
	f.addState(fs)
}

func (f *orgFlags) addState(fs *pflag.FlagSet) {
	fs.StringVar(&f.State, "state", "", "`directory` of the local org, locks and consents (default: the user's state directory)")
}

func (f *orgFlags) check() error {
	switch f.To {
	case toLocal, toEnv:
		return nil
	case "":
		return exit.Usagef("--to is empty: it is local, env, or a name that org login gave")
	}
	if err := orgs.CheckName(f.To); err != nil {
		return exit.Usagef("--to: %w", err)
	}
	return nil
}

// makeStateDir returns the directory for state, which it makes.
func (a *app) makeStateDir(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = a.sys.StateDir(); err != nil {
			return "", exit.Errorf(exit.BadConfig, "%w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", exit.Errorf(exit.CannotWrite, "make the state directory: %w", err)
	}
	return dir, nil
}

// localDB returns the path of the local org's database.
func (a *app) localDB(state string) (string, error) {
	dir, err := a.makeStateDir(state)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "local-org.db"), nil
}

// openLocal opens the local org of the state directory, serving it on a port of its own if no
// other process does.
func (a *app) openLocal(ctx context.Context, state string) (*local.Org, error) {
	path, err := a.localDB(state)
	if err != nil {
		return nil, err
	}
	return a.openLocalAt(ctx, "127.0.0.1:0", localorg.Config{DB: path})
}

// openLocalAt is openLocal for any database and address.
func (a *app) openLocalAt(ctx context.Context, addr string, cfg localorg.Config) (*local.Org, error) {
	cfg.Now, cfg.Rand, cfg.Logger = a.sys.Now, a.sys.Rand, a.con.Logger()
	return local.Open(ctx, addr, cfg)
}

// openLocalWith opens the local org and adds the objects and fields of a schema file, if one
// is named.
func (a *app) openLocalWith(ctx context.Context, state, schemaPath string) (*local.Org, error) {
	var s *schema.Schema
	if schemaPath != "" {
		var err error
		if s, err = a.loadSchema(schemaPath); err != nil {
			return nil, err
		}
	}
	l, err := a.openLocal(ctx, state)
	if err != nil || s == nil {
		return l, err
	}
	if err := l.Extend(ctx, s); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// connect connects to the org that the flags name. The local org first gets what extend has
// and it lacks (extend may be nil). since is when the run began.
func (a *app) connect(ctx context.Context, f *orgFlags, extend *schema.Schema, since time.Time) (*remote.Org, error) {
	cfg := a.clientConfig(f, since)
	o := &remote.Org{}
	var named *orgs.Org
	var err error
	switch f.To {
	case toLocal:
		if o.Local, err = a.openLocal(ctx, f.State); err != nil {
			return nil, err
		}
		if extend != nil {
			if err := o.Local.Extend(ctx, extend); err != nil {
				return nil, errors.Join(err, o.Local.Close())
			}
		}
		cfg.Auth, cfg.Transport = o.Local.Auth(), o.Local.Transport()
	case toEnv:
		if cfg.Auth, err = a.authFrom(ctx, a.sys.Getenv); err != nil {
			return nil, err
		}
	default:
		if named, err = a.namedOrg(ctx, f, &cfg); err != nil {
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

// clientConfig is the part of a client's configuration that is the same for every org.
func (a *app) clientConfig(f *orgFlags, since time.Time) salesforce.Config {
	return salesforce.Config{Now: a.sys.Now, Since: since, AllowHosts: f.AllowHosts, Logger: a.con.Logger(), Client: "sfsync/" + Version, Budget: f.budget}
}

// namedOrg takes what to log in with from an org that org login keeps. A refresh token that the org replaces
// is kept in its place.
func (a *app) namedOrg(ctx context.Context, f *orgFlags, cfg *salesforce.Config) (*orgs.Org, error) {
	dir, err := a.makeStateDir(f.State)
	if err != nil {
		return nil, err
	}
	store := orgs.In(dir)
	org, err := store.Load(f.To)
	if err != nil {
		return nil, err
	}
	if cfg.Auth, err = a.authFrom(ctx, org.Getenv); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	cfg.OnRefreshToken = func(s salesforce.Secret) {
		mu.Lock()
		defer mu.Unlock()
		if org.Env["SFSYNC_REFRESH_TOKEN"] == "" {
			a.con.Warnf("the org replaced the refresh token of %s, which comes from elsewhere and is of no use any more", org.Name)
			return
		}
		org.Env["SFSYNC_REFRESH_TOKEN"] = string(s)
		if err := store.Save(org); err != nil {
			a.con.Warnf("%v", err)
		}
	}
	return org, nil
}
