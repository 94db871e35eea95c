package parquettest

import "encoding/binary"

// compact writes a structure in Thrift's compact protocol. Fields must come in order.
type compact struct {
	buf  []byte
	last int
}

func (c *compact) field(id int, typ byte) {
	if d := id - c.last; d < 16 {
		c.buf = append(c.buf, byte(d)<<4|typ)
	} else {
		c.buf = binary.AppendVarint(append(c.buf, typ), int64(id))
	}
	c.last = id
}

func (c *compact) i32(id, v int) {
	c.field(id, 5)
	c.buf = binary.AppendVarint(c.buf, int64(v))
}

func (c *compact) i64(id int, v int64) {
	c.field(id, 6)
	c.buf = binary.AppendVarint(c.buf, v)
}

func (c *compact) bool(id int, v bool) {
	typ := byte(2)
	if v {
		typ = 1
	}
	c.field(id, typ)
}

func (c *compact) text(s string) {
	c.buf = append(binary.AppendUvarint(c.buf, uint64(len(s))), s...)
}

func (c *compact) binary(id int, s string) {
	c.field(id, 8)
	c.text(s)
}

func (c *compact) list(id int, elem byte, n int) {
	c.field(id, 9)
	c.buf = append(c.buf, 0xF0|elem)
	c.buf = binary.AppendUvarint(c.buf, uint64(n))
}

func (c *compact) structure(id int, s compact) {
	c.field(id, 12)
	c.buf = append(c.buf, s.end()...)
}

func (c *compact) structs(id int, list []compact) {
	c.list(id, 12, len(list))
	for _, s := range list {
		c.buf = append(c.buf, s.end()...)
	}
}

func (c *compact) end() []byte { return append(c.buf[:len(c.buf):len(c.buf)], 0) }
