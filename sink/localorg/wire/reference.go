package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

var reference = regexp.MustCompile(`@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])+)\}`)

// Substitute puts the values of references into the address and the body of a subrequest of a
// /composite: @{refId.path} stands for a value in the answer to the subrequest refId
// (REST API guide, Composite).
func Substitute(to string, from jsontext.Value, done map[string]jsontext.Value) (addr string, body []byte, err error) {
	if !strings.Contains(to, "@{") && !bytes.Contains(from, []byte("@{")) {
		return to, from, nil
	}
	replace := func(text string, escape func(string) string) string {
		return reference.ReplaceAllStringFunc(text, func(m string) string {
			g := reference.FindStringSubmatch(m)
			v, ok := lookup(done[g[1]], g[2])
			if !ok && err == nil {
				err = fmt.Errorf("Invalid reference specified. No value for %s found in %s", g[1]+g[2], g[1])
			}
			return escape(v)
		})
	}
	addr = replace(to, url.QueryEscape)
	body = []byte(replace(string(from), func(v string) string {
		q := Quote(v)
		return string(q[1 : len(q)-1])
	}))
	return addr, body, err
}

// lookup follows .name and [n] into a body and returns the scalar there.
func lookup(doc jsontext.Value, path string) (string, bool) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return "", false
	}
	for path != "" {
		if path[0] == '[' {
			text, rest, _ := strings.Cut(path[1:], "]")
			n, _ := strconv.Atoi(text)
			list, _ := v.([]any)
			if n >= len(list) {
				return "", false
			}
			v, path = list[n], rest
			continue
		}
		name := path[1:]
		path = ""
		if i := strings.IndexAny(name, ".["); i >= 0 {
			name, path = name[:i], name[i:]
		}
		obj, _ := v.(map[string]any)
		found := false
		for k, x := range obj {
			if k == name || strings.EqualFold(k, name) && !found {
				v, found = x, true
				if k == name {
					break
				}
			}
		}
		if !found {
			return "", false
		}
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
