package org

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/orgs"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/sink/salesforce"
)

// loginWait is how long a login in the browser may take.
const loginWait = 5 * time.Minute

// callbackPath is where the browser comes back to; http://localhost:1717/OauthRedirect is what the apps
// of Salesforce's own command line are registered with, too.
const callbackPath = "/OauthRedirect"

type loginOptions struct {
	*verb.App
	remote.Flags
	Name      string
	FromEnv   bool
	LoginURL  string
	ClientID  string
	Port      int
	NoBrowser bool
	JSON      bool
}

func newOrgLogin(a *verb.App, runF func(context.Context, *loginOptions) error) *cobra.Command {
	o := &loginOptions{App: a}
	if runF == nil {
		runF = loginRun
	}
	cmd := &cobra.Command{
		Use:   "login NAME",
		Short: "Log in to an org and keep it under a name",
		Long: `Log in to an org in the browser and keep it under a name, for --to NAME and for org: NAME in a
mapping. The app (--client-id: a connected app or external client app that needs no secret, else
with SFSYNC_CLIENT_SECRET) needs the callback address http://localhost:1717/OauthRedirect, or that
of --port, and the scopes api and refresh_token.

--from-env keeps the credentials of the environment instead, those of --to env, after trying them.
A secret that comes from a file or a program (SFSYNC_…_FILE, SFSYNC_…_COMMAND) is not kept
itself, only where it comes from. What is kept lies in the state directory, in files that only you
can read.

` + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig, exit.Interrupted),
		Example: `  sfsync org login prod --login-url https://mycompany.my.salesforce.com --client-id 3MVG9…
  sfsync org login ci --from-env
  sfsync run leads.yaml --to prod`,
		Args: verb.ExactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			if err := orgs.CheckName(o.Name); err != nil {
				return exit.Usagef("%w", err)
			}
			if o.Port < 1 || o.Port > 65535 {
				return exit.Usagef("--port is from 1 to 65535, not %d", o.Port)
			}
			if !o.FromEnv && o.ClientID == "" {
				return exit.Usagef("--client-id is missing: the consumer key of the app to log in with (or --from-env)")
			}
			return runF(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.FromEnv, "from-env", false, "keep the credentials of the environment")
	fs.StringVar(&o.LoginURL, "login-url", "https://login.salesforce.com", "the `address` to log in at: login., test. or a My Domain")
	fs.StringVar(&o.ClientID, "client-id", "", "the consumer `key` of the app to log in with")
	fs.IntVar(&o.Port, "port", 1717, "the `port` on localhost that the browser comes back to")
	fs.BoolVar(&o.NoBrowser, "no-browser", false, "only print the address, do not open a browser")
	o.AddReach(fs)
	o.AddState(fs)
	fs.BoolVar(&o.JSON, "json", false, "print the org as JSON")
	return cmd
}

func loginRun(ctx context.Context, o *loginOptions) error {
	state, err := o.MakeStateDir(o.State)
	if err != nil {
		return err
	}
	env, auth, err := o.credentials(ctx)
	if err != nil {
		return err
	}
	cfg, err := remote.Config(o.App, &o.Flags, o.Sys.Now())
	if err != nil {
		return err
	}
	cfg.Auth = auth
	cfg.OnRefreshToken = func(s salesforce.Secret) { env["SFSYNC_REFRESH_TOKEN"] = string(s) }
	c, err := salesforce.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	info := c.Org()
	if !o.FromEnv {
		if env["SFSYNC_REFRESH_TOKEN"] == "" {
			return exit.Errorf(exit.NoPermission, "the org gave no refresh token: let the app have the scope refresh_token")
		}
		env["SFSYNC_LOGIN_URL"] = info.InstanceURL
	}
	saved := &orgs.Org{
		Name: o.Name, ID: info.ID, Title: info.Name, Kind: string(info.Kind), Username: info.Username, InstanceURL: info.InstanceURL,
		Saved: o.Sys.Now().UTC().Truncate(time.Second), Env: env,
	}
	if err := orgs.In(state).Save(saved); err != nil {
		return err
	}
	if o.JSON {
		o.Answered = true
		return o.Con.JSON(shownOrg(saved))
	}
	o.Con.Infof("%s is %s: use it with --to %[1]s", o.Name, remote.Name(info))
	return nil
}

