package fault

import (
	"path"
	"slices"
	"strings"
	"time"
)

// Rule is one rule of a faults file: where and when it acts, and what happens then.
type Rule struct {
	// Method is a method in capitals or "*"; Path is a path or "*". Both are "*" unless "on" is given.
	Method, Path string
	// Rows is set if the rule is about records; Object is theirs, "" for any.
	Rows   bool
	Object string

	// Nth are the places, from 1, at which the rule acts; none for all.
	Nth []int64
	// After is how many fitting requests, or records, pass first.
	After int64
	// Rate is the share that is struck, above 0 and up to 1; 0 is all.
	Rate float64
	// Times is how often the rule acts in all; 0 for no limit.
	Times int64

	Action Action
}

// fits reports whether the rule is about a point. Its counters are another matter.
func (r *Rule) fits(p *Point) bool {
	if r.Rows != p.Row {
		return false
	}
	if p.Row && r.Object != "" && !strings.EqualFold(r.Object, p.Object) {
		return false
	}
	if r.Method != "*" && r.Method != p.Method {
		return false
	}
	if r.Path == "*" {
		return p.Row || !p.Sub
	}
	return fitsPath(r.Path, p.Path)
}

// fitsPath matches a path segment by segment.
func fitsPath(pattern, p string) bool {
	want, got := segments(pattern), segments(p)
	for i, w := range want {
		switch {
		case i >= len(got):
			return false
		case w == "**":
			return fitsTail(want[i+1:], got[i+1:])
		}
		if ok, err := path.Match(w, got[i]); err != nil || !ok {
			return false
		}
	}
	return len(got) == len(want)
}

// fitsTail matches what follows a **, which may have taken more than one segment.
func fitsTail(want, got []string) bool {
	if len(got) < len(want) {
		return false
	}
	return fitsPath(strings.Join(want, "/"), strings.Join(got[len(got)-len(want):], "/"))
}

func segments(p string) []string {
	return strings.Split(strings.Trim(strings.ToLower(p), "/"), "/")
}

// due decides about the n-th point that the rule fits; draw is evenly spread over [0,1).
func (r *Rule) due(n, acted int64, draw float64) bool {
	switch {
	case r.Times > 0 && acted >= r.Times:
		return false
	case len(r.Nth) > 0 && !slices.Contains(r.Nth, n):
		return false
	case n <= r.After:
		return false
	}
	return r.Rate == 0 || draw < r.Rate
}

// The statuses that go with the codes of the REST API guide, and what the platform says with them.
// The wording of SERVER_UNAVAILABLE is unconfirmed.
func known() []Action {
	return []Action{
		{Code: "SERVER_UNAVAILABLE", Status: 503, Message: "server temporarily unavailable"},
		{Code: "REQUEST_LIMIT_EXCEEDED", Status: 403, Message: "TotalRequests Limit exceeded."},
		{Code: "INVALID_SESSION_ID", Status: 401, Message: "Session expired or invalid"},
		{Code: "UNKNOWN_EXCEPTION", Status: 500, Message: "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345 (123456789)"},
		{Code: "NOT_FOUND", Status: 404, Message: "The requested resource does not exist"},
		{Code: "API_DISABLED_FOR_ORG", Status: 403, Message: "API is not enabled for this Organization or Partner"},
		{Code: "API_CURRENTLY_DISABLED", Status: 403, Message: "API is disabled for this User"},
		{Code: "UNABLE_TO_LOCK_ROW", Status: 400, Message: "unable to obtain exclusive access to this record"},
		{Code: "QUERY_TIMEOUT", Status: 400, Message: "Your query request was running for too long."},
		{Code: "STORAGE_LIMIT_EXCEEDED", Status: 400, Message: "storage limit exceeded"},
	}
}

// complete fills in the status, the code and the message that go with what is given.
func (a *Action) complete(rows bool) {
	if a.Body != "" && a.Status == 0 {
		a.Status = 503
	}
	if !rows && a.Code == "" && a.Status == 0 {
		return // the rule only delays, drops or expires
	}
	for _, k := range known() {
		if a.Code == k.Code || a.Code == "" && a.Status == k.Status {
			a.Code = k.Code
			if a.Message == "" {
				a.Message = k.Message
			}
			if a.Status == 0 && !rows {
				a.Status = k.Status
			}
			break
		}
	}
	if a.Status == 0 && !rows {
		a.Status = 400
	}
	if a.Code == "" && a.Status != 0 {
		a.Code = "UNKNOWN_EXCEPTION"
	}
	if a.Message == "" {
		a.Message = strings.ToLower(strings.ReplaceAll(a.Code, "_", " "))
	}
}

// maxDelay bounds a delay: an HTTP server gives up on longer ones.
const maxDelay = 10 * time.Minute
