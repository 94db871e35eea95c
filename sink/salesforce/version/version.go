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

// Choose returns, of the versions that an org offers ("66.0"; what is none is passed over), the newest that the
// client knows.
func Choose(offered []string) (int, error) {
	best := 0
	for _, v := range offered {
		major, _, _ := strings.Cut(v, ".")
		if n, err := strconv.Atoi(major); err == nil && n <= Newest {
			best = max(best, n)
		}
	}
	if best < oldest {
		return 0, catalog.New(sink.Config, catalog.CodeVersion, fmt.Sprintf("version %d.0 is too old: %d.0 is the oldest that works", best, oldest))
	}
	return best, nil
}