// credentials are what the login needs, and what of it is kept.
func (o *loginOptions) credentials(ctx context.Context) (map[string]string, salesforce.Auth, error) {
	env := map[string]string{}
	if o.FromEnv {
		for _, name := range orgs.Variables() {
			env[name] = o.Sys.Getenv(name)
			if path := env[name]; path != "" && strings.HasSuffix(name, "_FILE") && !filepath.IsAbs(path) {
				dir, err := o.Sys.Getwd()
				if err != nil {
					return nil, salesforce.Auth{}, err
				}
				env[name] = filepath.Join(dir, path)
			}
		}
		auth, err := remote.AuthFrom(ctx, o.App, o.Sys.Getenv)
		return env, auth, err
	}
	env["SFSYNC_CLIENT_ID"] = o.ClientID
	for _, name := range []string{"SFSYNC_CLIENT_SECRET", "SFSYNC_CLIENT_SECRET_FILE", "SFSYNC_CLIENT_SECRET_COMMAND"} {
		env[name] = o.Sys.Getenv(name)
	}
	auth := salesforce.Auth{LoginURL: o.LoginURL, ClientID: o.ClientID}
	if env["SFSYNC_CLIENT_SECRET"]+env["SFSYNC_CLIENT_SECRET_FILE"]+env["SFSYNC_CLIENT_SECRET_COMMAND"] != "" {
		with, err := remote.AuthFrom(ctx, o.App, func(name string) string {
			if name == "SFSYNC_LOGIN_URL" {
				return o.LoginURL
			}
			return env[name]
		})
		if err != nil {
			return nil, auth, err
		}
		auth.ClientSecret = with.ClientSecret
	}
	err := o.approve(ctx, &auth)
	return env, auth, err
}

// approve lets the user log in in the browser and waits until it comes back.
func (o *loginOptions) approve(ctx context.Context, auth *salesforce.Auth) error {
	address := fmt.Sprintf("localhost:%d", o.Port)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", o.Port)) //nolint:noctx // at once or not at all
	if err != nil {
		return exit.Errorf(exit.Unavailable, "wait for the browser at %s (another --port?): %w", address, err)
	}
	approval, err := salesforce.NewApproval("http://"+address+callbackPath, o.Sys.Rand)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	page, err := approval.URL(auth.LoginURL, auth.ClientID)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	came := make(chan url.Values, 1)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != callbackPath || r.Host != address {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "sfsync has the answer. You can close this window.")
		select {
		case came <- r.URL.Query():
		default: // the first answer counts
		}
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // ends with Close below
	}()
	defer func() {
		_ = server.Shutdown(context.WithoutCancel(ctx))
		<-served
	}()
	o.Con.Infof("log in in the browser: %s", page)
	if !o.NoBrowser && o.Sys.StderrTTY {
		o.browse(ctx, page)
	}
	timer := time.NewTimer(loginWait)
	defer timer.Stop()
	select {
	case query := <-came:
		return approval.Accept(query, auth)
	case <-timer.C:
		return exit.Errorf(exit.NoPermission, "nobody logged in within %v", loginWait)
	case <-o.Stop.Draining():
		return o.Stop.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// browse opens a browser; where that is not possible the address on the terminal has to do.
func (o *loginOptions) browse(ctx context.Context, page string) {
	argv := []string{"xdg-open", page}
	switch runtime.GOOS {
	case "darwin":
		argv[0] = "open"
	case "windows":
		argv = []string{"rundll32", "url.dll,FileProtocolHandler", page}
	}
	if _, err := o.Sys.Command(ctx, argv[0], argv[1:]...); err != nil {
		o.Con.Warnf("open a browser: %v", err)
	}
}

// shownOrg is an org without its secrets.
func shownOrg(o *orgs.Org) map[string]any {
	return map[string]any{
		"name": o.Name, "id": o.ID, "title": o.Title, "kind": o.Kind, "username": o.Username, "instance_url": o.InstanceURL,
		"saved": o.Saved, "login": o.Way(),
	}
}

func newOrgList(a *verb.App, runF func(context.Context, *loginOptions) error) *cobra.Command {
	o := &loginOptions{App: a}
	if runF == nil {
		runF = orgListRun
	}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the orgs that are kept under names",
		Long:    "List the orgs that org login keeps. No org is asked.\n\n" + exit.Help(exit.OK, exit.Usage, exit.CannotWrite, exit.BadConfig),
		Example: "  sfsync org list\n  sfsync org list --json",
		Args:    verb.ExactArgs(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runF(cmd.Context(), o) },
	}
	o.AddState(cmd.Flags())
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print JSON")
	return cmd
}

