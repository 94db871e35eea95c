package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"sfsync/pipeline/source"
	"sfsync/sink/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const content = "id,name\n1,Ada\n2,Bob\n3,Cy\n"

// quick makes a client that waits for nothing long.
func quick(t testing.TB, transport http.RoundTripper) (*Client, *strings.Builder) {
	var told strings.Builder
	if transport == nil {
		own := &http.Transport{DisableCompression: true}
		t.Cleanup(own.CloseIdleConnections)
		transport = own
	}
	c := newClient(transport, "sfsync/test", func(format string, args ...any) { fmt.Fprintf(&told, format+"\n", args...) })
	c.policy = retry.Policy{Base: time.Microsecond, Cap: time.Microsecond, Attempts: 4}
	return c, &told
}

func read(ctx context.Context, c *Client, address string) (string, error) {
	a, err := Parse(address)
	if err != nil {
		return "", err
	}
	r := c.Open(ctx, a)
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

// cut sends the beginning of the content and drops the connection.
func cut(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	io.WriteString(w, content[:n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func gzipped(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.Bytes()
}

func TestAnswers(t *testing.T) {
	tagged := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	}
	tests := []struct {
		name  string
		serve func(n int, w http.ResponseWriter, r *http.Request) // n from 1
		want  string                                              // "" for an error
		class error
		says  string // in the error
		asked int    // requests, 0 for any number
	}{
		{name: "whole", serve: func(_ int, w http.ResponseWriter, r *http.Request) { tagged(w, r) }, want: content, asked: 1},
		{name: "no length, but chunks", serve: func(_ int, w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, content[:5])
			w.(http.Flusher).Flush()
			io.WriteString(w, content[5:])
		}, want: content},
		{name: "neither length nor chunks", serve: func(_ int, w http.ResponseWriter, _ *http.Request) {
			raw(w, "HTTP/1.0 200 OK\r\n\r\n"+content)
		}, class: source.ErrUnreadable, says: "how long it is", asked: 1},
		{name: "taken up", serve: func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				w.Header().Set("ETag", `"v1"`)
				cut(w, 9)
			}
			if got := r.Header.Get("Range") + " " + r.Header.Get("If-Range"); got != `bytes=9- "v1"` {
				http.Error(w, got, http.StatusTeapot)
				return
			}
			tagged(w, r)
		}, want: content, asked: 2},
		{name: "broken before anything came", serve: func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 4 {
				panic(http.ErrAbortHandler)
			}
			tagged(w, r)
		}, want: content, asked: 4},
		{name: "broken for good", serve: func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			if n == 1 {
				cut(w, 9)
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 9-%d/%d", len(content)-1, len(content)))
			w.Header().Set("Content-Length", strconv.Itoa(len(content)-9))
			w.WriteHeader(http.StatusPartialContent)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, class: source.ErrUnavailable, says: "after 9 bytes of 25 for the 4th time", asked: 4},
		{
			name: "broken without a tag", serve: func(_ int, w http.ResponseWriter, _ *http.Request) { cut(w, 9) },
			class: source.ErrUnavailable, says: "after 9 bytes of 25, and the server gives no strong ETag", asked: 1,
		},
		{name: "broken with a weak tag", serve: func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `W/"v1"`)
			cut(w, 9)
		}, class: source.ErrUnavailable, says: "no strong ETag", asked: 1},
		{name: "changed", serve: func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", fmt.Sprintf(`"v%d"`, n))
			if n == 1 {
				cut(w, 9)
			}
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
		}, class: source.ErrUnreadable, says: "changed on the server", asked: 2},
		{name: "changed to less", serve: func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			if n == 1 {
				cut(w, 9)
			}
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader("id\n1\n"))
		}, class: source.ErrUnreadable, says: "changed on the server", asked: 2},
		{name: "sends no parts", serve: func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			if n == 1 {
				cut(w, 9)
			}
			io.WriteString(w, content)
		}, class: source.ErrUnavailable, says: "sends no parts", asked: 2},
		{name: "another part", serve: func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			if n == 1 {
				cut(w, 9)
			}
			r.Header.Set("Range", "bytes=10-")
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
		}, class: source.ErrUnreadable, says: "another part", asked: 2},
		{name: "a part without a tag", serve: func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 1 {
				w.Header().Set("ETag", `"v1"`)
				cut(w, 9)
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 9-%d/%d", len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
			io.WriteString(w, strings.Repeat("x", len(content)-9))
		}, class: source.ErrUnreadable, says: "another part", asked: 2},
		{name: "a part of nobody knows how much", serve: func(n int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			if n == 1 {
				io.WriteString(w, content[:9])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			w.Header().Set("Content-Range", "bytes 9-14/*")
			w.WriteHeader(http.StatusPartialContent)
			io.WriteString(w, content[9:15])
		}, class: source.ErrUnreadable, says: "how long it is", asked: 2},
		{name: "encoded", serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != "identity" {
				http.Error(w, got, http.StatusTeapot)
				return
			}
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(gzipped(content))
		}, want: content, asked: 1},
		{name: "encoded and broken", serve: func(n int, w http.ResponseWriter, r *http.Request) {
			packed := gzipped(content)
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("Content-Encoding", "gzip")
			if n == 1 {
				w.Header().Set("Content-Length", strconv.Itoa(len(packed)))
				w.Write(packed[:15])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(packed))
		}, want: content, asked: 2},
		{name: "encoding damaged", serve: func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(append(gzipped(content)[:20], 'x'))
		}, class: source.ErrMalformed, says: "gzip encoding", asked: 1},
		{name: "encoding that is none", serve: func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, content)
		}, class: source.ErrMalformed, says: "gzip encoding", asked: 1},
		{name: "encoding not asked for", serve: func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, content)
		}, class: source.ErrUnreadable, says: `encoding "br"`, asked: 1},
		{name: "busy", serve: func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			tagged(w, r)
		}, want: content, asked: 3},
		{
			name: "busy for good", serve: func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
			class: source.ErrUnavailable, says: "429 Too Many Requests", asked: 4,
		},
		{name: "missing", serve: func(_ int, w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, class: source.ErrNotFound, says: "404 Not Found", asked: 1},
		{
			name: "refused", serve: func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
			class: source.ErrUnreadable, says: "has expired", asked: 1,
		},
		{
			name: "not a file", serve: func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) },
			class: source.ErrUnreadable, says: "202 Accepted, which is not the file", asked: 1,
		},
		{name: "redirected", serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/leads.csv" {
				http.Redirect(w, r, "/other?of=secret", http.StatusFound)
				return
			}
			if r.Header.Get("Referer") != "" || r.Header.Get("Authorization") == "" {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			tagged(w, r)
		}, want: content},
		{name: "redirected in circles", serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/leads.csv?again=secret", http.StatusFound)
		}, class: source.ErrUnreadable, says: "too often"},
		{name: "redirected to nowhere", serve: func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://h/%zz?sig=secret")
			w.WriteHeader(http.StatusFound)
		}, class: source.ErrUnreadable, says: "no valid URL", asked: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := asked.Add(1)
				if user, password, ok := r.BasicAuth(); !ok || user != "me" || password != "secret" {
					t.Errorf("user %q, password %q", user, password)
				}
				tt.serve(int(n), w, r)
			}))
			defer srv.Close()
			c, told := quick(t, nil)
			got, err := read(t.Context(), c, strings.Replace(srv.URL, "://", "://me:secret@", 1)+"/leads.csv?sig=secret#secret")
			var e *source.Error
			switch {
			case tt.want != "":
				if err != nil || got != tt.want {
					t.Errorf("%q, %v", got, err)
				}
			case !errors.Is(err, tt.class) || !errors.As(err, &e) || e.Path != srv.URL+"/leads.csv" || !strings.Contains(err.Error(), tt.says):
				t.Errorf("%v, want %v with %q", err, tt.class, tt.says)
			}
			if n := int(asked.Load()); tt.asked != 0 && n != tt.asked {
				t.Errorf("%d requests, want %d", n, tt.asked)
			}
			if all := fmt.Sprint(err) + told.String(); strings.Contains(all, "secret") || strings.Contains(all, "me@") {
				t.Errorf("a secret is shown:\n%s", all)
			}
		})
	}
}

