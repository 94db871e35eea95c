package mirror

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A table finds under every hash the records that were added under it, whatever their sizes and however
// little memory it may sort in.
func TestTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		b, err := newBuilder(dir, rapid.IntRange(1, 50).Draw(rt, "memory")*entrySize)
		if err != nil {
			rt.Fatal(err)
		}
		want := map[uint64][]string{}
		hash := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 3), rapid.SampledFrom([]uint64{1 << 63, 1<<64 - 1}))
		for range rapid.IntRange(0, 1200).Draw(rt, "records") {
			h := hash.Draw(rt, "hash")
			values := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "bc", strings.Repeat("x", 127), strings.Repeat("y", 700)}), 1, 4).Draw(rt, "values")
			cells := make([][]byte, len(values))
			for i, v := range values {
				cells[i] = []byte(v)
			}
			if err := b.add(h, cells); err != nil {
				rt.Fatal(err)
			}
			want[h] = append(want[h], strings.Join(values, "|"))
		}
		tab, err := b.table()
		if err != nil {
			rt.Fatal(err)
		}
		defer func() {
			if err := tab.close(); err != nil {
				rt.Error(err)
			}
		}()
		c := tab.cursor()
		for _, h := range append(slices.Sorted(keysOf(want)), 2, 1<<40, 0) {
			var got []string
			if err := c.find(h, func(values [][]byte) error {
				got = append(got, string(bytes.Join(values, []byte("|"))))
				return nil
			}); err != nil {
				rt.Fatal(err)
			}
			if !slices.Equal(got, want[h]) {
				rt.Fatalf("under %d: %d records, want %d", h, len(got), len(want[h]))
			}
		}
	})
}

func keysOf(m map[uint64][]string) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// The filter has what was added, and next to nothing else as long as it has room. (The numbers are the same
// each time.)
func TestFilter(t *testing.T) {
	t.Parallel()
	f := newFilter()
	number := func(n uint64) uint64 { // splitmix64
		z := (n + 1) * 0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return z ^ z>>31
	}
	const room = filterRoom / 8
	for n := range uint64(room) {
		f.add(number(n))
	}
	wrong := 0
	for n := range uint64(room) {
		if !f.has(number(n)) {
			t.Fatalf("%d is missing", n)
		}
		if f.has(number(n + 1<<40)) {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("of %d others %d seem to be there", room, wrong)
	}
}

func readAll(data string) (rows [][]string, err error) {
	r := &csvReader{r: bufio.NewReader(strings.NewReader(data))}
	for {
		cells, err := r.read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		var row []string
		for _, c := range cells {
			row = append(row, string(c))
		}
		rows = append(rows, row)
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data string
		want string // rows by bars, cells by slashes
	}{
		{"", ""},
		{"\"Id\",\"Email\"\n\"1\",\"a\"\n", "Id/Email|1/a"},
		{"\"1\",\"line\r\nbreak\"\n", "1/line\r\nbreak"},
		{"1,2\r\n3,", "1/2|3/"},
		{"\"a\"\"b\",\"\"\n", "a\"b/"},
		{"a\rb,\"c,d\"\n", "a\rb/c,d"},
		{"\"\ufeffx\"", "\ufeffx"},
	} {
		rows, err := readAll(c.data)
		var got []string
		for _, r := range rows {
			got = append(got, strings.Join(r, "/"))
		}
		if text := strings.Join(got, "|"); err != nil || text != c.want {
			t.Errorf("%q: %q, %v, want %q", c.data, text, err, c.want)
		}
	}
	if _, err := readAll("\"a"); err == nil {
		t.Error("a quote without an end is taken")
	}
}

// FuzzCSV: what encoding/csv writes is read as it was, line breaks and all.
func FuzzCSV(f *testing.F) {
	f.Add("a", "b\nc", `d"e`)
	f.Add("", "\r\n", ",")
	f.Add("\ufeff", " ", `\.`)
	f.Add("\x00", "\xff", "\u2028\"\"")
	f.Add(strings.Repeat("a\n", 3000), "\"", "")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var text bytes.Buffer
		for _, cells := range [][]string{{a, b, c}, {c, a, b}} {
			for i, v := range cells {
				if i > 0 {
					text.WriteByte(',')
				}
				text.WriteString(`"` + strings.ReplaceAll(v, `"`, `""`) + `"`)
			}
			text.WriteByte('\n')
		}
		rows, err := readAll(text.String())
		if err != nil || len(rows) != 2 || !slices.Equal(rows[0], []string{a, b, c}) || !slices.Equal(rows[1], []string{c, a, b}) {
			t.Fatalf("%q is read as %q, %v", text.String(), rows, err)
		}
		if strings.Contains(a+b+c, "\r") {
			return // which encoding/csv drops before a line feed
		}
		text.Reset()
		w := csv.NewWriter(&text)
		if err := w.Write([]string{a, b, c}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		if rows, err := readAll(text.String()); err != nil || len(rows) != 1 || !slices.Equal(rows[0], []string{a, b, c}) {
			t.Fatalf("%q is read as %q, %v", text.String(), rows, err)
		}
	})
}
