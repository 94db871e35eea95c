package main_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink"
	"sfsync/sink/localorg"
	"sfsync/sink/salesforce"
)

// TestLoginsOnLocalOrg logs in each way that the environment can ask for, ends all sessions, and goes on.
func TestLoginsOnLocalOrg(t *testing.T) {
	t.Parallel()
	org, url := serveOrg(t, schema.Standard())
	if err := org.Configure(t.Context(), localorg.AppSettings{RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	key, certificate := keyPair(t)
	if err := org.AddKey(t.Context(), certificate); err != nil {
		t.Fatal(err)
	}
	ann, err := org.AddUser(t.Context(), localorg.NewUser{Username: "ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	c := org.Credentials()
	for _, tt := range []struct {
		name string
		env  map[string]string
		user string
	}{
		{"refresh token that rotates", map[string]string{"SFSYNC_LOGIN_URL": url, "SFSYNC_CLIENT_ID": c.ClientID, "SFSYNC_REFRESH_TOKEN": c.RefreshToken}, c.Username},
		{"JWT bearer", map[string]string{"SFSYNC_LOGIN_URL": url, "SFSYNC_CLIENT_ID": c.ClientID, "SFSYNC_USERNAME": ann.Username, "SFSYNC_JWT_KEY": key}, ann.Username},
		{"client credentials", map[string]string{"SFSYNC_INSTANCE_URL": url, "SFSYNC_CLIENT_ID": c.ClientID, "SFSYNC_CLIENT_SECRET": c.ClientSecret}, c.Username},
		{"user name, password and security token", map[string]string{
			"SFSYNC_LOGIN_URL": url, "SFSYNC_CLIENT_ID": c.ClientID, "SFSYNC_CLIENT_SECRET": c.ClientSecret,
			"SFSYNC_USERNAME": ann.Username, "SFSYNC_PASSWORD": ann.Password, "SFSYNC_SECURITY_TOKEN": ann.SecurityToken,
		}, ann.Username},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := connect(t, tt.env)
			for range 3 {
				if got := userOf(t, client, tt.user); got != 1 {
					t.Errorf("%d users called %s", got, tt.user)
				}
				expireSessions(t, org, url)
			}
		})
	}
	auth, err := salesforce.AuthFromEnv(func(name string) string {
		return map[string]string{"SFSYNC_LOGIN_URL": url, "SFSYNC_CLIENT_ID": c.ClientID, "SFSYNC_REFRESH_TOKEN": c.RefreshToken}[name]
	}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = salesforce.Connect(t.Context(), salesforce.Config{Auth: auth, Now: time.Now, Since: time.Now()})
	if e, ok := errors.AsType[*sink.Error](err); !ok || e.Class != sink.Auth {
		t.Errorf("a refresh token that was rotated away: %v", err)
	}
}

func userOf(t *testing.T, c *salesforce.Client, username string) int {
	t.Helper()
	n := 0
	err := c.Query(t.Context(), "SELECT Id FROM User WHERE Username = '"+username+"'", func([]byte) error { n++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// expireSessions ends all sessions of the org, by a session of its own.
func expireSessions(t *testing.T, org *localorg.Org, url string) {
	t.Helper()
	c := org.Credentials()
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.PostForm(url+"/services/oauth2/token", map[string][]string{
		"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var a struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	rq, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/_org/expire-sessions", nil)
	if err != nil {
		t.Fatal(err)
	}
	rq.Header.Set("Authorization", "Bearer "+a.AccessToken)
	res, err = client.Do(rq)
	if err != nil || res.StatusCode != http.StatusNoContent {
		t.Fatalf("%v %v", res, err)
	}
	res.Body.Close()
	client.CloseIdleConnections()
}

// keyPair returns a private key and a certificate of it, both in PEM.
func keyPair(t *testing.T) (string, []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sfsync"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
