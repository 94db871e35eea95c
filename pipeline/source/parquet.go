package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"strings"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/columns"
	"sfsync/pipeline/source/inputerr"
	"sfsync/pipeline/source/parquet"
	"sfsync/pipeline/source/textfile"
	"sfsync/pipeline/spill"
)

// isParquet recognizes the beginning of a Parquet file. What follows its magic bytes is no
// text, unlike what follows a CSV column of that name.
func isParquet(head []byte) bool {
	return (bytes.HasPrefix(head, []byte("PAR1")) || bytes.HasPrefix(head, []byte("PARE"))) && !plainText(head)
}

// parquetReader reads a Parquet file. Its bytes are hashed as its rows are handed out, at the
// same pace.
type parquetReader struct {
	path     string
	opt      Options
	ra       io.ReaderAt
	size     int64
	file     *parquet.File
	rows     *parquet.Rows // nil before the first row is wanted
	want     []bool        // the columns whose values are read
	schema   *row.Schema
	warnings inputerr.Warnings
	info     Info
	hash     hash.Hash
	buf      []byte
	closers  []func() error
	err      error
}

// readerAt is a reader whose bytes can be read anywhere, such as a *bytes.Reader.
type readerAt interface {
	io.ReaderAt
	Size() int64
}

// openParquet opens a Parquet file. content are its bytes as a stream; it is read only if raw,
// from which it comes, cannot be read anywhere. It takes over closer only if it succeeds.
func openParquet(ctx context.Context, path string, opt Options, raw, content io.Reader, closer func() error) (_ Reader, err error) {
	r := &parquetReader{path: path, opt: opt, info: Info{Format: "parquet"}, hash: sha256.New(), closers: []func() error{closer}}
	switch f := raw.(type) {
	case *os.File:
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			r.ra, r.size = f, info.Size()
		}
	case readerAt:
		r.ra, r.size = f, f.Size()
	}
	if r.ra == nil {
		remove, spoolErr := r.spool(ctx, content)
		if spoolErr != nil {
			return nil, spoolErr
		}
		r.closers = append(r.closers, remove)
		defer func() {
			if err != nil {
				_ = remove()
			}
		}()
	}
	r.file, err = parquet.Open(ctx, r.ra, r.size, parquet.Options{MaxRow: opt.MaxLine})
	if err != nil {
		return nil, r.classify(ctx, err)
	}
	if err := r.columns(); err != nil {
		return nil, err
	}
	return r, nil
}

// spool copies a stream into a temporary file, since a Parquet file is read from its end.
func (r *parquetReader) spool(ctx context.Context, content io.Reader) (remove func() error, err error) {
	f, err := spill.Create("", "sfsync-*.parquet")
	if err != nil {
		return nil, &Error{Path: r.path, Class: ErrUnreadable, Message: "is a stream, and Parquet needs a file; no temporary one can be made", Err: inputerr.Cause(err)}
	}
	buf := make([]byte, textfile.BlockSize)
	for {
		n, err := content.Read(buf)
		if _, werr := f.Write(buf[:n]); werr != nil {
			_ = f.Close()
			return nil, &Error{Path: r.path, Class: ErrUnreadable, Message: "is a stream, and cannot be copied into a temporary file", Err: inputerr.Cause(werr)}
		}
		r.size += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			r.ra = f
			return f.Close, nil
		case err != nil:
			_ = f.Close()
			return nil, inputerr.Unreadable(r.path, err)
		case ctx.Err() != nil:
			_ = f.Close()
			return nil, ctx.Err()
		}
	}
}

// classify makes an error about the file of one of the parquet package.
func (r *parquetReader) classify(ctx context.Context, err error) error {
	var re *parquet.ReadError
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return err
	case errors.As(err, &re) && !errors.Is(err, io.ErrUnexpectedEOF):
		return inputerr.Unreadable(r.path, re.Err)
	case errors.Is(err, parquet.ErrEncrypted), errors.Is(err, parquet.ErrMemory), errors.Is(err, parquet.ErrRefused):
		return inputerr.Malformed(r.path, "is a Parquet file that cannot be read: %v", err)
	}
	return inputerr.Malformed(r.path, "is no sound Parquet file: %v", err)
}

