package textfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sfsync/pipeline/source/inputerr"
)

const (
	// headSize is how much of a file is looked at before its format is decided.
	headSize = 64 << 10
	// maxWindow bounds the memory of a zstd stream: what zstd --long needs, and no more.
	maxWindow = 128 << 20
)

// Stream is the bytes of a file, decompressed.
type Stream struct {
	path        string
	raw         *hashReader
	content     *bufio.Reader
	compression string
	sum         string // SHA-256 in hex, once the end was reached
	closers     []func() error
	closed      bool
}

// NewStream looks at the first bytes of a file and undoes its compression: gzip or zstd, told by
// content. It takes over closer only if it succeeds.
func NewStream(path string, r io.Reader, closer func() error) (*Stream, error) {
	s := &Stream{path: path, raw: &hashReader{r: r, hash: sha256.New()}, closers: []func() error{closer}}
	s.content = bufio.NewReaderSize(s.raw, headSize)
	magic, err := s.content.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, s.readError(err)
	}
	switch {
	case isGzip(magic):
		s.compression = "gzip"
		z, err := gzip.NewReader(s.content)
		if err != nil {
			return nil, s.readError(err)
		}
		s.content = bufio.NewReaderSize(z, headSize)
	case isZstd(magic):
		s.compression = "zstd"
		// One at a time means on the reading goroutine: no other goroutine is left behind.
		z, err := zstd.NewReader(s.content, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, s.readError(err)
		}
		s.closers = append(s.closers, func() error { z.Close(); return nil })
		s.content = bufio.NewReaderSize(z, headSize)
	}
	return s, nil
}

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1F && b[1] == 0x8B }

func isZstd(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0x28, 0xB5, 0x2F, 0xFD}) ||
		len(b) >= 4 && b[0]&0xF0 == 0x50 && b[1] == 0x2A && b[2] == 0x4D && b[3] == 0x18 // a skippable frame
}

// Compression is "", gzip or zstd.
func (s *Stream) Compression() string { return s.compression }

// Content is what is not read yet.
func (s *Stream) Content() io.Reader { return s.content }

// Bytes is how much of the file was read, before decompression.
func (s *Stream) Bytes() int64 { return s.raw.n }

// SHA256 is the hash of the file's bytes in hex once a [File] over the stream was at its end,
// else "".
func (s *Stream) SHA256() string { return s.sum }

// Peek returns the beginning of the content, up to 64 KiB, without reading it.
func (s *Stream) Peek() ([]byte, error) {
	head, err := s.content.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return nil, s.readError(err)
	}
	return head, nil
}

// readError says why the content could not be read on.
func (s *Stream) readError(err error) *inputerr.Error {
	if s.raw.err != nil {
		return inputerr.Unreadable(s.path, s.raw.err)
	}
	if s.compression == "" {
		return inputerr.Unreadable(s.path, err)
	}
	message := "the " + s.compression + " stream is damaged"
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		message = "the " + s.compression + " stream is cut off: copy the file again"
		err = nil
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		message = fmt.Sprintf("the zstd stream needs a window of more than %d MiB: compress it again without --ultra or --long=28", maxWindow>>20)
		err = nil
	}
	return &inputerr.Error{Path: s.path, Class: inputerr.ErrMalformed, Message: message, Err: err}
}

// finish notes that the end of the content was reached.
func (s *Stream) finish() {
	if s.sum == "" {
		s.sum = hex.EncodeToString(s.raw.hash.Sum(nil))
	}
}

// Close ends decompression and closes the file. It may be called again.
func (s *Stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	if err := errors.Join(errs...); err != nil {
		return &inputerr.Error{Path: s.path, Class: inputerr.ErrUnreadable, Message: "cannot be closed", Err: inputerr.Cause(err)}
	}
	return nil
}

// hashReader counts and hashes what is read through it.
type hashReader struct {
	r    io.Reader
	hash hash.Hash
	n    int64
	err  error // an error of r that is not the end of the file
}

func (h *hashReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.n += int64(n)
	h.hash.Write(p[:n])
	if err != nil && err != io.EOF {
		h.err = err
	}
	return n, err
}
