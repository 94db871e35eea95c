// Package number reads plain decimal numbers as text.
package number

import "strings"

// Plain drops the leading zeros of a decimal number, which JSON does not allow.
func Plain(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	s = strings.TrimLeft(s, "0")
	if s == "" || s[0] == '.' {
		s = "0" + s
	}
	return sign + s
}

// Decimal counts the digits before and behind the point of a plain decimal number, leading
// zeros aside.
func Decimal(s string) (whole, fraction int, ok bool) {
	s = strings.TrimPrefix(s, "-")
	w, frac, point := strings.Cut(s, ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	if !digits(w) || point && !digits(frac) {
		return 0, 0, false
	}
	return len(strings.TrimLeft(w, "0")), len(frac), true
}
