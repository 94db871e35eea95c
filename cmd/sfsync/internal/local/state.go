package local

import (
	"context"
	"path/filepath"

	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/sink/localorg"
)

// DB returns the path of the local org's database.
func DB(a *verb.App, state string) (string, error) {
	dir, err := a.MakeStateDir(state)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "local-org.db"), nil
}

// OpenState opens the local org of the state directory, serving it on a port of its own if no
// other process does.
func OpenState(ctx context.Context, a *verb.App, state string) (*Org, error) {
	path, err := DB(a, state)
	if err != nil {
		return nil, err
	}
	return Open(ctx, a, "127.0.0.1:0", localorg.Config{DB: path})
}

// Open opens the org in cfg.DB and serves it on addr until Close, or attaches to the process that does. The clock,
// randomness and logger are those of the command.
func Open(ctx context.Context, a *verb.App, addr string, cfg localorg.Config) (*Org, error) {
	cfg.Now, cfg.Rand, cfg.Logger = a.Sys.Now, a.Sys.Rand, a.Con.Logger()
	return open(ctx, addr, cfg)
}
