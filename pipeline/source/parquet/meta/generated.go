package meta

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/apache/thrift/lib/go/thrift"
	format "github.com/xitongsys/parquet-go/parquet"

	"sfsync/pipeline/source/parquet/codec"
)

// This file is the only one that knows the generated structures of the format. They are
// decoded one schema element, column chunk and page header at a time, each after a walk over
// its bytes has shown what it holds, and what is needed is copied out: a footer of many
// megabytes costs its bytes and little more.

// decoder decodes generated structures out of bytes that a scanner has walked over.
type decoder struct {
	buf   *bytes.Buffer
	conf  *thrift.TConfiguration
	proto *thrift.TCompactProtocol
}

func newDecoder() *decoder {
	d := &decoder{buf: &bytes.Buffer{}, conf: &thrift.TConfiguration{}}
	d.proto = thrift.NewTCompactProtocolConf(&thrift.TMemoryBuffer{Buffer: d.buf}, d.conf)
	return d
}

// next decodes the structure that stands where the scanner is, and moves the scanner behind it. It
// may have limit parts at most; visit is that of [scanner.fields].
func (d *decoder) next(s *scanner, depth, limit int, into thrift.TStruct, visit func(id int16, typ byte) error) error {
	from := s.pos
	s.items, s.limit = 0, limit
	err := s.fields(depth, visit)
	s.limit = 0
	if err != nil {
		return err
	}
	data := s.data[from:s.pos]
	*d.buf = *bytes.NewBuffer(data)
	d.conf.MaxMessageSize = int32(max(len(data), 1))
	d.proto = thrift.NewTCompactProtocolConf(&thrift.TMemoryBuffer{Buffer: d.buf}, d.conf)
	return into.Read(context.Background(), d.proto)
}

// maxElementItems bounds the fields of a schema element.
const maxElementItems = 1000

// element decodes a schema element.
func (d *decoder) element(s *scanner) (element, error) {
	var union int16 // which logical type, also of those younger than the generated code
	var raw format.SchemaElement
	err := d.next(s, 2, maxElementItems, &raw, func(id int16, typ byte) error {
		if id != 10 || typ != thriftStruct {
			return nil
		}
		return s.fields(3, func(id int16, _ byte) error { union = id; return nil })
	})
	if err != nil {
		return element{}, err
	}
	e := element{name: raw.Name, leaf: raw.Type != nil, children: raw.GetNumChildren(), length: raw.GetTypeLength()}
	if len(e.name) > maxName {
		return e, fmt.Errorf("the name of a column is %d bytes long; at most %d are read", len(e.name), maxName)
	}
	if t := raw.Type; t != nil {
		if *t < 0 || *t > format.Type(Fixed) {
			return e, fmt.Errorf("column %s is of the unknown type %d", Quote(e.name), *t)
		}
		e.typ = Physical(*t)
	}
	if r := raw.RepetitionType; r != nil {
		if *r < 0 || *r > format.FieldRepetitionType(repeated) {
			return e, fmt.Errorf("column %s has the unknown repetition %d", Quote(e.name), *r)
		}
		e.repetition = repetition(*r)
	}
	e.logical = logicalOf(&raw, union)
	return e, nil
}

