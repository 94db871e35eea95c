package localorg

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Slashes may be doubled wherever clients put addresses together, but not in the value of a key.
func TestSlashes(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	lead := `{"LastName":"A","Company":"C"}`
	for _, path := range []string{
		"//services/data/v66.0/limits", "/services//data/v66.0/limits", "/services/data//v66.0//limits", "/services/data/v66.0/limits//",
		"/services/data/v66.0/sobjects//Lead/describe/",
	} {
		if r := o.do("GET", path, ""); r.status != 200 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	for _, key := range []string{"a/b", "a//b", "a%2Fc", "%20d", "%C3%A9/x.y", "a.csv"} {
		o.do("PATCH", "/sobjects/Lead/Ext__c/"+key, lead).want(t, 201, created)
	}
	o.do("PATCH", "/sobjects//Lead/Ext__c/a//b/", lead).want(t, 200, updated)
	if got, want := o.query("SELECT Ext__c FROM Lead ORDER BY Ext__c"), `[{"Ext__c":"a.csv"},{"Ext__c":"a//b"},{"Ext__c":"a/b"},{"Ext__c":"a/c"},{"Ext__c":"d"},{"Ext__c":"é/x.y"}]`; got != want {
		t.Errorf("keys: %s, want %s", got, want)
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	lead := `{"LastName":"A","Company":"C"}`
	for _, tt := range []struct {
		media string
		ok    bool
	}{
		{"application/json", true},
		{"application/json; charset=UTF-8", true},
		{"Application/JSON;charset=utf-8", true},
		{"", true},
		{"text/plain", false},
		{"application/x-www-form-urlencoded", false},
		{"text/csv", false},
		{"nonsense;;", false},
	} {
		r := o.do("POST", "/sobjects/Lead", lead, "Content-Type", tt.media)
		if tt.ok {
			r.want(t, 201, saved)
			continue
		}
		r.want(t, 415, `[{"message":"Content-Type of '`+tt.media+`' is not supported","errorCode":"UNSUPPORTED_MEDIA_TYPE"}]`)
	}
	// Without a body there is nothing to refuse.
	o.do("GET", "/limits/recordCount?sObjects=Account", "", "Content-Type", "text/plain").want(t, 200, `{"sObjects":[]}`)
}

// Bodies may be compressed and need not say how long they are.
func TestBodies(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	const lead = `{"LastName":"A","Company":"C"}`
	pack := func(open func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		w := open(&b)
		io.WriteString(w, lead)
		w.Close()
		return b.Bytes()
	}
	zipped := pack(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	tests := []struct {
		fact, encoding string
		body           []byte
		status         int
	}{
		{"gzip", "gzip", zipped, 201},
		{"GZIP", "GZIP", zipped, 201},
		{"x-gzip", "x-gzip", zipped, 201},
		{"deflate as the standard has it", "deflate", pack(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }), 201},
		{"deflate as some clients send it", "deflate", pack(func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 6); return z }), 201},
		{"identity", "identity", []byte(lead), 201},
		{"no gzip at all", "gzip", []byte(lead), 400},
		{"gzip cut short", "gzip", zipped[:len(zipped)-9], 400},
	}
	for _, tt := range tests {
		for _, chunked := range []bool{false, true} {
			rq, err := http.NewRequestWithContext(t.Context(), "POST", o.url+v66+"/sobjects/Lead", bytes.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if chunked {
				rq.ContentLength = -1
				rq.Body = io.NopCloser(io.MultiReader(bytes.NewReader(tt.body)))
			}
			rq.Header.Set("Authorization", "OAuth "+o.token)
			rq.Header.Set("Content-Type", "application/json")
			rq.Header.Set("Content-Encoding", tt.encoding)
			rq.Header.Set("Cookie", "BrowserId=abc; CookieConsentPolicy=0:1")
			res, err := http.DefaultClient.Do(rq)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != tt.status {
				t.Errorf("%s, chunked %v: %d %s, want %d", tt.fact, chunked, res.StatusCode, text, tt.status)
			}
		}
	}
	// A bomb is not unpacked beyond what a resource takes.
	bomb := pack(func(w io.Writer) io.WriteCloser {
		z := gzip.NewWriter(w)
		z.Write(bytes.Repeat([]byte{' '}, 65<<10))
		return z
	})
	if r := o.do("POST", "/services/oauth2/token", string(bomb), "Content-Encoding", "gzip"); r.status != 413 {
		t.Errorf("a login that becomes 65 KB: %d %s", r.status, r.body)
	}
	if r := o.do("POST", "/services/oauth2/token", strings.Repeat("a", 65<<10)); r.status != 413 {
		t.Errorf("a login of 65 KB: %d %s", r.status, r.body)
	}
}

// Requests that hang on what the caller knows of a record.
func TestConditions(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	id := o.create("Account", `{"Name":"A"}`)
	path := "/sobjects/Account/" + id
	first := o.do("GET", path, "")
	tag, modified := first.header.Get("ETag"), first.header.Get("Last-Modified")
	if !strings.HasPrefix(tag, `"`) || modified == "" {
		t.Fatalf("ETag %q, Last-Modified %q", tag, modified)
	}
	if got := o.do("GET", path+"?fields=Name", "").header.Get("ETag"); got != tag {
		t.Errorf("the tag of a part is %q, that of the whole %q", got, tag)
	}
	const past, future = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
	steps := []struct {
		fact, method, path, body string
		header, value            string
		status                   int
	}{
		{"known", "GET", path, "", "If-None-Match", tag, 304},
		{"known, one of several", "GET", path, "", "If-None-Match", `"x", W/` + tag, 304},
		{"known, compressed", "GET", path, "", "If-None-Match", strings.TrimSuffix(tag, `"`) + `-gzip"`, 304},
		{"HEAD", "HEAD", path, "", "If-None-Match", tag, 304},
		{"unknown", "GET", path, "", "If-None-Match", `"x"`, 200},
		{"another than meant", "GET", path, "", "If-Match", `"x"`, 412},
		{"as meant", "GET", path, "", "If-Match", tag, 200},
		{"not changed since", "GET", path, "", "If-Modified-Since", modified, 304},
		{"changed since", "GET", path, "", "If-Modified-Since", past, 200},
		{"changed too late", "GET", path, "", "If-Unmodified-Since", past, 412},
		{"changed in time", "GET", path, "", "If-Unmodified-Since", future, 200},
		{"no date", "GET", path, "", "If-Modified-Since", "yesterday", 200},
		{"not the one meant", "PATCH", path, `{"Name":"B"}`, "If-Match", `"x"`, 412},
		{"changed meanwhile", "DELETE", path, "", "If-Unmodified-Since", past, 412},
		{"the one meant", "PATCH", path, `{"Name":"B"}`, "If-Match", tag, 204},
		{"no longer the one meant", "PATCH", path, `{"Name":"C"}`, "If-Match", tag, 412},
		{"any", "PATCH", path, `{"Name":"D"}`, "If-Match", "*", 204},
		{"only if there is none", "PATCH", path, `{"Name":"E"}`, "If-None-Match", "*", 412},
		{"a condition and a bad body", "PATCH", path, `{"Foo":"E"}`, "If-Match", "*", 400},
		{"none to match", "PATCH", "/sobjects/Account/001000000000000AAA", `{"Name":"E"}`, "If-Match", "*", 412},
		{"none to read", "GET", "/sobjects/Account/001000000000000AAA", "", "If-Modified-Since", past, 404},
		{"unchanged in time", "DELETE", path, "", "If-Unmodified-Since", future, 204},
	}
	for _, s := range steps {
		if r := o.do(s.method, s.path, s.body, s.header, s.value); r.status != s.status {
			t.Errorf("%s: %s with %s: %s: %d %s, want %d", s.fact, s.method, s.header, s.value, r.status, r.body, s.status)
		}
	}
	if r := o.do("PATCH", "/sobjects/Lead/Ext__c/k", `{"LastName":"A","Company":"C"}`, "If-Unmodified-Since", past); r.status != 201 {
		t.Errorf("an upsert of what is not there: %d %s", r.status, r.body)
	}
	if r := o.do("PATCH", "/sobjects/Lead/Ext__c/k", `{"LastName":"B"}`, "If-Unmodified-Since", past); r.status != 412 {
		t.Errorf("an upsert of what has changed: %d %s", r.status, r.body)
	}
	// A describe has a tag and a date.
	d := o.do("GET", "/sobjects/Lead/describe", "")
	o.do("GET", "/sobjects/Lead/describe", "", "If-None-Match", d.header.Get("ETag")).want(t, 304, "")
	if r := o.do("GET", "/sobjects/Lead/describe", "", "If-None-Match", `"x"`); r.status != 200 || r.header.Get("ETag") == "" || d.header.Get("Last-Modified") == "" {
		t.Errorf("a describe: %d %v", r.status, r.header)
	}
	// Rows of other objects go by their dates only.
	lead := "/sobjects/Lead/" + o.create("Lead", `{"LastName":"A","Company":"C"}`)
	for _, s := range []struct {
		header, value string
		status        int
	}{{"If-Match", `"x"`, 200}, {"If-None-Match", `"x"`, 200}, {"If-Modified-Since", future, 304}, {"If-Unmodified-Since", past, 412}} {
		if r := o.do("GET", lead, "", s.header, s.value); r.status != s.status || r.header.Get("ETag") != "" {
			t.Errorf("a lead with %s: %s: %d %s", s.header, s.value, r.status, r.body)
		}
	}
}

// The requests that run for 20 seconds or more are limited, and a latency makes them so.
func TestLongRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, err := Open(t.Context(), Config{DB: Memory, Latency: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		if got := o.load.Settings(); time.Duration(got.Latency) != 30*time.Second {
			t.Fatalf("settings: %+v", got)
		}
		statuses := make(chan int, 26)
		ask := func() {
			w := httptest.NewRecorder()
			o.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost/services/data", nil))
			statuses <- w.Code
		}
		for range 25 {
			go ask()
		}
		time.Sleep(25 * time.Second)
		go ask()
		synctest.Wait()
		if got := <-statuses; got != 403 {
			t.Errorf("beside 25 long requests: %d, want 403", got)
		}
		for range 25 {
			if got := <-statuses; got != 200 {
				t.Errorf("a long request: %d", got)
			}
		}
		go ask()
		if got := <-statuses; got != 200 {
			t.Errorf("after them: %d", got)
		}
	})
}

