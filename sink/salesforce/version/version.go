// Package version chooses the version of the API that is spoken to an org.
package version

import (
	"fmt"
	"strconv"
	"strings"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// The versions that the client was tested with; an org that offers less than the oldest is refused
// (Sforce-Duplicate-Rule-Header and strict reference ids came with 52).
const (
	Newest = 66
	oldest = 52
)

// Parse reads the number of a version: 66 of "66.0", "66" or "v66.0"; 0 of "". One that is too old is an error.
func Parse(wanted string) (int, error) {
	if wanted == "" {
		return 0, nil
	}
	major, minor, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(wanted), "v"), ".")
	n, err := strconv.Atoi(major)
	if err != nil || strings.Trim(minor, "0") != "" {
		return 0, refuse("%q is not an API version: they look like 66.0", wanted)
	}
	if n < oldest {
		return 0, tooOld(n)
	}
	return n, nil
}

// Choose returns, of the versions that an org offers ("66.0"; what is none is passed over), the one that is
// asked for, or for 0 the newest that the client knows.
func Choose(offered []string, ask int) (int, error) {
	best, found := 0, false
	for _, v := range offered {
		major, _, _ := strings.Cut(v, ".")
		n, err := strconv.Atoi(major)
		if err != nil {
			continue
		}
		found = found || n == ask
		if n <= Newest {
			best = max(best, n)
		}
	}
	switch {
	case ask != 0 && !found:
		return 0, refuse("the org does not offer version %d.0", ask)
	case ask != 0:
		return ask, nil
	case best < oldest:
		return 0, tooOld(best)
	}
	return best, nil
}

func tooOld(v int) error {
	return refuse("version %d.0 is too old: %d.0 is the oldest that works", v, oldest)
}

func refuse(format string, args ...any) error {
	return catalog.New(sink.Config, catalog.CodeVersion, fmt.Sprintf(format, args...))
}
