package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// testKeys are made once: that takes a while.
var testKeys = sync.OnceValues(func() (*rsa.PrivateKey, *rsa.PrivateKey) {
	return newKey(2048), newKey(2048)
})

func newKey(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

func publicPEM(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func signJWT(t testing.TB, key *rsa.PrivateKey, header string, claims any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

const rs256 = `{"alg":"RS256"}`

func TestJWTBearer(t *testing.T) {
	d := newDesk(t)
	key, other := testKeys()
	type claim map[string]any
	good := func(change claim) claim {
		c := claim{"iss": "app", "sub": "admin@org.example", "aud": "https://login.salesforce.com", "exp": d.now.Add(3 * time.Minute).Unix()}
		for k, v := range change {
			c[k] = v
		}
		return c
	}
	form := func(assertion string) []string { return []string{"grant_type", grantJWT, "assertion", assertion} }
	ask := func(assertion string) (int, string) {
		res := d.ask("POST", "/services/oauth2/token", pairs(form(assertion)...))
		return res.Status, string(res.Body)
	}
	d.refused(d.ask("POST", "/services/oauth2/token", pairs(form(signJWT(t, key, rs256, good(nil)))...)), "invalid_grant", "invalid assertion") // no key was uploaded
	if err := d.AddKey(t.Context(), publicPEM(t, &other.PublicKey)); err != nil {
		t.Fatal(err)
	}
	if err := d.AddKey(t.Context(), certificate(t, key)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		fact   string
		change claim
	}{
		{"three minutes ahead", nil},
		{"the end as text, five minutes ahead", claim{"exp": strconv.FormatInt(d.now.Add(5*time.Minute).Unix(), 10)}},
		{"the end in milliseconds, as the sf command sends it", claim{"exp": d.now.UnixMilli() + 300}},
		{"the end as a float", claim{"exp": float64(d.now.Add(time.Minute).Unix()) + 0.5}},
		{"the sandbox audience", claim{"aud": "https://test.salesforce.com"}},
		{"the org's own address", claim{"aud": base}},
		{"the org's own address by another name", claim{"aud": "http://localhost:8080/"}},
		{"a list of audiences", claim{"aud": []string{"https://x.example", "https://login.salesforce.com/"}}},
		{"prn instead of sub", claim{"sub": "", "prn": "ADMIN@org.example"}},
	} {
		status, body := ask(signJWT(t, key, rs256, good(tt.change)))
		if status != 200 || strings.Contains(body, "refresh_token") || !strings.Contains(body, `"scope":"api id"`) {
			t.Errorf("%s: %d %s", tt.fact, status, body)
		}
	}
	if _, err := d.AddUser(t.Context(), NewUser{Username: "idle@org.example"}); err != nil {
		t.Fatal(err)
	}
	d.deactivate("idle@org.example")
	jwt := signJWT(t, key, rs256, good(nil))
	head, rest, _ := strings.Cut(jwt, ".")
	_, sig, _ := strings.Cut(rest, ".")
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(jwt, ".")[1] + "."
	for _, tt := range []struct{ fact, assertion, code, description string }{
		{"another key", signJWT(t, newKey(2048), rs256, good(nil)), "invalid_grant", "invalid assertion"},
		{"another algorithm", signJWT(t, key, `{"alg":"RS512"}`, good(nil)), "invalid_grant", "invalid assertion"},
		{"no algorithm", unsigned, "invalid_grant", "invalid assertion"},
		{"no signature", jwt[:strings.LastIndexByte(jwt, '.')+1], "invalid_grant", "invalid assertion"},
		{"other claims under the signature", head + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"app"}`)) + "." + sig, "invalid_grant", "invalid assertion"},
		{"two parts", head + "." + sig, "invalid_grant", "invalid assertion"},
		{"no token at all", "x", "invalid_grant", "invalid assertion"},
		{"the end is past", signJWT(t, key, rs256, good(claim{"exp": d.now.Unix()})), "invalid_grant", "invalid assertion"},
		{"no end", signJWT(t, key, rs256, claim{"iss": "app", "sub": "admin@org.example", "aud": base}), "invalid_grant", "invalid assertion"},
		{"no audience", signJWT(t, key, rs256, good(claim{"aud": nil})), "invalid_grant", "audience is invalid"},
		{"another audience", signJWT(t, key, rs256, good(claim{"aud": "https://example.com"})), "invalid_grant", "audience is invalid"},
		{"another port", signJWT(t, key, rs256, good(claim{"aud": "http://127.0.0.1:8081"})), "invalid_grant", "audience is invalid"},
		{"another app", signJWT(t, key, rs256, good(claim{"iss": "x"})), "invalid_client_id", "client identifier invalid"},
		{"another user", signJWT(t, key, rs256, good(claim{"sub": "x@y.z"})), "invalid_grant", "user hasn't approved this consumer"},
		{"no user", signJWT(t, key, rs256, good(claim{"sub": ""})), "invalid_grant", "user hasn't approved this consumer"},
		{"an inactive user", signJWT(t, key, rs256, good(claim{"sub": "idle@org.example"})), "invalid_grant", "inactive user"},
	} {
		t.Run(tt.fact, func(t *testing.T) {
			d := &desk{Server: d.Server, t: t}
			d.refused(d.ask("POST", "/services/oauth2/token", pairs(form(tt.assertion)...)), tt.code, tt.description)
		})
	}
}

// certificate is a certificate that a key has signed itself.
func certificate(t testing.TB, key *rsa.PrivateKey) []byte {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestAddKeyRefuses(t *testing.T) {
	d := newDesk(t)
	short := newKey(1024)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, _ := testKeys()
	for _, tt := range []struct {
		fact, want string
		pem        []byte
	}{
		{"no PEM", "not PEM", []byte("hello")},
		{"nothing", "not PEM", nil},
		{"a private key", "neither a certificate nor a public key", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(long)})},
		{"a short key", "shorter than 2,048 bits", publicPEM(t, &short.PublicKey)},
		{"another kind of key", "not an RSA key", publicPEM(t, &curve.PublicKey)},
		{"rubbish", "cannot be read", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})},
	} {
		if err := d.AddKey(t.Context(), tt.pem); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.fact, err)
		}
	}
}

func FuzzAssertion(f *testing.F) {
	for _, s := range []string{"", "..", "a.b.c", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIiwiZXhwIjoxLCJhdWQiOiJiIn0.AA", "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOiIxZTMwIiwiYXVkIjpbXX0.AA"} {
		f.Add(s)
	}
	key, _ := testKeys()
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAssertion(text)
		if err != nil {
			return
		}
		if a.signedBy(&key.PublicKey) {
			t.Error("nobody has signed this")
		}
		if n := a.claims.Expires.Unix(); n < -1e14 || n > 1e14 {
			t.Errorf("the end is %d", n)
		}
	})
}
