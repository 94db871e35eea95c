// Package text writes the stored values of Parquet files as text: the shortest that loses nothing,
// in the forms that the doc comment of package parquet lists.
package text

import (
	"fmt"
	"strconv"

	"sfsync/pipeline/row"
	"sfsync/pipeline/source/parquet/encoding"
	"sfsync/pipeline/source/parquet/meta"
)

// Kinds of values that cannot be a cell: the row is a problem.
const (
	BadText   row.Kind = 0x7F // text that is not UTF-8; what is written is, with replacements
	BadNumber row.Kind = 0x7E // a decimal without bytes, or with too many
	TooLong   row.Kind = 0x7D // a text longer than a row may be, without the text
)

const (
	// MaxDecimal is the longest decimal that is read, in bytes.
	MaxDecimal = 1 << 10
	maxScale   = 1 << 10
)

// Format writes the values of a leaf. It is never changed.
type Format struct {
	// Name is the type of the values, for people to read.
	Name string
	// Refused says why they cannot be read; "" if they can.
	Refused string
	// Plain says that the text of a value is its bytes.
	Plain bool

	leaf *meta.Leaf
	// one appends the text of a stored value and says what it is. The value has the width of
	// its type.
	one func(f *Format, dst, v []byte) ([]byte, row.Kind)
}

// For chooses how the values of a leaf are written. A logical type that does not fit the
// physical one is not looked at, as the format asks of readers.
func For(l *meta.Leaf) (*Format, error) {
	f := &Format{leaf: l}
	g := l.Logical
	small := l.Type == meta.Int32 || l.Type == meta.Int64
	text := l.Type == meta.Bytes || l.Type == meta.Fixed
	switch {
	case g.Kind == meta.Null:
		f.one, f.Name = (*Format).null, "null"
	case g.Kind == meta.Decimal && (small || text):
		if g.Scale < 0 || g.Scale > maxScale {
			return nil, fmt.Errorf("its decimals have a scale of %d", g.Scale)
		}
		f.one, f.Name = (*Format).decimalBytes, fmt.Sprintf("decimal(%d,%d)", g.Precision, g.Scale)
		if small {
			f.one = (*Format).decimalInt
		}
		if l.Type == meta.Fixed && l.Length > MaxDecimal {
			return nil, fmt.Errorf("its decimals have %d bytes", l.Length)
		}
	case g.Kind == meta.Date && l.Type == meta.Int32:
		f.one, f.Name = (*Format).date, "date"
	case g.Kind == meta.Time && g.Unit != meta.NoUnit && small:
		f.one, f.Name = (*Format).time, "time("+g.Unit.String()+zone(g.UTC)+")"
	case g.Kind == meta.Timestamp && g.Unit != meta.NoUnit && l.Type == meta.Int64:
		f.one, f.Name = (*Format).timestamp, "timestamp("+g.Unit.String()+zone(g.UTC)+")"
	case g.Kind == meta.Integer && small && !g.Signed:
		f.one, f.Name = (*Format).unsigned, "uint"+strconv.Itoa(int(uint8(g.Bits)))
	case g.Kind == meta.Integer && small:
		f.one, f.Name = (*Format).integer, "int"+strconv.Itoa(int(uint8(g.Bits)))
	case g.Kind == meta.Float16 && l.Type == meta.Fixed && l.Length == 2:
		f.one, f.Name = (*Format).float16, "float16"
	case g.Kind == meta.UUID && l.Type == meta.Fixed && l.Length == 16:
		f.one, f.Name = (*Format).uuid, "uuid"
	case g.Kind == meta.Interval && l.Type == meta.Fixed && l.Length == 12:
		f.one, f.Name = (*Format).interval, "interval"
	case g.Kind == meta.String && text:
		f.one, f.Name, f.Plain = (*Format).text, "string", true
	case g.Kind == meta.Enum && text:
		f.one, f.Name, f.Plain = (*Format).text, "enum", true
	case g.Kind == meta.JSON && text:
		f.one, f.Name = (*Format).json, "json"
	case g.Kind == meta.BSON && text:
		f.one, f.Name, f.Refused = (*Format).base64, "bson", "BSON is not read: write JSON or single columns"
	default:
		f.physical()
	}
	return f, nil
}

func zone(utc bool) string {
	if utc {
		return ", UTC"
	}
	return ""
}

// physical chooses how values without a logical type are written.
func (f *Format) physical() {
	f.Name = f.leaf.Type.String()
	switch f.leaf.Type {
	case meta.Bool:
		f.one = (*Format).boolean
	case meta.Int32, meta.Int64:
		f.one = (*Format).integer
	case meta.Int96:
		f.one, f.Name = (*Format).int96, "timestamp(int96)"
	case meta.Float:
		f.one = (*Format).float
	case meta.Double:
		f.one = (*Format).double
	case meta.Bytes:
		f.one = (*Format).base64
	case meta.Fixed:
		f.one, f.Name = (*Format).base64, "binary("+strconv.Itoa(int(f.leaf.Length))+")"
	}
}

// Most returns how long the text of a stored value of n bytes is at most. It is an estimate for
// texts that are not UTF-8, whose replacements are longer.
func (f *Format) Most(n int) int {
	switch {
	case f.leaf.Type != meta.Bytes && f.leaf.Type != meta.Fixed:
		return 48 + int(f.leaf.Logical.Scale) // a timestamp of the year -292275055 has 36
	case f.leaf.Logical.Kind == meta.Decimal:
		return 5*n/2 + 4 + int(f.leaf.Logical.Scale)
	case f.Plain || f.leaf.Logical.Kind == meta.JSON:
		return n
	}
	return max(48, (n+2)/3*4)
}

// Append appends the text of one stored value.
func (f *Format) Append(dst, v []byte) ([]byte, row.Kind) { return f.one(f, dst, v) }

// Fixed adds the texts of the values in fixed, which are all of one width.
func (f *Format) Fixed(c *Cells, fixed []byte, width int) {
	n := len(fixed) / width
	ends, kinds := c.more(n)
	dst := c.Text
	one := f.one
	for i := range n {
		dst, kinds[i] = one(f, dst, fixed[i*width:(i+1)*width])
		ends[i] = uint32(len(dst))
	}
	c.Text = dst
}

// Spans adds the texts of the values that stand in data one behind another.
func (f *Format) Spans(c *Cells, data []byte, spans []encoding.Span) {
	if f.Plain && valid(data, spans) {
		c.Copy(data, spans, row.Text)
		return
	}
	ends, kinds := c.more(len(spans))
	dst := c.Text
	one := f.one
	for i, s := range spans {
		dst, kinds[i] = one(f, dst, data[s.From:s.To])
		ends[i] = uint32(len(dst))
	}
	c.Text = dst
}

// Pick is Spans for the values of the spans with the numbers in index.
func (f *Format) Pick(c *Cells, data []byte, spans []encoding.Span, index []uint32) {
	ends, kinds := c.more(len(index))
	dst := c.Text
	one := f.one
	for i, k := range index {
		dst, kinds[i] = one(f, dst, data[spans[k].From:spans[k].To])
		ends[i] = uint32(len(dst))
	}
	c.Text = dst
}

// Entries is Fixed for the values with the numbers in index.
func (f *Format) Entries(c *Cells, fixed []byte, width int, index []uint32) {
	ends, kinds := c.more(len(index))
	dst := c.Text
	one := f.one
	for i, k := range index {
		at := int(k) * width
		dst, kinds[i] = one(f, dst, fixed[at:at+width])
		ends[i] = uint32(len(dst))
	}
	c.Text = dst
}
