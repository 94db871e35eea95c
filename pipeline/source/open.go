package source

import (
	"context"
	"errors"
	"io"
	"os"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/events"
	"sfsync/pipeline/source/inputerr"
	"sfsync/pipeline/source/textfile"
)

// DefaultMaxLine is the longest line (CSV: row) that is read.
const DefaultMaxLine = 16 << 20

// Options say how inputs are read. The zero Options read every column of any file.
type Options struct {
	// Format is auto, csv, jsonl or parquet; "" means auto. An Input's own format wins.
	Format string
	// Delimiter of CSV: auto, one ASCII character, or comma, tab, semicolon, pipe; "" means auto.
	Delimiter string
	// Encoding of CSV: auto, or a name of the WHATWG or IANA registry; "" means auto,
	// which is what a byte order mark says, else UTF-8. A byte order mark wins over a name.
	// JSON Lines are always read by the rule of auto.
	Encoding string
	// Null lists the CSV cells that mean null.
	Null []string
	// Paths are the columns wanted of JSON Lines: a key, or keys joined by dots that lead
	// through nested objects. A top-level key that is spelled exactly like a path wins over
	// it. A path that meets anything but an object is absent. CSV and Parquet always have every
	// column.
	Paths []string
	// Only leaves the columns of Parquet that are not in Paths absent in every row, unless Rest
	// wants them: they are not even looked at. For those who keep no rows.
	Only bool
	// Rest appends the other top-level keys of JSON Lines as columns where they are met. A
	// key with which one of Paths begins is not another key.
	Rest bool
	// All means Rest: every top-level key, for those who have no Paths.
	All bool
	// Events makes the rows of JSON Lines events: Paths and Rest are then about events and their
	// traits, as package events has them. Nil for rows that are none. Other formats are refused.
	Events *events.Options
	// Pool gives the batches; nil for a pool of the reader's own.
	Pool *row.Pool
	// MaxLine is the most bytes a line (CSV: a row) may have; 0 means DefaultMaxLine.
	MaxLine int
	// Block is how many bytes of CSV and JSON Lines are read at a time; 0 means 256 KiB. What is
	// read does not depend on it.
	Block int
}

// Info says what is known of an input so far.
type Info struct {
	// Format is csv, jsonl or parquet.
	Format string
	// Compression is "", gzip or zstd.
	Compression string
	// Delimiter is the character between CSV cells, 0 for other formats.
	Delimiter byte
	// Encoding is the name of the encoding, in lower case: utf-8, utf-16le, windows-1252 …
	Encoding string
	// Bytes is how much of the file was read, before decompression.
	Bytes int64
	// SHA256 is the hash of the file's bytes in hex once its end was reached, else "".
	SHA256 string
	// Rows is the number of rows handed out, bad ones included.
	Rows int64
	// Total is the number of rows that the file says it has, -1 if it does not.
	Total int64
	// Ours is set for a row file of an earlier run (failed.csv), whose sfsync_ columns are
	// left out.
	Ours bool
}

// Reader reads one input. It is not safe for concurrent use.
type Reader interface {
	// Next returns the next batch, which holds at least one row and belongs to the caller. It
	// returns io.EOF after the last one. Any other error is final; an error about the file
	// comes after the rows that could be read before it. The context is looked at once a block
	// of the file; a batch that its end cuts short is dropped.
	Next(ctx context.Context) (*row.Batch, error)
	// Schema returns the columns known so far. A batch that was handed out has the schema of
	// its own, which may have fewer.
	Schema() *row.Schema
	// Complete reports whether the file cannot have a column that Schema lacks.
	Complete() bool
	// Warnings returns what is odd about the file as far as it was read.
	Warnings() []string
	// Info returns what is known of the file so far.
	Info() Info
	// Close releases the file. Batches stay valid.
	Close() error
}

