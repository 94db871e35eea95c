package csv

import (
	"bytes"
	"strings"

	"sfsync/pipeline/source/inputerr"
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
		return 0, inputerr.BadOption(path, "delimiter %s: it must be one ASCII character (or comma, tab, semicolon, pipe, auto), and no quote", inputerr.Quote(name))
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
