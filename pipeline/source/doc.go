// Package source reads files of rows: it finds them ([Expand]), opens them ([Open])
// and hands their rows out in batches ([Reader]).
//
// Formats are CSV and JSON Lines, plain or compressed with gzip or zstd (told apart by
// content), and Parquet. The first two are streams: memory is bounded by one line of
// Options.MaxLine and one batch, whatever the size of the file. Parquet is read within
// parquet.DefaultMemory.
//
// With Options.Events the rows are events of an event stream in JSON Lines, as package events makes
// them; events that are not wanted are rows that are skipped.
//
// # What a bad row is
//
// A row that cannot be read stays in its batch, with a [row.Problem] and its text in
// Raw, so that it is counted and reported, and never costs its neighbours:
//
//	ROW_WIDTH      more or fewer cells than the header has columns
//	BAD_QUOTE      a quote that is never closed, or is followed by text; ends with its line
//	BAD_ENCODING   bytes that are not valid in the file's encoding
//	BAD_BYTE       a NUL byte
//	BAD_JSON       a line that is not one JSON object
//	LINE_TOO_LONG  longer than Options.MaxLine
//	TOO_DEEP       JSON nested deeper than 128 levels
//	BAD_KEY        where all keys are wanted: more of them than [row.MaxColumns], new ones
//	               in more than 1,000 rows, or one of more than 1,024 bytes
//
// What concerns a file as a whole is an error: see [ErrNotFound] and its neighbours.
//
// # Reading again
//
// A batch ends at [row.MaxRows] rows or [row.MaxBytes] of text and nowhere else (at
// 4 MiB of bookkeeping where JSON Lines have very many columns), however the bytes
// arrive. The same file read with the same options therefore gives the same batches,
// which is what a resumed run counts on.
//
// # Where things are
//
// This package finds inputs (input.go, glob.go), tells their format (sniff.go, open.go) and is
// the face of the readers below it:
//
//	csv, jsonl  find the rows and cells of a text file
//	textfile    what both stand on: decompression, hash, encodings, the buffer of unread text
//	rowfile     the sfsync_ columns of row files of an earlier run
//	columns     unique names of columns
//	parquet     Parquet files, with packages of its own; parquet.go is the way to it
//	events      what events of an event stream say of a record
//	inputerr    errors and warnings about inputs
//	sourcetest  reads inputs for tests
package source
