package records

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/wire"
)

// maxChunks is how many runs of one type a collection may have (REST API guide).
const maxChunks = 10

// maxRetrieve is the most ids of a retrieve by POST.
const maxRetrieve = 2000

// Collections answers /composite/sobjects and what is below it.
func (h Handler) Collections(ctx context.Context, rq *rest.Request) *rest.Response {
	s := rq.Segs[2:]
	switch len(s) {
	case 0:
		switch rq.Method {
		case http.MethodPost:
			return h.writeCollection(ctx, rq, store.Create, nil, nil)
		case http.MethodPatch:
			return h.writeCollection(ctx, rq, store.Update, nil, nil)
		case http.MethodDelete:
			return h.deleteCollection(ctx, rq)
		}
		return rest.MethodNotAllowed(rq.Method, "POST", "PATCH", "DELETE")
	case 1:
		ob, missing := rq.Object(s[0])
		if missing != nil {
			return missing
		}
		return h.retrieve(ctx, rq, ob)
	case 2:
		ob, missing := rq.Object(s[0])
		if missing != nil {
			return missing
		}
		if rq.Method != http.MethodPatch {
			return rest.MethodNotAllowed(rq.Method, "PATCH")
		}
		key := ob.Field(s[1])
		if key == nil || !key.IsKey() {
			return rest.Failure(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+s[1])
		}
		return h.writeCollection(ctx, rq, store.Upsert, ob, key)
	}
	return rest.NotFound()
}

// writeCollection creates, updates or upserts up to 200 records in one transaction.
func (h Handler) writeCollection(ctx context.Context, rq *rest.Request, op store.Op, ob *catalog.Object, key *catalog.Field) *rest.Response {
	body, err := rq.Catalog.ParseRecords(rq.Body, catalog.Options{Object: ob, NeedType: true, Max: maxRecords})
	if err != nil {
		return h.Gate.RefuseBody(rq, err)
	}
	chunks := 0
	for i, r := range body.Records {
		if i == 0 || r.Object != body.Records[i-1].Object {
			chunks++
		}
	}
	if chunks > maxChunks {
		return rest.Failure(http.StatusBadRequest, "LIMIT_EXCEEDED", "The request has more than 10 chunks of records of one type: sort the records by type")
	}
	ch := &store.Change{Op: op, Key: key, Records: body.Records, AllOrNone: body.AllOrNone}
	if bad := rest.RuleHeaders(rq.Header, ch); bad != nil {
		return bad
	}
	results, err := h.Gate.Write(ctx, rq, ch)
	if err != nil {
		return h.Gate.Internal(rq, err)
	}
	return collectionAnswer(results, op == store.Upsert)
}

// collectionAnswer gives one entry a record, in order. `created` is there for upserts only.
func collectionAnswer(results []store.Result, upsert bool) *rest.Response {
	res := &rest.Response{Status: http.StatusOK}
	b := append(make([]byte, 0, len(results)*80), '[')
	for i := range results {
		r := &results[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if r.ID != "" {
			b = append(append(append(b, `"id":`...), wire.Quote(r.ID)...), ',')
		}
		if r.Err != nil {
			res.Failed = true
			b = appendRefusal(append(b, `"success":false,"errors":[`...), r.Err)
			for _, e := range r.Err.More {
				b = appendRefusal(append(b, ','), e)
			}
			b = append(b, "]}"...)
			continue
		}
		b = append(append(b, `"success":true,"errors":`...), enqueued(r)...)
		switch {
		case upsert && r.Created:
			b = append(b, `,"created":true`...)
		case upsert:
			b = append(b, `,"created":false`...)
		}
		b = append(b, '}')
	}
	b = append(b, ']')
	res.Body = b
	return res
}

// appendRefusal appends one error of a record.
func appendRefusal(b []byte, e *catalog.Error) []byte {
	b = append(append(b, `{"statusCode":`...), wire.Quote(e.Code)...)
	b = append(append(b, `,"message":`...), wire.Quote(e.Message)...)
	return append(rest.AppendFields(b, e.Fields), '}')
}

// enqueued is the list of errors of a record that was accepted: empty, but for a platform event the
// notice that it will be published (REST API guide, "Publish Platform Events").
func enqueued(r *store.Result) string {
	if r.Enqueued == "" {
		return "[]"
	}
	return `[{"statusCode":"OPERATION_ENQUEUED","message":"` + r.Enqueued + `","fields":[]}]`
}

// idList splits ?ids=.
func idList(rq *rest.Request) []string {
	var ids []string
	for id := range strings.SplitSeq(rq.Query.Get("ids"), ",") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (h Handler) deleteCollection(ctx context.Context, rq *rest.Request) *rest.Response {
	ids := idList(rq)
	switch {
	case len(ids) == 0:
		return rest.Failure(http.StatusBadRequest, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
	case len(ids) > maxRecords:
		return rest.Failure(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
	}
	results, err := h.Gate.Delete(ctx, rq, ids, strings.EqualFold(rq.Query.Get("allOrNone"), "true"))
	if err != nil {
		return h.Gate.Internal(rq, err)
	}
	return collectionAnswer(results, false)
}

// retrieve answers /composite/sobjects/X with records by id; null stands for those that are
// not there.
func (h Handler) retrieve(ctx context.Context, rq *rest.Request, ob *catalog.Object) *rest.Response {
	var ids []string
	list := rq.Query.Get("fields")
	switch rq.Method {
	case http.MethodGet:
		ids = idList(rq)
	case http.MethodPost:
		var body struct {
			IDs    []string `json:"ids"`
			Fields []string `json:"fields"`
		}
		if err := json.Unmarshal(rq.Body, &body); err != nil {
			return rest.Failure(http.StatusBadRequest, "JSON_PARSER_ERROR", err.Error())
		}
		ids, list = body.IDs, strings.Join(body.Fields, ",")
	default:
		return rest.MethodNotAllowed(rq.Method, "GET", "POST")
	}
	switch {
	case len(ids) == 0 || list == "":
		return rest.Failure(http.StatusBadRequest, "REQUIRED_FIELD_MISSING", "ids and fields are required")
	case len(ids) > maxRetrieve:
		return rest.Failure(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 2000 records into this call")
	}
	fields, bad := selectFields(ob, list)
	if bad != nil {
		return bad
	}
	for i := range ids {
		ids[i] = catalog.ID18(ids[i])
	}
	recs, _, err := h.readRecords(ctx, rq, ob, fields, ids)
	if err != nil {
		return h.Gate.Internal(rq, err)
	}
	rq.Entry.Records += len(recs)
	b := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		if rec := recs[id]; rec != nil {
			b = append(b, rec...)
		} else {
			b = append(b, "null"...)
		}
	}
	return &rest.Response{Status: http.StatusOK, Body: append(b, ']')}
}
