// Package orgs keeps the orgs that somebody logged in to under names of their own. What is kept of an
// org is the environment that logs in to it: the variables of --to env, with the secrets that came from a
// file or a program still there. Each org is a file of its own, private to its user.
package orgs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/private"
)

// Org is an org by name.
type Org struct {
	Name string `json:"name"`
	// ID, Title, Kind and Username are what the org said of itself when it was saved.
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Kind        string    `json:"kind"`
	Username    string    `json:"username,omitempty"`
	InstanceURL string    `json:"instance_url"`
	Saved       time.Time `json:"saved"`
	// Env are the variables to log in with, by their names. Some of the values are secrets.
	Env map[string]string `json:"env"`
}

// Variables are the names of the variables that log in to an org.
func Variables() []string {
	names := []string{"SFSYNC_LOGIN_URL", "SFSYNC_INSTANCE_URL", "SFSYNC_CLIENT_ID", "SFSYNC_USERNAME"}
	for _, s := range []string{"SFSYNC_ACCESS_TOKEN", "SFSYNC_REFRESH_TOKEN", "SFSYNC_JWT_KEY", "SFSYNC_CLIENT_SECRET", "SFSYNC_PASSWORD", "SFSYNC_SECURITY_TOKEN"} {
		names = append(names, s, s+"_FILE", s+"_COMMAND")
	}
	return names
}

// Getenv returns a variable of the org's.
func (o *Org) Getenv(name string) string { return o.Env[name] }

// Way says in words how the org is logged in to.
func (o *Org) Way() string {
	has := func(name string) bool { return o.Env[name]+o.Env[name+"_FILE"]+o.Env[name+"_COMMAND"] != "" }
	switch {
	case has("SFSYNC_ACCESS_TOKEN"):
		return "access token"
	case has("SFSYNC_REFRESH_TOKEN"):
		return "refresh token"
	case has("SFSYNC_JWT_KEY"):
		return "JWT key"
	case has("SFSYNC_PASSWORD"):
		return "password"
	}
	return "client credentials"
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

// CheckName returns why a name cannot be an org's, or nil.
func CheckName(name string) error {
	switch {
	case name == "local" || name == "env":
		return fmt.Errorf("%q always means %s", name, map[string]string{"local": "the local org", "env": "the org of the environment"}[name])
	case !nameForm.MatchString(name):
		return fmt.Errorf("%q cannot name an org: use letters, digits, _, - and .", name)
	}
	return nil
}

// Store is the orgs of a state directory.
type Store struct{ dir string }

// In returns the orgs of a state directory, which need not have any.
func In(state string) Store { return Store{filepath.Join(state, "orgs")} }

func (s Store) path(name string) string { return filepath.Join(s.dir, name+".json") }

// Names lists the orgs in order.
func (s Store) Names() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Errorf(exit.BadConfig, "list the orgs: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && CheckName(name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// Load reads an org. An unknown one is an error that says which there are.
func (s Store) Load(name string) (*Org, error) {
	if err := CheckName(name); err != nil {
		return nil, exit.Usagef("%w", err)
	}
	text, err := os.ReadFile(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		known, err := s.Names()
		if err != nil {
			return nil, err
		}
		return nil, exit.Errorf(exit.BadConfig, "no org is called %q: there are %s; log in with: sfsync org login %[1]s",
			name, strings.Join(append([]string{"local", "env"}, known...), ", "))
	}
	o := &Org{}
	if err == nil {
		err = json.Unmarshal(text, o)
	}
	if err != nil {
		return nil, exit.Errorf(exit.BadConfig, "read the org %s: %w", name, err)
	}
	o.Name = name
	return o, nil
}

// Save keeps an org, replacing its file in one step.
func (s Store) Save(o *Org) error {
	keep := *o
	keep.Env = maps.Clone(o.Env)
	maps.DeleteFunc(keep.Env, func(_, v string) bool { return v == "" })
	text, err := json.MarshalIndent(&keep, "", "  ")
	if err == nil {
		err = os.MkdirAll(s.dir, 0o700)
	}
	if err == nil {
		err = private.WriteFile(s.path(o.Name), append(text, '\n'))
	}
	if err != nil {
		return exit.Errorf(exit.CannotWrite, "save the org %s: %w", o.Name, err)
	}
	return nil
}

// Remove forgets an org.
func (s Store) Remove(name string) error {
	if err := os.Remove(s.path(name)); err != nil {
		return exit.Errorf(exit.CannotWrite, "forget the org %s: %w", name, err)
	}
	return nil
}
