package expr

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sfsync/mapping/convert"
	"sfsync/pipeline/row"
)

// cells are the columns of a row by name.
type cells map[string]row.Cell

// view gives a program the cells by the numbers that it was compiled with.
type view struct {
	names []string
	cells cells
}

func (v *view) Text(column int) string {
	c := v.cells[v.names[column]]
	if c.Kind() <= row.Null {
		return ""
	}
	return c.Text
}

// compile compiles an expression on a row.
func compile(src string, c cells) (*Program, *view, error) {
	v := &view{cells: c}
	p, err := Compile(src, func(name string, offset int) int {
		if offset < 0 || offset > len(src) {
			panic("a place outside the expression")
		}
		v.names = append(v.names, name)
		return len(v.names) - 1
	})
	return p, v, err
}

func text(s string) row.Cell { return row.MakeCell(row.Text, s) }

func TestExpression(t *testing.T) {
	t.Parallel()
	tests := []struct{ expr, want string }{ // a result, or ! and the beginning of the message
		{`a`, "Hello"},
		{`a.b.c`, "deep"},
		{`a["b"]["c"]`, "deep"},
		{`$env["odd name"]`, "odd"},
		{`upper(a) + "!"`, "HELLO!"},
		{`a + ", " + none`, "Hello, "},
		{`null`, ""},
		{`nothing ?? "x"`, ""},
		{`12 + 0.5`, "12.5"},
		{`number(n) * 2`, "24.5"},
		{`number(" 1e3 ")`, "1000"},
		{`int("7") + 1`, "8"},
		{`float("7.25")`, "7.25"},
		{`number(n) / 3`, "4.083333333333333"},
		{`1e20 * 10`, "1000000000000000000000"},
		{`round(number(n))`, "12"},
		{`a == "Hello"`, "true"},
		{`a contains "ell" and not blank(n)`, "true"},
		{`blank(none) ? "none" : "some"`, "none"},
		{`blank("  ")`, "true"},
		{`a matches "^H.*o$"`, "true"},
		{`a matches none`, "!"},
		{`a matches "(x{999}){9}"`, "!"},
		{`a matches "("`, "!"},
		{`huge + "x"`, `!column "huge" has 1048577 bytes`},
		{strings.Repeat("1 + ", 64) + "1", "65"},
		{strings.Repeat("1 + ", 65) + "1", "!"},
		{`len("äöü")`, "3"},
		{`split("x,y,z", ",")[1]`, "y"},
		{`last(split("x,y,z", ","))`, "z"},
		{`first(split(none, ","))`, ""},
		{`join(split("x y z", " "), "-")`, "x-y-z"},
		{`join([a, n], "/")`, "!"},
		{`replace(a, "l", "L")`, "HeLLo"},
		{`a[0:4]`, "Hell"},
		{`a in ["Hello", "Bye"]`, "true"},
		{`max(1, 2.5)`, "2.5"},
		{`trim("  x ")`, "x"},
		{`a | lower()`, "hello"},
		{`flag`, "true"},
		{`blank(blank) ? "none" : blank + upper(number)`, "columnX"},
		{`not blank($env["blank"]) and len == "5" and len(len) == 1`, "true"},
		{`now + filter`, "nowfilter"},
		{`nulled`, ""},
		{`number(a)`, `!number("Hello"): no number`},
		{`number("0x10")`, `!number("0x10"): no number`},
		{`number("inf")`, `!number("inf"): no number`},
		{`number(none)`, `!number(""): no number`},
		{`int(a)`, `!int("Hello"): no whole number`},
		{`split("x", ",")[3]`, "!index out of range"},
		{`1 / 0`, "!the result is no number"},
		{`1 % 0`, "!"},
		{`replace(a, none, "x")`, "!replace: nothing to look for"},
		{`replace(long, "x", long)`, "!replace: more than 1048576 bytes"},
		{`join(split(long, "x"), long)`, "!join: more than 1048576 bytes"},
		{`a matches "(" + a`, "!"},
	}
	c := cells{
		"a": text("Hello"), "a.b.c": text("deep"), "odd name": text("odd"), "n": row.MakeCell(row.Number, "12.25"), "long": text(strings.Repeat("x", 3000)), "huge": text(strings.Repeat("x", maxText+1)),
		"flag": row.MakeCell(row.Bool, "true"), "blank": text("column"), "number": text("x"), "len": text("5"), "now": text("now"), "filter": text("filter"), "nulled": row.MakeCell(row.Null, "NULL"),
	}
	for _, tt := range tests {
		e, v, err := compile(tt.expr, c)
		if err != nil {
			if tt.want != "!" {
				t.Errorf("%s: %v", tt.expr, err)
			}
			continue
		}
		var m Machine
		got, kind, p := e.Value(&m, v)
		if p != nil {
			if kind != row.Absent || p.Code != convert.CodeExpression {
				t.Errorf("%s: kind %v, %+v", tt.expr, kind, p)
			}
			got = "!" + p.Message
		}
		if got != tt.want && (!strings.HasPrefix(tt.want, "!") || !strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s = %q, want %q", tt.expr, got, tt.want)
		}
	}
}

