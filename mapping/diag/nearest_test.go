package diag

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	fields := []string{"Email", "LastName", "FirstName", "MobilePhone", "Phone", "Ext__c"}
	for name, want := range map[string]string{
		"email": "Email", "e-mail": "Email", "last_name": "LastName", "LsatName": "LastName", "Mobile": "", "Fhone": "Phone", "Pohne": "Phone", "ext": "Ext__c", "zzz": "", "": "",
		strings.Repeat("x", 500): "",
	} {
		if got := Nearest(name, fields); got != want {
			t.Errorf("Nearest(%.20q) = %q, want %q", name, got, want)
		}
		hint := DidYouMean(name, fields)
		if (want == "") != (hint == "") || !strings.Contains(hint, want) {
			t.Errorf("DidYouMean(%.20q) = %q", name, hint)
		}
	}
}

// whole is the distance by its definition.
func whole(x, y []rune) int {
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		for j := range d[i] {
			switch {
			case i == 0:
				d[i][j] = j
			case j == 0:
				d[i][j] = i
			default:
				cost := 1
				if x[i-1] == y[j-1] {
					cost = 0
				}
				d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
				if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
					d[i][j] = min(d[i][j], d[i-2][j-2]+1)
				}
			}
		}
	}
	return d[len(x)][len(y)]
}

// TestDistance holds the distance against its definition, and the bound against the distance.
func TestDistance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abcdé_")), 0, 20, -1)
		var a, b letters
		a.fold(word.Draw(t, "a"))
		b.fold(word.Draw(t, "b"))
		limit := rapid.IntRange(1, 25).Draw(t, "limit")
		want := whole(a.runes(), b.runes())
		if got := distance(a.runes(), b.runes(), limit); got != min(want, limit) {
			t.Fatalf("%q %q: %d, want %d", string(a.runes()), string(b.runes()), got, min(want, limit))
		}
		if least := a.atLeast(&b); least > want {
			t.Fatalf("%q %q: at least %d, but %d", string(a.runes()), string(b.runes()), least, want)
		}
	})
}

// manyNames are those of an object with as many custom fields as an org allows, and of a mapping
// in which all are a little wrong.
func manyNames() (fields []string, wrong func(i int) string) {
	for i := range 800 {
		fields = append(fields, fmt.Sprintf("A_Field_With_A_Long_Name_%04d__c", i))
	}
	return fields, func(i int) string { return fmt.Sprintf("B_Feld_With_A_Long_Name_%04d__c", i) }
}

func BenchmarkNearest(b *testing.B) {
	fields, wrong := manyNames()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Nearest(wrong(i%5000), fields)
	}
}
