package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// filesCmd serves the files of a directory over HTTP, at $FILES, until the script ends: files DIR. The first part of
// a path says how:
//
//	plain   as they are, with an ETag
//	broken  so that the connection of the first request breaks half-way
//	cut     so that every connection does, without an ETag
//	login   to user me with the password hush only
//	signed  with the query sig=hush only
//	moved   by a redirect to plain
//	busy    never: 503 with nothing to wait for
func filesCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: files DIR")
	}
	s := &fileServer{dir: ts.MkAbs(args[0]), broken: map[string]bool{}}
	srv := httptest.NewServer(s)
	ts.Defer(srv.Close)
	ts.Setenv("FILES", srv.URL)
	ts.Setenv("LOGIN", strings.Replace(srv.URL, "://", "://me:hush@", 1))
}

type fileServer struct {
	dir string

	mu     sync.Mutex
	broken map[string]bool
}

func (s *fileServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	how, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	text, err := os.ReadFile(filepath.Join(s.dir, filepath.Base(name)))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	half := func() {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.Write(text[:len(text)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	if how != "cut" {
		w.Header().Set("ETag", fmt.Sprintf(`"%d-%s"`, len(text), name))
	}
	user, password, _ := r.BasicAuth()
	switch {
	case how == "cut":
		half()
	case how == "broken":
		s.mu.Lock()
		again := s.broken[name]
		s.broken[name] = true
		s.mu.Unlock()
		if !again {
			half()
		}
	case how == "moved":
		http.Redirect(w, r, "/plain/"+name, http.StatusFound)
		return
	case how == "busy":
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case how == "login" && (user != "me" || password != "hush"):
		w.WriteHeader(http.StatusUnauthorized)
		return
	case how == "signed" && r.URL.Query().Get("sig") != "hush":
		w.WriteHeader(http.StatusForbidden)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(text)))
}
