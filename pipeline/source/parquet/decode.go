package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/apache/thrift/lib/go/thrift"
	format "github.com/xitongsys/parquet-go/parquet"
)

// This file is the only one that knows the generated structures of the format. They are
// decoded one schema element, column chunk and page header at a time, each after a walk over
// its bytes has shown what it holds, and what is needed is copied out: a footer of many
// megabytes costs its bytes and no more.

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

// decode decodes the structure in data.
func (d *decoder) decode(data []byte, into thrift.TStruct) error {
	*d.buf = *bytes.NewBuffer(data)
	d.conf.MaxMessageSize = int32(max(len(data), 1))
	d.proto = thrift.NewTCompactProtocolConf(&thrift.TMemoryBuffer{Buffer: d.buf}, d.conf)
	return into.Read(context.Background(), d.proto)
}

// element decodes a schema element.
func (d *decoder) element(s *scanner) (element, error) {
	from := s.pos
	var union int16 // which logical type, also of those younger than the generated code
	s.items, s.limit = 0, 1000
	err := s.fields(2, func(id int16, typ byte) error {
		if id != 10 || typ != thriftStruct {
			return nil
		}
		return s.fields(3, func(id int16, _ byte) error { union = id; return nil })
	})
	s.limit = 0
	if err != nil {
		return element{}, err
	}
	var raw format.SchemaElement
	if err := d.decode(s.data[from:s.pos], &raw); err != nil {
		return element{}, err
	}
	e := element{name: raw.Name, leaf: raw.Type != nil, children: raw.GetNumChildren(), length: raw.GetTypeLength()}
	if raw.Type != nil {
		if e.typ = physical(*raw.Type); *raw.Type < 0 || *raw.Type > format.Type(physFixed) {
			return e, fmt.Errorf("column %s is of the unknown type %d", quote(e.name), *raw.Type)
		}
	}
	switch {
	case raw.RepetitionType == nil:
		e.repetition = required
	case *raw.RepetitionType < 0 || *raw.RepetitionType > 2:
		return e, fmt.Errorf("column %s has the unknown repetition %d", quote(e.name), *raw.RepetitionType)
	default:
		e.repetition = repetition(*raw.RepetitionType)
	}
	if len(e.name) > maxName {
		return e, fmt.Errorf("the name of a column is %d bytes long; at most %d are read", len(e.name), maxName)
	}
	e.logical = logicalOf(&raw, union)
	return e, nil
}

