package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"sfsync/mapping/jsoncell"
	"sfsync/pipeline/row"
)

// Status says into which of the row files a row's outcome goes.
type Status uint8

// The statuses. An outcome with the zero Status goes nowhere.
const (
	Succeeded Status = iota + 1
	Failed
	Skipped
	Unknown
	statuses
)

func (s Status) String() string {
	if s >= statuses {
		return fmt.Sprintf("Status(%d)", uint8(s))
	}
	return [...]string{"", "succeeded", "failed", "skipped", "unknown"}[s]
}

// Outcome is what became of a row for one target. Its strings are only read during the call
// that gets it.
type Outcome struct {
	Status Status
	// Target is the name of the target, Object the API name of its object.
	Target, Object string
	// Action is created, updated, deleted, published, unchanged or skipped, or "".
	Action string
	// ID is the record's id of 18 characters, "" if it is not known.
	ID string
	// Code, Field and Message say why the row was not written: the org's own words, or ours.
	Code, Field, Message string
	// Attempts is how often the record was sent.
	Attempts int
}

const (
	// flushAt is the size at which a file's buffer is written out.
	flushAt = 64 << 10
	// maxOpen is how many row files are open at once; inputs with many headers make many.
	maxOpen = 64
)

// Rows writes the row files of a run: succeeded, failed, skipped and unknown, as CSV for rows that
// come from CSV and as JSON Lines for all others, one line a row and target. A file comes into
// being with its first line. CSV rows go to one file a distinct header: failed.csv,
// failed-2.csv.
//
// In CSV the original cells come first, byte for byte, then our own, which a spreadsheet
// cannot take for formulas. In JSON Lines our keys are appended to the original object. Of a
// row that could not be read only the text is kept, as sfsync_raw.
type Rows struct {
	dir     *Dir
	headers map[string]*header
	objects header // of the JSON Lines files
	files   []*file
	count   [statuses]int // CSV files by status
	open    int
	tick    int64 // the age of files, for closing the one that was not used longest
	closed  bool
	cuts    []cut // what Restore left to be cut off

	// The schema of the last batch, to spare building its header again.
	schema *row.Schema
	header *header
	place  []byte // the row's file as a CSV cell or JSON string
	placed string // the file that place is of
	line   int64  // the row's line
}

// header is a distinct header of CSV inputs, with the files that have it.
type header struct {
	line  []byte // the original columns, as CSV without our own
	files [statuses]*file
}

// file is one row file. It holds a descriptor while it is open; what is appended while it is
// closed reopens it.
type file struct {
	name string
	f    *os.File
	buf  []byte
	size int64 // of what was handed to the system
	safe int64 // of what is on disk
	used int64
	made bool // the file exists and is ours
}

// NewRows returns a writer of the directory's row files, of which there must be none yet.
// After a first try at the run, call [Rows.Restore].
func NewRows(d *Dir) (*Rows, error) {
	info, err := os.Stat(d.path)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: d.path, Err: fs.ErrInvalid}
	}
	if err != nil {
		return nil, failed("open the run directory", err)
	}
	return &Rows{dir: d, headers: make(map[string]*header)}, nil
}

