package version

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
		err  string
	}{
		{"", 0, ""},
		{"66", 66, ""},
		{"66.0", 66, ""},
		{"V67.0", 67, ""},
		{"52.0", 52, ""},
		{"51.0", 0, "version 51.0 is too old"},
		{"66.5", 0, "is not an API version"},
		{"latest", 0, `"latest" is not an API version`},
		{"-1", 0, "too old"},
		{"99999999999999999999", 0, "is not an API version"},
	} {
		got, err := Parse(c.text)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %d, %v", c.text, got, err)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		offered string
		ask     int
		want    int
		err     string
	}{
		{"45.0 60.0 66.0 67.0", 0, 66, ""}, // the newest that was tested with
		{"45.0 60.0", 0, 60, ""},
		{"66.0 67.0", 67, 67, ""},
		{"odd 60.0", 0, 60, ""},
		{"66.0", 61, 0, "does not offer version 61.0"},
		{"45.0 51.0", 0, 0, "too old"},
		{"", 0, 0, "too old"},
	} {
		got, err := Choose(strings.Fields(c.offered), c.ask)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s, %d: %d, %v", c.offered, c.ask, got, err)
		}
	}
}