// logicalOf tells the logical type of an element: by the union, else by the older
// converted type.
func logicalOf(raw *format.SchemaElement, union int16) logical {
	l := logical{scale: raw.GetScale(), precision: raw.GetPrecision()}
	if lt := raw.LogicalType; lt != nil {
		switch {
		case lt.DECIMAL != nil:
			l.kind, l.scale, l.precision = logDecimal, lt.DECIMAL.Scale, lt.DECIMAL.Precision
			return l
		case lt.TIME != nil:
			l.kind, l.unit, l.utc = logTime, unitOf(lt.TIME.Unit), lt.TIME.IsAdjustedToUTC
			return l
		case lt.TIMESTAMP != nil:
			l.kind, l.unit, l.utc = logTimestamp, unitOf(lt.TIMESTAMP.Unit), lt.TIMESTAMP.IsAdjustedToUTC
			return l
		case lt.INTEGER != nil:
			l.kind, l.bits, l.signed = logInteger, lt.INTEGER.BitWidth, lt.INTEGER.IsSigned
			return l
		}
		switch union { // field numbers of LogicalType in parquet.thrift
		case 1:
			l.kind = logString
		case 2:
			l.kind = logMap
		case 3:
			l.kind = logList
		case 4:
			l.kind = logEnum
		case 6:
			l.kind = logDate
		case 11:
			l.kind = logNull
		case 12:
			l.kind = logJSON
		case 13:
			l.kind = logBSON
		case 14:
			l.kind = logUUID
		case 15:
			l.kind = logFloat16
		}
		if l.kind != logNone {
			return l
		}
	}
	if raw.ConvertedType == nil {
		return l
	}
	switch c := *raw.ConvertedType; c {
	case format.ConvertedType_UTF8:
		l.kind = logString
	case format.ConvertedType_MAP, format.ConvertedType_MAP_KEY_VALUE:
		l.kind = logMap
	case format.ConvertedType_LIST:
		l.kind = logList
	case format.ConvertedType_ENUM:
		l.kind = logEnum
	case format.ConvertedType_DECIMAL:
		l.kind = logDecimal
	case format.ConvertedType_DATE:
		l.kind = logDate
	case format.ConvertedType_TIME_MILLIS:
		l.kind, l.unit, l.utc = logTime, millis, true
	case format.ConvertedType_TIME_MICROS:
		l.kind, l.unit, l.utc = logTime, micros, true
	case format.ConvertedType_TIMESTAMP_MILLIS:
		l.kind, l.unit, l.utc = logTimestamp, millis, true
	case format.ConvertedType_TIMESTAMP_MICROS:
		l.kind, l.unit, l.utc = logTimestamp, micros, true
	case format.ConvertedType_UINT_8, format.ConvertedType_UINT_16, format.ConvertedType_UINT_32, format.ConvertedType_UINT_64:
		l.kind, l.bits = logInteger, int8(8<<(c-format.ConvertedType_UINT_8))
	case format.ConvertedType_INT_8, format.ConvertedType_INT_16, format.ConvertedType_INT_32, format.ConvertedType_INT_64:
		l.kind, l.bits, l.signed = logInteger, int8(8<<(c-format.ConvertedType_INT_8)), true
	case format.ConvertedType_JSON:
		l.kind = logJSON
	case format.ConvertedType_BSON:
		l.kind = logBSON
	case format.ConvertedType_INTERVAL:
		l.kind = logInterval
	}
	return l
}

func unitOf(u *format.TimeUnit) unit {
	switch {
	case u == nil:
		return noUnit
	case u.MILLIS != nil:
		return millis
	case u.MICROS != nil:
		return micros
	case u.NANOS != nil:
		return nanos
	}
	return noUnit
}

// maxDictHeader is what the size of a chunk may lack: parquet-mr up to 1.2.8 left out the header of
// the dictionary (PARQUET-816).
const maxDictHeader = 100

// chunk decodes and checks a column chunk of a leaf in a row group of so many rows.
func (d *decoder) chunk(s *scanner, l *leafType, size, rows int64) (chunk, error) {
	from := s.pos
	s.items, s.limit = 0, maxChunkItems
	err := s.fields(3, nil)
	s.limit = 0
	if err != nil {
		return chunk{}, err
	}
	var raw format.ColumnChunk
	if err := d.decode(s.data[from:s.pos], &raw); err != nil {
		return chunk{}, err
	}
	m := raw.MetaData
	switch {
	case raw.CryptoMetadata != nil || raw.EncryptedColumnMetadata != nil:
		return chunk{}, fmt.Errorf("%w: write the file without encryption", ErrEncrypted)
	case raw.FilePath != nil && *raw.FilePath != "":
		return chunk{}, fmt.Errorf("its data are in another file (%s), which is not read", quote(*raw.FilePath))
	case m == nil:
		return chunk{}, errors.New("the description of its data is missing")
	case int64(m.Type) != int64(l.typ):
		return chunk{}, fmt.Errorf("it is of type %s in the schema and %s here", l.typ, physical(m.Type))
	case m.NumValues < 0 || l.maxRep == 0 && m.NumValues != rows || l.maxRep > 0 && m.NumValues < rows:
		return chunk{}, fmt.Errorf("it has %d values for %d rows", m.NumValues, rows)
	}
	c := chunk{codec: codec(m.Codec), values: m.NumValues, offset: m.DataPageOffset}
	dictionary := false
	if p := m.DictionaryPageOffset; p != nil && *p > 0 && *p < c.offset {
		c.offset, dictionary = *p, true
	}
	if c.values == 0 {
		return c, nil
	}
	if err := c.codec.check(); err != nil {
		return c, err
	}
	n := m.TotalCompressedSize
	if c.offset < int64(len(magic)) || c.offset > size || n <= 0 || n > size-c.offset {
		return c, fmt.Errorf("its %d bytes at %d are not inside the file", n, c.offset)
	}
	c.end = c.offset + n
	c.reach = c.end
	if dictionary {
		c.reach = max(min(c.end+maxDictHeader, size-tailSize), c.end)
	}
	return c, nil
}

