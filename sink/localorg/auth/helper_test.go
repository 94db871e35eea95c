package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

const (
	instance = "abc"
	base     = "http://127.0.0.1:8080"
)

// desk is a server over a database in memory, and a clock that the test sets.
type desk struct {
	*Server
	t   testing.TB
	now time.Time
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return d.now }
	st, err := store.Open(t.Context(), store.Memory, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	own := Owner{
		UserID: catalog.MakeID("005", instance, 0), ProfileID: catalog.MakeID("00e", instance, 0), Username: "admin@org.example",
		Password: "pass-word", SecurityToken: "TOKEN", AccessToken: catalog.MakeID("00D", instance, 7)[:15] + "!own", RefreshToken: "5Aepown",
	}
	st.Identify(instance, own.UserID)
	for _, s := range []*schema.Schema{catalog.System(), schema.Standard()} {
		if _, err := st.Extend(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		return tx.Seed(st.Catalog().Object("User"), own.UserID, map[string]any{
			"Username": own.Username, "FirstName": "Local", "LastName": "Admin", "Alias": "admin", "Email": "admin@org.example",
			"CommunityNickname": "admin", "IsActive": int64(1), "UserType": "Standard", "ProfileId": own.ProfileID,
			"LanguageLocaleKey": "en_US", "LocaleSidKey": "en_US", "TimeZoneSidKey": "Europe/Berlin", "EmailEncodingKey": "UTF-8",
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Server, err = New(t.Context(), Config{
		Store: st, OrganizationID: catalog.MakeID("00D", instance, 7), Instance: instance, ClientID: "app", ClientSecret: "app-secret",
		Owner: own, Now: clock, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ask sends a form, or for GET a query, and returns the answer.
func (d *desk) ask(method, path string, form url.Values, header ...string) *rest.Response {
	d.t.Helper()
	rq := &rest.Request{Method: method, Origin: base, Header: http.Header{}, Query: url.Values{}}
	if method == http.MethodPost {
		rq.Body = []byte(form.Encode())
	} else {
		rq.Query = form
	}
	for i := 0; i+1 < len(header); i += 2 {
		rq.Header.Set(header[i], header[i+1])
	}
	rq.SetPath(path)
	res := d.Serve(context.WithoutCancel(d.t.Context()), rq)
	if res == nil {
		d.t.Fatalf("%s %s: not a resource of the server", method, path)
	}
	return res
}

// pairs returns a form of names and values by turns; a name given twice counts for its last value, "-" takes it
// away.
func pairs(kv ...string) url.Values {
	f := url.Values{}
	for i := 0; i+1 < len(kv); i += 2 {
		f.Set(kv[i], kv[i+1])
		if kv[i+1] == "-" {
			f.Del(kv[i])
		}
	}
	return f
}

// app is a form with the app's credentials.
func app(kv ...string) url.Values {
	return pairs(append([]string{"client_id", "app", "client_secret", "app-secret"}, kv...)...)
}

type answer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
	InstanceURL  string `json:"instance_url"`
	ID           string `json:"id"`
}

// granted reads an answer that must hold a token.
func (d *desk) granted(res *rest.Response) answer {
	d.t.Helper()
	var a answer
	if err := json.Unmarshal(res.Body, &a); err != nil || res.Status != http.StatusOK || a.AccessToken == "" {
		d.t.Fatalf("no token: %d %s", res.Status, res.Body)
	}
	if strings.Contains(string(res.Body), "expires_in") {
		d.t.Errorf("a token answer has no expires_in: %s", res.Body)
	}
	return a
}

func (d *desk) login(form url.Values) answer {
	d.t.Helper()
	return d.granted(d.ask("POST", "/services/oauth2/token", form))
}

// refused checks an OAuth error.
func (d *desk) refused(res *rest.Response, code, description string) {
	d.t.Helper()
	want := `{"error":"` + code + `","error_description":"` + description + `"}`
	if res.Status != http.StatusBadRequest || string(res.Body) != want {
		d.t.Errorf("got %d %s, want %s", res.Status, res.Body, want)
	}
}

// enters reports whether a token opens the REST API, and the message if it does not.
func (d *desk) enters(token string) string {
	d.t.Helper()
	u, bad := d.Enter(http.Header{"Authorization": {"Bearer " + token}})
	if bad == nil {
		return u.ID
	}
	var list []struct{ Message, ErrorCode string }
	if err := json.Unmarshal(bad.Body, &list); err != nil || bad.Status != http.StatusUnauthorized || list[0].ErrorCode != "INVALID_SESSION_ID" {
		d.t.Errorf("refusal: %d %s", bad.Status, bad.Body)
	}
	return list[0].Message
}

const ended = "Session expired or invalid"

// change1 sets a field of a User record.
func (d *desk) change1(id, field string, v any) {
	d.t.Helper()
	rec := catalog.NewRecord(d.cfg.Store.Catalog().Object("User"), map[string]any{field: v})
	rec.ID, rec.HasID = id, true
	err := d.cfg.Store.Update(d.t.Context(), func(tx *store.Tx) error {
		res, err := tx.Write(&store.Change{Op: store.Update, Records: []*catalog.Record{rec}})
		if err == nil && res[0].Err != nil {
			err = res[0].Err
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// byCode logs in on the page and redeems the code; change adds to what the app asks for, or takes away.
func (d *desk) byCode(change url.Values) answer {
	d.t.Helper()
	return d.login(d.redeem(d.code(change)))
}

const (
	callback = "http://localhost:1717/OauthRedirect"
	verifier = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
)

// inquiryForm is what an app asks the authorize resource for.
func inquiryForm(change url.Values) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	f := pairs("response_type", "code", "client_id", "app", "redirect_uri", callback, "state", "s 1&2",
		"code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256")
	for k, v := range change {
		f[k] = v
		if v[0] == "" {
			f.Del(k)
		}
	}
	return f
}

// code logs the owner in on the page and returns the code that the redirect has.
func (d *desk) code(change url.Values) string {
	d.t.Helper()
	f := inquiryForm(change)
	f.Set("username", "admin@org.example")
	f.Set("password", "pass-word")
	to := d.redirected(d.ask("POST", "/services/oauth2/authorize", f))
	if to.Get("state") != "s 1&2" || to.Get("code") == "" {
		d.t.Fatalf("redirect: %v", to)
	}
	return to.Get("code")
}

// redirected returns the parameters of a redirect to the callback.
func (d *desk) redirected(res *rest.Response) url.Values {
	d.t.Helper()
	u, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.Status != http.StatusFound || !strings.HasPrefix(u.String(), callback+"?") {
		d.t.Fatalf("no redirect: %d %s %s", res.Status, res.Header.Get("Location"), res.Body)
	}
	return u.Query()
}

// redeem is the form that exchanges a code for tokens.
func (d *desk) redeem(code string) url.Values {
	return pairs("grant_type", "authorization_code", "client_id", "app", "redirect_uri", callback, "code", code, "code_verifier", verifier)
}
