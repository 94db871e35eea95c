package csv_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline/source"
	reader "sfsync/pipeline/source/csv"
	"sfsync/pipeline/source/sourcetest"
)

func TestCSV(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		opt      source.Options
		want     string
	}{
		{"plain", "a,b\n1,2\n", source.Options{}, "a|b\n2: 1|2\n"},
		{"no final line end", "a,b\n1,2", source.Options{}, "a|b\n2: 1|2\n"},
		{"final CR", "a,b\n1,2\r", source.Options{}, "a|b\n2: 1|2\n"},
		{"header only", "a,b\n", source.Options{}, "a|b\n"},
		{"header only, no line end", "a,b", source.Options{}, "a|b\n"},
		{"CRLF", "a,b\r\n1,2\r\n3,4\r\n", source.Options{}, "a|b\n2: 1|2\n3: 3|4\n"},
		{"CR", "a,b\r1,2\r\r3,4\r", source.Options{}, "a|b\n2: 1|2\n4: 3|4\n"},
		{"CR with quoted LF", "a,b\r1,\"x\ny\"\r3,4", source.Options{}, "a|b\n2: 1|x\ny\n3: 3|4\n"},
		{"mixed line ends", "a,b\n1,2\r\n3,4\n", source.Options{}, "a|b\n2: 1|2\n3: 3|4\n"},
		{"lone CR in a cell", "a,b\n1,x\ry\n", source.Options{}, "a|b\n2: 1|x\ry\n"},
		{"blank lines", "\n\na,b\n\n1,2\r\n\r\n\n3,4\n\n\r", source.Options{}, "a|b\n5: 1|2\n8: 3|4\n"},
		{"a line of blanks is a row", "a,b\n  \n", source.Options{}, "a|b\n2: ROW_WIDTH   \n"},
		{"one column, empty quoted", "a\n\"\"\nx\n", source.Options{}, "a\n2: \n3: x\n"},
		{"empty cells", "a,b,c\n,,\n\"\",x,\n", source.Options{}, "a|b|c\n2: ||\n3: |x|\n"},
		{"quotes", "a,b\n\"1\",\"2,3\"\n\"x \"\"y\"\"\",\"\"\"\"\n", source.Options{}, "a|b\n2: 1|2,3\n3: x \"y\"|\"\n"},
		{"quoted line ends count", "a,b\n\"1\n2\r\n3\",x\n4,5\n", source.Options{}, "a|b\n2: 1\n2\r\n3|x\n5: 4|5\n"},
		{"bare quote", "a,b\nx\"y,5\"\n \"z\",1\n", source.Options{}, "a|b\n2: x\"y|5\"\n3:  \"z\"|1\n"},
		{"long cells", "a,b\n" + strings.Repeat("x", 100) + ",\"" + strings.Repeat("y,", 50) + "\"\n", source.Options{}, "a|b\n2: " + strings.Repeat("x", 100) + "|" + strings.Repeat("y,", 50) + "\n"},
		{"BOM", "\xEF\xBB\xBFa,b\n1,2\n", source.Options{}, "a|b\n2: 1|2\n"},
		{"BOM and quoted header", "\xEF\xBB\xBF\"a\",b\n1,2\n", source.Options{}, "a|b\n2: 1|2\n"},

		{"too few", "a,b,c\n1,2\n1,2,3\n", source.Options{}, "a|b|c\n2: ROW_WIDTH 1,2\n3: 1|2|3\n"},
		{"too many", "a,b\n1,2,3\r\n1,2\r\n", source.Options{}, "a|b\n2: ROW_WIDTH 1,2,3\n3: 1|2\n"},
		{"text behind quote", "a,b\n\"x\"y,2\n3,4\n", source.Options{}, "a|b\n2: BAD_QUOTE \"x\"y,2\n3: 3|4\n"},
		{"stray quote closes far below", "a,b\n\"x,2\n3,4\n5,\"six\"\n7,8\n", source.Options{}, "a|b\n2: BAD_QUOTE \"x,2\n3: 3|4\n4: 5|six\n5: 7|8\n"},
		{"stray quote never closes", "a,b\n1,\"x\n3,4\n5,6\n", source.Options{}, "a|b\n2: BAD_QUOTE 1,\"x\n3: 3|4\n4: 5|6\n"},
		{"stray quote behind a good one", "a,b\n\"x\ny\",\"z\n3,4\n", source.Options{}, "a|b\n2: BAD_QUOTE \"x\ny\",\"z\n4: 3|4\n"},
		{"quote at the end", "a,b\n1,\"", source.Options{}, "a|b\n2: BAD_QUOTE 1,\"\n"},
		{"escaped quote at the end", "a,b\n1,\"x\"\"", source.Options{}, "a|b\n2: BAD_QUOTE 1,\"x\"\"\n"},
		{"invalid UTF-8", "a,b\nx,caf\xE9\n1,2\n", source.Options{}, "a|b\n2: BAD_ENCODING x,caf\xE9\n3: 1|2\n"},
		{"invalid UTF-8 in quotes", "a,b\n\"longer text before it\",\"caf\xE9\"\n1,2\n", source.Options{}, "a|b\n2: BAD_ENCODING \"longer text before it\",\"caf\xE9\"\n3: 1|2\n"},
		{"NUL", "a,b\nx,\x00\n1,2\n\x00\x00,3\n4,5\n", source.Options{}, "a|b\n2: BAD_BYTE x,\x00\n3: 1|2\n4: BAD_BYTE \x00\x00,3\n5: 4|5\n"},
		{"over the bound in quotes", "a,b\n1,\"x\n" + strings.Repeat("3,4\n", 20), source.Options{MaxLine: 50}, "a|b\n2: BAD_QUOTE 1,\"x\n" + lines(3, 20, "3|4")},

		{"semicolon", "a;b\n1,5;2\n", source.Options{}, "a|b\n2: 1,5|2\n"},
		{"tab", "a\tb\n1,5\t2;3\n", source.Options{}, "a|b\n2: 1,5|2;3\n"},
		{"pipe", "a|b\n1|2\n", source.Options{}, "a|b\n2: 1|2\n"},
		{"one column", "a\n1\n2\n", source.Options{}, "a\n2: 1\n3: 2\n"},
		{"commas in quoted header", "\"x,y\";z\n1;2\n", source.Options{}, "x,y|z\n2: 1|2\n"},
		{"more cells that agree win", "a;b;c\n\"x,y\";1;2\n\"x,y\";3;4\n", source.Options{}, "a|b|c\n2: x,y|1|2\n3: x,y|3|4\n"},
		{"a draw goes to the comma", "a,b;c\n1,2;3\n", source.Options{}, "a|b;c\n2: 1|2;3\n"},
		{"delimiter given", "a,b;c\n1,2;3\n", source.Options{Delimiter: ";"}, "a,b|c\n2: 1,2|3\n"},
		{"delimiter by name", "a b\tc\n1\t2\n", source.Options{Delimiter: "tab"}, "a b|c\n2: 1|2\n"},
		{"delimiter letter", "axb\n1x2\n", source.Options{Delimiter: "x"}, "a|b\n2: 1|2\n"},
		{"sep line", "sep=;\r\na;b\r\n1;2\r\n", source.Options{}, "a|b\n3: 1|2\n"},

		{"repeated names", "e,e,e_2,e\n1,2,3,4\n", source.Options{}, "e|e_3|e_2|e_4\n2: 1|2|3|4\n"},
		{"empty names", "a,,column_2,\n1,2,3,4\n", source.Options{}, "a|column_2_2|column_2|column_4\n2: 1|2|3|4\n"},
		{"header with quotes and line ends", "\"a\nb\",\"c\"\"d\"\n1,2\n", source.Options{}, "a\nb|c\"d\n3: 1|2\n"},
		{"null", "a,b,c,d\n,NULL,\"\",x\n", source.Options{Null: []string{"", "NULL"}}, "a|b|c|d\n2: null:|null:NULL|null:|x\n"},
		{"null with quotes", "a\n\"a\"\"b\"\n\"a\"\"b \"\n", source.Options{Null: []string{`a"b`}}, "a\n2: null:a\"b\n3: a\"b \n"},
		{"long null", "a\n" + strings.Repeat("n", 80) + "\n", source.Options{Null: []string{strings.Repeat("n", 80)}}, "a\n2: null:" + strings.Repeat("n", 80) + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opt.Format = "csv"
			c, err := sourcetest.ReadBytes(t, "x.csv", []byte(tt.in), tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func lines(first, n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strconv.Itoa(first+i) + ": " + text + "\n")
	}
	return b.String()
}

func TestCSVMessages(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, encoding, want string }{
		{"width", "a,b\n1\n", "", "the row has 1 cell, the header has 2 columns"},
		{"width over lines", "a,b\n1,\"2\n3\",4\n", "", "the row has 3 cells, the header has 2 columns; the row goes on to line 3: is a quote missing?"},
		{"quote", "a,b\n\"x\ny\",\"z\n3,4\n", "", "line 3, column 4: the quote that opens here is never closed"},
		{"inner quote", "a,b\nö,\"x\"y\n", "", "column 3: text follows the closing quote of the cell that begins here: double the quotes inside a cell"},
		{"encoding", "a,b\nö,\xE9\n", "", "column 3: byte 0xE9 is not valid UTF-8; if the file has another encoding, name it, such as encoding: windows-1252"},
		{"encoding in quotes, CR", "a,b\r\"ö\rx\xE9\",1\r", "", "line 3, column 2: byte 0xE9 is not valid UTF-8; if the file has another encoding, name it, such as encoding: windows-1252"},
		{"undefined byte", "a,b\nx,\xA1\xAA\n\xD2,1\n", "iso-8859-7", "column 1: bytes that mean nothing in iso-8859-7: is the file in another encoding?"},
		{"NUL", "a,b\nö,x\x00\n", "", "column 4: a NUL byte"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := source.Open(context.Background(), source.Input{Path: "x.csv", Reader: strings.NewReader(tt.in)}, source.Options{Encoding: tt.encoding})
			if err != nil {
				t.Fatal(err)
			}
			defer sourcetest.Close(t, r)
			b, err := r.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Len() {
				if p, bad := b.Problem(i); bad {
					if p.Message != tt.want {
						t.Errorf("got  %s\nwant %s", p.Message, tt.want)
					}
					return
				}
			}
			t.Error("no problem found")
		})
	}
}

