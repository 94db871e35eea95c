package auth

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The error bodies of the token endpoint.
func TestTokenRefusals(t *testing.T) {
	d := newDesk(t)
	if _, err := d.AddUser(t.Context(), NewUser{Username: "idle@org.example", Password: "pw"}); err != nil {
		t.Fatal(err)
	}
	d.deactivate("idle@org.example")
	for _, tt := range []struct {
		fact              string
		form              url.Values
		code, description string
	}{
		{"no flow", app(), "unsupported_grant_type", "grant type not supported"},
		{"an unknown flow", app("grant_type", "device"), "unsupported_grant_type", "grant type not supported"},
		{"no app", app("grant_type", "client_credentials", "client_id", "-"), "invalid_request", "missing required parameter: client_id"},
		{"another app", app("grant_type", "client_credentials", "client_id", "x"), "invalid_client_id", "client identifier invalid"},
		{"a wrong secret", app("grant_type", "client_credentials", "client_secret", "x"), "invalid_client", "invalid client credentials"},
		{"no secret", app("grant_type", "client_credentials", "client_secret", "-"), "invalid_client", "invalid client credentials"},
		{"no secret for a password", app("grant_type", "password", "client_secret", "-", "username", "admin@org.example", "password", "pass-word"), "invalid_client", "invalid client credentials"},
		{"a wrong password", app("grant_type", "password", "username", "admin@org.example", "password", "x"), "invalid_grant", "authentication failure"},
		{"the token alone", app("grant_type", "password", "username", "admin@org.example", "password", "TOKEN"), "invalid_grant", "authentication failure"},
		{"no user", app("grant_type", "password"), "invalid_grant", "authentication failure"},
		{"another user", app("grant_type", "password", "username", "x@y.z", "password", "pass-word"), "invalid_grant", "authentication failure"},
		{"an inactive user", app("grant_type", "password", "username", "idle@org.example", "password", "pw"), "invalid_grant", "inactive user"},
		{"a dead refresh token", app("grant_type", "refresh_token", "refresh_token", "x"), "invalid_grant", "expired access/refresh token"},
		{"no refresh token", app("grant_type", "refresh_token"), "invalid_request", "missing required parameter: refresh_token"},
		{"a wrong secret where none is needed", app("grant_type", "refresh_token", "refresh_token", "5Aepown", "client_secret", "x"), "invalid_client", "invalid client credentials"},
		{"no code", app("grant_type", "authorization_code"), "invalid_request", "missing required parameter: code"},
		{"an unknown code", app("grant_type", "authorization_code", "code", "x"), "invalid_grant", "invalid authorization code"},
		{"no assertion", app("grant_type", grantJWT), "invalid_request", "missing required parameter: assertion"},
	} {
		t.Run(tt.fact, func(t *testing.T) {
			d := &desk{Server: d.Server, t: t}
			d.refused(d.ask("POST", "/services/oauth2/token", tt.form), tt.code, tt.description)
		})
	}
	d.refused(d.ask("GET", "/services/oauth2/token", app("grant_type", "client_credentials")), "invalid_request", "must use HTTP POST")
}

func (d *desk) deactivate(username string) {
	d.t.Helper()
	id, err := d.find(d.t.Context(), username)
	if err != nil || id == "" {
		d.t.Fatalf("%s: %q %v", username, id, err)
	}
	d.change1(id, "IsActive", int64(0))
}

