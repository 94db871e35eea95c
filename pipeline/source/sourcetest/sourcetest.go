// Package sourcetest reads inputs for tests.
package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// Row is a row as it was read.
type Row struct {
	Only  string
	Line  int64
	Cells []string // kind:text; absent cells are "-"
	Code  string
	Raw   string
}

// File is a file as it was read.
type File struct {
	Columns []string
	Rows    []Row
	Batches []uint32 // their checksums
	Info    source.Info
}

// ReadAll reads a file to its end and expects the reader to keep its promises; the end is no error.
func ReadAll(t testing.TB, r source.Reader) (File, error) {
	t.Helper()
	var c File
	for {
		b, err := r.Next(context.Background())
		if err != nil {
			c.Columns, c.Info = r.Schema().Names(), r.Info()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if b != nil {
				t.Fatal("a batch beside an error")
			}
			if _, again := r.Next(context.Background()); again == nil {
				t.Fatal("Next went on after an error")
			}
			return c, err
		}
		if b.Len() == 0 || b.Len() > row.MaxRows {
			t.Fatalf("a batch of %d rows", b.Len())
		}
		c.Batches = append(c.Batches, b.Checksum())
		c.Rows = append(c.Rows, rowsOf(t, b)...)
		b.Free()
	}
}

// rowsOf copies the rows of a batch, and so looks at every span of it.
func rowsOf(t testing.TB, b *row.Batch) []Row {
	t.Helper()
	var rows []Row
	for i := range b.Len() {
		g := Row{Line: b.Line(i), Only: b.Only(i)}
		p, bad := b.Problem(i)
		if bad {
			g.Code, g.Raw = p.Code, strings.Clone(b.Raw(i))
			if p.Code == "" || p.Message == "" {
				t.Fatalf("line %d: a problem without code or message: %+v", g.Line, p)
			}
		}
		for c := range b.Schema().Columns {
			cell := b.Cell(i, c)
			text := "-"
			if cell.Kind() != row.Absent {
				text = cell.Kind().String() + ":" + cell.Text
			}
			if bad && cell.Kind() != row.Absent {
				t.Fatalf("line %d: a row with a problem has the cell %s", g.Line, text)
			}
			g.Cells = append(g.Cells, text)
		}
		if bad {
			g.Cells = nil
		}
		rows = append(rows, g)
	}
	return rows
}

// ReadBytes reads a file of these bytes.
func ReadBytes(t testing.TB, path string, data []byte, opt source.Options) (File, error) {
	t.Helper()
	return Read(t, source.Input{Path: path, Reader: bytes.NewReader(data)}, opt)
}

// ReadFrom reads what comes from a reader, as a file named x.
func ReadFrom(t testing.TB, in io.Reader, opt source.Options) (File, error) {
	t.Helper()
	return Read(t, source.Input{Path: "x", Reader: in}, opt)
}

// Read opens, reads and closes an input.
func Read(t testing.TB, in source.Input, opt source.Options) (File, error) {
	t.Helper()
	r, err := source.Open(context.Background(), in, opt)
	if err != nil {
		return File{}, err
	}
	defer Close(t, r)
	return ReadAll(t, r)
}

// Close closes a reader, twice.
func Close(t testing.TB, r source.Reader) {
	t.Helper()
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// String writes the columns and then a line for each row: its cells, joined by |, or the code of
// its problem and its text.
func (c File) String() string {
	var b strings.Builder
	b.WriteString(strings.Join(c.Columns, "|") + "\n")
	for _, r := range c.Rows {
		b.WriteString(strconv.FormatInt(r.Line, 10) + ": ")
		if r.Code != "" {
			b.WriteString(r.Code + " " + r.Raw + "\n")
			continue
		}
		for i, cell := range r.Cells {
			if i > 0 {
				b.WriteByte('|')
			}
			b.WriteString(strings.TrimPrefix(cell, "text:"))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Again reads a file three times: as it is, byte by byte, and in small blocks, and expects
// the same each time; every row must begin behind the one before it.
func Again(t *testing.T, data []byte, opt source.Options) {
	t.Helper()
	opt.Pool = &row.Pool{} // the second time with used batches
	opt.Block = 4 << 10
	a, errA := ReadBytes(t, "x", data, opt)
	for i := 1; i < len(a.Rows); i++ {
		if a.Rows[i].Line <= a.Rows[i-1].Line {
			t.Fatalf("%q: line %d behind line %d", data, a.Rows[i].Line, a.Rows[i-1].Line)
		}
	}
	same := func(how string, b File, errB error) {
		t.Helper()
		if (errA == nil) != (errB == nil) || errA != nil && errA.Error() != errB.Error() {
			t.Fatalf("%q: %v, then %s %v", data, errA, how, errB)
		}
		if errA != nil { // of a damaged file it depends on the blocks how far it was read
			b.Info.Bytes = a.Info.Bytes
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("%q %s:\n%s", data, how, diff)
		}
	}
	b, err := ReadFrom(t, iotest.OneByteReader(bytes.NewReader(data)), opt)
	same("byte by byte", b, err)
	start := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")))
	if errA != nil || bytes.ContainsRune(data, '\r') || bytes.HasPrefix(start, []byte("{")) != (opt.Format == "jsonl") || bytes.HasPrefix(start, []byte("[")) {
		return // what is told by the beginning may depend on how much of it there is
	}
	opt.Block = 64
	opt.Delimiter = string(rune(a.Info.Delimiter))
	b, err = ReadFrom(t, bytes.NewReader(data), opt)
	same("in small blocks", b, err)
}

// Drain reads to the end, keeps nothing and returns how many rows there were; the end is no error.
func Drain(ctx context.Context, r source.Reader) (rows int, err error) {
	for {
		b, err := r.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return rows, err
		}
		rows += b.Len()
		b.Free()
	}
}
