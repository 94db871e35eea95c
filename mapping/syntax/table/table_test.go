package table_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/mapping/syntax/table"
)

func named() diag.Pos { return diag.Pos{File: "m.yaml", Line: 7, Column: 20} }

func show(t *table.Table) string {
	var b strings.Builder
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "%s@%d:%d ", c.Text, c.Pos.Line, c.Pos.Column)
	}
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "%q@%d:%d→%q@%d:%d ", r.Key.Text, r.Key.Pos.Line, r.Key.Pos.Column, r.To.Text, r.To.Pos.Line, r.To.Pos.Column)
	}
	return strings.TrimSpace(b.String())
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"one column", "from,to\nD,Germany\n A ,\"Aus\"\"tria\"\n", `"D"@2:1→"Germany"@2:3 "A"@3:1→"Aus\"tria"@3:5`},
		{"comments", "note,to,from\nx,Germany,D\n", `"D"@2:11→"Germany"@2:3`},
		{"semicolons", "from;to\n\"a;b\";c,d\n", `"a;b"@2:1→"c,d"@2:7`},
		{"tabs", "from\tto\nä\tö\n", `"ä"@2:1→"ö"@2:3`},
		{"byte order mark and CRLF", "\ufefffrom,to\r\nD,Germany\r\n", `"D"@2:1→"Germany"@2:3`},
		{"several columns", "land, traits.plan ,to\nDE,pro,x\nDE,,y\n", `land@1:1 traits.plan@1:6 "DE\x00pro"@2:1→"x"@2:8 "DE\x00"@3:1→"y"@3:5`},
		{"one column of another name", "to,land\nGermany,D\n", `land@1:4 "D"@2:9→"Germany"@2:1`},
		{"a cell over two lines", "from,to\n\"a\nb\",c\nd,e\n", `"a\nb"@2:1→"c"@3:4 "d"@4:1→"e"@4:3`},
		{"an empty line", "from,to\n\nD,Germany\n", `"D"@3:1→"Germany"@3:3`},
		{"the same twice", "from,to\nD,x\n D,x\n", `"D"@2:1→"x"@2:3`},
		{"a blank key and value", "from,to\n,x\nD,\n", `""@2:1→"x"@2:2 "D"@3:1→""@3:3`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var list diag.List
			got := table.Read("v.csv", []byte(tt.text), named(), &list)
			if got == nil || list.Failed() {
				t.Fatal(list.All())
			}
			if d := cmp.Diff(tt.want, show(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	many.WriteString("from,to\n")
	for i := range table.MaxRows + 1 {
		fmt.Fprintf(&many, "%d,x\n", i)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "m.yaml:7:20: v.csv is empty [values-file]"},
		{"no rows", "from,to\n", "m.yaml:7:20: v.csv has no rows [values-file]"},
		{"no to", "from,too\n", `v.csv:1:1: the table of values has the columns "from,too", of which none is to`},
		{"only to", "to\nx\n", "v.csv:1:1: the table of values has the column to alone"},
		{"no name", "a,,to\n", "v.csv:1:3: a column of the table of values has no name"},
		{"named twice", "a,to,a\n", `v.csv:1:6: column "a" is named twice`},
		{"many columns", strings.Join(strings.Split("abcdefghijk", ""), ",") + ",to\n", "v.csv:1:21: the table of values translates more than 10 columns together [mapping-limit]"},
		{"wide", strings.Repeat(",", 50_000) + "to\n", "v.csv:1:1: the table of values has more than 1000 columns"},
		{"ragged", "from,to\na,b\nc\n", "v.csv:3:1: the line has not 2 cells, as the first one has"},
		{"an open quote", "from,to\na,\"b\n", "v.csv:2:5: the table of values is no valid CSV"},
		{"two meanings", "from,to\na,b\nb,c\n a ,d\n", `v.csv:4:1: "a" goes to another value on line 2 [values-conflict]`},
		{"Latin-1", "from,to\nM,M\xe9xico\n", "m.yaml:7:20: v.csv is not UTF-8"},
		{"large", strings.Repeat("x", table.MaxBytes+1), "m.yaml:7:20: v.csv has more than the 16777216 bytes allowed"},
		{"many rows", many.String(), "v.csv:250002:1: the table of values has more than 250000 rows"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var list diag.List
			got := table.Read("v.csv", []byte(tt.text), named(), &list)
			if all := list.All(); got != nil || len(all) != 1 || !strings.HasPrefix(all[0].String(), tt.want) {
				t.Errorf("got %v, want %s", all, tt.want)
			}
		})
	}
}

// FuzzRead holds that no file makes Read panic, that every place is in the file, and that keys
// are told apart.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"from,to\na,b\n", "a;b;to\n\"x\ny\";;z\n", "\ufeffto\tfrom\r\nä\tö\r\n", "\n\n,to\n", "from,to\n\"a\"\"\nb\",c",
		"from,to\na,b\r\ra,c\n", "a,a,to\n", ",\n", "from\n", "from,to\n\"ä\"x,b\n", "from,to\nä\"b,c\n", "from,to\n\"a,b\n", "from,to\na\n", "from,to\na,b,c\n", "from,to\n a,b\na,c\n", "a,b,to\nx\x1fy,,1\nx,y,2\n", "\ufeff\ufefffrom,to\n\ufeffa,b\n", "from,to\n\xff,\x00\n", "from\u0085,to\n\u2028,\u0085\n",
		"to,from\n\"\",\"\"\n", "From,TO\na,b\nA,c\n", "from|to\na|b", "from,to\n\n\n\r\n\"\"\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var list diag.List
		got := table.Read("v.csv", text, named(), &list)
		lines := strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n")
		check := func(p diag.Pos) {
			if p != named() && (p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > utf8.RuneCountInString(lines[p.Line-1])+1) {
				t.Fatalf("%v is not in the file", p)
			}
		}
		for _, d := range list.All() {
			check(d.Pos)
		}
		if got == nil {
			if !list.Failed() {
				t.Fatal("refused without a reason")
			}
			return
		}
		seen := map[string]bool{}
		for _, r := range got.Rows {
			check(r.Key.Pos)
			check(r.To.Pos)
			if n := strings.Count(r.Key.Text, table.Sep); seen[r.Key.Text] || n < len(got.Columns)-1 {
				t.Fatalf("key %q of columns %v", r.Key.Text, got.Columns)
			}
			seen[r.Key.Text] = true
		}
	})
}
