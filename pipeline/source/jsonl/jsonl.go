// Package jsonl reads the rows of JSON Lines: files of one JSON object a line.
package jsonl

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/inputerr"
	"sfsync/pipeline/source/rowfile"
	"sfsync/pipeline/source/textfile"
)

// maxSize is the most a batch of JSON Lines may hold with its bookkeeping: rows of few keys
// out of very many columns need little text and much of that.
const maxSize = 8 * row.MaxBytes

// Options say what is read of the rows. The zero Options want no column.
type Options struct {
	// Paths are the columns wanted: a key, or keys joined by dots that lead through nested
	// objects. A top-level key that is spelled exactly like a path wins over it. A path that meets
	// anything but an object is absent.
	Paths []string
	// Rest appends the other top-level keys as columns where they are met. A key with which one of
	// Paths begins is not another key.
	Rest bool
}

// Reader reads the rows of a file. A row costs one copy of its line into the batch's arena; its
// cells are spans of that copy, save strings with escapes. It is not safe for concurrent use.
type Reader struct {
	file   *textfile.File
	schema *row.Schema
	rest   bool // Options.Rest
	scan   scanner
	tree   *pathTree
	line   int64 // line of the next row

	first bool // the first line was looked at: ours is known
	ours  bool // the file is a row file of an earlier run

	batch   *row.Batch // the batch being filled,
	row     int        // the row in it,
	off     int        // and where the row's line begins in its arena
	stamp   uint64     // numbers the rows; never 0
	pending []pendingCell
	growth  int    // rows that brought new keys
	badKey  string // what is wrong with a key of the row, if anything
	name    []byte // a key with its escapes undone
	trimmed []byte // a line without our own keys
	origin  string // the file that the row before stood in, of a row file of ours

	repeats     int64 // rows with a key named twice
	repeatLine  int64 // the first of them
	repeatKey   string
	repeatedRow uint64 // the stamp of the last of them
}

// New looks at the first lines of a file. The error is an [*inputerr.Error]: the file is JSON and
// not JSON Lines, or too many columns are wanted.
func New(file *textfile.File, opt Options) (*Reader, error) {
	r := &Reader{file: file, line: 1, rest: opt.Rest}
	if err := r.checkLines(); err != nil {
		return nil, err
	}
	var paths []string
	var cols []row.Column
	seen := make(map[string]bool)
	for _, p := range opt.Paths {
		if !seen[p] {
			seen[p] = true
			paths = append(paths, p)
			cols = append(cols, row.Column{Name: p, Type: "json"})
		}
	}
	if len(paths) > row.MaxColumns {
		return nil, inputerr.BadOption(file.Path(), "%d columns are wanted; at most %d are read", len(paths), row.MaxColumns)
	}
	r.tree = newPathTree(paths)
	r.schema = row.NewSchema(cols...)
	return r, nil
}

