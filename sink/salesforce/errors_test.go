package salesforce

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// tripper is a transport in memory, so that time can be faked.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

const orgRecord = `{"done":true,"records":[{"Id":"00D000000000001AAA","Name":"Fake","InstanceName":"LOCAL"}]}`

// answerBasics answers what Connect asks.
func answerBasics(r *http.Request) *http.Response {
	if strings.HasSuffix(r.URL.Path, "/query") {
		return respond(200, orgRecord)
	}
	return nil
}

// A request that is not answered in time is given up and sent again, after growing waits, in
// real (if faked) time, until there is no attempt left.
func TestTimeoutAndBackoffInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		start := time.Now()
		c, err := Connect(t.Context(), Config{
			Auth: Auth{AccessToken: "token", InstanceURL: "https://acme.my.salesforce.com"}, Now: time.Now, Timeout: time.Minute, Retries: 4,
			Rand: func() float64 { return 1 },
			Transport: tripper(func(r *http.Request) (*http.Response, error) {
				if resp := answerBasics(r); resp != nil {
					return resp, nil
				}
				tries++
				<-r.Context().Done()
				return nil, r.Context().Err()
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if c.Org().Kind != Production {
			t.Errorf("a host that is not this machine says that it is LOCAL, and is %s", c.Org().Kind)
		}
		_, err = c.Describe(t.Context(), "Lead")
		e := wantError(t, err, sink.Network, catalog.CodeUnreachable)
		if !strings.Contains(e.Message, "no answer within 1m0s") {
			t.Errorf("%v", err)
		}
		if want := 4*time.Minute + 500*time.Millisecond + time.Second + 2*time.Second; time.Since(start) != want || tries != 4 {
			t.Errorf("%d tries in %v, want %v", tries, time.Since(start), want)
		}
		// The caller's own end is the caller's error.
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, err := c.Describe(ctx, "Lead"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

// Neither the log nor an error holds a token, a query or an answer's text.
func TestLogIsDiscreet(t *testing.T) {
	var log bytes.Buffer
	n := 0
	c, err := Connect(t.Context(), Config{
		Auth: Auth{AccessToken: "hush-token", InstanceURL: "https://acme.my.salesforce.com"}, Now: time.Now,
		Sleep:  func(context.Context, time.Duration) error { return nil },
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Transport: tripper(func(r *http.Request) (*http.Response, error) {
			if n++; n > 1 {
				return respond(503, "your header was Bearer hush-token"), nil
			}
			return answerBasics(r), nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Query(t.Context(), "SELECT Id FROM Lead WHERE Email = 'hush@example.com'", nil)
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("%v", err)
	}
	if s := log.String(); strings.Contains(s, "hush") || strings.Count(s, "sent again") != 5 {
		t.Errorf("%s", s)
	}
	e := c.refusal(&call{path: "/x"}, &answer{status: 400, body: bytes.NewBufferString(`[{"errorCode":"X","message":"token hush-token is bad"}]`)})
	if e.Message != "token [hidden] is bad" {
		t.Errorf("%v", e)
	}
}

func TestConnectNeedsAClock(t *testing.T) {
	_, err := Connect(t.Context(), Config{Auth: Auth{AccessToken: "t", InstanceURL: "https://acme.my.salesforce.com"}})
	wantError(t, err, sink.Config, catalog.CodeSetup)
}
