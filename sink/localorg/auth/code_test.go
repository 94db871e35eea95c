package auth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The page is plain HTML that brings back what was asked for, however it is spelt.
func TestAuthorizePage(t *testing.T) {
	d := newDesk(t)
	res := d.ask("GET", "/services/oauth2/authorize", inquiryForm(pairs("state", `"><script>alert(1)</script>`, "login_hint", "a@b.c")))
	page := string(res.Body)
	if res.Status != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || !strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("%d %v", res.Status, res.Header)
	}
	for _, want := range []string{
		`<form method="post" action="/services/oauth2/authorize">`, `name="redirect_uri" value="` + callback + `"`,
		`name="state" value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"`, `name="username" value="a@b.c"`, `name="password" type="password"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	f := inquiryForm(pairs("username", "admin@org.example", "password", "x"))
	res = d.ask("POST", "/services/oauth2/authorize", f)
	if res.Status != 200 || !strings.Contains(string(res.Body), "Please check your username and password") || strings.Contains(string(res.Body), `value="x"`) {
		t.Errorf("a wrong password: %d %s", res.Status, res.Body)
	}
}

// What the app can be told goes back to it; where it may not be told, the browser stays on the org's own page.
func TestAuthorizeRefusals(t *testing.T) {
	d := newDesk(t)
	for _, tt := range []struct {
		fact              string
		change            url.Values
		code, description string
	}{
		{"another response type", pairs("response_type", "token"), "unsupported_response_type", "response type not supported"},
		{"a scope that the app lacks", pairs("scope", "api web"), "invalid_scope", "the requested scope is not allowed"},
		{"a challenge by another method", pairs("code_challenge_method", "plain"), "invalid_request", "invalid code challenge"},
		{"a challenge that is no SHA-256", pairs("code_challenge", "short"), "invalid_request", "invalid code challenge"},
	} {
		t.Run(tt.fact, func(t *testing.T) {
			d := &desk{Server: d.Server, t: t}
			to := d.redirected(d.ask("GET", "/services/oauth2/authorize", inquiryForm(tt.change)))
			if to.Get("error") != tt.code || to.Get("error_description") != tt.description || to.Get("state") != "s 1&2" {
				t.Errorf("redirected with %v", to)
			}
		})
	}
	denied := d.redirected(d.ask("POST", "/services/oauth2/authorize", inquiryForm(pairs("deny", "1"))))
	if denied.Get("error") != "access_denied" || denied.Get("error_description") != "end-user denied authorization" {
		t.Errorf("denied: %v", denied)
	}
	for _, tt := range []struct {
		fact   string
		change url.Values
		want   string
	}{
		{"no app", pairs("client_id", ""), "error=invalid_request"},
		{"another app", pairs("client_id", "x"), "error=invalid_client_id"},
		{"no callback", pairs("redirect_uri", ""), "error=redirect_uri_mismatch"},
		{"a callback elsewhere", pairs("redirect_uri", "https://evil.example.com/"), "error=redirect_uri_mismatch"},
		{"a callback that looks like loopback", pairs("redirect_uri", "http://localhost@evil.example.com/"), "error=redirect_uri_mismatch"},
		{"a callback that is a script", pairs("redirect_uri", "javascript://localhost/%0aalert(1)"), "error=redirect_uri_mismatch"},
	} {
		res := d.ask("GET", "/services/oauth2/authorize", inquiryForm(tt.change))
		if res.Status != http.StatusBadRequest || res.Header.Get("Location") != "" || !strings.Contains(string(res.Body), tt.want) {
			t.Errorf("%s: %d %s %s", tt.fact, res.Status, res.Header.Get("Location"), res.Body)
		}
	}
}

// Registered callbacks are compared byte for byte.
func TestCallbacks(t *testing.T) {
	d := newDesk(t)
	set := Settings{Callbacks: []string{callback, "https://app.example.com/cb?x=1"}, RequirePKCE: true}
	if err := d.Configure(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	for redirect, want := range map[string]int{
		callback: 200, "https://app.example.com/cb?x=1": 200, callback + "/": 400, "http://127.0.0.1:1717/OauthRedirect": 400,
		"http://localhost:1718/OauthRedirect": 400, "HTTP://localhost:1717/OauthRedirect": 400, "https://app.example.com/cb": 400,
	} {
		if res := d.ask("GET", "/services/oauth2/authorize", inquiryForm(pairs("redirect_uri", redirect))); res.Status != want {
			t.Errorf("%s: %d, want %d", redirect, res.Status, want)
		}
	}
	to := d.redirected(d.ask("GET", "/services/oauth2/authorize", inquiryForm(pairs("code_challenge", "", "code_challenge_method", ""))))
	if to.Get("error") != "invalid_request" || to.Get("error_description") != "missing required code challenge" {
		t.Errorf("without a challenge: %v", to)
	}
}

func TestExchange(t *testing.T) {
	d := newDesk(t)
	a := d.byCode(pairs())
	if a.Scope != defaultScopes || a.RefreshToken == "" || d.enters(a.AccessToken) != d.cfg.Owner.UserID {
		t.Errorf("answer %+v", a)
	}
	if b := d.login(app("grant_type", "refresh_token", "refresh_token", a.RefreshToken)); b.RefreshToken != "" {
		t.Errorf("a new refresh token without rotation: %+v", b)
	}
	if a := d.byCode(pairs("scope", "id api")); a.Scope != "id api" || a.RefreshToken != "" {
		t.Errorf("without the scope refresh_token: %+v", a)
	}
	if a := d.byCode(pairs("scope", "id")); d.enters(a.AccessToken) != "This session is not valid for use with the REST API" {
		t.Errorf("without the scope api: %s", d.enters(a.AccessToken))
	}
	if a := d.byCode(pairs("code_challenge_method", "")); a.AccessToken == "" {
		t.Error("without the method, which is S256")
	}
	plain := d.redeem(d.code(pairs("code_challenge", "", "code_challenge_method", "")))
	plain.Del("code_verifier")
	plain.Set("client_secret", "app-secret")
	d.login(plain)

	for _, tt := range []struct {
		fact              string
		change            url.Values
		code, description string
	}{
		{"another verifier", pairs("code_verifier", strings.Repeat("w", 48)), "invalid_request", "invalid code verifier"},
		{"a short verifier", pairs("code_verifier", "w"), "invalid_request", "invalid code verifier"},
		{"no verifier", pairs("code_verifier", ""), "invalid_grant", "invalid code verifier"},
		{"another callback", pairs("redirect_uri", callback+"/"), "redirect_uri_mismatch", "redirect_uri must match configuration"},
		{"a wrong secret", pairs("client_secret", "x"), "invalid_client", "invalid client credentials"},
	} {
		form := d.redeem(d.code(pairs()))
		for k, v := range tt.change {
			form[k] = v
		}
		t.Run(tt.fact, func(t *testing.T) {
			d := &desk{Server: d.Server, t: t}
			d.refused(d.ask("POST", "/services/oauth2/token", form), tt.code, tt.description)
		})
	}
	bare := d.redeem(d.code(pairs("code_challenge", "", "code_challenge_method", "")))
	bare.Del("code_verifier")
	d.refused(d.ask("POST", "/services/oauth2/token", bare), "invalid_client", "invalid client credentials")

	used := d.redeem(d.code(pairs()))
	d.login(used)
	d.refused(d.ask("POST", "/services/oauth2/token", used), "invalid_grant", "expired authorization code")
	failed := d.redeem(d.code(pairs()))
	wrong := pairs()
	for k, v := range failed {
		wrong[k] = v
	}
	wrong.Set("code_verifier", strings.Repeat("w", 48))
	d.refused(d.ask("POST", "/services/oauth2/token", wrong), "invalid_request", "invalid code verifier")
	d.refused(d.ask("POST", "/services/oauth2/token", failed), "invalid_grant", "expired authorization code")
	late := d.redeem(d.code(pairs()))
	d.now = d.now.Add(codeLife + time.Second)
	d.refused(d.ask("POST", "/services/oauth2/token", late), "invalid_grant", "expired authorization code")
	idle := d.redeem(d.code(pairs()))
	d.change1(d.cfg.Owner.UserID, "IsActive", int64(0))
	d.refused(d.ask("POST", "/services/oauth2/token", idle), "invalid_grant", "inactive user")
	for range maxCodes + 1 {
		if _, err := d.addCode(&code{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.codes) > maxCodes {
		t.Errorf("%d codes are remembered", len(d.codes))
	}
}
