package yamlnode_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sfsync/mapping/diag"
	"sfsync/mapping/yamlnode"
)

func TestAppendJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"{a: 1, b: -0.5e3, c: 0}":                  `{"a":1,"b":-0.5e3,"c":0}`,
		"{a: 01, b: 0x1F, c: 1_000, d: .5, e: +1}": `{"a":"01","b":"0x1F","c":"1_000","d":".5","e":"+1"}`,
		"{a: true, b: True, c: no, d: 'true'}":     `{"a":true,"b":"True","c":"no","d":"true"}`,
		"{a: null, b: ~, c: , d: 'null', e: ''}":   `{"a":null,"b":null,"c":null,"d":"null","e":""}`,
		"[1, [x, {}], [], '1']":                    `[1,["x",{}],[],"1"]`,
		"{z: 1, a: 2, null: 3, 5: 6}":              `{"z":1,"a":2,"null":3,"5":6}`,
		"a: |\n  \"é\n  x\n":                       `{"a":"\"é\nx\n"}`,
		"a: &x {b: c}\nd: *x\n":                    `{"a":{"b":"c"},"d":{"b":"c"}}`,
		"2026-11-21":                               `"2026-11-21"`,
		"a: .nan":                                  `{"a":".nan"}`,
	} {
		var list diag.List
		got, ok := yamlnode.Parse("f", []byte(in), &list).AppendJSON([]byte("x"), 1000)
		if string(got) != "x"+want || !ok || list.Failed() {
			t.Errorf("%q: got %s %v, want %s", in, got, ok, want)
		}
		if !json.Valid(got[1:]) {
			t.Errorf("%q: %s is no JSON", in, got[1:])
		}
	}
}

// TestAppendJSONStops holds that a text that many aliases stand for fills no memory.
func TestAppendJSONStops(t *testing.T) {
	t.Parallel()
	text := "{a: &a " + strings.Repeat("x", 100_000) + ", b: [" + strings.Repeat("*a, ", 20_000) + "]}"
	var list diag.List
	n := yamlnode.Parse("f", []byte(text), &list)
	if n == nil {
		t.Fatal(list.All())
	}
	got, ok := n.AppendJSON(nil, 1<<20)
	if ok || len(got) > 1<<20+200_000 {
		t.Errorf("%d bytes, %v", len(got), ok)
	}
	n = yamlnode.Parse("f", []byte("a: 1\nb: *nowhere\n"), &list)
	if got, ok := n.AppendJSON(nil, 100); ok {
		t.Errorf("a broken value is %s", got)
	}
}
