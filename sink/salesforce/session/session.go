// Package session holds the session of a client with an org: it logs in the way that the credentials allow,
// and again when the session has expired, one login at a time.
package session

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/credentials"
)

// Token is what a login gave.
type Token struct {
	Access   string
	Instance *url.URL // the org
	UserID   string   // from the identity URL, "" if the answer had none
}

// Options say what a [Session] needs; OnRefreshToken may be nil.
type Options struct {
	Auth  credentials.Auth
	Hosts credentials.Hosts
	Now   func() time.Time
	// Post posts a form to a path of a host and returns the answer's body. It needs no session.
	Post func(ctx context.Context, host *url.URL, path string, form url.Values) ([]byte, error)
	// OnRefreshToken is told of a refresh token that a login gave.
	OnRefreshToken func(credentials.Secret)
}

// Session holds the token of a client and renews it. It is safe for concurrent use.
type Session struct {
	opt  Options
	busy chan struct{} // holds one element while somebody logs in

	mu      sync.Mutex
	current Token
	gen     uint64 // counts renewals
	failed  error  // why the last renewal from gen failed for good
	rotated credentials.Secret
	secrets []string
}

// New returns a session without a token: [Session.Renew] of generation 0 gets the first.
func New(opt Options) *Session {
	return &Session{opt: opt, busy: make(chan struct{}, 1), secrets: opt.Auth.Secrets()}
}

// Token returns the token and its generation, for Renew.
func (s *Session) Token() (Token, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current, s.gen
}

// Redact removes secrets that an answer or an error may have echoed.
func (s *Session) Redact(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.secrets {
		text = strings.ReplaceAll(text, t, credentials.Hidden)
	}
	return text
}

// got keeps the secrets of an answer, which must not show up in any message. A refresh token takes the place of
// the one before.
func (s *Session) got(access, refresh string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range [...]string{access, refresh} {
		if len(t) >= 4 { // shorter ones would blot out half of every message
			s.secrets = append(s.secrets, t)
		}
	}
	if refresh != "" {
		s.rotated = credentials.Secret(refresh)
	}
}

// Renew replaces the token of generation gen. Callers that saw the same token expire wait for
// one login and share its outcome, a refusal too: wrong credentials tried by every worker
// would lock the user out.
func (s *Session) Renew(ctx context.Context, gen uint64) error {
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.mu.Lock()
	done, failed := s.gen != gen, s.failed
	s.mu.Unlock()
	if done || failed != nil {
		return failed
	}
	t, err := s.authenticate(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if e := (*sink.Error)(nil); errors.As(err, &e) && (e.Class == sink.Auth || e.Class == sink.Config) {
			s.failed = err
		}
		return err
	}
	s.current = t
	s.gen++
	return nil
}

// authenticate asks for a token the way the configured credentials allow.
func (s *Session) authenticate(ctx context.Context) (Token, error) {
	f, err := s.opt.Auth.Flow()
	if err != nil {
		return Token{}, err
	}
	if f == credentials.FlowToken {
		return s.staticToken()
	}
	login, err := credentials.ParseHost(s.opt.Auth.Address(), true)
	if err != nil {
		return Token{}, err
	}
	if err := s.opt.Hosts.Check(login); err != nil {
		return Token{}, err
	}
	form := url.Values{"client_id": {s.opt.Auth.ClientID}}
	if s.opt.Auth.ClientSecret != "" && f != credentials.FlowJWT {
		form.Set("client_secret", string(s.opt.Auth.ClientSecret))
	}
	if f == credentials.FlowCode && s.refreshToken() != "" {
		f = credentials.FlowRefresh // the code was used
	}
	switch f {
	case credentials.FlowCode:
		form.Set("grant_type", "authorization_code")
		form.Set("code", string(s.opt.Auth.Code))
		form.Set("code_verifier", string(s.opt.Auth.CodeVerifier))
		form.Set("redirect_uri", s.opt.Auth.RedirectURI)
	case credentials.FlowRefresh:
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", string(s.refreshToken()))
	case credentials.FlowClient:
		if h := login.Host; h == "login.salesforce.com" || h == "test.salesforce.com" {
			return Token{}, catalog.New(sink.Auth, "invalid_grant", "client credentials are taken on the org's My Domain host only, not on "+h+": set SFSYNC_LOGIN_URL to it")
		}
		form.Set("grant_type", "client_credentials")
	case credentials.FlowPassword:
		form.Set("grant_type", "password")
		form.Set("username", s.opt.Auth.Username)
		form.Set("password", string(s.opt.Auth.Password)+string(s.opt.Auth.SecurityToken))
	case credentials.FlowJWT:
		return s.jwtLogin(ctx, login)
	}
	return s.requestToken(ctx, login, form)
}

