package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"sfsync/sink/localorg/rest"
)

// Admin answers those resources under /_org that are about logins, and nil for all others; who may ask for them
// is the caller's affair.
//
//	POST /_org/jwt-key  {"pem":"-----BEGIN CERTIFICATE-----…"}, or the PEM itself as the body
//	POST /_org/users    a NewUser; the answer is a Login
//	GET  /_org/app      the Settings
//	POST /_org/app      replaces them
func (s *Server) Admin(ctx context.Context, rq *rest.Request) *rest.Response {
	switch rq.Path {
	case "/_org/jwt-key", "/_org/users":
		if rq.Method != http.MethodPost {
			return rest.MethodNotAllowed(rq.Method, http.MethodPost)
		}
	case "/_org/app":
		if rq.Method != http.MethodPost && rq.Method != http.MethodGet {
			return rest.MethodNotAllowed(rq.Method, http.MethodGet, http.MethodPost)
		}
	default:
		return nil
	}
	switch {
	case rq.Path == "/_org/jwt-key":
		return s.adminKey(ctx, rq)
	case rq.Path == "/_org/users":
		return s.adminUser(ctx, rq)
	case rq.Method == http.MethodGet:
		return rest.OK(s.Settings())
	}
	var set Settings
	if bad := decode(rq, &set); bad != nil {
		return bad
	}
	if err := s.Configure(ctx, set); err != nil {
		return invalidInput(err)
	}
	return rest.OK(s.Settings())
}

func (s *Server) adminKey(ctx context.Context, rq *rest.Request) *rest.Response {
	text := rq.Body
	if !strings.HasPrefix(strings.TrimSpace(string(text)), "-----BEGIN") {
		var body struct {
			PEM string `json:"pem"`
		}
		if bad := decode(rq, &body); bad != nil {
			return bad
		}
		text = []byte(body.PEM)
	}
	if err := s.AddKey(ctx, text); err != nil {
		return invalidInput(err)
	}
	return &rest.Response{Status: http.StatusNoContent}
}

func (s *Server) adminUser(ctx context.Context, rq *rest.Request) *rest.Response {
	var n NewUser
	if bad := decode(rq, &n); bad != nil {
		return bad
	}
	login, err := s.AddUser(ctx, n)
	switch {
	case errors.Is(err, ErrUser):
		return invalidInput(err)
	case err != nil:
		return rest.Failure(http.StatusInternalServerError, "UNKNOWN_EXCEPTION", err.Error())
	}
	res := rest.OK(login)
	res.Status = http.StatusCreated
	return res
}

// decode reads a body; a key that means nothing here is refused, since it is most often misspelt.
func decode(rq *rest.Request, to any) *rest.Response {
	dec := json.NewDecoder(strings.NewReader(string(rq.Body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return rest.Failure(http.StatusBadRequest, "JSON_PARSER_ERROR", err.Error())
	}
	return nil
}

func invalidInput(err error) *rest.Response {
	return rest.Failure(http.StatusBadRequest, "INVALID_INPUT", err.Error())
}
