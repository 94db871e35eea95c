package transport

import (
	"io"
	"testing"
)

// The bytes of a body are not read once they have been taken back: a transport may go on
// reading after it has given an answer.
func TestBodyIsTakenBack(t *testing.T) {
	data := []byte("0123456789")
	src := NewBody(data)
	r, again := src.Reader(), src.Reader()
	buf := make([]byte, 4)
	if n, err := r.Read(buf); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	if all, err := io.ReadAll(again); string(all) != "0123456789" || err != nil {
		t.Errorf("%s, %v", all, err)
	}
	src.Detach()
	if n, err := r.Read(buf); n != 0 || err != io.ErrClosedPipe {
		t.Errorf("%d, %v", n, err)
	}
}
