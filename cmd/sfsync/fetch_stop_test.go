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
			asked, gone := make(chan struct{}, 1), make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "id,name\n1,Ada\n")
				w.(http.Flusher).Flush()
				asked <- struct{}{}
				<-gone
			}))
			t.Cleanup(srv.Close)
			t.Cleanup(func() { close(gone) })
			k := world(t, 1)
			args := []string{verb, "leads.yaml", srv.URL + "/leads.csv"}
			if verb == "cat" {
				args = []string{verb, srv.URL + "/leads.csv"}
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
