package main_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
)

// orgHost is a name that only the proxy of a test knows.
const orgHost = "org.example.test"

// front is an org behind TLS, with a certificate of an authority of its own, and a proxy that leads to it.
type front struct {
	ca    string // PEM
	proxy string // HOST:PORT
	// packed and plain count writes by how their bodies came, uploads those of the Bulk API, tunnels the
	// connections that the proxy opened.
	packed, plain, uploads, tunnels atomic.Int64
}

// newFront puts TLS and a proxy before the org at an address. The proxy knows me, with the password
// hush-hush.
func newFront(t *testing.T, address string) *front {
	t.Helper()
	f := &front{}
	cert := f.certify(t)
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	org := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			f.count(r.In)
			r.SetURL(target) // with its name as the host: the org takes no other
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.Path != "/services/oauth2/token" {
				return nil
			}
			text, err := io.ReadAll(r.Body)
			text = bytes.ReplaceAll(text, []byte(address), []byte("https://"+orgHost))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			r.Header.Set("Content-Length", strconv.Itoa(len(text)))
			return err
		},
	})
	org.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	org.EnableHTTP2 = true
	org.Config.ErrorLog = log.New(io.Discard, "", 0) // clients refuse its certificate, as they should
	org.StartTLS()
	t.Cleanup(org.Close)
	proxy := httptest.NewServer(f.tunnel(org.Listener.Addr().String()))
	t.Cleanup(proxy.Close)
	f.proxy = proxy.Listener.Addr().String()
	return f
}

func (f *front) count(r *http.Request) {
	switch {
	case r.Method == http.MethodPut && r.Header.Get("Content-Encoding") == "":
		f.uploads.Add(1)
	case strings.HasSuffix(r.URL.Path, "/composite") && r.Header.Get("Content-Encoding") == "gzip":
		f.packed.Add(1)
	case strings.HasSuffix(r.URL.Path, "/composite"):
		f.plain.Add(1)
	}
}

// certify makes an authority and a certificate of it for the org.
func (f *front) certify(t *testing.T) tls.Certificate {
	t.Helper()
	var keys [2]*ecdsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: orgHost}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		DNSNames: []string{orgHost}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	rawCA, err := x509.CreateCertificate(rand.Reader, ca, ca, keys[0].Public(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	rawLeaf, err := x509.CreateCertificate(rand.Reader, leaf, ca, keys[1].Public(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	f.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rawCA}))
	return tls.Certificate{Certificate: [][]byte{rawLeaf}, PrivateKey: keys[1]}
}

// tunnel is a proxy that opens connections to the org, and to nothing else, for those that it knows.
func (f *front) tunnel(to string) http.Handler {
	known := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:hush-hush"))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Proxy-Authorization") != known:
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		case r.Method != http.MethodConnect || r.Host != orgHost+":443":
			w.WriteHeader(http.StatusForbidden)
			return
		}
		f.tunnels.Add(1)
		server, err := net.Dial("tcp", to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer server.Close()
		w.WriteHeader(http.StatusOK)
		client, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		up := make(chan struct{})
		go func() {
			defer close(up)
			_, _ = io.Copy(server, buffered)
			_ = server.Close()
		}()
		_, _ = io.Copy(client, server)
		_ = client.Close()
		<-up
	})
}

