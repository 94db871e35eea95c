package source

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"sfsync/pipeline/row"
)

// maxSize is the most a batch of JSON Lines may hold with its bookkeeping: rows of few keys
// out of very many columns need little text and much of that.
const maxSize = 8 * row.MaxBytes

// jsonlReader reads JSON Lines. A row costs one copy of its line into the batch's arena; its
// cells are spans of that copy, save strings with escapes.
type jsonlReader struct {
	common
	scan jsonScanner
	tree *pathTree
	line int64 // line of the next row

	first bool // the first line was looked at: info.Ours is known

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

func newJSONL(c common) (*jsonlReader, error) {
	r := &jsonlReader{common: c, line: 1}
	if err := r.checkLines(); err != nil {
		return nil, err
	}
	var paths []string
	var cols []row.Column
	seen := make(map[string]bool)
	for _, p := range c.opt.Paths {
		if !seen[p] {
			seen[p] = true
			paths = append(paths, p)
			cols = append(cols, row.Column{Name: p, Type: "json"})
		}
	}
	if len(paths) > row.MaxColumns {
		return nil, badOption(c.path, "%d columns are wanted; at most %d are read", len(paths), row.MaxColumns)
	}
	r.tree = newPathTree(paths)
	r.schema = row.NewSchema(cols...)
	return r, nil
}

// checkLines looks at the first lines and refuses a file that is JSON and not JSON Lines.
func (r *jsonlReader) checkLines() error {
	text := bytes.TrimLeft(r.buf.rest(), " \t\r\n")
	if len(text) == 0 {
		if r.buf.eof {
			r.warnf("the file is empty: it has no rows")
		}
		return nil
	}
	first, rest, whole := bytes.Cut(text, []byte("\n"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	whole = whole || r.buf.eof
	switch text[0] {
	case '[':
		if whole && validJSON(first) && len(rest) > 0 && rest[0] == '{' {
			return nil // a bad first row
		}
		return malformed(r.path, "is a JSON array, not JSON Lines (one object a line): convert it, such as by jq -c '.[]' in.json > out.jsonl")
	case '{':
		if !whole || len(rest) == 0 || rest[0] == '{' {
			break
		}
		if s, ok := scanLine(first); !ok && s.at == s.end {
			return malformed(r.path, "is JSON over several lines, not JSON Lines (one object a line): convert it, such as by jq -c . in.json > out.jsonl")
		}
	}
	if whole && len(first) < r.opt.MaxLine { // else the first line that can be read decides
		r.first, r.info.Ours = true, oursLine(first) != nil
	}
	return nil
}

func (r *jsonlReader) Complete() bool { return false }

func (r *jsonlReader) Warnings() []string {
	w := r.warnings[:len(r.warnings):len(r.warnings)]
	if r.repeats > 0 {
		m := fmt.Sprintf("line %d: the key %s is named twice in one object; the last one counts", r.repeatLine, quoteShort(r.repeatKey))
		if r.repeats > 1 {
			m += fmt.Sprintf(" (so in %d rows)", r.repeats)
		}
		w = append(w, m)
	}
	return w
}

func (r *jsonlReader) Next(ctx context.Context) (*row.Batch, error) {
	if r.err != nil {
		return nil, r.final()
	}
	b := r.opt.Pool.Get(r.schema)
	for !b.Full() && b.Size() < maxSize {
		n, err := r.nextLine(ctx)
		if err == nil && n > r.opt.MaxLine {
			err = r.tooLong(ctx, b)
		} else if err == nil {
			r.add(b, n)
			r.line++
			r.buf.skip(n)
		}
		if err != nil {
			return r.done(b, err)
		}
	}
	return r.done(b, nil)
}

// nextLine returns the length of the next line, with its end. A line of more than MaxLine
// may be in the buffer in part only.
func (r *jsonlReader) nextLine(ctx context.Context) (int, error) {
	from := 0
	for {
		rest := r.buf.rest()
		if i := bytes.IndexByte(rest[from:], '\n'); i >= 0 {
			return from + i + 1, nil
		}
		from = len(rest)
		switch {
		case r.buf.eof && len(rest) == 0:
			return 0, io.EOF
		case r.buf.eof || len(rest) > r.opt.MaxLine:
			return len(rest), nil
		}
		if err := r.fill(ctx); err != nil {
			return 0, err
		}
	}
}

func (r *jsonlReader) tooLong(ctx context.Context, b *row.Batch) error {
	i := b.AddRow(r.line)
	b.SetRaw(i, r.excerpt())
	b.Fail(i, row.Problem{Code: "LINE_TOO_LONG", Message: fmt.Sprintf("the line is longer than %d bytes", r.opt.MaxLine)})
	r.line++
	return r.skipLine(ctx, '\n')
}

// add adds the line of n bytes at the start of the buffer as a row, unless it is blank.
func (r *jsonlReader) add(b *row.Batch, n int) {
	data := r.buf.data[r.buf.pos:]
	text := bytes.TrimRight(data[:n], " \t\r\n")
	if len(text) == 0 {
		return
	}
	if !r.first {
		r.first, r.info.Ours = true, oursLine(text) != nil
	}
	if r.info.Ours {
		if o := oursLine(text); o != nil {
			if o.unread {
				i := b.AddRow(r.line)
				b.SetRaw(i, o.raw)
				b.Fail(i, unread(string(o.code), string(o.message)))
				b.SetOnly(i, string(o.target))
				r.origin = setOrigin(b, i, o.file, o.line, r.origin)
				return
			}
			r.trimmed = append(append(r.trimmed[:0], text[:o.cut]...), "}\x00\x00\x00\x00\x00\x00\x00\x00"...)
			data, text = r.trimmed, r.trimmed[:o.cut+1]
			defer func() {
				b.SetOnly(r.row, string(o.target))
				r.origin = setOrigin(b, r.row, o.file, o.line, r.origin)
			}()
		}
	}
	r.parse(b, data, text)
}

// parse adds the line text, which is the beginning of data, as a row.
func (r *jsonlReader) parse(b *row.Batch, data, text []byte) {
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
	if p < 0 || s.wide&highBits != 0 || r.recoded {
		if problem, bad := r.badText(text, r.line, '\n'); bad {
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
		problem.Message = place(text, s.at, '\n', r.line) + ": " + problem.Message
		r.reject(problem)
		return
	}
	if len(r.pending) > 0 && !r.widen() {
		r.reject(row.Problem{Code: "BAD_KEY", Message: "new keys keep coming: is a key made of data?"})
	}
}

// reject makes the row a problem without cells.
func (r *jsonlReader) reject(p row.Problem) {
	for c := range r.batch.Schema().Columns {
		r.batch.SetKind(r.row, c, row.Absent)
	}
	r.batch.Fail(r.row, p)
}
