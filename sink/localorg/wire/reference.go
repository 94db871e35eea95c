package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

var reference = regexp.MustCompile(`@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])+)\}`)

// References are the answers that subrequests may refer to, by their referenceIds.
type References map[string]*answer

// answer is a body, decoded once it is referred to.
type answer struct {
	body jsontext.Value
	doc  any
	read bool
}

// Add makes an answer known; the body must not change any more.
func (r References) Add(id string, body jsontext.Value) { r[id] = &answer{body: body} }

// Referred returns the referenceIds that an address and a body refer to, each once.
func Referred(addr string, body jsontext.Value) []string {
	var out []string
	for _, text := range []string{addr, string(body)} {
		if !strings.Contains(text, "@{") {
			continue
		}
		for _, g := range reference.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(out, g[1]) {
				out = append(out, g[1])
			}
		}
	}
	return out
}

// Substitute puts the values of references into the address and the body of a subrequest of a
// /composite: @{refId.path} stands for a value in the answer to the subrequest refId
// (REST API guide, Composite).
func (r References) Substitute(to string, from jsontext.Value) (addr string, body []byte, err error) {
	if !strings.Contains(to, "@{") && !bytes.Contains(from, []byte("@{")) {
		return to, from, nil
	}
	replace := func(text string, escape func(string) string) string {
		return reference.ReplaceAllStringFunc(text, func(m string) string {
			g := reference.FindStringSubmatch(m)
			v, ok := r.lookup(g[1], g[2])
			if !ok && err == nil {
				err = fmt.Errorf("Invalid reference specified. No value for %s found in %s", g[1]+g[2], g[1])
			}
			return escape(v)
		})
	}
	path, query, found := strings.Cut(to, "?")
	addr = replace(path, url.PathEscape)
	if found {
		addr += "?" + replace(query, url.QueryEscape)
	}
	body = []byte(replace(string(from), func(v string) string {
		q := Quote(v)
		return string(q[1 : len(q)-1])
	}))
	return addr, body, err
}

// lookup follows .name and [n] into the answer to a subrequest and returns the scalar there.
func (r References) lookup(id, path string) (string, bool) {
	a := r[id]
	if a == nil {
		return "", false
	}
	if !a.read {
		a.read = true
		dec := json.NewDecoder(bytes.NewReader(a.body))
		dec.UseNumber()
		if dec.Decode(&a.doc) != nil {
			a.doc = nil
		}
	}
	v := a.doc
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
