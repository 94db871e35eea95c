package query

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sfsync/sink/localorg/cursor"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/virtual"
)

// The sizes of a query's pages (REST API guide, Query Options header).
const (
	defaultPage = 2000
	minPage     = 200
)

// maxTime is how long a query or a search may run (SOQL reference, Limits).
const maxTime = 2 * time.Minute

// Handler answers queries. It is safe for concurrent use.
type Handler struct {
	Gate *rest.Gate
	// Now is the org's clock.
	Now func() time.Time
	// Org returns what computed objects show of the org to the caller of a request.
	Org func(*rest.Request) virtual.Org
	// NewID returns the id of a new cursor.
	NewID func() string

	cursors cursor.Set
}

// Close gives up the answers of which pages are still to be fetched.
func (h *Handler) Close() { h.cursors.Close() }

// Query answers /query and /queryAll, and their further pages.
func (h *Handler) Query(ctx context.Context, rq *rest.Request) *rest.Response {
	return h.query(ctx, rq, rq.Segs, rq.Base)
}

// query answers for the segments from "query" on; base is what the addresses of records begin with.
func (h *Handler) query(ctx context.Context, rq *rest.Request, segs []string, base string) *rest.Response {
	if rq.Method != http.MethodGet {
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	}
	switch {
	case len(segs) == 2:
		return h.nextPage(rq, segs[1], base)
	case len(segs) > 2:
		return rest.NotFound()
	}
	text, explain := rq.Query.Get("q"), rq.Query.Get("explain")
	if text == "" {
		text = explain
	}
	if text == "" {
		return rest.Failure(http.StatusBadRequest, "MALFORMED_QUERY", "A query string has to be specified")
	}
	q, err := h.Compile(rq, text, strings.EqualFold(segs[0], "queryAll"))
	switch {
	case err != nil:
		return h.refuse(rq, err)
	case explain != "":
		return h.explain(ctx, rq, q)
	case strings.EqualFold(rq.Query.Get("columns"), "true"):
		return rest.OK(metadata(q))
	}
	return h.run(ctx, rq, q, base)
}

// Compile compiles a query for the caller of a request. A text that is no query gives a *[soql.Error].
func (h *Handler) Compile(rq *rest.Request, text string, deleted bool) (*soql.Query, error) {
	org := h.Org(rq)
	return soql.Compile(Catalog(rq.Catalog, org, deleted), text, soql.Options{Now: h.Now(), Deleted: deleted, User: org.UserID})
}

// refuse is the answer to a text that is no query.
func (h *Handler) refuse(rq *rest.Request, err error) *rest.Response {
	if e, isQuery := errors.AsType[*soql.Error](err); isQuery {
		return rest.Failure(http.StatusBadRequest, e.Code, e.Message)
	}
	return h.Gate.Internal(rq, err)
}

func pageSize(h http.Header) int {
	for part := range strings.SplitSeq(h.Get("Sforce-Query-Options"), ",") {
		if v, found := strings.CutPrefix(strings.TrimSpace(part), "batchSize="); found {
			if n, err := strconv.Atoi(v); err == nil {
				return min(max(n, minPage), defaultPage)
			}
		}
	}
	return defaultPage
}

// answer is the answer to a query while it is read: its first page, and the others in a cursor.
type answer struct {
	h     *Handler
	whole bool // it cannot be had in pages
	size  int
	total int
	first []byte
	page  []byte // that is being filled
	cur   *cursor.Cursor
}

// add counts a record in that render appends.
func (a *answer) add(render func(dst []byte) []byte) error {
	if a.total > 0 && a.total%a.size == 0 { // the page is full and there is more
		if a.whole {
			return errGroups
		}
		if err := a.turn(); err != nil {
			return err
		}
	}
	if len(a.page) > 0 {
		a.page = append(a.page, ',')
	}
	a.page = render(a.page)
	a.total++
	return nil
}

