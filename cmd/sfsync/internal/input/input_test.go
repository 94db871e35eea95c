package input

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sfsync/pipeline/source"
)

// What can be read again is a file, or something of which opening says what is wrong; the size of the inputs is known
// only if that of each is.
func TestWhatIsKnownOfInputs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.csv")
	if err := os.WriteFile(file, []byte("id\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for name, again := range map[string]bool{file: true, filepath.Join(dir, "gone.csv"): true, dir: false, os.DevNull: false} {
		if got := ReadAgain(&source.Input{Path: name}); got != again {
			t.Errorf("%s can be read again: %v", name, got)
		}
	}
	known := source.Input{Path: file}
	for name, c := range map[string]struct {
		in   []source.Input
		want int64
	}{
		"none":          {nil, 0},
		"files":         {[]source.Input{known, known}, 10},
		"a copy":        {[]source.Input{known, {Path: "-", Reader: open}}, 10},
		"one is gone":   {[]source.Input{known, {Path: file + "x"}}, 0},
		"one is stdin":  {[]source.Input{known, {Path: "-", Once: true, Reader: strings.NewReader("x")}}, 0},
		"named as file": {[]source.Input{{Path: file, Once: true}}, 0},
	} {
		if got := TotalBytes(c.in); got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, got, c.want)
		}
	}
}
