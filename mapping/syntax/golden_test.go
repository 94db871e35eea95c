package syntax

import (
	"flag"
	"testing"

	"sfsync/mapping/internal/golden"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	golden.Check(t, path, got, *update)
}
