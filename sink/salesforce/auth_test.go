package salesforce

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// tokenHost is a token endpoint; check judges the form and returns the answer.
func tokenHost(t *testing.T, check func(form url.Values) (int, any)) (instance *fake, login string) {
	f := newFake(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/prefix/services/oauth2/token" || r.Method != http.MethodPost || r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("login by %s %s", r.Method, r.URL)
		}
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		status, answer := check(r.PostForm)
		if answer == nil {
			answer = map[string]string{"access_token": "00Dtest!first", "instance_url": f.url, "id": "https://login.salesforce.com/id/00D000000000001AAA/" + fakeUser, "issued_at": "1"}
		}
		reply(w, status, answer)
	}))
	t.Cleanup(srv.Close)
	return f, srv.URL + "/prefix/"
}

func TestFlows(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p8, _ := x509.MarshalPKCS8PrivateKey(key)
	pem8 := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8}))
	pem1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	now := fixedNow()

	checkJWT := func(form url.Values) error {
		head, sig, _ := cut2(form.Get("assertion"))
		raw, err := base64.RawURLEncoding.DecodeString(sig)
		if err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(head))
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], raw); err != nil {
			return err
		}
		_, claims, _ := strings.Cut(head, ".")
		raw, err = base64.RawURLEncoding.DecodeString(claims)
		if err != nil {
			return err
		}
		var c struct {
			Iss, Sub, Aud string
			Exp           int64
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		if c.Iss != "app" || c.Sub != "me@example.com" || !strings.HasPrefix(c.Aud, "http://127.0.0.1") || c.Exp-now.Unix() <= 0 || c.Exp-now.Unix() > 180 {
			return fmt.Errorf("claims %s", raw)
		}
		return nil
	}
	for _, c := range []struct {
		name string
		auth Auth
		form url.Values
	}{
		{"client credentials", Auth{ClientID: "app", ClientSecret: "sec ret&"}, url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"sec ret&"}}},
		{
			"password",
			Auth{ClientID: "app", ClientSecret: "s", Username: "me", Password: "p&w", SecurityToken: "tok"},
			url.Values{"grant_type": {"password"}, "client_id": {"app"}, "client_secret": {"s"}, "username": {"me"}, "password": {"p&wtok"}},
		},
		{"refresh", Auth{ClientID: "app", RefreshToken: "r1"}, url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {"r1"}}},
		{"refresh with secret", Auth{ClientID: "app", ClientSecret: "s", RefreshToken: "r1"}, url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "client_secret": {"s"}, "refresh_token": {"r1"}}},
		{"jwt, PKCS #8", Auth{ClientID: "app", Username: "me@example.com", JWTKey: Secret(pem8)}, nil},
		{"jwt, PKCS #1", Auth{ClientID: "app", Username: "me@example.com", JWTKey: Secret(pem1)}, nil},
	} {
		f, login := tokenHost(t, func(form url.Values) (int, any) {
			if c.form == nil {
				if err := checkJWT(form); err != nil || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(form) != 2 {
					t.Errorf("%s: %v %v", c.name, err, form)
				}
			} else if d := cmp.Diff(c.form, form); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, d)
			}
			return 200, nil
		})
		c.auth.LoginURL = login
		client, err := Connect(t.Context(), Config{Auth: c.auth, Now: func() time.Time { return now }})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := OrgInfo{ID: "00D000000000001AAA", Name: "Fake", Kind: Local, InstanceURL: f.url, APIVersion: "66.0", Username: c.auth.Username}
		if d := cmp.Diff(want, client.Org()); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		client.Close()
	}
}

func cut2(s string) (head, tail string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func TestLoginErrors(t *testing.T) {
	oauth := func(code, text string) any { return map[string]string{"error": code, "error_description": text} }
	for _, c := range []struct {
		name   string
		status int
		answer any
		class  sink.Class
		code   string
		logins int
	}{
		{"wrong password", 400, oauth("invalid_grant", "authentication failure hush-secret"), sink.Auth, "invalid_grant", 1},
		{"wrong secret", 401, oauth("invalid_client", "invalid client credentials"), sink.Auth, "invalid_client", 1},
		{"an error of tomorrow", 400, oauth("new_error", "x"), sink.Auth, "new_error", 1},
		{"too many logins", 403, oauth("rate_limit_exceeded", "login rate exceeded"), sink.Later, "rate_limit_exceeded", 1},
		{"down", 503, "<html>", sink.Network, catalog.CodeHTTP, 6},
		{"not a token", 200, oauth("x", "y"), sink.Auth, catalog.CodeBadAnswer, 1},
		{"an instance elsewhere", 200, map[string]string{"access_token": "hush-token", "instance_url": "https://evil.example.com"}, sink.Config, catalog.CodeHost, 1},
		{"an instance without TLS", 200, map[string]string{"access_token": "hush-token", "instance_url": "http://acme.my.salesforce.com"}, sink.Config, catalog.CodeHost, 1},
	} {
		logins := 0
		_, login := tokenHost(t, func(url.Values) (int, any) { logins++; return c.status, c.answer })
		cfg := Config{
			Auth: Auth{ClientID: "app", ClientSecret: "hush-secret", LoginURL: login}, Now: time.Now,
			Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		}
		_, err := Connect(t.Context(), cfg)
		wantError(t, err, c.class, c.code)
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: a secret in %v", c.name, err)
		}
		if logins != c.logins {
			t.Errorf("%s: %d logins", c.name, logins)
		}
	}
	_, err := Connect(t.Context(), Config{Auth: Auth{ClientID: "app", ClientSecret: "s", LoginURL: "login.salesforce.com"}, Now: time.Now})
	if wantError(t, err, sink.Auth, "invalid_grant"); !strings.Contains(err.Error(), "My Domain") {
		t.Errorf("%v", err)
	}
	for _, pemText := range []string{"nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"} {
		_, err := Connect(t.Context(), Config{Auth: Auth{ClientID: "app", Username: "u", JWTKey: Secret(pemText), LoginURL: "login.salesforce.com"}, Now: time.Now})
		wantError(t, err, sink.Config, catalog.CodeSetup)
	}
}

