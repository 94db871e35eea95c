package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/cmd/sfsync/internal/verb/verbtest"
)

func TestImportFlags(t *testing.T) {
	t.Parallel()
	o, _, err := verbtest.Capture(t, map[string]string{"SFSYNC_SCHEMA": "crm.yaml"}, newImport, "a.sdl", "--object", "Lead", "--match=Ext__c", "--only", "a,b", "--only=c", "--force")
	if err != nil {
		t.Fatal(err)
	}
	if o.File != "a.sdl" || o.Object != "Lead" || o.Match != "Ext__c" || o.Schema != "crm.yaml" || !o.Force || !cmp.Equal(o.Only, []string{"a", "b", "c"}) {
		t.Errorf("options %+v", o)
	}
}

func TestInitFlags(t *testing.T) {
	t.Parallel()
	o, _, err := verbtest.Capture(t, nil, newInit, "a.csv", "b.csv", "--object", "Account,Contact", "--object=Lead", "--out", "m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(o.Files, []string{"a.csv", "b.csv"}) || !cmp.Equal(o.Objects, []string{"Account", "Contact", "Lead"}) || o.Out != "m.yaml" || o.Rows != 1000 {
		t.Errorf("options %+v", o)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{}, "FILE is missing"},
		{[]string{"a.csv"}, "--object is missing"},
		{[]string{"a.csv", "--preset", "x"}, "leave the files away"},
		{[]string{"--preset", "x", "--object", "Lead"}, "leave --object away"},
		{[]string{"a.csv", "--object", "Lead", "--rows", "0"}, "--rows is a number"},
		{[]string{"a.csv", "--object", "Lead", "--format", "xml"}, `unknown --format "xml"`},
	} {
		if _, _, err := verbtest.Capture(t, nil, newInit, tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want %q", tt.args, err, tt.want)
		}
	}
}

// A mapping names paths relative to itself.
func TestRelative(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ out, path, want string }{
		{"", "in/a.csv", "in/a.csv"},
		{"m.yaml", "in/a.csv", "in/a.csv"},
		{"maps/m.yaml", "in/a.csv", "../in/a.csv"},
		{"maps/m.yaml", "-", "-"},
		{"maps/m.yaml", "maps/a.csv", "a.csv"},
	} {
		if got, err := relative(tt.out, tt.path); err != nil || got != tt.want {
			t.Errorf("%s in %q: %q, %v, want %q", tt.path, tt.out, got, err, tt.want)
		}
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "m.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for out, want := range map[string]string{"": "", dir: dir, file: "", dir + "/new/": filepath.Join(dir, "new"), dir + "/new": ""} {
		if got := directory(out); got != want {
			t.Errorf("--out %q: directory %q, want %q", out, got, want)
		}
	}
}
