package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sfsync/pipeline/row"
)

func gz(t *testing.T, data ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, d := range data { // one member each
		w := gzip.NewWriter(&b)
		if _, err := w.Write(d); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func zst(t *testing.T, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil)
}

// got is a row as it was read.
type got struct {
	Only  string
	Line  int64
	Cells []string // kind:text; absent cells are "-"
	Code  string
	Raw   string
}

// contents is a file as it was read.
type contents struct {
	Columns []string
	Rows    []got
	Batches []uint32 // their checksums
	Info    Info
}

func readAll(t testing.TB, r Reader) (contents, error) {
	t.Helper()
	var c contents
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
func rowsOf(t testing.TB, b *row.Batch) []got {
	t.Helper()
	var rows []got
	for i := range b.Len() {
		g := got{Line: b.Line(i), Only: b.Only(i)}
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

func readBytes(t testing.TB, path string, data []byte, opt Options) (contents, error) {
	t.Helper()
	return read(t, Input{Path: path, Reader: bytes.NewReader(data)}, opt)
}

func readFrom(t testing.TB, in io.Reader, opt Options) (contents, error) {
	t.Helper()
	return read(t, Input{Path: "x", Reader: in}, opt)
}

func read(t testing.TB, in Input, opt Options) (contents, error) {
	t.Helper()
	r, err := Open(context.Background(), in, opt)
	if err != nil {
		return contents{}, err
	}
	defer closing(t, r)
	return readAll(t, r)
}

func closing(t testing.TB, r Reader) {
	t.Helper()
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
