// Package credentials holds what a client logs in to an org with, where it comes from, and
// which hosts may see it.
package credentials

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// Secret is text that shows itself to nobody who prints, logs or encodes it.
type Secret string

// Hidden is what stands in the place of a secret.
const Hidden = "[hidden]"

// String returns [Hidden].
func (s Secret) String() string { return Hidden }

// GoString returns [Hidden].
func (s Secret) GoString() string { return Hidden }

// LogValue returns [Hidden].
func (s Secret) LogValue() slog.Value { return slog.StringValue(Hidden) }

// MarshalText returns [Hidden].
func (s Secret) MarshalText() ([]byte, error) { return []byte(Hidden), nil }

// Auth is what to log in with. Which way is taken follows from what is there; the first of
// these that is complete wins:
//
//	Code + CodeVerifier + RedirectURI + ClientID     OAuth web server flow
//	AccessToken + InstanceURL                        a session as it is; it cannot be renewed
//	RefreshToken + ClientID [+ ClientSecret]         OAuth refresh token
//	JWTKey + Username + ClientID                     OAuth JWT bearer
//	ClientID + ClientSecret [+ no Password]          OAuth client credentials, on a My Domain host
//	ClientID + ClientSecret + Username + Password [+ SecurityToken]
//
// A password means that its owner is to be logged in, so it decides between the last two.
type Auth struct {
	// LoginURL is where to ask for a token: https://login.salesforce.com, https://test.…, a My
	// Domain address or that of an Experience Cloud site; "" for InstanceURL.
	LoginURL string
	// InstanceURL is the org's address. Without an access token it only serves as LoginURL: the
	// token's own answer says where the org is.
	InstanceURL string

	ClientID string
	Username string

	AccessToken   Secret
	RefreshToken  Secret
	ClientSecret  Secret
	Password      Secret
	SecurityToken Secret
	// JWTKey is an RSA private key in PEM, PKCS #1 or PKCS #8, unencrypted.
	JWTKey Secret

	// Code, CodeVerifier and RedirectURI are what [Approval.Accept] took from a browser. The
	// code is good for one login; the refresh token that it gives is used after that.
	Code, CodeVerifier Secret
	RedirectURI        string
}

// Flow is a way of logging in.
type Flow uint8

// The ways of logging in.
const (
	FlowNone Flow = iota
	FlowToken
	FlowRefresh
	FlowJWT
	FlowClient
	FlowPassword
	FlowCode
)

// Flow returns the way of logging in, or an error that names what is missing.
func (a *Auth) Flow() (Flow, error) {
	login := a.LoginURL != "" || a.InstanceURL != ""
	f := FlowNone
	switch {
	case a.Code != "" && a.ClientID != "":
		f = FlowCode
	case a.AccessToken != "" && a.InstanceURL != "":
		return FlowToken, nil
	case a.RefreshToken != "" && a.ClientID != "":
		f = FlowRefresh
	case a.JWTKey != "" && a.Username != "" && a.ClientID != "":
		f = FlowJWT
	case a.ClientID != "" && a.ClientSecret != "" && a.Password == "":
		f = FlowClient
	case a.ClientID != "" && a.ClientSecret != "" && a.Username != "" && a.Password != "":
		f = FlowPassword
	}
	if f != FlowNone && login {
		return f, nil
	}
	return FlowNone, catalog.New(sink.Auth, catalog.CodeCredentials, a.missing(f))
}

// missing says what the way of logging in that is nearest lacks. A way that is complete but
// for the address is given as f.
func (a *Auth) missing(f Flow) string {
	type part struct {
		name string
		set  bool
	}
	address := part{"SFSYNC_LOGIN_URL or SFSYNC_INSTANCE_URL", a.LoginURL != "" || a.InstanceURL != ""}
	id := part{"SFSYNC_CLIENT_ID", a.ClientID != ""}
	secret := part{"SFSYNC_CLIENT_SECRET", a.ClientSecret != ""}
	user := part{"SFSYNC_USERNAME", a.Username != ""}
	var way string
	var parts []part
	switch {
	case a.AccessToken != "" && f == FlowNone:
		way, parts = "an access token", []part{{"SFSYNC_INSTANCE_URL", a.InstanceURL != ""}}
	case a.RefreshToken != "":
		way, parts = "a refresh token", []part{id, address}
	case a.JWTKey != "":
		way, parts = "a JWT key", []part{user, id, address}
	case a.Password != "" || a.Username != "" || a.SecurityToken != "":
		way, parts = "user name and password", []part{id, secret, user, {"SFSYNC_PASSWORD", a.Password != ""}, address}
	case a.ClientID != "" || a.ClientSecret != "":
		way, parts = "client credentials", []part{id, secret, address}
	default:
		return "no credentials: set SFSYNC_ACCESS_TOKEN and SFSYNC_INSTANCE_URL, or those of another way of logging in"
	}
	var names []string
	for _, p := range parts {
		if !p.set {
			names = append(names, p.name)
		}
	}
	return fmt.Sprintf("to log in with %s, set %s too", way, strings.Join(names, " and "))
}

// Address returns the address to log in at.
func (a *Auth) Address() string {
	if a.LoginURL != "" {
		return a.LoginURL
	}
	return a.InstanceURL
}

