package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// Config says whose logins a Server serves. All fields are needed.
type Config struct {
	Store *store.Store
	// OrganizationID is the org's id, Instance the three characters that all its ids have in common.
	OrganizationID, Instance string
	// ClientID and ClientSecret are those of the app.
	ClientID, ClientSecret string
	// Owner is the user whose credentials the org hands out. It may do everything, it is whom client
	// credentials log in, and its access token never goes idle.
	Owner Owner
	Now   func() time.Time
	// Rand is the source of secrets; it is used by one goroutine at a time.
	Rand io.Reader
}

// Owner is the user of the org's own credentials.
type Owner struct {
	UserID, ProfileID                 string
	Username, Password, SecurityToken string
	AccessToken, RefreshToken         string
}

// Server is the org's authorization server. It is safe for concurrent use.
type Server struct {
	cfg Config

	// adding is held while a user is added. change is held while the kept state is changed and saved; mu while anything is looked at.
	adding sync.Mutex
	change sync.Mutex
	mu     sync.Mutex

	state    state
	accounts map[string]*account // by user id
	sessions map[string]*session // by access token
	codes    map[string]*code
}

// state is what a Server keeps in the database, under the name "auth".
type state struct {
	Settings Settings
	// Keys are public keys in PEM.
	Keys     []string
	Accounts []*account
	Grants   []*grant
	// Profile is the id of the profile of the users that were added, "" if there are none.
	Profile string
	// Users counts the users that were ever added.
	Users int64
}

// grant is the approval of the app by a user: what a refresh token stands for.
type grant struct {
	Token  string
	UserID string
	Scope  string
	Issued time.Time
	// Owned is set for that of the org's own credentials, which is not counted and is never pushed out.
	Owned bool
}

// maxGrants is how many grants a user and an app may have at a time; the oldest goes first (Salesforce Help,
// "OAuth Tokens and Scopes").
const maxGrants = 5

// New returns the server of an org, with what its database keeps.
func New(ctx context.Context, cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, sessions: map[string]*session{}, codes: map[string]*code{}}
	known, err := s.cfg.Store.Meta(ctx, "auth", &s.state)
	if err != nil {
		return nil, err
	}
	if !known {
		s.state = s.fresh()
	}
	s.index()
	s.sessions[cfg.Owner.AccessToken] = &session{user: cfg.Owner.UserID, scope: defaultScopes, used: cfg.Now(), issued: cfg.Now(), lasting: true}
	return s, nil
}

// fresh is the state of a new org.
func (s *Server) fresh() state {
	return state{
		Settings: Settings{Scopes: defaultScopes},
		Grants:   []*grant{{Token: s.cfg.Owner.RefreshToken, UserID: s.cfg.Owner.UserID, Scope: defaultScopes, Issued: s.cfg.Now(), Owned: true}},
	}
}

// index finds the accounts by user; the owner has one that is not kept.
func (s *Server) index() {
	own := &s.cfg.Owner
	s.accounts = map[string]*account{own.UserID: {
		UserID: own.UserID, Username: own.Username, Token: own.SecurityToken, plain: own.Password, Permissions: *Everything(),
	}}
	for _, a := range s.state.Accounts {
		s.accounts[a.UserID] = a
	}
}

// update changes the kept state by fn and saves it. fn runs with mu held; if it fails, or the state cannot be
// saved, it must be as if nothing had happened: fn therefore replaces what it changes.
func (s *Server) update(ctx context.Context, fn func(*state) error) error {
	s.change.Lock()
	defer s.change.Unlock()
	s.mu.Lock()
	old := s.state
	next := old
	err := fn(&next)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if err := s.cfg.Store.SetMeta(ctx, "auth", next); err != nil {
		return fmt.Errorf("keep logins of the local org: %w", err)
	}
	s.mu.Lock()
	s.state = next
	s.index()
	s.mu.Unlock()
	return nil
}

// secret returns n random bytes as text that needs no quoting anywhere. mu must be held.
func (s *Server) secret(n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.cfg.Rand, b); err != nil {
		return "", fmt.Errorf("draw a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// RefreshToken returns the refresh token of the org's own credentials: with rotation it changes. It is "" once it
// is revoked.
func (s *Server) RefreshToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.state.Grants {
		if g.Owned {
			return g.Token
		}
	}
	return ""
}

// Serve answers the resources that need no session of the API: those of OAuth, identity, and nil for all others.
func (s *Server) Serve(ctx context.Context, rq *rest.Request) *rest.Response {
	base := rq.Origin // the org's address is the one that the caller knows it by
	switch rq.Path {
	case "/services/oauth2/token":
		return s.token(ctx, rq, base)
	case "/services/oauth2/authorize":
		return s.authorize(ctx, rq)
	case "/services/oauth2/revoke":
		return s.revoke(ctx, rq)
	case "/services/oauth2/introspect":
		return s.introspect(ctx, rq, base)
	case "/services/oauth2/userinfo":
		return s.userinfo(ctx, rq, base)
	}
	if len(rq.Segs) == 3 && rq.Segs[0] == "id" {
		return s.identity(ctx, rq, base)
	}
	return nil
}

func internal(err error) *rest.Response {
	res := oauthError("server_error", err.Error())
	res.Status = http.StatusInternalServerError
	return res
}
