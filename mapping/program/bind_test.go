package program

import (
	"testing"

	"sfsync/mapping/diag"
	"sfsync/pipeline/row"
)

// A plan remembers only so many schemas, and each of them once.
func TestBindingsAreBounded(t *testing.T) {
	t.Parallel()
	p := New(0)
	p.Add("b", diag.Pos{}, 0)
	for range 3 * maxBindings {
		s := row.NewSchema(row.Column{Name: "a"}, row.Column{Name: "b"})
		b := p.bind(s)
		if b.columns[0] != 1 || p.bind(s) != b {
			t.Fatalf("bound to column %d, or twice", b.columns[0])
		}
	}
	if n := len(p.bindings); n > maxBindings {
		t.Errorf("%d bindings are kept", n)
	}
}
