package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

func TestAddUser(t *testing.T) {
	d := newDesk(t)
	login, err := d.AddUser(t.Context(), NewUser{Username: "Ann@Org.Example", FirstName: "Ann", LastName: "Lee"})
	if err != nil {
		t.Fatal(err)
	}
	if login.Password == "" || login.SecurityToken == "" || !strings.HasPrefix(login.UserID, "005"+instance) || len(login.UserID) != 18 {
		t.Fatalf("login: %+v", login)
	}
	form := func(password string) answer {
		return d.login(app("grant_type", "password", "username", "ann@org.example", "password", password))
	}
	for _, password := range []string{login.Password, login.Password + login.SecurityToken} {
		if got := d.enters(form(password).AccessToken); got != login.UserID {
			t.Errorf("logged in as %s", got)
		}
	}
	d.refused(d.ask("POST", "/services/oauth2/token", app("grant_type", "password", "username", "ann@org.example", "password", login.SecurityToken)), "invalid_grant", "authentication failure")
	p, err := d.person(t.Context(), login.UserID)
	if err != nil || p.name != "Ann Lee" || p.email != "Ann@Org.Example" || !p.active || p.username != "Ann@Org.Example" || !strings.HasPrefix(p.profile, "00e") {
		t.Errorf("the record: %+v %v", p, err)
	}

	// The same user name is the same user, whose password and permissions change.
	again, err := d.AddUser(t.Context(), NewUser{Username: "ann@org.example", Password: "other", Permissions: &Permissions{APIEnabled: true}})
	if err != nil || again.UserID != login.UserID || again.SecurityToken != login.SecurityToken {
		t.Fatalf("changed: %+v %v", again, err)
	}
	if u, bad := d.EnterSession(form("other").AccessToken); bad != nil || u.Permissions.ModifyAllData {
		t.Errorf("permissions: %+v", u)
	}
	d.refused(d.ask("POST", "/services/oauth2/token", app("grant_type", "password", "username", "ann@org.example", "password", login.Password)), "invalid_grant", "authentication failure")
	kept, err := d.AddUser(t.Context(), NewUser{Username: "ann@org.example"})
	if err != nil || kept.Password != "" {
		t.Fatalf("kept: %+v %v", kept, err)
	}
	form("other")

	// A user name that changes by the API is what the user logs in with from then on.
	d.change1(login.UserID, "Username", "ann.lee@org.example")
	d.login(app("grant_type", "password", "username", "ann.lee@org.example", "password", "other"))

	// Accounts outlive the process, and no text of the database holds a password.
	d2, err := New(t.Context(), d.cfg)
	if err != nil {
		t.Fatal(err)
	}
	(&desk{Server: d2, t: t}).login(app("grant_type", "password", "username", "ann.lee@org.example", "password", "other"))
	text, err := json.Marshal(d2.state)
	if err != nil || strings.Contains(string(text), "other") || strings.Contains(string(text), login.Password) {
		t.Errorf("kept: %s %v", text, err)
	}

	session := d.login(app("grant_type", "password", "username", "ann.lee@org.example", "password", "other"))
	if err := d.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.enters(session.AccessToken); got != ended {
		t.Errorf("after a reset: %s", got)
	}
	if got := d.enters(d.cfg.Owner.AccessToken); got != d.cfg.Owner.UserID || d.RefreshToken() != "5Aepown" {
		t.Errorf("the org's own credentials after a reset: %s", got)
	}
}

// Client credentials log in the user that the app is set to run as.
func TestRunAs(t *testing.T) {
	d := newDesk(t)
	if err := d.Configure(t.Context(), Settings{RunAs: "robot@org.example"}); err == nil || !strings.Contains(err.Error(), "robot@org.example") {
		t.Errorf("nobody of that name: %v", err)
	}
	robot, err := d.AddUser(t.Context(), NewUser{Username: "robot@org.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Configure(t.Context(), Settings{RunAs: "Robot@org.example"}); err != nil {
		t.Fatal(err)
	}
	if got := d.enters(d.login(app("grant_type", "client_credentials")).AccessToken); got != robot.UserID {
		t.Errorf("logged in as %s, want %s", got, robot.UserID)
	}
	d.deactivate("robot@org.example")
	d.refused(d.ask("POST", "/services/oauth2/token", app("grant_type", "client_credentials")), "invalid_grant", "no client credentials user enabled")
}

// A user who came by the API has no password until one is given.
func TestUserRecordWithoutAccount(t *testing.T) {
	d := newDesk(t)
	id := catalog.MakeID("005", instance, 9)
	err := d.cfg.Store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.Seed(d.cfg.Store.Catalog().Object("User"), id, map[string]any{"Username": "bob@org.example", "LastName": "Bob", "IsActive": int64(1)})
	})
	if err != nil {
		t.Fatal(err)
	}
	d.refused(d.ask("POST", "/services/oauth2/token", app("grant_type", "password", "username", "bob@org.example", "password", "")), "invalid_grant", "authentication failure")
	login, err := d.AddUser(t.Context(), NewUser{Username: "bob@org.example", Password: "pw"})
	if err != nil || login.UserID != id {
		t.Fatalf("%+v %v", login, err)
	}
	d.login(app("grant_type", "password", "username", "bob@org.example", "password", "pw"))
}