// logicalOf tells the logical type of an element: by the union, else by the older
// converted type.
func logicalOf(raw *format.SchemaElement, union int16) Logical {
	if t := raw.LogicalType; t != nil {
		switch {
		case t.DECIMAL != nil:
			return Logical{Kind: Decimal, Scale: t.DECIMAL.Scale, Precision: t.DECIMAL.Precision}
		case t.TIME != nil:
			return Logical{Kind: Time, Unit: unitOf(t.TIME.Unit), UTC: t.TIME.IsAdjustedToUTC}
		case t.TIMESTAMP != nil:
			return Logical{Kind: Timestamp, Unit: unitOf(t.TIMESTAMP.Unit), UTC: t.TIMESTAMP.IsAdjustedToUTC}
		case t.INTEGER != nil:
			return Logical{Kind: Integer, Bits: t.INTEGER.BitWidth, Signed: t.INTEGER.IsSigned}
		}
		kinds := [...]LogicalKind{ // by their field numbers in LogicalType of parquet.thrift
			1: String, 2: Map, 3: List, 4: Enum, 6: Date, 11: Null, 12: JSON, 13: BSON, 14: UUID, 15: Float16,
		}
		if union >= 0 && int(union) < len(kinds) && kinds[union] != NoLogical {
			return Logical{Kind: kinds[union]}
		}
	}
	if raw.ConvertedType == nil {
		return Logical{}
	}
	converted := [...]Logical{
		format.ConvertedType_UTF8:             {Kind: String},
		format.ConvertedType_MAP:              {Kind: Map},
		format.ConvertedType_MAP_KEY_VALUE:    {Kind: Map},
		format.ConvertedType_LIST:             {Kind: List},
		format.ConvertedType_ENUM:             {Kind: Enum},
		format.ConvertedType_DECIMAL:          {Kind: Decimal, Scale: raw.GetScale(), Precision: raw.GetPrecision()},
		format.ConvertedType_DATE:             {Kind: Date},
		format.ConvertedType_TIME_MILLIS:      {Kind: Time, Unit: Millis, UTC: true},
		format.ConvertedType_TIME_MICROS:      {Kind: Time, Unit: Micros, UTC: true},
		format.ConvertedType_TIMESTAMP_MILLIS: {Kind: Timestamp, Unit: Millis, UTC: true},
		format.ConvertedType_TIMESTAMP_MICROS: {Kind: Timestamp, Unit: Micros, UTC: true},
		format.ConvertedType_UINT_8:           {Kind: Integer, Bits: 8},
		format.ConvertedType_UINT_16:          {Kind: Integer, Bits: 16},
		format.ConvertedType_UINT_32:          {Kind: Integer, Bits: 32},
		format.ConvertedType_UINT_64:          {Kind: Integer, Bits: 64},
		format.ConvertedType_INT_8:            {Kind: Integer, Bits: 8, Signed: true},
		format.ConvertedType_INT_16:           {Kind: Integer, Bits: 16, Signed: true},
		format.ConvertedType_INT_32:           {Kind: Integer, Bits: 32, Signed: true},
		format.ConvertedType_INT_64:           {Kind: Integer, Bits: 64, Signed: true},
		format.ConvertedType_JSON:             {Kind: JSON},
		format.ConvertedType_BSON:             {Kind: BSON},
		format.ConvertedType_INTERVAL:         {Kind: Interval},
	}
	if c := *raw.ConvertedType; c >= 0 && int(c) < len(converted) {
		return converted[c]
	}
	return Logical{}
}

func unitOf(u *format.TimeUnit) Unit {
	switch {
	case u == nil:
		return NoUnit
	case u.MILLIS != nil:
		return Millis
	case u.MICROS != nil:
		return Micros
	case u.NANOS != nil:
		return Nanos
	}
	return NoUnit
}

// maxDictHeader is what the size of a chunk may lack: parquet-mr up to 1.2.8 left out the header of
// the dictionary (PARQUET-816).
const maxDictHeader = 100

// chunk decodes and checks a column chunk of a leaf in a row group of so many rows.
func (d *decoder) chunk(s *scanner, l *Leaf, size, rows int64) (Chunk, error) {
	var raw format.ColumnChunk
	if err := d.next(s, 3, maxChunkItems, &raw, nil); err != nil {
		return Chunk{}, err
	}
	m := raw.MetaData
	switch {
	case raw.CryptoMetadata != nil || raw.EncryptedColumnMetadata != nil:
		return Chunk{}, fmt.Errorf("%w: write the file without encryption", ErrEncrypted)
	case raw.FilePath != nil && *raw.FilePath != "":
		return Chunk{}, fmt.Errorf("its data are in another file (%s), which is not read", Quote(*raw.FilePath))
	case m == nil:
		return Chunk{}, errors.New("the description of its data is missing")
	case int64(m.Type) != int64(l.Type):
		return Chunk{}, fmt.Errorf("it is of type %s in the schema and %s here", l.Type, Physical(m.Type))
	case m.NumValues < 0 || l.MaxRep == 0 && m.NumValues != rows || l.MaxRep > 0 && m.NumValues < rows:
		return Chunk{}, fmt.Errorf("it has %d values for %d rows", m.NumValues, rows)
	}
	c := Chunk{Codec: codec.Codec(m.Codec), Values: m.NumValues, Offset: m.DataPageOffset}
	dictionary := false
	if p := m.DictionaryPageOffset; p != nil && *p > 0 && *p < c.Offset {
		c.Offset, dictionary = *p, true
	}
	if c.Values == 0 {
		return c, nil
	}
	if err := c.Codec.Check(); err != nil {
		return c, err
	}
	n := m.TotalCompressedSize
	if c.Offset < int64(len(magic)) || c.Offset > size || n <= 0 || n > size-c.Offset {
		return c, fmt.Errorf("its %d bytes at %d are not inside the file", n, c.Offset)
	}
	c.End = c.Offset + n
	c.Reach = c.End
	if dictionary {
		c.Reach = max(min(c.End+maxDictHeader, size-tailSize), c.End)
	}
	return c, nil
}

