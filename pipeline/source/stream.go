package source

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
)

const (
	// headSize is how much of a file is looked at before its format is decided.
	headSize = 64 << 10
	// maxWindow bounds the memory of a zstd stream: what zstd --long needs, and no more.
	maxWindow = 128 << 20
)

// stream is the bytes of a file, decompressed.
type stream struct {
	path        string
	raw         *hashReader
	content     *bufio.Reader
	compression string
	sum         string // SHA-256 in hex, once the end was reached
	closers     []func() error
	closed      bool
}

// newStream looks at the first bytes of a file and undoes its compression. It takes
// over closer only if it succeeds.
func newStream(path string, r io.Reader, closer func() error) (*stream, error) {
	s := &stream{path: path, raw: &hashReader{r: r, hash: sha256.New()}, closers: []func() error{closer}}
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

// peek returns the beginning of the content, up to headSize.
func (s *stream) peek() ([]byte, error) {
	head, err := s.content.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return nil, s.readError(err)
	}
	return head, nil
}

// readError says why the content could not be read on.
func (s *stream) readError(err error) *Error {
	if s.compression == "" || s.raw.err != nil {
		return &Error{Path: s.path, Class: ErrUnreadable, Message: "cannot be read", Err: pathCause(err)}
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
	return &Error{Path: s.path, Class: ErrMalformed, Message: message, Err: err}
}

// finish notes that the end of the content was reached.
func (s *stream) finish() {
	if s.sum == "" {
		s.sum = hex.EncodeToString(s.raw.hash.Sum(nil))
	}
}

func (s *stream) close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	if err := errors.Join(errs...); err != nil {
		return &Error{Path: s.path, Class: ErrUnreadable, Message: "cannot be closed", Err: pathCause(err)}
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

// foreign are the first bytes of files that people take for CSV, and what to do with them.
//
//nolint:gochecknoglobals // a table that never changes
var foreign = [...]struct{ magic, what, advice string }{
	{"PK\x03\x04", "a zip archive or an Excel workbook (.xlsx)", "save it as CSV (UTF-8), or unpack it"},
	{"\xD0\xCF\x11\xE0", "an old Excel workbook (.xls)", "save it as CSV (UTF-8)"},
	{"%PDF-", "a PDF document", "export the data as CSV"},
	{"SQLite format 3\x00", "an SQLite database", "export the table as CSV"},
	{"Obj\x01", "an Avro file", "convert it to JSON Lines"},
	{"ORC", "an ORC file", "convert it to CSV"},
	{"ARROW1\x00\x00", "an Arrow file", "convert it to CSV"},
	{"BZh", "a bzip2 stream", "unpack it, or compress it with gzip or zstd"},
	{"\xFD7zXZ\x00", "an xz stream", "unpack it, or compress it with gzip or zstd"},
	{"\x04\x22\x4D\x18", "an lz4 stream", "unpack it, or compress it with gzip or zstd"},
	{"7z\xBC\xAF\x27\x1C", "a 7-Zip archive", "unpack it"},
	{"Rar!\x1A\x07", "a RAR archive", "unpack it"},
	{"\x1F\x8B", "compressed twice", "unpack it once"},
	{"\x28\xB5\x2F\xFD", "compressed twice", "unpack it once"},
	{"{\\rtf", "an RTF document", "save it as plain text"},
	{"\x89PNG", "an image", "name another file"},
	{"\xFF\xD8\xFF", "an image", "name another file"},
	{"\x7FELF", "a program", "name another file"},
	{"\xFF\xFE\x00\x00", "text in UTF-32", "save it as UTF-8"},
	{"\x00\x00\xFE\xFF", "text in UTF-32", "save it as UTF-8"},
}

// refuse recognizes contents that are no rows at all.
func refuse(path string, head []byte) error {
	for _, f := range foreign {
		// ORC and BZh are letters too: a header may begin with them, but not with a NUL soon after.
		if bytes.HasPrefix(head, []byte(f.magic)) && (len(f.magic) > 3 || f.magic[0] >= 0x80 || f.magic[0] < ' ' || bytes.IndexByte(head[:min(len(head), 512)], 0) >= 0 || !plainText(head)) {
			return malformed(path, "is %s, not CSV, JSON Lines or Parquet: %s", f.what, f.advice)
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return malformed(path, "is a tar archive, not CSV, JSON Lines or Parquet: unpack it")
	}
	start := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head[:min(len(head), 1024)], []byte("\xEF\xBB\xBF")), " \t\r\n"))
	for _, tag := range [...]string{"<!doctype html", "<html", "<?xml"} {
		if bytes.HasPrefix(start, []byte(tag)) {
			return malformed(path, "is a web page or XML, not CSV, JSON Lines or Parquet: was the download an error page?")
		}
	}
	return nil
}

// plainText reports whether the beginning of a file has no control characters but those of text.
func plainText(head []byte) bool {
	for _, c := range head[:min(len(head), 512)] {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}
