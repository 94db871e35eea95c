package version

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		offered string
		want    int
		err     string
	}{
		{"45.0 60.0 66.0 67.0", 66, ""}, // the newest that was tested with
		{"45.0 60.0", 60, ""},
		{"52.0", 52, ""},
		{"odd 60.0", 60, ""},
		{"45.0 51.0", 0, "version 51.0 is too old"},
		{"", 0, "too old"},
	} {
		got, err := Choose(strings.Fields(c.offered))
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %d, %v", c.offered, got, err)
		}
	}
}
