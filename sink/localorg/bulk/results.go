package bulk

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"sfsync/sink/localorg/bulk/csv"
	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/bulk/load"
	"sfsync/sink/localorg/rest"
)

// set is one of the three result sets of a job.
type set int

const (
	successful set = iota
	failed
	unprocessed
)

// idOnFailure is the version since which failed rows have their sf__Id where it is known (Bulk API 2.0
// guide, Get Job Failed Record Results).
const idOnFailure = 53

// results answers with a result set. It is written while it is read: memory does not grow with it. Rows come
// in another order than they were uploaded in, and so do columns; the same job always answers alike.
func (s *Service) results(rq *rest.Request, j *jobs.Job, which set) *rest.Response {
	switch {
	case rq.Method != http.MethodGet:
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	case !j.State.Ended():
		return wrongState("The results of a Job that is " + string(j.State) + " are not available yet")
	}
	return &rest.Response{
		Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/csv"}},
		Stream: func(ctx context.Context, w io.Writer) error {
			r := &reader{s: s, j: j, which: which, w: w, dialect: dialect(j)}
			return r.write(ctx)
		},
	}
}

// reader writes a result set.
type reader struct {
	s       *Service
	j       *jobs.Job
	which   set
	w       io.Writer
	dialect csv.Dialect
	rng     *rand.Rand
	columns []int // the places of the columns in the file, in the order of the answer
	out     []byte
}

// flushAt is how much of an answer is collected before it is sent.
const flushAt = 64 << 10

func (r *reader) write(ctx context.Context) error {
	h := fnv.New64a()
	_, _ = io.WriteString(h, r.j.ID)
	r.rng = rand.New(rand.NewPCG(h.Sum64(), uint64(r.which)))
	rows := csv.NewReader(r.s.table.Data(ctx, r.j.ID, 0), r.dialect)
	header, err := rows.Read()
	if err != nil {
		return r.nothing(err)
	}
	names := r.names(header)
	columns := rand.New(rand.NewPCG(h.Sum64(), 0))
	r.columns = columns.Perm(len(names))
	r.header(names)
	body := rows.Offset()
	done, err := r.s.table.Progress(ctx, r.j.ID)
	if err != nil {
		return err
	}
	if r.which == unprocessed {
		if err := r.rest(ctx, max(body, done.End)); err != nil {
			return err
		}
		return r.flush()
	}
	for _, seq := range r.rng.Perm(done.Chunks) {
		if err := r.chunk(ctx, seq); err != nil {
			return err
		}
	}
	return r.flush()
}

// nothing ends the answer for a file that has not even a header: it is empty.
func (r *reader) nothing(err error) error {
	if _, ok := errors.AsType[*load.Error](FileError(err, r.dialect)); ok || FileError(err, r.dialect) == nil {
		return nil
	}
	return err
}

// names are those of the columns as the object spells them; as they were uploaded if they do not fit it.
func (r *reader) names(header []string) []string {
	rq, ob, key, err := Writer(r.s.cfg.As, r.j, "")
	if err == nil {
		if plan, err := load.Bind(rq.Catalog, ob, r.j.Operation, key, header); err == nil {
			return plan.Names()
		}
	}
	return append([]string(nil), header...)
}

// header writes the head: only the columns of Salesforce's own are quoted there (recorded).
func (r *reader) header(names []string) {
	switch r.which {
	case successful:
		r.out = append(r.out, `"sf__Id"`...)
		r.out = append(append(r.out, r.dialect.Delimiter), `"sf__Created"`...)
	case failed:
		r.out = append(r.out, `"sf__Id"`...)
		r.out = append(append(r.out, r.dialect.Delimiter), `"sf__Error"`...)
	}
	for _, c := range r.columns {
		if len(r.out) > 0 {
			r.out = append(r.out, r.dialect.Delimiter)
		}
		if name := names[c]; strings.ContainsAny(name, "\"\r\n") || strings.IndexByte(name, r.dialect.Delimiter) >= 0 {
			r.out = csv.Append(r.out, name)
		} else {
			r.out = append(r.out, name...)
		}
	}
	r.out = r.dialect.AppendEnd(r.out)
}

// row writes the values of a row behind those of Salesforce's own.
func (r *reader) row(own []string, row []string) error {
	for i, v := range own {
		if i > 0 {
			r.out = append(r.out, r.dialect.Delimiter)
		}
		r.out = csv.Append(r.out, v)
	}
	for i, c := range r.columns {
		if i > 0 || len(own) > 0 {
			r.out = append(r.out, r.dialect.Delimiter)
		}
		v := ""
		if c < len(row) {
			v = row[c]
		}
		r.out = csv.Append(r.out, v)
	}
	r.out = r.dialect.AppendEnd(r.out)
	if len(r.out) < flushAt {
		return nil
	}
	return r.flush()
}

func (r *reader) flush() error {
	_, err := r.w.Write(r.out)
	r.out = r.out[:0]
	return err
}

// chunk writes the rows of a chunk that are in the set.
func (r *reader) chunk(ctx context.Context, seq int) error {
	c, err := r.s.table.Chunk(ctx, r.j.ID, seq)
	if err != nil {
		return err
	}
	if c == nil || r.which == failed && c.Failed == 0 || r.which == successful && c.Failed == c.Rows {
		return nil
	}
	type line struct{ own, row []string }
	lines := make([]line, 0, c.Rows)
	data := io.LimitReader(r.s.table.Data(ctx, r.j.ID, c.Start), c.Size)
	err = Rows(data, r.dialect, c, func(row []string, o jobs.Outcome) error {
		switch {
		case (o.Error != "") != (r.which == failed):
		case r.which == failed:
			if r.j.Version < idOnFailure {
				o.ID = ""
			}
			lines = append(lines, line{[]string{o.ID, o.Error}, append([]string(nil), row...)})
		default:
			lines = append(lines, line{[]string{o.ID, strconv.FormatBool(o.Created)}, append([]string(nil), row...)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, i := range r.rng.Perm(len(lines)) {
		if err := r.row(lines[i].own, lines[i].row); err != nil {
			return err
		}
	}
	return nil
}

// rest writes the rows from a byte on as they were uploaded.
func (r *reader) rest(ctx context.Context, from int64) error {
	rows := csv.NewReader(r.s.table.Data(ctx, r.j.ID, from), r.dialect)
	for {
		row, err := rows.Read()
		if bad, isRow := errors.AsType[*csv.RowError](err); isRow {
			row, err = []string{bad.Text}, nil
		}
		if err != nil {
			return r.nothing(err)
		}
		if err := r.row(nil, row); err != nil {
			return err
		}
	}
}

// Rows calls fn with each row of a chunk, as it was uploaded, and what became of it. data is the chunk's part
// of the file. A row that cannot be taken apart has its text as its only value.
func Rows(data io.Reader, d csv.Dialect, c *jobs.Chunk, fn func(row []string, o jobs.Outcome) error) error {
	rows := csv.NewReader(data, d)
	left := c.Outcomes
	for range c.Rows {
		row, err := rows.Read()
		if bad, isRow := errors.AsType[*csv.RowError](err); isRow {
			row, err = []string{bad.Text}, nil
		}
		if err != nil {
			return err
		}
		var o jobs.Outcome
		if o, left, err = jobs.CutOutcome(left); err != nil {
			return err
		}
		if err := fn(row, o); err != nil {
			return err
		}
	}
	return nil
}
