package csv

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// all reads a file; a row that cannot be taken apart is shown as "!" and the reason.
func all(src io.Reader, d Dialect) (rows [][]string, offset int64, err error) {
	r := NewReader(src, d)
	for {
		row, err := r.Read()
		if bad, isRow := errors.AsType[*RowError](err); isRow {
			rows = append(rows, []string{"!" + bad.Reason})
			continue
		}
		if err == io.EOF {
			return rows, r.Offset(), nil
		}
		if err != nil {
			return rows, r.Offset(), err
		}
		rows = append(rows, slices.Clone(row))
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	comma, crlf := Dialect{Delimiter: ','}, Dialect{Delimiter: ',', CRLF: true}
	tests := []struct {
		name string
		d    Dialect
		in   string
		want [][]string
		err  error
	}{
		{"plain rows", comma, "a,b\n1,2\n", [][]string{{"a", "b"}, {"1", "2"}}, nil},
		{"no line feed at the end", comma, "a,b\n1,", [][]string{{"a", "b"}, {"1", ""}}, nil},
		{"quotes, delimiters and doubled quotes in values", comma, "\"a,b\",\"say \"\"hi\"\"\"\n", [][]string{{"a,b", `say "hi"`}}, nil},
		{"line feed in a value", comma, "\"a\nb\",c\n", [][]string{{"a\nb", "c"}}, nil},
		{"empty quoted values", comma, "\"\",\"\"\n\"\"\n", [][]string{{"", ""}, {""}}, nil},
		{"values are not trimmed", comma, " a , b\n", [][]string{{" a ", " b"}}, nil},
		{"empty lines are passed over", comma, "a\n\nb\n", [][]string{{"a"}, {"b"}}, nil},
		{"a BOM is part of the first value", comma, "\ufeffa,b\n", [][]string{{"\ufeffa", "b"}}, nil},
		{"semicolons", Dialect{Delimiter: ';'}, "a,b;c\n", [][]string{{"a,b", "c"}}, nil},
		{"CRLF", crlf, "a,b\r\n1,\"x\r\ny\"\r\n", [][]string{{"a", "b"}, {"1", "x\r\ny"}}, nil},
		{"CRLF in an LF file", comma, "a,b\r\n", nil, ErrLineEnding},
		{"CRLF between quotes in an LF file", comma, "a\n\"x\r\ny\"\n", [][]string{{"a"}}, ErrLineEnding},
		{"LF in a CRLF file", crlf, "a,b\n", nil, ErrLineEnding},
		{"LF between quotes in a CRLF file", crlf, "a\r\n\"x\ny\"\r\n", [][]string{{"a"}}, ErrLineEnding},
		{"a space before a quote costs the row", comma, "a, \"b\"\nc,d\n", [][]string{{"!Found unescaped quote. A value with quote should be within a quote"}, {"c", "d"}}, nil},
		{"a space behind a quote costs the row", comma, "\"a\" ,b\nc,d\n", [][]string{{"!Not expecting more text after end quote"}, {"c", "d"}}, nil},
		{"a bare quote costs the row", comma, "5\" nail,b\nc,d\n", [][]string{{"!Found unescaped quote. A value with quote should be within a quote"}, {"c", "d"}}, nil},
		{"two bare quotes cost the row only", comma, "a\"\"b,c\nc,d\n", [][]string{{"!Found unescaped quote. A value with quote should be within a quote"}, {"c", "d"}}, nil},
		{"an open quote is the end of the file", comma, "a,b\n1,\"x\n2,y\n", [][]string{{"a", "b"}}, ErrOpenQuote},
		{"a field beyond 131,072 characters", comma, "a\n" + strings.Repeat("x", MaxField+1) + "\n", [][]string{{"a"}}, ErrTooLong},
		{"more than 5,000 fields", comma, strings.Repeat(",", MaxFields) + "\n", nil, ErrTooLong},
		{"either line ending", Dialect{Delimiter: ',', Either: true}, "a,b\r\n1,\"x\r\ny\nz\"\n2,3\r\n", [][]string{{"a", "b"}, {"1", "x\r\ny\nz"}, {"2", "3"}}, nil},
		{"nothing", comma, "", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for how, src := range map[string]io.Reader{
				"at once":     strings.NewReader(tt.in),
				"byte wise":   iotest.OneByteReader(strings.NewReader(tt.in)),
				"end at once": iotest.DataErrReader(strings.NewReader(tt.in)),
			} {
				got, _, err := all(src, tt.d)
				if !errors.Is(err, tt.err) || !cmp.Equal(tt.want, got) {
					t.Errorf("%s: error %v, want %v; rows (-want +got):\n%s", how, err, tt.err, cmp.Diff(tt.want, got))
				}
			}
		})
	}
}