// checkLines looks at the first lines and refuses a file that is JSON and not JSON Lines.
func (r *Reader) checkLines() error {
	text := bytes.TrimLeft(r.file.Rest(), " \t\r\n")
	if len(text) == 0 {
		if r.file.EOF() {
			r.file.Warnf("the file is empty: it has no rows")
		}
		return nil
	}
	first, rest, whole := bytes.Cut(text, []byte("\n"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	whole = whole || r.file.EOF()
	switch text[0] {
	case '[':
		if whole && Valid(first) && len(rest) > 0 && rest[0] == '{' {
			return nil // a bad first row
		}
		return inputerr.Malformed(r.file.Path(), "is a JSON array, not JSON Lines (one object a line): convert it, such as by jq -c '.[]' in.json > out.jsonl")
	case '{':
		if !whole || len(rest) == 0 || rest[0] == '{' {
			break
		}
		if s, ok := scanLine(first); !ok && s.at == s.end {
			return inputerr.Malformed(r.file.Path(), "is JSON over several lines, not JSON Lines (one object a line): convert it, such as by jq -c . in.json > out.jsonl")
		}
	}
	if whole && len(first) < r.file.MaxLine() { // else the first line that can be read decides
		r.first, r.ours = true, oursLine(first) != nil
	}
	return nil
}

// Schema returns the columns known so far.
func (r *Reader) Schema() *row.Schema { return r.schema }

// Complete is false: any line may bring a key.
func (r *Reader) Complete() bool { return false }

// Ours reports whether the file is a row file of an earlier run, as far as it was read.
func (r *Reader) Ours() bool { return r.ours }

// Warnings returns what is odd about the file as far as it was read.
func (r *Reader) Warnings() []string {
	w := r.file.Warnings()
	w = w[:len(w):len(w)]
	if r.repeats > 0 {
		m := fmt.Sprintf("line %d: the key %s is named twice in one object; the last one counts", r.repeatLine, inputerr.Quote(r.repeatKey))
		if r.repeats > 1 {
			m += fmt.Sprintf(" (so in %d rows)", r.repeats)
		}
		w = append(w, m)
	}
	return w
}

// Read adds rows to a batch of the reader's schema until it is full; the schema may grow. The error
// is io.EOF where the file ends, the context's, or an [*inputerr.Error]; the rows before it are in
// the batch.
func (r *Reader) Read(ctx context.Context, b *row.Batch) error {
	for !b.Full() && b.Size() < maxSize {
		n, err := r.nextLine(ctx)
		if err == nil && n > r.file.MaxLine() {
			err = r.tooLong(ctx, b)
		} else if err == nil {
			r.add(b, n)
			r.line++
			r.file.Skip(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nextLine returns the length of the next line, with its end. A line of more than MaxLine
// may be in the buffer in part only.
func (r *Reader) nextLine(ctx context.Context) (int, error) {
	from := 0
	for {
		rest := r.file.Rest()
		if i := bytes.IndexByte(rest[from:], '\n'); i >= 0 {
			return from + i + 1, nil
		}
		from = len(rest)
		switch {
		case r.file.EOF() && len(rest) == 0:
			return 0, io.EOF
		case r.file.EOF() || len(rest) > r.file.MaxLine():
			return len(rest), nil
		}
		if err := r.file.Fill(ctx); err != nil {
			return 0, err
		}
	}
}

func (r *Reader) tooLong(ctx context.Context, b *row.Batch) error {
	i := b.AddRow(r.line)
	b.SetRaw(i, r.file.Excerpt())
	b.Fail(i, row.Problem{Code: "LINE_TOO_LONG", Message: fmt.Sprintf("the line is longer than %d bytes", r.file.MaxLine())})
	r.line++
	return r.file.SkipLine(ctx, '\n')
}

// add adds the line of n bytes at the start of the buffer as a row, unless it is blank.
func (r *Reader) add(b *row.Batch, n int) {
	data := r.file.Padded()
	text := bytes.TrimRight(data[:n], " \t\r\n")
	if len(text) == 0 {
		return
	}
	if !r.first {
		r.first, r.ours = true, oursLine(text) != nil
	}
	if r.ours {
		if o := oursLine(text); o != nil {
			if o.unread {
				i := b.AddRow(r.line)
				b.SetRaw(i, o.raw)
				b.Fail(i, rowfile.Unread(string(o.code), string(o.message)))
				b.SetOnly(i, string(o.target))
				r.origin = rowfile.SetOrigin(b, i, o.file, o.line, r.origin)
				return
			}
			r.trimmed = append(append(r.trimmed[:0], text[:o.cut]...), "}\x00\x00\x00\x00\x00\x00\x00\x00"...)
			data, text = r.trimmed, r.trimmed[:o.cut+1]
			defer func() {
				b.SetOnly(r.row, string(o.target))
				r.origin = rowfile.SetOrigin(b, r.row, o.file, o.line, r.origin)
			}()
		}
	}
	r.parse(b, data, text)
}

// encodingAdvice ends the message about bytes that are not UTF-8.
const encodingAdvice = ": convert the file, such as by iconv"

// parse adds the line text, which is the beginning of data, as a row.
func (r *Reader) parse(b *row.Batch, data, text []byte) {
	r.batch, r.row = b, b.AddRow(r.line)
	r.off = b.SetRaw(r.row, text)
	r.stamp++
	r.pending, r.badKey = r.pending[:0], ""
	s := &r.scan
	s.reset(data, len(text))
	p := s.space(0)
	if s.peek(p) != '{' {
		if p = s.value(p, 0); p >= 0 {
			p = s.fail(s.space(0), "the line holds a value that is no object")
		}
	} else if p = r.object(p, r.tree.root, 0); p >= 0 {
		if p = s.space(p); p < s.end {
			p = s.fail(p, "text follows the object: there must be one object a line")
		}
	}
	if p < 0 || s.wide&highBits != 0 || r.file.Recoded() {
		if problem, bad := r.file.BadText(text, r.line, '\n', encodingAdvice); bad {
			r.reject(problem)
			return
		}
	}
	if p < 0 {
		problem := row.Problem{Code: "BAD_JSON", Message: s.why}
		switch {
		case s.deep:
			problem = row.Problem{Code: "TOO_DEEP", Message: fmt.Sprintf("nested deeper than %d levels", maxDepth)}
		case r.badKey != "":
			problem = row.Problem{Code: "BAD_KEY", Message: r.badKey}
		}
		problem.Message = textfile.Place(text, s.at, '\n', r.line) + ": " + problem.Message
		r.reject(problem)
		return
	}
	if len(r.pending) > 0 && !r.widen() {
		r.reject(row.Problem{Code: "BAD_KEY", Message: "new keys keep coming: is a key made of data?"})
	}
}

// reject makes the row a problem without cells.
func (r *Reader) reject(p row.Problem) {
	for c := range r.batch.Schema().Columns {
		r.batch.SetKind(r.row, c, row.Absent)
	}
	r.batch.Fail(r.row, p)
}