// PageKind says what a page holds.
type PageKind uint8

// The kinds of pages.
const (
	OtherPage PageKind = iota // an index, or of a kind that is to come
	DataPage
	DictPage
)

// Page is what is needed of the header of a page.
type Page struct {
	Kind         PageKind
	V2           bool
	Packed, Size int // bytes in the file, bytes unpacked
	Values       int
	Encoding     Encoding
	DefEncoding  Encoding // of version 1
	RepEncoding  Encoding
	Rows, Nulls  int // of version 2
	DefBytes     int
	RepBytes     int
	Compressed   bool // false only in version 2
	Checked      bool // there is a checksum
	CRC          uint32
	HeaderSize   int
}

// maxHeaderItems bounds the fields and elements of a page header.
const maxHeaderItems = 1000

var errNoValues = errors.New("its header lacks the part about its values")

// Pages decodes page headers. It is not safe for concurrent use.
type Pages struct{ d *decoder }

// NewPages returns a decoder of page headers.
func NewPages() *Pages { return &Pages{newDecoder()} }

// Header decodes and checks the page header at the beginning of data. The error wraps [ErrShort] if
// it goes on behind them.
func (p *Pages) Header(data []byte) (Page, error) {
	var raw format.PageHeader
	s := &scanner{data: data}
	if err := p.d.next(s, 0, maxHeaderItems, &raw, nil); err != nil {
		return Page{}, err
	}
	h := Page{HeaderSize: s.pos, Packed: int(raw.CompressedPageSize), Size: int(raw.UncompressedPageSize), Compressed: true}
	if raw.Crc != nil {
		h.Checked, h.CRC = true, uint32(*raw.Crc)
	}
	if h.Packed < 0 || h.Size < 0 {
		return h, fmt.Errorf("it has %d bytes, %d unpacked", h.Packed, h.Size)
	}
	switch raw.Type {
	case format.PageType_DATA_PAGE:
		p := raw.DataPageHeader
		if p == nil {
			return h, errNoValues
		}
		h.Kind, h.Values = DataPage, int(p.NumValues)
		h.Encoding, h.DefEncoding, h.RepEncoding = Encoding(p.Encoding), Encoding(p.DefinitionLevelEncoding), Encoding(p.RepetitionLevelEncoding)
	case format.PageType_DATA_PAGE_V2:
		p := raw.DataPageHeaderV2
		if p == nil {
			return h, errNoValues
		}
		h.Kind, h.V2, h.Values, h.Rows, h.Nulls = DataPage, true, int(p.NumValues), int(p.NumRows), int(p.NumNulls)
		h.Encoding, h.Compressed = Encoding(p.Encoding), p.IsCompressed
		h.DefBytes, h.RepBytes = int(p.DefinitionLevelsByteLength), int(p.RepetitionLevelsByteLength)
		if h.DefBytes < 0 || h.RepBytes < 0 || h.DefBytes+h.RepBytes > min(h.Packed, h.Size) {
			return h, fmt.Errorf("its levels of %d and %d bytes are longer than it is", h.RepBytes, h.DefBytes)
		}
		if h.Rows < 0 || h.Nulls < 0 || h.Nulls > h.Values || h.Rows > h.Values {
			return h, fmt.Errorf("it has %d rows and %d nulls in %d values", h.Rows, h.Nulls, h.Values)
		}
	case format.PageType_DICTIONARY_PAGE:
		p := raw.DictionaryPageHeader
		if p == nil {
			return h, errNoValues
		}
		h.Kind, h.Values, h.Encoding = DictPage, int(p.NumValues), Encoding(p.Encoding)
	}
	if h.Values < 0 {
		return h, fmt.Errorf("it has %d values", h.Values)
	}
	return h, nil
}
