package textfile_test

import (
	"bytes"
	"context"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"sfsync/pipeline/source"
	"sfsync/pipeline/source/sourcetest"
)

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
		r, err := source.Open(context.Background(), source.Input{Path: "x.csv", Reader: iotest.HalfReader(bytes.NewReader(tt.in))}, source.Options{Encoding: tt.encoding})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		c, err := sourcetest.ReadAll(t, r)
		want, _ := sourcetest.ReadBytes(t, "x.csv", []byte(tt.want), source.Options{})
		if err != nil || c.String() != want.String() || c.Info.Encoding != tt.is || len(r.Warnings()) != tt.warnings {
			t.Errorf("%s: %v %s %+v %q", tt.name, err, c.String(), c.Info, r.Warnings())
		}
		sourcetest.Close(t, r)
	}
}
