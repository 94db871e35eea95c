package textfile

import (
	"errors"
	"strings"
	"testing"

	"sfsync/pipeline/source/inputerr"
)

func TestFindEncoding(t *testing.T) {
	t.Parallel()
	for _, n := range encodingNames {
		if _, _, err := findEncoding(n); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := findEncoding("utf-88"); !errors.Is(err, inputerr.ErrOption) || !strings.Contains(err.Error(), "did you mean utf-8") {
		t.Error(err)
	}
}
