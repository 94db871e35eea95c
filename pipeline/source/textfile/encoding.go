package textfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"sfsync/mapping/diag"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source/inputerr"
)

// CodeEncoding is the code of a row whose bytes are not valid in the file's encoding.
const CodeEncoding = "BAD_ENCODING"

// encodingNames are the names that a misspelt one is compared with; many more are known.
//
//nolint:gochecknoglobals // a table that never changes
var encodingNames = [...]string{
	"utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
	"windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874", "iso-8859-1", "iso-8859-2", "iso-8859-3",
	"iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-10", "iso-8859-13", "iso-8859-14",
	"iso-8859-15", "iso-8859-16", "latin1", "us-ascii", "macintosh", "ibm850", "ibm852", "ibm866", "koi8-r", "koi8-u",
	"shift_jis", "euc-jp", "iso-2022-jp", "euc-kr", "gbk", "gb18030", "big5",
}

// findEncoding returns the encoding of a name and how it is called here. UTF-8 is nil.
func findEncoding(name string) (encoding.Encoding, string, error) {
	n := strings.ToLower(strings.TrimSpace(name))
	switch n {
	case "", "auto", "utf-8", "utf8":
		return nil, "utf-8", nil
	case "utf-16", "utf-16le", "utf16", "utf16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf-16le", nil
	case "utf-16be", "utf16be":
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf-16be", nil
	}
	e, err := htmlindex.Get(n)
	if err != nil || e == encoding.Replacement {
		e, err = ianaindex.IANA.Encoding(n)
	}
	if err != nil || e == nil || e == encoding.Replacement {
		hint := diag.DidYouMean(n, encodingNames[:])
		if hint == "" {
			hint = "such as utf-8, utf-16, windows-1252, iso-8859-15"
		}
		return nil, "", inputerr.BadOption("encoding "+inputerr.Quote(name), "no such encoding: %s", hint)
	}
	return e, n, nil
}

// decode sets text to the file as UTF-8 without a byte order mark.
func (f *File) decode(encoding string) error {
	enc, name, err := findEncoding(encoding)
	if err != nil {
		return err
	}
	head, err := f.Peek()
	if err != nil {
		return err
	}
	mark, marked := 0, ""
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		mark, marked, enc = 3, "utf-8", nil
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		mark, marked, enc = 2, "utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		mark, marked, enc = 2, "utf-16be", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	if marked != "" {
		if encoding != "" && encoding != "auto" && name != marked {
			f.warnings.Addf("the byte order mark says %s: read as that, not as %s", marked, name)
		}
		name = marked
		if _, err := f.content.Discard(mark); err != nil {
			return f.readError(err)
		}
	}
	f.encoding, f.text = name, f.content
	if enc != nil {
		f.recoded = true
		f.text = transform.NewReader(f.content, enc.NewDecoder())
	}
	return nil
}

// BadText returns what is wrong with the characters of a row that begins on a line, if anything;
// advice ends the message about bytes that are not UTF-8. Text that was converted holds U+FFFD
// where bytes meant nothing in the encoding; a source that holds that very character is refused
// too, since its text was lost before.
func (f *File) BadText(text []byte, line int64, eol byte, advice string) (row.Problem, bool) {
	at := invalidAt(text)
	if f.recoded {
		at = bytes.Index(text, []byte("\uFFFD"))
	}
	if at < 0 {
		return row.Problem{}, false
	}
	p := row.Problem{Code: CodeEncoding}
	if where := Place(text, at, eol, line); f.recoded {
		p.Message = fmt.Sprintf("%s: bytes that mean nothing in %s: is the file in another encoding?", where, f.encoding)
	} else {
		p.Message = fmt.Sprintf("%s: byte 0x%02X is not valid UTF-8%s", where, text[at], advice)
	}
	return p, true
}

// invalidAt returns the index of the first byte that is not valid UTF-8, or -1.
func invalidAt(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// Place says where a byte of a row stands: its column, in characters, and its line where that
// is not the one on which the row begins.
func Place(text []byte, at int, eol byte, line int64) string {
	before := text[:at]
	lines := bytes.Count(before, []byte{eol})
	before = before[bytes.LastIndexByte(before, eol)+1:]
	column := utf8.RuneCount(before) + 1
	if lines == 0 {
		return fmt.Sprintf("column %d", column)
	}
	return fmt.Sprintf("line %d, column %d", line+int64(lines), column)
}
