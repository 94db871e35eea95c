package localorg_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

const form = "\nContent-Type: application/x-www-form-urlencoded\nAuthorization: -"

// §1 Authentication.
func TestConformance01Auth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	for k, v := range w.vars {
		w.vars["q_"+k] = url.QueryEscape(v)
	}
	w.vars["basic"] = base64.StdEncoding.EncodeToString([]byte(w.vars["client_id"] + ":" + w.vars["client_secret"]))
	const app = "client_id=$q_client_id&client_secret=$q_client_secret"
	const granted = `"instance_url":"$url","id":"$url/id/$org/<id:user>","token_type":"Bearer","issued_at":"<n>"`
	w.check(t, []fact{
		{
			"§1.3 client credentials: a token, no expires_in, issued_at in ms as text", "POST /services/oauth2/token" + form, "grant_type=client_credentials&" + app,
			`200 {"access_token":"<text:fresh>","signature":"…=",…` + granted + `}`,
		},
		{"§1.4 client credentials by HTTP Basic", "POST /services/oauth2/token\nContent-Type: application/x-www-form-urlencoded\nAuthorization: Basic $basic", "grant_type=client_credentials", `200 {"access_token":"…`},
		{"§1.4 user name and password with the security token behind it", "POST /services/oauth2/token" + form, "grant_type=password&username=$q_username&password=$q_password$q_security_token&" + app, `200 {"access_token":"…` + granted + `…}`},
		{"§1.4 the security token is not needed from a trusted address", "POST /services/oauth2/token" + form, "grant_type=password&username=$q_username&password=$q_password&" + app, `200 {"access_token":"…`},
		{"§1.5 a wrong password", "POST /services/oauth2/token" + form, "grant_type=password&username=$q_username&password=x&" + app, `400 {"error":"invalid_grant","error_description":"authentication failure"}`},
		{"§1.5 a wrong consumer key", "POST /services/oauth2/token" + form, "grant_type=client_credentials&client_id=x&client_secret=x", `400 {"error":"invalid_client_id","error_description":"client identifier invalid"}`},
		{"§1.5 a wrong secret", "POST /services/oauth2/token" + form, "grant_type=client_credentials&client_id=$q_client_id&client_secret=x", `400 {"error":"invalid_client","error_description":"invalid client credentials"}`},
		{"§1.5 an unknown flow", "POST /services/oauth2/token" + form, "grant_type=magic&" + app, `400 {"error":"unsupported_grant_type","error_description":"grant type not supported"}`},
		{"§1.4 refresh", "POST /services/oauth2/token" + form, "grant_type=refresh_token&refresh_token=$q_refresh_token&" + app, `200 {"access_token":"<text:refreshed>",…` + granted + `…}`},
		{"§1.5 a dead refresh token", "POST /services/oauth2/token" + form, "grant_type=refresh_token&refresh_token=x&" + app, `400 {"error":"invalid_grant","error_description":"expired access/refresh token"}`},
		{"§1.4 a token opens the API", "GET /limits\nAuthorization: Bearer $refreshed", "", `200 {"…`},
		{"§9 OAuth instead of Bearer", "GET /limits\nAuthorization: OAuth $refreshed", "", `200 {"…`},
		{"App. B the session by X-SFDC-Session", "GET /limits\nAuthorization: -\nX-SFDC-Session: $refreshed", "", `200 {"…`},
		{"§1.2 userinfo", "GET /services/oauth2/userinfo", "", `200 {…"organization_id":"$org"…}`},
		{"§1.2 userinfo by POST", "POST /services/oauth2/userinfo", "", `200 {…"preferred_username":"$username"…}`},
		{"§1.2 identity, with {version} in its urls", "GET /id/$org/$user", "", `200 {…"organization_id":"$org"…"query":"$url/services/data/v{version}/query/"…}`},
		{"§1.2 introspect", "POST /services/oauth2/introspect" + form, "token=$refreshed&" + app, `200 {"active":true,…}`},
		{"§1.2 revoke: 200 without a body", "POST /services/oauth2/revoke" + form, "token=$refreshed", `200 -`},
		{"§1.6 a revoked session", "GET /limits\nAuthorization: Bearer $refreshed", "", `401 [{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`},
		{"§1.6 no session at all", "GET /sobjects\nAuthorization: -", "", `401 [{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`},
		{
			"§1.8 SOAP login up to 64.0", "POST /services/Soap/u/64.0\nContent-Type: text/xml\nSOAPAction: login\nAuthorization: -", soapLogin("$username", "$password$security_token"),
			`200 …<serverUrl>$url/services/Soap/u/64.0/…</serverUrl>…<sessionId>…</sessionId>…<userId>$user</userId>…<organizationId>$org</organizationId>…`,
		},
		{
			"§1.8 SOAP login with a wrong password", "POST /services/Soap/u/64.0\nContent-Type: text/xml\nSOAPAction: login\nAuthorization: -", soapLogin("$username", "x"),
			`500 …<faultcode>…INVALID_LOGIN</faultcode><faultstring>INVALID_LOGIN: …<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>…`,
		},
		{"§1.8 no SOAP login from 65.0", "POST /services/Soap/u/65.0\nContent-Type: text/xml\nSOAPAction: login\nAuthorization: -", soapLogin("$username", "$password"), `500 …UNSUPPORTED…`},
		{"§2 the versions need no session", "GET /services/data\nAuthorization: -", "", `200 [{"label":"Spring '19","url":"/services/data/v45.0","version":"45.0"},…{"label":"Winter '27","url":"/services/data/v68.0","version":"68.0"}]`},
		{"§8 the versions do not count", "GET /services/data", "", "200\nSforce-Limit-Info: -\n\n…"},
		{"§2 the resources of a version", "GET /services/data/v66.0", "", `200 {…"sobjects":"/services/data/v66.0/sobjects"…}`},
		{"§2 a retired version", "GET /services/data/v20.0/sobjects", "", `410 [{…"errorCode":"UNSUPPORTED_API_VERSION"…}]`},
		{"§2 an unknown version", "GET /services/data/v99.0/sobjects", "", `404 [{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`},
	})
}

