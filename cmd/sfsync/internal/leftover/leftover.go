// Package leftover finds what a run and the later tries at its rows have left to be done: the
// records that failed or whose outcome is unknown, as the row files have them.
package leftover

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"sfsync/mapping"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
)

// Record is a record that a run could not write, or of which nobody knows whether it did.
type Record struct {
	// File and Line say where its row stood in the input of the first run.
	File string
	Line int64
	// Target and Code are those of the last try at it.
	Target, Code string
	Unknown      bool
}

// Rest is what is left to be done, in the order of the input.
type Rest struct {
	// Records is how many records there are, Resolved how many more there were, of which a later
	// try knows better, and Refused those that were not wanted.
	Records, Resolved, Refused int64

	files    []file
	lines    []line
	segments [][2]int // lines from, up to
}

// file is a row file with lines that are left.
type file struct {
	path   string
	header []byte // of the input's columns; nil for JSON Lines
	status report.Status
}

// line is where a record stands: in its row file, and in the input.
type line struct {
	file         int32
	in           int32 // the input file, by its name's number
	number       int64
	offset, size int64
}

// key tells records apart, by the numbers of the names of file and target.
type key struct {
	in, target int32
	line       int64
}

// fate is what a later try made of a record.
type fate struct {
	code    int32 // its name's number
	done    bool
	unknown bool
}

// names numbers names.
type names struct {
	number map[string]int32
	all    []string
}

func (n *names) of(name string) int32 {
	if i, ok := n.number[name]; ok {
		return i
	}
	if n.number == nil {
		n.number = make(map[string]int32)
	}
	i := int32(len(n.all))
	name = strings.Clone(name) // of a whole line, which is not to stay for it
	n.number[name] = i
	n.all = append(n.all, name)
	return i
}

// Find reads the row files of a run and of the tries after it, the latest last, and returns what is
// left of the former: the records that failed or are unknown there, and that no later try wrote or
// had a reason to skip. want is asked about each, as its last try left it. An error is about a row
// file that cannot be read.
func Find(run *report.Dir, later []*report.Dir, want func(*Record) bool) (*Rest, error) {
	var inputs, targets, codes names
	fates := make(map[key]fate)
	for _, d := range later {
		for status := report.Succeeded; status <= report.Unknown; status++ {
			err := each(d, status, func(_ int, l *report.Line) {
				if l.Code == mapping.CodeOtherTarget {
					return // the row was there for another of its records
				}
				f := fate{done: status == report.Succeeded || status == report.Skipped, unknown: status == report.Unknown}
				if !f.done {
					f.code = codes.of(l.Code)
				}
				fates[key{inputs.of(l.File), targets.of(l.Target), l.Line}] = f
			}, nil)
			if err != nil {
				return nil, err
			}
		}
	}
	rest := &Rest{}
	for _, status := range []report.Status{report.Failed, report.Unknown} {
		err := each(run, status, func(i int, l *report.Line) {
			rec := Record{File: l.File, Line: l.Line, Target: l.Target, Code: l.Code, Unknown: status == report.Unknown}
			in := inputs.of(l.File)
			if f, ok := fates[key{in, targets.of(l.Target), l.Line}]; ok {
				if f.done {
					rest.Resolved++
					return
				}
				rec.Code, rec.Unknown = codes.all[f.code], f.unknown
			}
			if !want(&rec) {
				rest.Refused++
				return
			}
			rest.lines = append(rest.lines, line{file: int32(i), in: in, number: l.Line, offset: l.Offset, size: l.Size})
		}, rest)
		if err != nil {
			return nil, err
		}
	}
	rest.Records = int64(len(rest.lines))
	rest.sort(inputs.all)
	return rest, nil
}

// each calls f for every line of the row files of a status, with the file's number among those of
// rest, which gets them if it is not nil.
func each(d *report.Dir, status report.Status, f func(i int, l *report.Line), rest *Rest) error {
	found, err := d.RowFiles(status)
	if err != nil {
		return err
	}
	for _, name := range found {
		i := 0
		if rest != nil {
			i = len(rest.files)
			rest.files = append(rest.files, file{path: d.Path(name), status: status})
		}
		header, err := d.ReadLines(name, func(l *report.Line) error { f(i, l); return nil })
		if err != nil {
			return err
		}
		if rest != nil {
			rest.files[i].header = header
		}
	}
	return nil
}

// sort brings the lines into the order in which a run reads its input, by path and line, and cuts
// them where the columns change.
func (r *Rest) sort(inputs []string) {
	slices.SortStableFunc(r.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(inputs[a.in], inputs[b.in]), cmp.Compare(a.number, b.number))
	})
	for i := range r.lines {
		if n := len(r.segments); n > 0 && string(r.header(i)) == string(r.header(i-1)) {
			r.segments[n-1][1]++
			continue
		}
		r.segments = append(r.segments, [2]int{i, i + 1})
	}
}

func (r *Rest) header(i int) []byte { return r.files[r.lines[i].file].header }

// Inputs returns the records as row files that a run reads, one after the other. They are read once,
// from the row files they stand in.
func (r *Rest) Inputs() []source.Input {
	var all []source.Input
	for i, s := range r.segments {
		in := source.Input{Format: "jsonl", Once: true}
		var head []byte
		if header := r.header(s[0]); header != nil {
			in.Format, head = "csv", report.FailedHeader(header)
		}
		in.Path = "retry." + in.Format
		if i > 0 {
			in.Path = fmt.Sprintf("retry-%d.%s", i+1, in.Format)
		}
		in.Reader = &reader{rest: r, next: s[0], end: s[1], text: head, csv: head != nil}
		all = append(all, in)
	}
	return all
}

// reader reads a segment's lines out of their files, of which one is open at a time.
type reader struct {
	rest      *Rest
	next, end int
	csv       bool
	text      []byte // not yet handed out
	buf       []byte
	f         *os.File
	at        int32 // the file that is open
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for len(r.text) == 0 {
		if r.next == r.end {
			return 0, cmp.Or(r.close(), io.EOF)
		}
		if err := r.load(&r.rest.lines[r.next]); err != nil {
			return 0, err
		}
		r.next++
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

// load makes a line the text that is handed out next.
func (r *reader) load(l *line) error {
	from := &r.rest.files[l.file]
	if r.f == nil || r.at != l.file {
		err := r.close()
		if err == nil {
			r.f, err = os.Open(from.path)
		}
		if err != nil {
			return err
		}
		r.at = l.file
	}
	r.buf = slices.Grow(r.buf[:0], int(l.size)+2)[:l.size]
	if _, err := r.f.ReadAt(r.buf, l.offset); err != nil {
		return fmt.Errorf("read %s again: %w", from.path, err)
	}
	for n := len(r.buf); n > 0 && r.buf[n-1] == '\n'; n-- {
		r.buf = r.buf[:n-1]
	}
	if r.csv && from.status != report.Failed {
		r.buf = append(r.buf, ',')
	}
	r.buf = append(r.buf, '\n')
	r.text = r.buf
	return nil
}

func (r *reader) close() error {
	if r.f == nil {
		return nil
	}
	f := r.f
	r.f = nil
	return f.Close()
}
