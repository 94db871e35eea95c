// Package conditional answers requests for records that hang on what the caller knows of them: If-Match,
// If-None-Match, If-Modified-Since and If-Unmodified-Since (REST API guide, "Conditional Requests").
package conditional

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// Handler stands in front of the resources of records.
type Handler struct {
	Gate *rest.Gate
	// Next answers a request whose conditions hold.
	Next func(context.Context, *rest.Request) *rest.Response
}

// headers are the conditions that a request can have.
type headers struct {
	match, noneMatch       string
	modified, unmodified   time.Time
	hasModified, hasBefore bool
}

func parse(h http.Header) (c headers, any bool) {
	c.match, c.noneMatch = h.Get("If-Match"), h.Get("If-None-Match")
	date := func(name string) (t time.Time, given bool) {
		text := h.Get(name)
		if text == "" {
			return t, false
		}
		t, err := http.ParseTime(text)
		return t, err == nil // what is no date is ignored
	}
	c.modified, c.hasModified = date("If-Modified-Since")
	c.unmodified, c.hasBefore = date("If-Unmodified-Since")
	return c, c.match != "" || c.noneMatch != "" || c.hasModified || c.hasBefore
}

// state is a record as it is.
type state struct {
	there    bool
	etag     string // "" where the object has none
	modified time.Time
}

// SObjects answers /sobjects and what is below it.
func (h Handler) SObjects(ctx context.Context, rq *rest.Request) *rest.Response {
	cond, any := parse(rq.Header)
	if len(rq.Segs) == 3 && rq.Segs[2] == "describe" && rq.Method == http.MethodGet {
		return h.describe(ctx, rq, cond)
	}
	tagged, isRecord := h.record(rq)
	switch {
	case !isRecord || !any && !(tagged && rq.Method == http.MethodGet):
		return h.Next(ctx, rq)
	case rq.Method == http.MethodGet:
		return h.get(ctx, rq, cond, tagged)
	case rq.Method == http.MethodPatch || rq.Method == http.MethodDelete:
		return h.change(ctx, rq, cond, tagged)
	}
	return h.Next(ctx, rq)
}

// describe adds an entity tag to a describe; its date is the next handler's matter.
func (h Handler) describe(ctx context.Context, rq *rest.Request, cond headers) *rest.Response {
	res := h.Next(ctx, rq)
	if res.Status != http.StatusOK || res.Header == nil {
		return res
	}
	now := state{there: true, etag: tag(res.Body)}
	res.Header.Set("ETag", now.etag)
	if cond.noneMatch != "" && cond.unchanged(now) {
		return &rest.Response{Status: http.StatusNotModified, Header: res.Header}
	}
	return res
}

// tag is the entity tag of a body.
func tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.StdEncoding.EncodeToString(sum[:20]) + `"`
}

// record reports whether the request is for a record, and whether such have entity tags: those of
// Account do.
func (h Handler) record(rq *rest.Request) (tagged, isRecord bool) {
	s := rq.Segs
	if len(s) < 3 {
		return false, false
	}
	if _, valid := catalog.NormalID(s[2]); len(s) == 3 && !valid {
		return false, false
	}
	return strings.EqualFold(s[1], "Account"), true
}

func (h Handler) get(ctx context.Context, rq *rest.Request, cond headers, tagged bool) *rest.Response {
	now, res := h.state(ctx, rq, tagged)
	if !now.there {
		return h.Next(ctx, rq)
	}
	head := http.Header{"Last-Modified": {now.modified.UTC().Format(http.TimeFormat)}}
	if tagged {
		head.Set("ETag", now.etag)
	}
	if cond.fails(now) {
		return failed()
	}
	if cond.unchanged(now) {
		return &rest.Response{Status: http.StatusNotModified, Header: head}
	}
	if rq.Query.Has("fields") {
		res = h.Next(ctx, rq)
	} else {
		rq.Entry.Records++
	}
	if res.Header == nil {
		res.Header = http.Header{}
	}
	for k, v := range head {
		res.Header[k] = v
	}
	return res
}

// errUndo rolls a change back whose answer says that it failed.
var errUndo = errors.New("undo")

// change carries out a change if the record is what the caller takes it for, in one transaction.
func (h Handler) change(ctx context.Context, rq *rest.Request, cond headers, tagged bool) *rest.Response {
	var res *rest.Response
	err := h.Gate.Update(ctx, rq, func(*store.Tx) error {
		now, _ := h.state(ctx, rq, tagged)
		if cond.fails(now) || cond.noneMatch != "" && cond.unchanged(now) {
			res = failed()
			return nil
		}
		if res = h.Next(ctx, rq); res.Status >= http.StatusInternalServerError {
			return errUndo
		}
		return nil
	})
	if err != nil && !errors.Is(err, errUndo) {
		return h.Gate.Internal(rq, err)
	}
	return res
}

// failed is the answer if a condition does not hold. Its body is unconfirmed.
func failed() *rest.Response {
	return &rest.Response{Status: http.StatusPreconditionFailed}
}

// state reads the record, all of it that the caller sees, and returns the answer that has it too.
func (h Handler) state(ctx context.Context, rq *rest.Request, tagged bool) (state, *rest.Response) {
	look := *rq
	look.Method, look.Query, look.Header, look.Entry = http.MethodGet, nil, http.Header{}, new(journal.Request)
	res := h.Next(ctx, &look)
	if res.Status != http.StatusOK {
		return state{}, res
	}
	now := state{there: true}
	if tagged {
		now.etag = tag(res.Body)
	}
	const name = `"LastModifiedDate":"`
	if i := bytes.Index(res.Body, []byte(name)); i >= 0 {
		text, _, _ := bytes.Cut(res.Body[i+len(name):], []byte{'"'})
		now.modified, _ = time.Parse("2006-01-02T15:04:05.000-0700", string(text)) // the zero time if it is another
	}
	return now, res
}

// fails reports whether a condition stands against the request.
func (c *headers) fails(now state) bool {
	switch {
	case c.match != "":
		return !now.there || now.etag != "" && !lists(c.match, now.etag)
	case c.hasBefore:
		return now.there && now.modified.After(c.unmodified)
	}
	return false
}

// unchanged reports whether the caller knows the record as it is.
func (c *headers) unchanged(now state) bool {
	switch {
	case !now.there:
		return false
	case c.noneMatch != "":
		return c.noneMatch == "*" || now.etag != "" && lists(c.noneMatch, now.etag)
	case c.hasModified:
		return !now.modified.After(c.modified)
	}
	return false
}

// lists reports whether a list of entity tags holds one. The suffix that some servers give the tags of
// compressed answers does not count.
func lists(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if bare, found := strings.CutSuffix(tag, `-gzip"`); found {
			tag = strings.TrimSuffix(bare, "-") + `"`
		}
		if tag == "*" || tag == etag {
			return true
		}
	}
	return false
}
