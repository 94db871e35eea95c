// Package records answers the resources of records: /sobjects and sObject Collections.
package records

import (
	"context"
	"net/http"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/describe"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/wire"
)

// maxRecords is the most records a collection may have (REST API guide, sObject Collections).
const maxRecords = 200

// Handler answers the resources of records.
type Handler struct {
	Gate *rest.Gate
}

// SObjects answers /sobjects and what is below it (REST API guide, sObject resources).
func (h Handler) SObjects(ctx context.Context, rq *rest.Request) *rest.Response {
	s := rq.Segs
	if len(s) == 1 {
		if rq.Method != http.MethodGet {
			return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
		}
		return &rest.Response{Status: http.StatusOK, Body: describe.Global(rq.Catalog, rq.Base)}
	}
	ob, missing := rq.Object(s[1])
	if missing != nil {
		return missing
	}
	switch {
	case len(s) == 2 && rq.Method == http.MethodPost:
		return h.create(ctx, rq, ob)
	case len(s) == 2 && rq.Method == http.MethodGet:
		return &rest.Response{Status: http.StatusOK, Body: describe.Basic(ob, rq.Base)}
	case len(s) == 2:
		return rest.MethodNotAllowed(rq.Method, "HEAD", "GET", "POST")
	case len(s) == 3 && s[2] == "describe":
		return h.describe(rq, ob)
	case len(s) == 3 && (s[2] == "updated" || s[2] == "deleted"):
		return h.replication(ctx, rq, ob, s[2] == "deleted")
	case len(s) == 3 && strings.EqualFold(s[2], "Id") && rq.Method == http.MethodPost:
		return h.create(ctx, rq, ob)
	case len(s) == 3:
		return h.record(ctx, rq, ob, s[2])
	}
	return h.byKey(ctx, rq, ob, s[2], strings.Join(s[3:], "/"))
}

// describe answers /sobjects/X/describe, from the caller's cache if that is fresh.
func (h Handler) describe(rq *rest.Request, ob *catalog.Object) *rest.Response {
	if rq.Method != http.MethodGet {
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	}
	head := http.Header{"Last-Modified": {ob.Modified.UTC().Format(http.TimeFormat)}}
	if since, err := http.ParseTime(rq.Header.Get("If-Modified-Since")); err == nil && !ob.Modified.After(since) {
		return &rest.Response{Status: http.StatusNotModified, Header: head}
	}
	return &rest.Response{Status: http.StatusOK, Header: head, Body: describe.Object(rq.Catalog, ob, rq.Base)}
}

func (h Handler) create(ctx context.Context, rq *rest.Request, ob *catalog.Object) *rest.Response {
	rec, err := rq.Catalog.ParseRecord(rq.Body, catalog.Options{Object: ob, RefuseID: true})
	if err != nil {
		return h.Gate.RefuseBody(rq, err)
	}
	ch := &store.Change{Op: store.Create, Records: []*catalog.Record{rec}}
	if bad := rest.RuleHeaders(rq.Header, ch); bad != nil {
		return bad
	}
	res, err := h.Gate.Write(ctx, rq, ch)
	switch {
	case err != nil:
		return h.Gate.Internal(rq, err)
	case res[0].Err != nil:
		return rest.Refuse(res[0].Err)
	}
	return &rest.Response{
		Status: http.StatusCreated,
		Header: http.Header{"Location": {rq.Base + "/sobjects/" + ob.Def.Name + "/" + res[0].ID}},
		Body:   []byte(`{"id":"` + res[0].ID + `","success":true,"errors":` + enqueued(&res[0]) + `}`),
	}
}