func TestCSVWarnings(t *testing.T) {
	t.Parallel()
	r, err := source.Open(context.Background(), source.Input{Path: "x.csv", Reader: strings.NewReader("e,e,\n")}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sourcetest.Close(t, r)
	want := []string{`column 2: the name "e" appears again: read as "e_2"`, "column 3 has no name: read as column_3"}
	if diff := cmp.Diff(want, r.Warnings()); diff != "" {
		t.Error(diff)
	}
	if !r.Complete() || r.Info().Delimiter != ',' {
		t.Errorf("%v %+v", r.Complete(), r.Info())
	}
}

// TestOursByHalf: a file whose first 64 KiB look like a row file of ours that ends its lines with CR,
// and which then turns out to end them with LF, is a file like any other.
func TestOursByHalf(t *testing.T) {
	t.Parallel()
	const ours = "id,sfsync_file,sfsync_line,sfsync_target,sfsync_object,sfsync_action,sfsync_id,sfsync_code,sfsync_field,sfsync_message,sfsync_attempts"
	c, err := sourcetest.ReadBytes(t, "x.csv", []byte(ours+"\r"+strings.Repeat("x", 100_000)+"\n1,,,,,,,,,,\n"), source.Options{})
	if err != nil || c.Info.Ours || len(c.Columns) != 11 || len(c.Rows) != 1 {
		t.Errorf("%v, %d columns, %d rows, %+v", err, len(c.Columns), len(c.Rows), c.Info)
	}
}

// sameAsEncodingCSV compares a file that encoding/csv accepts with what it says. It reports
// whether there was anything to compare.
func sameAsEncodingCSV(t *testing.T, data []byte) bool {
	ref := csv.NewReader(bytes.NewReader(data))
	ref.FieldsPerRecord = -1
	records, err := ref.ReadAll()
	if err != nil || len(records) == 0 || bytes.ContainsAny(data, "\x00") || reader.SniffEOL(data) == '\r' {
		return false
	}
	c, err := sourcetest.ReadBytes(t, "x.csv", data, source.Options{Format: "csv", Delimiter: ","})
	if err != nil {
		var e *source.Error
		if errors.As(err, &e) && (errors.Is(e.Class, source.ErrMalformed) || e.Class == source.ErrUnsupported) {
			return false // a header that is no UTF-8, another kind of file
		}
		t.Fatal(err)
	}
	if c.Info.Ours || c.Info.Encoding != "utf-8" || bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")) || bytes.HasPrefix(bytes.ToLower(data), []byte("sep=")) {
		return false
	}
	records = records[1:]
	if len(records) != len(c.Rows) {
		t.Fatalf("%q: %d rows, want %d", data, len(c.Rows), len(records))
	}
	for i, r := range c.Rows {
		switch {
		case r.Code == "BAD_ENCODING":
		case len(records[i]) != len(c.Columns):
			if r.Code != "ROW_WIDTH" {
				t.Fatalf("%q: row %d: %+v, want %q", data, i, r, records[i])
			}
		case r.Code != "":
			t.Fatalf("%q: row %d: %+v, want %q", data, i, r, records[i])
		default:
			for c, cell := range r.Cells {
				// encoding/csv makes LF of CR LF inside quotes.
				if text := strings.ReplaceAll(strings.TrimPrefix(cell, "text:"), "\r\n", "\n"); text != records[i][c] {
					t.Fatalf("%q: row %d: %q, want %q", data, i, text, records[i][c])
				}
			}
		}
	}
	return true
}