func TestAddUserRefuses(t *testing.T) {
	d := newDesk(t)
	object := func(name string) *Permissions {
		return &Permissions{Access: catalog.Access{Objects: map[string]catalog.ObjectAccess{name: {}}}}
	}
	field := func(name string, fa catalog.FieldAccess) *Permissions {
		return &Permissions{Access: catalog.Access{Fields: map[string]catalog.FieldAccess{name: fa}}}
	}
	for _, tt := range []struct {
		n    NewUser
		want string
	}{
		{NewUser{Username: "ann"}, "form of an e-mail address"},
		{NewUser{Username: "@a.b"}, "form of an e-mail address"},
		{NewUser{Username: "a b@c.d"}, "form of an e-mail address"},
		{NewUser{Username: strings.Repeat("a", 80) + "@b.c"}, "form of an e-mail address"},
		{NewUser{Username: "ADMIN@org.example", Password: "x"}, "keeps every permission"},
		{NewUser{Username: "a@b.c", Permissions: object("Leed")}, `no object of that name`},
		{NewUser{Username: "a@b.c", Permissions: object("lead")}, `no object of that name`},
		{NewUser{Username: "a@b.c", Permissions: field("Lead.Foo", catalog.Hidden)}, "no field of that name"},
		{NewUser{Username: "a@b.c", Permissions: field("Title", catalog.Hidden)}, "no field of that name"},
		{NewUser{Username: "a@b.c", Permissions: field("Lead.LastName", catalog.Hidden)}, "everybody sees"},
		{NewUser{Username: "a@b.c", Permissions: field("Lead.CreatedDate", catalog.Hidden)}, "everybody sees"},
		{NewUser{Username: "a@b.c", Permissions: field("Lead.Title", "none")}, `must be "hidden" or "read"`},
	} {
		if _, err := d.AddUser(t.Context(), tt.n); !errors.Is(err, ErrUser) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.n, err)
		}
	}
	if len(d.state.Accounts) > 0 {
		t.Errorf("accounts: %v", d.state.Accounts)
	}
}

func TestAdmin(t *testing.T) {
	d := newDesk(t)
	key, _ := testKeys()
	pemJSON, err := json.Marshal(map[string]string{"pem": string(publicPEM(t, &key.PublicKey))})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		fact, method, path, body string
		status                   int
		want                     string
	}{
		{"a key in JSON", "POST", "/_org/jwt-key", string(pemJSON), 204, ""},
		{"a key as it is", "POST", "/_org/jwt-key", string(publicPEM(t, &key.PublicKey)), 204, ""},
		{"no key", "POST", "/_org/jwt-key", `{"pem":""}`, 400, "INVALID_INPUT"},
		{"a key by GET", "GET", "/_org/jwt-key", "", 405, "METHOD_NOT_ALLOWED"},
		{"a user", "POST", "/_org/users", `{"username":"a@b.c","password":"p","permissions":{"api_enabled":true,"view_all_data":true,"objects":{"Lead":{"read":true}},"fields":{"Lead.Title":"read"}}}`, 201, `"username":"a@b.c","password":"p","security_token":"`},
		{"a misspelt permission", "POST", "/_org/users", `{"username":"a@b.c","permissions":{"api_enable":true}}`, 400, "JSON_PARSER_ERROR"},
		{"an object that is not there", "POST", "/_org/users", `{"username":"a@b.c","permissions":{"objects":{"Leed":{}}}}`, 400, "INVALID_INPUT"},
		{"the settings", "GET", "/_org/app", "", 200, `{"scopes":"api id refresh_token"}`},
		{"other settings", "POST", "/_org/app", `{"rotate_refresh_tokens":true}`, 200, `{"scopes":"api id refresh_token","rotate_refresh_tokens":true}`},
		{"bad settings", "POST", "/_org/app", `{"session_timeout":1}`, 400, "INVALID_INPUT"},
	} {
		rq := &rest.Request{Method: tt.method, Header: http.Header{}, Body: []byte(tt.body)}
		rq.SetPath(tt.path)
		res := d.Server.Admin(t.Context(), rq)
		if res == nil || res.Status != tt.status || !strings.Contains(string(res.Body), tt.want) {
			t.Errorf("%s: %+v %s", tt.fact, res, res.Body)
		}
	}
	u := d.accounts[d.state.Accounts[0].UserID]
	if p := u.Permissions; !p.APIEnabled || !p.ViewAllData || p.ModifyAllData || !p.Objects["Lead"].Read || p.Fields["Lead.Title"] != catalog.ReadOnly {
		t.Errorf("permissions: %+v", p)
	}
	rq := &rest.Request{Method: "POST"}
	rq.SetPath("/_org/reset")
	if res := d.Server.Admin(t.Context(), rq); res != nil {
		t.Errorf("not a resource of logins: %+v", res)
	}
}

// A user who may do everything works on the catalog itself; a view is made once a catalog.
func TestViewIsKept(t *testing.T) {
	d := newDesk(t)
	cat := d.cfg.Store.Catalog()
	if _, err := d.AddUser(t.Context(), NewUser{Username: "a@b.c", Permissions: &Permissions{APIEnabled: true}}); err != nil {
		t.Fatal(err)
	}
	if d.ByID(d.cfg.Owner.UserID).View(cat) != cat {
		t.Error("the owner's view is not the catalog")
	}
	if d.ByID("005000000000000AAA") != nil {
		t.Error("a user who is not there")
	}
	id := d.state.Accounts[0].UserID
	v := d.ByID(id).View(cat)
	if v == cat || v != d.ByID(id).View(cat) || v.Object("Lead") != nil || v.Object("Organization") == nil {
		t.Error("the view of a user without permissions")
	}
	other := catalog.New(nil)
	if d.ByID(id).View(other) == v {
		t.Error("the view of another catalog")
	}
}
