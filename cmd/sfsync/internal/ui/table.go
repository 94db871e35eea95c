package ui

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Table prints rows in aligned columns, the head in capitals, and none if it is all blank. Columns named in right are
// aligned to the right (numbers). Control characters in cells are shown as escapes, so that
// data cannot steer the terminal.
func Table(w io.Writer, head []string, rows [][]string, right ...int) error {
	widths := make([]int, len(head))
	clean := make([][]string, 0, len(rows)+1)
	for i, row := range append([][]string{head}, rows...) {
		line := make([]string, len(head))
		for j := range head {
			if j < len(row) {
				line[j] = visible(row[j])
			}
			if i == 0 {
				line[j] = strings.ToUpper(line[j])
			}
			widths[j] = max(widths[j], utf8.RuneCountInString(line[j]))
		}
		clean = append(clean, line)
	}
	isRight := make([]bool, len(head))
	for _, j := range right {
		isRight[j] = true
	}
	if strings.Join(head, "") == "" {
		clean = clean[1:]
	}
	var b, line strings.Builder
	for _, row := range clean {
		line.Reset()
		for j, cell := range row {
			if j > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if isRight[j] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func visible(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// safe shows control characters as escapes, as visible does, but leaves line ends and tabs, and all else as it is.
func safe(s string) string {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if strings.IndexFunc(s, control) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if control(r) {
			b.WriteString(visible(string(r)))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Count renders a number for people: 4,000.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Rows renders a number of rows: "1 row", "4,000 rows".
func Rows(n int64) string { return Plural(n, "row", "rows") }

// Plural renders a number with the word for one or for many.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Elapsed renders a duration in the unit that fits: 850ms, 4.2s, 3m05s.
func Elapsed(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
