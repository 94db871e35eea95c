package salesforce

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/credentials"
)

// token is a session with an org.
type token struct {
	access   string
	instance *url.URL
	userID   string // from the identity URL, "" if the answer had none
}

// session holds the token of a client and renews it, one login at a time.
type session struct {
	login func(context.Context) (token, error)
	busy  chan struct{} // holds one element while somebody logs in

	mu      sync.Mutex
	current token
	gen     uint64 // counts renewals
	failed  error  // why the last renewal from gen failed for good
}

func newSession(login func(context.Context) (token, error)) *session {
	return &session{login: login, busy: make(chan struct{}, 1)}
}

// get returns the token and its generation, for renew.
func (s *session) get() (token, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current, s.gen
}

// renew replaces the token of generation gen. Callers that saw the same token expire wait for
// one login and share its outcome, a refusal too: wrong credentials tried by every worker
// would lock the user out.
func (s *session) renew(ctx context.Context, gen uint64) error {
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
	t, err := s.login(ctx)
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
func (c *Client) authenticate(ctx context.Context) (token, error) {
	f, err := c.auth.Flow()
	if err != nil {
		return token{}, err
	}
	if f == credentials.FlowToken {
		return c.staticToken()
	}
	login, err := credentials.ParseHost(c.auth.Address(), true)
	if err != nil {
		return token{}, err
	}
	if err := c.hosts.Check(login); err != nil {
		return token{}, err
	}
	form := url.Values{"client_id": {c.auth.ClientID}}
	if c.auth.ClientSecret != "" && f != credentials.FlowJWT {
		form.Set("client_secret", string(c.auth.ClientSecret))
	}
	if f == credentials.FlowCode && c.refreshToken() != "" {
		f = credentials.FlowRefresh // the code was used
	}
	switch f {
	case credentials.FlowCode:
		form.Set("grant_type", "authorization_code")
		form.Set("code", string(c.auth.Code))
		form.Set("code_verifier", string(c.auth.CodeVerifier))
		form.Set("redirect_uri", c.auth.RedirectURI)
	case credentials.FlowRefresh:
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", string(c.refreshToken()))
	case credentials.FlowClient:
		if h := login.Host; h == "login.salesforce.com" || h == "test.salesforce.com" {
			return token{}, catalog.New(sink.Auth, "invalid_grant", "client credentials are taken on the org's My Domain host only, not on "+h+": set SFSYNC_LOGIN_URL to it")
		}
		form.Set("grant_type", "client_credentials")
	case credentials.FlowPassword:
		form.Set("grant_type", "password")
		form.Set("username", c.auth.Username)
		form.Set("password", string(c.auth.Password)+string(c.auth.SecurityToken))
	case credentials.FlowJWT:
		return c.jwtLogin(ctx, login)
	}
	return c.requestToken(ctx, login, form)
}

// staticToken is the session of a given access token. When it has expired there is no other.
func (c *Client) staticToken() (token, error) {
	if _, gen := c.session.get(); gen > 0 {
		return token{}, catalog.New(sink.Auth, "INVALID_SESSION_ID", "the access token has expired or was revoked, and there is nothing to get a new one with")
	}
	u, err := credentials.ParseHost(c.auth.InstanceURL, false)
	if err != nil {
		return token{}, err
	}
	return token{access: strings.TrimSpace(string(c.auth.AccessToken)), instance: u}, c.hosts.Check(u)
}

// jwtLogin tries the audiences that the host may expect: login. or test. by the kind of org,
// then the address itself, which My Domain hosts and sites take.
func (c *Client) jwtLogin(ctx context.Context, login *url.URL) (token, error) {
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
	var t token
	var err error
	for _, aud := range audiences {
		assertion, serr := c.auth.Assertion(aud, c.now())
		if serr != nil {
			return token{}, serr
		}
		t, err = c.requestToken(ctx, login, url.Values{
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
func (c *Client) refreshToken() Secret {
	c.rotated.mu.Lock()
	defer c.rotated.mu.Unlock()
	if c.rotated.token != "" {
		return c.rotated.token
	}
	return c.auth.RefreshToken
}

// requestToken posts to the token endpoint below login (REST API guide, "OAuth 2.0").
func (c *Client) requestToken(ctx context.Context, login *url.URL, form url.Values) (token, error) {
	ans, err := c.do(ctx, &call{
		method: http.MethodPost, base: login, path: login.EscapedPath() + "/services/oauth2/token",
		contentType: "application/x-www-form-urlencoded", body: []byte(form.Encode()),
		login: true, repeat: true,
	})
	if err != nil {
		return token{}, err
	}
	defer ans.free()
	var reply struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		InstanceURL  string `json:"instance_url"`
		ID           string `json:"id"`
	}
	if err := json.Unmarshal(ans.body.Bytes(), &reply); err != nil || reply.AccessToken == "" || reply.InstanceURL == "" {
		return token{}, catalog.New(sink.Auth, catalog.CodeBadAnswer, login.Host+" answered without a token: is it the address of an org or its login page?")
	}
	c.keepSecret(reply.AccessToken)
	if reply.RefreshToken != "" {
		c.keepSecret(reply.RefreshToken)
		c.rotated.mu.Lock()
		c.rotated.token = Secret(reply.RefreshToken)
		c.rotated.mu.Unlock()
		if c.onRefreshToken != nil {
			c.onRefreshToken(Secret(reply.RefreshToken))
		}
	}
	instance, err := credentials.ParseHost(reply.InstanceURL, false)
	if err != nil {
		return token{}, catalog.New(sink.Auth, catalog.CodeBadAnswer, "the login's answer names no usable instance address")
	}
	if err := c.hosts.Check(instance); err != nil {
		return token{}, err
	}
	if c.base != nil && (instance.Scheme != c.base.Scheme || instance.Host != c.base.Host) {
		return token{}, catalog.New(sink.Auth, catalog.CodeNewInstance, "the renewed login leads to "+instance.Host+" instead of "+c.base.Host)
	}
	t := token{access: reply.AccessToken, instance: instance}
	// https://login.salesforce.com/id/<org id>/<user id>
	if i := strings.LastIndexByte(reply.ID, '/'); i >= 0 && strings.Contains(reply.ID, "/id/") {
		t.userID = reply.ID[i+1:]
	}
	return t, nil
}

// Revoke ends the approval that the client's refresh token stands for, or its session where it has
// none. The client is of no use afterwards.
func (c *Client) Revoke(ctx context.Context) error {
	t, _ := c.session.get()
	text := cmp.Or(string(c.refreshToken()), t.access)
	ans, err := c.do(ctx, &call{
		method: http.MethodPost, base: c.base, path: "/services/oauth2/revoke",
		contentType: "application/x-www-form-urlencoded", body: []byte(url.Values{"token": {text}}.Encode()),
		login: true, repeat: true,
	})
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	ans.free()
	return nil
}
