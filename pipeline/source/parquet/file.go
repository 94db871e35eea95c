package parquet

import (
	"context"
	"fmt"
	"io"
	"slices"

	"sfsync/pipeline/source/parquet/budget"
	"sfsync/pipeline/source/parquet/meta"
	"sfsync/pipeline/source/parquet/text"
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

const (
	// DefaultMemory is how much memory the reading of a file may take.
	DefaultMemory = 64 << 20
	defaultMaxRow = 16 << 20
)

// Column is one column of a file: a leaf that is in no list or map, or a list or map as a whole.
type Column struct {
	// Path leads from the top of the schema to the column.
	Path []string
	// Type is its type, for people to read.
	Type string
	// Refused says why the values of the column cannot be read; "" if they can.
	Refused string

	node *meta.Node
}

// File is a Parquet file whose metadata was read and checked.
type File struct {
	ra      io.ReaderAt
	opt     Options
	meta    *meta.File
	formats []*text.Format // of the leaves
	cols    []Column
	mem     int64 // what the metadata take
}

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
	mem := budget.New(opt.Memory)
	f = &File{ra: ra, opt: opt}
	if f.meta, err = meta.Read(ctx, ra, size, mem); err != nil {
		return nil, err
	}
	f.formats = make([]*text.Format, len(f.meta.Leaves))
	for i, l := range f.meta.Leaves {
		if f.formats[i], err = text.For(l); err != nil {
			return nil, fmt.Errorf("column %s: %w", meta.Quote(l.Name), err)
		}
	}
	f.columns(f.meta.Root, nil)
	if err := mem.Take(int64(len(f.cols)) * 64); err != nil {
		return nil, err
	}
	f.mem = mem.Used()
	return f, nil
}

// columns lists the columns below a structure that is in no list or map.
func (f *File) columns(n *meta.Node, path []string) {
	for _, c := range n.Children {
		p := slices.Concat(path, []string{c.Name})
		if c.Kind == meta.StructNode {
			f.columns(c, p)
			continue
		}
		col := Column{Path: p, Type: f.typeName(c), node: c}
		for _, t := range f.formats[c.From:c.To] {
			if t.Refused != "" {
				col.Refused = t.Refused
			}
		}
		f.cols = append(f.cols, col)
	}
}

// typeName returns the type of a value for people to read.
func (f *File) typeName(n *meta.Node) string {
	s := f.typeText(n, 0)
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

func (f *File) typeText(n *meta.Node, depth int) string {
	if depth > 4 {
		return "…"
	}
	switch n.Kind {
	case meta.LeafNode:
		return f.formats[n.Leaf.Index].Name
	case meta.ListNode:
		return "list<" + f.typeText(n.Children[0], depth+1) + ">"
	case meta.MapNode:
		return "map<" + f.typeText(n.Children[0], depth+1) + ", " + f.typeText(n.Children[1], depth+1) + ">"
	}
	s := "struct<"
	for i, c := range n.Children {
		if i > 0 {
			s += ", "
		}
		if i == 8 {
			s += "…"
			break
		}
		s += c.Name + ": " + f.typeText(c, depth+1)
	}
	return s + ">"
}

// Columns returns the columns in the order of the schema.
func (f *File) Columns() []Column { return f.cols }

// Rows returns the number of rows.
func (f *File) Rows() int64 { return f.meta.Rows }
