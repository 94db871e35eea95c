package source_test

import (
	"context"
	"strings"
	"testing"

	"sfsync/pipeline/source"
	"sfsync/pipeline/source/sourcetest"
)

func TestAppendJSON(t *testing.T) {
	t.Parallel()
	in := `{"a":"x\n\"é","n":1.50,"t":true,"z":null,"o":{"p": [1]},"":""}`
	r, err := source.Open(context.Background(), source.Input{Path: "x.jsonl", Reader: strings.NewReader(in + "\n{\"n\":2}\n{\"n\":\xE9}\n")}, source.Options{All: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sourcetest.Close(t, r)
	b, err := r.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		in, `{"n":2}`,
		`{"sfsync_line":3,"sfsync_code":"BAD_ENCODING","sfsync_message":"column 6: byte 0xE9 is not valid UTF-8: convert the file, such as by iconv","sfsync_raw":"{\"n\":` + "\uFFFD" + `}"}`,
	} {
		if got := string(source.AppendJSON(nil, b, i)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