// raw answers with bytes of a server that does not keep to what net/http writes.
func raw(w http.ResponseWriter, answer string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(conn, answer)
	conn.Close()
}

// A password does not follow a redirect to another server, and nothing goes from https to http.
func TestRedirectsElsewhere(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization")+r.Header.Get("Referer") != "" {
			t.Errorf("another server gets %v", r.Header)
		}
		io.WriteString(w, content)
	}))
	defer plain.Close()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(plain.URL, "://", "://they:secret@", 1)+"/leads.csv", http.StatusFound)
	})
	first := httptest.NewServer(handler)
	defer first.Close()
	c, _ := quick(t, nil)
	if got, err := read(t.Context(), c, strings.Replace(first.URL, "://", "://me:secret@", 1)+"/?sig=secret"); err != nil || got != content {
		t.Errorf("%q, %v", got, err)
	}
	safe := httptest.NewUnstartedServer(handler)
	safe.Config.ErrorLog = log.New(io.Discard, "", 0) // of the client that does not trust it
	safe.StartTLS()
	defer safe.Close()
	c, _ = quick(t, safe.Client().Transport)
	if _, err := read(t.Context(), c, safe.URL); !errors.Is(err, errDowngrade) || !errors.Is(err, source.ErrUnreadable) {
		t.Errorf("from https to http: %v", err)
	}
	c, _ = quick(t, nil)
	if _, err := read(t.Context(), c, safe.URL); !errors.Is(err, source.ErrUnavailable) || !strings.Contains(err.Error(), "--ca-cert") {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
}

