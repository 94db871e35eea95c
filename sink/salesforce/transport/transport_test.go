package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// authority returns a certificate as PEM that signs itself and is valid until the time.
func authority(t *testing.T, name string, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: until.Add(-time.Hour), NotAfter: until,
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

func TestRoots(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	good, other, old := authority(t, "Good CA", now.Add(time.Hour)), authority(t, "Other CA", now.Add(time.Hour)), authority(t, "Old CA", now.Add(-time.Hour))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}))
	system, err := x509.SystemCertPool()
	if err != nil {
		system = x509.NewCertPool()
	}
	for _, c := range []struct {
		name, text string
		added      int
		expired    string
		err        string
	}{
		{"one", good, 1, "", ""},
		{"several, with other text", "# ours\n" + good + "\n# theirs\n" + other, 2, "", ""},
		{"a key beside it", key + good, 1, "", ""},
		{"one has expired", good + old, 1, "Old CA (expired on 2026-11-21)", ""},
		{"all have expired", old, 0, "", "no certificate in it that is still valid: Old CA (expired on 2026-11-21)"},
		{"empty", "", 0, "", "no certificate in it: it has to be PEM"},
		{"a key only", key, 0, "", "no certificate in it: it has to be PEM"},
		{"not PEM", "\x30\x82\x01", 0, "", "no certificate in it: it has to be PEM"},
		{"damaged", strings.Replace(good, "-----END", "-----EMD", 1), 0, "", "is damaged"},
		{"not a certificate", good + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("nonsense")})), 0, "", "certificate 2: "},
	} {
		pool, expired, err := Roots([]byte(c.text), now)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: the error is %v, want %q", c.name, err, c.err)
			}
			continue
		}
		want := system.Clone()
		for rest := []byte(c.text); c.added > 0; c.added-- {
			block := &pem.Block{}
			for block.Type != "CERTIFICATE" {
				block, rest = pem.Decode(rest)
			}
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			want.AddCert(cert)
		}
		if err != nil || strings.Join(expired, "|") != c.expired || !pool.Equal(want) {
			t.Errorf("%s: expired %v, %v, the certificates are as wanted: %t", c.name, expired, err, pool != nil && pool.Equal(want))
		}
	}
}

// proxy answers every CONNECT with a status.
func proxyOf(t *testing.T, status int) func(*http.Request) (*url.URL, error) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	return func(*http.Request) (*url.URL, error) {
		u, err := url.Parse(srv.URL)
		u.User = url.UserPassword("me", "hush-hush")
		return u, err
	}
}

// What a proxy refuses is told from what an org does, and its password stays hidden.
func TestProxyRefuses(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, c := range []struct {
		name  string
		proxy func(*http.Request) (*url.URL, error)
		class sink.Class
		words string
	}{
		{"407", proxyOf(t, 407), sink.Auth, "user name and password"},
		{"403", proxyOf(t, 403), sink.Config, "answered 403 forbidden to CONNECT acme.my.salesforce.com:443"},
		{"502", proxyOf(t, 502), sink.Network, "502 bad gateway"},
		{"429", proxyOf(t, 429), sink.Network, "429"},
		{"not there", func(*http.Request) (*url.URL, error) {
			u, err := url.Parse(gone.URL)
			u.User = url.UserPassword("me", "hush-hush")
			return u, err
		}, sink.Network, "the proxy cannot be reached"},
		{"no address", func(*http.Request) (*url.URL, error) {
			return nil, errors.New("invalid proxy address me:hush-hush@proxy")
		}, sink.Config, "looks like http://HOST:PORT"},
	} {
		tr := New(Options{Proxy: c.proxy})
		t.Cleanup(tr.CloseIdleConnections)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.my.salesforce.com/services/data", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := tr.RoundTrip(req)
		if err == nil {
			res.Body.Close()
			t.Fatalf("%s: an answer", c.name)
		}
		e := Diagnose(err)
		if e == nil || e.Class != c.class || e.Code != catalog.CodeProxy || !strings.Contains(e.Message, c.words) || strings.Contains(e.Message, "hush") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %+v of %v", c.name, e, err)
		}
	}
	if e := Diagnose(io.ErrUnexpectedEOF); e != nil {
		t.Errorf("%+v", e)
	}
}

// As many requests at once as a run may have share as many connections, and leave them for the next ones.
func TestConnectionsAreKept(t *testing.T) {
	const workers = 64
	var opened atomic.Int64
	var together sync.WaitGroup
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		together.Done()
		together.Wait()
		_, _ = w.Write(make([]byte, 10_000))
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	tr := New(Options{Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }})
	t.Cleanup(tr.CloseIdleConnections)
	for range 3 {
		together.Add(workers)
		var done sync.WaitGroup
		for range workers {
			done.Go(func() {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
				if err != nil {
					t.Error(err)
					return
				}
				res, err := tr.RoundTrip(req)
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				if _, err := io.Copy(io.Discard, res.Body); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
	}
	if n := opened.Load(); n > workers {
		t.Errorf("%d connections for %d requests at once", n, workers)
	}
}
