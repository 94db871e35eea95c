package credentials

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// salesforceDomains are the domains below which Salesforce runs orgs and their login pages
// (Salesforce Help, "My Domain URL Formats").
func salesforceDomains() []string {
	return []string{"salesforce.com", "force.com", "my.site.com", "sfcrmproducts.cn"}
}

// Hosts decides which hosts may see credentials: Salesforce's over https, loopback, and
// what the user allowed.
type Hosts struct {
	// Allowed are further hosts: "host" and "host:port" over https, "http://host" and
	// "http://host:port" without.
	Allowed []string
}

// Check returns why credentials must not go to u, or nil.
func (r Hosts) Check(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	if host == "" {
		return catalog.New(sink.Config, catalog.CodeHost, "the address has no host")
	}
	if u.User != nil {
		return catalog.New(sink.Config, catalog.CodeHost, "the address of "+host+" holds a user name or password: leave it out")
	}
	if Loopback(host) && (u.Scheme == "http" || u.Scheme == "https") {
		return nil
	}
	for _, a := range r.Allowed {
		if allows(strings.ToLower(strings.TrimSpace(a)), u) {
			return nil
		}
	}
	if u.Scheme != "https" {
		return catalog.New(sink.Config, catalog.CodeHost, fmt.Sprintf("%s is not reached over https: write its address as https://%s", host, host))
	}
	for _, d := range salesforceDomains() {
		if host == d || strings.HasSuffix(host, "."+d) {
			return nil
		}
	}
	return catalog.New(sink.Config, catalog.CodeHost, host+" is not a Salesforce host: name it with --allow-host if it may see credentials")
}

// allows reports whether an entry of Hosts.Allowed covers u: "host" and "host:port" over https,
// "http://host" and "http://host:port" without it.
func allows(entry string, u *url.URL) bool {
	scheme, host := "https", entry
	if s, rest, ok := strings.Cut(entry, "://"); ok {
		scheme, host = s, strings.TrimSuffix(rest, "/")
	}
	if u.Scheme != scheme {
		return false
	}
	return host == strings.ToLower(u.Host) || host == strings.ToLower(u.Hostname())
}

// Loopback reports whether a host name can only mean this machine.
func Loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// ParseHost reads an address as users paste it: the scheme may be missing, and the address of
// a page in the browser (X.lightning.force.com/lightning/…) becomes that of the API. Without
// keepPath only scheme and host are kept.
func ParseHost(s string, keepPath bool) (*url.URL, error) {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return nil, catalog.New(sink.Config, catalog.CodeHost, "an address must look like https://mycompany.my.salesforce.com")
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	u.RawQuery, u.Fragment, u.RawFragment = "", "", ""
	if name, ok := strings.CutSuffix(u.Host, ".lightning.force.com"); ok {
		u.Host, keepPath = name+".my.salesforce.com", false
	}
	if !keepPath {
		u.Path, u.RawPath = "", ""
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// SameOrigin returns the path and query of a URL that an answer gave to go on with. It must
// stay on the origin that the session belongs to.
func SameOrigin(base *url.URL, next string) (string, error) {
	u, err := base.Parse(next)
	if err != nil {
		return "", catalog.New(sink.Network, catalog.CodeBadAnswer, "the answer's follow-up address cannot be read")
	}
	if u.Scheme != base.Scheme || !strings.EqualFold(u.Host, base.Host) || u.User != nil {
		return "", catalog.New(sink.Network, catalog.CodeBadAnswer, "the answer's follow-up address leads to another host, "+u.Hostname())
	}
	return u.RequestURI(), nil
}