// columns makes the schema and chooses what is read of the file.
func (r *parquetReader) columns() error {
	cols := r.file.Columns()
	if len(cols) > row.MaxColumns {
		return inputerr.Malformed(r.path, "has %d columns; at most %d are read", len(cols), row.MaxColumns)
	}
	// A column at the top that is spelled like a path wins over it.
	names, order := make([]string, len(cols)), make([]int, 0, len(cols))
	for i, c := range cols {
		names[i] = strings.ToValidUTF8(strings.Join(c.Path, "."), "\uFFFD")
		if len(c.Path) == 1 {
			order = append(order, i)
		}
	}
	for i, c := range cols {
		if len(c.Path) > 1 {
			order = append(order, i)
		}
	}
	unique := columns.Unique(names, order, r.warnings.Addf)
	schema := make([]row.Column, len(cols))
	r.want = make([]bool, len(cols))
	paths := make(map[string]bool, len(r.opt.Paths))
	for _, p := range r.opt.Paths {
		paths[p] = true
	}
	for i, c := range cols {
		schema[i] = row.Column{Name: unique[i], Type: c.Type}
		named := paths[unique[i]] || r.opt.Rest
		r.want[i] = named || !r.opt.Only
		if c.Refused == "" {
			continue
		}
		if named {
			return inputerr.Malformed(r.path, "is a Parquet file that cannot be read: column %s: %s", inputerr.Quote(unique[i]), c.Refused)
		}
		r.want[i] = false
		r.warnings.Addf("column %s is left out: %s", inputerr.Quote(unique[i]), c.Refused)
	}
	r.schema = row.NewSchema(schema...)
	r.info.Total = r.file.Rows()
	return nil
}

func (r *parquetReader) Schema() *row.Schema { return r.schema }

func (r *parquetReader) Complete() bool { return true }

func (r *parquetReader) Warnings() []string { return r.warnings }

func (r *parquetReader) Info() Info { return r.info }

func (r *parquetReader) Close() error {
	if r.rows != nil {
		r.rows.Close() // before the file goes
	}
	var errs []error
	for _, c := range r.closers {
		errs = append(errs, c())
	}
	r.closers = nil
	if r.err == nil {
		r.err = &Error{Path: r.path, Class: ErrUnreadable, Message: "was closed"}
	}
	if err := errors.Join(errs...); err != nil {
		return &Error{Path: r.path, Class: ErrUnreadable, Message: "cannot be closed", Err: inputerr.Cause(err)}
	}
	return nil
}

func (r *parquetReader) Next(ctx context.Context) (*row.Batch, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.rows == nil {
		if r.rows, r.err = r.file.ReadRows(func(i int) bool { return r.want[i] }, r.schema, r.opt.Pool); r.err != nil {
			r.err = r.classify(ctx, r.err)
			return nil, r.err
		}
	}
	if r.err = ctx.Err(); r.err != nil {
		return nil, r.err
	}
	b, err := r.rows.Next(ctx)
	if err != nil {
		r.err = r.end(ctx, err)
		return nil, r.err
	}
	r.info.Rows += int64(b.Len())
	r.err = r.sum(ctx, int64(float64(r.size)*float64(r.info.Rows)/float64(max(r.info.Total, r.info.Rows))))
	return b, nil
}

// end makes the error that ends the file; io.EOF stays only if the file could be hashed too.
func (r *parquetReader) end(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) && r.info.Rows == r.info.Total {
		if err := r.sum(ctx, r.size); err != nil {
			return err
		}
		r.info.SHA256 = hex.EncodeToString(r.hash.Sum(nil))
		return io.EOF
	}
	if errors.Is(err, io.EOF) {
		return inputerr.Malformed(r.path, "is no sound Parquet file: it promises %d rows and has %d", r.info.Total, r.info.Rows)
	}
	err = r.classify(ctx, err)
	var e *Error
	if errors.As(err, &e) && errors.Is(e.Class, ErrMalformed) {
		return e.After(r.info.Rows)
	}
	return err
}

// sum hashes the file up to an offset.
func (r *parquetReader) sum(ctx context.Context, to int64) error {
	if r.buf == nil {
		r.buf = make([]byte, min(textfile.BlockSize, r.size))
	}
	for r.info.Bytes < to {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := r.buf[:min(int64(len(r.buf)), r.size-r.info.Bytes)]
		if n, err := r.ra.ReadAt(p, r.info.Bytes); n < len(p) {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return inputerr.Unreadable(r.path, err)
		}
		r.hash.Write(p)
		r.info.Bytes += int64(len(p))
	}
	return nil
}