// condGen draws conditions of the kind that become closures, as text.
func condGen(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		word := rapid.Custom(func(t *rapid.T) string {
			return strconv.Quote(rapid.SampledFrom([]string{"", " ", "x", "xy", "Ä"}).Draw(t, "word"))
		})
		operand := rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "c.d", `$env["e f"]`, "missing"}), word)
		kinds := 5
		if depth > 0 {
			kinds = 9
		}
		switch rapid.IntRange(0, kinds).Draw(t, "kind") {
		case 0:
			return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")
		case 1:
			return "blank(" + operand.Draw(t, "x") + ")"
		case 2, 3:
			op := rapid.SampledFrom([]string{"==", "!=", "contains", "startsWith", "endsWith", "not contains"}).Draw(t, "op")
			return operand.Draw(t, "x") + " " + op + " " + operand.Draw(t, "y")
		case 4, 5:
			list := rapid.SliceOfN(word, 1, 3).Draw(t, "list")
			return operand.Draw(t, "x") + rapid.SampledFrom([]string{" in ", " not in "}).Draw(t, "in") + "[" + strings.Join(list, ", ") + "]"
		case 6:
			return rapid.SampledFrom([]string{"not ", "!"}).Draw(t, "not") + "(" + condGen(depth-1).Draw(t, "inner") + ")"
		}
		op := rapid.SampledFrom([]string{" && ", " and ", " || ", " or "}).Draw(t, "op")
		return "(" + condGen(depth-1).Draw(t, "left") + op + condGen(depth-1).Draw(t, "right") + ")"
	})
}

// A closure says what the interpreter says.
func TestClosuresAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		src := condGen(3).Draw(t, "condition")
		cellGen := rapid.Custom(func(t *rapid.T) row.Cell {
			return row.MakeCell(rapid.SampledFrom([]row.Kind{row.Absent, row.Null, row.Text, row.Text, row.Text}).Draw(t, "kind"), rapid.SampledFrom([]string{"", " ", "x", "xy", "Ä", "yx"}).Draw(t, "cell"))
		})
		drawn := rapid.SliceOfN(cellGen, 4, 4).Draw(t, "row")
		cond, v, err := compile(src, cells{"a": drawn[0], "b": drawn[1], "c.d": drawn[2], "e f": drawn[3]})
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if !cond.Simple() {
			t.Fatalf("%s is interpreted", src)
		}
		slow := *cond
		slow.test = nil
		var m Machine
		want, p := slow.Test(&m, v)
		if p != nil {
			t.Fatalf("%s: %v", src, p)
		}
		if got, _ := cond.Test(&m, v); got != want {
			t.Fatalf("%s: the closure says %v, the interpreter %v", src, got, want)
		}
	})
}

