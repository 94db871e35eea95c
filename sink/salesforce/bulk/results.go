package bulk

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"sfsync/pipeline/spill"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/estimate"
	"sfsync/sink/salesforce/transfer"
	"sfsync/sink/salesforce/wire"
)

// The columns of result files that are not the upload's (Bulk API 2.0 guide, "Get Job … Record
// Results").
const (
	columnID      = "sf__Id"
	columnCreated = "sf__Created"
	columnError   = "sf__Error"
)

// results reads the result files of a job that has ended and tells of each record what they say. Failed
// and aborted jobs keep what they had written, so all files are read whatever the state.
func (j *Jobs) results(ctx context.Context, f *File, info Info, each func(int, sink.Result)) error {
	if err := j.tell(ctx, f, info, each); err != nil {
		return undecided(err) // which counts more than why the job has failed
	}
	if info.State != JobComplete {
		return failure(info)
	}
	return nil
}

// tell is results whatever made the job end: an error is one of reading the files.
func (j *Jobs) tell(ctx context.Context, f *File, info Info, each func(int, sink.Result)) error {
	f.index.free()
	told := make([]bool, f.Len())
	var stop error
	for _, set := range [...]struct {
		name   string
		result func(*resultRow) sink.Result
	}{
		{"successfulResults", f.succeeded},
		{"failedResults", f.failed},
		{"unprocessedrecords", func(*resultRow) sink.Result {
			e := failure(info)
			if info.State == JobComplete {
				e = catalog.New(sink.Retry, catalog.CodeUnfinished, "the org has not worked the record off")
			}
			return sink.Result{Status: sink.NotSent, Err: e}
		}},
	} {
		err := j.read(ctx, f, info.ID, set.name, func(r *resultRow) {
			if place, ok := f.place(r); ok && !told[place] {
				told[place] = true
				each(place, set.result(r))
			}
		})
		if err != nil {
			stop = fmt.Errorf("read the results of job %s: %w", info.ID, err)
			break
		}
	}
	missing := &sink.Error{Class: sink.Network, Code: catalog.CodeNoResult, Lost: true, Message: "the record is in none of the results of job " + info.ID}
	for place, ok := range told {
		if !ok {
			each(place, sink.Result{Status: sink.Unknown, Err: missing})
		}
	}
	return stop
}

// resultRow is a row of a result file.
type resultRow struct {
	header []string // of the file
	cells  []string
	at     []int // of the upload's columns in the file, or -1; made for the first row
}

func (r *resultRow) get(name string) string {
	for i, h := range r.header {
		if strings.EqualFold(h, name) && i < len(r.cells) {
			return r.cells[i]
		}
	}
	return ""
}

// id is the id of the row's record, on its own: a part of the row's text would keep all of it in memory as long
// as the result lives.
func (r *resultRow) id() string { return strings.Clone(r.get(columnID)) }

// place finds the record that a row is about.
func (f *File) place(r *resultRow) (int, bool) {
	if r.at == nil {
		r.at = make([]int, len(f.columns))
		for i, c := range f.columns {
			r.at[i] = slices.IndexFunc(r.header, func(h string) bool { return strings.EqualFold(h, c.name) })
		}
	}
	sum := f.index.hash()
	for i := range f.columns {
		c := &f.columns[i]
		if f.keyed() && !c.key {
			continue
		}
		value := ""
		if at := r.at[i]; at >= 0 && at < len(r.cells) {
			value = r.cells[at]
		} else if c.of == "" {
			value = r.get(columnID)
		}
		sum.add(f.fold(c, plainBreaks(value)))
	}
	return f.index.take(sum)
}

// succeeded is the result of a row that has been written.
func (f *File) succeeded(r *resultRow) sink.Result {
	res := sink.Result{ID: r.id()}
	switch f.spec.Action {
	case sink.Create:
		res.Status = sink.Created
	case sink.Delete:
		res.Status = sink.Deleted
	default:
		res.Status = sink.Updated
		if f.spec.Action == sink.Upsert && strings.EqualFold(r.get(columnCreated), "true") {
			res.Status = sink.Created
		}
	}
	return res
}

// failed is the result of a row that has been refused.
func (f *File) failed(r *resultRow) sink.Result {
	return sink.Result{Status: sink.Failed, ID: r.id(), Err: ParseError(strings.Clone(r.get(columnError)))}
}