// record answers /sobjects/X/{id}.
func (h Handler) record(ctx context.Context, rq *rest.Request, ob *catalog.Object, id string) *rest.Response {
	switch rq.Method {
	case http.MethodGet:
		return h.get(ctx, rq, ob, id)
	case http.MethodPatch:
		rec, err := rq.Catalog.ParseRecord(rq.Body, catalog.Options{Object: ob, RefuseID: true})
		if err != nil {
			return h.Gate.RefuseBody(rq, err)
		}
		rec.ID, rec.HasID = id, true
		ch := &store.Change{Op: store.Update, Records: []*catalog.Record{rec}}
		if bad := rest.RuleHeaders(rq.Header, ch); bad != nil {
			return bad
		}
		res, err := h.Gate.Write(ctx, rq, ch)
		return h.changed(rq, res, err)
	case http.MethodDelete:
		if o := rq.Catalog.ByID(id); o == nil || o.Table != ob.Table {
			return rest.NotFound() // a record of another object
		}
		return h.delete(ctx, rq, id)
	}
	return rest.MethodNotAllowed(rq.Method, "HEAD", "GET", "PATCH", "DELETE")
}

// changed is the answer to a change of one record that has nothing to say if it worked.
func (h Handler) changed(rq *rest.Request, res []store.Result, err error) *rest.Response {
	switch {
	case err != nil:
		return h.Gate.Internal(rq, err)
	case res[0].Err == nil:
		return &rest.Response{Status: http.StatusNoContent}
	case res[0].Err.Code == "INVALID_CROSS_REFERENCE_KEY" && rq.Method == http.MethodPatch, res[0].Err.Code == "MALFORMED_ID" && len(res[0].Err.Fields) == 0:
		return rest.NotFound()
	}
	return rest.Refuse(res[0].Err)
}

func (h Handler) delete(ctx context.Context, rq *rest.Request, id string) *rest.Response {
	res, err := h.Gate.Delete(ctx, rq, []string{id}, false)
	if err == nil && res[0].Err != nil {
		switch res[0].Err.Code {
		case "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID":
			return rest.NotFound()
		}
	}
	return h.changed(rq, res, err)
}

// get answers with a record: all fields, or those of ?fields=.
func (h Handler) get(ctx context.Context, rq *rest.Request, ob *catalog.Object, id string) *rest.Response {
	fields, bad := selectFields(ob, rq.Query.Get("fields"))
	if bad != nil {
		return bad
	}
	recs, deleted, err := h.readRecords(ctx, rq, ob, fields, []string{catalog.ID18(id)})
	switch {
	case err != nil:
		return h.Gate.Internal(rq, err)
	case len(deleted) > 0:
		return rest.Refuse(&catalog.Error{Code: "ENTITY_IS_DELETED", Message: "entity is deleted"})
	case len(recs) == 0:
		return rest.NotFound()
	}
	rq.Entry.Records++
	for _, body := range recs {
		return &rest.Response{Status: http.StatusOK, Body: body}
	}
	return rest.NotFound()
}

// selectFields returns the fields of a comma-separated list, or all.
func selectFields(ob *catalog.Object, list string) ([]*catalog.Field, *rest.Response) {
	if list == "" {
		return ob.Fields, nil
	}
	var out []*catalog.Field
	for name := range strings.SplitSeq(list, ",") {
		f := ob.Field(strings.TrimSpace(name))
		if f == nil {
			return nil, rest.Failure(http.StatusBadRequest, "INVALID_FIELD", "No such column '"+strings.TrimSpace(name)+"' on sobject of type "+ob.Def.Name)
		}
		out = append(out, f)
	}
	return out, nil
}

// readRecords returns the JSON of records by id.
func (h Handler) readRecords(ctx context.Context, rq *rest.Request, ob *catalog.Object, fields []*catalog.Field, ids []string) (map[string][]byte, []string, error) {
	// The parts of compound fields are read behind the fields asked for.
	all := fields
	for _, f := range fields {
		all = append(all[:len(all):len(all)], f.Parts...)
	}
	out := make(map[string][]byte, len(ids))
	var deleted []string
	err := h.Gate.View(ctx, rq, func(tx *store.Tx) (err error) {
		deleted, err = tx.Rows(ctx, ob, all, ids, func(id string, values []any) error {
			b := append([]byte(`{"attributes":{"type":"`), ob.Def.Name...)
			b = append(append(append(b, `","url":"`...), rq.Base...), "/sobjects/"+ob.Def.Name+"/"+id+`"}`...)
			part := len(fields)
			for i, f := range fields {
				b = append(append(append(b, `,"`...), f.Def.Name...), `":`...)
				if f.Column == "" {
					b = wire.AppendCompound(b, f, values[part:part+len(f.Parts)])
					part += len(f.Parts)
					continue
				}
				b = wire.AppendValue(b, f, values[i])
			}
			out[id] = append(b, '}')
			return nil
		})
		return err
	})
	return out, deleted, err
}

