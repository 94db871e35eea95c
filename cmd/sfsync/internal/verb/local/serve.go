package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/local"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
	"sfsync/sink/localorg/fault"
)

type serveOptions struct {
	*verb.App
	remote.Flags
	Addr    string
	DB      string
	Schema  string
	Latency time.Duration
	Faults  string
	JSON    bool
}

func newLocalServe(a *verb.App, runF func(context.Context, *serveOptions) error) *cobra.Command {
	o := &serveOptions{App: a}
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

--faults makes things go wrong, the same ones every time: a YAML list of rules, of which the
first that wants to act does. "on" is a method and a path behind /services/data/vNN.0, where *
stands for one segment, and "* *" for every request; "rows" are records to be written. nth, after,
times and rate say which of them; status, code and message, drop (before or after the commit),
delay and expire say what happens:

  - {on: "POST /composite", nth: [3, 7], status: 503, code: SERVER_UNAVAILABLE}
  - {on: "PATCH /composite/sobjects/*/*", rate: 0.02, drop: after}
  - {on: "* *", after: 200, times: 1, expire: session}
  - {rows: {object: Lead, rate: 0.01}, code: UNABLE_TO_LOCK_ROW}

` + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.BadConfig),
		Example: `  sfsync local serve
  sfsync local serve --addr 127.0.0.1:8080 --schema samples/leads/leads.schema.yaml
  sfsync local serve --db :memory: --latency 80ms --json`,
		Args: verb.ExactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkAddr(cmd.Context(), o.Addr); err != nil {
				return err
			}
			if o.Latency < 0 {
				return exit.Usagef("--latency is not negative: %v", o.Latency)
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	o.AddState(fs)
	fs.StringVar(&o.Addr, "addr", "127.0.0.1:0", "listen on `HOST:PORT`; port 0 takes a free one")
	fs.StringVar(&o.DB, "db", "", "`path` of the database, :memory: keeps nothing (default: that of the state directory)")
	fs.StringVar(&o.Schema, "schema", "", "add the objects and fields of this overlay or snapshot `path`")
	fs.DurationVar(&o.Latency, "latency", 0, "wait so long before every answer")
	fs.BoolVar(&o.JSON, "json", false, "print the address and credentials as one line of JSON")
	fs.StringVar(&o.Faults, "faults", "", "make happen what the rules of this `file` say")
	return cmd
}

// resolveTimeout bounds the look for a host by its name.
const resolveTimeout = 5 * time.Second

// checkAddr refuses an address that nothing can listen on, wherever it is.
func checkAddr(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return exit.Usagef("--addr is HOST:PORT, such as 127.0.0.1:8080: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
		return exit.Usagef("--addr %s: %q is no port: it is a number up to 65535, 0 for a free one", addr, port)
	}
	if host == "" {
		return nil
	}
	if _, err := net.DefaultResolver.LookupIPAddr(ctx, host); err != nil {
		return exit.Usagef("--addr %s: %q is no address of this machine: %w", addr, host, err)
	}
	return nil
}

func localServeRun(ctx context.Context, o *serveOptions) error {
	var s *schema.Schema
	if o.Schema != "" {
		var err error
		if s, err = input.LoadSchema(o.App, o.Schema); err != nil {
			return err
		}
	}
	cfg := localorg.Config{DB: o.DB, Latency: o.Latency}
	if o.Faults != "" {
		script, err := loadFaults(o.App, o.Faults)
		if err != nil {
			return err
		}
		cfg.Fault = script.At
	}
	if cfg.DB == "" {
		var err error
		if cfg.DB, err = local.DB(o.App, o.State); err != nil {
			return err
		}
	}
	l, err := local.Open(ctx, o.App, o.Addr, cfg)
	if err != nil {
		return err
	}
	if !l.Serving() && (o.Faults != "" || o.Latency > 0) {
		o.Con.Warnf("another process serves this database: --faults and --latency count once this one takes over")
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

// loadFaults reads a faults file and shows its warnings.
func loadFaults(a *verb.App, path string) (*fault.Script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, exit.Errorf(exit.BadConfig, "read the faults: %w", err)
	}
	rules, found := fault.Parse(path, text)
	var list diag.List
	list.Add(found)
	if err := list.Err(); err != nil {
		return nil, err
	}
	a.Con.Diagnostics(found)
	return fault.NewScript(rules), nil
}

// announce prints where the org is and how to log in. The line of JSON comes first of all, in
// one piece, so that a script may read it from a pipe.
func (o *serveOptions) announce(l *local.Org) error {
	c := l.Credentials()
	if o.JSON {
		o.Answered = true
		return o.Con.JSONLine(c)
	}
	_, err := fmt.Fprintf(o.Con.Out(), `instance_url    %s
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