// pageKind says what a page holds.
type pageKind uint8

const (
	pageOther pageKind = iota // an index, or of a kind that is to come
	pageData
	pageDict
)

// pageHeader is what is needed of the header of a page.
type pageHeader struct {
	kind         pageKind
	v2           bool
	packed, size int // bytes in the file, bytes unpacked
	values       int
	encoding     encoding
	defEncoding  encoding // of version 1
	repEncoding  encoding
	rows, nulls  int // of version 2
	defBytes     int
	repBytes     int
	compressed   bool
	checked      bool
	crc          uint32
	headerSize   int
}

// maxHeaderItems bounds the fields and elements of a page header.
const maxHeaderItems = 1000

// page decodes the page header at the beginning of data. The error wraps errShort if it goes
// on behind them.
func (d *decoder) page(data []byte) (pageHeader, error) {
	s := &scanner{data: data, limit: maxHeaderItems}
	if err := s.fields(0, nil); err != nil {
		return pageHeader{}, err
	}
	var raw format.PageHeader
	if err := d.decode(data[:s.pos], &raw); err != nil {
		return pageHeader{}, err
	}
	h := pageHeader{headerSize: s.pos, packed: int(raw.CompressedPageSize), size: int(raw.UncompressedPageSize), compressed: true}
	if raw.Crc != nil {
		h.checked, h.crc = true, uint32(*raw.Crc)
	}
	if h.packed < 0 || h.size < 0 {
		return h, fmt.Errorf("it has %d bytes, %d unpacked", h.packed, h.size)
	}
	switch raw.Type {
	case format.PageType_DATA_PAGE:
		p := raw.DataPageHeader
		if p == nil {
			return h, errors.New("its header lacks the part about its values")
		}
		h.kind, h.values = pageData, int(p.NumValues)
		h.encoding, h.defEncoding, h.repEncoding = encoding(p.Encoding), encoding(p.DefinitionLevelEncoding), encoding(p.RepetitionLevelEncoding)
	case format.PageType_DATA_PAGE_V2:
		p := raw.DataPageHeaderV2
		if p == nil {
			return h, errors.New("its header lacks the part about its values")
		}
		h.kind, h.v2, h.values, h.rows, h.nulls = pageData, true, int(p.NumValues), int(p.NumRows), int(p.NumNulls)
		h.encoding, h.compressed = encoding(p.Encoding), p.IsCompressed
		h.defBytes, h.repBytes = int(p.DefinitionLevelsByteLength), int(p.RepetitionLevelsByteLength)
		if h.defBytes < 0 || h.repBytes < 0 || h.defBytes+h.repBytes > min(h.packed, h.size) {
			return h, fmt.Errorf("its levels of %d and %d bytes are longer than it is", h.repBytes, h.defBytes)
		}
		if h.rows < 0 || h.nulls < 0 || h.nulls > h.values || h.rows > h.values {
			return h, fmt.Errorf("it has %d rows and %d nulls in %d values", h.rows, h.nulls, h.values)
		}
	case format.PageType_DICTIONARY_PAGE:
		p := raw.DictionaryPageHeader
		if p == nil {
			return h, errors.New("its header lacks the part about its values")
		}
		h.kind, h.values, h.encoding = pageDict, int(p.NumValues), encoding(p.Encoding)
	}
	if h.values < 0 {
		return h, fmt.Errorf("it has %d values", h.values)
	}
	return h, nil
}