// TestCSVRoundTrip: what encoding/csv writes is what is read, wherever blocks end.
func TestCSVRoundTrip(t *testing.T) {
	t.Parallel()
	pieces := []string{"a", "é", "\U0001F600", "\"", "\"\"", ",", ";", "\t", "\n", " ", "'", "longer text of some words", "x\"y"}
	rapid.Check(t, func(t *rapid.T) {
		delim := rapid.SampledFrom([]rune{',', ';', '\t', '|'}).Draw(t, "delimiter")
		width := rapid.IntRange(2, 6).Draw(t, "width")
		cell := rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8), func(p []string) string { return strings.Join(p, "") })
		records := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 0, 30).Draw(t, "records")
		header := []string{"h0", "h1", "h2", "h3", "h4", "h5"}[:width]
		var buf bytes.Buffer
		w := csv.NewWriter(&buf)
		w.Comma = delim
		w.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		if err := w.WriteAll(append([][]string{header}, records...)); err != nil {
			t.Fatal(err)
		}
		r, err := source.Open(context.Background(), source.Input{Path: "x", Reader: &buf}, source.Options{
			Format: "csv", Delimiter: string(delim), Block: rapid.IntRange(8, 200).Draw(t, "block"),
		})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for b, err := r.Next(context.Background()); err == nil; b, err = r.Next(context.Background()) {
			for i := range b.Len() {
				if p, bad := b.Problem(i); bad {
					t.Fatalf("row %d: %v", n, p)
				}
				for c, want := range records[n] {
					// The writer makes CR LF of LF inside quotes too.
					if got := strings.ReplaceAll(b.Cell(i, c).Text, "\r\n", "\n"); got != want {
						t.Fatalf("row %d, column %d: %q, want %q", n, c, got, want)
					}
				}
				n++
			}
		}
		if n != len(records) {
			t.Fatalf("%d rows, want %d", n, len(records))
		}
	})
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,2\n", "a;b\r\n\"x\"\"y\";\"2\n3\"\r\n", "a\tb\r1\t2\r", "\xEF\xBB\xBFa,b\n1", "a,b\n\"x\n1,2\n", "a,b\n\"x\"y,2\n", "\xFF\xFEa\x00,\x00b\x00\n\x00",
		"a,a,\n,,\n", "sep=;\na;b\n", "a,b\n\x00,\xE9\n", "a\n\r\n\n\"\"\n\r", "PAR1", "id,sfsync_file,sfsync_line,sfsync_target,sfsync_object,sfsync_action,sfsync_id,sfsync_code,sfsync_field,sfsync_message,sfsync_attempts,sfsync_raw\n1,,,,,,,,,,,x\n",
		"\x1F\x8B\x08\x00", "\x28\xB5\x2F\xFD", "\xB2",
	} {
		f.Add([]byte(s), uint16(40))
	}
	f.Fuzz(func(t *testing.T, data []byte, maxLine uint16) {
		if len(data) > 1<<16 {
			return
		}
		sameAsEncodingCSV(t, data)
		sourcetest.Again(t, data, source.Options{Format: "csv", MaxLine: 8 + int(maxLine), Null: []string{"", "x"}})
	})
}
