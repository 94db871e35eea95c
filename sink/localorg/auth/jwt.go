package auth

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sfsync/sink/localorg/rest"
)

// claims are those of an assertion that count (Salesforce Help, "OAuth 2.0 JWT Bearer Flow").
type claims struct {
	Issuer    string
	Subject   string
	Audiences []string
	Expires   time.Time
}

// assertion is a JSON Web Token, taken apart and not yet trusted.
type assertion struct {
	claims    claims
	signed    string
	signature []byte
}

var errAssertion = errors.New("invalid assertion")

// parseAssertion takes a token apart: header, claims and signature in base64url, the header's algorithm RS256.
func parseAssertion(text string) (*assertion, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(text) > 16<<10 {
		return nil, errAssertion
	}
	var raw [3][]byte
	for i, p := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(strings.TrimRight(p, "=")); err != nil {
			return nil, errAssertion
		}
	}
	var head struct {
		Algorithm string `json:"alg"`
	}
	if json.Unmarshal(raw[0], &head) != nil || head.Algorithm != "RS256" {
		return nil, errAssertion
	}
	var body struct {
		Issuer    string          `json:"iss"`
		Subject   string          `json:"sub"`
		Principal string          `json:"prn"` // what sub was called before the standard
		Audience  json.RawMessage `json:"aud"`
		Expires   json.RawMessage `json:"exp"`
	}
	if json.Unmarshal(raw[1], &body) != nil {
		return nil, errAssertion
	}
	a := &assertion{signed: parts[0] + "." + parts[1], signature: raw[2]}
	a.claims.Issuer, a.claims.Subject = body.Issuer, body.Subject
	if body.Subject == "" {
		a.claims.Subject = body.Principal
	}
	var one string
	if json.Unmarshal(body.Audience, &one) == nil {
		a.claims.Audiences = []string{one}
	} else if json.Unmarshal(body.Audience, &a.claims.Audiences) != nil {
		return nil, errAssertion
	}
	// The end comes as a number, from some clients as a text.
	seconds, err := strconv.ParseFloat(strings.Trim(string(body.Expires), `"`), 64)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > 1e14 {
		return nil, errAssertion
	}
	a.claims.Expires = time.Unix(int64(seconds), 0)
	return a, nil
}

// signedBy reports whether the token was signed with the private part of a key.
func (a *assertion) signedBy(key *rsa.PublicKey) bool {
	sum := sha256.Sum256([]byte(a.signed))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], a.signature) == nil
}

// jwtBearer answers the JWT bearer flow. The texts of the errors are recorded, but which of them a token gets
// that has run out is unconfirmed.
func (s *Server) jwtBearer(ctx context.Context, form url.Values, base string) *rest.Response {
	text := form.Get("assertion")
	if text == "" {
		return oauthError("invalid_request", "missing required parameter: assertion")
	}
	a, err := parseAssertion(text)
	if err != nil {
		return oauthError("invalid_grant", err.Error())
	}
	if !same(a.claims.Issuer, s.cfg.ClientID) {
		return oauthError("invalid_client_id", "client identifier invalid")
	}
	s.mu.Lock()
	keys := s.state.Keys
	s.mu.Unlock()
	if !slices.ContainsFunc(keys, func(k string) bool {
		key, err := publicKey([]byte(k))
		return err == nil && a.signedBy(key)
	}) {
		return oauthError("invalid_grant", errAssertion.Error())
	}
	if !slices.ContainsFunc(a.claims.Audiences, func(aud string) bool { return audience(aud, base) }) {
		return oauthError("invalid_grant", "audience is invalid")
	}
	// How far ahead the end is does not matter: the guide says three minutes, much-used clients send five, and the
	// vendor's own command line tool milliseconds instead of seconds, and logs in to real orgs.
	if !a.claims.Expires.After(s.cfg.Now()) {
		return oauthError("invalid_grant", errAssertion.Error())
	}
	id, err := s.find(ctx, a.claims.Subject)
	if err != nil {
		return internal(err)
	}
	s.mu.Lock()
	known := s.accounts[id] != nil
	s.mu.Unlock()
	if !known {
		return oauthError("invalid_grant", "user hasn't approved this consumer")
	}
	p, err := s.person(ctx, id)
	switch {
	case err != nil:
		return internal(err)
	case !p.active:
		return oauthError("invalid_grant", "inactive user") // wording unconfirmed
	}
	return s.issue(base, issue{user: id, scope: withoutRefresh(s.Settings().Scopes)})
}

// audience reports whether an assertion is meant for this org: for Salesforce's login hosts, which stand for every
// org, or for the org's own address.
func audience(aud, base string) bool {
	aud = strings.ToLower(strings.TrimSuffix(aud, "/"))
	switch aud {
	case "https://login.salesforce.com", "https://test.salesforce.com", strings.ToLower(base):
		return true
	}
	// The address again, whichever of the names of loopback was used.
	a, err1 := url.Parse(aud)
	b, err2 := url.Parse(base)
	return err1 == nil && err2 == nil && a.Scheme == b.Scheme && a.Port() == b.Port() && a.Path == "" && loopback(a.Hostname()) && loopback(b.Hostname())
}
