package propose

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sfsync/mapping/convert"
	"sfsync/mapping/schema"
	"sfsync/mapping/transform"
	"sfsync/pipeline/row"
)

// step is one transform of a chain that is tried.
type step struct {
	name string
	args []string
}

// String writes the step as a mapping does.
func (s step) String() string {
	if len(s.args) == 0 {
		return s.name
	}
	args := make([]string, len(s.args))
	for i, a := range s.args {
		args[i] = a
		if strings.ContainsAny(a, `,()|"' `) {
			args[i] = strconv.Quote(a)
		}
	}
	return s.name + "(" + strings.Join(args, ", ") + ")"
}

// chains are the transforms that are tried for a field, the simplest first.
func chains(f *schema.Field) [][]step {
	one := func(name string, args ...[]string) [][]step {
		out := [][]step{nil}
		for _, a := range args {
			out = append(out, []step{{name, a}})
		}
		return out
	}
	switch f.Type {
	case schema.Email:
		return [][]step{{{name: "trim"}, {name: "lower"}}}
	case schema.Date:
		return one("date", []string{"dd.MM.yyyy"}, []string{"d.M.yyyy"}, []string{"MM/dd/yyyy"}, []string{"M/d/yyyy"}, []string{"dd/MM/yyyy"}, []string{"d/M/yyyy"},
			[]string{"yyyy/MM/dd"}, []string{"yyyyMMdd"}, []string{"dd-MM-yyyy"}, []string{"d MMM yyyy"}, []string{"MMM d, yyyy"}, []string{"d MMMM yyyy"},
			[]string{"yyyy-MM-dd HH:mm:ss"}, []string{"dd.MM.yyyy HH:mm"}, []string{"M/d/yyyy H:mm"})
	case schema.DateTime:
		return one("datetime", []string{"yyyy-MM-dd HH:mm:ss"}, []string{"yyyy-MM-dd HH:mm"}, []string{"dd.MM.yyyy HH:mm:ss"}, []string{"dd.MM.yyyy HH:mm"},
			[]string{"d.M.yyyy H:mm"}, []string{"M/d/yyyy H:mm:ss"}, []string{"M/d/yyyy H:mm"}, []string{"M/d/yyyy h:mm a"}, []string{"d/M/yyyy H:mm"}, []string{"unix"}, []string{"unix_ms"}, []string{"dd.MM.yyyy"})
	case schema.Int, schema.Long, schema.Double, schema.Currency, schema.Percent:
		return one("number", []string{"en"}, []string{"de"}, []string{"fr"}, []string{"de-CH"})
	case schema.Boolean:
		return one("bool", []string{"yes", "y", "true", "x", "on", "1"}, []string{"ja", "j", "wahr", "x", "1"}, []string{"oui", "o", "vrai"}, []string{"si", "sí", "s"})
	case schema.String, schema.TextArea, schema.Phone, schema.URL:
		if f.Length > 0 && !f.Key() { // two keys that are cut could become one
			return one("truncate", []string{strconv.Itoa(f.Length)})
		}
	}
	return one("")
}

// chosen is a chain and how it did on the values.
type chosen struct {
	steps  []step
	failed int    // values that the field would not take
	why    string // of the first of them, without the value
	doubt  string // what a person should look at although all values pass
}

// choose tries the chains of a field on a column's values and returns the first that leaves
// nothing behind, else the one that leaves the least.
func choose(f *schema.Field, s *schema.Schema, c *column) (chosen, error) {
	return chooseWith(f, s, c, chains(f))
}

// chooseWith is choose with chains of its own.
func chooseWith(f *schema.Field, s *schema.Schema, c *column, all [][]step) (chosen, error) {
	conv, err := convert.New(f, s)
	if err != nil {
		return chosen{}, fmt.Errorf("propose a rule for %s: %w", f.Name, err)
	}
	var best *chosen
	var passing [][]step
	for _, chain := range all {
		funcs := make([]transform.Func, len(chain))
		for i, st := range chain {
			if funcs[i], err = transform.Compile(st.name, st.args); err != nil {
				return chosen{}, fmt.Errorf("propose a rule for %s: %w", f.Name, err)
			}
		}
		got := try(conv, funcs, c.values)
		got.steps = chain
		if f.Type == schema.Boolean && got.failed == 0 && len(chain) > 0 && !saysBoth(funcs[0], c.values) {
			got.failed = len(c.values) // bool takes every word: all of them false proves nothing
		}
		if got.failed == 0 {
			passing = append(passing, chain)
		}
		if best == nil || got.failed < best.failed {
			best = &got
		}
	}
	if best.failed == 0 {
		best.doubt = doubt(best.steps, passing, c.values)
	}
	return *best, nil
}

// try runs values through a chain and a field's converter.
func try(conv *convert.Converter, funcs []transform.Func, values []string) chosen {
	var got chosen
	var buf transform.Buffer
	var out []byte
	for _, v := range values {
		buf.Reset()
		var bad *convert.Problem
		text := v
		for _, fn := range funcs {
			if convert.Blank(text) || bad != nil {
				break
			}
			text, bad = fn(&buf, text)
		}
		if bad == nil {
			out, _, bad = conv.Append(out[:0], text, row.Text)
		}
		if bad != nil {
			if got.failed == 0 {
				got.why = bad.Code
			}
			got.failed++
		}
	}
	return got
}

// doubt says what a person should look at although a chain takes all values; passing are all
// chains that do.
func doubt(steps []step, passing [][]step, values []string) string {
	var last step
	if len(steps) > 0 {
		last = steps[len(steps)-1]
	}
	switch {
	case last.name == "truncate":
		return "some values are longer than the field"
	case len(passing) > 1 && dayMonth(last):
		return "day and month could be the other way round"
	case last.name == "datetime" && !strings.HasPrefix(last.args[0], "unix"):
		return "taken as UTC; for another zone add it, such as Europe/Berlin"
	}
	for _, other := range passing { // 1.234 is one thing in English and another in German
		if len(other) == 1 && other[0].name == "number" && other[0].args[0] == "de" && last.String() != other[0].String() &&
			slices.ContainsFunc(values, func(v string) bool { return strings.ContainsAny(v, ".,") }) {
			return "point and comma could mean the opposite: number(de)"
		}
	}
	return ""
}

// saysBoth reports whether the values give true as well as false.
func saysBoth(fn transform.Func, values []string) bool {
	var yes, no bool
	var buf transform.Buffer
	for _, v := range values {
		text, _ := fn(&buf, v)
		yes, no = yes || text == "true", no || text != "true"
	}
	return yes && no
}

// dayMonth reports whether a layout has day and month in figures beside each other, in an
// order that differs from country to country.
func dayMonth(s step) bool {
	return (s.name == "date" || s.name == "datetime") && strings.Contains(s.args[0], "/") && !strings.HasPrefix(s.args[0], "yyyy")
}

// length is a field's length as the argument of truncate.
func length(f *schema.Field) string { return strconv.Itoa(max(1, f.Length)) }
