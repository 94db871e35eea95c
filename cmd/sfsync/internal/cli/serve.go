package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/local"
	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
)

type serveOptions struct {
	*app
	orgFlags
	Addr    string
	DB      string
	Schema  string
	Latency time.Duration
	JSON    bool
}

func newLocalServe(a *app, runF func(context.Context, *serveOptions) error) *cobra.Command {
	o := &serveOptions{app: a}
	if runF == nil {
		runF = localServeRun
	}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the local org until interrupted",
		Long: `Serve the local org over HTTP until interrupted (exit code 0), for Salesforce clients of any
kind, and first print its address and credentials: random ones, of a user with every
permission. If another process serves the database already, its address is printed, and this one
takes over at that address when the other ends.

It listens on loopback unless --addr says otherwise.

` + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.BadConfig),
		Example: `  sfsync local serve
  sfsync local serve --addr 127.0.0.1:8080 --schema samples/leads/leads.schema.yaml
  sfsync local serve --db :memory: --latency 80ms --json`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := net.SplitHostPort(o.Addr); err != nil {
				return exit.Usagef("--addr is HOST:PORT, such as 127.0.0.1:8080: %w", err)
			}
			if o.Latency < 0 {
				return exit.Usagef("--latency is not negative: %v", o.Latency)
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	o.addState(fs)
	fs.StringVar(&o.Addr, "addr", "127.0.0.1:0", "listen on `HOST:PORT`; port 0 takes a free one")
	fs.StringVar(&o.DB, "db", "", "`path` of the database, :memory: keeps nothing (default: that of the state directory)")
	fs.StringVar(&o.Schema, "schema", "", "add the objects and fields of this overlay or snapshot")
	fs.DurationVar(&o.Latency, "latency", 0, "wait before every answer")
	fs.BoolVar(&o.JSON, "json", false, "print the address and credentials as one line of JSON")
	addNotYet(fs, nil, []string{"faults"})
	return cmd
}

func localServeRun(ctx context.Context, o *serveOptions) error {
	var s *schema.Schema
	if o.Schema != "" {
		var err error
		if s, err = o.loadSchema(o.Schema); err != nil {
			return err
		}
	}
	path := o.DB
	if path == "" {
		var err error
		if path, err = o.localDB(o.State); err != nil {
			return err
		}
	}
	l, err := o.openLocalAt(ctx, o.Addr, localorg.Config{DB: path, Latency: o.Latency})
	if err != nil {
		return err
	}
	if s != nil {
		if err := l.Extend(ctx, s); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	if err := o.announce(l); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := l.Keep(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := l.Close(); err != nil {
		return exit.Errorf(exit.CannotWrite, "close the local org: %w", err)
	}
	return nil // to be interrupted is how a server ends
}

// announce prints where the org is and how to log in. The line of JSON comes first of all, in
// one piece, so that a script may read it from a pipe.
func (o *serveOptions) announce(l *local.Org) error {
	c := l.Credentials()
	if o.JSON {
		o.answered = true
		return o.con.JSONLine(c)
	}
	_, err := fmt.Fprintf(o.con.Out(), `instance_url    %s
organization_id %s
username        %s
password        %s
security_token  %s
client_id       %s
client_secret   %s
access_token    %s
`, c.InstanceURL, c.OrganizationID, c.Username, c.Password, c.SecurityToken, c.ClientID, c.ClientSecret, c.AccessToken)
	return err
}
