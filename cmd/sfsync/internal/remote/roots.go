package remote

import (
	"crypto/x509"
	"io"
	"os"
	"strings"
	"time"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/sink/salesforce/transport"
)

// maxRoots bounds a file of certificates. The authorities of all systems together have half a megabyte.
const maxRoots = 16 << 20

// readRoots reads the certificates of a file in addition to the system's; nil for no file, which leaves the
// system's alone. Those that have expired are left out, with a warning.
func readRoots(path string, now time.Time, warn func(format string, args ...any)) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // nothing to add
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, exit.Errorf(exit.BadConfig, "--ca-cert: %w", err)
	}
	defer f.Close() // only read from
	text, err := io.ReadAll(io.LimitReader(f, maxRoots))
	if err != nil {
		return nil, exit.Errorf(exit.BadConfig, "--ca-cert: %w", err)
	}
	pool, expired, err := transport.Roots(text, now)
	if err != nil {
		return nil, exit.Errorf(exit.BadConfig, "--ca-cert %s: %w", path, err)
	}
	if len(expired) > 0 {
		warn("--ca-cert %s: left out: %s", path, strings.Join(expired, ", "))
	}
	return pool, nil
}
