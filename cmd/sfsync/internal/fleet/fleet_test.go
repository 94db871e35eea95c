package fleet

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/mapping"
	"sfsync/sink/salesforce"
)

func fileTo(orgs ...string) *mapping.File {
	f := &mapping.File{}
	for _, name := range orgs {
		t := &mapping.Target{}
		t.Org.Value = name
		f.Targets = append(f.Targets, t)
	}
	return f
}

// A run has each org once, that of --to first, and no more than it can hold.
func TestNamesOf(t *testing.T) {
	many := make([]string, maxOrgs)
	for i := range many {
		many[i] = fmt.Sprint("org", i)
	}
	for name, c := range map[string]struct {
		orgs []string
		want []string // nil for an error
	}{
		"one":               {[]string{"", ""}, []string{"local"}},
		"that of --to":      {[]string{"local", ""}, []string{"local"}},
		"several":           {[]string{"crm", "", "eu", "crm"}, []string{"local", "crm", "eu"}},
		"as many as can":    {many[1:], append([]string{"local"}, many[1:]...)},
		"one more":          {many, nil},
		"no name of an org": {[]string{"../x"}, nil},
	} {
		got, at, err := namesOf(&remote.Flags{To: "local"}, fileTo(c.orgs...))
		if !slices.Equal(got, c.want) || (err != nil) != (c.want == nil) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err != nil && exit.Of(err) != exit.BadConfig {
			t.Errorf("%s: exit code %d", name, exit.Of(err))
		}
		if err == nil && len(at) != len(got)-1 {
			t.Errorf("%s: the places of %d names", name, len(at))
		}
	}
}

// A run is taken up only in the orgs that it began in, whatever they are called now.
func TestCheck(t *testing.T) {
	org := func(id string) *remote.Org { return &remote.Org{Info: salesforce.OrgInfo{ID: id}} }
	f := &Fleet{Main: org("00D1"), to: "prod", others: map[string]*remote.Org{"eu": org("00D2")}}
	for name, c := range map[string]struct {
		main   string
		others map[string]string
		want   string
	}{
		"the same":            {"00D1", map[string]string{"eu": "00D2"}, ""},
		"no others":           {"00D1", nil, ""},
		"one not connected":   {"00D1", map[string]string{"us": "00D9"}, ""},
		"another main":        {"00D9", nil, "the run went to the org 00D9, this is 00D1"},
		"another of others":   {"00D1", map[string]string{"eu": "00D9"}, "00D9 as eu, which is 00D2 now"},
		"they were exchanged": {"00D2", map[string]string{"eu": "00D1"}, "the run went to the org 00D2"},
	} {
		err := f.Check(c.main, c.others)
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", name, err)
		case err != nil && exit.Of(err) != exit.BadConfig:
			t.Errorf("%s: exit code %d", name, exit.Of(err))
		}
	}
	if f.Of("eu") == f.Main || f.Of("") != f.Main || f.Of("prod") != f.Main || f.Name("eu") != "eu" || f.Name("us") != "prod" {
		t.Error("a target does not go where it names")
	}
	if got := f.ids(); !slices.Equal(got, []string{"00D1", "00D2"}) {
		t.Errorf("the locks are taken in the order %q", got)
	}
}
