// Package consent remembers which mappings somebody agreed to use on which production orgs.
package consent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/private"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/sink/salesforce"
)

// list is what was agreed to, kept in a file.
type list struct {
	path  string
	given map[string]time.Time
}

// keyOf names an agreement: a mapping and an org.
func keyOf(mapping, orgID string) string { return orgID + " " + mapping }

// read reads what was agreed to from a state directory; a missing file means nothing.
func read(dir string) (*list, error) {
	c := &list{path: filepath.Join(dir, "consents.json"), given: map[string]time.Time{}}
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &c.given)
	}
	if err != nil {
		return nil, exit.Errorf(exit.BadConfig, "read consents %s: %w", c.path, err)
	}
	return c, nil
}

// Ask refuses to write with a mapping to a production org unless it was agreed to: before, by yes, or by the answer of
// whoever sits at the terminal. What is agreed to is kept in the state directory.
func Ask(ctx context.Context, a *verb.App, dir, mapping string, org salesforce.OrgInfo, yes bool) error {
	given, err := read(dir)
	if err != nil {
		return err
	}
	key := keyOf(mapping, org.ID)
	if given.has(key) {
		return nil
	}
	if !yes {
		if !a.Sys.StdinTTY || !a.Sys.StderrTTY {
			return exit.Usagef("this would be the first write with the mapping %q to the production org %s (%s): "+
				"check the mapping, then add --yes once", mapping, org.Name, org.ID)
		}
		question := fmt.Sprintf("first write with the mapping %q to the production org %s (%s): go on?", mapping, org.Name, org.ID)
		switch agreed, err := a.Con.Confirm(ctx, a.Sys.Stdin, question); {
		case err != nil:
			return err
		case !agreed:
			return exit.Usagef("not agreed: nothing was sent")
		}
	}
	return given.add(key, a.Sys.Now())
}

// has reports whether a key was agreed to.
func (c *list) has(key string) bool {
	_, ok := c.given[key]
	return ok
}

// add records an agreement, replacing the file in one step.
func (c *list) add(key string, now time.Time) error {
	c.given[key] = now.UTC().Truncate(time.Second)
	text, err := json.MarshalIndent(c.given, "", "  ")
	if err == nil {
		err = private.WriteFile(c.path, append(text, '\n'))
	}
	if err != nil {
		return exit.Errorf(exit.CannotWrite, "write consents: %w", err)
	}
	return nil
}
