package source

import (
	"context"
	"errors"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/csv"
	"sfsync/pipeline/source/inputerr"
	"sfsync/pipeline/source/jsonl"
	"sfsync/pipeline/source/textfile"
)

// rowReader finds the rows in a text file.
type rowReader interface {
	// Read adds rows to a batch of Schema until it is full. The error is io.EOF where the file
	// ends, the context's, or an [*Error]; the rows before it are in the batch.
	Read(ctx context.Context, b *row.Batch) error
	Schema() *row.Schema
	Complete() bool
	Warnings() []string
	// Ours reports whether the file is a row file of an earlier run, as far as it was read.
	Ours() bool
}

// textReader hands out the rows of CSV and JSON Lines.
type textReader struct {
	rowReader
	file *textfile.File
	pool *row.Pool
	info Info  // but for what file and rowReader know
	err  error // final, to be returned once the batch before it was handed out
	// damaged is set once err says how many rows came before it.
	damaged bool
}

// openText opens a text file of a format, which begins with head.
func openText(ctx context.Context, path, format string, opt Options, st *textfile.Stream, head []byte) (Reader, error) {
	ours := false
	if format != "csv" {
		opt.Encoding = "auto"
	} else if d, ok := csv.FindOurs(head); ok {
		ours = true
		opt.Delimiter, opt.Encoding = string(rune(d)), "utf-8"
	}
	file, err := textfile.NewFile(ctx, st, textfile.Options{Encoding: opt.Encoding, MaxLine: opt.MaxLine, Block: opt.Block})
	if err != nil {
		return nil, err
	}
	r := &textReader{file: file, pool: opt.Pool}
	r.info = Info{Format: format, Compression: st.Compression(), Encoding: file.Encoding(), Total: -1}
	if format != "csv" {
		r.rowReader, err = jsonl.New(file, jsonl.Options{Paths: opt.Paths, Rest: opt.Rest})
	} else {
		o := csv.Options{Delimiter: opt.Delimiter, Null: opt.Null, Ours: ours}
		if isTSV(path) {
			o.Prefer = '\t'
		}
		var rows *csv.Reader
		if rows, err = csv.New(ctx, file, o); err == nil {
			r.rowReader, r.info.Delimiter = rows, rows.Delimiter()
		}
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *textReader) Info() Info {
	info := r.info
	info.Ours, info.Bytes, info.SHA256 = r.Ours(), r.file.Bytes(), r.file.SHA256()
	return info
}

func (r *textReader) Close() error { return r.file.Close() }

func (r *textReader) Next(ctx context.Context) (*row.Batch, error) {
	if r.err != nil {
		return nil, r.final()
	}
	b := r.pool.Get(r.Schema())
	r.err = r.Read(ctx, b)
	// A batch that an interruption cut short is not handed out: it would end where no batch ends
	// when the file is read again.
	if b.Len() == 0 || errors.Is(r.err, context.Canceled) || errors.Is(r.err, context.DeadlineExceeded) {
		b.Free()
		return nil, r.final()
	}
	r.info.Rows += int64(b.Len())
	return b, nil
}

// final returns the error that ended the file. That of a damaged stream says how much of it
// was fine, which is known only once the rows before it were handed out.
func (r *textReader) final() error {
	var e *inputerr.Error
	if !r.damaged && errors.As(r.err, &e) && errors.Is(e, ErrMalformed) {
		r.damaged, r.err = true, e.After(r.info.Rows)
	}
	return r.err
}