func orgListRun(_ context.Context, o *loginOptions) error {
	state, err := o.MakeStateDir(o.State)
	if err != nil {
		return err
	}
	names, err := orgs.In(state).Names()
	if err != nil {
		return err
	}
	list, rows := []map[string]any{}, [][]string{}
	for _, name := range names {
		org, err := orgs.In(state).Load(name)
		if err != nil {
			return err
		}
		list = append(list, shownOrg(org))
		rows = append(rows, []string{org.Name, org.Kind, org.Title, org.Username, org.InstanceURL, org.Way()})
	}
	if o.JSON {
		o.Answered = true
		return o.Con.JSON(list)
	}
	return ui.Table(o.Con.Out(), []string{"name", "kind", "org", "user", "address", "login"}, rows)
}

func newOrgShow(a *verb.App, runF func(context.Context, *orgOptions) error) *cobra.Command {
	if runF == nil {
		runF = orgShowRun
	}
	o := &orgOptions{App: a}
	return o.command(&cobra.Command{
		Use:     "show",
		Short:   "Log in to an org and print what it says of itself",
		Long:    "Log in to the org that --to names and print what it says of itself: its id, name, kind, address\nand API version.",
		Example: "  sfsync org show --to prod",
		Args:    verb.ExactArgs(),
	}, "print JSON", runF)
}

func orgShowRun(ctx context.Context, o *orgOptions) error {
	c, err := remote.Connect(ctx, o.App, &o.Flags, remote.Start{Since: o.Sys.Now()})
	if err != nil {
		return err
	}
	defer c.Close() // nothing was written
	i := c.Info
	if o.JSON {
		o.Answered = true
		return o.Con.JSON(map[string]any{
			"to": o.To, "id": i.ID, "title": i.Name, "kind": i.Kind, "username": i.Username, "instance_url": i.InstanceURL, "api_version": i.APIVersion,
		})
	}
	return ui.Table(o.Con.Out(), []string{"", ""}, [][]string{
		{"org", i.Name}, {"kind", string(i.Kind)}, {"id", i.ID}, {"address", i.InstanceURL}, {"user", i.Username}, {"API version", i.APIVersion},
	})
}

func newOrgLogout(a *verb.App, runF func(context.Context, *loginOptions) error) *cobra.Command {
	o := &loginOptions{App: a}
	if runF == nil {
		runF = logoutRun
	}
	cmd := &cobra.Command{
		Use:   "logout NAME",
		Short: "Forget an org, and end what it was logged in with",
		Long: `Forget an org that org login keeps. If it was logged in to in the browser the org is told to take
nothing more with that login; if it cannot be reached, it is forgotten all the same, with a warning.

` + exit.Help(exit.OK, exit.Usage, exit.CannotWrite, exit.BadConfig),
		Example:           "  sfsync org logout prod",
		Args:              verb.ExactArgs("NAME"),
		ValidArgsFunction: completeOrgs(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return runF(cmd.Context(), o)
		},
	}
	o.AddReach(cmd.Flags())
	o.AddState(cmd.Flags())
	return cmd
}

func logoutRun(ctx context.Context, o *loginOptions) error {
	state, err := o.MakeStateDir(o.State)
	if err != nil {
		return err
	}
	store := orgs.In(state)
	org, err := store.Load(o.Name)
	if err != nil {
		return err
	}
	if org.Env["SFSYNC_REFRESH_TOKEN"] != "" {
		if err := o.revoke(ctx, org); err != nil {
			o.Con.Warnf("the org could not be told: %s", ui.OneLine(err.Error()))
		}
	}
	if err := store.Remove(o.Name); err != nil {
		return err
	}
	o.Con.Infof("%s is forgotten", o.Name)
	return nil
}

func (o *loginOptions) revoke(ctx context.Context, org *orgs.Org) error {
	auth, err := remote.AuthFrom(ctx, o.App, org.Getenv)
	if err != nil {
		return err
	}
	cfg, err := remote.Config(o.App, &o.Flags, o.Sys.Now())
	if err != nil {
		return err
	}
	cfg.Auth = auth
	c, err := salesforce.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Revoke(ctx)
}

// completeOrgs completes the names of orgs.
func completeOrgs(a *verb.App) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		state, _ := cmd.Flags().GetString("state")
		dir, err := a.MakeStateDir(state)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names, _ := orgs.In(dir).Names() // completion says nothing of errors
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