// Secrets returns what must not show up in any text.
func (a *Auth) Secrets() []string {
	var s []string
	for _, x := range []Secret{a.AccessToken, a.RefreshToken, a.ClientSecret, a.Password, a.SecurityToken, a.JWTKey, a.Code, a.CodeVerifier} {
		if len(x) >= 4 { // shorter ones would blot out half of every message
			s = append(s, string(x))
		}
	}
	return s
}

// FromEnv reads credentials from variables: SFSYNC_LOGIN_URL, SFSYNC_INSTANCE_URL,
// SFSYNC_CLIENT_ID, SFSYNC_USERNAME, and the secrets SFSYNC_ACCESS_TOKEN,
// SFSYNC_REFRESH_TOKEN, SFSYNC_JWT_KEY, SFSYNC_CLIENT_SECRET, SFSYNC_PASSWORD and
// SFSYNC_SECURITY_TOKEN. A secret X may instead come from the file that X_FILE names or from
// what the command line X_COMMAND prints; the command is run by run without a shell: words
// are split at blanks, with single and double quotes as in one. The last line break of a file
// or an output is dropped.
//
// The error, a [*sink.Error], names the variables that are wrong or missing, never a value.
func FromEnv(getenv func(string) string, readFile func(string) ([]byte, error), run func(argv []string) ([]byte, error)) (Auth, error) {
	a := Auth{
		LoginURL:    getenv("SFSYNC_LOGIN_URL"),
		InstanceURL: getenv("SFSYNC_INSTANCE_URL"),
		ClientID:    strings.TrimSpace(getenv("SFSYNC_CLIENT_ID")),
		Username:    strings.TrimSpace(getenv("SFSYNC_USERNAME")),
	}
	for _, s := range []struct {
		name string
		to   *Secret
	}{
		{"SFSYNC_ACCESS_TOKEN", &a.AccessToken},
		{"SFSYNC_REFRESH_TOKEN", &a.RefreshToken},
		{"SFSYNC_JWT_KEY", &a.JWTKey},
		{"SFSYNC_CLIENT_SECRET", &a.ClientSecret},
		{"SFSYNC_PASSWORD", &a.Password},
		{"SFSYNC_SECURITY_TOKEN", &a.SecurityToken},
	} {
		v, err := secretFromEnv(s.name, getenv, readFile, run)
		if err != nil {
			return Auth{}, err
		}
		*s.to = Secret(v)
	}
	// A key in one line, as CI systems keep it.
	if !strings.Contains(string(a.JWTKey), "\n") {
		a.JWTKey = Secret(strings.ReplaceAll(string(a.JWTKey), `\n`, "\n"))
	}
	if _, err := a.Flow(); err != nil {
		return Auth{}, err
	}
	return a, nil
}

func secretFromEnv(name string, getenv func(string) string, readFile func(string) ([]byte, error), run func([]string) ([]byte, error)) (string, error) {
	value, file, command := getenv(name), getenv(name+"_FILE"), getenv(name+"_COMMAND")
	set := 0
	for _, v := range []string{value, file, command} {
		if v != "" {
			set++
		}
	}
	if set > 1 {
		return "", catalog.New(sink.Config, catalog.CodeSetup, fmt.Sprintf("set only one of %s, %[1]s_FILE and %[1]s_COMMAND", name))
	}
	var text []byte
	var err error
	switch {
	case file != "":
		if text, err = readFile(file); err != nil {
			return "", catalog.New(sink.Config, catalog.CodeSetup, fmt.Sprintf("read %s_FILE: %v", name, err))
		}
		name += "_FILE"
	case command != "":
		argv, ok := words(command)
		if !ok {
			return "", catalog.New(sink.Config, catalog.CodeSetup, name+"_COMMAND has a quote that is not closed, or no command")
		}
		// What the command printed on its way out may be the secret: only its fate is told.
		if text, err = run(argv); err != nil {
			return "", catalog.New(sink.Config, catalog.CodeSetup, fmt.Sprintf("run %s_COMMAND (%s): %v", name, argv[0], err))
		}
		name += "_COMMAND"
	default:
		text = []byte(value)
		if value == "" {
			return "", nil
		}
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if s == "" {
		return "", catalog.New(sink.Config, catalog.CodeSetup, name+" gave nothing")
	}
	// A key in PEM has lines; anything else with a line break was pasted or wrapped wrongly, and
	// could not go into a header.
	if !strings.HasPrefix(s, "-----BEGIN") && strings.ContainsFunc(s, unicode.IsControl) {
		return "", catalog.New(sink.Config, catalog.CodeSetup, name+" holds a line break or another control character")
	}
	return s, nil
}

// words splits a command line at blanks. Quotes group and are dropped; inside double quotes a
// backslash keeps the next character. Nothing is expanded.
func words(s string) (argv []string, ok bool) {
	var word strings.Builder
	var quote rune
	in, escaped := false, false
	for _, c := range s {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case quote == '"' && c == '\\':
			escaped = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if in {
				argv = append(argv, word.String())
				word.Reset()
				in = false
			}
		default:
			word.WriteRune(c)
			in = true
		}
	}
	if in {
		argv = append(argv, word.String())
	}
	return argv, quote == 0 && !escaped && len(argv) > 0 && argv[0] != ""
}
