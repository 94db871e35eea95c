package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sfsync/sink/localorg/rest"
)

// codeLife is how long an authorization code is good (Salesforce Help, "OAuth 2.0 Web Server Flow": 15 minutes).
const codeLife = 15 * time.Minute

// maxCodes bounds the codes that are remembered.
const maxCodes = 1000

// code is an authorization code that was handed out.
type code struct {
	user      string
	scope     string
	redirect  string
	challenge string
	issued    time.Time
	used      bool
}

// inquiry is what a request for authorization asks for.
type inquiry struct {
	ClientID, RedirectURI, State, Scope, Challenge, ResponseType string

	// Refusal is why the last attempt to log in failed.
	Refusal string
	// LoginHint is the user name that the page begins with.
	LoginHint string
}

// authorize answers /services/oauth2/authorize: a page to log in on, then a redirect with the code. The POST of
// the page comes back to the same address.
func (s *Server) authorize(ctx context.Context, rq *rest.Request) *rest.Response {
	form, bad := readForm(rq)
	if bad != nil {
		return bad
	}
	q := inquiry{
		ClientID: form.Get("client_id"), RedirectURI: form.Get("redirect_uri"), State: form.Get("state"),
		Scope: form.Get("scope"), Challenge: form.Get("code_challenge"), ResponseType: form.Get("response_type"), LoginHint: form.Get("login_hint"),
	}
	set := s.Settings()
	// Without a client and a place to go back to that are known, the browser must not be sent anywhere.
	switch {
	case q.ClientID == "":
		return errorPage("invalid_request", "missing required parameter: client_id")
	case !same(q.ClientID, s.cfg.ClientID):
		return errorPage("invalid_client_id", "client identifier invalid")
	case !set.allows(q.RedirectURI):
		return errorPage("redirect_uri_mismatch", "redirect_uri must match configuration")
	}
	scope, badScope := narrow(q.Scope, set.Scopes)
	switch method := form.Get("code_challenge_method"); {
	case q.ResponseType != "code":
		return q.refuse("unsupported_response_type", "response type not supported")
	case badScope != nil:
		return q.refuse("invalid_scope", "the requested scope is not allowed") // wording unconfirmed
	case q.Challenge == "" && set.RequirePKCE:
		return q.refuse("invalid_request", "missing required code challenge")
	// Clients leave the method out and mean S256, the only one there is.
	case q.Challenge != "" && (!isChallenge(q.Challenge) || method != "" && method != "S256"):
		return q.refuse("invalid_request", "invalid code challenge")
	case rq.Method == http.MethodGet || rq.Method == http.MethodHead:
		return q.page()
	case rq.Method != http.MethodPost:
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD", "POST")
	case form.Get("deny") != "":
		return q.refuse("access_denied", "end-user denied authorization")
	}
	p, err := s.check(ctx, form.Get("username"), form.Get("password"))
	switch {
	case err != nil:
		return internal(err)
	case p == nil || !p.active:
		q.LoginHint, q.Refusal = form.Get("username"), "Please check your username and password. If you still can't log in, contact your administrator."
		return q.page()
	}
	text, err := s.addCode(&code{user: p.id, scope: scope, redirect: q.RedirectURI, challenge: q.Challenge})
	if err != nil {
		return internal(err)
	}
	return q.back(url.Values{"code": {text}})
}

