package properties_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/properties"
)

// The rules are those of java.util.Properties.load.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"equals sign", "a=b", "a=b@1:1,1:3"},
		{"colon", "a:b", "a=b@1:1,1:3"},
		{"blank", "a  b", "a=b@1:1,1:4"},
		{"blanks around", "  a = b ", "a=b @1:3,1:7"},
		{"no value", "a", "a=@1:1,1:2"},
		{"no key", "=b", "=b@1:1,1:2"},
		{"second sign is the value's", "a==b", "a==b@1:1,1:3"},
		{"comments", "#x\n!y\n \t# z\na=b", "a=b@4:1,4:3"},
		{"escaped signs", `a\ b\:c\=d=e`, "a b:c=d=e@1:1,1:12"},
		{"escaped letters", `a=\t\n\r\f\q`, "a=\t\n\r\fq@1:1,1:3"},
		{"unicode", `Stra\u00DFe=\u20ac`, "Straße=€@1:1,1:13"},
		{"surrogates", `a=\ud83d\ude00`, "a=😀@1:1,1:3"},
		{"goes on", "a=b\\\n   c", "a=bc@1:1,1:3"},
		{"key goes on", "a\\\n b=c", "ab=c@1:1,1:1"},
		{"no escape at an even number", "a=b\\\\\nc=d", "a=b\\@1:1,1:3;c=d@2:1,2:3"},
		{"line ends", "a=b\r\nc=d\re=f\n", "a=b@1:1,1:3;c=d@2:1,2:3;e=f@3:1,3:3"},
		{"ISO 8859-1", "a=\xe4", "a=ä@1:1,1:3"},
		{"a mark of UTF-8", "\ufeffa=b", "a=b@1:1,1:3"},
		{"the same key twice", "a=b\na=c", "a=b@1:1,1:3;a=c@2:1,2:3"},
		{"backslash at the end", `a=b\`, "a=b@1:1,1:3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var list diag.List
			var got []string
			for _, e := range properties.Parse("", []byte(tt.text), &list) {
				got = append(got, e.Key+"="+e.Value+"@"+e.Pos.String()[1:]+","+e.ValuePos.String()[1:])
			}
			if d := cmp.Diff(tt.want, strings.Join(got, ";")); d != "" || list.Failed() {
				t.Errorf("(-want +got):\n%s%v", d, list.All())
			}
		})
	}
}

func TestBadEscape(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`a=\u12`, `a=\u`, `a\uZZZZ=b`} {
		var list diag.List
		if got := properties.Parse("x.sdl", []byte("k=v\n"+text), &list); len(got) != 1 || !list.Failed() || list.All()[0].Pos.Line != 2 {
			t.Errorf("%s: entries %v, findings %v", text, got, list.All())
		}
	}
}

// Whatever a file holds, its entries are UTF-8 where the file is, and stand on lines that it has.
func FuzzParse(f *testing.F) {
	f.Add([]byte("a\\ b=c\\\n d\n#x\n\\u00e4 : y"))
	f.Add([]byte{0xe4, '=', 0xff})
	f.Fuzz(func(t *testing.T, text []byte) {
		var list diag.List
		lines := len(strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' || r == '\r' })) + strings.Count(string(text), "\n") + strings.Count(string(text), "\r") + 1
		for _, e := range properties.Parse("", text, &list) {
			if utf8.Valid(text) && (!utf8.ValidString(e.Key) || !utf8.ValidString(e.Value)) {
				t.Errorf("%q: %q=%q is no UTF-8", text, e.Key, e.Value)
			}
			if e.Pos.Line < 1 || e.Pos.Line > lines || e.Pos.Column < 1 || e.ValuePos.Column < e.Pos.Column {
				t.Errorf("%q: entry at %v, value at %v", text, e.Pos, e.ValuePos)
			}
		}
	})
}
