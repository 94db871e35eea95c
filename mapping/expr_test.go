package mapping

import (
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// exprPlanner returns a planner to compile single expressions with.
func exprPlanner() *planner {
	return &planner{schema: schema.New("test"), plan: &Plan{column: map[string]int{}, bindings: map[*row.Schema]*binding{}}}
}

// at puts a mapper on the first row of a batch with the columns.
func at(p *Plan, columns []string, cells []cell) *Mapper {
	var pool row.Pool
	m := p.NewMapper(&pool)
	m.source = batch(&pool, columns, cells)
	m.bound = p.bind(m.source.Schema())
	return m
}

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
		{`a matches none`, "true"},
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
		{`nulled`, ""},
		{`number(a)`, `!number("Hello"): no number`},
		{`number("0x10")`, `!number("0x10"): no number`},
		{`number("inf")`, `!number("inf"): no number`},
		{`number(none)`, `!number(""): no number`},
		{`int(a)`, "!invalid operation: int(Hello)"},
		{`split("x", ",")[3]`, "!index out of range"},
		{`1 / 0`, "!the result is no number"},
		{`1 % 0`, "!"},
		{`replace(a, none, "x")`, "!replace: nothing to look for"},
		{`replace(long, "x", long)`, "!replace: more than 1048576 bytes"},
		{`join(split(long, "x"), long)`, "!join: more than 1048576 bytes"},
		{`a matches "(" + a`, "!error parsing regexp"},
	}
	columns := []string{"a", "a.b.c", "odd name", "n", "long", "flag", "nulled"}
	cells := []cell{text("Hello"), text("deep"), text("odd"), number("12.25"), text(strings.Repeat("x", 3000)), row.MakeCell(row.Bool, "true"), row.MakeCell(row.Null, "NULL")}
	f := &schema.Field{Name: "X", Type: schema.String}
	for _, tt := range tests {
		c := exprPlanner()
		e := c.expression(Str{Value: tt.expr}, f)
		if e == nil {
			if tt.want != "!" {
				t.Errorf("%s: %v", tt.expr, c.list.All())
			}
			continue
		}
		got, kind, p := e.eval(at(c.plan, columns, cells))
		if p != nil {
			if kind != row.Absent || p.Code != CodeExpression {
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
		c := exprPlanner()
		cond := c.condition(Str{Value: src})
		if cond == nil {
			t.Fatalf("%s: %v", src, c.list.All())
		}
		if cond.test == nil {
			t.Fatalf("%s is interpreted", src)
		}
		cellGen := rapid.Custom(func(t *rapid.T) cell {
			return row.MakeCell(rapid.SampledFrom([]row.Kind{row.Absent, row.Null, row.Text, row.Text, row.Text}).Draw(t, "kind"), rapid.SampledFrom([]string{"", " ", "x", "xy", "Ä", "yx"}).Draw(t, "cell"))
		})
		m := at(c.plan, []string{"a", "b", "c.d", "e f"}, rapid.SliceOfN(cellGen, 4, 4).Draw(t, "row"))
		want, p := (&condition{program: cond.program}).eval(m)
		if p != nil {
			t.Fatalf("%s: %v", src, p)
		}
		if got := cond.test(m); got != want {
			t.Fatalf("%s: the closure says %v, the interpreter %v", src, got, want)
		}
	})
}

// What is not simple is interpreted.
func TestClosuresOnlyForSimple(t *testing.T) {
	t.Parallel()
	for _, src := range []string{`len(a) > 3`, `lower(a) == "x"`, `a < "b"`, `a matches "x"`, `blank(a + b)`, `a in [b]`, `a == "x" ? true : false`} {
		c := exprPlanner()
		cond := c.condition(Str{Value: src})
		if cond == nil || cond.test != nil {
			t.Errorf("%s: %+v, %v", src, cond, c.list.All())
		}
	}
}

func TestExprFunctions(t *testing.T) {
	t.Parallel()
	for _, name := range ExprFunctions() {
		config := newExprConfig()
		if config.Functions[name] == nil && config.Builtins[name] == nil {
			t.Errorf("%s is listed and not there", name)
		}
	}
}

// Any text compiles to diagnostics inside itself, or to a program that runs.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{`a == "x" && !blank(b)`, `int(a) * 3 + (b == "DE" ? 1 : 0)`, `$env["x"].y`, `split(a, ",")[0]`, `filter(a, # > 1)`, "let x = 1; x", `a..b`, `((((`, `a?.b ?? c`, `"\u00e4`, `a matches b`, `{"a": 1}`, "0x", `b"x"`, "#", `if a == "" { 1 } else { 2 }`} {
		f.Add(s, "5")
	}
	field := &schema.Field{Name: "X", Type: schema.String}
	f.Fuzz(func(t *testing.T, src, value string) {
		c := exprPlanner()
		s := Str{Value: src}
		e := c.expression(s, field)
		if e == nil {
			if !c.list.Failed() {
				t.Fatal("no program and no error")
			}
			return
		}
		m := at(c.plan, []string{"a", "b"}, []cell{text(value), text("b")})
		got, kind, p := e.eval(m)
		if p == nil && kind != row.Text && kind != row.Number && kind != row.Bool && got != "" {
			t.Fatalf("%q of kind %v", got, kind)
		}
		if cond := exprPlanner().condition(s); cond != nil && cond.test != nil {
			cond.test(m)
		}
	})
}

func BenchmarkCondition(b *testing.B) {
	c := exprPlanner()
	cond := c.condition(Str{Value: `status != "internal" && country in ["DE", "FR"] && not blank(email)`})
	m := at(c.plan, []string{"status", "country", "email"}, []cell{text("new"), text("FR"), text("ada@example.com")})
	b.Run("closure", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if ok, p := cond.eval(m); !ok || p != nil {
				b.Fatal(ok, p)
			}
		}
	})
	b.Run("interpreted", func(b *testing.B) {
		b.ReportAllocs()
		slow := &condition{program: cond.program}
		for b.Loop() {
			if ok, p := slow.eval(m); !ok || p != nil {
				b.Fatal(ok, p)
			}
		}
	})
}
