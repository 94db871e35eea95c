package report

import (
	"bufio"
	"io"
	"os"
	"strconv"

	"sfsync/pipeline/row"
)

// maxHeader bounds the header that is read back from a row file.
const maxHeader = 16 << 20

// ownHeader is what follows the original columns in the header of a file; only failed rows can
// be ones that could not be read.
func ownHeader(s Status) []byte {
	const own = ",sfsync_file,sfsync_line,sfsync_target,sfsync_object,sfsync_action,sfsync_id,sfsync_code,sfsync_field,sfsync_message,sfsync_attempts"
	if s == Failed {
		return []byte(own + ",sfsync_raw\n")
	}
	return []byte(own + "\n")
}

// appendCSV appends the line of one outcome.
func (r *Rows) appendCSV(dst []byte, src *row.Batch, i int, bad bool, o *Outcome) []byte {
	n := len(src.Schema().Columns)
	raw := ""
	if bad && o.Status == Failed {
		raw = src.Raw(i)
	}
	for c := range n {
		if c > 0 {
			dst = append(dst, ',')
		}
		if raw == "" {
			dst = appendCell(dst, src.Cell(i, c).Text)
		}
	}
	dst = append(append(dst, ','), r.place...)
	dst = strconv.AppendInt(append(dst, ','), r.line, 10)
	dst = appendOwn(append(dst, ','), o.Target)
	dst = appendOwn(append(dst, ','), o.Object)
	dst = appendOwn(append(dst, ','), o.Action)
	dst = appendOwn(append(dst, ','), o.ID)
	dst = appendOwn(append(dst, ','), o.Code)
	dst = appendOwn(append(dst, ','), o.Field)
	dst = appendOwn(append(dst, ','), valid(o.Message))
	dst = strconv.AppendInt(append(dst, ','), int64(o.Attempts), 10)
	if o.Status == Failed {
		dst = append(dst, ',')
		if raw != "" {
			dst = appendOwn(dst, valid(raw))
		}
	}
	return append(dst, '\n')
}

// appendOwn appends one of our own cells.
func appendOwn(dst []byte, s string) []byte {
	if s == "" {
		return dst
	}
	if risky(s) {
		s = "'" + s
	}
	return appendCell(dst, s)
}

// appendCell appends a cell, in quotes only if RFC 4180 asks for them.
func appendCell(dst []byte, s string) []byte {
	special := false
	for i := range len(s) {
		if c := s[i]; c <= ',' && (c == '"' || c == ',' || c == '\n' || c == '\r') {
			special = true
			break
		}
	}
	if !special {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

// readHeader returns the first record of a file as it is written, with its line break.
func readHeader(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	r := bufio.NewReader(io.LimitReader(f, maxHeader))
	var line []byte
	quoted := false
	for {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		line = append(line, c)
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted {
			return string(line), nil
		}
	}
}