func TestTokenFlows(t *testing.T) {
	d := newDesk(t)
	own := d.cfg.Owner.UserID
	for _, tt := range []struct {
		fact   string
		form   url.Values
		scope  string
		header []string
	}{
		{"client credentials", app("grant_type", "client_credentials"), "api id", nil},
		{
			"client credentials by HTTP Basic", pairs("grant_type", "client_credentials"), "api id",
			[]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("app:app-secret"))},
		},
		{"password and security token", app("grant_type", "password", "username", "Admin@Org.Example", "password", "pass-wordTOKEN"), "", nil},
		{"password alone, from a trusted address", app("grant_type", "password", "username", "admin@org.example", "password", "pass-word"), "", nil},
		{"refresh token", app("grant_type", "refresh_token", "refresh_token", "5Aepown"), "api id refresh_token", nil},
		{"refresh token without secret", app("grant_type", "refresh_token", "refresh_token", "5Aepown", "client_secret", "-"), "api id refresh_token", nil},
		{"parameters of other flows are ignored", app("grant_type", "client_credentials", "code_verifier", "v", "redirect_uri", "http://localhost/x"), "api id", nil},
	} {
		t.Run(tt.fact, func(t *testing.T) {
			d := &desk{Server: d.Server, t: t}
			a := d.granted(d.ask("POST", "/services/oauth2/token", tt.form, tt.header...))
			if a.Scope != tt.scope || a.InstanceURL != base || a.ID != base+"/id/"+d.cfg.OrganizationID+"/"+own || a.RefreshToken != "" ||
				!strings.HasPrefix(a.AccessToken, d.cfg.OrganizationID[:15]+"!") {
				t.Errorf("answer: %+v", a)
			}
			if got := d.enters(a.AccessToken); got != own {
				t.Errorf("the token's session: %s", got)
			}
		})
	}
}