// Batch writes the outcomes of a batch's rows, in order, for each of so many targets. name is
// the path of the batch's file as users know it; a row that comes from a row file of an earlier run
// stands where it stood in that one's input.
func (r *Rows) Batch(src *row.Batch, name string, targets int, outcome func(row, target int) Outcome) error {
	if err := r.cutOff(); err != nil {
		return err
	}
	schema := src.Schema()
	csv := isCSV(schema)
	h := &r.objects
	if csv {
		h = r.headerOf(schema)
	}
	r.place = r.place[:0]
	for i := range src.Len() {
		problem, bad := src.Problem(i)
		unread := bad && !problem.Sound
		r.at(src, i, name, csv)
		for t := range targets {
			o := outcome(i, t)
			if o.Status == 0 {
				continue
			}
			if bad && o.Code == "" {
				o.Code, o.Message = problem.Code, problem.Message
			}
			f := h.files[o.Status]
			if f == nil {
				f = r.newFile(h, o.Status, csv)
			}
			if csv {
				f.buf = r.appendCSV(f.buf, src, i, unread, &o)
			} else {
				f.buf = r.appendObject(f.buf, src, i, unread, &o)
			}
			if len(f.buf) >= flushAt {
				if err := r.flush(f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// at notes where row i of a batch stands.
func (r *Rows) at(src *row.Batch, i int, name string, csv bool) {
	file, line := src.Place(i, name)
	r.line = line
	switch {
	case len(r.place) > 0 && file == r.placed:
		return
	case csv:
		r.place = appendOwn(r.place[:0], valid(file))
	default:
		r.place = jsoncell.AppendText(r.place[:0], file)
	}
	r.placed = file
}

// isCSV reports whether a schema is that of a CSV file, by the word its columns have as type.
func isCSV(s *row.Schema) bool { return len(s.Columns) > 0 && s.Columns[0].Type == "text" }

// headerOf returns the header of a CSV schema.
func (r *Rows) headerOf(s *row.Schema) *header {
	if s == r.schema {
		return r.header
	}
	var line []byte
	for i, c := range s.Columns {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendCell(line, c.Name)
	}
	h := r.headers[string(line)]
	if h == nil {
		h = &header{line: line}
		r.headers[string(line)] = h
	}
	r.schema, r.header = s, h
	return h
}

// newFile begins the file of a status, in its buffer.
func (r *Rows) newFile(h *header, s Status, csv bool) *file {
	f := &file{buf: make([]byte, 0, flushAt+4<<10)}
	if csv {
		r.count[s]++
		f.name = csvName(s, r.count[s])
		f.buf = append(append(f.buf, h.line...), ownHeader(s)...)
	} else {
		f.name = s.String() + ".jsonl"
	}
	h.files[s] = f
	r.files = append(r.files, f)
	return f
}

func csvName(s Status, n int) string {
	if n == 1 {
		return s.String() + ".csv"
	}
	return fmt.Sprintf("%s-%d.csv", s, n)
}

// flush hands a file's buffer to the system.
func (r *Rows) flush(f *file) error {
	if len(f.buf) == 0 {
		return nil
	}
	r.tick++
	f.used = r.tick
	if f.f == nil {
		if err := r.reopen(f); err != nil {
			return failed("open "+f.name, err)
		}
	}
	n, err := f.f.Write(f.buf)
	f.size += int64(n)
	if err != nil {
		// What is left would begin in the middle of a line.
		f.buf = f.buf[:copy(f.buf, f.buf[n:])]
		return failed("write "+f.name, err)
	}
	f.buf = f.buf[:0]
	if cap(f.buf) > 16*flushAt {
		f.buf = nil // one huge row must not keep its memory
	}
	return nil
}

func (r *Rows) reopen(f *file) error {
	if r.open >= maxOpen {
		if err := r.closeOldest(); err != nil {
			return err
		}
	}
	flags := os.O_WRONLY | os.O_APPEND
	if !f.made {
		flags |= os.O_CREATE | os.O_EXCL
	}
	var err error
	if f.f, err = os.OpenFile(r.dir.Path(f.name), flags, fileMode); err != nil {
		return err
	}
	f.made = true
	r.open++
	return nil
}

func (r *Rows) closeOldest() error {
	var oldest *file
	for _, f := range r.files {
		if f.f != nil && (oldest == nil || f.used < oldest.used) {
			oldest = f
		}
	}
	if oldest == nil {
		return nil
	}
	return r.closeFile(oldest)
}

// sync brings an open file's bytes to disk.
func (f *file) sync() error {
	if f.f == nil || f.safe == f.size {
		return nil
	}
	if err := f.f.Sync(); err != nil {
		return err
	}
	f.safe = f.size
	return nil
}

func (r *Rows) closeFile(f *file) error {
	err := errors.Join(f.sync(), f.f.Close())
	f.f = nil
	r.open--
	return err
}

// Commit brings everything written so far to disk and returns where the files end now: a small
// JSON document for [Rows.Restore], which can rely on it even after a loss of power.
func (r *Rows) Commit() (json.RawMessage, error) {
	offsets := make(map[string]int64, len(r.files))
	made := false // a file whose name may not be on disk yet
	for _, f := range r.files {
		if err := r.flush(f); err != nil {
			return nil, err
		}
		made = made || f.safe == 0
		if err := f.sync(); err != nil {
			return nil, failed("write "+f.name, err)
		}
		offsets[f.name] = f.size
	}
	if made {
		if err := syncDir(r.dir.path); err != nil {
			return nil, failed("write the row files", err)
		}
	}
	text, err := json.Marshal(offsets)
	if err != nil {
		return nil, failed("note where the row files end", err)
	}
	return text, nil
}

// Restore cuts the directory's row files back to where they ended at a commit of an earlier
// try, and removes those that came later; nil stands for the beginning. It must come before
// the first batch, with which that is done: a try that comes to none leaves the report as it was.
func (r *Rows) Restore(offsets json.RawMessage) error {
	ends := make(map[string]int64)
	if len(offsets) > 0 {
		if err := json.Unmarshal(offsets, &ends); err != nil {
			return failed("take up the row files", err)
		}
	}
	entries, err := os.ReadDir(r.dir.path)
	if err != nil {
		return failed("take up the row files", err)
	}
	for _, e := range entries {
		s, n, csv, ok := parseName(e.Name())
		if !ok {
			continue
		}
		end, known := ends[e.Name()]
		if !known {
			r.cuts = append(r.cuts, cut{e.Name(), -1})
			continue
		}
		delete(ends, e.Name())
		if err := r.takeUp(e.Name(), s, n, csv, end); err != nil {
			return failed("take up "+e.Name(), err)
		}
		r.cuts = append(r.cuts, cut{e.Name(), end})
	}
	for name, end := range ends {
		if end > 0 {
			return failed("take up "+name, fmt.Errorf("the ledger knows of %d bytes: %w", end, fs.ErrNotExist))
		}
	}
	return nil
}

// cut is a file that is longer than the ledger knows of, which is to end there; one that it does not know goes, at -1.
type cut struct {
	name string
	end  int64
}

// cutOff does what Restore left to do.
func (r *Rows) cutOff() error {
	for _, c := range r.cuts {
		var err error
		if path := r.dir.Path(c.name); c.end < 0 {
			err = os.Remove(path)
		} else {
			err = os.Truncate(path, c.end)
		}
		if err != nil {
			return failed("take up "+c.name, err)
		}
	}
	r.cuts = nil
	return nil
}

// takeUp makes one file known.
func (r *Rows) takeUp(name string, s Status, n int, csv bool, end int64) error {
	path := r.dir.Path(name)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() < end {
		return fmt.Errorf("it has %d bytes, the ledger knows of %d: it was changed, or lost its end when the machine went down: start a new run", info.Size(), end)
	}
	h := &r.objects
	if csv {
		line, err := readHeader(path)
		if err != nil {
			return err
		}
		original, ok := strings.CutSuffix(line, string(ownHeader(s)))
		if !ok {
			return errors.New("its header is not ours: it was changed")
		}
		if h = r.headers[original]; h == nil {
			h = &header{line: []byte(original)}
			r.headers[original] = h
		}
		r.count[s] = max(r.count[s], n)
	}
	f := &file{name: name, size: end, made: true}
	h.files[s] = f
	r.files = append(r.files, f)
	return nil
}

// parseName reads the name of a row file: failed.csv, failed-2.csv, failed.jsonl.
func parseName(name string) (s Status, n int, csv, ok bool) {
	base, csv := strings.CutSuffix(name, ".csv")
	if !csv {
		if base, ok = strings.CutSuffix(name, ".jsonl"); !ok {
			return 0, 0, false, false
		}
	}
	word, number, numbered := strings.Cut(base, "-")
	n = 1
	if numbered {
		n, _ = strconv.Atoi(number) // what is no number makes no name of ours below
	}
	for s = Succeeded; s < statuses; s++ {
		if s.String() == word {
			return s, n, csv, n > 0 && (csv && csvName(s, n) == name || !csv && !numbered)
		}
	}
	return 0, 0, false, false
}

// Close writes what is left, brings the files to disk and closes them. A second call does nothing.
func (r *Rows) Close() error {
	var errs []error
	if r.closed {
		return nil
	}
	r.closed = true
	for _, f := range r.files {
		err := r.flush(f)
		if f.f != nil {
			err = errors.Join(err, r.closeFile(f))
		}
		if err != nil && !errors.Is(err, ErrReport) {
			err = failed("write "+f.name, err)
		}
		errs = append(errs, err)
	}
	if len(r.files) > 0 {
		if err := syncDir(r.dir.path); err != nil {
			errs = append(errs, failed("write the row files", err))
		}
	}
	return errors.Join(errs...)
}
