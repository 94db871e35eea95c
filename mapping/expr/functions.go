package expr

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"

	"sfsync/mapping/convert"
)

// functions are the interpreter's functions that a mapping has: those that make a single
// value of texts and numbers, always the same for the same row. Lists exist only between
// split and join, first, last or an index. What can loop or grow without bound (predicates,
// ranges, let, repeat) is left out, so that no row can hold a run up.
func functions() []string {
	return []string{
		"len", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "trimPrefix", "trimSuffix", "upper", "lower",
		"split", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "max", "min", "first", "last",
	}
}

// ownFunctions are the functions that mappings have besides: number and blank, and two of the
// interpreter's with a bound on what they make.
func ownFunctions() []*builtin.Function {
	return []*builtin.Function{
		{
			Name: "number",
			Func: func(args ...any) (any, error) {
				s, _ := args[0].(string)
				s = strings.TrimSpace(s)
				v, err := strconv.ParseFloat(s, 64)
				if err != nil || !convert.IsNumber(s) { // ParseFloat reads hex, underscores and inf too
					return nil, fmt.Errorf("number(%s): no number", convert.Quote(s))
				}
				return v, nil
			},
			Types: []reflect.Type{reflect.TypeFor[func(string) float64]()},
		},
		{
			Name: "blank",
			Func: func(args ...any) (any, error) {
				s, _ := args[0].(string)
				return convert.Blank(s), nil
			},
			Types: []reflect.Type{reflect.TypeFor[func(string) bool]()},
		},
		{
			Name: "replace",
			Func: func(args ...any) (any, error) {
				s, _ := args[0].(string)
				old, _ := args[1].(string)
				with, _ := args[2].(string)
				if old == "" {
					return nil, errors.New("replace: nothing to look for")
				}
				if len(s)+strings.Count(s, old)*(len(with)-len(old)) > maxText {
					return nil, fmt.Errorf("replace: more than %d bytes of text", maxText)
				}
				return strings.ReplaceAll(s, old, with), nil
			},
			Types: []reflect.Type{reflect.TypeFor[func(string, string, string) string]()},
		},
		{
			Name: "join",
			Func: func(args ...any) (any, error) {
				list, _ := args[0].([]string)
				sep, _ := args[1].(string)
				n := len(sep) * len(list)
				for _, s := range list {
					n += len(s)
				}
				if n > maxText {
					return nil, fmt.Errorf("join: more than %d bytes of text", maxText)
				}
				return strings.Join(list, sep), nil
			},
			Types: []reflect.Type{reflect.TypeFor[func([]string, string) string]()},
		},
	}
}

// Functions returns the names of the functions that expressions have.
func Functions() []string {
	names := functions()
	for _, f := range ownFunctions() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

// newConfig returns the language of expressions: expr's operators, and the functions
// above.
func newConfig() *conf.Config {
	config := conf.CreateNew()
	config.MaxNodes = maxNodes
	kept := make(conf.FunctionsTable)
	for _, name := range functions() {
		kept[name] = config.Builtins[name]
	}
	for name := range config.Builtins {
		if kept[name] == nil {
			config.Disabled[name] = true
		}
	}
	config.Builtins = kept
	for _, f := range ownFunctions() {
		config.Functions[f.Name] = f
		delete(config.Disabled, f.Name)
	}
	return config
}