// TestThroughAProxy logs in and sends records, by both APIs, to an org that is reached through a proxy which asks
// who one is, and whose certificate an authority of its own has signed.
func TestThroughAProxy(t *testing.T) {
	t.Parallel()
	s, found := schema.Overlay(schema.Standard(), "test.yaml",
		[]byte("objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n"))
	if len(found) > 0 {
		t.Fatal(found)
	}
	org, address := serveOrg(t, s)
	f := newFront(t, address)
	k := world(t, 1500)
	k.write(t, "ca.pem", "# of the organisation\n"+f.ca)
	c := org.Credentials()
	env := append(k.env, "SFSYNC_LOGIN_URL=https://"+orgHost, "SFSYNC_CLIENT_ID="+c.ClientID, "SFSYNC_CLIENT_SECRET="+c.ClientSecret,
		"SFSYNC_ALLOW_HOST="+orgHost, "NO_PROXY=", "no_proxy=")
	through := func(login string, more ...string) []string {
		return slices.Concat(env, []string{"HTTPS_PROXY=http://" + login + f.proxy}, more)
	}

	k.env = through("me:hush-hush@", "SFSYNC_CA_CERT=ca.pem")
	k.begin(t, nil, "org", "login", "corp", "--from-env").exits(t, 0)
	k.begin(t, nil, "run", "leads.yaml", "leads.csv", "--to", "corp", "--yes").exits(t, 0)
	k.begin(t, nil, "run", "leads.yaml", "leads.csv", "--to", "env", "--api", "bulk").exits(t, 0)
	k.begin(t, nil, "org", "limits", "--to", "corp").exits(t, 0)
	if f.packed.Load() != 2 || f.plain.Load() != 0 || f.uploads.Load() != 1 || f.tunnels.Load() < 4 {
		t.Errorf("%d bodies compressed, %d not, %d uploads, %d connections", f.packed.Load(), f.plain.Load(), f.uploads.Load(), f.tunnels.Load())
	}
	show, err := org.Show(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(show.Objects, localorg.ObjectCount{Name: "Lead", Records: 1500}) {
		t.Errorf("the org holds %v", show.Objects)
	}

	// What stands in the way is named, at once, and the password is not.
	for _, c := range []struct {
		name  string
		env   []string
		code  int
		words string
	}{
		{"no authority", through("me:hush-hush@"), 78, "--ca-cert"},
		{"another password", through("me:hush-hush2@", "SFSYNC_CA_CERT=ca.pem"), 77, "answered 407"},
		{"no password", through("", "SFSYNC_CA_CERT=ca.pem"), 77, "user name and password"},
		{"a host that the proxy refuses", through("me:hush-hush@", "SFSYNC_CA_CERT=ca.pem", "SFSYNC_LOGIN_URL=https://other.example.test", "SFSYNC_ALLOW_HOST=other.example.test"), 78, "answered 403 forbidden to CONNECT other.example.test:443"},
	} {
		k.env = c.env
		p := k.begin(t, nil, "org", "show", "--to", "env")
		p.exits(t, c.code)
		if said := p.err.String(); !strings.Contains(said, c.words) || strings.Contains(said, "hush") {
			t.Errorf("%s: %s", c.name, said)
		}
	}
}

// TestLimitsWithoutTheHeader: where something on the way drops what answers say of the calls that are left, the org's
// limits are asked for, once.
func TestLimitsWithoutTheHeader(t *testing.T) {
	t.Parallel()
	org, address := serveOrg(t, schema.Standard())
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var asked, written atomic.Int64
	srv := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			switch {
			case strings.HasSuffix(r.In.URL.Path, "/limits"):
				asked.Add(1)
			case strings.HasSuffix(r.In.URL.Path, "/composite"):
				written.Add(1)
			}
			r.SetURL(target)
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Sforce-Limit-Info")
			return nil
		},
	})
	t.Cleanup(srv.Close)
	k := world(t, 3000)
	k.write(t, "insert.yaml", "version: 1\nname: insert\ntargets:\n  - {object: Lead, operation: insert, fields: {LastName: name, Company: {value: Y}}}\n")
	token := org.Credentials().AccessToken
	k.env = append(k.env, "SFSYNC_INSTANCE_URL="+srv.URL, "SFSYNC_ACCESS_TOKEN="+token)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, address+"/_org/settings", strings.NewReader(`{"daily_calls": 5}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	defer res.Body.Close()
	p := k.begin(t, nil, "run", "insert.yaml", "leads.csv", "--to", "env")
	p.exits(t, 75)
	if said := p.err.String(); !strings.Contains(said, "about 3 API calls are needed") || !strings.Contains(said, "has 2 of its 5 daily ones left, so nothing was sent") {
		t.Error(said)
	}
	if asked.Load() != 1 || written.Load() != 0 {
		t.Errorf("the limits were asked for %d times, %d requests were sent", asked.Load(), written.Load())
	}
}