func TestRotation(t *testing.T) {
	d := newDesk(t)
	if err := d.Configure(t.Context(), Settings{RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	first := d.login(app("grant_type", "refresh_token", "refresh_token", "5Aepown"))
	if first.RefreshToken == "" || first.RefreshToken == "5Aepown" || d.RefreshToken() != first.RefreshToken {
		t.Fatalf("rotated to %q, the org's own is %q", first.RefreshToken, d.RefreshToken())
	}
	d.refused(d.ask("POST", "/services/oauth2/token", app("grant_type", "refresh_token", "refresh_token", "5Aepown")), "invalid_grant", "expired access/refresh token")
	second := d.login(app("grant_type", "refresh_token", "refresh_token", first.RefreshToken))

	// What was rotated outlives the process.
	again, err := New(t.Context(), d.cfg)
	if err != nil {
		t.Fatal(err)
	}
	d2 := &desk{Server: again, t: t}
	if !again.Settings().RotateRefreshTokens || again.RefreshToken() != second.RefreshToken {
		t.Errorf("after a restart: %+v, %q", again.Settings(), again.RefreshToken())
	}
	d2.refused(d2.ask("POST", "/services/oauth2/token", app("grant_type", "refresh_token", "refresh_token", first.RefreshToken)), "invalid_grant", "expired access/refresh token")

	// Revoking the refresh token ends the sessions that it opened before and after the rotation.
	if res := d.ask("POST", "/services/oauth2/revoke", pairs("token", second.RefreshToken)); res.Status != 200 || len(res.Body) != 0 {
		t.Errorf("revoke: %d %s", res.Status, res.Body)
	}
	for i, a := range []answer{first, second} {
		if got := d.enters(a.AccessToken); got != ended {
			t.Errorf("session %d after revoking: %s", i, got)
		}
	}
}

// A request that had found a refresh token before it was revoked opens no session any more.
func TestRevokedMeanwhile(t *testing.T) {
	d := newDesk(t)
	in := issue{user: d.cfg.Owner.UserID, scope: defaultScopes, grant: "5Aepown"}
	before := d.granted(d.Server.issue(base, in))
	if res := d.ask("POST", "/services/oauth2/revoke", pairs("token", "5Aepown")); res.Status != 200 {
		t.Fatalf("revoke: %d %s", res.Status, res.Body)
	}
	d.refused(d.Server.issue(base, in), "invalid_grant", "expired access/refresh token")
	if got := d.enters(before.AccessToken); got != ended {
		t.Errorf("the session from before: %s", got)
	}
}

func TestSessionEnds(t *testing.T) {
	d := newDesk(t)
	client := app("grant_type", "client_credentials")
	a := d.login(client)
	for range 3 { // use keeps it alive
		d.now = d.now.Add(119 * time.Minute)
		if got := d.enters(a.AccessToken); got != d.cfg.Owner.UserID {
			t.Fatal(got)
		}
	}
	d.now = d.now.Add(121 * time.Minute)
	if got := d.enters(a.AccessToken); got != ended {
		t.Errorf("idle for 2 h: %s", got)
	}
	if got := d.enters(d.cfg.Owner.AccessToken); got != d.cfg.Owner.UserID {
		t.Errorf("the org's own token goes on: %s", got)
	}
	if err := d.Configure(t.Context(), Settings{SessionTimeout: 900}); err != nil {
		t.Fatal(err)
	}
	a = d.login(client)
	d.now = d.now.Add(16 * time.Minute)
	if got := d.enters(a.AccessToken); got != ended {
		t.Errorf("idle for longer than the org allows: %s", got)
	}
	a = d.login(client)
	if res := d.ask("GET", "/services/oauth2/revoke", pairs("token", a.AccessToken)); res.Status != 200 {
		t.Errorf("revoke: %d %s", res.Status, res.Body)
	}
	if got := d.enters(a.AccessToken); got != ended {
		t.Errorf("revoked: %s", got)
	}
	for _, form := range []url.Values{pairs("token", a.AccessToken), pairs()} {
		res := d.ask("POST", "/services/oauth2/revoke", form)
		if body, err := url.ParseQuery(string(res.Body)); err != nil || res.Status != 400 || body.Get("error") != "invalid_token" || body.Get("error_description") == "" {
			t.Errorf("a token that is none: %d %s", res.Status, res.Body)
		}
	}
	a = d.login(client)
	d.Expire()
	for _, token := range []string{a.AccessToken, d.cfg.Owner.AccessToken, "", "nonsense"} {
		if got := d.enters(token); got != ended {
			t.Errorf("%q: %s", token, got)
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	d := newDesk(t)
	first := d.login(app("grant_type", "client_credentials"))
	d.now = d.now.Add(time.Second)
	for range maxSessions - 1 {
		d.login(app("grant_type", "client_credentials"))
	}
	if got := d.enters(first.AccessToken); len(d.sessions) != maxSessions || got != ended && got != d.cfg.Owner.UserID {
		t.Errorf("%d sessions, the first: %s", len(d.sessions), got)
	}
	d.login(app("grant_type", "client_credentials"))
	if len(d.sessions) != maxSessions {
		t.Errorf("%d sessions, at most %d wanted", len(d.sessions), maxSessions)
	}
}

func TestScopes(t *testing.T) {
	d := newDesk(t)
	if err := d.Configure(t.Context(), Settings{Scopes: "id  web"}); err != nil {
		t.Fatal(err)
	}
	a := d.login(app("grant_type", "client_credentials"))
	if got := d.enters(a.AccessToken); a.Scope != "id web" || got != "This session is not valid for use with the REST API" {
		t.Errorf("an app without the scope api: scope %q, %s", a.Scope, got)
	}
	if res := d.ask("GET", "/services/oauth2/userinfo", nil, "Authorization", "Bearer "+a.AccessToken); res.Status != 200 {
		t.Errorf("userinfo without the scope api: %d %s", res.Status, res.Body)
	}
	for _, s := range []struct {
		list, scope string
		want        bool
	}{
		{"api id", "api", true},
		{"id", "api", false},
		{"full", "api", true},
		{"full", "refresh_token", false},
		{"offline_access", "refresh_token", true},
		{"", "api", false},
	} {
		if got := hasScope(s.list, s.scope); got != s.want {
			t.Errorf("hasScope(%q, %q) = %t", s.list, s.scope, got)
		}
	}
}

func TestSettingsRefused(t *testing.T) {
	d := newDesk(t)
	for _, s := range []Settings{
		{SessionTimeout: 899},
		{SessionTimeout: 86401},
		{SessionTimeout: -1},
		{Callbacks: []string{"http://example.com/cb"}},
		{Callbacks: []string{"cb"}},
		{Callbacks: []string{"https://example.com/cb#x"}},
	} {
		if err := d.Configure(t.Context(), s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
	if got := d.Settings(); got.Scopes != defaultScopes || got.SessionTimeout != 0 || len(got.Callbacks) > 0 {
		t.Errorf("settings changed to %+v", got)
	}
}

func TestIntrospect(t *testing.T) {
	d := newDesk(t)
	a := d.login(app("grant_type", "client_credentials"))
	id := base + "/id/" + d.cfg.OrganizationID + "/" + d.cfg.Owner.UserID
	for _, tt := range []struct{ fact, token, want string }{
		{"a token that is none", "x", `{"active":false}`},
		{"an access token", a.AccessToken, `{"active":true,"scope":"api id","client_id":"app","username":"admin@org.example","sub":"` + id + `","token_type":"access_token","exp":1795262400,"iat":1795255200,"nbf":1795255200}`},
		{"a refresh token", "5Aepown", `{"active":true,"scope":"api id refresh_token","client_id":"app","username":"admin@org.example","sub":"` + id + `","token_type":"refresh_token","iat":1795255200,"nbf":1795255200}`},
	} {
		if res := d.ask("POST", "/services/oauth2/introspect", app("token", tt.token)); res.Status != 200 || string(res.Body) != tt.want {
			t.Errorf("%s: %d %s, want %s", tt.fact, res.Status, res.Body, tt.want)
		}
	}
	d.refused(d.ask("POST", "/services/oauth2/introspect", app("token", "x", "client_secret", "-")), "invalid_client", "invalid client credentials")
	d.refused(d.ask("POST", "/services/oauth2/introspect", app()), "invalid_request", "missing required parameter: token")
}

func TestIdentity(t *testing.T) {
	d := newDesk(t)
	own, org, token := d.cfg.Owner.UserID, d.cfg.OrganizationID, d.cfg.Owner.AccessToken
	auth := []string{"Authorization", "Bearer " + token}
	res := d.ask("GET", "/id/"+org+"/"+own, nil, auth...)
	for _, want := range []string{
		`{"id":"` + base + `/id/` + org + `/` + own + `","asserted_user":true`, `"username":"admin@org.example"`, `"display_name":"Local Admin"`, `"first_name":"Local"`,
		`"rest":"` + base + `/services/data/v{version}/"`, `"user_type":"STANDARD"`, `"timezone":"Europe/Berlin"`, `"utcOffset":3600000`,
		`"partner":"` + base + `/services/Soap/u/{version}/` + org[:15] + `"`,
	} {
		if res.Status != 200 || !strings.Contains(string(res.Body), want) {
			t.Errorf("identity: %d %s\nwithout %s", res.Status, res.Body, want)
		}
	}
	if res := d.ask("GET", "/id/"+org[:15]+"/"+own[:15], pairs("version", "latest"), auth...); res.Status != 200 || !strings.Contains(string(res.Body), "/services/data/v68.0/query/") {
		t.Errorf("identity by ids of 15 characters: %d %s", res.Status, res.Body)
	}
	for _, tt := range []struct {
		fact, path string
		header     []string
		status     int
		want       string
	}{
		{"no token", "/id/" + org + "/" + own, nil, http.StatusForbidden, "Missing_OAuth_Token"},
		{"a bad token", "/id/" + org + "/" + own, []string{"Authorization", "Bearer x"}, http.StatusForbidden, "Bad_OAuth_Token"},
		{"another org", "/id/00D000000000000AAA/" + own, auth, http.StatusForbidden, "Wrong_Org"},
		{"another user", "/id/" + org + "/005000000000000AAA", auth, http.StatusNotFound, "Bad_Id"},
		{"userinfo without a token", "/services/oauth2/userinfo", nil, http.StatusForbidden, "Missing_OAuth_Token"},
		{"userinfo with a bad token", "/services/oauth2/userinfo", []string{"Authorization", "Bearer x"}, http.StatusForbidden, "Bad_OAuth_Token"},
	} {
		if res := d.ask("GET", tt.path, nil, tt.header...); res.Status != tt.status || string(res.Body) != tt.want || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s", tt.fact, res.Status, res.Body)
		}
	}
	for _, res := range []string{
		string(d.ask("GET", "/services/oauth2/userinfo", nil, auth...).Body),
		string(d.ask("POST", "/services/oauth2/userinfo", pairs("access_token", token)).Body),
	} {
		for _, want := range []string{`"sub":"` + base + `/id/`, `"preferred_username":"admin@org.example"`, `"organization_id":"` + org + `"`, `"zoneinfo":"Europe/Berlin"`} {
			if !strings.Contains(res, want) {
				t.Errorf("userinfo: %s\nwithout %s", res, want)
			}
		}
	}
}

// No more than five grants live for a user: the oldest goes, that of the org's own credentials stays.
func TestGrantsAreBounded(t *testing.T) {
	d := newDesk(t)
	var tokens []string
	for range maxGrants + 1 {
		tokens = append(tokens, d.byCode(pairs()).RefreshToken)
		d.now = d.now.Add(time.Second)
	}
	live := func(token string) bool {
		return d.ask("POST", "/services/oauth2/token", app("grant_type", "refresh_token", "refresh_token", token)).Status == 200
	}
	var got []bool
	for _, token := range append(tokens, "5Aepown") {
		got = append(got, live(token))
	}
	if want := []bool{false, true, true, true, true, true, true}; !slices.Equal(got, want) {
		t.Errorf("live grants: %v, want %v", got, want)
	}
}

// Of several uses of one rotating refresh token at the same moment one succeeds; logins, changes of users and
// sessions go on beside it.
func TestParallel(t *testing.T) {
	d := newDesk(t)
	if err := d.Configure(t.Context(), Settings{RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if d.ask("POST", "/services/oauth2/token", app("grant_type", "refresh_token", "refresh_token", "5Aepown")).Status == http.StatusOK {
				won.Add(1)
			}
			name := fmt.Sprintf("u%d@org.example", i%4)
			if _, err := d.AddUser(t.Context(), NewUser{Username: name, Password: "pw"}); err != nil {
				t.Error(err)
			}
			res := d.ask("POST", "/services/oauth2/token", app("grant_type", "password", "username", name, "password", "pw"))
			var a answer
			if err := json.Unmarshal(res.Body, &a); err != nil || res.Status != http.StatusOK {
				t.Errorf("%s: %d %s", name, res.Status, res.Body)
				return
			}
			u, bad := d.EnterSession(a.AccessToken)
			if bad != nil {
				t.Errorf("%s: %s", name, bad.Body)
				return
			}
			if u.View(d.cfg.Store.Catalog()).Object("Lead") == nil {
				t.Error("the view of a user who may do everything lacks Lead")
			}
			d.ask("POST", "/services/oauth2/revoke", pairs("token", a.AccessToken))
		})
	}
	wg.Wait()
	if won.Load() != 1 || len(d.state.Accounts) != 4 {
		t.Errorf("%d uses of the refresh token succeeded, want 1; %d users, want 4", won.Load(), len(d.state.Accounts))
	}
}

// BenchmarkEnter is what each request pays to be let in, with its view of the catalog.
func BenchmarkEnter(b *testing.B) {
	d := newDesk(b)
	if _, err := d.AddUser(b.Context(), NewUser{Username: "a@b.c", Password: "pw", Permissions: &Permissions{APIEnabled: true}}); err != nil {
		b.Fatal(err)
	}
	h := http.Header{"Authorization": {"Bearer " + d.login(app("grant_type", "password", "username", "a@b.c", "password", "pw")).AccessToken}}
	cat := d.cfg.Store.Catalog()
	for b.Loop() {
		u, bad := d.Enter(h)
		if bad != nil || u.View(cat) == cat {
			b.Fatal("not let in as a user with few permissions")
		}
	}
}
