package convert

import (
	"bytes"

	"sfsync/pipeline/row"
)

// maxPrecision is the most digits of a Salesforce number.
const maxPrecision = 18

// maxNumber is the longest text that is looked at as a number.
const maxNumber = 400

type numberFault uint8

const (
	numberOK numberFault = iota
	numberSyntax
	numberRange
	numberFraction
)

// decimal takes a number of double, currency and percent fields: an optional sign, digits with
// at most one dot, an optional exponent. More decimals than the field has are rounded half away
// from zero, on the text; Salesforce rounds too (how it rounds a half is not documented). Too
// many digits before the dot fail. Zeros that say nothing are dropped, so equal numbers are equal text.
func (c *Converter) decimal(dst []byte, s string, k row.Kind) ([]byte, row.Kind, *Problem) {
	return c.number(dst, s, k, false)
}

// integer takes a whole number; "3.0" and "3e2" are whole, "3.5" is not: JSON with decimals in
// an int field is refused by the org for the whole request.
func (c *Converter) integer(dst []byte, s string, k row.Kind) ([]byte, row.Kind, *Problem) {
	return c.number(dst, s, k, true)
}

func (c *Converter) number(dst []byte, s string, k row.Kind, whole bool) ([]byte, row.Kind, *Problem) {
	if k == row.Bool {
		return dst, row.Null, problem(CodeType, "%s is no number", Quote(s))
	}
	base := len(dst)
	dst, fault := appendDecimal(dst, s, c.intDigits, c.decimals, whole || c.exact)
	if fault == numberOK && whole && beyond(dst[base:], c.intDigits) {
		fault = numberRange
	}
	switch fault {
	case numberSyntax:
		return dst[:base], row.Null, problem(CodeType, "value not of required type: %s is no number%s", Quote(s), numberHint(s))
	case numberFraction:
		if !whole {
			return dst[:base], row.Null, problem(CodeRange, "%s has more than %d decimals: a key is not rounded", Quote(s), c.decimals)
		}
		return dst[:base], row.Null, problem(CodeType, "value not of required type: %s is no whole number", Quote(s))
	case numberRange:
		if whole {
			return dst[:base], row.Null, problem(CodeRange, "value outside of valid range on numeric field: %s (at most %d digits)", Quote(s), c.intDigits)
		}
		return dst[:base], row.Null, problem(CodeRange, "value outside of valid range on numeric field: %s (at most %d digits before the decimal point)", Quote(s), c.intDigits)
	}
	return dst, row.Number, nil
}

// beyond reports whether canonical digits exceed the type behind them: 32 bits for an int, 64
// for a long.
func beyond(digits []byte, intDigits int) bool {
	limit := "2147483647"
	if intDigits == 19 {
		limit = "9223372036854775807"
	}
	neg := digits[0] == '-'
	if neg {
		digits = digits[1:]
	}
	if len(digits) != len(limit) {
		return len(digits) > len(limit)
	}
	if bytes.Compare(digits, []byte(limit)) <= 0 {
		return false
	}
	last := len(limit) - 1 // below zero there is one more
	return !neg || string(digits[:last]) != limit[:last] || digits[last] != limit[last]+1
}

func numberHint(s string) string {
	for i := range len(s) {
		if s[i] == ',' || s[i] == '\'' || s[i] == ' ' || s[i] >= 0x80 {
			return ": for separators and currency signs use number(locale)"
		}
	}
	return ""
}

// IsNumber reports whether a text is a decimal number: an optional sign, digits with at most
// one dot, an optional exponent.
func IsNumber(s string) bool {
	var buf [64]byte
	_, fault := appendDecimal(buf[:0], s, maxNumber, maxNumber, false)
	return fault != numberSyntax
}

// appendDecimal appends the canonical form of a decimal number: no plus sign, no exponent, no
// zeros at either end that say nothing, rounded half away from zero to so many decimals. The
// fault is 0 for a good number. exact makes further decimals a fault.
func appendDecimal(dst []byte, s string, intDigits, decimals int, exact bool) ([]byte, numberFault) {
	if len(s) > maxNumber {
		return dst, numberSyntax
	}
	i, neg := 0, false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		neg = s[0] == '-'
		i = 1
	}
	// The significant digits are gathered behind dst; the value is 0.DIGITS × 10^point.
	base := len(dst)
	point, digits, dot := 0, 0, false
	for ; i < len(s); i++ {
		b := s[i]
		if b == '.' && !dot {
			dot = true
			continue
		}
		if !isDigit(b) {
			break
		}
		digits++
		if len(dst) > base || b != '0' {
			dst = append(dst, b)
			if !dot {
				point++
			}
		} else if dot {
			point--
		}
	}
	if digits == 0 {
		return dst[:base], numberSyntax
	}
	if i < len(s) {
		exp, ok := exponent(s[i:])
		if !ok {
			return dst[:base], numberSyntax
		}
		point += exp
	}
	d := dst[base:]
	for len(d) > 0 && d[len(d)-1] == '0' {
		d = d[:len(d)-1]
	}
	if len(d) == 0 {
		return append(dst[:base], '0'), numberOK
	}
	if point > intDigits {
		return dst[:base], numberRange
	}
	if keep := point + decimals; keep < len(d) {
		if exact {
			return dst[:base], numberFraction
		}
		d, point = round(d, keep, point)
		if len(d) == 0 {
			return append(dst[:base], '0'), numberOK
		}
		if point > intDigits {
			return dst[:base], numberRange
		}
	}
	return spell(dst[:base], len(d), point, neg), numberOK
}

// exponent reads e, E and a number of at most four digits.
func exponent(s string) (int, bool) {
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	neg := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = min(n*10+int(s[i]-'0'), 9999)
	}
	if neg {
		n = -n
	}
	return n, true
}

// round keeps so many digits of d and drops zeros at the end. What it returns is empty for zero.
func round(d []byte, keep, point int) ([]byte, int) {
	if keep < 0 {
		return d[:0], 0
	}
	up := d[keep] >= '5'
	d = d[:keep]
	if up {
		i := keep - 1
		for ; i >= 0 && d[i] == '9'; i-- {
		}
		if i < 0 {
			d = append(d[:0], '1')
			return d, point + 1
		}
		d[i]++
		d = d[:i+1]
	}
	for len(d) > 0 && d[len(d)-1] == '0' {
		d = d[:len(d)-1]
	}
	return d, point
}

// spell writes the n digits behind dst out as a number. They are moved up first, to make room
// for the sign, the dot and zeros.
func spell(dst []byte, n, point int, neg bool) []byte {
	base := len(dst)
	room := 0
	if neg {
		room++
	}
	switch {
	case point <= 0:
		room += 2 - point // "0." and zeros
	case point < n:
		room++ // "."
	}
	dst = dst[:base+n]
	for range room {
		dst = append(dst, 0)
	}
	digits := dst[base : base+n]
	w := base
	if point <= 0 {
		copy(dst[base+room:], digits)
		if neg {
			dst[w] = '-'
			w++
		}
		dst[w], dst[w+1] = '0', '.'
		for w += 2; w < base+room; w++ {
			dst[w] = '0'
		}
		return dst
	}
	if point < n {
		copy(dst[base+room+point:], digits[point:])
		dst[base+room+point-1] = '.'
	}
	if neg {
		copy(dst[base+1:], digits[:min(point, n)])
		dst[base] = '-'
	}
	for range point - n {
		dst = append(dst, '0')
	}
	return dst
}
