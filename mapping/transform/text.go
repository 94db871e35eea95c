package transform

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sfsync/mapping/convert"
)

func trim(_ *Buffer, s string) (string, *convert.Problem) { return strings.TrimSpace(s), nil }

// each maps text rune by rune. It returns s itself while nothing changes.
func each(b *Buffer, s string, f func(rune) rune) string {
	for i, r := range s {
		if n := f(r); n != r || r == utf8.RuneError {
			start := len(b.b)
			b.b = append(b.b, s[:i]...)
			for _, r := range s[i:] {
				b.b = utf8.AppendRune(b.b, f(r))
			}
			return b.since(start)
		}
	}
	return s
}

func lower(b *Buffer, s string) (string, *convert.Problem) {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return each(b, s, unicode.ToLower), nil
		}
	}
	return s, nil
}

func upper(b *Buffer, s string) (string, *convert.Problem) {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c >= 'a' && c <= 'z' {
			return each(b, s, unicode.ToUpper), nil
		}
	}
	return s, nil
}

// title gives every word a capital and small letters behind it. A word begins after anything
// that is no letter, digit or mark, except after an apostrophe inside a word.
func title(b *Buffer, s string) (string, *convert.Problem) {
	start := len(b.b)
	inside, apostrophe := false, false
	for _, r := range s {
		switch {
		case word(r):
			if inside || apostrophe {
				r = unicode.ToLower(r)
			} else {
				r = unicode.ToTitle(r)
			}
			inside, apostrophe = true, false
		case (r == '\'' || r == '’') && inside:
			inside, apostrophe = false, true
		default:
			inside, apostrophe = false, false
		}
		b.b = utf8.AppendRune(b.b, r)
	}
	return b.since(start), nil
}

// word reports whether a character is part of a word.
func word(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// digits keeps the digits 0 to 9.
func digits(b *Buffer, s string) (string, *convert.Problem) {
	start := len(b.b)
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			b.b = append(b.b, s[i])
		}
	}
	return b.since(start), nil
}

// slug gives small ASCII letters and digits with single hyphens between them. Accents go, the
// Latin letters that have no accent to lose are spelled out, all else separates.
func slug(b *Buffer, s string) (string, *convert.Problem) {
	start, hyphen := len(b.b), false
	for i, r := range s {
		if r >= utf8.RuneSelf {
			if d := norm.NFD.PropertiesString(s[i:]).Decomposition(); len(d) > 0 {
				r, _ = utf8.DecodeRune(d) // what follows it are marks
			}
			r = unicode.ToLower(r)
		} else if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		spelled := latin(r)
		if spelled == "" && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			hyphen = hyphen || !unicode.IsMark(r)
			continue
		}
		if hyphen && len(b.b) > start {
			b.b = append(b.b, '-')
		}
		hyphen = false
		if spelled != "" {
			b.b = append(b.b, spelled...)
		} else {
			b.b = append(b.b, byte(r))
		}
	}
	return b.since(start), nil
}

func latin(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ø':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'þ':
		return "th"
	case 'ı':
		return "i"
	}
	return ""
}

// lastSpace returns where the last white space of s begins, or -1.
func lastSpace(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		switch c := s[i]; {
		case c == ' ' || c >= '\t' && c <= '\r':
			return i
		case c >= utf8.RuneSelf:
			return strings.LastIndexFunc(s[:i+1], unicode.IsSpace)
		}
	}
	return -1
}

// lastName gives the last word of a full name; a name of one word is a last name.
func lastName(_ *Buffer, s string) (string, *convert.Problem) {
	s = strings.TrimSpace(s)
	if i := lastSpace(s); i >= 0 {
		_, size := utf8.DecodeRuneInString(s[i:])
		return s[i+size:], nil
	}
	return s, nil
}