// staticToken is the session of a given access token. When it has expired there is no other.
func (s *Session) staticToken() (Token, error) {
	if _, gen := s.Token(); gen > 0 {
		return Token{}, catalog.New(sink.Auth, "INVALID_SESSION_ID", "the access token has expired or was revoked, and there is nothing to get a new one with")
	}
	u, err := credentials.ParseHost(s.opt.Auth.InstanceURL, false)
	if err != nil {
		return Token{}, err
	}
	return Token{Access: strings.TrimSpace(string(s.opt.Auth.AccessToken)), Instance: u}, s.opt.Hosts.Check(u)
}

// jwtLogin tries the audiences that the host may expect: login. or test. by the kind of org,
// then the address itself, which My Domain hosts and sites take.
func (s *Session) jwtLogin(ctx context.Context, login *url.URL) (Token, error) {
	audiences := []string{"https://login.salesforce.com", login.String()}
	switch h := login.Host; {
	case h == "test.salesforce.com" || strings.Contains(h, ".sandbox.") || strings.Contains(h, "--"):
		audiences[0] = "https://test.salesforce.com"
	case !strings.HasSuffix(h, ".salesforce.com"):
		audiences = audiences[1:]
	}
	if len(audiences) == 2 && audiences[0] == audiences[1] {
		audiences = audiences[:1]
	}
	var t Token
	var err error
	for _, aud := range audiences {
		assertion, serr := s.opt.Auth.Assertion(aud, s.opt.Now())
		if serr != nil {
			return Token{}, serr
		}
		t, err = s.requestToken(ctx, login, url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
			"assertion":  {assertion},
		})
		if e := (*sink.Error)(nil); !errors.As(err, &e) || !strings.Contains(strings.ToLower(e.Message), "audience") {
			break
		}
	}
	return t, err
}

// refreshToken returns the newest refresh token: with rotation the org replaces it at each use.
func (s *Session) refreshToken() credentials.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.rotated, s.opt.Auth.RefreshToken)
}

// requestToken posts to the token endpoint below login (REST API guide, "OAuth 2.0").
func (s *Session) requestToken(ctx context.Context, login *url.URL, form url.Values) (Token, error) {
	body, err := s.opt.Post(ctx, login, login.EscapedPath()+"/services/oauth2/token", form)
	if err != nil {
		return Token{}, err
	}
	var reply struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		InstanceURL  string `json:"instance_url"`
		ID           string `json:"id"`
	}
	if err := json.Unmarshal(body, &reply); err != nil || reply.AccessToken == "" || reply.InstanceURL == "" {
		return Token{}, catalog.New(sink.Auth, catalog.CodeBadAnswer, login.Host+" answered without a token: is it the address of an org or its login page?")
	}
	s.got(reply.AccessToken, reply.RefreshToken)
	if reply.RefreshToken != "" && s.opt.OnRefreshToken != nil {
		s.opt.OnRefreshToken(credentials.Secret(reply.RefreshToken))
	}
	instance, err := credentials.ParseHost(reply.InstanceURL, false)
	if err != nil {
		return Token{}, catalog.New(sink.Auth, catalog.CodeBadAnswer, "the login's answer names no usable instance address")
	}
	if err := s.opt.Hosts.Check(instance); err != nil {
		return Token{}, err
	}
	if old, gen := s.Token(); gen > 0 && (instance.Scheme != old.Instance.Scheme || instance.Host != old.Instance.Host) {
		return Token{}, catalog.New(sink.Auth, catalog.CodeNewInstance, "the renewed login leads to "+instance.Host+" instead of "+old.Instance.Host)
	}
	t := Token{Access: reply.AccessToken, Instance: instance}
	// https://login.salesforce.com/id/<org id>/<user id>
	if i := strings.LastIndexByte(reply.ID, '/'); i >= 0 && strings.Contains(reply.ID, "/id/") {
		t.UserID = reply.ID[i+1:]
	}
	return t, nil
}

// Revoke ends the approval that the refresh token stands for, or the session where there is none.
func (s *Session) Revoke(ctx context.Context) error {
	t, _ := s.Token()
	text := cmp.Or(string(s.refreshToken()), t.Access)
	if _, err := s.opt.Post(ctx, t.Instance, "/services/oauth2/revoke", url.Values{"token": {text}}); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	return nil
}
