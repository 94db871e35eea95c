package fetch

import (
	"net/netip"
	"net/url"
	"strings"

	"sfsync/pipeline/source"
)

// Is reports whether a FILE is a URL that this package reads.
func Is(file string) bool {
	scheme, _, ok := strings.Cut(file, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// Address is the URL of an input. Its user and password, and its query, may be secrets: they are sent, and
// never shown.
type Address struct {
	url      *url.URL // without user and fragment
	user     string
	password string
}

// Parse parses a URL. The error is a [*source.Error] that does not show it.
func Parse(text string) (*Address, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		scheme, _, _ := strings.Cut(text, "://")
		return nil, &source.Error{Path: strings.ToLower(scheme) + "://…", Class: source.ErrOption, Message: "is no valid URL: it is https://HOST/PATH, in which unusual characters are escaped (%20)"}
	}
	a := &Address{url: u}
	u.Scheme, u.Host, u.Fragment, u.RawFragment = strings.ToLower(u.Scheme), strings.ToLower(u.Host), "", ""
	if u.User != nil {
		a.user = u.User.Username()
		a.password, _ = u.User.Password()
		u.User = nil
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			return nil, a.problem(source.ErrOption, "would send its password in clear text: use https", nil)
		}
	}
	return a, nil
}

// String returns the URL without user, password, query and fragment.
func (a *Address) String() string {
	shown := url.URL{Scheme: a.url.Scheme, Host: a.url.Host, Path: a.url.Path, RawPath: a.url.RawPath}
	return shown.String()
}

// Login reports whether the URL has a user or password.
func (a *Address) Login() bool { return a.user != "" || a.password != "" }

// Secret reports whether String leaves anything out that the server gets.
func (a *Address) Secret() bool { return a.Login() || a.url.RawQuery != "" }

// Same reports whether two URLs ask for the same.
func (a *Address) Same(b *Address) bool {
	return *a.url == *b.url && a.user == b.user && a.password == b.password
}

func (a *Address) problem(class error, message string, cause error) *source.Error {
	return &source.Error{Path: a.String(), Class: class, Message: message, Err: cause}
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
