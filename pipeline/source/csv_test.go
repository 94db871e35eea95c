package source

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"sfsync/pipeline/row"
)

// show writes the rows of a file as one line each: cells joined by | and problems as
// line:CODE:raw.
func show(c contents) string {
	var b strings.Builder
	b.WriteString(strings.Join(c.Columns, "|") + "\n")
	for _, r := range c.Rows {
		b.WriteString(strconv.FormatInt(r.Line, 10) + ": ")
		if r.Code != "" {
			b.WriteString(r.Code + " " + r.Raw + "\n")
			continue
		}
		for i, cell := range r.Cells {
			if i > 0 {
				b.WriteByte('|')
			}
			b.WriteString(strings.TrimPrefix(cell, "text:"))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestCSV(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		opt      Options
		want     string
	}{
		{"plain", "a,b\n1,2\n", Options{}, "a|b\n2: 1|2\n"},
		{"no final line end", "a,b\n1,2", Options{}, "a|b\n2: 1|2\n"},
		{"final CR", "a,b\n1,2\r", Options{}, "a|b\n2: 1|2\n"},
		{"header only", "a,b\n", Options{}, "a|b\n"},
		{"header only, no line end", "a,b", Options{}, "a|b\n"},
		{"CRLF", "a,b\r\n1,2\r\n3,4\r\n", Options{}, "a|b\n2: 1|2\n3: 3|4\n"},
		{"CR", "a,b\r1,2\r\r3,4\r", Options{}, "a|b\n2: 1|2\n4: 3|4\n"},
		{"CR with quoted LF", "a,b\r1,\"x\ny\"\r3,4", Options{}, "a|b\n2: 1|x\ny\n3: 3|4\n"},
		{"mixed line ends", "a,b\n1,2\r\n3,4\n", Options{}, "a|b\n2: 1|2\n3: 3|4\n"},
		{"lone CR in a cell", "a,b\n1,x\ry\n", Options{}, "a|b\n2: 1|x\ry\n"},
		{"blank lines", "\n\na,b\n\n1,2\r\n\r\n\n3,4\n\n\r", Options{}, "a|b\n5: 1|2\n8: 3|4\n"},
		{"a line of blanks is a row", "a,b\n  \n", Options{}, "a|b\n2: ROW_WIDTH   \n"},
		{"one column, empty quoted", "a\n\"\"\nx\n", Options{}, "a\n2: \n3: x\n"},
		{"empty cells", "a,b,c\n,,\n\"\",x,\n", Options{}, "a|b|c\n2: ||\n3: |x|\n"},
		{"quotes", "a,b\n\"1\",\"2,3\"\n\"x \"\"y\"\"\",\"\"\"\"\n", Options{}, "a|b\n2: 1|2,3\n3: x \"y\"|\"\n"},
		{"quoted line ends count", "a,b\n\"1\n2\r\n3\",x\n4,5\n", Options{}, "a|b\n2: 1\n2\r\n3|x\n5: 4|5\n"},
		{"bare quote", "a,b\nx\"y,5\"\n \"z\",1\n", Options{}, "a|b\n2: x\"y|5\"\n3:  \"z\"|1\n"},
		{"long cells", "a,b\n" + strings.Repeat("x", 100) + ",\"" + strings.Repeat("y,", 50) + "\"\n", Options{}, "a|b\n2: " + strings.Repeat("x", 100) + "|" + strings.Repeat("y,", 50) + "\n"},
		{"BOM", "\xEF\xBB\xBFa,b\n1,2\n", Options{}, "a|b\n2: 1|2\n"},
		{"BOM and quoted header", "\xEF\xBB\xBF\"a\",b\n1,2\n", Options{}, "a|b\n2: 1|2\n"},

		{"too few", "a,b,c\n1,2\n1,2,3\n", Options{}, "a|b|c\n2: ROW_WIDTH 1,2\n3: 1|2|3\n"},
		{"too many", "a,b\n1,2,3\r\n1,2\r\n", Options{}, "a|b\n2: ROW_WIDTH 1,2,3\n3: 1|2\n"},
		{"text behind quote", "a,b\n\"x\"y,2\n3,4\n", Options{}, "a|b\n2: BAD_QUOTE \"x\"y,2\n3: 3|4\n"},
		{"stray quote closes far below", "a,b\n\"x,2\n3,4\n5,\"six\"\n7,8\n", Options{}, "a|b\n2: BAD_QUOTE \"x,2\n3: 3|4\n4: 5|six\n5: 7|8\n"},
		{"stray quote never closes", "a,b\n1,\"x\n3,4\n5,6\n", Options{}, "a|b\n2: BAD_QUOTE 1,\"x\n3: 3|4\n4: 5|6\n"},
		{"stray quote behind a good one", "a,b\n\"x\ny\",\"z\n3,4\n", Options{}, "a|b\n2: BAD_QUOTE \"x\ny\",\"z\n4: 3|4\n"},
		{"quote at the end", "a,b\n1,\"", Options{}, "a|b\n2: BAD_QUOTE 1,\"\n"},
		{"escaped quote at the end", "a,b\n1,\"x\"\"", Options{}, "a|b\n2: BAD_QUOTE 1,\"x\"\"\n"},
		{"invalid UTF-8", "a,b\nx,caf\xE9\n1,2\n", Options{}, "a|b\n2: BAD_ENCODING x,caf\xE9\n3: 1|2\n"},
		{"invalid UTF-8 in quotes", "a,b\n\"longer text before it\",\"caf\xE9\"\n1,2\n", Options{}, "a|b\n2: BAD_ENCODING \"longer text before it\",\"caf\xE9\"\n3: 1|2\n"},
		{"NUL", "a,b\nx,\x00\n1,2\n\x00\x00,3\n4,5\n", Options{}, "a|b\n2: BAD_BYTE x,\x00\n3: 1|2\n4: BAD_BYTE \x00\x00,3\n5: 4|5\n"},
		{"over the bound in quotes", "a,b\n1,\"x\n" + strings.Repeat("3,4\n", 20), Options{MaxLine: 50}, "a|b\n2: BAD_QUOTE 1,\"x\n" + lines(3, 20, "3|4")},

		{"semicolon", "a;b\n1,5;2\n", Options{}, "a|b\n2: 1,5|2\n"},
		{"tab", "a\tb\n1,5\t2;3\n", Options{}, "a|b\n2: 1,5|2;3\n"},
		{"pipe", "a|b\n1|2\n", Options{}, "a|b\n2: 1|2\n"},
		{"one column", "a\n1\n2\n", Options{}, "a\n2: 1\n3: 2\n"},
		{"commas in quoted header", "\"x,y\";z\n1;2\n", Options{}, "x,y|z\n2: 1|2\n"},
		{"more cells that agree win", "a;b;c\n\"x,y\";1;2\n\"x,y\";3;4\n", Options{}, "a|b|c\n2: x,y|1|2\n3: x,y|3|4\n"},
		{"a draw goes to the comma", "a,b;c\n1,2;3\n", Options{}, "a|b;c\n2: 1|2;3\n"},
		{"delimiter given", "a,b;c\n1,2;3\n", Options{Delimiter: ";"}, "a,b|c\n2: 1,2|3\n"},
		{"delimiter by name", "a b\tc\n1\t2\n", Options{Delimiter: "tab"}, "a b|c\n2: 1|2\n"},
		{"delimiter letter", "axb\n1x2\n", Options{Delimiter: "x"}, "a|b\n2: 1|2\n"},
		{"sep line", "sep=;\r\na;b\r\n1;2\r\n", Options{}, "a|b\n3: 1|2\n"},

		{"repeated names", "e,e,e_2,e\n1,2,3,4\n", Options{}, "e|e_3|e_2|e_4\n2: 1|2|3|4\n"},
		{"empty names", "a,,column_2,\n1,2,3,4\n", Options{}, "a|column_2_2|column_2|column_4\n2: 1|2|3|4\n"},
		{"header with quotes and line ends", "\"a\nb\",\"c\"\"d\"\n1,2\n", Options{}, "a\nb|c\"d\n3: 1|2\n"},
		{"null", "a,b,c,d\n,NULL,\"\",x\n", Options{Null: []string{"", "NULL"}}, "a|b|c|d\n2: null:|null:NULL|null:|x\n"},
		{"null with quotes", "a\n\"a\"\"b\"\n\"a\"\"b \"\n", Options{Null: []string{`a"b`}}, "a\n2: null:a\"b\n3: a\"b \n"},
		{"long null", "a\n" + strings.Repeat("n", 80) + "\n", Options{Null: []string{strings.Repeat("n", 80)}}, "a\n2: null:" + strings.Repeat("n", 80) + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opt.Format = "csv"
			c, err := readBytes(t, "x.csv", []byte(tt.in), tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, show(c)); diff != "" {
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
			r, err := Open(context.Background(), Input{Path: "x.csv", Reader: strings.NewReader(tt.in)}, Options{Encoding: tt.encoding})
			if err != nil {
				t.Fatal(err)
			}
			defer closing(t, r)
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

func TestEncodings(t *testing.T) {
	t.Parallel()
	const text = "name,city\nZoë,Łódź\n"
	const latin = "name,city\nZoë,€ Köln\n"
	enc := func(e interface{ Bytes([]byte) ([]byte, error) }, s string) []byte {
		b, err := e.Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	le := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder()
	be := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder()
	bare := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder()
	tests := []struct {
		name, encoding string
		in             []byte
		want, is       string
		warnings       int
	}{
		{"auto", "", []byte(text), text, "utf-8", 0},
		{"utf-16le by mark", "auto", enc(le, text), text, "utf-16le", 0},
		{"utf-16be by mark", "", enc(be, text), text, "utf-16be", 0},
		{"utf-16 by name", "UTF-16LE", enc(bare, text), text, "utf-16le", 0},
		{"mark wins", "windows-1252", append([]byte("\xEF\xBB\xBF"), text...), text, "utf-8", 1},
		{"mark agrees", "utf-16", enc(le, text), text, "utf-16le", 0},
		{"windows-1252", "Windows-1252", enc(charmap.Windows1252.NewEncoder(), latin), latin, "windows-1252", 0},
		{"iso-8859-15", "iso-8859-15", enc(charmap.ISO8859_15.NewEncoder(), latin), latin, "iso-8859-15", 0},
		{"iso-8859-2", "latin2", enc(charmap.ISO8859_2.NewEncoder(), text), text, "latin2", 0},
		{"ibm850 by IANA", "IBM850", enc(charmap.CodePage850.NewEncoder(), "name,city\nZoë,x\n"), "name,city\nZoë,x\n", "ibm850", 0},
	}
	for _, tt := range tests {
		r, err := Open(context.Background(), Input{Path: "x.csv", Reader: iotest.HalfReader(bytes.NewReader(tt.in))}, Options{Encoding: tt.encoding})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		c, err := readAll(t, r)
		want, _ := readBytes(t, "x.csv", []byte(tt.want), Options{})
		if err != nil || show(c) != show(want) || c.Info.Encoding != tt.is || len(r.Warnings()) != tt.warnings {
			t.Errorf("%s: %v %s %+v %q", tt.name, err, show(c), c.Info, r.Warnings())
		}
		closing(t, r)
	}
}

func TestCSVWarnings(t *testing.T) {
	t.Parallel()
	r, err := Open(context.Background(), Input{Path: "x.csv", Reader: strings.NewReader("e,e,\n")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, r)
	want := []string{`column 2: the name "e" appears again: read as "e_2"`, "column 3 has no name: read as column_3"}
	if diff := cmp.Diff(want, r.Warnings()); diff != "" {
		t.Error(diff)
	}
	if !r.Complete() || r.Info().Delimiter != ',' {
		t.Errorf("%v %+v", r.Complete(), r.Info())
	}
}

// sameAsEncodingCSV compares a file that encoding/csv accepts with what it says. It reports
// whether there was anything to compare.
func sameAsEncodingCSV(t *testing.T, data []byte) bool {
	ref := csv.NewReader(bytes.NewReader(data))
	ref.FieldsPerRecord = -1
	records, err := ref.ReadAll()
	if err != nil || len(records) == 0 || bytes.ContainsAny(data, "\x00") || sniffEOL(data) == '\r' {
		return false
	}
	c, err := readBytes(t, "x.csv", data, Options{Format: "csv", Delimiter: ","})
	if err != nil {
		var e *Error
		if errors.As(err, &e) && (e.Class == ErrMalformed || e.Class == ErrNotYet) {
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
		r, err := Open(context.Background(), Input{Path: "x", Reader: &buf}, Options{
			Format: "csv", Delimiter: string(delim), block: rapid.IntRange(8, 200).Draw(t, "block"),
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
		"\x1F\x8B\x08\x00", "\x28\xB5\x2F\xFD",
	} {
		f.Add([]byte(s), uint16(40))
	}
	f.Fuzz(func(t *testing.T, data []byte, maxLine uint16) {
		if len(data) > 1<<16 {
			return
		}
		sameAsEncodingCSV(t, data)
		again(t, data, Options{Format: "csv", MaxLine: 8 + int(maxLine), Null: []string{"", "x"}})
	})
}

// again reads a file three times: as it is, byte by byte, and in small blocks, and expects
// the same each time; every row must begin behind the one before it.
func again(t *testing.T, data []byte, opt Options) {
	t.Helper()
	opt.Pool = &row.Pool{} // the second time with used batches
	opt.block = 4 << 10
	a, errA := readBytes(t, "x", data, opt)
	for i := 1; i < len(a.Rows); i++ {
		if a.Rows[i].Line <= a.Rows[i-1].Line {
			t.Fatalf("%q: line %d behind line %d", data, a.Rows[i].Line, a.Rows[i-1].Line)
		}
	}
	same := func(how string, b contents, errB error) {
		t.Helper()
		if (errA == nil) != (errB == nil) || errA != nil && errA.Error() != errB.Error() {
			t.Fatalf("%q: %v, then %s %v", data, errA, how, errB)
		}
		if errA != nil { // of a damaged file it depends on the blocks how far it was read
			b.Info.Bytes = a.Info.Bytes
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("%q %s:\n%s", data, how, diff)
		}
	}
	b, err := readFrom(t, iotest.OneByteReader(bytes.NewReader(data)), opt)
	same("byte by byte", b, err)
	if errA != nil || bytes.ContainsRune(data, '\r') || startsLikeJSON(data) != (opt.Format == "jsonl") || bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return // what is told by the beginning may depend on how much of it there is
	}
	opt.block = 64
	opt.Delimiter = string(rune(a.Info.Delimiter))
	b, err = readFrom(t, bytes.NewReader(data), opt)
	same("in small blocks", b, err)
}