// allows reports whether a redirect URI is registered, or on loopback while none is.
func (s *Settings) allows(redirect string) bool {
	if len(s.Callbacks) > 0 {
		return slices.Contains(s.Callbacks, redirect)
	}
	u, err := url.Parse(redirect)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.Fragment == "" && loopback(u.Hostname())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// isChallenge reports whether a text is a SHA-256 sum in base64url.
func isChallenge(s string) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

// addCode remembers a code and returns its text. It forgets those that have run out, and the oldest if there are
// too many.
func (s *Server) addCode(c *code) (string, error) {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := s.secret(48)
	if err != nil {
		return "", err
	}
	oldest := ""
	for t, other := range s.codes {
		if now.Sub(other.issued) > 2*codeLife {
			delete(s.codes, t)
		} else if oldest == "" || other.issued.Before(s.codes[oldest].issued) {
			oldest = t
		}
	}
	if len(s.codes) >= maxCodes {
		delete(s.codes, oldest)
	}
	c.issued = now
	text = "aPrx" + text
	s.codes[text] = c
	return text, nil
}

// exchange answers the second half of the web server flow: a code for tokens.
func (s *Server) exchange(ctx context.Context, form url.Values, base string) *rest.Response {
	text := form.Get("code")
	if text == "" {
		return oauthError("invalid_request", "missing required parameter: code")
	}
	s.mu.Lock()
	c := s.codes[text]
	bad := c.refusal(form, s.cfg.Now())
	if c != nil {
		c.used = true // be it good or bad: a code is for one attempt
	}
	s.mu.Unlock()
	if bad != nil {
		return bad
	}
	p, err := s.person(ctx, c.user)
	switch {
	case err != nil:
		return internal(err)
	case !p.active || s.ByID(c.user) == nil:
		return oauthError("invalid_grant", "inactive user") // wording unconfirmed
	}
	in := issue{user: c.user, scope: c.scope}
	if !hasScope(c.scope, "refresh_token") {
		return s.issue(base, in)
	}
	err = s.update(ctx, func(st *state) error {
		token, err := s.refreshToken()
		if err != nil {
			return err
		}
		st.Grants = addGrant(st.Grants, &grant{Token: token, UserID: c.user, Scope: c.scope, Issued: s.cfg.Now().UTC()})
		in.grant, in.refresh = token, token
		return nil
	})
	if err != nil {
		return internal(err)
	}
	return s.issue(base, in)
}

// refusal says why a code is not good for a request, or nil.
func (c *code) refusal(form url.Values, now time.Time) *rest.Response {
	verifier := form.Get("code_verifier")
	switch {
	case c == nil:
		return oauthError("invalid_grant", "invalid authorization code")
	case c.used || now.Sub(c.issued) > codeLife:
		return oauthError("invalid_grant", "expired authorization code")
	case form.Get("redirect_uri") != c.redirect:
		return oauthError("redirect_uri_mismatch", "redirect_uri must match configuration")
	case c.challenge == "" && verifier != "", c.challenge != "" && verifier == "":
		return oauthError("invalid_grant", "invalid code verifier")
	case c.challenge == "" && form.Get("client_secret") == "":
		return oauthError("invalid_client", "invalid client credentials")
	case c.challenge == "":
		return nil
	}
	sum := sha256.Sum256([]byte(verifier))
	// RFC 7636 ends at 128 characters; widely used clients send 128 bytes, which are 171, and log in to real orgs.
	if len(verifier) < 43 || len(verifier) > 256 || !same(base64.RawURLEncoding.EncodeToString(sum[:]), c.challenge) {
		return oauthError("invalid_request", "invalid code verifier")
	}
	return nil
}

// back sends the browser back to the app.
func (q *inquiry) back(params url.Values) *rest.Response {
	if q.State != "" {
		params.Set("state", q.State)
	}
	u, err := url.Parse(q.RedirectURI)
	if err != nil {
		return errorPage("redirect_uri_mismatch", "redirect_uri must match configuration")
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += params.Encode()
	return &rest.Response{Status: http.StatusFound, Header: http.Header{"Location": {u.String()}}}
}

func (q *inquiry) refuse(code, description string) *rest.Response {
	return q.back(url.Values{"error": {code}, "error_description": {description}})
}

const pageText = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Log in to the local org</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<style>body{font:16px/1.5 sans-serif;max-width:22rem;margin:4rem auto;padding:0 1rem}label{display:block;margin-top:1rem}
input{width:100%;box-sizing:border-box;font:inherit;padding:.4rem}button{margin-top:1rem;font:inherit;padding:.4rem 1rem}.error{color:#b00}</style></head>
<body><h1>Log in to the local org</h1>
{{if .Refusal}}<p class="error" role="alert">{{.Refusal}}</p>
{{end}}<p>An app wants to use this org as you.</p>
<form method="post" action="/services/oauth2/authorize">
<input type="hidden" name="response_type" value="{{.ResponseType}}">
<input type="hidden" name="client_id" value="{{.ClientID}}">
<input type="hidden" name="redirect_uri" value="{{.RedirectURI}}">
<input type="hidden" name="state" value="{{.State}}">
<input type="hidden" name="scope" value="{{.Scope}}">
<input type="hidden" name="code_challenge" value="{{.Challenge}}">
<label>User name<input name="username" value="{{.LoginHint}}" autocomplete="username" autofocus></label>
<label>Password<input name="password" type="password" autocomplete="current-password"></label>
<button type="submit">Log in and allow</button> <button type="submit" name="deny" value="1">Deny</button>
</form></body></html>
`

// page is the page to log in on. It lets nothing be loaded and may not be framed.
func (q *inquiry) page() *rest.Response {
	return htmlPage(http.StatusOK, pageText, q)
}

const errorText = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>OAuth error</title></head>
<body><h1>OAuth error</h1><p>error={{.Code}}&amp;error_description={{.Description}}</p></body></html>
`

// errorPage says on a page of the org's own what cannot be said to the app.
func errorPage(code, description string) *rest.Response {
	return htmlPage(http.StatusBadRequest, errorText, struct{ Code, Description string }{code, description})
}

func htmlPage(status int, text string, data any) *rest.Response {
	t, err := template.New("page").Parse(text)
	if err != nil {
		return internal(err)
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return internal(errors.Join(errors.New("write a page"), err))
	}
	return &rest.Response{Status: status, Body: []byte(b.String()), Header: http.Header{
		"Content-Type":            {"text/html;charset=UTF-8"},
		"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"},
		"Referrer-Policy":         {"no-referrer"},
	}}
}
