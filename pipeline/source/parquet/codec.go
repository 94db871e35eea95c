package parquet

import (
	"bytes"
	"encoding/binary"
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

// codec is a compression (parquet.thrift, CompressionCodec).
type codec int32

const (
	codecNone codec = iota
	codecSnappy
	codecGzip
	codecLZO
	codecBrotli
	codecLZ4
	codecZstd
	codecLZ4Raw
)

func (c codec) String() string {
	names := [...]string{"none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw"}
	if c >= 0 && int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("codec %d", int32(c))
}

// check reports a codec that cannot be unpacked.
func (c codec) check() error {
	if c < 0 || c > codecLZ4Raw || c == codecLZO {
		return fmt.Errorf("its compression (%s) is not one that is read: write it with zstd or snappy", c)
	}
	return nil
}

// unpacker unpacks pages. Its decoders are made when they are first needed. It is not safe for
// concurrent use.
type unpacker struct {
	src    bytes.Reader
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
	brotli *brotli.Reader
}

// close ends what the decoders hold.
func (u *unpacker) close() {
	if u.zstd != nil {
		u.zstd.Close()
		u.zstd = nil
	}
}

// unpack fills dst, whose length is what the page should have unpacked, from src. Nothing is
// ever allocated for what a page claims beyond that.
func (u *unpacker) unpack(c codec, dst, src []byte) error {
	if len(dst) == 0 { // writers differ in how they pack nothing, and lz4 would panic
		return nil
	}
	var n int
	var err error
	switch c {
	case codecNone:
		n = copy(dst, src)
		if len(src) != len(dst) {
			return fmt.Errorf("it has %d bytes, not %d", len(src), len(dst))
		}
	case codecSnappy:
		if n, err = s2.DecodedLen(src); err == nil && n == len(dst) {
			_, err = s2.Decode(dst, src)
		}
	case codecZstd:
		n, err = u.unzstd(dst, src)
	case codecGzip:
		n, err = u.ungzip(dst, src)
	case codecBrotli:
		u.src.Reset(src)
		if u.brotli == nil {
			u.brotli = brotli.NewReader(&u.src)
		} else if err = u.brotli.Reset(&u.src); err != nil {
			break
		}
		n, err = readExactly(u.brotli, dst)
	case codecLZ4Raw:
		n, err = lz4.UncompressBlock(src, dst)
	case codecLZ4:
		n, err = unLZ4(dst, src)
	default:
		err = c.check()
	}
	if err != nil {
		return fmt.Errorf("its %s data are damaged: %w", c, err)
	}
	if n != len(dst) {
		return fmt.Errorf("its %s data unpack to %d bytes or more, not %d", c, n, len(dst))
	}
	return nil
}

func (u *unpacker) unzstd(dst, src []byte) (int, error) {
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

func (u *unpacker) ungzip(dst, src []byte) (n int, err error) {
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

// unLZ4 unpacks what writers have stored as LZ4: Hadoop's blocks, each behind its sizes in
// big-endian, else a frame, else a bare block (Compression.md of the format).
func unLZ4(dst, src []byte) (int, error) {
	if n, ok := unHadoop(dst, src); ok {
		return n, nil
	}
	if len(src) >= 4 && binary.LittleEndian.Uint32(src) == 0x184D2204 {
		if len(src) >= 6 { // the block size decides what the reader allocates: 4 MiB at most
			return readExactly(lz4.NewReader(bytes.NewReader(src)), dst)
		}
	}
	return lz4.UncompressBlock(src, dst)
}

// unHadoop unpacks blocks, each of which begins with its unpacked size and has one piece or more,
// each behind its packed size (BlockCompressorStream of Hadoop). It reports whether that is what
// src is.
func unHadoop(dst, src []byte) (n int, ok bool) {
	for len(src) > 0 {
		if len(src) < 4 {
			return n, false
		}
		size := int64(binary.BigEndian.Uint32(src))
		if src = src[4:]; size > int64(len(dst)-n) {
			return n, false
		}
		for end := n + int(size); n < end; {
			if len(src) < 4 {
				return n, false
			}
			packed := int64(binary.BigEndian.Uint32(src))
			if src = src[4:]; packed == 0 || packed > int64(len(src)) {
				return n, false
			}
			m, err := lz4.UncompressBlock(src[:packed], dst[n:end])
			if err != nil || m == 0 {
				return n, false
			}
			n, src = n+m, src[packed:]
		}
	}
	return n, n == len(dst)
}
