package textfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/bits"
	"unicode/utf8"

	"sfsync/pipeline/source/inputerr"
)

// Options say how a file is read. MaxLine has to be given.
type Options struct {
	// Encoding is auto, or a name of the WHATWG or IANA registry; "" means auto, which is what a
	// byte order mark says, else UTF-8. A byte order mark wins over a name.
	Encoding string
	// MaxLine is the most bytes of a line that a reader wants to see in one piece.
	MaxLine int
	// Block is how many bytes are read at a time; 0 means 256 KiB.
	Block int
}

// File is the text of a file as UTF-8, a block at a time. A reader looks at what was fetched
// (Rest), moves on (Skip), and asks for more (Fill) where that does not hold a whole row. The
// buffer grows to a line of Options.MaxLine. A File is not safe for concurrent use.
type File struct {
	*Stream
	buffer
	maxLine  int
	encoding string
	text     io.Reader // the file as UTF-8
	recoded  bool      // text was converted from another encoding
	warnings inputerr.Warnings
}

// NewFile reads the beginning of a stream, which stays the caller's to close. The error is an
// [*inputerr.Error], or the context's.
func NewFile(ctx context.Context, s *Stream, opt Options) (*File, error) {
	f := &File{Stream: s, maxLine: opt.MaxLine}
	if err := f.decode(opt.Encoding); err != nil {
		return nil, err
	}
	if opt.Block == 0 {
		opt.Block = BlockSize
	}
	f.buffer = newBuffer(f.text, opt.MaxLine, opt.Block)
	if err := f.Fill(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// Path is the file as its errors name it.
func (f *File) Path() string { return f.path }

// MaxLine is that of the options.
func (f *File) MaxLine() int { return f.maxLine }

// Encoding is the name of the file's encoding, in lower case: utf-8, utf-16le, windows-1252 …
func (f *File) Encoding() string { return f.encoding }

// Recoded reports whether the text was converted from another encoding, so that any row may
// hold what BadText finds.
func (f *File) Recoded() bool { return f.recoded }

// Warnf notes what is odd about the file.
func (f *File) Warnf(format string, args ...any) { f.warnings.Addf(format, args...) }

// Warnings returns what is odd about the file as far as it was read.
func (f *File) Warnings() []string { return f.warnings }

// Fill reads the next block. The error is the context's, or an [*inputerr.Error]; it comes only
// once the text before it was fetched by a Fill before.
func (f *File) Fill(ctx context.Context) error {
	err := f.fill(ctx)
	switch {
	case err == nil:
		if f.eof {
			f.finish()
		}
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return err
	}
	return f.readError(err)
}

// Excerpt returns the beginning of a line that is too long to keep whole.
func (f *File) Excerpt() []byte { return cutRune(f.Rest()[:min(f.maxLine, 4<<10)]) }

// SkipLine passes over the rest of a line in bounded memory.
func (f *File) SkipLine(ctx context.Context, eol byte) error {
	for {
		if i := bytes.IndexByte(f.Rest(), eol); i >= 0 {
			f.Skip(i + 1)
			return nil
		}
		f.Skip(len(f.Rest()))
		if f.eof {
			return nil
		}
		if err := f.Fill(ctx); err != nil {
			return err
		}
	}
}

// cutRune drops the part of a character at the end of a text that was cut off.
func cutRune(text []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax, len(text)); i++ {
		if c := text[len(text)-i]; utf8.RuneStart(c) {
			if bits.LeadingZeros8(^c) > i {
				return text[:len(text)-i]
			}
			break
		}
	}
	return text
}