// A refresh token that the org replaces is used once.
func TestRefreshRotation(t *testing.T) {
	var used []string
	f, login := tokenHost(t, nil)
	_ = f
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		used = append(used, r.FormValue("refresh_token"))
		f.mu.Lock()
		tok := fmt.Sprintf("00Dtest!rotated%d", n)
		f.tokens = map[string]bool{tok: true}
		f.mu.Unlock()
		reply(w, 200, map[string]string{"access_token": tok, "instance_url": f.url, "refresh_token": fmt.Sprintf("r%d", n+1)})
	}))
	defer srv.Close()
	_ = login
	w, _ := f.impatient(func(c *Config) { c.Auth = Auth{ClientID: "app", RefreshToken: "r1", LoginURL: srv.URL} })
	f.mu.Lock()
	f.tokens = nil
	f.mu.Unlock()
	write(t, w, leads(1, sink.Upsert))
	if want := []string{"r1", "r2"}; !cmp.Equal(used, want) {
		t.Errorf("used %v", used)
	}
}

// Workers whose session has expired log in once together, and again only once if that fails.
func TestOneLoginForAll(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		f := newFake(t)
		var mu sync.Mutex
		logins := 0
		f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if r.URL.Path != "/services/oauth2/token" {
				return false
			}
			mu.Lock()
			defer mu.Unlock()
			if logins++; refuse && logins > 1 {
				reply(w, 400, map[string]string{"error": "invalid_grant", "error_description": "user is locked"})
				return true
			}
			return false
		}
		w, _ := f.impatient(func(c *Config) { c.Auth = Auth{ClientID: "id", ClientSecret: "shh-secret", LoginURL: f.url} })
		f.mu.Lock()
		f.tokens = map[string]bool{}
		f.mu.Unlock()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				res := make([]sink.Result, 20)
				err := w.Write(t.Context(), leads(20, sink.Create), res)
				if refuse {
					var e *sink.Error
					if !errors.As(err, &e) || e.Class != sink.Auth || e.Code != "invalid_grant" || tally(res)["not sent"] != 20 {
						t.Errorf("%v, %v", err, tally(res))
					}
				} else if err != nil || tally(res)["created"] != 20 {
					t.Errorf("%v, %v", err, tally(res))
				}
			})
		}
		wg.Wait()
		if logins != 2 {
			t.Errorf("refused = %t: %d logins", refuse, logins)
		}
	}
}

// A 401 that a new login does not cure ends after one.
func TestLookAlike401(t *testing.T) {
	f := newFake(t)
	logins := 0
	f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		switch {
		case r.URL.Path == "/services/oauth2/token":
			logins++
		case strings.HasSuffix(r.URL.Path, "/composite"):
			reply(w, 401, orgError("INVALID_SESSION_ID", "This session is not valid for use with the REST API"))
			return true
		}
		return false
	}
	w, _ := f.impatient(func(c *Config) { c.Auth = Auth{ClientID: "id", ClientSecret: "shh-secret", LoginURL: f.url} })
	res := make([]sink.Result, 3)
	e := wantError(t, w.Write(t.Context(), leads(3, sink.Create), res), sink.Auth, "INVALID_SESSION_ID")
	if logins != 2 || !strings.Contains(e.Message, "not valid for use with the REST API") || tally(res)["not sent"] != 3 {
		t.Errorf("%d logins, %v, %v", logins, e, tally(res))
	}
}

func TestAccessTokenExpires(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	f.mu.Lock()
	f.tokens = nil
	f.mu.Unlock()
	res := make([]sink.Result, 3)
	e := wantError(t, w.Write(t.Context(), leads(3, sink.Create), res), sink.Auth, "INVALID_SESSION_ID")
	if !strings.Contains(e.Message, "Session expired") || !strings.Contains(e.Message, "nothing to get a new one with") || e.HTTPStatus != 401 {
		t.Errorf("%+v", e)
	}
}

// A redirect is not followed, so no other host sees the token.
func TestRedirectsAreNotFollowed(t *testing.T) {
	seen := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen = true }))
	defer other.Close()
	f := newFake(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/x", status)
			return true
		}
		_, err := Connect(t.Context(), f.config())
		e := wantError(t, err, sink.Config, catalog.CodeRedirect)
		if seen || strings.Contains(e.Message, "00Dtest") || !strings.Contains(e.Message, "localhost") {
			t.Errorf("%d: followed = %t, %v", status, seen, e)
		}
	}
	// A page that continues on another host is refused before the token leaves.
	f.hook = nil
	c := f.connect(f.config())
	f.hook = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		reply(w, 200, map[string]any{"done": false, "nextRecordsUrl": other.URL + "/services/data/v66.0/query/01g-2", "records": []any{}})
		return true
	}
	err := c.Query(t.Context(), "SELECT Id FROM Lead", func([]byte) error { return nil })
	wantError(t, err, sink.Network, catalog.CodeBadAnswer)
	if seen {
		t.Error("the follow-up address was used")
	}
}
