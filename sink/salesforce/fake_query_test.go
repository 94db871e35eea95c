package salesforce

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var fakeSelect = regexp.MustCompile(`(?s)^SELECT ([\w,.]+) FROM Lead WHERE (.*)$`)

// query answers SELECT … FROM Lead WHERE f IN (…), or … WHERE (a=… AND b=…) OR (…), in pages.
func (f *fake) query(q, path string) (int, any) {
	if strings.Contains(q, "FROM Organization") {
		return 200, map[string]any{"totalSize": 1, "done": true, "records": []map[string]any{{
			"attributes": map[string]string{"type": "Organization"}, "Id": "00D000000000001AAA", "Name": "Fake", "IsSandbox": false, "InstanceName": "LOCAL",
		}}}
	}
	from := 0
	if rest, ok := strings.CutPrefix(path, "/query/"); ok {
		if _, err := fmt.Sscanf(rest, "%d-", &from); err != nil {
			return 404, orgError("INVALID_QUERY_LOCATOR", "invalid query locator")
		}
		b, _ := url.PathUnescape(rest[strings.IndexByte(rest, '-')+1:])
		q = b
	}
	m := fakeSelect.FindStringSubmatch(q)
	if m == nil {
		return 400, orgError("MALFORMED_QUERY", "unexpected token: "+q)
	}
	keys, err := fakeWhere(m[2])
	if err != nil {
		return 400, orgError("MALFORMED_QUERY", err.Error())
	}
	fields := strings.Split(m[1], ",")
	for i, name := range fields {
		if slices.Contains(fields[:i], name) {
			return 400, orgError("MALFORMED_QUERY", "duplicate field selected: "+name)
		}
	}
	var all []map[string]any
	for _, r := range f.records {
		if !slices.ContainsFunc(keys, func(k map[string]string) bool { return fakeHolds(r, k) }) {
			continue
		}
		out := map[string]any{"attributes": map[string]string{"type": "Lead", "url": "/x"}}
		for _, name := range fields {
			parent, field, ok := strings.Cut(name, ".")
			switch p, _ := r[parent].(map[string]any); {
			case !ok:
				out[name] = r[name]
			case p == nil:
				out[parent] = nil
			case out[parent] == nil:
				out[parent] = map[string]any{"attributes": map[string]string{"type": parent}, field: p[field]}
			default:
				out[parent].(map[string]any)[field] = p[field]
			}
		}
		all = append(all, out)
	}
	end := min(len(all), from+f.page)
	res := map[string]any{"totalSize": len(all), "done": end == len(all), "records": all[from:end]}
	if end < len(all) {
		res["nextRecordsUrl"] = fmt.Sprintf("/services/data/v66.0/query/%d-%s", end, url.PathEscape(q))
	}
	return 200, res
}

// fakeHolds reports whether a record has the values of a key, without case.
func fakeHolds(r map[string]any, key map[string]string) bool {
	for name, want := range key {
		v := r[name]
		if parent, field, ok := strings.Cut(name, "."); ok {
			p, _ := r[parent].(map[string]any)
			v = p[field]
		}
		if v == nil || !strings.EqualFold(fmt.Sprint(v), want) {
			return false
		}
	}
	return true
}

// fakeWhere reads conditions: what each key's fields have to be.
func fakeWhere(s string) (keys []map[string]string, err error) {
	if field, list, ok := strings.Cut(s, " IN ("); ok && s[0] != '(' {
		for more := true; more; {
			var v string
			if v, list, err = fakeLiteral(list); err != nil {
				return nil, err
			}
			keys = append(keys, map[string]string{field: v})
			list, more = strings.CutPrefix(list, ",")
		}
		if list != ")" {
			return nil, fmt.Errorf("no end of the list at %q", list)
		}
		return keys, nil
	}
	for more := true; more; {
		key := map[string]string{}
		s, more = strings.CutPrefix(s, "(")
		for more {
			field, rest, ok := strings.Cut(s, "=")
			if !ok {
				return nil, fmt.Errorf("no condition at %q", s)
			}
			if key[field], s, err = fakeLiteral(rest); err != nil {
				return nil, err
			}
			s, more = strings.CutPrefix(s, " AND ")
		}
		keys = append(keys, key)
		s, more = strings.CutPrefix(s, ") OR ")
	}
	if s != ")" {
		return nil, fmt.Errorf("no end of the condition at %q", s)
	}
	return keys, nil
}

// fakeLiteral reads a SOQL literal as the reference defines it, up to what follows it.
func fakeLiteral(s string) (value, rest string, err error) {
	if s == "" || s[0] != '\'' {
		i := strings.IndexAny(s, ", )")
		if i <= 0 {
			return "", "", fmt.Errorf("no literal at %q", s)
		}
		return s[:i], s[i:], nil
	}
	var b strings.Builder
	i := 1
	for ; i < len(s) && s[i] != '\''; i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return "", "", errors.New("literal ends in a backslash")
		}
		j := strings.IndexByte(`nrtbf"'\`, s[i])
		switch {
		case j >= 0:
			b.WriteByte("\n\r\t\b\f\"'\\"[j])
		case s[i] == 'u' && i+4 < len(s):
			var r rune
			if _, err := fmt.Sscanf(s[i+1:i+5], "%04X", &r); err != nil {
				return "", "", err
			}
			b.WriteRune(r)
			i += 4
		default:
			return "", "", fmt.Errorf("bad escape \\%c", s[i])
		}
	}
	if i >= len(s) {
		return "", "", errors.New("literal without an end")
	}
	return b.String(), s[i+1:], nil
}
