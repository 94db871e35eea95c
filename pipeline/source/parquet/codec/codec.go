// Package codec unpacks the pages of Parquet files. It never allocates for what a page claims: the
// caller says how long a page has to be, and it is that long or it is an error.
package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec is a compression (parquet.thrift, CompressionCodec).
type Codec int32

// The compressions, as they are numbered.
const (
	None Codec = iota
	Snappy
	Gzip
	LZO
	Brotli
	LZ4
	Zstd
	LZ4Raw
)

// String returns the name of the compression.
func (c Codec) String() string {
	names := [...]string{"none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw"}
	if c >= 0 && int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("codec %d", int32(c))
}

// Check reports a codec that cannot be unpacked.
func (c Codec) Check() error {
	if c < 0 || c > LZ4Raw || c == LZO {
		return fmt.Errorf("its compression (%s) is not one that is read: write it with zstd or snappy", c)
	}
	return nil
}

// Unpacker unpacks pages. Its decoders are made when they are first needed, and used again. The
// zero Unpacker is ready. It is not safe for concurrent use.
type Unpacker struct {
	src    bytes.Reader
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
	brotli *brotli.Reader
}

// Close ends what the decoders hold.
func (u *Unpacker) Close() {
	if u.zstd != nil {
		u.zstd.Close()
		u.zstd = nil
	}
}

// Unpack fills dst, whose length is what the page should have unpacked, from src. Nothing is
// ever allocated for what a page claims beyond that.
func (u *Unpacker) Unpack(c Codec, dst, src []byte) error {
	if len(dst) == 0 { // writers differ in how they pack nothing, and lz4 would panic
		return nil
	}
	var n int
	var err error
	switch c {
	case None:
		n = copy(dst, src)
		if len(src) != len(dst) {
			return fmt.Errorf("it has %d bytes, not %d", len(src), len(dst))
		}
	case Snappy:
		if n, err = s2.DecodedLen(src); err == nil && n == len(dst) {
			_, err = s2.Decode(dst, src)
		}
	case Zstd:
		n, err = u.unzstd(dst, src)
	case Gzip:
		n, err = u.ungzip(dst, src)
	case Brotli:
		u.src.Reset(src)
		if u.brotli == nil {
			u.brotli = brotli.NewReader(&u.src)
		} else if err = u.brotli.Reset(&u.src); err != nil {
			break
		}
		n, err = readExactly(u.brotli, dst)
	case LZ4Raw:
		n, err = lz4.UncompressBlock(src, dst)
	case LZ4:
		n, err = unLZ4(dst, src)
	default:
		err = c.Check()
	}
	if err != nil {
		return fmt.Errorf("its %s data are damaged: %w", c, err)
	}
	if n != len(dst) {
		return fmt.Errorf("its %s data unpack to %d bytes or more, not %d", c, n, len(dst))
	}
	return nil
}

func (u *Unpacker) unzstd(dst, src []byte) (int, error) {
	if u.zstd == nil {
		var err error
		// A window costs nothing here, however large: the page itself is it.
		u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(zstd.MaxWindowSize))
		if err != nil {
			return 0, err
		}
	}
	out, err := u.zstd.DecodeAll(src, dst[:0:len(dst)])
	return len(out), err
}

func (u *Unpacker) ungzip(dst, src []byte) (n int, err error) {
	u.src.Reset(src)
	if len(src) > 0 && src[0]&0xF == 8 { // zlib's header, which gzip's readers in C take too
		z, err := zlib.NewReader(&u.src)
		if err != nil {
			return 0, err
		}
		return readExactly(z, dst)
	}
	if u.gzip == nil {
		u.gzip, err = gzip.NewReader(&u.src)
		if err != nil {
			u.gzip = nil
			return 0, err
		}
	} else if err := u.gzip.Reset(&u.src); err != nil {
		return 0, err
	}
	return readExactly(u.gzip, dst)
}

// readExactly fills dst and looks for more behind it.
func readExactly(r io.Reader, dst []byte) (int, error) {
	n, err := io.ReadFull(r, dst)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
	var more [1]byte
	for range 100 {
		m, err := r.Read(more[:])
		switch {
		case m > 0:
			return n + m, nil
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
	return n, io.ErrNoProgress
}
