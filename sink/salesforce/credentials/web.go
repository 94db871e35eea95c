package credentials

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// Approval is a login in a browser that is under way: OAuth's web server flow with PKCE (Salesforce
// Help, "OAuth 2.0 Web Server Flow"; RFC 7636). It serves once.
type Approval struct {
	redirect, state, verifier string
}

// NewApproval begins a login that comes back to redirect, an address that the app is registered
// with. The random bytes come from r.
func NewApproval(redirect string, r io.Reader) (*Approval, error) {
	var b [64]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return nil, fmt.Errorf("begin the login: %w", err)
	}
	enc := base64.RawURLEncoding
	return &Approval{redirect: redirect, state: enc.EncodeToString(b[:32]), verifier: enc.EncodeToString(b[32:])}, nil
}

// URL returns the address to be opened in the browser, below the org's login address.
func (a *Approval) URL(login, clientID string) (string, error) {
	u, err := ParseHost(login, true)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(a.verifier))
	u.Path += "/services/oauth2/authorize"
	u.RawQuery = url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {a.redirect}, "state": {a.state},
		"scope": {"api refresh_token"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	return u.String(), nil
}

// Accept takes what the browser brought back to the redirect address and puts what a client logs in
// with into to.
func (a *Approval) Accept(query url.Values, to *Auth) error {
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.state)) != 1 {
		return catalog.New(sink.Auth, catalog.CodeCredentials, "the browser came back from another login than this one: start again")
	}
	if code := query.Get("error"); code != "" {
		return catalog.New(sink.Auth, code, query.Get("error_description"))
	}
	if query.Get("code") == "" {
		return catalog.New(sink.Auth, catalog.CodeBadAnswer, "the browser came back without an authorization code")
	}
	to.Code, to.CodeVerifier, to.RedirectURI = Secret(query.Get("code")), Secret(a.verifier), a.redirect
	return nil
}
