package limit_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/limit"
	"sfsync/sink/localorg/rest"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	m, err := limit.New(limit.Default(), new(journal.Counter), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h := limit.Handler{Model: m}
	tests := []struct {
		fact, method, body string
		status             int
		want               string
	}{
		{"the defaults of a full sandbox", "GET", "", 200, `{"daily_calls":5000000,"latency":"0s","row_latency":"0s","job_latency":"0s","lock_wait":"10s","max_long_requests":25,"long_request":"20s"}`},
		{"what is named is changed", "PATCH", `{"daily_calls":7,"row_latency":"1.5ms"}`, 200, `{"daily_calls":7,"latency":"0s","row_latency":"1.5ms","job_latency":"0s","lock_wait":"10s","max_long_requests":25,"long_request":"20s"}`},
		{"an unknown name", "PATCH", `{"dayly_calls":7}`, 400, `dayly_calls`},
		{"no duration", "PATCH", `{"latency":"7"}`, 400, `a duration is such as 150ms or 2s, not \"7\"`},
		{"a negative duration", "PATCH", `{"job_latency":"-1s"}`, 400, `job_latency is not from 0s to 10m0s: -1s`},
		{"too long", "PATCH", `{"lock_wait":"1h"}`, 400, `lock_wait is not from 0s to 10m0s: 1h0m0s`},
		{"negative calls", "PATCH", `{"daily_calls":-1}`, 400, `daily_calls is negative: -1`},
		{"no long requests", "PATCH", `{"max_long_requests":0}`, 400, `max_long_requests is less than 1: 0`},
		{"a refused change changes nothing", "GET", "", 200, `"daily_calls":7,"latency":"0s","row_latency":"1.5ms"`},
		{"another method", "DELETE", "", 405, `METHOD_NOT_ALLOWED`},
	}
	for _, tt := range tests {
		res := h.Settings(&rest.Request{Method: tt.method, Body: []byte(tt.body)})
		if res.Status != tt.status || !strings.Contains(string(res.Body), tt.want) {
			t.Errorf("%s: %d %s, want %d with %s", tt.fact, res.Status, res.Body, tt.status, tt.want)
		}
	}
	if row, wait := m.Pace(); row != 1500*time.Microsecond || wait != 10*time.Second {
		t.Errorf("pace: %v %v", row, wait)
	}
}

// The day's calls are counted by the org's clock and end at midnight UTC.
func TestCount(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 23, 59, 0, 0, time.UTC)
	s := limit.Default()
	s.DailyCalls = 2
	m, err := limit.New(s, new(journal.Counter), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if m.Count() != nil {
			t.Fatal("a call within the allowance was refused")
		}
	}
	res := m.Count()
	if res == nil || res.Status != http.StatusForbidden || string(res.Body) != `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]` {
		t.Fatalf("one call too many: %+v", res)
	}
	if m.Info() != "api-usage=2/2" {
		t.Errorf("info: %s", m.Info())
	}
	now = now.Add(time.Minute)
	if m.Info() != "api-usage=0/2" || m.Count() != nil {
		t.Errorf("a new day: %s", m.Info())
	}
}

// Requests are refused while 25 are running that have run for 20 seconds or more; short ones do not
// count, however many (limits guide, concurrent API requests).
func TestConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := limit.New(limit.Default(), new(journal.Counter), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		var ends []func()
		begin := func(n int) {
			t.Helper()
			for range n {
				end, busy := m.Begin()
				if busy != nil {
					t.Fatalf("refused: %s", busy.Body)
				}
				ends = append(ends, end)
			}
		}
		begin(100)
		time.Sleep(19 * time.Second)
		begin(1)
		for _, end := range ends[:76] {
			end()
		}
		ends = ends[76:] // 24 of 19 s, one of 0 s
		time.Sleep(time.Second)
		begin(1)
		time.Sleep(19 * time.Second) // now the 25th runs for 20 s, the 26th for 19 s
		_, busy := m.Begin()
		if busy == nil || busy.Status != http.StatusForbidden ||
			string(busy.Body) != `[{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]` {
			t.Fatalf("beside 25 long requests: %+v", busy)
		}
		ends[0]()
		begin(1)
	})
}