// turn puts the full page away.
func (a *answer) turn() (err error) {
	if a.cur == nil {
		a.first, a.page = a.page, nil
		a.cur, err = cursor.New(a.h.NewID(), a.size, a.h.Now())
		return err
	}
	err = a.cur.Add(a.page)
	a.page = a.page[:0]
	return err
}

func (h *Handler) run(ctx context.Context, rq *rest.Request, q *soql.Query, base string) *rest.Response {
	a := &answer{h: h, whole: q.Aggregate, size: pageSize(rq.Header)}
	if a.whole {
		a.size = defaultPage
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	err := h.Gate.View(ctx, rq, func(tx *store.Tx) error {
		if q.Count {
			rows, err := tx.Query(ctx, q.SQL, q.Args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			if rows.Next() {
				err = rows.Scan(&a.total)
			}
			return errors.Join(err, rows.Err())
		}
		err := Each(ctx, tx, q, func(values []any) error {
			return a.add(func(dst []byte) []byte { return q.AppendRecord(dst, base, values) })
		})
		if err != nil || a.cur == nil {
			return err
		}
		return a.cur.Add(a.page)
	})
	switch {
	case errors.Is(err, errGroups):
		return rest.Failure(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", errGroups.Error())
	case err != nil:
		if a.cur != nil {
			a.cur.Close()
		}
		return h.failed(rq, fmt.Errorf("query: %w", err))
	}
	if a.cur == nil {
		return page(rq, a.total, a.total, "", a.page)
	}
	a.cur.Total, a.cur.Owner = a.total, h.Org(rq).UserID
	h.cursors.Keep(a.cur)
	return page(rq, a.total, a.size, base+"/query/"+a.cur.ID+"-"+strconv.Itoa(a.size), a.first)
}

// errGroups refuses an answer of more groups than one page has, in Salesforce's words.
var errGroups = errors.New("Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch")

// errEnough ends [Each].
var errEnough = errors.New("enough records")

// Each calls fn with the values of each row of a query's answer; they are fn's only while it runs. It returns
// fn's error as it is.
func Each(ctx context.Context, tx *store.Tx, q *soql.Query, fn func(values []any) error) error {
	rows, err := tx.Query(ctx, q.SQL, q.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]any, q.Width())
	dest := make([]any, len(values))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := fn(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// failed is the answer to a query that could not be run to its end.
func (h *Handler) failed(rq *rest.Request, err error) *rest.Response {
	if errors.Is(err, context.DeadlineExceeded) {
		return rest.Failure(http.StatusBadRequest, "QUERY_TIMEOUT", "Your query request was running for too long.")
	}
	return h.Gate.Internal(rq, err)
}

// page is the answer with n of the records; next is the address of the next page, "" for none.
func page(rq *rest.Request, total, n int, next string, records []byte) *rest.Response {
	rq.Entry.Records += n
	b := append(make([]byte, 0, len(records)+200), `{"totalSize":`...)
	b = strconv.AppendInt(b, int64(total), 10)
	if next == "" {
		b = append(b, `,"done":true,"records":[`...)
	} else {
		b = append(b, `,"done":false,"nextRecordsUrl":"`+next+`","records":[`...)
	}
	b = append(b, records...)
	return &rest.Response{Status: http.StatusOK, Body: append(b, "]}"...)}
}

// nextPage answers /query/{cursor}-{offset}.
func (h *Handler) nextPage(rq *rest.Request, locator, base string) *rest.Response {
	id, offset, _ := strings.Cut(locator, "-")
	n, err := strconv.Atoi(offset)
	cur, records := h.cursors.Page(id, h.Org(rq).UserID, n, h.Now())
	if err != nil || cur == nil {
		return rest.Failure(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator")
	}
	if next := n + cur.Size; next < cur.Total {
		return page(rq, cur.Total, cur.Size, base+"/query/"+id+"-"+strconv.Itoa(next), records)
	}
	return page(rq, cur.Total, cur.Total-n, "", records)
}
