package transport

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ContentHint names the type of an answer's body in brackets, where it is not the one that the API gives;
// else it is empty.
func ContentHint(h http.Header) string {
	if t, _, _ := strings.Cut(h.Get("Content-Type"), ";"); t != "" && t != "application/json" {
		return " (" + t + ")"
	}
	return ""
}

// RedirectTarget names the host that a redirect leads to: " to HOST", or nothing.
func RedirectTarget(h http.Header) string {
	if u, err := url.Parse(h.Get("Location")); err == nil && u.Host != "" {
		return " to " + u.Host
	}
	return ""
}

// RetryAfter reads the header of that name: seconds, or a date (RFC 9110, 10.2.3).
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(v, 10, 32); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
