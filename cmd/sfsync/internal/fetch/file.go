package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sfsync/pipeline/source"
	"sfsync/sink/retry"
)

// file is the bytes that a server has under an address, over as many connections as it takes.
type file struct {
	client  *Client
	ctx     context.Context //nolint:containedctx // an io.Reader has none to take
	address *Address

	answer *http.Response // nil while there is no connection
	cancel context.CancelCauseFunc
	offset int64
	total  int64  // -1 while it is not known
	etag   string // a strong one, or ""
	coding string // Content-Encoding
	tries  int    // since something has come
	since  int64  // what has come by this connection
	err    error  // final
}

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	if f.err == nil && f.answer == nil {
		f.err = f.connect()
	}
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.receive(p)
	f.offset += int64(n)
	if f.since += int64(n); f.since >= progress {
		f.tries = 0
	}
	switch {
	case err == nil:
	case f.offset == f.total, f.total < 0 && errors.Is(err, io.EOF): // what goes wrong behind the last byte does not matter
		f.close()
		f.err = io.EOF
	default:
		f.close()
		f.err = f.broken(err)
	}
	return n, f.err
}

// receive reads from the connection, which may not be silent for too long.
func (f *file) receive(p []byte) (int, error) {
	cancel := f.cancel // of this connection, should the timer fire while it ends
	silent := time.AfterFunc(f.client.idle, func() { cancel(errSilent) })
	defer silent.Stop()
	n, err := f.answer.Body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(f.answer.Request.Context()), errSilent) {
		err = errSilent
	}
	return n, err
}

var errSilent = errors.New("the server was silent for too long")

// broken says whether a connection that broke is taken up: nil if it is.
func (f *file) broken(cause error) error {
	if f.ctx.Err() != nil {
		return f.ctx.Err()
	}
	if errors.Is(cause, io.EOF) {
		cause = io.ErrUnexpectedEOF
	}
	where := f.brokenAt()
	if f.total >= 0 {
		where += fmt.Sprintf(" of %d", f.total)
	}
	switch {
	case f.offset > 0 && f.etag == "":
		return f.address.problem(source.ErrUnavailable, where+", and the server gives no strong ETag by which to ask for the rest: "+
			"try again, or download the file and name it", cause)
	case f.tries >= f.client.policy.Attempts:
		return f.address.problem(source.ErrUnavailable, where+fmt.Sprintf(" for the %dth time: try again", f.tries), cause)
	}
	f.client.warn("%s: %s (%v): going on from there", f.address, where, cause)
	return nil
}

func (f *file) brokenAt() string { return fmt.Sprintf("the connection broke after %d bytes", f.offset) }

// connect asks for what has not come yet, until an answer gives it.
func (f *file) connect() error {
	for wait := time.Duration(0); ; {
		if f.tries > 0 {
			if retry.Sleep(f.ctx, max(wait, f.client.policy.Delay(f.tries, rand.Float64()))) != nil {
				return f.ctx.Err()
			}
		}
		f.tries++
		err := f.request()
		if err == nil {
			return nil
		}
		f.close()
		if f.ctx.Err() != nil {
			return f.ctx.Err()
		}
		var r *refusal
		if !errors.As(err, &r) {
			return err
		}
		if !r.passing || f.tries >= f.client.policy.Attempts {
			return r.problem
		}
		f.client.warn("%v: trying again", r.problem)
		wait = r.wait
	}
}

// request sends one request, and looks whether the answer gives what was asked for.
func (f *file) request() error {
	ctx, cancel := context.WithCancelCause(f.ctx)
	f.cancel = cancel
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.address.url.String(), http.NoBody)
	if err != nil {
		return f.address.problem(source.ErrOption, "is no valid URL", nil)
	}
	req.Header.Set("User-Agent", f.client.agent)
	req.Header.Set("Accept-Encoding", "identity")
	if f.address.Login() {
		req.SetBasicAuth(f.address.user, f.address.password)
	}
	if f.offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", f.offset))
		req.Header.Set("If-Range", f.etag)
	}
	f.answer, err = f.client.http.Do(req) //nolint:bodyclose // close does
	if err != nil {
		f.answer = nil
		return f.unreached(err)
	}
	f.since = 0
	if f.offset > 0 {
		return f.goOn()
	}
	return f.begin()
}

// begin looks at the first answer.
func (f *file) begin() error {
	a := f.answer
	if a.StatusCode != http.StatusOK {
		return f.refused(a)
	}
	if a.ContentLength < 0 && a.ProtoMajor == 1 && !slices.Contains(a.TransferEncoding, "chunked") {
		return f.refuse(source.ErrUnreadable, "the server does not say how long it is, so that one cut off could not be told from a whole one: download the file and name it", nil)
	}
	f.total, f.coding, f.etag = a.ContentLength, a.Header.Get("Content-Encoding"), a.Header.Get("ETag")
	if len(f.etag) < 2 || f.etag[0] != '"' { // W/"…" is a weak one: the bytes may differ
		f.etag = ""
	}
	return nil
}

// goOn looks at an answer that is to begin where the last connection broke.
func (f *file) goOn() error {
	a := f.answer
	switch a.StatusCode {
	case http.StatusPartialContent:
		from, total, ok := contentRange(a.Header.Get("Content-Range"))
		tag := a.Header.Get("ETag") // it has to be there (RFC 9110, 15.3.7): a server may not know If-Range
		switch {
		case !ok, from != f.offset, f.total >= 0 && total >= 0 && total != f.total, tag == "":
			return f.refuse(source.ErrUnreadable, "the server sends another part of it than was asked for: try again, or download the file and name it", nil)
		case tag != f.etag:
			return f.changed()
		case f.total < 0 && total < 0: // the part may end before the file does
			return f.refuse(source.ErrUnreadable, f.brokenAt()+", and the server does not say how long it is: try again, or download the file and name it", nil)
		}
		f.total = max(f.total, total)
		return nil
	case http.StatusOK: // the whole: it has changed, or the server sends no parts
		if a.Header.Get("ETag") != f.etag || f.total >= 0 && a.ContentLength != f.total {
			return f.changed()
		}
		return f.refuse(source.ErrUnavailable, f.brokenAt()+", and the server sends no parts: try again, or download the file and name it", nil)
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return f.changed()
	}
	return f.refused(a)
}

func (f *file) changed() error {
	return f.refuse(source.ErrUnreadable, "it has changed on the server while it was read: try again", nil)
}

// contentRange parses bytes FROM-TO/TOTAL; total is -1 where it is *.
func contentRange(s string) (from, total int64, ok bool) {
	s, found := strings.CutPrefix(s, "bytes ")
	part, whole, cut := strings.Cut(s, "/")
	first, _, dash := strings.Cut(part, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	total = -1
	if whole != "*" && err == nil {
		total, err = strconv.ParseInt(whole, 10, 64)
	}
	return from, total, found && cut && dash && err == nil
}

// close ends the connection.
func (f *file) close() {
	if f.answer != nil {
		_ = f.answer.Body.Close() // only read from
		f.answer = nil
	}
	if f.cancel != nil {
		f.cancel(nil)
		f.cancel = nil
	}
}
