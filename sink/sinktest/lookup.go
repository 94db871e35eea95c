package sinktest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

func testLookup(t *testing.T, h *Harness) {
	m, ok := h.Writer.(sink.Matcher)
	if !ok {
		t.Skip("the writer does not match")
	}
	made := write(t, h.Writer, h.request(h.rows("look", 3, "x"), sink.Upsert))
	keys := []string{"look-2", "nobody", "look-0", `o'hara\"x"`, "look-1", "per%cent+plus&and;semi #?={}", "zoë"}
	by := []sink.KeyField{{Name: h.Target.Key, Fold: h.Target.Fold}}
	l := &sink.Lookup{Object: h.Target.Object, By: by, Keys: keys}
	if n := m.LookupKeys(l); n != len(keys) {
		t.Fatalf("%d of %d keys fit one call", n, len(keys))
	}
	if err := m.Lookup(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if len(l.Found) != len(keys) {
		t.Fatalf("%d answers for %d keys", len(l.Found), len(keys))
	}
	for i, k := range keys {
		want := ""
		if num, ok := strings.CutPrefix(k, "look-"); ok && !h.Stateless {
			want = made[num[0]-'0'].ID
		}
		switch found := l.Found[i]; {
		case want == "" && len(found) != 0:
			t.Errorf("key %q finds %v", k, found)
		case want != "" && (len(found) != 1 || found[0].ID != want || found[0].Converted):
			t.Errorf("key %q finds %v, want %s", k, found, want)
		}
	}
	empty := &sink.Lookup{Object: h.Target.Object, By: by}
	if err := m.Lookup(t.Context(), empty); err != nil || len(empty.Found) != 0 {
		t.Errorf("no keys: %v, %v", empty.Found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Lookup(ctx, l); !errors.Is(err, context.Canceled) {
		t.Errorf("looking up after the context has ended: %v", err)
	}
}

// find looks keys up that name their fields by columns of the harness.
func (h *Harness) find(t *testing.T, columns []int, want []string, keys ...string) [][]sink.Match {
	t.Helper()
	m, ok := h.Writer.(sink.Matcher)
	if !ok {
		t.Skip("the writer does not match")
	}
	l := &sink.Lookup{Object: h.Target.Object, Keys: keys, Want: want}
	for _, c := range columns {
		l.By = append(l.By, sink.KeyField{Name: h.Schema.Columns[c].Name, Fold: strings.ToLower})
	}
	if n := m.LookupKeys(l); n < 1 || n > len(keys) {
		t.Fatalf("%d of %d keys fit one call", n, len(keys))
	}
	if err := m.Lookup(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if len(l.Found) != len(keys) {
		t.Fatalf("%d answers for %d keys", len(l.Found), len(keys))
	}
	return l.Found
}

func testCompositeKeys(t *testing.T, h *Harness) {
	b := row.New(h.Schema)
	texts := []string{"red", "Red", `o'hara "x" \`, "a) OR (b", "x"}
	for i, s := range texts {
		h.add(b, "pair-"+string(rune('0'+i)), s)
	}
	b.SetKind(4, h.Text, row.Null)
	made := write(t, h.Writer, h.request(b, sink.Upsert))
	const sep = sink.KeySep
	cases := []struct {
		key  string
		want int // index in made, or -1
	}{
		{"pair-0" + sep + "red", 0},
		{"pair-1" + sep + "red", 1},
		{"pair-0" + sep + "blue", -1},
		{"pair-2" + sep + `o'hara "x" \`, 2},
		{"pair-3" + sep + "a) or (b", 3},
		{"pair-4" + sep + "x", -1},
		{"nobody" + sep + "red", -1},
	}
	keys := make([]string, len(cases))
	for i, c := range cases {
		keys[i] = c.key
	}
	found := h.find(t, []int{h.Target.KeyColumn, h.Text}, nil, keys...)
	for i, c := range cases {
		switch {
		case (c.want < 0 || h.Stateless) && len(found[i]) != 0:
			t.Errorf("%q finds %v", c.key, found[i])
		case c.want >= 0 && !h.Stateless && (len(found[i]) != 1 || found[i][0].ID != made[c.want].ID):
			t.Errorf("%q finds %v, want %s", c.key, found[i], made[c.want].ID)
		}
	}
}

func testWant(t *testing.T, h *Harness) {
	b := h.rows("want", 3, "tëxt\n\"1\"")
	b.SetKind(1, h.Text, row.Null)
	write(t, h.Writer, h.request(b, sink.Upsert))
	want := []string{h.Schema.Columns[h.Text].Name, h.Schema.Columns[h.Target.KeyColumn].Name, "Id"}
	found := h.find(t, []int{h.Target.KeyColumn}, want, "want-1", "want-2", "want-9")
	if h.Stateless {
		return
	}
	if len(found[0]) != 1 || len(found[1]) != 1 || len(found[2]) != 0 {
		t.Fatalf("found %v", found)
	}
	for i, text := range []row.Cell{row.MakeCell(row.Null, ""), row.MakeCell(row.Text, "tëxt\n\"1\"")} {
		m := found[i][0]
		if len(m.Values) != 3 {
			t.Fatalf("%d values for %d fields", len(m.Values), len(want))
		}
		if m.Values[0] != text || m.Values[2] != row.MakeCell(row.Text, m.ID) {
			t.Errorf("values %v, want %v and %s", m.Values, text, m.ID)
		}
		if key := "want-" + string(rune('1'+i)); m.Values[1] != row.MakeCell(row.Text, key) {
			t.Errorf("the key is %v, want %s", m.Values[1], key)
		}
	}
}