// A row is found again by the offset behind the one in front of it, also where the buffer ended between.
func TestOffset(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	for i := range 20_000 {
		file.WriteString(strings.Repeat("x", i%40) + ",\"a\nb\"\"\"\n")
	}
	d := Dialect{Delimiter: ','}
	r := NewReader(strings.NewReader(file.String()), d)
	for n := 0; ; n++ {
		from := r.Offset()
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil || row[1] != "a\nb\"" || len(row[0]) != n%40 {
			t.Fatalf("row %d: %q, %v", n, row, err)
		}
		if n%997 > 0 {
			continue
		}
		again, err := NewReader(strings.NewReader(file.String()[from:]), d).Read()
		if err != nil || !slices.Equal(row, again) {
			t.Fatalf("row %d from %d: %q, %v; want %q", n, from, again, err, row)
		}
	}
}

// Whatever a file holds, reading ends, gives the same however it comes in, and what is written is read
// back as it was.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "\"a\"\"\",b\r\n\"\n\"", "a, \"b\"\n", "\"\"\"\"\"\n", "a\"\"b\n\"", ",,,\n\n\r\n", "\xff\xfe,\x00"} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, file []byte, crlf bool) {
		d := Dialect{Delimiter: ',', CRLF: crlf}
		rows, offset, err := all(strings.NewReader(string(file)), d)
		if offset > int64(len(file)) || err == nil && offset != int64(len(file)) {
			t.Fatalf("offset %d of %d", offset, len(file))
		}
		same, _, err2 := all(iotest.OneByteReader(strings.NewReader(string(file))), d)
		if !errors.Is(err2, err) || !cmp.Equal(rows, same) {
			t.Fatalf("byte wise: %v, %v\n%s", err, err2, cmp.Diff(rows, same))
		}
		var out []byte
		for _, row := range rows {
			for i, v := range row {
				if i > 0 {
					out = append(out, d.Delimiter)
				}
				out = Append(out, v)
			}
			out = d.AppendEnd(out)
		}
		again, _, err := all(strings.NewReader(string(out)), d)
		if err != nil || !cmp.Equal(rows, again) {
			t.Fatalf("read back: %v\n%s", err, cmp.Diff(rows, again))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for name, line := range map[string]string{
		"plain":  "K-00000001,Müller 1,Anna,Muster 1 GmbH,anna.1@example.com,+1-555-0100,Hauptstr. 1,Köln,50667,Germany,12,12.5\n",
		"quoted": "\"K-00000001\",\"Müller 1\",\"Anna\",\"Muster 1 GmbH\",\"anna.1@example.com\",\"+1-555-0100\",\"Hauptstr. 1\",\"Köln\",\"50667\",\"Germany\",\"12\",\"12.5\"\n",
	} {
		b.Run(name, func(b *testing.B) {
			file := strings.Repeat(line, 1000)
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReader(strings.NewReader(file), Dialect{Delimiter: ','})
				for {
					if _, err := r.Read(); err != nil {
						break
					}
				}
			}
		})
	}
}
