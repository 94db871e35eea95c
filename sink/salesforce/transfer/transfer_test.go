package transfer_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"sfsync/sink/salesforce/transfer"
)

type sink struct {
	strings.Builder
	full, stuck error
}

func (s *sink) Reset() error { s.Builder.Reset(); return s.stuck }

func (s *sink) Write(p []byte) (int, error) {
	if s.full != nil {
		return 0, s.full
	}
	return s.Builder.Write(p)
}

// An error of the disk is told from one of the answer, and a second try begins anew.
func TestFill(t *testing.T) {
	why := errors.New("no space left")
	s := &sink{}
	if _, err := transfer.Fill(s, iotest.DataErrReader(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("half an answer"))))); !errors.Is(err, iotest.ErrTimeout) || errors.As(err, new(*transfer.WriteError)) {
		t.Errorf("an answer that breaks off: %v", err)
	}
	if n, err := transfer.Fill(s, strings.NewReader("a whole answer")); n != 14 || err != nil || s.String() != "a whole answer" {
		t.Errorf("%d, %v: %q", n, err, s.String())
	}
	for _, s := range []*sink{{full: why}, {stuck: why}} {
		if _, err := transfer.Fill(s, strings.NewReader("x")); !errors.Is(err, why) || !errors.As(err, new(*transfer.WriteError)) {
			t.Errorf("%v", err)
		}
	}
}