// byKey answers /sobjects/X/{field}/{value}.
func (h Handler) byKey(ctx context.Context, rq *rest.Request, ob *catalog.Object, field, value string) *rest.Response {
	key := ob.Field(field)
	if key == nil || !key.IsKey() {
		return rest.NotFound()
	}
	if strings.EqualFold(field, "Id") && rq.Method != http.MethodPatch {
		return h.record(ctx, rq, ob, value)
	}
	switch rq.Method {
	case http.MethodPatch:
		return h.upsertOne(ctx, rq, ob, key, value)
	case http.MethodGet, http.MethodDelete:
	default:
		return rest.MethodNotAllowed(rq.Method, "HEAD", "GET", "PATCH", "DELETE")
	}
	var ids []string
	err := h.Gate.View(ctx, rq, func(tx *store.Tx) (err error) {
		ids, _, err = tx.Find(ob, key, value)
		return err
	})
	switch {
	case err != nil:
		return h.Gate.Internal(rq, err)
	case len(ids) == 0:
		return rest.NotFound()
	case len(ids) > 1:
		return multipleChoices(rq, ob, ids)
	case rq.Method == http.MethodDelete:
		return h.delete(ctx, rq, ids[0])
	}
	return h.get(ctx, rq, ob, ids[0])
}

// multipleChoices is the answer if a key fits several records: their addresses.
func multipleChoices(rq *rest.Request, ob *catalog.Object, ids []string) *rest.Response {
	urls := make([]string, len(ids))
	for i, id := range ids {
		urls[i] = rq.Base + "/sobjects/" + ob.Def.Name + "/" + id
	}
	res := rest.OK(urls)
	res.Status = http.StatusMultipleChoices
	return res
}

// upsertOne answers PATCH /sobjects/X/{field}/{value}.
func (h Handler) upsertOne(ctx context.Context, rq *rest.Request, ob *catalog.Object, key *catalog.Field, value string) *rest.Response {
	if strings.EqualFold(key.Def.Name, "Id") {
		return h.record(ctx, rq, ob, value)
	}
	rec, err := rq.Catalog.ParseRecord(rq.Body, catalog.Options{Object: ob, RefuseID: true, RefuseKey: key})
	if err != nil {
		return h.Gate.RefuseBody(rq, err)
	}
	if !rec.SetText(key, value) {
		return rest.NotFound()
	}
	ch := &store.Change{
		Op: store.Upsert, Key: key, Records: []*catalog.Record{rec},
		UpdateOnly: strings.EqualFold(rq.Query.Get("updateOnly"), "true"),
	}
	if bad := rest.RuleHeaders(rq.Header, ch); bad != nil {
		return bad
	}
	res, err := h.Gate.Write(ctx, rq, ch)
	if err != nil {
		return h.Gate.Internal(rq, err)
	}
	switch r := res[0]; {
	case len(r.Matches) > 0:
		return multipleChoices(rq, ob, r.Matches)
	case r.NotFound:
		return rest.NotFound()
	case r.Err != nil:
		return rest.Refuse(r.Err)
	case r.Created:
		return &rest.Response{
			Status: http.StatusCreated,
			Header: http.Header{"Location": {rq.Base + "/sobjects/" + ob.Def.Name + "/" + r.ID}},
			Body:   []byte(`{"id":"` + r.ID + `","success":true,"errors":[],"created":true}`),
		}
	case rq.Version < 46:
		return &rest.Response{Status: http.StatusNoContent}
	default:
		return &rest.Response{Status: http.StatusOK, Body: []byte(`{"id":"` + r.ID + `","success":true,"errors":[],"created":false}`)}
	}
}
