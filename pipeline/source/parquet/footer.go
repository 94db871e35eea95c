package parquet

import (
	"errors"
	"fmt"
	"io"
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
)

// footer is what is needed of a file's metadata.
type footer struct {
	elements []element
	rows     int64
	groups   []group
	data     []byte // the metadata itself, in which the groups stand
}

// element is one line of the schema.
type element struct {
	name       string
	typ        physical // of a leaf
	leaf       bool
	length     int32 // of typ fixed
	repetition repetition
	children   int32
	logical    logical
}

// group is a row group.
type group struct {
	rows     int64
	from, to int32 // where its description stands in the footer
}

// chunk is one column of a row group.
type chunk struct {
	codec       codec
	values      int64
	offset, end int64 // of its pages, in the file: they begin before end
	reach       int64 // they end here at the latest
}

// readFooter reads and checks the metadata of a file of the given size.
func readFooter(ra io.ReaderAt, size int64, mem *budget) (*footer, error) {
	var head, tail [tailSize]byte
	if size < int64(len(magic))+tailSize {
		return nil, fmt.Errorf("it has only %d bytes", size)
	}
	if err := readAt(ra, head[:4], 0); err != nil {
		return nil, err
	}
	if err := readAt(ra, tail[:], size-tailSize); err != nil {
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
	if err := mem.take(n); err != nil {
		return nil, fmt.Errorf("its footer of %d bytes: %w", n, err)
	}
	f := &footer{data: make([]byte, n)}
	if err := readAt(ra, f.data, size-tailSize-n); err != nil {
		return nil, err
	}
	if err := f.parse(); err != nil {
		if errors.Is(err, ErrEncrypted) {
			return nil, err
		}
		return nil, fmt.Errorf("its footer: %w", err)
	}
	if err := mem.take(int64(len(f.groups))*16 + int64(len(f.elements))*128); err != nil {
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

// chunks decodes the columns of row group i, one for each leaf, into dst.
func (f *footer) chunks(i int, leaves []*leafType, dst []chunk, size int64) ([]chunk, error) {
	s := &scanner{data: f.data[:f.groups[i].to], pos: int(f.groups[i].from)}
	d := newDecoder()
	dst = dst[:0]
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
				return fmt.Errorf("column %s: %w", quote(l.name), err)
			}
			dst = append(dst, c)
		}
		return nil
	})
	if err == nil && len(dst) != len(leaves) {
		err = fmt.Errorf("it has %d columns, the schema has %d", len(dst), len(leaves))
	}
	if err != nil {
		return dst, fmt.Errorf("row group %d: %w", i, err)
	}
	return dst, nil
}
