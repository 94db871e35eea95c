package auth

import (
	"net/http"
	"strings"
	"time"

	"sfsync/sink/localorg/rest"
)

// maxSessions bounds the live sessions; the one that was not used for longest goes first.
const maxSessions = 1000

// session is an access token in use.
type session struct {
	user   string
	scope  string
	grant  string // the refresh token it came with or from, "" if there is none
	issued time.Time
	used   time.Time
	// lasting is set for that of the org's own credentials, which does not end by being idle.
	lasting bool
}

// Enter returns the user whose session a request has, and keeps the session alive, or the refusal: it has none
// that is good for the REST API.
func (s *Server) Enter(h http.Header) (*User, *rest.Response) {
	return s.enter(headerToken(h), true)
}

// EnterSession is Enter for a session id that stands in the request itself, as in a SOAP header.
func (s *Server) EnterSession(id string) (*User, *rest.Response) { return s.enter(id, true) }

// headerToken returns the access token of a request, "" if it has none.
func headerToken(h http.Header) string {
	if scheme, t, found := strings.Cut(h.Get("Authorization"), " "); found &&
		(strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "OAuth")) {
		return strings.TrimSpace(t)
	}
	return h.Get("X-Sfdc-Session")
}

func (s *Server) enter(token string, api bool) (*User, *rest.Response) {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	ses := s.live(token, now)
	var a *account
	if ses != nil {
		a = s.accounts[ses.user]
	}
	switch {
	case a == nil:
		return nil, rest.Failure(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
	case api && !hasScope(ses.scope, "api"):
		return nil, rest.Failure(http.StatusUnauthorized, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")
	}
	ses.used = now
	return a.user(), nil
}

// live returns the session of a token, nil if there is none or it has ended. mu must be held.
func (s *Server) live(token string, now time.Time) *session {
	ses := s.sessions[token]
	if ses == nil {
		return nil
	}
	if !ses.lasting && now.Sub(ses.used) > s.state.Settings.timeout() {
		delete(s.sessions, token)
		return nil
	}
	return ses
}

// open makes a session and returns its access token. mu must be held.
func (s *Server) open(ses session) (string, error) {
	text, err := s.secret(64)
	if err != nil {
		return "", err
	}
	token := s.cfg.OrganizationID[:15] + "!" + text
	for len(s.sessions) >= maxSessions {
		oldest := ""
		for t, other := range s.sessions {
			if oldest == "" || other.used.Before(s.sessions[oldest].used) {
				oldest = t
			}
		}
		delete(s.sessions, oldest)
	}
	now := s.cfg.Now()
	ses.issued, ses.used = now, now
	s.sessions[token] = &ses
	return token, nil
}

// Expire ends all sessions, that of the org's own access token too.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// Leave ends one session and reports whether there was one.
func (s *Server) Leave(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ses := s.live(token, s.cfg.Now())
	delete(s.sessions, token)
	return ses != nil
}

// endSessions ends those sessions for which gone says so. mu must be held.
func (s *Server) endSessions(gone func(*session) bool) {
	for t, ses := range s.sessions {
		if gone(ses) {
			delete(s.sessions, t)
		}
	}
}
