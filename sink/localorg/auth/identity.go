package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
)

// errGone says that a refresh token was used or revoked by another request in the meantime.
var errGone = errors.New("the refresh token is gone")

func gone(err error) *rest.Response {
	if errors.Is(err, errGone) {
		return oauthError("invalid_grant", "expired access/refresh token")
	}
	return internal(err)
}

func (s *Server) identityURL(base, user string) string {
	return base + "/id/" + s.cfg.OrganizationID + "/" + user
}

// addresses are the org's, with {version} for the version's number.
type addresses struct {
	Enterprise string `json:"enterprise"`
	Metadata   string `json:"metadata"`
	Partner    string `json:"partner"`
	Rest       string `json:"rest"`
	SObjects   string `json:"sobjects"`
	Search     string `json:"search"`
	Query      string `json:"query"`
	Recent     string `json:"recent"`
	Profile    string `json:"profile"`
	CustomDom  string `json:"custom_domain"`
}

func (s *Server) addresses(base, user, version string) addresses {
	if version == "" {
		version = "{version}"
	}
	org := s.cfg.OrganizationID[:15]
	v := base + "/services/data/v" + version + "/"
	soap := func(kind string) string { return base + "/services/Soap/" + kind + "/" + version + "/" + org }
	return addresses{soap("c"), soap("m"), soap("u"), v, v + "sobjects/", v + "search/", v + "query/", v + "recent/", base + "/" + user, base}
}

// identity answers /id/{org}/{user}. Its refusals are plain text (Salesforce Help, "Identity URLs"; that of a bad
// token unconfirmed).
func (s *Server) identity(ctx context.Context, rq *rest.Request, base string) *rest.Response {
	token := headerToken(rq.Header)
	if token == "" {
		token = rq.Query.Get("oauth_token")
	}
	if token == "" {
		return plain(http.StatusForbidden, "Missing_OAuth_Token")
	}
	u, bad := s.enter(token, false)
	switch {
	case bad != nil:
		return plain(http.StatusForbidden, "Bad_OAuth_Token")
	case catalog.ID18(rq.Segs[1]) != s.cfg.OrganizationID:
		return plain(http.StatusForbidden, "Wrong_Org")
	case catalog.ID18(rq.Segs[2]) != u.ID:
		return plain(http.StatusNotFound, "Bad_Id")
	}
	p, err := s.person(ctx, u.ID)
	switch {
	case err != nil:
		return internal(err)
	case !p.active:
		return plain(http.StatusNotFound, "Inactive")
	}
	version := rq.Query.Get("version")
	if version == "latest" {
		version = strconv.Itoa(rest.MaxVersion) + ".0"
	}
	return rest.OK(struct {
		ID               string    `json:"id"`
		AssertedUser     bool      `json:"asserted_user"`
		UserID           string    `json:"user_id"`
		OrganizationID   string    `json:"organization_id"`
		Username         string    `json:"username"`
		NickName         string    `json:"nick_name"`
		DisplayName      string    `json:"display_name"`
		Email            string    `json:"email"`
		EmailVerified    bool      `json:"email_verified"`
		FirstName        *string   `json:"first_name"`
		LastName         string    `json:"last_name"`
		Timezone         string    `json:"timezone"`
		URLs             addresses `json:"urls"`
		Active           bool      `json:"active"`
		UserType         string    `json:"user_type"`
		Language         string    `json:"language"`
		Locale           string    `json:"locale"`
		UTCOffset        int64     `json:"utcOffset"`
		LastModifiedDate string    `json:"last_modified_date"`
		IsAppInstalled   bool      `json:"is_app_installed"`
	}{
		s.identityURL(base, p.id), true, p.id, s.cfg.OrganizationID, p.username, p.nickname, p.name, p.email, true, optional(p.first),
		p.last, p.zone, s.addresses(base, p.id, version), true, strings.ToUpper(p.userType), p.language, p.locale,
		p.offset(s.cfg.Now()).Milliseconds(), p.modified, true,
	})
}