// What is not simple is interpreted.
func TestClosuresOnlyForSimple(t *testing.T) {
	t.Parallel()
	for _, src := range []string{`len(a) > 3`, `lower(a) == "x"`, `a < "b"`, `a matches "x"`, `blank(a + b)`, `a in [b]`, `a == "x" ? true : false`} {
		if cond, _, err := compile(src, nil); err != nil || cond.Simple() {
			t.Errorf("%s: %+v, %v", src, cond, err)
		}
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	for _, name := range Functions() {
		config := newConfig()
		if config.Functions[name] == nil && config.Builtins[name] == nil {
			t.Errorf("%s is listed and not there", name)
		}
	}
}

// Any text compiles to diagnostics inside itself, or to a program that runs.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		`a == "x" && !blank(b)`, `int(a) * 3 + (b == "DE" ? 1 : 0)`, `$env["x"].y`, `split(a, ",")[0]`, `filter(a, # > 1)`, "let x = 1; x", `a..b`, `((((`, `a?.b ?? c`, `"\u00e4`, `a matches b`, `{"a": 1}`, "0x", `b"x"`, "#", `if a == "" { 1 } else { 2 }`,
		`a in ["x", 'y', ` + "`z`" + `] or not (b not in [a, b]) and a != b`, `a startsWith "\u{e4}" || b endsWith '\x41' || a contains b`, `a matches "(?i)^[a-z]{1,3}$" ? a : b ?? "c"`, `!(blank(a)) && !blank(b + a)`,
		`number(a) ** 2 % 3 / 0`, `1_000 + 0x1F + 0b11 + 0o7 + 1e400 - .5`, `9223372036854775807 + 1`, `-(-9223372036854775808)`, `1 % 0`, `int(a) % int(b)`, `a[0:1] + a[-1:] + b[9:]`, `[a, b][5]`, `first([])`, `max([])`, `min(1, number(a))`,
		`a | trim() | upper()`, `join(split(a, ""), b)`, `replace(a, "", b)`, `round(number(a)) == 1.0`, `string(1.5e3)`, `float("NaN")`, `int("9e99")`, `abs(int(a))`, `a.b.c?.d["e"]`, `$env.len == len(len)`, `$env[a]`, `$env`, `$env?.["a"]`,
		`a /* b */ == // c
"x"`, `true`, `nil`, `nil == a`, `"a" < b`, `a == 1`, `a ? b : 1`, `not`, "\xff", "\u212a == \u017f", `"\xff"`, `'\ud800'`, `a == "x" == true`, strings.Repeat("!", 2000) + "true", strings.Repeat("(", 500) + "a" + strings.Repeat(")", 500), `a..b..c`, `# ; a`, `a; b`, `{a}`, `1..3`, `get(a, 0)`, `let`, `#.a`, `a?.b?.c`, `a ?? nil`, `[1, a][b]`, `"x" in a`, `a in {"x": 1}`,
	} {
		f.Add(s, "5")
	}
	f.Fuzz(func(t *testing.T, src, value string) {
		e, v, err := compile(src, cells{"a": text(value), "b": text("b")})
		if err != nil {
			var bad *Error
			if !errors.As(err, &bad) || bad.Code == "" || bad.Offset < -1 || bad.Offset > len(src) {
				t.Fatalf("%#v", err)
			}
			return
		}
		var m Machine
		got, kind, p := e.Value(&m, v)
		if p == nil && kind != row.Text && kind != row.Number && kind != row.Bool && got != "" {
			t.Fatalf("%q of kind %v", got, kind)
		}
		if e.Simple() {
			ok, q := e.Test(&m, v)
			if q != nil {
				t.Fatal(q)
			}
			if p == nil && got != strconv.FormatBool(ok) {
				t.Fatalf("%v by the closure, %s by the interpreter", ok, got)
			}
		}
	})
}

func BenchmarkCondition(b *testing.B) {
	cond, v, err := compile(`status != "internal" && country in ["DE", "FR"] && not blank(email)`, cells{"status": text("new"), "country": text("FR"), "email": text("ada@example.com")})
	if err != nil {
		b.Fatal(err)
	}
	var m Machine
	b.Run("closure", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if ok, p := cond.Test(&m, v); !ok || p != nil {
				b.Fatal(ok, p)
			}
		}
	})
	b.Run("interpreted", func(b *testing.B) {
		b.ReportAllocs()
		slow := *cond
		slow.test = nil
		for b.Loop() {
			if ok, p := slow.Test(&m, v); !ok || p != nil {
				b.Fatal(ok, p)
			}
		}
	})
}

// What a row can make an expression do ends soon, and takes little memory: the worst of each kind, on
// texts as long as a field can hold.
func TestExpressionsEnd(t *testing.T) {
	t.Parallel()
	const long = 131_072
	c := cells{"a": text(strings.Repeat("a", long)), "b": text(strings.Repeat("aab", long/3))}
	for _, src := range []string{
		strings.Repeat("a + ", maxSums-1) + "a",
		`a matches "(a?){30}(a*)*b$"`,
		`a matches "(a|aa)+$"`,
		`b contains "aaa"`,
		`len(split(a, "")) + len(split(b, "a"))`,
		`replace(replace(b, "b", ""), "a", "aa")`,
		`join(split(a, ""), "")`,
		`upper(lower(upper(lower(a))))`,
		`indexOf(b, "aaaa") + lastIndexOf(b, "aaaa")`,
		strings.Repeat("(", 200) + "a" + strings.Repeat(")", 200),
	} {
		p, v, err := compile(src, c)
		if err != nil {
			t.Errorf("%.40s: %v", src, err)
			continue
		}
		var m Machine
		begun := time.Now()
		got, _, bad := p.Value(&m, v)
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("%.40s: it took %v", src, took)
		}
		if len(got) > maxText*maxSums {
			t.Errorf("%.40s: %d bytes, %v", src, len(got), bad)
		}
	}
}
