package textfile

import (
	"bytes"
	"context"
	"io"
)

const (
	// BlockSize is what is read of a file at a time. 256 KiB measured as fast as any larger block.
	BlockSize = 256 << 10
	// Slack zero bytes follow the text in a buffer, so that eight bytes can be loaded at any
	// place of it.
	Slack = 8
)

// buffer holds the unread text of a file. It grows to one line of the allowed length.
type buffer struct {
	r        io.Reader
	data     []byte // data[pos:end] is unread text; data[end:end+Slack] is zero
	pos, end int
	limit    int // most bytes of text the buffer may hold
	nul      int // index of the first NUL byte at or after pos, or end
	eof      bool
	err      error // why reading ended before the end of the file
}

func newBuffer(r io.Reader, maxLine, block int) buffer {
	return buffer{r: r, data: make([]byte, block+Slack), limit: maxLine + block}
}

// Rest is the unread text that was fetched. It is valid until the next Fill, as is Padded.
func (b *buffer) Rest() []byte { return b.data[b.pos:b.end] }

// Padded is Rest with its [Slack].
func (b *buffer) Padded() []byte { return b.data[b.pos : b.end+Slack] }

// NUL is the index of the first NUL byte in Rest, or its length.
func (b *buffer) NUL() int { return b.nul - b.pos }

// EOF reports whether nothing follows Rest.
func (b *buffer) EOF() bool { return b.eof }

// fill reads until the buffer is full or the file at its end, so that what a caller finds
// there does not depend on how the bytes arrive. A buffer without room grows. An error is
// returned only once the text that came before it is in the buffer and was looked at: the
// fill that meets the error keeps it for the next one.
func (b *buffer) fill(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.err != nil {
		return b.err
	}
	if b.eof {
		return nil
	}
	if b.pos > 0 {
		b.end = copy(b.data, b.data[b.pos:b.end])
		b.nul -= b.pos
		b.pos = 0
	}
	if room := len(b.data) - Slack; b.end > room/2 && room < b.limit {
		grown := make([]byte, min(2*room, b.limit)+Slack)
		copy(grown, b.data[:b.end])
		b.data = grown
	}
	old := b.end
	for empty := 0; b.end < len(b.data)-Slack; {
		n, err := b.r.Read(b.data[b.end : len(b.data)-Slack])
		b.end += n
		if err == io.EOF {
			b.eof = true
			break
		}
		if err != nil {
			b.err = err
			break
		}
		if n > 0 {
			empty = 0
		} else if empty++; empty == 100 {
			b.err = io.ErrNoProgress
			break
		}
		if ctx.Err() != nil { // once a read: a slow pipe must not hold up an interruption
			return ctx.Err()
		}
	}
	clear(b.data[b.end : b.end+Slack])
	if b.nul >= old {
		b.nul = b.findNUL(old)
	}
	if b.err != nil && b.end == old {
		return b.err
	}
	return nil
}

func (b *buffer) findNUL(from int) int {
	if i := bytes.IndexByte(b.data[from:b.end], 0); i >= 0 {
		return from + i
	}
	return b.end
}

// Skip moves on by n bytes.
func (b *buffer) Skip(n int) {
	b.pos += n
	if b.nul < b.pos {
		b.nul = b.findNUL(b.pos)
	}
}
