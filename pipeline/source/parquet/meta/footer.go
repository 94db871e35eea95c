package meta

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sfsync/pipeline/source/parquet/budget"
	"sfsync/pipeline/source/parquet/codec"
)

const (
	magic          = "PAR1"
	magicEncrypted = "PARE"
	// tailSize is the length of the footer and the magic bytes behind it.
	tailSize = 8
	// maxFooter is the longest footer that is read.
	maxFooter = 64 << 20
	// maxElements bounds a schema, maxRowGroups the row groups of a file.
	maxElements  = 100_000
	maxRowGroups = 1 << 20
	// maxChunkItems bounds the fields and elements in the description of one column chunk.
	maxChunkItems = 20_000
	// A file may have so many values without being asked how it comes to so many, and beyond
	// that so many for each of its bytes. A constant column takes next to nothing however long
	// it is, but no file of data is made of such alone.
	freeValues    = 64 << 20
	valuesPerByte = 256
)

// ErrEncrypted says that a file, or a column of it, is encrypted.
var ErrEncrypted = errors.New("it is encrypted")

// ReadError is an error of the storage, not of what is stored.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return "cannot be read: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ReadError) Unwrap() error { return e.Err }

// ReadAt fills p with the bytes of the file from off on. Its errors are of type [*ReadError].
func ReadAt(ra io.ReaderAt, p []byte, off int64) error {
	n, err := ra.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &ReadError{err}
}

// File is the metadata of a file, checked: what it says of sizes and places is inside the file and
// agrees with itself. It is never changed.
type File struct {
	Rows   int64
	Root   *Node // a structure of the columns
	Leaves []*Leaf
	groups []group
	chunks []Chunk // of every leaf of every row group
}

// Chunk is one column of a row group.
type Chunk struct {
	Codec       codec.Codec
	Values      int64
	Offset, End int64 // of its pages, in the file: they begin before End
	Reach       int64 // they end here at the latest
}

const (
	chunkSize   = 40
	groupSize   = 16
	elementSize = 128
	leafSize    = 256
)

// Groups returns the number of row groups.
func (f *File) Groups() int { return len(f.groups) }

// GroupRows returns the rows of row group i.
func (f *File) GroupRows(i int) int64 { return f.groups[i].rows }

// Chunk returns what row group i says of a leaf.
func (f *File) Chunk(i, leaf int) Chunk { return f.chunks[i*len(f.Leaves)+leaf] }

// Read reads and checks the metadata of a file of the given size. What it keeps stays taken of the
// budget. Errors say what is wrong with the file; they wrap [ErrEncrypted], [budget.ErrMemory] or
// [*ReadError] where that is the reason.
func Read(ctx context.Context, ra io.ReaderAt, size int64, mem *budget.Budget) (*File, error) {
	p, err := readFooter(ra, size, mem)
	if err != nil {
		return nil, err
	}
	f := &File{Rows: p.rows, groups: p.groups}
	if f.Root, f.Leaves, err = buildSchema(p.elements); err != nil {
		return nil, err
	}
	n := len(p.groups) * len(f.Leaves)
	if n > len(p.data) {
		return nil, fmt.Errorf("its footer of %d bytes cannot describe %d columns in each of %d row groups", len(p.data), len(f.Leaves), len(p.groups))
	}
	if err := mem.Take(int64(len(f.Leaves))*leafSize + int64(n)*chunkSize); err != nil {
		return nil, err
	}
	f.chunks = make([]Chunk, 0, n)
	var values int64
	for i := range p.groups {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.chunks, err = p.chunks(i, f.Leaves, f.chunks, size); err != nil {
			return nil, err
		}
		v := p.groups[i].rows
		for _, c := range f.chunks[i*len(f.Leaves):] {
			v += c.Values
		}
		if values += v; values < 0 || v < 0 || values > freeValues && values/valuesPerByte > size {
			return nil, fmt.Errorf("it promises more than %d values in %d bytes, which no file of data has", values, size)
		}
	}
	mem.Give(int64(len(p.data)) + int64(len(p.elements))*elementSize)
	return f, nil
}

// footer is the metadata while they are read.
type footer struct {
	elements []element
	rows     int64
	groups   []group
	data     []byte // the metadata themselves, in which the groups stand
}

// element is one line of the schema.
type element struct {
	name       string
	typ        Physical // of a leaf
	leaf       bool
	length     int32 // of type Fixed
	repetition repetition
	children   int32
	logical    Logical
}

// group is a row group.
type group struct {
	rows     int64
	from, to int32 // where its description stands in the footer
}

