package localorg

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/wire"
)

// maxChunks is how many runs of one type a collection may have (REST API guide).
const maxChunks = 10

// maxRetrieve is the most ids of a retrieve by POST.
const maxRetrieve = 2000

// collections answers /composite/sobjects and what is below it.
func (o *Org) collections(ctx context.Context, rq *request) *response {
	s := rq.segs[2:]
	switch len(s) {
	case 0:
		switch rq.method {
		case http.MethodPost:
			return o.writeCollection(ctx, rq, store.Create, nil, nil)
		case http.MethodPatch:
			return o.writeCollection(ctx, rq, store.Update, nil, nil)
		case http.MethodDelete:
			return o.deleteCollection(ctx, rq)
		}
		return methodNotAllowed(rq.method, "POST", "PATCH", "DELETE")
	case 1:
		ob, missing := o.object(s[0])
		if missing != nil {
			return missing
		}
		return o.retrieve(ctx, rq, ob)
	case 2:
		ob, missing := o.object(s[0])
		if missing != nil {
			return missing
		}
		if rq.method != http.MethodPatch {
			return methodNotAllowed(rq.method, "PATCH")
		}
		key := ob.Field(s[1])
		if key == nil || !key.IsKey() {
			return failure(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+s[1])
		}
		return o.writeCollection(ctx, rq, store.Upsert, ob, key)
	}
	return notFound()
}

// writeCollection creates, updates or upserts up to 200 records in one transaction.
func (o *Org) writeCollection(ctx context.Context, rq *request, op store.Op, ob *catalog.Object, key *catalog.Field) *response {
	body, err := o.store.Catalog().ParseRecords(rq.body, catalog.Options{Object: ob, NeedType: true, Max: maxRecords})
	if err != nil {
		return o.refuseBody(rq, err)
	}
	chunks := 0
	for i, r := range body.Records {
		if i == 0 || r.Object != body.Records[i-1].Object {
			chunks++
		}
	}
	if chunks > maxChunks {
		return failure(http.StatusBadRequest, "LIMIT_EXCEEDED", "The request has more than 10 chunks of records of one type: sort the records by type")
	}
	ch := &store.Change{Op: op, Key: key, Records: body.Records, AllOrNone: body.AllOrNone}
	results, err := o.write(ctx, rq, ch)
	if err != nil {
		return o.internal(rq, err)
	}
	return collectionAnswer(results, op == store.Upsert)
}

// collectionAnswer gives one entry a record, in order. `created` is there for upserts only.
func collectionAnswer(results []store.Result, upsert bool) *response {
	res := &response{status: http.StatusOK}
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
			res.failed = true
			b = append(append(b, `"success":false,"errors":[{"statusCode":`...), wire.Quote(r.Err.Code)...)
			b = append(append(b, `,"message":`...), wire.Quote(r.Err.Message)...)
			b = append(appendFields(b, r.Err.Fields), "}]}"...)
			continue
		}
		b = append(b, `"success":true,"errors":[]`...)
		switch {
		case upsert && r.Created:
			b = append(b, `,"created":true`...)
		case upsert:
			b = append(b, `,"created":false`...)
		}
		b = append(b, '}')
	}
	b = append(b, ']')
	res.body = b
	return res
}

// idList splits ?ids=.
func idList(rq *request) []string {
	var ids []string
	for id := range strings.SplitSeq(rq.query.Get("ids"), ",") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (o *Org) deleteCollection(ctx context.Context, rq *request) *response {
	ids := idList(rq)
	switch {
	case len(ids) == 0:
		return failure(http.StatusBadRequest, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
	case len(ids) > maxRecords:
		return failure(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
	}
	rq.entry.Records += len(ids)
	var results []store.Result
	err := o.update(ctx, rq, func(tx *store.Tx) (err error) {
		results, err = tx.Delete(ids, strings.EqualFold(rq.query.Get("allOrNone"), "true"))
		return err
	})
	if err != nil {
		return o.internal(rq, err)
	}
	return collectionAnswer(results, false)
}

// retrieve answers /composite/sobjects/X with records by id; null stands for those that are
// not there.
func (o *Org) retrieve(ctx context.Context, rq *request, ob *catalog.Object) *response {
	var ids []string
	list := rq.query.Get("fields")
	switch rq.method {
	case http.MethodGet:
		ids = idList(rq)
	case http.MethodPost:
		var body struct {
			IDs    []string `json:"ids"`
			Fields []string `json:"fields"`
		}
		if err := json.Unmarshal(rq.body, &body); err != nil {
			return failure(http.StatusBadRequest, "JSON_PARSER_ERROR", err.Error())
		}
		ids, list = body.IDs, strings.Join(body.Fields, ",")
	default:
		return methodNotAllowed(rq.method, "GET", "POST")
	}
	switch {
	case len(ids) == 0 || list == "":
		return failure(http.StatusBadRequest, "REQUIRED_FIELD_MISSING", "ids and fields are required")
	case len(ids) > maxRetrieve:
		return failure(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 2000 records into this call")
	}
	fields, bad := selectFields(ob, list)
	if bad != nil {
		return bad
	}
	for i := range ids {
		ids[i] = catalog.ID18(ids[i])
	}
	recs, _, err := o.readRecords(ctx, rq, ob, fields, ids)
	if err != nil {
		return o.internal(rq, err)
	}
	rq.entry.Records += len(recs)
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
	return &response{status: http.StatusOK, body: append(b, ']')}
}
