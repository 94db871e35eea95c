// Package consent remembers which mappings somebody agreed to use on which production orgs.
package consent

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/private"
)

// List is what was agreed to, kept in a file.
type List struct {
	path  string
	given map[string]time.Time
}

// Key names an agreement: a mapping and an org.
func Key(mapping, orgID string) string { return orgID + " " + mapping }

// Read reads what was agreed to from a state directory; a missing file means nothing.
func Read(dir string) (*List, error) {
	c := &List{path: filepath.Join(dir, "consents.json"), given: map[string]time.Time{}}
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

// Has reports whether a key was agreed to.
func (c *List) Has(key string) bool {
	_, ok := c.given[key]
	return ok
}

// Add records an agreement, replacing the file in one step.
func (c *List) Add(key string, now time.Time) error {
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