// readFooter reads and checks the metadata of a file of the given size.
func readFooter(ra io.ReaderAt, size int64, mem *budget.Budget) (*footer, error) {
	var head, tail [tailSize]byte
	if size < int64(len(magic))+tailSize {
		return nil, fmt.Errorf("it has only %d bytes", size)
	}
	if err := ReadAt(ra, head[:4], 0); err != nil {
		return nil, err
	}
	if err := ReadAt(ra, tail[:], size-tailSize); err != nil {
		return nil, err
	}
	switch end := string(tail[4:]); {
	case end == magicEncrypted, end == magic && string(head[:4]) == magicEncrypted:
		return nil, fmt.Errorf("%w: write it without encryption", ErrEncrypted)
	case string(head[:4]) != magic:
		return nil, errors.New("it does not begin with PAR1")
	case end != magic:
		return nil, errors.New("it does not end with PAR1: it is cut off, or was never finished")
	}
	n := int64(uint32(tail[0]) | uint32(tail[1])<<8 | uint32(tail[2])<<16 | uint32(tail[3])<<24)
	if n > size-tailSize-int64(len(magic)) {
		return nil, fmt.Errorf("its footer should be %d bytes long, more than there are", n)
	}
	if n > maxFooter {
		return nil, fmt.Errorf("its footer is %d bytes long; at most %d are read", n, maxFooter)
	}
	if err := mem.Take(n); err != nil {
		return nil, fmt.Errorf("its footer of %d bytes: %w", n, err)
	}
	f := &footer{data: make([]byte, n)}
	if err := ReadAt(ra, f.data, size-tailSize-n); err != nil {
		return nil, err
	}
	if err := f.parse(); err != nil {
		if errors.Is(err, ErrEncrypted) {
			return nil, err
		}
		return nil, fmt.Errorf("its footer: %w", err)
	}
	if err := mem.Take(int64(len(f.groups))*groupSize + int64(len(f.elements))*elementSize); err != nil {
		return nil, err
	}
	return f, nil
}

// parse walks over the metadata (parquet.thrift, FileMetaData).
func (f *footer) parse() error {
	s := &scanner{data: f.data}
	d := newDecoder()
	encrypted, rows, groups := false, false, false
	err := s.fields(0, func(id int16, typ byte) error {
		switch {
		case id == 2 && typ == thriftList:
			n, elem, err := s.list()
			if err != nil || elem != thriftStruct || n > maxElements {
				return listError("schema", n, maxElements, err)
			}
			f.elements = make([]element, 0, n)
			for range n {
				e, err := d.element(s)
				if err != nil {
					return fmt.Errorf("element %d of its schema: %w", len(f.elements), err)
				}
				f.elements = append(f.elements, e)
			}
		case id == 3 && typ == thriftI64:
			n, err := s.int()
			f.rows, rows = n, true
			return err
		case id == 4 && typ == thriftList:
			n, elem, err := s.list()
			if err != nil || n > 0 && elem != thriftStruct || n > maxRowGroups {
				return listError("row groups", n, maxRowGroups, err)
			}
			f.groups, groups = make([]group, n), true
			for i := range f.groups {
				if err := f.groups[i].parse(s); err != nil {
					return fmt.Errorf("row group %d: %w", i, err)
				}
			}
		case id == 8:
			encrypted = true
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case encrypted:
		return fmt.Errorf("%w, its footer is plain: write it without encryption", ErrEncrypted)
	case !rows || !groups:
		return errors.New("it does not say how many rows there are, or where")
	case f.rows < 0:
		return fmt.Errorf("it promises %d rows", f.rows)
	}
	var sum int64
	for i := range f.groups {
		if sum += f.groups[i].rows; sum < 0 {
			return errors.New("its row groups have more rows than can be counted")
		}
	}
	if f.rows == 0 { // there are writers that leave it so (parquet-rs 0.3)
		f.rows = sum
	}
	if sum != f.rows {
		return fmt.Errorf("it promises %d rows, its row groups have %d", f.rows, sum)
	}
	return nil
}

func listError(what string, n, most int, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("the list of its %s: %w", what, err)
	case n > most:
		return fmt.Errorf("the list of its %s has %d entries; at most %d are read", what, n, most)
	}
	return fmt.Errorf("the list of its %s is of another type", what)
}

// parse passes over a row group and keeps where it stands and its number of rows.
func (g *group) parse(s *scanner) error {
	g.from = int32(s.pos)
	rows := false
	err := s.fields(2, func(id int16, typ byte) error {
		if id != 3 || typ != thriftI64 {
			return nil
		}
		rows = true
		n, err := s.int()
		g.rows = n
		return err
	})
	g.to = int32(s.pos)
	switch {
	case err != nil:
		return err
	case !rows || g.rows < 0:
		return fmt.Errorf("it has %d rows", g.rows)
	}
	return nil
}

// chunks decodes the columns of row group i, one for each leaf, and appends them to dst.
func (f *footer) chunks(i int, leaves []*Leaf, dst []Chunk, size int64) ([]Chunk, error) {
	s := &scanner{data: f.data[:f.groups[i].to], pos: int(f.groups[i].from)}
	d := newDecoder()
	before := len(dst)
	err := s.fields(2, func(id int16, typ byte) error {
		if id != 1 || typ != thriftList {
			return nil
		}
		n, elem, err := s.list()
		if err != nil {
			return err
		}
		if n != len(leaves) || n > 0 && elem != thriftStruct {
			return fmt.Errorf("it has %d columns, the schema has %d", n, len(leaves))
		}
		for _, l := range leaves {
			c, err := d.chunk(s, l, size, f.groups[i].rows)
			if err != nil {
				return fmt.Errorf("column %s: %w", Quote(l.Name), err)
			}
			dst = append(dst, c)
		}
		return nil
	})
	if err == nil && len(dst)-before != len(leaves) {
		err = fmt.Errorf("it has %d columns, the schema has %d", len(dst)-before, len(leaves))
	}
	if err != nil {
		return dst, fmt.Errorf("row group %d: %w", i, err)
	}
	return dst, nil
}