// The authorities that are named count, and connections are given back.
func TestRoots(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, content) }))
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	c := New("sfsync/test", roots, func(string, ...any) {})
	defer c.Close()
	if got, err := read(t.Context(), c, srv.URL); err != nil || got != content {
		t.Errorf("%q, %v", got, err)
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c, told := quick(t, nil)
	_, err = read(t.Context(), c, "http://"+l.Addr().String()+"/leads.csv?sig=secret")
	if !errors.Is(err, source.ErrUnavailable) || strings.Contains(err.Error(), "secret") || strings.Count(told.String(), "trying again") != 3 {
		t.Errorf("%v\n%s", err, told)
	}
}

// A server that says nothing any more is asked again, and a context that ends ends the wait for it.
func TestSilence(t *testing.T) {
	gone := make(chan struct{})
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		if asked.Add(1) > 1 {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		io.WriteString(w, content[:9])
		w.(http.Flusher).Flush()
		<-gone
	}))
	defer srv.Close()
	defer close(gone)
	c, told := quick(t, nil)
	c.idle = 20 * time.Millisecond
	if got, err := read(t.Context(), c, srv.URL); err != nil || got != content || !strings.Contains(told.String(), errSilent.Error()) {
		t.Errorf("%q, %v\n%s", got, err, told)
	}
	asked.Store(0)
	c.idle = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	a, err := Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Open(ctx, a)
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAddress(t *testing.T) {
	tests := []struct{ text, shown, problem string }{
		{"https://Example.com:8443/in/leads%20a.csv.gz?X-Sig=secret#secret", "https://example.com:8443/in/leads%20a.csv.gz", ""},
		{"HTTPS://me:secret@example.com/x", "https://example.com/x", ""},
		{"http://me:secret@127.0.0.1:80/x", "http://127.0.0.1:80/x", ""},
		{"http://me:secret@localhost/x", "http://localhost/x", ""},
		{"http://me:secret@[::1]/x", "http://[::1]/x", ""},
		{"http://example.com", "http://example.com", ""},
		{"http://me:secret@example.com/x", "http://example.com/x", "in clear text"},
		{"https:///secret", "https://…", "no valid URL"},
		{"https://host/%zzsecret", "https://…", "no valid URL"},
		{"https://ho st/secret", "https://…", "no valid URL"},
		{"https://me:secret@host:port/", "https://…", "no valid URL"},
	}
	for _, tt := range tests {
		a, err := Parse(tt.text)
		switch {
		case !Is(tt.text):
			t.Errorf("%s is none", tt.text)
		case tt.problem == "":
			if err != nil || a.String() != tt.shown {
				t.Errorf("%s: %v, %v", tt.text, a, err)
			}
		case !errors.Is(err, source.ErrOption) || !strings.HasPrefix(err.Error(), tt.shown+": ") || !strings.Contains(err.Error(), tt.problem) || strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: %v", tt.text, err)
		}
	}
	for _, file := range []string{"leads.csv", "C://x", "s3://bucket/x", "-", "", "https:/x"} {
		if Is(file) {
			t.Errorf("%q is a URL", file)
		}
	}
}

