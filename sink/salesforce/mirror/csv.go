package mirror

import (
	"bufio"
	"errors"
	"io"
)

// csvReader reads the CSV of a query's results: values in quotes as a rule, quotes within them doubled,
// rows ended by LF or CRLF (Bulk API 2.0 guide, "Get Results for a Query Job"). Line breaks within a
// value stay as they are, which encoding/csv would not keep.
type csvReader struct {
	r     *bufio.Reader
	text  []byte
	ends  []int
	cells [][]byte
}

// maxCSVRow bounds a row: 5,000 fields and 400,000 characters are the most that the API takes, and long
// texts may have 131,072 characters each.
const maxCSVRow = 32 << 20

var (
	errCSVQuote = errors.New("a quote that does not end")
	errCSVLong  = errors.New("a row is too long")
)

// read returns the cells of the next row, valid until the next call; io.EOF behind the last.
func (c *csvReader) read() ([][]byte, error) {
	c.text, c.ends = c.text[:0], c.ends[:0]
	quoted := false // within quotes
	for n := 0; ; n++ {
		b, err := c.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && n == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF) && quoted:
			return nil, errCSVQuote
		case errors.Is(err, io.EOF):
			return c.row(), nil
		case err != nil:
			return nil, err
		case n >= maxCSVRow:
			return nil, errCSVLong
		}
		switch {
		case quoted && b != '"':
			c.text = append(c.text, b)
		case quoted:
			if next, err := c.r.Peek(1); err == nil && next[0] == '"' {
				_, _ = c.r.Discard(1) // it is there
				c.text = append(c.text, '"')
			} else {
				quoted = false
			}
		case b == '"':
			quoted = true
		case b == ',':
			c.ends = append(c.ends, len(c.text))
		case b == '\n':
			return c.row(), nil
		case b == '\r':
			if next, err := c.r.Peek(1); err != nil || next[0] != '\n' {
				c.text = append(c.text, b)
			}
		default:
			c.text = append(c.text, b)
		}
	}
}

func (c *csvReader) row() [][]byte {
	c.ends = append(c.ends, len(c.text))
	c.cells = c.cells[:0]
	from := 0
	for _, end := range c.ends {
		c.cells = append(c.cells, c.text[from:end])
		from = end
	}
	return c.cells
}