// ParseError reads the error of a row: "CODE:message:field,field --", where the message may hold
// anything (recorded; "--" alone where there are no fields).
func ParseError(s string) *sink.Error {
	s = strings.TrimSpace(s)
	s, bare := strings.CutSuffix(s, "--")
	s = strings.TrimSpace(s)
	code, rest, ok := strings.Cut(s, ":")
	e := &sink.Error{Code: strings.TrimSpace(code), Message: rest}
	if !ok || e.Code == "" || strings.ContainsAny(e.Code, " \t\n") {
		return &sink.Error{Code: "UNKNOWN_EXCEPTION", Class: catalog.Classify("UNKNOWN_EXCEPTION", ""), Message: wire.Clip(s, 4000)}
	}
	if i := strings.LastIndexByte(rest, ':'); bare && i >= 0 {
		if fields := strings.TrimSpace(rest[i+1:]); fields == "" || !strings.ContainsAny(fields, " \n") {
			e.Message = rest[:i]
			for name := range strings.SplitSeq(fields, ",") {
				if name = strings.TrimSpace(name); name != "" {
					e.Fields = append(e.Fields, name)
				}
			}
		}
	}
	e.Message = wire.Clip(e.Message, 4000)
	e.Class = catalog.Classify(e.Code, e.Message)
	return e
}

// downloads is how often a result file is asked for, where what comes is not one.
const downloads = 5

// read downloads a result file and calls each for its rows. The file is kept on disk meanwhile, since
// an answer that breaks off begins anew, and no row may be told twice. What is no result file, such as a gateway's
// page with the status of a success, is asked for again: its records would be taken for ones without a result.
func (j *Jobs) read(ctx context.Context, f *File, id, set string, each func(*resultRow)) (err error) {
	s, err := spill.Create(j.Dir, "bulk-*.results")
	if err != nil {
		return fmt.Errorf("keep the results of a job: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for n := 0; ; n++ {
		// The paths of two end in a slash in the guide; orgs take all of them either way.
		if err := j.Org.Transfer(ctx, &transfer.Request{Method: http.MethodGet, Path: ingest + "/" + id + "/" + set, Repeat: true, To: s}); err != nil {
			return err
		}
		err := rows(s, set, f.checks(set))
		if err == nil {
			return rows(s, set, func(r *resultRow) error {
				if r.cells != nil {
					each(r)
				}
				return nil
			})
		}
		if bad := (*sink.Error)(nil); n == downloads-1 || !errors.As(err, &bad) {
			return err
		}
		if err := j.sleep(ctx, time.Duration((0.5+0.5*j.rand())*float64(estimate.PollAfter(n)))); err != nil {
			return err
		}
	}
}

// checks returns a function that says of the rows of a result file whether they are of one: its header has the
// columns of the set, or at least one of the upload's.
func (f *File) checks(set string) func(*resultRow) error {
	want := map[string]string{"successfulResults": columnID, "failedResults": columnError}[set]
	known := false
	return func(r *resultRow) error {
		known = known || slices.ContainsFunc(r.header, func(name string) bool {
			return strings.EqualFold(name, want) || want == "" && slices.ContainsFunc(f.columns, func(c column) bool { return strings.EqualFold(name, c.name) })
		})
		if !known {
			return errors.New("its header has none of the columns that are to be expected")
		}
		return nil
	}
}

// rows reads a result file from its beginning and calls each for the header, without cells, and for every row. An error of
// it, and what is not CSV, makes a [*sink.Error].
func rows(s io.ReadSeeker, set string, each func(*resultRow) error) error {
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", set, err)
	}
	r := csv.NewReader(bufio.NewReaderSize(s, 64<<10))
	r.ReuseRecord = true
	r.FieldsPerRecord = -1
	var row resultRow
	for {
		cells, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
		case row.header == nil:
			row.header = slices.Clone(cells)
			row.header[0] = strings.TrimPrefix(row.header[0], "\ufeff")
			err = each(&row)
		default:
			row.cells = cells
			err = each(&row)
		}
		if err != nil {
			return &sink.Error{Class: sink.Network, Code: catalog.CodeBadAnswer, Lost: true, Message: set + " is not the CSV that the API gives: " + err.Error()}
		}
	}
}
