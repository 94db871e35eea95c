package rest_test

import (
	"strings"
	"testing"

	"sfsync/sink/localorg/rest"
)

// Slashes count within the value of a key and nowhere else.
func TestSetPath(t *testing.T) {
	t.Parallel()
	tests := []struct{ escaped, path, segments string }{
		{"/", "/", ""},
		{"", "/", ""},
		{"//services//data/v66.0/limits//", "/services/data/v66.0/limits", "services|data|v66.0|limits"},
		{"/services/data/v66.0/sobjects//Lead/Ext__c/a//b/", "/services/data/v66.0/sobjects/Lead/Ext__c/a//b", "services|data|v66.0|sobjects|Lead|Ext__c|a||b"},
		{"/services/data/v66.0/sobjects/Lead/Ext__c/a%2Fb%20c", "/services/data/v66.0/sobjects/Lead/Ext__c/a%2Fb%20c", "services|data|v66.0|sobjects|Lead|Ext__c|a/b c"},
		{"/services/data/v66.0/sobjects/Lead/Ext__c/100%", "/services/data/v66.0/sobjects/Lead/Ext__c/100%", "services|data|v66.0|sobjects|Lead|Ext__c|100%"},
	}
	for _, tt := range tests {
		var rq rest.Request
		rq.SetPath(tt.escaped)
		if got := strings.Join(rq.Segs, "|"); rq.Path != tt.path || got != tt.segments || len(rq.Segs) == 0 {
			t.Errorf("%q: %q %q, want %q %q", tt.escaped, rq.Path, got, tt.path, tt.segments)
		}
	}
}

func TestEnterVersion(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path    string
		status  int // 0 if there is no early answer
		version int
		rest    string
	}{
		{"/services/data/v45.0/limits", 0, 45, "/limits"},
		{"/services/data/V68.0/query", 0, 68, "/query"},
		{"/services/data/v66.0", 0, 66, "/"},
		{"/services/data/v66/limits", 404, 0, ""},
		{"/services/data/v66.1/limits", 404, 0, ""},
		{"/services/data/v44.0/limits", 404, 0, ""},
		{"/services/data/v69.0/limits", 404, 0, ""},
		{"/services/data/v30.0/limits", 410, 0, ""},
		{"/services/data/66.0/limits", 404, 0, ""},
		{"/services/other/v66.0/limits", 404, 0, ""},
		{"/services/data", 404, 0, ""},
	}
	for _, tt := range tests {
		var rq rest.Request
		rq.SetPath(tt.path)
		early := rq.EnterVersion()
		switch {
		case tt.status != 0:
			if early == nil || early.Status != tt.status {
				t.Errorf("%s: %+v, want %d", tt.path, early, tt.status)
			}
		case early != nil || rq.Version != tt.version || rq.Path != tt.rest:
			t.Errorf("%s: version %d, path %q, %+v", tt.path, rq.Version, rq.Path, early)
		}
	}
}

// The value of a key is often an e-mail address, which the log must not have.
func TestLogPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/services/data/v66.0/sobjects/Lead/Email/a@b.de":   "/services/data/v66.0/sobjects/Lead/Email/*",
		"/sobjects/Lead/Email/a@b.de/x":                     "/sobjects/Lead/Email/*",
		"/sobjects/Lead/00Q000000000001":                    "/sobjects/Lead/00Q000000000001",
		"/composite/sobjects/Lead/Email":                    "/composite/sobjects/Lead/Email",
		"/services/data/v66.0/composite/sobjects/Lead/Id":   "/services/data/v66.0/composite/sobjects/Lead/Id",
		"/services/data/v99.0/sobjects/Contact/Email/x@y.z": "/services/data/v99.0/sobjects/Contact/Email/*",
		"/services/data/v66.0/SObjects/Contact/Email/x@y.z": "/services/data/v66.0/SObjects/Contact/Email/*",
	} {
		if got := rest.LogPath(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