// The org does not serve more connections at once than it is made for; those that wait get their turn.
func TestConnections(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limitConnections(inner, 2)
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- c
		}
	}()
	for range 3 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first, second := <-accepted, <-accepted
	select {
	case <-accepted:
		t.Fatal("a third connection was accepted beside two")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	first.Close() // gives one place back, not two
	third := <-accepted
	select {
	case <-accepted:
		t.Fatal("a connection too many was accepted")
	default:
	}
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
	second.Close()
	third.Close()
}

// pipeListener hands out one end of pipes in memory.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// A client that does not get to the end of its headers, or of its body, loses its connection.
func TestSlowClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, err := Open(t.Context(), Config{DB: Memory})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		l := &pipeListener{make(chan net.Conn), make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- o.Serve(ctx, l) }()
		for _, tt := range []struct {
			sends string
			after time.Duration
		}{
			{"GET /services/data HTTP/1.1\r\nHost: loc", 10 * time.Second},
			{"POST /services/oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\ngrant", 5 * time.Minute},
		} {
			client, server := net.Pipe()
			l.conns <- server
			start := time.Now()
			if _, err := client.Write([]byte(tt.sends)); err != nil {
				t.Fatal(err)
			}
			answer, _ := io.ReadAll(client) // until the connection is closed
			if took := time.Since(start); took < tt.after || took > tt.after+time.Second || strings.Contains(string(answer), " 200 ") {
				t.Errorf("%.30q: closed after %v with %q, want %v", tt.sends, took, answer, tt.after)
			}
			client.Close()
		}
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
}