// firstName gives the words before the last one, with single blanks between them.
func firstName(b *Buffer, s string) (string, *convert.Problem) {
	s = strings.TrimSpace(s)
	i := lastSpace(s)
	if i < 0 {
		return "", nil
	}
	s = strings.TrimSpace(s[:i])
	start, gap := len(b.b), false
	for _, r := range s {
		if unicode.IsSpace(r) {
			gap = true
			continue
		}
		if gap {
			b.b = append(b.b, ' ')
			gap = false
		}
		b.b = utf8.AppendRune(b.b, r)
	}
	return b.since(start), nil
}

// truncate keeps the first n characters (code points).
func truncate(n int) Func {
	return func(_ *Buffer, s string) (string, *convert.Problem) {
		if len(s) <= n {
			return s, nil
		}
		k := 0
		for i := range s {
			if k == n {
				return s[:i], nil
			}
			k++
		}
		return s, nil
	}
}

func replace(old, with string) Func {
	return func(b *Buffer, s string) (string, *convert.Problem) {
		i := strings.Index(s, old)
		if i < 0 {
			return s, nil
		}
		start := len(b.b)
		for i >= 0 {
			b.b = append(append(b.b, s[:i]...), with...)
			if len(b.b)-start > MaxText {
				return "", tooLong()
			}
			s = s[i+len(old):]
			i = strings.Index(s, old)
		}
		b.b = append(b.b, s...)
		return b.since(start), nil
	}
}

// split gives the n-th part, from 1; a negative n counts from the end. A part that is not
// there is nothing.
func split(sep string, n int) Func {
	if n > 0 {
		return func(_ *Buffer, s string) (string, *convert.Problem) {
			for i := 1; ; i++ {
				part, rest, more := strings.Cut(s, sep)
				if i == n {
					return part, nil
				}
				if !more {
					return "", nil
				}
				s = rest
			}
		}
	}
	return func(_ *Buffer, s string) (string, *convert.Problem) {
		for i := -1; ; i-- {
			at := strings.LastIndex(s, sep)
			if i == n {
				if at < 0 {
					return s, nil
				}
				return s[at+len(sep):], nil
			}
			if at < 0 {
				return "", nil
			}
			s = s[:at]
		}
	}
}

func prefix(p string) Func {
	return func(b *Buffer, s string) (string, *convert.Problem) { return join(b, p, s) }
}

func suffix(p string) Func {
	return func(b *Buffer, s string) (string, *convert.Problem) { return join(b, s, p) }
}

func join(b *Buffer, x, y string) (string, *convert.Problem) {
	if len(x)+len(y) > MaxText {
		return "", tooLong()
	}
	start := len(b.b)
	b.b = append(append(b.b, x...), y...)
	return b.since(start), nil
}

// hash gives the digest of the text in hex: of SHA-256 unless another algorithm is named. Those that
// others keep their lists of hashed addresses in are there; none of them hides what can be guessed.
func hash(algorithm string) (Func, error) {
	var sum func(dst, text []byte) []byte
	switch strings.ToLower(algorithm) {
	case "sha256":
		sum = func(dst, text []byte) []byte { d := sha256.Sum256(text); return hex.AppendEncode(dst, d[:]) }
	case "sha512":
		sum = func(dst, text []byte) []byte { d := sha512.Sum512(text); return hex.AppendEncode(dst, d[:]) }
	case "sha1":
		sum = func(dst, text []byte) []byte { d := sha1.Sum(text); return hex.AppendEncode(dst, d[:]) }
	case "md5":
		sum = func(dst, text []byte) []byte { d := md5.Sum(text); return hex.AppendEncode(dst, d[:]) }
	default:
		return nil, &ArgError{0, fmt.Errorf("unknown algorithm %q: use sha256, sha512, sha1 or md5", algorithm)}
	}
	return func(b *Buffer, s string) (string, *convert.Problem) {
		start := len(b.b)
		b.b = append(b.b, s...)
		b.b = sum(b.b[:start], b.b[start:])
		return b.since(start), nil
	}, nil
}
