package localorg

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sfsync/sink/localorg/rest"
)

// sessionIdle is how long an unused session lives (session settings: 2 hours by default).
const sessionIdle = 2 * time.Hour

// maxSessions bounds the live sessions; the oldest goes first.
const maxSessions = 1000

// token answers /services/oauth2/token (OAuth 2.0 flows; the answer has no expires_in).
func (o *Org) token(rq *rest.Request, base string) *rest.Response {
	if rq.Method != http.MethodPost {
		return oauthError("invalid_request", "must use HTTP POST")
	}
	form, err := url.ParseQuery(string(rq.Body))
	if err != nil {
		return oauthError("invalid_request", "missing required parameter")
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
	grant := form.Get("grant_type")
	switch {
	case grant != "client_credentials" && grant != "password" && grant != "refresh_token":
		return oauthError("unsupported_grant_type", "grant type not supported")
	case form.Get("client_id") == "":
		return oauthError("invalid_request", "missing required parameter: client_id")
	case !same(form.Get("client_id"), o.ident.ClientID):
		return oauthError("invalid_client_id", "client identifier invalid")
	case grant == "refresh_token" && form.Get("client_secret") == "":
	case !same(form.Get("client_secret"), o.ident.ClientSecret):
		return oauthError("invalid_client", "invalid client credentials")
	}
	switch grant {
	case "client_credentials":
	case "password":
		given := form.Get("password")
		known := same(given, o.ident.Password+o.ident.SecurityToken) || same(given, o.ident.Password) // loopback is a trusted address
		if !strings.EqualFold(form.Get("username"), o.ident.Username) || !known {
			return oauthError("invalid_grant", "authentication failure")
		}
	case "refresh_token":
		if !same(form.Get("refresh_token"), o.ident.RefreshToken) {
			return oauthError("invalid_grant", "expired access/refresh token")
		}
	}
	return o.grant(base, grant)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

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

func oauthError(code, description string) *rest.Response {
	res := rest.OK(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
	res.Status = http.StatusBadRequest
	return res
}

// grant opens a session.
func (o *Org) grant(base, grant string) *rest.Response {
	o.mu.Lock()
	text, err := o.secret(64)
	if err != nil {
		o.mu.Unlock()
		return oauthError("server_error", err.Error())
	}
	token := o.ident.OrganizationID[:15] + "!" + text
	for len(o.sessions) >= maxSessions {
		oldest := ""
		for t, used := range o.sessions {
			if oldest == "" || used.Before(o.sessions[oldest]) {
				oldest = t
			}
		}
		delete(o.sessions, oldest)
	}
	o.sessions[token] = o.cfg.Now()
	o.mu.Unlock()

	id := base + "/id/" + o.ident.OrganizationID + "/" + o.ident.UserID
	issued := strconv.FormatInt(o.cfg.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(o.ident.ClientSecret))
	mac.Write([]byte(id + issued))
	answer := struct {
		AccessToken string `json:"access_token"`
		Signature   string `json:"signature"`
		Scope       string `json:"scope,omitempty"`
		InstanceURL string `json:"instance_url"`
		ID          string `json:"id"`
		TokenType   string `json:"token_type"`
		IssuedAt    string `json:"issued_at"`
	}{token, base64.StdEncoding.EncodeToString(mac.Sum(nil)), "api", base, id, "Bearer", issued}
	if grant == "password" {
		answer.Scope = ""
	}
	return rest.OK(answer)
}

// revoke answers /services/oauth2/revoke.
func (o *Org) revoke(rq *rest.Request) *rest.Response {
	form, _ := url.ParseQuery(string(rq.Body))
	t := form.Get("token")
	if t == "" {
		t = rq.Query.Get("token")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.sessions[t]; !known {
		return oauthError("invalid_token", "the token is not valid")
	}
	delete(o.sessions, t)
	return &rest.Response{Status: http.StatusOK}
}

// session checks the request's token and keeps its session alive.
func (o *Org) session(h http.Header) bool {
	token := h.Get("X-Sfdc-Session")
	if scheme, t, found := strings.Cut(h.Get("Authorization"), " "); found &&
		(strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "OAuth")) {
		token = strings.TrimSpace(t)
	}
	if token == "" {
		return false
	}
	now := o.cfg.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	used, known := o.sessions[token]
	if !known {
		return false
	}
	if now.Sub(used) > sessionIdle && token != o.ident.AccessToken {
		delete(o.sessions, token)
		return false
	}
	o.sessions[token] = now
	return true
}

// expireSessions ends all sessions, that of the credentials' own access token too.
func (o *Org) expireSessions() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.sessions)
}

func unauthorized() *rest.Response {
	return rest.Failure(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
}

// identityDoc answers /id/{org}/{user} and userinfo.
func (o *Org) identityDoc(base string, userinfo bool) *rest.Response {
	id := base + "/id/" + o.ident.OrganizationID + "/" + o.ident.UserID
	v := base + "/services/data/v{version}/"
	urls := struct {
		Rest      string `json:"rest"`
		SObjects  string `json:"sobjects"`
		Search    string `json:"search"`
		Query     string `json:"query"`
		Recent    string `json:"recent"`
		CustomDom string `json:"custom_domain"`
	}{v, v + "sobjects/", v + "search/", v + "query/", v + "recent/", base}
	if userinfo {
		return rest.OK(map[string]any{
			"sub": id, "user_id": o.ident.UserID, "organization_id": o.ident.OrganizationID,
			"preferred_username": o.ident.Username, "nickname": "admin", "name": "Local Admin", "given_name": "Local", "family_name": "Admin",
			"email": "admin@local.example", "email_verified": true, "zoneinfo": "GMT", "locale": "en_US", "language": "en_US",
			"active": true, "user_type": "STANDARD", "is_app_installed": true, "urls": urls,
		})
	}
	return rest.OK(map[string]any{
		"id": id, "asserted_user": true, "user_id": o.ident.UserID, "organization_id": o.ident.OrganizationID,
		"username": o.ident.Username, "nick_name": "admin", "display_name": "Local Admin", "email": "admin@local.example",
		"email_verified": true, "first_name": "Local", "last_name": "Admin", "timezone": "GMT", "active": true,
		"user_type": "STANDARD", "language": "en_US", "locale": "en_US", "utcOffset": 0, "urls": urls,
	})
}