// Whatever a URL is, it is shown as one that names the same place without anything behind ? or in front of @.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{
		"https://me:hush@host:1/a%20b.csv?sig=hush#x", "http://[::1]/", "https://h/%2F?", "HTTP://H?q", "https://@h", "https://h/a@b?c",
		"https://[fe80::1%25EN0]:443//x", "https://H:/%C3%84/é?q=%zz", "https://h/;,:@&=$#%23", "HTTPS://Ä\xff/\u2028", "https://h//../a", "s3:b/k", "https:///p", "https://u:p:q@h/", "http://u@127.0.0.1/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err != nil {
			if !errors.Is(err, source.ErrOption) {
				t.Fatal(err)
			}
			return
		}
		shown, err := url.Parse(a.String())
		if err != nil || shown.User != nil || shown.RawQuery != "" || shown.Fragment != "" || shown.Host != a.url.Host || shown.Path != a.url.Path {
			t.Fatalf("%q is shown as %q: %v", text, a, err)
		}
	})
}

func TestContentRange(t *testing.T) {
	for text, want := range map[string]string{
		"bytes 9-24/25": "9 25 true", "bytes 9-24/*": "9 -1 true", "bytes 9/25": "9 25 false", "bytes 9-24": "9 0 false", "bytes x-24/25": "0 -1 false",
		"bytes 9-24/x": "9 0 false", "9-24/25": "9 25 false", "": "0 -1 false", "bytes */25": "0 -1 false",
	} {
		from, total, ok := contentRange(text)
		if got := fmt.Sprint(from, total, ok); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// flaky serves a file that may change, over connections that break.
type flaky struct {
	draw    *rapid.T
	content []byte
	version int
	breaks  int
}

func (s *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, s.version))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.content))
	a := w.Result()
	a.Request = r
	if s.breaks > 0 {
		s.breaks--
		n := rapid.IntRange(0, w.Body.Len()).Draw(s.draw, "breaks after")
		a.Body = io.NopCloser(io.MultiReader(bytes.NewReader(w.Body.Bytes()[:n]), broken{}))
		if rapid.IntRange(0, 4).Draw(s.draw, "changes") == 0 {
			s.version++
			s.content = append([]byte("x"), s.content...)
		}
	}
	return a, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Wherever connections break, what is read is one version of the file from its beginning to its end, or an error.
func TestWholeOrError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &flaky{draw: t, content: rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "content"), breaks: rapid.IntRange(0, 5).Draw(t, "breaks")}
		versions := map[string]bool{}
		c := newClient(s, "sfsync/test", func(string, ...any) { versions[string(s.content)] = true })
		c.policy = retry.Policy{Attempts: 4}
		versions[string(s.content)] = true
		breaks, changed := s.breaks, s.version
		got, err := read(context.Background(), c, "https://host/leads.csv")
		switch {
		case err == nil && !versions[got]:
			t.Fatalf("%q is read", got)
		case err != nil && breaks < 4 && s.version == changed:
			t.Fatalf("%v after %d breaks", err, breaks)
		case err != nil && !errors.Is(err, source.ErrUnavailable) && !errors.Is(err, source.ErrUnreadable):
			t.Fatal(err)
		}
	})
}
