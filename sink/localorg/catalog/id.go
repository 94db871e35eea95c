package catalog

import (
	"sfsync/mapping/schema"
)

// Base62 are the digits of ids, in ASCII order, so that ids sort as they were given out.
const Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// sequenceDigits is how many of an id's 15 characters count: 3 are the key prefix and 3 the
// instance.
const sequenceDigits = 9

// MakeID returns the 18-character id of the n-th record of a prefix in an instance.
func MakeID(prefix, instance string, n int64) string {
	var b [15]byte
	copy(b[:3], prefix)
	copy(b[3:6], instance)
	for i := 14; i >= 15-sequenceDigits; i-- {
		b[i] = Base62[n%62]
		n /= 62
	}
	return schema.ID18(string(b[:]))
}

// NormalID returns the 18-character form of a 15- or 18-character id and whether it is one:
// letters and digits only and, with 18, the right check characters, which an id with a
// changed case does not have.
func NormalID(s string) (string, bool) {
	if len(s) != 15 && len(s) != 18 {
		return s, false
	}
	for i := range len(s) {
		c := s[i]
		if !alphanumeric(c) {
			return s, false
		}
	}
	if len(s) == 15 {
		return schema.ID18(s), true
	}
	return s, schema.ID18(s[:15]) == s
}

// ID18 returns an id with its check characters, or the text itself if it is none.
func ID18(s string) string {
	id, _ := NormalID(s)
	return id
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