// userinfo answers /services/oauth2/userinfo (OpenID Connect; the key list is partly unconfirmed).
func (s *Server) userinfo(ctx context.Context, rq *rest.Request, base string) *rest.Response {
	if rq.Method != http.MethodGet && rq.Method != http.MethodHead && rq.Method != http.MethodPost {
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD", "POST")
	}
	token := headerToken(rq.Header)
	if token == "" {
		form, err := url.ParseQuery(string(rq.Body))
		if token = rq.Query.Get("oauth_token"); token == "" && err == nil {
			token = form.Get("access_token")
		}
	}
	if token == "" {
		return plain(http.StatusForbidden, "Missing_OAuth_Token")
	}
	u, bad := s.enter(token, false)
	if bad != nil {
		return plain(http.StatusForbidden, "Bad_OAuth_Token")
	}
	p, err := s.person(ctx, u.ID)
	if err != nil {
		return internal(err)
	}
	return rest.OK(struct {
		Subject        string            `json:"sub"`
		UserID         string            `json:"user_id"`
		OrganizationID string            `json:"organization_id"`
		Username       string            `json:"preferred_username"`
		Nickname       string            `json:"nickname"`
		Name           string            `json:"name"`
		Email          string            `json:"email"`
		EmailVerified  bool              `json:"email_verified"`
		GivenName      *string           `json:"given_name"`
		FamilyName     string            `json:"family_name"`
		ZoneInfo       string            `json:"zoneinfo"`
		Photos         map[string]string `json:"photos"`
		URLs           addresses         `json:"urls"`
		Active         bool              `json:"active"`
		UserType       string            `json:"user_type"`
		Language       string            `json:"language"`
		Locale         string            `json:"locale"`
		UTCOffset      int64             `json:"utcOffset"`
		UpdatedAt      string            `json:"updated_at"`
		IsAppInstalled bool              `json:"is_app_installed"`
	}{
		s.identityURL(base, p.id), p.id, s.cfg.OrganizationID, p.username, p.nickname, p.name, p.email, true, optional(p.first), p.last, p.zone,
		map[string]string{"picture": base + "/profilephoto/005/F", "thumbnail": base + "/profilephoto/005/T"},
		s.addresses(base, p.id, ""), p.active, strings.ToUpper(p.userType), p.language, p.locale, p.offset(s.cfg.Now()).Milliseconds(), p.modified, true,
	})
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func plain(status int, text string) *rest.Response {
	return &rest.Response{Status: status, Header: http.Header{"Content-Type": {"text/html;charset=UTF-8"}}, Body: []byte(text)}
}

// introspect answers /services/oauth2/introspect (RFC 7662; Salesforce Help, "OpenID Connect Token
// Introspection"). It tells an app of the tokens that were issued to it.
func (s *Server) introspect(ctx context.Context, rq *rest.Request, base string) *rest.Response {
	if rq.Method != http.MethodPost {
		return oauthError("invalid_request", "must use HTTP POST")
	}
	form, bad := readForm(rq)
	if bad != nil {
		return bad
	}
	token := form.Get("token")
	if token == "" {
		return oauthError("invalid_request", "missing required parameter: token")
	}
	if bad := s.checkClient(form, false); bad != nil {
		return bad
	}
	type answer struct {
		Active    bool   `json:"active"`
		Scope     string `json:"scope,omitempty"`
		ClientID  string `json:"client_id,omitempty"`
		Username  string `json:"username,omitempty"`
		Subject   string `json:"sub,omitempty"`
		TokenType string `json:"token_type,omitempty"`
		Expires   int64  `json:"exp,omitempty"`
		Issued    int64  `json:"iat,omitempty"`
		NotBefore int64  `json:"nbf,omitempty"`
	}
	var a answer
	var user string
	s.mu.Lock()
	if ses := s.live(token, s.cfg.Now()); ses != nil {
		user = ses.user
		at := ses.issued.Unix()
		a = answer{true, ses.scope, s.cfg.ClientID, "", "", "access_token", ses.used.Add(s.state.Settings.timeout()).Unix(), at, at}
	} else if g := s.grantOf(token); g != nil {
		user = g.UserID
		a = answer{true, g.Scope, s.cfg.ClientID, "", "", "refresh_token", 0, g.Issued.Unix(), g.Issued.Unix()}
	}
	s.mu.Unlock()
	if !a.Active {
		return rest.OK(a)
	}
	p, err := s.person(ctx, user)
	if err != nil {
		return internal(err)
	}
	a.Username, a.Subject = p.username, s.identityURL(base, p.id)
	return rest.OK(a)
}

// revoke answers /services/oauth2/revoke. A refresh token takes the sessions with it that it opened; an access
// token takes its refresh token with it (Salesforce Help, "Revoke OAuth Tokens"). Errors come form-encoded.
func (s *Server) revoke(ctx context.Context, rq *rest.Request) *rest.Response {
	form, bad := readForm(rq)
	if bad != nil {
		return bad
	}
	token := form.Get("token")
	s.mu.Lock()
	refresh := token
	ses := s.live(token, s.cfg.Now())
	if ses != nil {
		refresh = ses.grant
		delete(s.sessions, token)
	}
	g := s.grantOf(refresh)
	s.mu.Unlock()
	if g != nil {
		err := s.update(ctx, func(st *state) error {
			if g = s.grantOf(refresh); g == nil {
				return nil
			}
			st.Grants = replaceGrant(st.Grants, g, nil)
			return nil
		})
		if err != nil {
			return internal(err)
		}
		// Now that no other request finds the token any more.
		s.mu.Lock()
		s.endSessions(func(ses *session) bool { return ses.grant == refresh })
		s.mu.Unlock()
	}
	if token == "" || ses == nil && g == nil {
		text := url.Values{"error": {"invalid_token"}, "error_description": {"the token is not valid"}}.Encode() // wording unconfirmed
		return &rest.Response{Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded;charset=UTF-8"}}, Body: []byte(text)}
	}
	return &rest.Response{Status: http.StatusOK}
}
