package auth

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"sfsync/sink/localorg/rest"
)

// defaultScopes are the scopes of the app as long as nobody chooses others.
const defaultScopes = "api id refresh_token"

// The bounds of the session timeout (Salesforce Help, "Modify Session Security Settings").
const (
	defaultTimeout = 2 * time.Hour
	minTimeout     = 15 * time.Minute
	maxTimeout     = 24 * time.Hour
)

// Settings are those of the app and of the org's sessions that can be chosen.
type Settings struct {
	// Callbacks are the redirect URIs of the web server flow, which then have to be given byte for byte. As
	// long as there are none any on loopback will do, which a real org never allows.
	Callbacks []string `json:"callbacks,omitempty"`
	// Scopes are the app's scopes, separated by blanks; "" means "api id refresh_token". An app without the
	// scope api issues tokens that are not valid for use with the REST API.
	Scopes string `json:"scopes,omitempty"`
	// RotateRefreshTokens makes each use of a refresh token replace it; the old one is dead.
	RotateRefreshTokens bool `json:"rotate_refresh_tokens,omitempty"`
	// RequirePKCE refuses the web server flow without a code challenge.
	RequirePKCE bool `json:"require_pkce,omitempty"`
	// RunAs is the name of the user whom client credentials log in; "" is the owner.
	RunAs string `json:"run_as,omitempty"`
	// SessionTimeout is how long an unused session lives, in seconds from 900 to 86,400; 0 means two hours.
	SessionTimeout int `json:"session_timeout,omitempty"`
}

func (s *Settings) timeout() time.Duration {
	if s.SessionTimeout == 0 {
		return defaultTimeout
	}
	return time.Duration(s.SessionTimeout) * time.Second
}

func (s *Settings) check() error {
	if t := s.timeout(); t < minTimeout || t > maxTimeout {
		return fmt.Errorf("session_timeout is %d seconds: it must be from 900 to 86400", s.SessionTimeout)
	}
	for _, c := range s.Callbacks {
		u, err := url.Parse(c)
		if err != nil || u.Host == "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
			return fmt.Errorf("callback %q is neither https nor http on loopback", c)
		}
	}
	return nil
}

// Configure replaces the settings. Its error says which of them is wrong, or that they cannot be kept.
func (s *Server) Configure(ctx context.Context, set Settings) error {
	if err := set.check(); err != nil {
		return fmt.Errorf("configure the app: %w", err)
	}
	if set.Scopes = strings.Join(strings.Fields(set.Scopes), " "); set.Scopes == "" {
		set.Scopes = defaultScopes
	}
	set.Callbacks = slices.Clone(set.Callbacks)
	if _, bad, err := s.runAs(ctx, set.RunAs); err != nil {
		return err
	} else if bad != nil {
		return fmt.Errorf("configure the app: run_as: no active user is called %q", set.RunAs)
	}
	return s.update(ctx, func(st *state) error {
		st.Settings = set
		return nil
	})
}

// Settings returns the settings as they are.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.state.Settings
	set.Callbacks = slices.Clone(set.Callbacks)
	return set
}

// maxKeys bounds the keys of the app.
const maxKeys = 20

// AddKey uploads the key that JSON Web Tokens may be signed with: an X.509 certificate or an RSA public key of
// at least 2,048 bits, in PEM.
func (s *Server) AddKey(ctx context.Context, text []byte) error {
	key, err := publicKey(text)
	if err != nil {
		return fmt.Errorf("add a key to the app: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return fmt.Errorf("add a key to the app: %w", err)
	}
	kept := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return s.update(ctx, func(st *state) error {
		if slices.Contains(st.Keys, kept) {
			return nil
		}
		if len(st.Keys) >= maxKeys {
			return fmt.Errorf("add a key to the app: it has %d already", maxKeys)
		}
		st.Keys = append(slices.Clone(st.Keys), kept)
		return nil
	})
}

// publicKey reads a certificate or a public key. Errors say nothing of what was in it.
func publicKey(text []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM (-----BEGIN CERTIFICATE----- …)")
	}
	var key any
	var err error
	switch block.Type {
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = c.PublicKey
		}
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, errors.New("it is neither a certificate nor a public key")
	}
	if err != nil {
		return nil, errors.New("its content cannot be read")
	}
	r, ok := key.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, errors.New("it is not an RSA key")
	case r.Size() < 2048/8:
		return nil, errors.New("the key is shorter than 2,048 bits")
	}
	return r, nil
}

// hasScope reports whether a list of scopes holds one; full stands for all but refresh_token.
func hasScope(list, scope string) bool {
	for s := range strings.FieldsSeq(list) {
		if s == scope || s == "full" && scope != "refresh_token" || s == "offline_access" && scope == "refresh_token" {
			return true
		}
	}
	return false
}

// narrow returns the scopes of a grant: those asked for, or all that the app has.
func narrow(asked, app string) (string, *rest.Response) {
	if strings.TrimSpace(asked) == "" {
		return app, nil
	}
	for s := range strings.FieldsSeq(asked) {
		if !hasScope(app, s) {
			return "", oauthError("invalid_scope", "the requested scope is not allowed") // wording unconfirmed
		}
	}
	return strings.Join(strings.Fields(asked), " "), nil
}

// withoutRefresh returns the scopes without the one for refresh tokens, which some flows do not give.
func withoutRefresh(scopes string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(scopes), func(s string) bool { return s == "refresh_token" || s == "offline_access" }), " ")
}
