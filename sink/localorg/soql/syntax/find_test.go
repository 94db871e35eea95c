package syntax

import (
	"errors"
	"strings"
	"testing"
)

// show writes a term so that it can be compared.
func show(t Term) string {
	list := func(op string, terms []Term) string {
		parts := make([]string, len(terms))
		for i, t := range terms {
			parts[i] = show(t)
		}
		return "(" + strings.Join(parts, op) + ")"
	}
	switch t := t.(type) {
	case *AllOf:
		return list(" & ", t.Terms)
	case *AnyOf:
		return list(" | ", t.Terms)
	case *Without:
		return "!" + show(t.Term)
	case *Words:
		return strings.Join(t.Patterns, "+")
	}
	return "?"
}

// TestTerms reads search terms (SOSL reference, FIND {SearchQuery}).
func TestTerms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Acme":                   "acme",
		"joe smith":              "(joe & smith)",
		`"joe smith"`:            "joe+smith",
		"joe OR smith":           "(joe | smith)",
		"joe AND smith OR bob":   "((joe & smith) | bob)",
		"joe AND (smith or bob)": "(joe & (smith | bob))",
		"joe AND NOT smith":      "(joe & !smith)",
		"joe NOT smith":          "(joe & !smith)",
		"ac*e jo?n":              "(ac*e & jo?n)",
		"ann@x-y.org":            "ann+x+y+org",
		`what\?`:                 "what",
		`\(555\) 123`:            "(555 & 123)",
		"Zoë 北京":                 "(zoë & 北京)",
		`"unclosed phrase`:       "unclosed+phrase",
		"not a":                  "(not & a)",
		"  spaced   out  ":       "(spaced & out)",
		strings.Repeat("(", 5) + "deep" + strings.Repeat(")", 5): "deep",
	} {
		got, err := ParseTerms(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if s := show(got); s != want {
			t.Errorf("%q = %s, want %s", text, s, want)
		}
	}
	for text, code := range map[string]string{
		"": CodeMalformedSearch, "a": CodeSearch, "*": CodeSearch, "a*": CodeSearch, "AND joe": CodeMalformedSearch, "joe OR": CodeMalformedSearch,
		"(joe": CodeMalformedSearch, "joe)": CodeMalformedSearch, "joe AND NOT": CodeMalformedSearch, "()": CodeMalformedSearch,
		strings.Repeat("word ", 101): CodeMalformedSearch, strings.Repeat("(", 200) + "ab": CodeMalformedSearch,
	} {
		_, err := ParseTerms(text)
		var e *Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%.40q: got %v, want %s", text, err, code)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, terms string
		want        bool
	}{
		{"Acme Corp", "acme", true},
		{"Acme Corp", "ac*", true},
		{"Acme Corp", "acm", false},
		{"Acme Corp", "a?me", true},
		{"Acme Corp", "?cme", true},
		{"Acme Corp", "*corp", true},
		{"Acme Corp", `"acme corp"`, true},
		{"Acme and Corp", `"acme corp"`, false},
		{"ann@x-y.org", "ann@x-y.org", true},
		{"Ann X Y Org", "ann@x-y.org", true},
		{"+49 (30) 1234-5", "1234", true},
		{"ZOË", "zoë", true},
		{"Zoe", "zoë", false},
		{"", "acme", false},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*a*a*a*c", false},
	}
	for _, tt := range tests {
		terms, err := ParseTerms(tt.terms)
		if err != nil {
			t.Fatal(err)
		}
		if got := Match(tt.text, terms.(*Words).Patterns); got != tt.want {
			t.Errorf("%q in %q: %t", tt.terms, tt.text, got)
		}
	}
}

func TestParseFind(t *testing.T) {
	t.Parallel()
	f, err := ParseFind("find {a\\}b OR \"x y\"} in name fields RETURNING Lead(Id, Name WHERE Name != 'x' ORDER BY Name LIMIT 5), Contact LIMIT 10 UPDATE TRACKING")
	if err != nil {
		t.Fatal(err)
	}
	if show(f.Terms) != "(a+b | x+y)" || f.Group != NameFields || f.Limit != 10 || len(f.Returning) != 2 {
		t.Errorf("got %s %s %d, %d objects", show(f.Terms), f.Group, f.Limit, len(f.Returning))
	}
	lead := f.Returning[0]
	if lead.From.String() != "Lead" || len(lead.Items) != 2 || lead.Where == nil || len(lead.OrderBy) != 1 || lead.Limit != 5 || len(f.Returning[1].Items) != 0 {
		t.Errorf("got %+v", lead)
	}
	for text, message := range map[string]string{
		"":                                   "No search term found. The search term must be enclosed in braces.",
		"FIND acme":                          "No search term found.",
		"FIND {acme":                         "No search term found.",
		"SEARCH {acme}":                      "No search term found.",
		"FIND {acme} IN SOME FIELDS":         "ERROR at Row:1:Column:16\nunexpected token: 'SOME'",
		"FIND {acme} RETURNING":              "unexpected token: '<EOF>'",
		"FIND {acme} RETURNING Lead()":       "unexpected token: ')'",
		"FIND {acme} RETURNING Lead(Id":      "unexpected token: '<EOF>'",
		"FIND {acme} RETURNING Lead(Id) foo": "unexpected token: 'foo'",
		"FIND {acme} WITH SNIPPET":           "WITH SNIPPET is not supported",
		"FIND {acme} RETURNING Lead(Id USING ListView = Recent)": "USING ListView is not supported",
		"FIND {acme} LIMIT x": "unexpected token: 'x'",
		"FIND {acme} \xff":    "not valid UTF-8",
	} {
		if _, err := ParseFind(text); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: got %v, want %s", text, err, message)
		}
	}
}

// FuzzFind checks that any text is either refused with an *Error or is a search with terms, and that its
// terms can be looked for.
func FuzzFind(f *testing.F) {
	for _, s := range []string{
		"FIND {joe AND (smith OR \"x y\") AND NOT bob*} IN EMAIL FIELDS RETURNING Lead(Id WHERE Name = 'x' LIMIT 3), Contact LIMIT 5",
		"FIND {a\\}b}", "FIND {", "find{*?}returning x", "FIND {((((} IN ALL FIELDS",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		find, err := ParseFind(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code == "" || e.Message == "" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		var walk func(t Term)
		walk = func(term Term) {
			switch term := term.(type) {
			case *AllOf:
				for _, x := range term.Terms {
					walk(x)
				}
			case *AnyOf:
				for _, x := range term.Terms {
					walk(x)
				}
			case *Without:
				walk(term.Term)
			case *Words:
				Match(text, term.Patterns)
			default:
				t.Fatalf("%q: term %v", text, term)
			}
		}
		walk(find.Terms)
	})
}
