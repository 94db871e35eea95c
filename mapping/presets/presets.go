// Package presets holds the mapping files that ship with the tool: what preset: in a mapping starts
// from, and what `sfsync init --preset NAME` prints. A preset is an ordinary mapping file, complete
// and with comments.
package presets

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.yaml
var files embed.FS

const ending = ".yaml"

// Names returns the names of the presets in order.
func Names() []string {
	paths, err := fs.Glob(files, "*"+ending)
	if err != nil { // the pattern is a constant
		panic(err)
	}
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(p, ending)
	}
	return paths
}

// Get returns the text of a preset, which belongs to the caller; ok is false if there is none of
// that name.
func Get(name string) (text []byte, ok bool) {
	text, err := files.ReadFile(name + ending)
	return text, err == nil
}
