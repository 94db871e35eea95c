package salesforce

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/transfer"
)

// page is an answer that is kept.
type page struct {
	bytes.Buffer
	full error
}

func (p *page) Reset() error { p.Buffer.Reset(); return p.full }

// A file goes out as often as it has to, whole each time; an answer of any length comes whole, or not
// at all.
func TestTransfer(t *testing.T) {
	f := newFake(t)
	w, waits := f.impatient(nil)
	long := strings.Repeat("a,b\n", 100_000)
	puts, gets := 0, 0
	f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/batches"):
			puts++
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != long || r.Header.Get("Content-Type") != "text/csv" || r.ContentLength != int64(len(long)) {
				t.Errorf("upload %d: %d bytes, %v, %v", puts, len(body), r.Header, err)
			}
			if puts == 1 {
				reply(w, 503, orgError("SERVER_UNAVAILABLE", "busy"))
				return true
			}
			w.WriteHeader(http.StatusCreated)
			return true
		case strings.HasSuffix(r.URL.Path, "/results"):
			if gets++; r.Header.Get("Accept") != "text/csv" {
				t.Errorf("%v", r.Header)
			}
			w.Header().Set("Content-Length", "400000")
			if gets == 1 {
				_, _ = io.WriteString(w, long[:1000]) // and no more of it
				return true
			}
			_, _ = io.WriteString(w, long)
			return true
		}
		return false
	}
	put := &transfer.Request{Method: http.MethodPut, Path: "/jobs/x/batches", Data: strings.NewReader(long), Size: int64(len(long)), ContentType: "text/csv"}
	if err := w.c.Transfer(t.Context(), put); err != nil || puts != 2 || len(*waits) != 1 {
		t.Errorf("%v after %d uploads", err, puts)
	}
	var got page
	get := &transfer.Request{Method: http.MethodGet, Path: "/jobs/x/results", Repeat: true, To: &got}
	if err := w.c.Transfer(t.Context(), get); err != nil || gets != 2 || got.String() != long {
		t.Errorf("%v after %d downloads of %d bytes", err, gets, got.Len())
	}
	got.full = errors.New("no space left")
	if err := w.c.Transfer(t.Context(), get); !errors.Is(err, got.full) { // what a full disk means others say
		t.Errorf("%v", err)
	}
	got.full = nil
	get.Path = "/nowhere"
	wantError(t, w.c.Transfer(t.Context(), get), sink.Config, "NOT_FOUND")
	if err := w.c.Transfer(t.Context(), &transfer.Request{Method: http.MethodPost, Path: "/x", JSON: func() {}}); err == nil {
		t.Error("what is no JSON was taken")
	}
}

// A gateway's page with the status of a success says nothing about the request: it may have been carried out. What may
// be repeated is, until the org itself answers.
func TestTransferAnsweredBySomethingElse(t *testing.T) {
	var info struct{ ID string }
	for _, c := range []struct {
		name  string
		r     transfer.Request
		calls int
		fails bool
	}{
		{"to be repeated", transfer.Request{Method: http.MethodGet, Path: "/jobs/x", Repeat: true, Into: &info}, 3, false},
		{"not to be", transfer.Request{Method: http.MethodPatch, Path: "/jobs/x", JSON: "closed", Into: &info}, 1, true},
		{"an upload", transfer.Request{Method: http.MethodPut, Path: "/jobs/x/batches", Data: strings.NewReader("a\n1\n"), Size: 4, ContentType: "text/csv"}, 1, true},
	} {
		f := newFake(t)
		w, waits := f.impatient(nil)
		calls := 0
		f.hook = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			if calls++; calls < 3 {
				_, _ = io.WriteString(w, "<html>maintenance</html>")
			} else {
				reply(w, 200, map[string]string{"id": "750000000000001AAA"})
			}
			return true
		}
		err := w.c.Transfer(t.Context(), &c.r)
		if calls != c.calls || len(*waits) != c.calls-1 {
			t.Errorf("%s: %d calls, %v", c.name, calls, *waits)
		}
		if !c.fails {
			if err != nil || info.ID == "" {
				t.Errorf("%s: %v", c.name, err)
			}
		} else if e := wantError(t, err, sink.Network, catalog.CodeBadAnswer); !e.Lost {
			t.Errorf("%s: it is not said to be lost", c.name)
		}
	}
}
