package source

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"sfsync/pipeline/row"
)

// delimiters are the characters that are looked for, in the order that decides a draw.
//
//nolint:gochecknoglobals // a table that never changes
var delimiters = [...]byte{',', '\t', ';', '|'}

// sniffRows is how many rows the search for the delimiter looks at.
const sniffRows = 100

// parseDelimiter returns the delimiter an option names, or 0 for auto.
func parseDelimiter(path, name string) (byte, error) {
	switch strings.ToLower(name) {
	case "", "auto":
		return 0, nil
	case "comma":
		return ',', nil
	case "tab", `\t`:
		return '\t', nil
	case "semicolon":
		return ';', nil
	case "pipe":
		return '|', nil
	case "space":
		return ' ', nil
	}
	if len(name) != 1 || name[0] < ' ' && name[0] != '\t' && name[0] != 0x1F || name[0] == '"' || name[0] >= 0x7F {
		return 0, badOption(path, "delimiter %s: it must be one ASCII character (or comma, tab, semicolon, pipe, auto), and no quote", quoteShort(name))
	}
	return name[0], nil
}

// sniffEOL tells what ends the lines: CR if the text has any, and no LF, outside quotes.
func sniffEOL(text []byte) byte {
	quoted, eol := false, byte('\n')
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n':
			return '\n'
		case c == '\r' && i+1 < len(text):
			eol = '\r'
		}
	}
	return eol
}

// sniffDelimiter chooses the delimiter that splits the most rows into as many cells as the
// header, each row weighted by its cells. Of equals the preferred one wins, then the order
// of delimiters. Text without any of them is taken for one column.
func sniffDelimiter(data []byte, end int, last bool, eol, preferred byte) byte {
	if preferred == 0 {
		preferred = ','
	}
	best, bestScore := preferred, 0
	for _, d := range delimiters {
		score := sniffScore(data, end, last, d, eol)
		if score > bestScore || score == bestScore && score > 0 && d == preferred {
			best, bestScore = d, score
		}
	}
	return best
}

func sniffScore(data []byte, end int, last bool, delim, eol byte) int {
	s := newScanner(delim, eol)
	width, same := 0, 0
	for p, rows := 0, 0; p < end && rows < sniffRows; {
		if n := lineEnd(data[p:end], eol); n > 0 {
			p += n
			continue
		}
		n, status := s.record(data[p:], end-p, last)
		if status == needMore && rows > 0 {
			break
		}
		if status != scanned {
			if rows == 0 {
				return 0
			}
			n = physicalLine(data[p:end], eol)
			s.cells = s.cells[:0]
		}
		if rows == 0 {
			width = len(s.cells)
		} else if len(s.cells) == width {
			same++
		}
		p += n
		rows++
	}
	return (width - 1) * (1 + same)
}

// lineEnd returns the length of the line end at the start of text, or 0.
func lineEnd(text []byte, eol byte) int {
	switch {
	case len(text) > 0 && text[0] == eol:
		return 1
	case eol == '\n' && len(text) > 1 && text[0] == '\r' && text[1] == '\n':
		return 2
	}
	return 0
}

// physicalLine returns the length of the first line of text with its end, quotes or not.
func physicalLine(text []byte, eol byte) int {
	if i := bytes.IndexByte(text, eol); i >= 0 {
		return i + 1
	}
	return len(text)
}

// separatorLine recognizes the line "sep=;" that Excel writes and reads, and returns the
// delimiter it names and its length.
func separatorLine(text []byte, eol byte) (delim byte, n int) {
	n = physicalLine(text, eol)
	line := bytes.TrimRight(text[:n], "\r\n")
	if len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) && line[4] > ' ' && line[4] < 0x7F && line[4] != '"' ||
		len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) && line[4] == '\t' {
		return line[4], n
	}
	return 0, 0
}

// uniqueColumns makes columns of header cells by [uniqueNames].
func uniqueColumns(names []string, warnf func(string, ...any)) []row.Column {
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	cols := make([]row.Column, len(names))
	for i, n := range uniqueNames(names, order, warnf) {
		cols[i] = row.Column{Name: n, Type: "text"}
	}
	return cols
}

// uniqueNames makes names unique: an empty one becomes column_3, a repeated one email_2. The
// numbers avoid names that are there already. Of equal names the first in order keeps it.
func uniqueNames(names []string, order []int, warnf func(string, ...any)) []string {
	taken := make(map[string]bool, len(names))
	for _, n := range names {
		taken[n] = true
	}
	used := make(map[string]bool, len(names))
	next := make(map[string]int)
	free := func(base string, from int) string {
		if from == 0 && !taken[base] && !used[base] {
			return base
		}
		n := max(from, 2, next[base])
		for taken[base+"_"+strconv.Itoa(n)] || used[base+"_"+strconv.Itoa(n)] {
			n++
		}
		next[base] = n + 1
		return base + "_" + strconv.Itoa(n)
	}
	out := make([]string, len(names))
	for _, i := range order {
		n := names[i]
		name := n
		switch {
		case n == "":
			name = free("column_"+strconv.Itoa(i+1), 0)
			warnf("column %d has no name: read as %s", i+1, name)
		case used[n]:
			name = free(n, 2)
			warnf("column %d: the name %s appears again: read as %s", i+1, quoteShort(n), quoteShort(name))
		}
		used[name] = true
		out[i] = name
	}
	return out
}

// plural writes a count with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
