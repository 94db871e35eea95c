package meta

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrShort says that a structure goes on behind the bytes that are there.
var ErrShort = errors.New("it is cut off")

// Types of Thrift's compact protocol, as they stand in the headers of fields and lists.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13
)

// maxThriftDepth is how deep a structure may be nested; Parquet's own go to 8.
const maxThriftDepth = 24

// scanner walks over structures in Thrift's compact protocol without building anything, so
// that what they hold is known to be bounded before a decoder allocates for it.
type scanner struct {
	data []byte
	pos  int
	// items counts fields and elements; more than limit is an error, 0 stands for no limit.
	items, limit int
}

func (s *scanner) byte() (byte, error) {
	if s.pos >= len(s.data) {
		return 0, ErrShort
	}
	s.pos++
	return s.data[s.pos-1], nil
}

func (s *scanner) uvarint() (uint64, error) {
	v, n := binary.Uvarint(s.data[s.pos:])
	switch {
	case n == 0:
		return 0, ErrShort
	case n < 0:
		return 0, errors.New("a number is longer than 64 bits")
	}
	s.pos += n
	return v, nil
}

// int reads a number of the types i16 to i64.
func (s *scanner) int() (int64, error) {
	v, err := s.uvarint()
	return int64(v>>1) ^ -int64(v&1), err
}

// binary returns a view on a string.
func (s *scanner) binary() ([]byte, error) {
	n, err := s.uvarint()
	if err != nil {
		return nil, err
	}
	if n > uint64(len(s.data)-s.pos) {
		return nil, ErrShort
	}
	s.pos += int(n)
	return s.data[s.pos-int(n) : s.pos], nil
}

// list reads the head of a list.
func (s *scanner) list() (n int, elem byte, err error) {
	head, err := s.byte()
	if err != nil {
		return 0, 0, err
	}
	size := uint64(head >> 4)
	if size == 15 {
		if size, err = s.uvarint(); err != nil {
			return 0, 0, err
		}
	}
	if size > uint64(len(s.data)-s.pos) { // every element takes a byte or more
		return 0, 0, ErrShort
	}
	return int(size), head & 15, s.count(int(size))
}

func (s *scanner) count(n int) error {
	if s.items += n; s.limit > 0 && s.items > s.limit {
		return fmt.Errorf("it has more than %d parts", s.limit)
	}
	return nil
}

// fields reads a structure: visit is called for each field and may consume its value, which is
// passed over otherwise. visit may be nil.
func (s *scanner) fields(depth int, visit func(id int16, typ byte) error) error {
	if depth > maxThriftDepth {
		return errors.New("it is nested too deep")
	}
	var id int16
	for {
		head, err := s.byte()
		if err != nil {
			return err
		}
		if head == 0 {
			return nil
		}
		if delta := head >> 4; delta != 0 {
			id += int16(delta)
		} else {
			v, err := s.int()
			if err != nil {
				return err
			}
			if v != int64(int16(v)) {
				return errors.New("a field number is out of range")
			}
			id = int16(v)
		}
		if err := s.count(1); err != nil {
			return err
		}
		typ, start := head&15, s.pos
		if visit != nil {
			if err := visit(id, typ); err != nil {
				return err
			}
		}
		if s.pos == start {
			if err := s.skip(typ, depth+1, true); err != nil {
				return err
			}
		}
	}
}

// skip passes over a value. A boolean field has its value in its type, an element has a byte.
func (s *scanner) skip(typ byte, depth int, field bool) error {
	switch typ {
	case thriftTrue, thriftFalse:
		if field {
			return nil
		}
		return s.advance(1)
	case thriftByte:
		return s.advance(1)
	case thriftI16, thriftI32, thriftI64:
		_, err := s.uvarint()
		return err
	case thriftDouble:
		return s.advance(8)
	case thriftUUID:
		return s.advance(16)
	case thriftBinary:
		_, err := s.binary()
		return err
	case thriftList, thriftSet:
		if depth > maxThriftDepth {
			return errors.New("it is nested too deep")
		}
		n, elem, err := s.list()
		if err != nil {
			return err
		}
		return s.skipAll(n, elem, elem, depth)
	case thriftMap:
		if depth > maxThriftDepth {
			return errors.New("it is nested too deep")
		}
		n, err := s.uvarint()
		if err != nil || n == 0 {
			return err
		}
		types, err := s.byte()
		if err != nil {
			return err
		}
		if n > uint64(len(s.data)-s.pos)/2 {
			return ErrShort
		}
		if err := s.count(2 * int(n)); err != nil {
			return err
		}
		return s.skipAll(2*int(n), types>>4, types&15, depth)
	case thriftStruct:
		return s.fields(depth, nil)
	}
	return fmt.Errorf("a value is of type %d, which there is not", typ)
}

// skipAll passes over n elements of two types in turn.
func (s *scanner) skipAll(n int, even, odd byte, depth int) error {
	for i := range n {
		typ := even
		if i&1 == 1 {
			typ = odd
		}
		if err := s.skip(typ, depth+1, false); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) advance(n int) error {
	if n > len(s.data)-s.pos {
		return ErrShort
	}
	s.pos += n
	return nil
}
