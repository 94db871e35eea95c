package remote

import (
	"crypto/x509"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/sink/salesforce/transport"
)

// maxRoots bounds a file of certificates. The authorities of all systems together have half a megabyte.
const maxRoots = 16 << 20

// AddRoots adds --ca-cert.
func AddRoots(fs *pflag.FlagSet, path *string) {
	fs.StringVar(path, "ca-cert", "", "trust the certificates of this PEM `file` as well as the system's")
}

// Roots reads the certificates of --ca-cert in addition to the system's; nil for no file, which leaves the
// system's alone. Those that have expired are left out, with a warning.
func Roots(a *verb.App, path string) (*x509.CertPool, error) {
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
	pool, expired, err := transport.Roots(text, a.Sys.Now())
	if err != nil {
		return nil, exit.Errorf(exit.BadConfig, "--ca-cert %s: %w", path, err)
	}
	if len(expired) > 0 {
		a.Con.Warnf("--ca-cert %s: left out: %s", path, strings.Join(expired, ", "))
	}
	return pool, nil
}
