package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"sfsync/sink/localorg/rest"
)

// The grant types of the token endpoint (Salesforce Help, "OAuth Authorization Flows").
const (
	grantClient   = "client_credentials"
	grantPassword = "password"
	grantRefresh  = "refresh_token"
	grantCode     = "authorization_code"
	grantJWT      = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// token answers /services/oauth2/token. Parameters of other flows than the one asked for are ignored.
func (s *Server) token(ctx context.Context, rq *rest.Request, base string) *rest.Response {
	if rq.Method != http.MethodPost {
		return oauthError("invalid_request", "must use HTTP POST")
	}
	form, bad := readForm(rq)
	if bad != nil {
		return bad
	}
	grant := form.Get("grant_type")
	switch grant {
	case grantClient, grantPassword, grantRefresh, grantCode:
	case grantJWT:
		return s.jwtBearer(ctx, form, base)
	default:
		return oauthError("unsupported_grant_type", "grant type not supported")
	}
	if bad := s.checkClient(form, grant == grantRefresh || grant == grantCode); bad != nil {
		return bad
	}
	switch grant {
	case grantClient:
		return s.byClient(ctx, base)
	case grantPassword:
		return s.byPassword(ctx, form, base)
	case grantRefresh:
		return s.refresh(ctx, form, base)
	}
	return s.exchange(ctx, form, base)
}

// readForm returns a request's parameters: those of the body, and of the query where the body has none. A
// client id and secret may come by HTTP Basic.
func readForm(rq *rest.Request) (url.Values, *rest.Response) {
	form, err := url.ParseQuery(string(rq.Body))
	if err != nil {
		return nil, oauthError("invalid_request", "missing required parameter")
	}
	for k, v := range rq.Query {
		if form.Get(k) == "" {
			form[k] = v
		}
	}
	if id, secret, ok := basicAuth(rq.Header.Get("Authorization")); ok && form.Get("client_id") == "" {
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	}
	return form, nil
}

func basicAuth(header string) (id, secret string, ok bool) {
	r := http.Request{Header: http.Header{"Authorization": {header}}}
	id, secret, ok = r.BasicAuth()
	if !ok {
		return "", "", false
	}
	// RFC 6749 §2.3.1 has both form-encoded; plain ones come through unchanged.
	if u, err := url.QueryUnescape(id); err == nil {
		id = u
	}
	if u, err := url.QueryUnescape(secret); err == nil {
		secret = u
	}
	return id, secret, true
}

// checkClient refuses an app that is not the org's own. A secret that is given must be right even if none is
// needed.
func (s *Server) checkClient(form url.Values, publicClient bool) *rest.Response {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	switch {
	case id == "":
		return oauthError("invalid_request", "missing required parameter: client_id")
	case !same(id, s.cfg.ClientID):
		return oauthError("invalid_client_id", "client identifier invalid")
	case secret == "" && publicClient:
	case !same(secret, s.cfg.ClientSecret):
		return oauthError("invalid_client", "invalid client credentials")
	}
	return nil
}

func oauthError(code, description string) *rest.Response {
	res := rest.OK(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
	res.Status = http.StatusBadRequest
	return res
}

// check returns the user of a name and password, nil if they do not fit.
func (s *Server) check(ctx context.Context, username, password string) (*person, error) {
	id, err := s.find(ctx, username)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	a := s.accounts[id]
	s.mu.Unlock()
	if a == nil || !a.opens(password) {
		return nil, nil
	}
	return s.person(ctx, id)
}

// byClient answers the client credentials flow.
func (s *Server) byClient(ctx context.Context, base string) *rest.Response {
	set := s.Settings()
	user, bad, err := s.runAs(ctx, set.RunAs)
	switch {
	case err != nil:
		return internal(err)
	case bad != nil:
		return bad
	}
	return s.issue(base, issue{user: user, scope: withoutRefresh(set.Scopes)})
}

// runAs returns the user whom client credentials log in, given the name that is set, or the refusal if there is
// no such user any more.
func (s *Server) runAs(ctx context.Context, username string) (id string, bad *rest.Response, err error) {
	if username == "" {
		return s.cfg.Owner.UserID, nil, nil
	}
	if id, err = s.find(ctx, username); err != nil {
		return "", nil, err
	}
	p, err := s.person(ctx, id)
	if err != nil {
		return "", nil, err
	}
	if s.ByID(id) == nil || !p.active {
		return "", oauthError("invalid_grant", "no client credentials user enabled"), nil
	}
	return id, nil, nil
}

func (s *Server) byPassword(ctx context.Context, form url.Values, base string) *rest.Response {
	p, err := s.check(ctx, form.Get("username"), form.Get("password"))
	switch {
	case err != nil:
		return internal(err)
	case p == nil:
		return oauthError("invalid_grant", "authentication failure")
	case !p.active:
		return oauthError("invalid_grant", "inactive user") // wording unconfirmed
	}
	return s.issue(base, issue{user: p.id, scope: withoutRefresh(s.Settings().Scopes), silent: true})
}

// refresh answers the refresh token flow. With rotation the answer holds a new refresh token, and the one given
// is dead.
func (s *Server) refresh(ctx context.Context, form url.Values, base string) *rest.Response {
	given := form.Get("refresh_token")
	if given == "" {
		return oauthError("invalid_request", "missing required parameter: refresh_token")
	}
	s.mu.Lock()
	g := s.grantOf(given)
	s.mu.Unlock()
	if g == nil {
		return oauthError("invalid_grant", "expired access/refresh token")
	}
	p, err := s.person(ctx, g.UserID)
	switch {
	case err != nil:
		return internal(err)
	case !p.active:
		return oauthError("invalid_grant", "inactive user") // wording unconfirmed
	}
	in := issue{user: g.UserID, scope: g.Scope, grant: given}
	if s.Settings().RotateRefreshTokens {
		err := s.update(ctx, func(st *state) error {
			old := s.grantOf(given)
			if old == nil { // another request was faster
				return errGone
			}
			next := *old
			next.Token, err = s.refreshToken()
			if err != nil {
				return err
			}
			st.Grants = replaceGrant(st.Grants, old, &next)
			in.grant, in.refresh = next.Token, next.Token
			for _, ses := range s.sessions {
				if ses.grant == given {
					ses.grant = next.Token
				}
			}
			return nil
		})
		if err != nil {
			return gone(err)
		}
	}
	return s.issue(base, in)
}

// refreshToken makes a refresh token. mu must be held.
func (s *Server) refreshToken() (string, error) {
	text, err := s.secret(48)
	return "5Aep" + text, err
}

// grantOf returns the grant of a refresh token, or nil. mu must be held.
func (s *Server) grantOf(token string) *grant {
	for _, g := range s.state.Grants {
		if same(g.Token, token) {
			return g
		}
	}
	return nil
}

// replaceGrant returns the grants with one replaced, or without it if next is nil.
func replaceGrant(list []*grant, old, next *grant) []*grant {
	out := make([]*grant, 0, len(list))
	for _, g := range list {
		switch {
		case g != old:
			out = append(out, g)
		case next != nil:
			out = append(out, next)
		}
	}
	return out
}

// addGrant returns the grants with a new one, the user's oldest pushed out where there are too many.
func addGrant(list []*grant, g *grant) []*grant {
	out := append(slices.Clone(list), g)
	live := 0
	for i := len(out) - 1; i >= 0; i-- {
		if out[i].UserID != g.UserID || out[i].Owned {
			continue
		}
		if live++; live > maxGrants {
			out = slices.Delete(out, i, i+1)
		}
	}
	return out
}

// issue says what a token answer is to hold.
type issue struct {
	user  string
	scope string
	// silent leaves the scope out of the answer, as the username-password flow does.
	silent bool
	// grant is the refresh token behind the session; refresh is shown if it is new.
	grant, refresh string
}

// issue opens a session and answers with its token, unless the refresh token behind it was revoked meanwhile. There
// is no expires_in.
func (s *Server) issue(base string, in issue) *rest.Response {
	s.mu.Lock()
	token, err := "", errGone
	if in.grant == "" || s.grantOf(in.grant) != nil {
		token, err = s.open(session{user: in.user, scope: in.scope, grant: in.grant})
	}
	s.mu.Unlock()
	if err != nil {
		return gone(err)
	}
	id := s.identityURL(base, in.user)
	issued := strconv.FormatInt(s.cfg.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(s.cfg.ClientSecret))
	mac.Write([]byte(id + issued))
	answer := struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token,omitempty"`
		Signature    string `json:"signature"`
		Scope        string `json:"scope,omitempty"`
		InstanceURL  string `json:"instance_url"`
		ID           string `json:"id"`
		TokenType    string `json:"token_type"`
		IssuedAt     string `json:"issued_at"`
	}{token, in.refresh, base64.StdEncoding.EncodeToString(mac.Sum(nil)), in.scope, base, id, "Bearer", issued}
	if in.silent {
		answer.Scope = ""
	}
	return rest.OK(answer)
}
