package schema

import (
	"strings"
	"testing"
)

// TestParseFactsRefuses holds that a slip in standard.txt is found, with its line.
func TestParseFactsRefuses(t *testing.T) {
	t.Parallel()
	const head = "object A | A | As | 00A | create\n"
	for _, tt := range []struct{ name, text, want string }{
		{"values of nothing", ": a; b", "line 1: values belong to no field"},
		{"values of an object", head + "  : a", "line 2: values belong to no field"},
		{"objects of a text", head + "F | F | string 5\n  > Lead", "line 3: objects belong to no reference"},
		{"a field before an object", "F | F | string 5", "line 1: a field outside an object"},
		{"a field in a list", "list L\n  : a\nF | F | string 5", "line 3: a field outside"},
		{"an object of three parts", "object A | A | As", "line 1: an object has 5 parts"},
		{"an operation", "object A | A | As | 00A | creat", `line 1: unknown operation "creat"`},
		{"a field of two parts", head + "F | string 5", "line 2: a field has 3 or 4 parts"},
		{"a type", head + "F | F | text 5", `line 2: unknown type "text"`},
		{"a size", head + "F | F | string x", "line 2: strconv.Atoi"},
		{"no size", head + "F | F | string", "line 2: strconv.Atoi"},
		{"a precision without a scale", head + "F | F | double 18", "line 2: strconv.Atoi"},
		{"a size of a date", head + "F | F | date 5", "line 2: type date has no size"},
		{"a property", head + "F | F | date | nonull", `line 2: unknown property "nonull"`},
		{"a list", head + "F | F | picklist 5 | values=L", `line 2: unknown list "L"`},
		{"an empty value", head + "F | F | picklist 5\n  : a; ; b", "line 3: an empty picklist value"},
	} {
		_, err := parseFacts(tt.text)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s…", tt.name, err, tt.want)
		}
	}
}