func soapLogin(user, password string) string {
	return `<?xml version="1.0" encoding="utf-8"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>` +
		`<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>` + user + `</n1:username><n1:password>` + password + `</n1:password></n1:login></env:Body></env:Envelope>`
}

// §1.4 JWT bearer.
func TestConformance01JWT(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	upload, err := json.Marshal(map[string]string{"pem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))})
	if err != nil {
		t.Fatal(err)
	}
	if status, body, _ := w.call(t, "POST /_org/jwt-key", string(upload)); status >= 300 {
		t.Fatalf("%d %s", status, body)
	}
	soon := time.Now().Add(2 * time.Minute).Unix()
	const login = "https://login.salesforce.com"
	bearer := func(by *rsa.PrivateKey, iss, sub, aud string, exp any) string {
		claims, err := json.Marshal(map[string]any{"iss": iss, "sub": sub, "aud": aud, "exp": exp})
		if err != nil {
			t.Fatal(err)
		}
		text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
		sum := sha256.Sum256([]byte(text))
		sig, err := rsa.SignPKCS1v15(rand.Reader, by, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + text + "." + base64.RawURLEncoding.EncodeToString(sig)
	}
	id, user := w.vars["client_id"], w.vars["username"]
	const call = "POST /services/oauth2/token" + form
	w.check(t, []fact{
		{"§1.4 signed with the uploaded key", call, bearer(key, id, user, login, soon), `200 {"access_token":"…`},
		{"§1.4 no refresh token", call, bearer(key, id, user, login, soon), `200 {"access_token":…"scope":"…","instance_url":…}`},
		{"§1.4 the sandbox audience", call, bearer(key, id, user, "https://test.salesforce.com", soon), `200 {"access_token":"…`},
		{"§1.4 the host itself as audience", call, bearer(key, id, user, w.url, soon), `200 {"access_token":"…`},
		{"§1.4 exp as text, five minutes away, as two widely used clients send it", call, bearer(key, id, user, login, fmt.Sprint(time.Now().Add(299*time.Second).Unix())), `200 {"access_token":"…`},
		{"§1.5 another audience", call, bearer(key, id, user, "https://example.com", soon), `400 {"error":"invalid_grant","error_description":"audience is invalid"}`},
		{"§1.5 another key", call, bearer(other, id, user, login, soon), `400 {"error":"invalid_grant","error_description":"invalid assertion"}`},
		{"§1.5 expired", call, bearer(key, id, user, login, soon-3600), `400 {"error":"invalid_grant","error_description":"…`},
		{"§1.5 another user", call, bearer(key, id, "nobody@example.com", login, soon), `400 {"error":"invalid_grant","error_description":"user hasn't approved this consumer"}`},
		{"§1.5 another app", call, bearer(key, "x", user, login, soon), `400 {"error":"invalid_client_id","error_description":"client identifier invalid"}`},
		{"§1.5 no JWT at all", call, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=x", `400 {"error":"invalid_grant","error_description":"invalid assertion"}`},
	})
}

// §1.4 web server flow: what a browser and an app do one after the other.
func TestConformance01WebServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	const back = "http://localhost:1717/OauthRedirect"
	verifier := strings.Repeat("v", 64)
	sum := sha256.Sum256([]byte(verifier))
	ask := url.Values{
		"response_type": {"code"}, "client_id": {w.vars["client_id"]}, "redirect_uri": {back}, "scope": {"api refresh_token"}, "state": {"s 1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	// code logs in on the page and returns the code of the redirect.
	code := func() string {
		t.Helper()
		status, page, _ := w.call(t, "GET /services/oauth2/authorize?"+ask.Encode()+"\nAuthorization: -", "")
		if status != 200 || !strings.Contains(page, "<form") {
			t.Fatalf("%d %s", status, page)
		}
		typed := url.Values{}
		for k, v := range ask {
			typed[k] = v
		}
		typed.Set("username", w.vars["username"])
		typed.Set("password", w.vars["password"])
		status, body, header := w.call(t, "POST /services/oauth2/authorize"+form, typed.Encode())
		to, err := url.Parse(header.Get("Location"))
		if err != nil || status/100 != 3 || to.Query().Get("state") != "s 1" || !strings.HasPrefix(to.String(), back+"?") {
			t.Fatalf("%d %s %s", status, header.Get("Location"), body)
		}
		return to.Query().Get("code")
	}
	redeem := func(code, verifier, to string) string {
		return url.Values{
			"grant_type": {"authorization_code"}, "client_id": {w.vars["client_id"]}, "client_secret": {w.vars["client_secret"]},
			"redirect_uri": {to}, "code": {code}, "code_verifier": {verifier},
		}.Encode()
	}
	first := code()
	const call = "POST /services/oauth2/token" + form
	w.check(t, []fact{
		{"§1.4 a code and its verifier: with a refresh token", call, redeem(first, verifier, back), `200 {"access_token":"…"refresh_token":"…`},
		{"§1.5 a code is good once", call, redeem(first, verifier, back), `400 {"error":"invalid_grant","error_description":"expired authorization code"}`},
		{"§1.5 an unknown code", call, redeem("x", verifier, back), `400 {"error":"invalid_grant","error_description":"invalid authorization code"}`},
		{"§1.5 another verifier is invalid_request", call, redeem(code(), "other", back), `400 {"error":"invalid_request",…}`},
		{"§1.5 no verifier is invalid_grant", call, redeem(code(), "", back), `400 {"error":"invalid_grant",…}`},
		{"§1.5 another callback", call, redeem(code(), verifier, back+"/"), `400 {"error":"redirect_uri_mismatch","error_description":"redirect_uri must match configuration"}`},
	})
}
