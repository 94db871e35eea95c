package salesforce

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/transfer"
	"sfsync/sink/salesforce/transport"
)

// unpack is a hook that lets the fake org read compressed bodies, and counts them.
type unpack struct {
	mu            sync.Mutex
	packed, plain int
	wire, text    int64
	// refuse answers in the org's place; 0 does not.
	refuse func(r *http.Request, body []byte) int
}

func (u *unpack) hook(w http.ResponseWriter, r *http.Request, _ int) bool {
	if !strings.HasSuffix(r.URL.Path, "/composite") {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		reply(w, 400, orgError("JSON_PARSER_ERROR", "the body broke off"))
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.refuse != nil {
		if status := u.refuse(r, body); status != 0 {
			w.WriteHeader(status)
			return true
		}
	}
	u.wire += int64(len(body))
	if r.Header.Get("Content-Encoding") == "gzip" {
		u.packed++
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			body, err = io.ReadAll(z)
		}
		if err != nil {
			reply(w, 400, orgError("JSON_PARSER_ERROR", err.Error()))
			return true
		}
	} else {
		u.plain++
	}
	u.text += int64(len(body))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return false
}

func always(string) bool { return true }

// Bodies of some size travel compressed, every try of them whole; short ones do not, and nothing does on
// loopback, which is the default of these tests.
func TestCompressedBodies(t *testing.T) {
	f := newFake(t)
	u := &unpack{}
	f.hook = u.hook
	w, _ := f.impatient(func(c *Config) { c.Compress = always })
	if got := tally(write(t, w, leads(400, sink.Upsert))); got["created"] != 400 {
		t.Errorf("%v", got)
	}
	write(t, w, leads(1, sink.Upsert))
	if u.packed != 1 || u.plain != 1 || u.wire*5 > u.text {
		t.Errorf("%d bodies compressed, %d not, %d bytes of %d", u.packed, u.plain, u.wire, u.text)
	}
	dropped := false
	f.after = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if dropped || !strings.HasSuffix(r.URL.Path, "/composite") {
			return false
		}
		dropped = true
		drop(w)
		return true
	}
	if got := tally(write(t, w, leads(400, sink.Upsert))); got["updated"]+got["created"] != 400 || !dropped || u.packed < 3 {
		t.Errorf("%v after a lost answer, %d bodies compressed", got, u.packed)
	}

	f, u = newFake(t), &unpack{}
	f.hook = u.hook
	w, _ = f.impatient(nil)
	write(t, w, leads(400, sink.Upsert))
	if u.packed != 0 {
		t.Errorf("%d bodies compressed on loopback", u.packed)
	}
}

// An org, or what stands before it, that does not take compressed bodies costs a request, and gets
// plain ones from then on.
func TestCompressionRefused(t *testing.T) {
	for _, status := range []int{http.StatusUnsupportedMediaType, http.StatusBadRequest} {
		f := newFake(t)
		refused := 0
		u := &unpack{refuse: func(r *http.Request, _ []byte) int {
			if r.Header.Get("Content-Encoding") == "" {
				return 0
			}
			refused++
			return status
		}}
		f.hook = u.hook
		w, waits := f.impatient(func(c *Config) { c.Compress = always })
		for range 3 {
			if got := tally(write(t, w, leads(400, sink.Upsert))); got["created"]+got["updated"] != 400 {
				t.Errorf("%d: %v", status, got)
			}
		}
		if refused != 1 || u.plain != 3 || len(*waits) != 0 {
			t.Errorf("%d: refused %d times, %d plain bodies, waits %v", status, refused, u.plain, *waits)
		}
	}
}

// A refusal that is about the records is no reason to stop compressing.
func TestRefusalOfRecords(t *testing.T) {
	f := newFake(t)
	u := &unpack{}
	f.hook = u.hook
	w, _ := f.impatient(func(c *Config) { c.Compress = always })
	req := leads(400, sink.Upsert)
	set(req, 3, 3, "poison")
	if got := tally(write(t, w, req)); got["created"] != 399 || got["failed"] != 1 {
		t.Errorf("%v", got)
	}
	before := u.packed
	write(t, w, leads(400, sink.Upsert))
	if u.packed != before+1 {
		t.Errorf("%d of %d bodies compressed", u.packed, u.packed+u.plain)
	}
}

// What the Bulk API takes travels as it is: it documents compression of answers only.
func TestUploadsArePlain(t *testing.T) {
	f := newFake(t)
	encoding := "none"
	f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.Method != http.MethodPut {
			return false
		}
		encoding = r.Header.Get("Content-Encoding")
		w.WriteHeader(http.StatusCreated)
		return true
	}
	cfg := f.config()
	cfg.Compress = always
	text := strings.Repeat("Id,Name\n", 10_000)
	err := f.connect(cfg).Transfer(t.Context(), &transfer.Request{
		Method: http.MethodPut, Path: "/jobs/ingest/750/batches", ContentType: "text/csv", Data: strings.NewReader(text), Size: int64(len(text)),
	})
	if err != nil || encoding != "" {
		t.Errorf("%v, Content-Encoding %q", err, encoding)
	}
}

// A certificate that does not count ends a command at once, with what to do; with its authority the
// org is spoken to, in HTTP/2.
func TestCertificates(t *testing.T) {
	f := newFake(t)
	proto := ""
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		f.ServeHTTP(w, r)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	cfg := f.config()
	cfg.Auth.InstanceURL = srv.URL
	_, err := Connect(t.Context(), cfg)
	e := wantError(t, err, sink.Config, catalog.CodeCertificate)
	if !strings.Contains(e.Message, "--ca-cert") || !strings.Contains(e.Message, srv.Listener.Addr().String()) {
		t.Errorf("%v", e)
	}
	cfg.Roots = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := f.connect(cfg)
	if c.Org().ID == "" || proto != "HTTP/2.0" {
		t.Errorf("%v by %s", c.Org(), proto)
	}
}

// A proxy that wants to know who one is over plain HTTP answers in the org's place.
func TestProxyAsksOverHTTP(t *testing.T) {
	f := newFake(t)
	f.hook = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return true
	}
	_, err := Connect(t.Context(), f.config())
	if e := wantError(t, err, sink.Auth, catalog.CodeProxy); !strings.Contains(e.Message, transport.ProxyLogin) {
		t.Errorf("%v", e)
	}
}

// Connecting costs a round trip where the org knows the version: its own record and the objects are asked
// for side by side. The list of versions is asked for only where the version is not there.
func TestConnectAsksSideBySide(t *testing.T) {
	f := newFake(t)
	var mu sync.Mutex
	waiting, all := 0, make(chan struct{})
	var asked []string
	f.hook = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		if waiting++; waiting == 3 {
			close(all)
		}
		mu.Unlock()
		<-all // hangs if one is asked after the other
		return false
	}
	cfg := f.config()
	cfg.Objects = []string{"Lead", "Account"}
	c := f.connect(cfg)
	f.hook = nil
	if n := len(f.counted()); n != 3 || len(asked) != 3 {
		t.Errorf("%d calls: %v", n, asked)
	}
	for _, name := range cfg.Objects {
		if _, err := c.Describe(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if calls := f.counted(); len(calls) != 0 {
		t.Errorf("asked again: %v", calls)
	}

	// One that is not there is no reason not to connect.
	cfg.Objects = []string{"Nobody__c"}
	_, err := f.connect(cfg).Describe(t.Context(), "Nobody__c")
	wantError(t, err, sink.Config, "NOT_FOUND")
}
