package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"sfsync/sink"
)

func envOf(kv ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(kv); i += 2 {
			if kv[i] == "SFSYNC_"+name[len("SFSYNC_"):] {
				return kv[i+1]
			}
		}
		return ""
	}
}

func TestFromEnv(t *testing.T) {
	readFile := func(name string) ([]byte, error) {
		if name == "/run/secret" {
			return []byte("from file\r\n"), nil
		}
		return nil, errors.New("no such file")
	}
	run := func(argv []string) ([]byte, error) {
		if argv[0] == "vault" {
			return fmt.Appendf(nil, "%q\n", argv[1:]), nil
		}
		return []byte("leaked"), errors.New("exit status 1")
	}
	for _, c := range []struct {
		name string
		env  []string
		flow Flow
		want string // in the error, or of the secret
	}{
		{"nothing", nil, 0, "SFSYNC_ACCESS_TOKEN and SFSYNC_INSTANCE_URL"},
		{"access token", []string{"SFSYNC_ACCESS_TOKEN", "t", "SFSYNC_INSTANCE_URL", "u"}, FlowToken, ""},
		{"access token alone", []string{"SFSYNC_ACCESS_TOKEN", "t"}, 0, "with an access token, set SFSYNC_INSTANCE_URL"},
		{"refresh", []string{"SFSYNC_REFRESH_TOKEN", "r", "SFSYNC_CLIENT_ID", "c", "SFSYNC_LOGIN_URL", "u"}, FlowRefresh, ""},
		{"refresh without app", []string{"SFSYNC_REFRESH_TOKEN", "r", "SFSYNC_INSTANCE_URL", "u"}, 0, "set SFSYNC_CLIENT_ID"},
		{"jwt", []string{"SFSYNC_JWT_KEY", "k", "SFSYNC_USERNAME", "u", "SFSYNC_CLIENT_ID", "c", "SFSYNC_LOGIN_URL", "l"}, FlowJWT, ""},
		{"jwt without user and app", []string{"SFSYNC_JWT_KEY", "k", "SFSYNC_LOGIN_URL", "l"}, 0, "SFSYNC_USERNAME and SFSYNC_CLIENT_ID"},
		{"client credentials", []string{"SFSYNC_CLIENT_ID", "c", "SFSYNC_CLIENT_SECRET", "s", "SFSYNC_INSTANCE_URL", "u"}, FlowClient, ""},
		{"client credentials, no address", []string{"SFSYNC_CLIENT_ID", "c", "SFSYNC_CLIENT_SECRET", "s"}, 0, "SFSYNC_LOGIN_URL or SFSYNC_INSTANCE_URL"},
		{"secret missing", []string{"SFSYNC_CLIENT_ID", "c"}, 0, "SFSYNC_CLIENT_SECRET"},
		{"password", []string{"SFSYNC_CLIENT_ID", "c", "SFSYNC_CLIENT_SECRET", "s", "SFSYNC_USERNAME", "u", "SFSYNC_PASSWORD", "p", "SFSYNC_LOGIN_URL", "l"}, FlowPassword, ""},
		{"a user name does not change client credentials", []string{"SFSYNC_CLIENT_ID", "c", "SFSYNC_CLIENT_SECRET", "s", "SFSYNC_USERNAME", "u", "SFSYNC_LOGIN_URL", "l"}, FlowClient, ""},
		{"password without user", []string{"SFSYNC_CLIENT_ID", "c", "SFSYNC_CLIENT_SECRET", "s", "SFSYNC_PASSWORD", "p", "SFSYNC_LOGIN_URL", "l"}, 0, "SFSYNC_USERNAME"},
		{"the first complete one wins", []string{"SFSYNC_ACCESS_TOKEN", "t", "SFSYNC_INSTANCE_URL", "u", "SFSYNC_CLIENT_ID", "c", "SFSYNC_CLIENT_SECRET", "s"}, FlowToken, ""},
		{"file", []string{"SFSYNC_ACCESS_TOKEN_FILE", "/run/secret", "SFSYNC_INSTANCE_URL", "u"}, FlowToken, "from file"},
		{"file missing", []string{"SFSYNC_ACCESS_TOKEN_FILE", "/none", "SFSYNC_INSTANCE_URL", "u"}, 0, "read SFSYNC_ACCESS_TOKEN_FILE: no such file"},
		{"command", []string{"SFSYNC_ACCESS_TOKEN_COMMAND", `vault get 'a b' "c\"d" e\f $HOME`, "SFSYNC_INSTANCE_URL", "u"}, FlowToken, `["get" "a b" "c\"d" "e\\f" "$HOME"]`},
		{"command fails", []string{"SFSYNC_ACCESS_TOKEN_COMMAND", "boom --now", "SFSYNC_INSTANCE_URL", "u"}, 0, "run SFSYNC_ACCESS_TOKEN_COMMAND (boom): exit status 1"},
		{"line break", []string{"SFSYNC_ACCESS_TOKEN", "to\nken", "SFSYNC_INSTANCE_URL", "u"}, 0, "SFSYNC_ACCESS_TOKEN holds a line break"},
		{"quote open", []string{"SFSYNC_ACCESS_TOKEN_COMMAND", "vault 'x", "SFSYNC_INSTANCE_URL", "u"}, 0, "quote"},
		{"twice", []string{"SFSYNC_ACCESS_TOKEN_FILE", "/run/secret", "SFSYNC_ACCESS_TOKEN", "t", "SFSYNC_INSTANCE_URL", "u"}, 0, "only one of SFSYNC_ACCESS_TOKEN, SFSYNC_ACCESS_TOKEN_FILE"},
	} {
		a, err := FromEnv(envOf(c.env...), readFile, run)
		if c.flow == FlowNone {
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "leaked") {
				t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if f, _ := a.Flow(); f != c.flow {
			t.Errorf("%s: flow %d, want %d", c.name, f, c.flow)
		}
		if c.want != "" && string(a.AccessToken) != c.want {
			t.Errorf("%s: secret %q, want %q", c.name, string(a.AccessToken), c.want)
		}
	}
	key, err := FromEnv(envOf("SFSYNC_JWT_KEY", `-----BEGIN X-----\nabc\n`, "SFSYNC_USERNAME", "u", "SFSYNC_CLIENT_ID", "c", "SFSYNC_LOGIN_URL", "l"), readFile, run)
	if err != nil || string(key.JWTKey) != "-----BEGIN X-----\nabc\n" {
		t.Errorf("a key in one line: %q, %v", string(key.JWTKey), err)
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	a := Auth{AccessToken: "hush-token", Password: "hush-password", JWTKey: "hush-key", ClientID: "seen"}
	js, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(a), fmt.Sprintf("%+v", a), fmt.Sprintf("%#v", a), fmt.Sprintf("%v %s", a.Password, a.Password), string(js)} {
		if strings.Contains(s, "hush") {
			t.Errorf("%s", s)
		}
	}
}

func TestHosts(t *testing.T) {
	rule := Hosts{Allowed: []string{"proxy.example.com", "Other.example.com:8443", "http://mock:8080", ""}}
	for in, want := range map[string]bool{
		"https://login.salesforce.com":                    true,
		"https://test.salesforce.com":                     true,
		"https://acme.my.salesforce.com":                  true,
		"https://acme--dev.sandbox.my.salesforce.com":     true,
		"https://acme.my.site.com/partners":               true,
		"https://acme.force.com":                          true,
		"https://acme.my.sfcrmproducts.cn":                true,
		"acme.my.salesforce.com":                          true,
		"HTTPS://ACME.MY.SALESFORCE.COM":                  true,
		"http://acme.my.salesforce.com":                   false,
		"https://salesforce.com.evil.example.com":         false,
		"https://evilsalesforce.com":                      false,
		"https://acme.my.salesforce.com@evil.example.com": false,
		"https://user:pw@acme.my.salesforce.com":          false,
		"https://evil.example.com/acme.my.salesforce.com": false,
		"https://evil.example.com#.salesforce.com":        false,
		"https://evil.example.com\\.salesforce.com":       false,
		"https://site.com":                                false,
		"ftp://127.0.0.1":                                 false,
		"http://127.0.0.1:8080":                           true,
		"http://127.9.9.9":                                true,
		"http://[::1]:8080":                               true,
		"http://localhost":                                true,
		"http://localhost.evil.example.com":               false,
		"http://127.0.0.1.evil.example.com":               false,
		"http://10.0.0.1":                                 false,
		"https://proxy.example.com":                       true,
		"https://proxy.example.com:99":                    true,
		"http://proxy.example.com":                        false,
		"https://other.example.com:8443":                  true,
		"https://other.example.com":                       false,
		"http://mock:8080":                                true,
		"https://mock:8080":                               false,
		"https://":                                        false,
		"":                                                false,
		"::":                                              false,
	} {
		u, err := ParseHost(in, true)
		if err == nil {
			err = rule.Check(u)
		}
		if (err == nil) != want {
			t.Errorf("%q: %v, want allowed = %t", in, err, want)
		}
		var e *sink.Error
		if err != nil && (!errors.As(err, &e) || e.Class != sink.Config || strings.Contains(err.Error(), "pw")) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestParseHost(t *testing.T) {
	for in, want := range map[string]string{
		"acme.lightning.force.com/lightning/page/home":          "https://acme.my.salesforce.com",
		"https://acme--dev.sandbox.lightning.force.com/one.app": "https://acme--dev.sandbox.my.salesforce.com",
		"https://acme.my.site.com/partners/?x=1#y":              "https://acme.my.site.com/partners",
		" https://Acme.my.salesforce.com/ ":                     "https://acme.my.salesforce.com",
	} {
		u, err := ParseHost(in, true)
		if err != nil || u.String() != want {
			t.Errorf("%q is %v, %v, want %s", in, u, err, want)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	base := &url.URL{Scheme: "https", Host: "acme.my.salesforce.com"}
	for in, want := range map[string]string{
		"/services/data/v66.0/query/01g-2000":                              "/services/data/v66.0/query/01g-2000",
		"https://acme.my.salesforce.com/services/data/v66.0/query/01g?a=b": "/services/data/v66.0/query/01g?a=b",
		"https://evil.example.com/services/data/v66.0/query/01g":           "",
		"//evil.example.com/x":                                             "",
		"http://acme.my.salesforce.com/x":                                  "",
		"https://u@acme.my.salesforce.com/x":                               "",
		"https://acme.my.salesforce.com:444/x":                             "",
		":bad":                                                             "",
	} {
		got, err := SameOrigin(base, in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
