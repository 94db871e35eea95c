package codec

import (
	"bytes"
	"encoding/binary"

	"github.com/pierrec/lz4/v4"
)

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
