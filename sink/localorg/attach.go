package localorg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/store"
)

// ErrBusy is wrapped by the error of [Attach] if another process owns the database and
// cannot be reached.
var ErrBusy = errors.New("the local org's database is in use by a process that does not answer")

// attachPatience is how long Attach waits for another process that is just starting or ending.
const attachPatience = 10 * time.Second

// Owner is an org as this process reaches it: its own, or one that another process owns. It is
// safe for concurrent use.
type Owner struct {
	org   *Org // nil if another process owns it
	lock  *flock.Flock
	path  string // of the file that says where the org is; "" without one
	creds Credentials
	http  *http.Client
}

// Attach opens the org in cfg.DB, unless another process has it open: then it finds out from
// the file beside the database where that process serves it. One process owns a database: it
// holds a lock on <DB>.lock until Close, and while it serves, <DB>.owner.json says where and
// with which credentials. A database in memory is always the process's own.
//
// Of the rest of cfg, what concerns an open org has no effect on another process's.
func Attach(ctx context.Context, cfg Config) (*Owner, error) {
	if cfg.DB == store.Memory {
		org, err := Open(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return &Owner{org: org}, nil
	}
	if cfg.DB == "" {
		return nil, errors.New("attach to local org: no database given")
	}
	if err := os.MkdirAll(filepath.Dir(cfg.DB), 0o700); err != nil {
		return nil, fmt.Errorf("attach to local org: %w", err)
	}
	w := &Owner{
		lock: flock.New(cfg.DB+".lock", flock.SetPermissions(0o600)),
		path: cfg.DB + ".owner.json",
		http: &http.Client{
			Timeout:       time.Minute,
			Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	ctx, cancel := context.WithTimeout(ctx, attachPatience)
	defer cancel()
	err := w.attach(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("attach to local org %s: %w", cfg.DB, err)
	}
	return w, nil
}

func (w *Owner) attach(ctx context.Context, cfg Config) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := w.lock.TryLock()
		if err != nil {
			return err
		}
		if got {
			if w.org, err = Open(context.WithoutCancel(ctx), cfg); err != nil {
				return errors.Join(err, w.lock.Unlock())
			}
			// What a process left that was killed.
			if err := ignoreMissing(os.Remove(w.path)); err != nil {
				return errors.Join(err, w.Close())
			}
			return nil
		}
		reach := w.reach(ctx)
		if reach == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			if context.Cause(ctx) == context.DeadlineExceeded { //nolint:errorlint // the cause is bare
				return fmt.Errorf("%w: %w", ErrBusy, reach)
			}
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// reach reads where the owner serves and asks it whether it is the one.
func (w *Owner) reach(ctx context.Context) error {
	text, err := os.ReadFile(w.path)
	if err != nil {
		return err
	}
	var c Credentials
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	w.creds = c
	var who struct {
		OrganizationID string `json:"organization_id"`
	}
	if err := w.call(ctx, http.MethodGet, "/_org", nil, &who); err != nil {
		return err
	}
	if who.OrganizationID != c.OrganizationID {
		return fmt.Errorf("%s is another org", c.InstanceURL)
	}
	return nil
}

// Owned reports whether the org is this process's own, so that it has to serve it.
func (w *Owner) Owned() bool { return w.org != nil }

// Credentials returns the org's address and secrets.
func (w *Owner) Credentials() Credentials {
	if w.org != nil {
		return w.org.Credentials()
	}
	return w.creds
}

// Serve serves an owned org as [Org.Serve] does and lets other processes know where.
func (w *Owner) Serve(ctx context.Context, l net.Listener) error {
	if w.org == nil {
		return errors.New("serve local org: another process owns it")
	}
	if w.path == "" {
		return w.org.Serve(ctx, l)
	}
	c := w.Credentials()
	c.InstanceURL = URL(l.Addr())
	text, err := json.Marshal(c)
	if err == nil {
		err = writePrivate(w.path, text)
	}
	if err != nil {
		_ = l.Close()
		return fmt.Errorf("say where the local org is: %w", err)
	}
	err = w.org.Serve(ctx, l)
	return errors.Join(err, ignoreMissing(os.Remove(w.path)))
}

// writePrivate puts a file of mode 0600 into place, whole.
func writePrivate(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Extend is [Org.Extend], whoever owns the org.
func (w *Owner) Extend(ctx context.Context, s *schema.Schema) ([]string, error) {
	if w.org != nil {
		return w.org.Extend(ctx, s)
	}
	body, err := EncodeSchema(s)
	if err != nil {
		return nil, fmt.Errorf("extend local org: %w", err)
	}
	var answer struct {
		Added []string `json:"added"`
	}
	if err := w.call(ctx, http.MethodPost, "/_org/extend", body, &answer); err != nil {
		return nil, fmt.Errorf("extend local org: %w", err)
	}
	return answer.Added, nil
}

// Show is [Org.Show], whoever owns the org.
func (w *Owner) Show(ctx context.Context) (v Overview, err error) {
	if w.org != nil {
		return w.org.Show(ctx)
	}
	if err := w.call(ctx, http.MethodGet, "/_org/show", nil, &v); err != nil {
		return v, fmt.Errorf("show local org: %w", err)
	}
	return v, nil
}

// Reset is [Org.Reset], whoever owns the org.
func (w *Owner) Reset(ctx context.Context) error {
	if w.org != nil {
		return w.org.Reset(ctx)
	}
	if err := w.call(ctx, http.MethodPost, "/_org/reset", nil, nil); err != nil {
		return fmt.Errorf("reset local org: %w", err)
	}
	return nil
}

// Close closes an owned org, whose Serve must have returned, and gives up the database.
func (w *Owner) Close() error {
	if w.org == nil {
		w.http.CloseIdleConnections()
		return nil
	}
	err := w.org.Close()
	if w.lock != nil {
		err = errors.Join(err, w.lock.Unlock())
	}
	return err
}

// call asks the owner. An expired session is renewed once.
func (w *Owner) call(ctx context.Context, method, path string, body []byte, to any) error {
	status, text, err := w.send(ctx, method, path, "application/json", body, w.creds.AccessToken)
	if err == nil && status == http.StatusUnauthorized {
		var token string
		if token, err = w.login(ctx); err == nil {
			status, text, err = w.send(ctx, method, path, "application/json", body, token)
		}
	}
	switch {
	case err != nil:
		return err
	case status >= 300:
		var list []struct{ ErrorCode, Message string }
		if json.Unmarshal(text, &list) == nil && len(list) > 0 {
			return fmt.Errorf("%s %s: %s: %s", method, path, list[0].ErrorCode, list[0].Message)
		}
		return fmt.Errorf("%s %s: status %d", method, path, status)
	case to == nil:
		return nil
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

func (w *Owner) login(ctx context.Context) (string, error) {
	// Client credentials may log in another user, who may not do everything.
	form := url.Values{
		"grant_type": {"password"}, "client_id": {w.creds.ClientID}, "client_secret": {w.creds.ClientSecret},
		"username": {w.creds.Username}, "password": {w.creds.Password + w.creds.SecurityToken},
	}
	status, text, err := w.send(ctx, http.MethodPost, "/services/oauth2/token", "application/x-www-form-urlencoded", []byte(form.Encode()), "")
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.AccessToken == "" {
		return "", fmt.Errorf("log in: status %d %s", status, answer.Error)
	}
	return answer.AccessToken, nil
}

// maxAnswer bounds what is read of an owner's answer.
const maxAnswer = 64 << 20

func (w *Owner) send(ctx context.Context, method, path, contentType string, body []byte, token string) (int, []byte, error) {
	if u, err := url.Parse(w.creds.InstanceURL); err != nil || u.Scheme != "http" || strings.Contains(u.Host, "@") {
		return 0, nil, errors.New("the owner's address cannot be used")
	}
	rq, err := http.NewRequestWithContext(ctx, method, w.creds.InstanceURL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if len(body) > 0 {
		rq.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		rq.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := w.http.Do(rq)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, text, err
}
