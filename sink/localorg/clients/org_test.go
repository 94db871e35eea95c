// Package clients runs Salesforce clients that nobody here wrote, unmodified, against a served
// local org. It is a module of its own, so that the clients are no dependencies of sfsync. The
// script run starts the org and all suites.
package clients

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/k-capehart/go-salesforce/v3"
)

// orgVar names the file with the line that `sfsync local serve --json` printed.
const orgVar = "LOCALORG_CREDENTIALS"

// org is where the local org is and how to log in.
type org struct {
	URL           string `json:"instance_url"`
	Username      string `json:"username"`
	Password      string `json:"password"`
	SecurityToken string `json:"security_token"`
	ClientID      string `json:"client_id"`
	ClientSecret  string `json:"client_secret"`
}

// served returns the org that the script serves, or skips the test.
func served(t *testing.T) org {
	t.Helper()
	path := os.Getenv(orgVar)
	if path == "" {
		t.Skip(orgVar + " is not set: sink/localorg/clients/run starts an org and sets it")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var o org
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return o
}

// connect logs in by client credentials and asks for compression or not.
func connect(t *testing.T, options ...salesforce.Option) *salesforce.Salesforce {
	t.Helper()
	o := served(t)
	sf, err := salesforce.Init(salesforce.Creds{Domain: o.URL, ConsumerKey: o.ClientID, ConsumerSecret: o.ClientSecret}, options...)
	if err != nil {
		t.Fatal(err)
	}
	return sf
}

// admin calls a resource of the local org itself, with a session of its own.
func (o org) admin(t *testing.T, token, path string, body any) []byte {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	rq, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.URL+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	rq.Header.Set("Authorization", "Bearer "+token)
	rq.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode >= 300 {
		t.Fatalf("POST %s: %d %s", path, res.StatusCode, answer)
	}
	return answer
}

// wantError fails the test unless err's text has all the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", parts)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}