// Open opens an input and reads its beginning: the header and the first rows, by which
// format, compression, encoding and delimiter are told. The error is an [*Error], or the
// context's.
func Open(ctx context.Context, in Input, opt Options) (Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	opt.defaults()
	if opt.Events != nil {
		return openEvents(ctx, in, opt)
	}
	format := opt.Format
	if in.Format != "" && in.Format != "auto" {
		format = in.Format
	}
	if err := checkFormat(format); err != nil {
		return nil, err
	}
	raw, closer, err := openInput(in)
	if err != nil {
		return nil, err
	}
	r, err := open(ctx, in, format, opt, raw, closer)
	if err != nil {
		_ = closer()
		return nil, err
	}
	return r, nil
}

func (o *Options) defaults() {
	if o.MaxLine <= 0 {
		o.MaxLine = DefaultMaxLine
	}
	o.MaxLine = min(o.MaxLine, 1<<30) // spans of a batch count in 32 bits
	if o.Pool == nil {
		o.Pool = &row.Pool{}
	}
	o.Rest = o.Rest || o.All
}

func openInput(in Input) (io.Reader, func() error, error) {
	if in.Reader != nil {
		return in.Reader, func() error { return nil }, nil
	}
	if in.Once {
		return nil, nil, inputerr.BadOption(in.Path, "standard input cannot be read here")
	}
	f, err := os.Open(in.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil, &Error{Path: in.Path, Class: ErrNotFound, Message: "no such file"}
	case err != nil:
		return nil, nil, &Error{Path: in.Path, Class: ErrUnreadable, Message: "cannot be opened", Err: inputerr.Cause(err)}
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close()
		return nil, nil, &Error{Path: in.Path, Class: ErrUnreadable, Message: "is a directory, not a file"}
	}
	return f, f.Close, nil
}

// open builds the reader over the bytes of a file.
func open(ctx context.Context, in Input, format string, opt Options, raw io.Reader, closer func() error) (Reader, error) {
	st, err := textfile.NewStream(in.Path, raw, closer)
	if err != nil {
		return nil, err
	}
	head, err := st.Peek()
	if err != nil {
		return nil, err
	}
	if isParquet(head) || format == "parquet" || formatOf(in.Path) == "parquet" && (format == "" || format == "auto") {
		return openBinary(ctx, in.Path, format, opt, head, raw, st, closer)
	}
	if err := refuse(in.Path, head); err != nil {
		return nil, err
	}
	named := format
	if named == "" || named == "auto" {
		named = formatOf(in.Path)
	}
	switch {
	case named == "" || named == "auto":
		if named = "csv"; startsLikeJSON(head) {
			named = "jsonl"
		}
	case named == "csv" && (format == "" || format == "auto") && looksLikeJSONLines(head):
		return nil, inputerr.Malformed(in.Path, "is named like a CSV file but holds JSON Lines: rename it to .jsonl, or set the format to jsonl")
	}
	return openText(ctx, in.Path, named, opt, st, head)
}

// openBinary opens what is a Parquet file, or should be one.
func openBinary(ctx context.Context, path, format string, opt Options, head []byte, raw io.Reader, st *textfile.Stream, closer func() error) (Reader, error) {
	should := "should be Parquet by the format given"
	if format != "parquet" {
		should = "is named like a Parquet file"
	}
	switch {
	case len(head) == 0:
		return nil, inputerr.Malformed(path, "%s and is empty", should)
	case !isParquet(head):
		return nil, inputerr.Malformed(path, "%s and is none: it does not begin with PAR1", should)
	case st.Compression() != "":
		return nil, inputerr.Malformed(path, "is a Parquet file packed with %s: unpack it, its columns are compressed as they are", st.Compression())
	case format != "" && format != "auto" && format != "parquet":
		return nil, inputerr.Malformed(path, "is a Parquet file, not %s: set the format to parquet, or to auto", format)
	}
	return openParquet(ctx, path, opt, raw, st.Content(), closer)
}
