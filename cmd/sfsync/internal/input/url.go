package input

import (
	"fmt"
	"slices"

	"sfsync/cmd/sfsync/internal/fetch"
	"sfsync/mapping"
	"sfsync/mapping/diag"
)

// addresses are the URLs among FILE arguments, each once.
func addresses(files []string) ([]*fetch.Address, error) {
	var all []*fetch.Address
	for _, f := range files {
		if !fetch.Is(f) {
			continue
		}
		a, err := fetch.Parse(f)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(all, a.Same) {
			all = append(all, a)
		}
	}
	return all, nil
}

// names are what URLs are called where users see them: without what may be secret, and numbered where that leaves
// several the same.
func names(all []*fetch.Address) []string {
	out := make([]string, len(all))
	count := make(map[string]int)
	for i, a := range all {
		out[i] = a.String()
		if count[out[i]]++; count[out[i]] > 1 {
			out[i] += fmt.Sprintf("#%d", count[out[i]])
		}
	}
	return out
}

// Shown are FILE arguments as they may be shown and kept: URLs without what may be secret in them. Secret is set if
// that leaves anything out.
func Shown(files []string) (shown []string, secret bool) {
	shown = slices.Clone(files)
	for i, f := range shown {
		if !fetch.Is(f) {
			continue
		}
		a, err := fetch.Parse(f)
		if err != nil {
			shown[i], secret = "a URL", true // what is wrong with it is said elsewhere
			continue
		}
		shown[i], secret = a.String(), secret || a.Secret()
	}
	return shown, secret
}

// checkURLs refuses passwords in the URLs of a mapping, of which every run keeps a copy.
func checkURLs(file *mapping.File) error {
	var list diag.List
	for _, f := range file.Source.Files {
		if !fetch.Is(f.Value) {
			continue
		}
		if a, err := fetch.Parse(f.Value); err == nil && a.Login() {
			list.Errorf(f.Pos, "url-password", "name the URL on the command line", "a mapping is no place for a password: %s", a)
		}
	}
	return list.Err()
}
