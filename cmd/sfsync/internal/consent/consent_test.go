package consent

import (
	"os"
	"testing"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
)

// TestConsents: an agreement is kept for the mapping and the org it was given for.
func TestConsents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if c.has(keyOf("leads", "00D1")) {
		t.Error("consent nobody gave")
	}
	if err := c.add(keyOf("leads", "00D1"), time.Date(2026, 11, 21, 2, 15, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if c, err = read(dir); err != nil {
		t.Fatal(err)
	}
	if !c.has(keyOf("leads", "00D1")) || c.has(keyOf("leads", "00D2")) || c.has(keyOf("other", "00D1")) {
		t.Errorf("consents %v", c.given)
	}
	info, err := os.Stat(c.path)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(c.path, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(dir); exit.Of(err) != exit.BadConfig {
		t.Errorf("a broken file: %v", err)
	}
}
