package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestStopWhileFetching interrupts commands that wait for a server which sends no more: they end at once, as
// interrupted, and leave no run directory.
func TestStopWhileFetching(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows delivers no interrupts to one process")
	}
	t.Parallel()
	for _, verb := range []string{"run", "plan", "check", "cat"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			url, asked := endless(t)
			k := world(t, 1)
			args := []string{verb, "leads.yaml", url}
			if verb == "cat" {
				args = []string{verb, url}
			}
			p := k.begin(t, strings.NewReader(""), args...)
			<-asked
			if err := p.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			p.exits(t, 130)
			if left := k.glob(t, "sfsync-runs/2*"); len(left) > 0 {
				t.Errorf("%q is left", left)
			}
		})
	}
}

// TestDurationWhileFetching: --max-duration counts while an input is fetched, too. Nothing was sent, so nothing is left.
func TestDurationWhileFetching(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"run", "plan"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			url, _ := endless(t)
			k := world(t, 1)
			p := k.begin(t, strings.NewReader(""), verb, "leads.yaml", url, "--max-duration", "200ms")
			p.exits(t, 75)
			if text := p.err.String(); !strings.Contains(text, "was not read to its end before --max-duration was over: nothing was sent") {
				t.Errorf("it says %q", text)
			}
			if left := k.glob(t, "sfsync-runs/2*"); len(left) > 0 {
				t.Errorf("%q is left", left)
			}
		})
	}
}

// endless serves a file whose end never comes, and tells of each request for it.
func endless(t *testing.T) (url string, asked <-chan struct{}) {
	t.Helper()
	tell, gone := make(chan struct{}, 10), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "id,name\n1,Ada\n")
		w.(http.Flusher).Flush()
		tell <- struct{}{}
		<-gone
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(gone) })
	return srv.URL + "/leads.csv", tell
}
