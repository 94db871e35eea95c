package auth

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sfsync/sink/localorg/envelope"
)

// soapLogin calls login() and returns status and body.
func (d *desk) soapLogin(api envelope.API, version int, username, password string) (int, string) {
	d.t.Helper()
	c, err := envelope.Read([]byte(`<E:Envelope xmlns:E="x"><E:Body><login><username>` + envelope.Escape(username) + `</username><password>` + envelope.Escape(password) + `</password></login></E:Body></E:Envelope>`))
	if err != nil {
		d.t.Fatal(err)
	}
	c.API = api
	res := d.Login(d.t.Context(), c, version, 100, base)
	return res.Status, string(res.Body)
}

func TestSOAPLogin(t *testing.T) {
	d := newDesk(t)
	for _, u := range []NewUser{
		{Username: "idle@org.example", Password: "pw"},
		{Username: "noapi@org.example", Password: "pw", Permissions: &Permissions{}},
	} {
		if _, err := d.AddUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	d.deactivate("idle@org.example")
	for _, tt := range []struct {
		fact               string
		version            int
		username, password string
		status             int
		want               string
	}{
		{"with the security token", 64, "admin@org.example", "pass-wordTOKEN", 200, "<loginResponse><result><metadataServerUrl>" + base + "/services/Soap/m/64.0/" + d.cfg.OrganizationID[:15] + "</metadataServerUrl>"},
		{"without, from a trusted address", 45, "ADMIN@org.example", "pass-word", 200, "<serverUrl>" + base + "/services/Soap/u/45.0/" + d.cfg.OrganizationID[:15] + "</serverUrl>"},
		{"what is said of the user", 60, "admin@org.example", "pass-word", 200, "<userName>admin@org.example</userName><userTimeZone>Europe/Berlin</userTimeZone>"},
		{"gone from 65.0", 65, "admin@org.example", "pass-word", 500, "<faultcode>sf:UNSUPPORTED</faultcode>"},
		{"a wrong password", 64, "admin@org.example", "x", 500, "<faultstring>INVALID_LOGIN: Invalid username, password, security token; or user locked out.</faultstring>"},
		{"another user", 64, "x@y.z", "x", 500, "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>"},
		{"an inactive user", 64, "idle@org.example", "pw", 500, "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>"},
		{"a user without API Enabled", 64, "noapi@org.example", "pw", 500, "<sf:exceptionCode>API_CURRENTLY_DISABLED</sf:exceptionCode>"},
	} {
		status, body := d.soapLogin(envelope.Partner, tt.version, tt.username, tt.password)
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s\nwithout %s", tt.fact, status, body, tt.want)
		}
	}
	if status, body := d.soapLogin(envelope.Enterprise, 64, "admin@org.example", "pass-word"); status != 200 || !strings.Contains(body, "<serverUrl>"+base+"/services/Soap/c/64.0/") {
		t.Errorf("the enterprise API: %d %s", status, body)
	}
	c := &envelope.Call{Op: &envelope.Element{Name: "login"}}
	if res := d.Login(t.Context(), c, 64, maxLoginSize+1, base); res.Status != http.StatusInternalServerError || !strings.Contains(string(res.Body), "EXCEEDED_MAX_SIZE_REQUEST") {
		t.Errorf("more than 10 KB: %d %s", res.Status, res.Body)
	}

	// The session is one of the REST API too, until it is left.
	_, body := d.soapLogin(envelope.Partner, 64, "admin@org.example", "pass-word")
	id := regexp.MustCompile(`<sessionId>([^<]+)</sessionId>`).FindStringSubmatch(body)
	if id == nil || d.enters(id[1]) != d.cfg.Owner.UserID {
		t.Fatalf("no session in %s", body)
	}
	u, refusal := d.EnterSession(id[1])
	if refusal != nil {
		t.Fatalf("refused: %s", refusal.Body)
	}
	info := d.UserInfo(t.Context(), &envelope.Call{Op: &envelope.Element{Name: "getUserInfo"}}, u)
	if info.Status != 200 || !strings.Contains(string(info.Body), "<getUserInfoResponse><result><accessibilityMode>false</accessibilityMode>") {
		t.Errorf("getUserInfo: %d %s", info.Status, info.Body)
	}
	if !d.Leave(id[1]) || d.Leave(id[1]) || d.enters(id[1]) != ended {
		t.Error("logout")
	}
}
