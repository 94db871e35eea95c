package diag

import "unicode"

// maxLetters is how much of a name is compared: what differs only after 64 letters is near enough.
const maxLetters = 64

// Nearest returns the candidate that a person most likely meant by name, or "". Case and
// punctuation count less than letters. It takes well under a microsecond a candidate.
func Nearest(name string, candidates []string) string {
	best, limit := "", 1+max(1, min(len(name), maxLetters)/3)
	var a, b letters
	a.fold(name)
	for _, c := range candidates {
		b.fold(c)
		if a.atLeast(&b) >= limit {
			continue
		}
		if d := distance(a.runes(), b.runes(), limit); d < limit {
			best, limit = c, d
		}
	}
	return best
}

// DidYouMean returns a hint that names the nearest candidate, or "".
func DidYouMean(name string, candidates []string) string {
	if n := Nearest(name, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	return ""
}

// letters are those of a name that are compared: in lower case, without punctuation.
type letters struct {
	all [maxLetters]rune
	n   int
	// count says how often each letter is there, by its last five bits.
	count [32]int8
}

func (l *letters) runes() []rune { return l.all[:l.n] }

func (l *letters) fold(s string) {
	l.n, l.count = 0, [32]int8{}
	for _, r := range s {
		switch {
		case l.n == maxLetters:
			return
		case r == '_' || r == '-' || r == ' ' || r == '.':
			continue
		}
		r = unicode.ToLower(r)
		l.all[l.n] = r
		l.count[r&31]++
		l.n++
	}
}

// atLeast is a lower bound of the distance: no single change makes a difference of more than two
// in the counts.
func (l *letters) atLeast(other *letters) int {
	differ := 0
	for i, n := range l.count {
		d := int(n) - int(other.count[i])
		differ += max(d, -d)
	}
	return (differ + 1) / 2
}

// distance is the number of insertions, deletions, substitutions and swaps of neighbours
// between x and y, or limit if there are at least that many.
func distance(x, y []rune, limit int) int {
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit {
		return limit
	}
	// Only cells near the diagonal can be below the limit; the others hold it.
	var rows [3][maxLetters + 1]int
	two, one, cur := &rows[0], &rows[1], &rows[2]
	for j := range len(y) + 1 {
		two[j], one[j] = limit, min(j, limit)
	}
	oneLeast := 0
	for i := 1; i <= len(x); i++ {
		from, to := max(1, i-limit+1), min(len(y), i+limit-1)
		cur[from-1] = limit
		if from == 1 {
			cur[0] = min(i, limit)
		}
		least := cur[from-1]
		for j := from; j <= to; j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(one[j]+1, cur[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, two[j-2]+1)
			}
			cur[j] = d
			least = min(least, d)
		}
		for j := to + 1; j <= min(len(y), to+2); j++ {
			cur[j] = limit
		}
		if least >= limit && oneLeast >= limit {
			return limit
		}
		oneLeast = least
		two, one, cur = one, cur, two
	}
	return min(one[len(y)], limit)
}
