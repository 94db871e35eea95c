package parquet

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// Options say how a file is read.
type Options struct {
	// Memory is the most memory that reading takes, in bytes; 0 means DefaultMemory. The
	// batches are not part of it.
	Memory int64
	// MaxRow is the most bytes of text a row may have; longer ones become problems. 0 means
	// 16 MiB.
	MaxRow int
}

// Column is one column of a file: a leaf that is in no list or map, or a list or map as a whole.
type Column struct {
	// Path leads from the top of the schema to the column.
	Path []string
	// Type is its type, for people to read.
	Type string
	// Refused says why the values of the column cannot be read; "" if they can.
	Refused string

	node *node
}

// File is a Parquet file whose metadata was read and checked.
type File struct {
	ra     io.ReaderAt
	size   int64
	opt    Options
	footer *footer
	leaves []*leafType
	cols   []Column
	mem    int64 // what the metadata take
}

const (
	defaultMaxRow = 16 << 20
	// A file may have so many values without being asked how it comes to so many, and beyond
	// that so many for each of its bytes. A constant column takes next to nothing however long
	// it is, but no file of data is made of such alone.
	freeValues    = 64 << 20
	valuesPerByte = 256
)

// Open reads and checks the metadata of a file of the given size. Errors say what is wrong
// with the file; they wrap [ErrEncrypted], [ErrMemory] or [*ReadError] where that is the
// reason.
func Open(ctx context.Context, ra io.ReaderAt, size int64, opt Options) (f *File, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("%w in its metadata: %v", ErrInternal, p)
		}
	}()
	if opt.Memory <= 0 {
		opt.Memory = DefaultMemory
	}
	if opt.MaxRow <= 0 {
		opt.MaxRow = defaultMaxRow
	}
	mem := budget{max: opt.Memory}
	f = &File{ra: ra, size: size, opt: opt}
	if f.footer, err = readFooter(ra, size, &mem); err != nil {
		return nil, err
	}
	root, leaves, err := buildSchema(f.footer.elements)
	if err != nil {
		return nil, err
	}
	f.footer.elements = nil
	f.leaves = leaves
	f.columns(root, nil)
	if err := mem.take(int64(len(leaves))*256 + int64(len(f.cols))*64); err != nil {
		return nil, err
	}
	f.mem = mem.used.Load()
	if err := f.checkChunks(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// columns lists the columns below a structure that is in no list or map.
func (f *File) columns(n *node, path []string) {
	for _, c := range n.children {
		p := slices.Concat(path, []string{c.name})
		if c.kind == structNode {
			f.columns(c, p)
			continue
		}
		col := Column{Path: p, Type: c.typeName(), node: c}
		for _, l := range f.leaves[c.from:c.to] {
			if l.refused != "" {
				col.Refused = l.refused
			}
		}
		f.cols = append(f.cols, col)
	}
}

// checkChunks checks the description of every chunk, so that what can be known to be wrong is
// known before the first row.
func (f *File) checkChunks(ctx context.Context) error {
	var chunks []chunk
	var values int64
	for i := range f.footer.groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if chunks, err = f.footer.chunks(i, f.leaves, chunks, f.size); err != nil {
			return err
		}
		n := f.footer.groups[i].rows
		for _, c := range chunks {
			n += c.values
		}
		if values += n; values < 0 || n < 0 || values > freeValues && values/valuesPerByte > f.size {
			return fmt.Errorf("it promises more than %d values in %d bytes, which no file of data has", values, f.size)
		}
	}
	return nil
}

// Columns returns the columns in the order of the schema.
func (f *File) Columns() []Column { return f.cols }

// Rows returns the number of rows.
func (f *File) Rows() int64 { return f.footer.rows }

// RowGroups returns the number of row groups.
func (f *File) RowGroups() int { return len(f.footer.groups) }
