package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
)

// rotatingOrg serves an org that replaces a refresh token at each use, and returns how to log in and where.
func rotatingOrg(t *testing.T) (localorg.Credentials, string) {
	t.Helper()
	org, address := serveOrg(t, schema.Standard())
	if err := org.Configure(t.Context(), localorg.AppSettings{RotateRefreshTokens: true}); err != nil {
		t.Fatal(err)
	}
	return org.Credentials(), address
}

// TestWebLogin logs in as a person does in a browser, and goes on with refresh tokens that the org replaces at
// each use.
func TestWebLogin(t *testing.T) {
	t.Parallel()
	c, address := rotatingOrg(t)
	k := world(t, 0)
	port := freePort(t)
	login := []string{"org", "login", "prod", "--login-url", address, "--client-id", c.ClientID, "--port", port, "--no-browser"}

	cmd, page := k.beginLogin(t, login)
	answer := submit(t, page, url.Values{"username": {c.Username}, "password": {c.Password}})
	if !strings.Contains(answer, "You can close this window") {
		t.Errorf("the browser shows %q", answer)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	kept := k.glob(t, "sfsync/orgs/prod.json")
	if len(kept) != 1 {
		t.Fatalf("kept in %v", kept)
	}
	before, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(kept[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for range 2 {
		k.begin(t, nil, "org", "limits", "--to", "prod").exits(t, 0)
	}
	after, err := os.ReadFile(kept[0])
	if err != nil || string(after) == string(before) {
		t.Errorf("the refresh token was not replaced: %v", err)
	}
	list := k.begin(t, nil, "org", "list")
	list.exits(t, 0)
	if out := list.out.String(); !strings.Contains(out, "refresh token") || strings.Contains(out, "\"SFSYNC") {
		t.Errorf("list: %s", out)
	}
	k.begin(t, nil, "org", "logout", "prod").exits(t, 0)
	if kept := k.glob(t, "sfsync/orgs/*.json"); len(kept) != 0 {
		t.Errorf("still there: %v", kept)
	}

	cmd, page = k.beginLogin(t, login)
	submit(t, page, url.Values{"deny": {"1"}})
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 77 {
		t.Errorf("a login that was denied ends with %v", err)
	}
	cmd, _ = k.beginLogin(t, login)
	back := "http://localhost:" + port + "/OauthRedirect?state=forged&code=x"
	resp, err := http.Get(back)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 77 {
		t.Errorf("an answer to another login ends with %v", err)
	}
}

// A refresh token of the environment that the org has replaced is of no use to the next run, which nothing else says.
func TestReplacedRefreshToken(t *testing.T) {
	t.Parallel()
	c, address := rotatingOrg(t)
	k := world(t, 0)
	k.env = append(k.env, "SFSYNC_LOGIN_URL="+address, "SFSYNC_CLIENT_ID="+c.ClientID, "SFSYNC_REFRESH_TOKEN="+c.RefreshToken)
	limits := k.begin(t, nil, "org", "limits", "--to", "env")
	limits.exits(t, 0)
	if said := limits.err.String(); !strings.Contains(said, "replaced the refresh token") || strings.Contains(said, c.RefreshToken) {
		t.Errorf("it says %q", said)
	}
	k.begin(t, nil, "org", "limits", "--to", "env").exits(t, 77)
}

// beginLogin starts a login and returns the address that it wants opened in a browser.
func (k *killer) beginLogin(t *testing.T, args []string) (*exec.Cmd, string) {
	t.Helper()
	bin, err := exec.LookPath("sfsync")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir, cmd.Env = k.dir, k.env
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewReader(errs)
	page := regexp.MustCompile(`http://\S+/services/oauth2/authorize\S+`)
	for {
		line, err := lines.ReadString('\n')
		if found := page.FindString(line); found != "" {
			go io.Copy(io.Discard, lines)
			return cmd, found
		}
		if err != nil {
			t.Fatalf("no address to log in at: %v", err)
		}
	}
}

// submit fills the login page in and returns what the browser shows at the end.
func submit(t *testing.T, page string, fill url.Values) string {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	html, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v\n%s", resp.StatusCode, err, html)
	}
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	form := u.Query()
	for name, values := range fill {
		form[name] = values
	}
	u.RawQuery = ""
	resp, err = client.PostForm(u.String(), form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}
