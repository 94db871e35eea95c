package report

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ErrRowFile marks the error of a row file that is not as a run wrote it.
var ErrRowFile = errors.New("the row file is not as it was written")

// Line is what a line of a row file says of its record. Its strings are its own.
type Line struct {
	// File and Line say where the row stood in the run's input.
	File string
	Line int64
	// Target names the target, Code says why the record was not written.
	Target, Code string
	// Offset is where the line begins in the row file, Size how many bytes it has, with its end.
	Offset, Size int64
}

// RowFiles lists the names of the row files of a status: failed.csv, failed-2.csv, failed.jsonl.
func (d *Dir) RowFiles(s Status) ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("list the row files: %w", err)
	}
	type numbered struct {
		name string
		n    int
	}
	var found []numbered
	for _, e := range entries {
		if of, n, _, ok := parseName(e.Name()); ok && of == s {
			found = append(found, numbered{e.Name(), n})
		}
	}
	slices.SortStableFunc(found, func(a, b numbered) int { return a.n - b.n })
	names := make([]string, len(found))
	for i, f := range found {
		names[i] = f.name
	}
	return names, nil
}

// ReadLines calls f for every line of a row file of the directory. It returns the header's columns of
// the input, as CSV without our own; nil for JSON Lines. The error is an [ErrRowFile] if the file
// is none of ours or was changed, such as by a spreadsheet; f's error comes back as it is.
func (d *Dir) ReadLines(name string, f func(*Line) error) (header []byte, err error) {
	file, err := os.Open(d.Path(name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer file.Close() // only read from
	wrong := func(line int64, format string, args ...any) error {
		return fmt.Errorf("%w: %s:%d: %s", ErrRowFile, d.Path(name), line, fmt.Sprintf(format, args...))
	}
	s, _, isCSV, ok := parseName(name)
	switch {
	case !ok:
		return nil, wrong(1, "its name is none of a row file")
	case isCSV:
		text, err := readHeader(d.Path(name))
		if err != nil {
			return nil, wrong(1, "it has no header: %v", err)
		}
		original, ours := strings.CutSuffix(text, string(ownHeader(s)))
		if !ours {
			return nil, wrong(1, "its header does not end with our columns")
		}
		return []byte(original), linesOfCSV(file, s, wrong, f)
	}
	return nil, linesOfObjects(file, wrong, f)
}

// linesOfCSV reads the records behind the header. Where our columns stand is told from the end.
func linesOfCSV(file io.Reader, s Status, wrong func(int64, string, ...any) error, f func(*Line) error) error {
	r := csv.NewReader(file)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return wrong(1, "%v", err)
	}
	width := r.FieldsPerRecord
	first := width - bytes.Count(ownHeader(s), []byte(","))
	for {
		at := r.InputOffset()
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return wrong(int64(bad.StartLine), "%v", bad.Err)
		}
		if err != nil {
			return fmt.Errorf("read a row file: %w", err)
		}
		own := rec[first:]
		place, _ := r.FieldPos(0)
		n, err := strconv.ParseInt(own[1], 10, 64)
		if err != nil {
			return wrong(int64(place), "sfsync_line is %q", own[1])
		}
		l := Line{File: plain(own[0]), Line: n, Target: plain(own[2]), Code: plain(own[6]), Offset: at, Size: r.InputOffset() - at}
		if err := f(&l); err != nil {
			return err
		}
	}
}

// plain takes off the apostrophe with which [appendOwn] keeps a cell from being a formula.
func plain(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && risky(cell[1:]) {
		return cell[1:]
	}
	return cell
}

// linesOfObjects reads JSON Lines. Our members stand at the end of each line, and no text of the row's
// own can look like the first of them there.
func linesOfObjects(file io.Reader, wrong func(int64, string, ...any) error, f func(*Line) error) error {
	r := bufio.NewReaderSize(file, flushAt)
	var at int64
	for number := int64(1); ; number++ {
		text, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read a row file: %w", err)
		}
		own := bytes.LastIndex(text, []byte(`"sfsync_file":`))
		if own < 0 {
			return wrong(number, "the line has none of our keys")
		}
		var l struct {
			File   string `json:"sfsync_file"`
			Line   int64  `json:"sfsync_line"`
			Target string `json:"sfsync_target"`
			Code   string `json:"sfsync_code"`
		}
		if err := json.Unmarshal(append([]byte{'{'}, text[own:]...), &l); err != nil {
			return wrong(number, "%v", err)
		}
		size := int64(len(text))
		if err := f(&Line{File: l.File, Line: l.Line, Target: l.Target, Code: l.Code, Offset: at, Size: size}); err != nil {
			return err
		}
		at += size
	}
}

// FailedHeader returns the first line of a CSV file of failed rows whose input had these columns.
// A line of unknown rows fits under it with one more comma before its end.
func FailedHeader(columns []byte) []byte { return append(bytes.Clone(columns), ownHeader(Failed)...) }
