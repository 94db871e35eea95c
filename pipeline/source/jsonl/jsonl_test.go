package jsonl_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
	"sfsync/pipeline/source/jsonl"
	"sfsync/pipeline/source/sourcetest"
)

func TestJSONL(t *testing.T) {
	t.Parallel()
	all := source.Options{All: true}
	paths := func(p ...string) source.Options { return source.Options{Paths: p} }
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	tests := []struct {
		name, in string
		opt      source.Options
		want     string
	}{
		{
			"kinds", `{"s":"x","n":-1.50e+3,"t":true,"f":false,"z":null,"o":{ "a" : 1 },"l":[1, "2"],"e":""}`, all,
			"s|n|t|f|z|o|l|e\n1: x|number:-1.50e+3|bool:true|bool:false|null:|json:{ \"a\" : 1 }|json:[1, \"2\"]|\n",
		},
		{"big numbers stay", `{"n":123456789012345678901234567890.10}`, all, "n\n1: number:123456789012345678901234567890.10\n"},
		{"escapes", `{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","\u0062":"x"}`, all, "a|b\n1: \"\\/\b\f\n\r\té😀|x\n"},
		{"columns grow", "{\"a\":1}\n{\"b\":2}\n{}\n{\"a\":3,\"c\":4}", all, "a|b|c\n1: number:1|-|-\n2: -|number:2|-\n3: -|-|-\n4: number:3|-|number:4\n"},
		{"a broken row brings no column", "{\"a\":1}\n{\"b\":2,}\n{\"b\":3}", all, "a|b\n1: number:1|-\n2: BAD_JSON {\"b\":2,}\n3: -|number:3\n"},
		{"blank lines", "\n  \n{\"a\":1}\r\n\t\r\n{\"a\":2}", all, "a\n3: number:1\n5: number:2\n"},
		{"white space", " { \"a\" :\t1 , \"b\" : [ ] }  \r\n", all, "a|b\n1: number:1|json:[ ]\n"},
		{"BOM", "\xEF\xBB\xBF{\"a\":1}\n", all, "a\n1: number:1\n"},
		{"UTF-16", "\xFF\xFE{\x00\"\x00a\x00\"\x00:\x001\x00}\x00\n\x00", all, "a\n1: number:1\n"},

		{"paths", `{"a":{"b":{"c":1,"d":"x"},"e":2},"f":3}`, paths("a.b.c", "f", "a.e", "a.x", "f.g"), "a.b.c|f|a.e|a.x|f.g\n1: number:1|number:3|number:2|-|-\n"},
		{"whole and part", `{"a":{"b":1, "c":2}}`, paths("a", "a.b"), "a|a.b\n1: json:{\"b\":1, \"c\":2}|number:1\n"},
		{"path through null, array, text", "{\"a\":null}\n{\"a\":[{\"b\":1}]}\n{\"a\":\"b\"}", paths("a.b"), "a.b\n1: -\n2: -\n3: -\n"},
		{"exact key wins", "{\"a.b\":1,\"a\":{\"b\":2}}\n{\"a\":{\"b\":2},\"a.b\":1}\n{\"a\":{\"b\":2}}", paths("a.b"), "a.b\n1: number:1\n2: number:1\n3: number:2\n"},
		{"exact key wins as null", `{"a.b":null,"a":{"b":2}}`, paths("a.b"), "a.b\n1: null:\n"},
		{"escaped keys on a path", `{"\u0061":{"\u0062":1}}`, paths("a.b"), "a.b\n1: number:1\n"},
		{"same path twice", `{"a":1}`, paths("a", "a"), "a\n1: number:1\n"},
		{"empty keys", `{"":{"":1}}`, paths(".", ""), ".|\n1: number:1|json:{\"\":1}\n"},
		{"order changes", "{\"a\":1,\"x\":0,\"b\":2}\n{\"b\":3,\"a\":4}\n{\"y\":1,\"a\":5,\"b\":6}", paths("a", "b"), "a|b\n1: number:1|number:2\n2: number:4|number:3\n3: number:5|number:6\n"},
		{"rest", `{"a":{"b":1,"c":2},"d":3,"e.f":4}`, source.Options{Paths: []string{"a.b"}, Rest: true}, "a.b|d|e.f\n1: number:1|number:3|number:4\n"},

		{"named twice", `{"a":1,"a":2}`, paths("a"), "a\n1: number:2\n"},
		{"named twice, new key", `{"a":1,"a":"x\n"}`, all, "a\n1: x\n\n"},
		{"named twice, object replaced", `{"a":{"b":1,"c":2},"a":{"c":3}}`, paths("a.b", "a.c"), "a.b|a.c\n1: -|number:3\n"},
		{"named twice, replaced by text", `{"a":{"b":1},"a":"x"}`, paths("a.b", "a"), "a.b|a\n1: -|x\n"},
		{"named twice beside an exact key", `{"a.b":1,"a":{"b":2},"a":{}}`, paths("a.b"), "a.b\n1: number:1\n"},
		{"named twice inside what is not looked into", `{"a":{"b":1,"b":2}}`, paths("a"), "a\n1: json:{\"b\":1,\"b\":2}\n"},

		{"cut off", "{\"a\":1}\n{\"a\":\"x\n{\"a\":2}\n", all, "a\n1: number:1\n2: BAD_JSON {\"a\":\"x\n3: number:2\n"},
		{"no object", "{\"a\":1}\n[1]\n\"x\"\n5\nnull\nx\n", all, "a\n1: number:1\n2: BAD_JSON [1]\n3: BAD_JSON \"x\"\n4: BAD_JSON 5\n5: BAD_JSON null\n6: BAD_JSON x\n"},
		{"an array first", "[1]\n{\"a\":1}\n", all, "a\n1: BAD_JSON [1]\n2: number:1\n"},
		{"two on a line", `{"a":1}{"a":2}`, all, "\n1: BAD_JSON {\"a\":1}{\"a\":2}\n"},
		{"cells of a bad row are absent", "{\"a\":1,\"b\":tru}", paths("a", "b"), "a|b\n1: BAD_JSON {\"a\":1,\"b\":tru}\n"},
		{"invalid UTF-8", "{\"a\":\"\xE9\"}", paths("a"), "a\n1: BAD_ENCODING {\"a\":\"\xE9\"}\n"},
		{"invalid UTF-8 in what nobody wants", "{\"a\":1,\"b\":{\"\xE9\":1}}", paths("a"), "a\n1: BAD_ENCODING {\"a\":1,\"b\":{\"\xE9\":1}}\n"},
		{"lone surrogates", "{\"a\":\"\\ud83d\"}\n{\"a\":\"\\ude00x\"}\n{\"a\":\"\\ud83d\\u0041\"}", paths("a"), "a\n1: BAD_JSON {\"a\":\"\\ud83d\"}\n2: BAD_JSON {\"a\":\"\\ude00x\"}\n3: BAD_JSON {\"a\":\"\\ud83d\\u0041\"}\n"},
		{"deep", deep(127) + "\n" + deep(128), paths("a"), "a\n1: json:" + strings.Repeat("[", 127) + strings.Repeat("]", 127) + "\n2: TOO_DEEP " + deep(128) + "\n"},
		{
			"bare words and numbers", "{\"a\":01}\n{\"a\":1.}\n{\"a\":+1}\n{\"a\":NaN}\n{a:1}\n{'a':1}", paths("a"),
			"a\n1: BAD_JSON {\"a\":01}\n2: BAD_JSON {\"a\":1.}\n3: BAD_JSON {\"a\":+1}\n4: BAD_JSON {\"a\":NaN}\n5: BAD_JSON {a:1}\n6: BAD_JSON {'a':1}\n",
		},
		{"long key", `{"` + strings.Repeat("k", 1025) + `":1}`, all, "\n1: BAD_KEY {\"" + strings.Repeat("k", 1025) + "\":1}\n"},
		{"long key nobody wants", `{"` + strings.Repeat("k", 1025) + `":1,"a":2}`, paths("a"), "a\n1: number:2\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opt.Format = "jsonl"
			c, err := sourcetest.ReadBytes(t, "x.jsonl", []byte(tt.in), tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJSONLMessages(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{`{"a":1 "b":2}`, "column 8: a comma or } must follow a value"},
		{`{"ö":[1 2]}`, "column 9: a comma or ] must follow a value"},
		{`{"a" 1}`, "column 6: a colon must follow a key"},
		{`{"a":1,}`, "column 8: a key in double quotes must stand here"},
		{`{"a":}`, "column 6: a value must be an object, an array, a string, a number, true, false or null"},
		{`{"a":`, "column 6: the line ends where a value should be"},
		{`{"a":"x`, "column 8: the line ends inside a string"},
		{`{"a":1`, "column 7: the line ends inside an object or array"},
		{`{"a":"\x"}`, "column 8: no such escape in a string"},
		{`{"a":"\u12g4"}`, `column 8: \u must be followed by four hexadecimal digits`},
		{"{\"a\":\"\t\"}", "column 7: a control character in a string must be escaped"},
		{`{"a":-}`, "column 7: a digit must follow the minus sign"},
		{`{"a":1e}`, "column 8: a digit must follow the exponent"},
		{`{} x`, "column 4: text follows the object: there must be one object a line"},
		{`  7`, "column 3: the line holds a value that is no object"},
		{"{\"ö\":\"\xE9\"}", "column 7: byte 0xE9 is not valid UTF-8: convert the file, such as by iconv"},
	}
	for _, tt := range tests {
		r, err := source.Open(context.Background(), source.Input{Path: "x.jsonl", Reader: strings.NewReader(tt.in)}, source.Options{All: true})
		if err != nil {
			t.Fatalf("%s: %v", tt.in, err)
		}
		b, err := r.Next(context.Background())
		if err != nil {
			t.Fatalf("%s: %v", tt.in, err)
		}
		if p, _ := b.Problem(0); p.Message != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.in, p.Message, tt.want)
		}
		sourcetest.Close(t, r)
	}
}

func TestJSONLWarnings(t *testing.T) {
	t.Parallel()
	in := "{\"a\":1}\n{\"a\":1,\"a\":2,\"a\":3}\n{\"x\":1,\"x\":2}\n{\"b\":{\"c\":1,\"c\":2}}\n"
	r, err := source.Open(context.Background(), source.Input{Path: "x.jsonl", Reader: strings.NewReader(in)}, source.Options{Paths: []string{"a", "b.c"}})
	if err != nil {
		t.Fatal(err)
	}
	defer sourcetest.Close(t, r)
	if _, err := sourcetest.ReadAll(t, r); err != nil {
		t.Fatal(err)
	}
	want := []string{`line 2: the key "a" is named twice in one object; the last one counts (so in 2 rows)`}
	if diff := cmp.Diff(want, r.Warnings()); diff != "" {
		t.Error(diff)
	}
	if r.Complete() {
		t.Error("JSON Lines may have any key")
	}
}

// TestJSONLManyKeys: columns are bounded, and so is a batch of rows that have few of them.
func TestJSONLManyKeys(t *testing.T) {
	t.Parallel()
	var in bytes.Buffer
	n := row.MaxColumns + 50
	in.WriteByte('{')
	for i := range row.MaxColumns - 10 {
		fmt.Fprintf(&in, `"w%d":1,`, i)
	}
	in.WriteString("\"z\":1}\n")
	for i := range n - row.MaxColumns + 10 {
		fmt.Fprintf(&in, "{\"k%d\":%d}\n", i, i)
	}
	for range 500 {
		in.WriteString("{\"z\":1}\n")
	}
	r, err := source.Open(context.Background(), source.Input{Path: "x.jsonl", Reader: &in}, source.Options{All: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sourcetest.Close(t, r)
	bad, rows := 0, 0
	for {
		b, err := r.Next(context.Background())
		if err != nil {
			break
		}
		if b.Size() > 2*jsonl.MaxSize {
			t.Errorf("a batch of %d bytes", b.Size())
		}
		for i := range b.Len() {
			rows++
			if p, isBad := b.Problem(i); isBad {
				if bad++; p.Code != "BAD_KEY" {
					t.Fatal(p)
				}
			}
		}
		b.Free()
	}
	if rows != 561 || bad != 51 || len(r.Schema().Columns) != row.MaxColumns {
		t.Errorf("%d rows, %d bad, %d columns", rows, bad, len(r.Schema().Columns))
	}
}

func TestNotLines(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"an array":                       `[{"a":1},{"a":2}]`,
		"an array over lines":            "[\n{\"a\":1},\n{\"a\":2}\n]",
		"an array behind blanks":         "\n  [ {\"a\":1}\n]",
		"a long array on one line":       "[" + strings.Repeat(`{"a":1},`, 100_000) + "{}]",
		"lines of arrays":                "[1,2]\n[3,4]\n",
		"one object over lines":          "{\n  \"a\": 1\n}\n",
		"one object, opened on one line": "{\"a\": {\n  \"b\": 1\n}}\n",
	} {
		_, err := sourcetest.ReadBytes(t, "in/x.json", []byte(in), source.Options{})
		var e *source.Error
		if !errors.As(err, &e) || !errors.Is(err, source.ErrMalformed) || !strings.Contains(e.Message, "jq -c") || e.Path != "in/x.json" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// lookup is what a path means, by way of maps.
func lookup(t *testing.T, object map[string]json.RawMessage, path string) (json.RawMessage, bool) {
	t.Helper()
	if v, ok := object[path]; ok {
		return v, true
	}
	segments := strings.Split(path, ".")
	for i, seg := range segments {
		v, ok := object[seg]
		if !ok || i == len(segments)-1 {
			return v, ok
		}
		if v[0] != '{' {
			return nil, false
		}
		object = nil
		if err := json.Unmarshal(v, &object); err != nil {
			t.Fatal(err)
		}
	}
	return nil, false
}

// sameAsEncodingJSON compares what is read of a line with what encoding/json reads.
func sameAsEncodingJSON(t *testing.T, line []byte, paths []string) {
	t.Helper()
	b, reason := (*row.Batch)(nil), ""
	r, err := source.Open(context.Background(), source.Input{Path: "x", Reader: bytes.NewReader(line)}, source.Options{Format: "jsonl", Paths: paths})
	if err != nil {
		return // another kind of file
	}
	defer sourcetest.Close(t, r)
	if b, err = r.Next(context.Background()); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	dec := jsontext.NewDecoder(bytes.NewReader(line), jsontext.AllowDuplicateNames(true))
	v, err := dec.ReadValue()
	if err == nil {
		kind := v.Kind()
		_, end := dec.ReadToken()
		if kind != '{' || !errors.Is(end, io.EOF) {
			reason = "no object, or two"
		}
	} else {
		reason = err.Error()
	}
	p, bad := b.Problem(0)
	if (reason != "") != bad && p.Code != "TOO_DEEP" {
		t.Fatalf("%q: %v, want %s", line, p, reason)
	}
	if bad {
		return
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	for c, path := range paths {
		cell := b.Cell(0, c)
		want, ok := lookup(t, object, path)
		kind, text := row.Absent, ""
		if ok {
			kind, text = row.Number, string(want)
			switch want[0] {
			case '"':
				kind = row.Text
				if err := json.Unmarshal(want, &text); err != nil {
					t.Fatal(err)
				}
			case '{', '[':
				kind = row.JSON
			case 't', 'f':
				kind = row.Bool
			case 'n':
				kind, text = row.Null, ""
			}
		}
		if cell.Kind() != kind || cell.Text != text {
			t.Fatalf("%q: %s is %s %q, want %s %q", line, path, cell.Kind(), cell.Text, kind, text)
		}
	}
}

func FuzzJSONL(f *testing.F) {
	for _, s := range []string{
		`{"a":1}`, `{"a":{"b":{"c":"x\u00e9\ud83d\ude00"}},"a.b":[1,{"c":null}]}`, "{\"a\":1}\n{\"b\":2}\n\n{\"a\":3,", `{"a":{"b":1},"a":{"c":2},"a.b.c":true}`,
		"[1,2]", "{\n\"a\":1\n}", "\xEF\xBB\xBF{}", "{\"a\":\"\xE9\\n\"}", `{"a":-0.5E+10,"b":{"c":{"d":""}}}`, `{"a":"` + strings.Repeat("x", 60) + `"}`, strings.Repeat("[", 200),
		`{"a":1,"sfsync_file":"","sfsync_line":"","sfsync_target":"","sfsync_object":"","sfsync_action":"","sfsync_id":"","sfsync_code":"","sfsync_field":"","sfsync_message":"","sfsync_attempts":1}`,
	} {
		f.Add([]byte(s), uint16(200))
	}
	for _, s := range []string{
		"{\"a\"\r:1}", "{}\r{}", `{"a":"\ud800"}`, `{"a":"\udc00\ud800","b":{"c":"\ud83d"}}`, `{"\u0061":1,"a\u002eb":2}`, `{"a":-0,"a":1e400,"b":{"c":-}}`, `{"a":01}`, `{"a":.5}`, `{"A":1,"a.B":2}`,
		"{\"a\":\"\u2028\u0085\ufeff\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\x1f\"}", "\v{}", "{}\u00a0", `{"a":1}{"a":2}`, `{"a":1},`, `{"a":tru}`, `{"a":"\x"}`, `{"a":{"b":{"c":` + strings.Repeat(`{"c":`, 80) + "1" + strings.Repeat("}", 83),
		`{"":1,".":2,"a.":3,".a":4,"a":{"":5}}`, `{"a":null,"a":{"b":null}}`, `{"a.b":{"c":1},"a":{"b.c":2}}`, "{\"a\":1}\u2028{\"a\":2}",
	} {
		f.Add([]byte(s), uint16(1000))
	}
	f.Fuzz(func(t *testing.T, data []byte, maxLine uint16) {
		if len(data) > 1<<16 {
			return
		}
		opt := source.Options{Format: "jsonl", MaxLine: 8 + int(maxLine), Paths: []string{"a", "a.b", "a.b.c", "b.c"}}
		sourcetest.Again(t, data, opt)
		opt.Rest = true
		sourcetest.Again(t, data, opt)
		line := bytes.TrimSpace(data)
		if len(line) > 0 && !bytes.ContainsAny(line, "\n\x00") && utf8.Valid(line) && line[0] < 0x80 && !bytes.Contains(line, []byte("sfsync_")) {
			sameAsEncodingJSON(t, line, opt.Paths)
		}
	})
}
