package localorg

import (
	"context"
	"net/http"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/describe"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/wire"
)

// sobjects answers /sobjects and what is below it (REST API guide, sObject resources).
func (o *Org) sobjects(ctx context.Context, rq *request) *response {
	s := rq.segs
	if len(s) == 1 {
		if rq.method != http.MethodGet {
			return methodNotAllowed(rq.method, "GET", "HEAD")
		}
		return &response{status: http.StatusOK, body: describe.Global(o.store.Catalog(), rq.base)}
	}
	ob, missing := o.object(s[1])
	if missing != nil {
		return missing
	}
	switch {
	case len(s) == 2 && rq.method == http.MethodPost:
		return o.create(ctx, rq, ob)
	case len(s) == 2 && rq.method == http.MethodGet:
		return &response{status: http.StatusOK, body: describe.Basic(ob, rq.base)}
	case len(s) == 2:
		return methodNotAllowed(rq.method, "HEAD", "GET", "POST")
	case len(s) == 3 && s[2] == "describe":
		return o.describe(rq, ob)
	case len(s) == 3 && strings.EqualFold(s[2], "Id") && rq.method == http.MethodPost:
		return o.create(ctx, rq, ob)
	case len(s) == 3:
		return o.record(ctx, rq, ob, s[2])
	}
	return o.byKey(ctx, rq, ob, s[2], strings.Join(s[3:], "/"))
}

// describe answers /sobjects/X/describe, from the caller's cache if that is fresh.
func (o *Org) describe(rq *request, ob *catalog.Object) *response {
	if rq.method != http.MethodGet {
		return methodNotAllowed(rq.method, "GET", "HEAD")
	}
	head := http.Header{"Last-Modified": {ob.Modified.UTC().Format(http.TimeFormat)}}
	if since, err := http.ParseTime(rq.header.Get("If-Modified-Since")); err == nil && !ob.Modified.After(since) {
		return &response{status: http.StatusNotModified, header: head}
	}
	return &response{status: http.StatusOK, header: head, body: describe.Object(o.store.Catalog(), ob, rq.base)}
}

// write carries out a change of one record or more, with the faults that a test wants.
func (o *Org) write(ctx context.Context, rq *request, ch *store.Change) (results []store.Result, err error) {
	if o.cfg.Fault != nil {
		ch.Reject = func(i int, r *catalog.Record) *catalog.Error {
			a := o.fault(Fault{N: rq.n, Method: rq.method, Path: rq.path, Row: true, Object: r.Object.Def.Name, Index: i})
			if a.Code == "" {
				return nil
			}
			return &catalog.Error{Code: a.Code, Message: a.Message}
		}
	}
	rq.entry.Records += len(ch.Records)
	err = o.update(ctx, rq, func(tx *store.Tx) error {
		results, err = tx.Write(ch)
		return err
	})
	return results, err
}

func (o *Org) create(ctx context.Context, rq *request, ob *catalog.Object) *response {
	rec, err := o.store.Catalog().ParseRecord(rq.body, catalog.Options{Object: ob, RefuseID: true})
	if err != nil {
		return o.refuseBody(rq, err)
	}
	res, err := o.write(ctx, rq, &store.Change{Op: store.Create, Records: []*catalog.Record{rec}})
	switch {
	case err != nil:
		return o.internal(rq, err)
	case res[0].Err != nil:
		return refuse(res[0].Err)
	}
	return &response{
		status: http.StatusCreated,
		header: http.Header{"Location": {rq.base + "/sobjects/" + ob.Def.Name + "/" + res[0].ID}},
		body:   []byte(`{"id":"` + res[0].ID + `","success":true,"errors":[]}`),
	}
}

// record answers /sobjects/X/{id}.
func (o *Org) record(ctx context.Context, rq *request, ob *catalog.Object, id string) *response {
	switch rq.method {
	case http.MethodGet:
		return o.get(ctx, rq, ob, id)
	case http.MethodPatch:
		rec, err := o.store.Catalog().ParseRecord(rq.body, catalog.Options{Object: ob, RefuseID: true})
		if err != nil {
			return o.refuseBody(rq, err)
		}
		rec.ID, rec.HasID = id, true
		res, err := o.write(ctx, rq, &store.Change{Op: store.Update, Records: []*catalog.Record{rec}})
		return o.changed(rq, res, err)
	case http.MethodDelete:
		return o.delete(ctx, rq, id)
	}
	return methodNotAllowed(rq.method, "HEAD", "GET", "PATCH", "DELETE")
}

// changed is the answer to a change of one record that has nothing to say if it worked.
func (o *Org) changed(rq *request, res []store.Result, err error) *response {
	switch {
	case err != nil:
		return o.internal(rq, err)
	case res[0].Err == nil:
		return &response{status: http.StatusNoContent}
	case res[0].Err.Code == "INVALID_CROSS_REFERENCE_KEY" && rq.method == http.MethodPatch, res[0].Err.Code == "MALFORMED_ID" && len(res[0].Err.Fields) == 0:
		return notFound()
	}
	return refuse(res[0].Err)
}

func (o *Org) delete(ctx context.Context, rq *request, id string) *response {
	rq.entry.Records++
	var res []store.Result
	err := o.update(ctx, rq, func(tx *store.Tx) (err error) {
		res, err = tx.Delete([]string{id}, false)
		return err
	})
	if err == nil && res[0].Err != nil && res[0].Err.Code != "ENTITY_IS_DELETED" {
		return notFound()
	}
	return o.changed(rq, res, err)
}

// get answers with a record: all fields, or those of ?fields=.
func (o *Org) get(ctx context.Context, rq *request, ob *catalog.Object, id string) *response {
	fields, bad := selectFields(ob, rq.query.Get("fields"))
	if bad != nil {
		return bad
	}
	recs, deleted, err := o.readRecords(ctx, rq, ob, fields, []string{catalog.ID18(id)})
	switch {
	case err != nil:
		return o.internal(rq, err)
	case len(deleted) > 0:
		return refuse(&catalog.Error{Code: "ENTITY_IS_DELETED", Message: "entity is deleted"})
	case len(recs) == 0:
		return notFound()
	}
	rq.entry.Records++
	for _, body := range recs {
		return &response{status: http.StatusOK, body: body}
	}
	return notFound()
}

// selectFields returns the fields of a comma-separated list, or all.
func selectFields(ob *catalog.Object, list string) ([]*catalog.Field, *response) {
	if list == "" {
		return ob.Fields, nil
	}
	var out []*catalog.Field
	for name := range strings.SplitSeq(list, ",") {
		f := ob.Field(strings.TrimSpace(name))
		if f == nil {
			return nil, failure(http.StatusBadRequest, "INVALID_FIELD", "No such column '"+strings.TrimSpace(name)+"' on sobject of type "+ob.Def.Name)
		}
		out = append(out, f)
	}
	return out, nil
}

// readRecords returns the JSON of records by id.
func (o *Org) readRecords(ctx context.Context, rq *request, ob *catalog.Object, fields []*catalog.Field, ids []string) (map[string][]byte, []string, error) {
	// The parts of compound fields are read behind the fields asked for.
	all := fields
	for _, f := range fields {
		all = append(all[:len(all):len(all)], f.Parts...)
	}
	out := make(map[string][]byte, len(ids))
	var deleted []string
	err := o.view(ctx, rq, func(tx *store.Tx) (err error) {
		deleted, err = tx.Rows(ctx, ob, all, ids, func(id string, values []any) error {
			b := append([]byte(`{"attributes":{"type":"`), ob.Def.Name...)
			b = append(append(append(b, `","url":"`...), rq.base...), "/sobjects/"+ob.Def.Name+"/"+id+`"}`...)
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
func (o *Org) byKey(ctx context.Context, rq *request, ob *catalog.Object, field, value string) *response {
	key := ob.Field(field)
	if key == nil || !key.IsKey() {
		return notFound()
	}
	if strings.EqualFold(field, "Id") && rq.method != http.MethodPatch {
		return o.record(ctx, rq, ob, value)
	}
	switch rq.method {
	case http.MethodPatch:
		return o.upsertOne(ctx, rq, ob, key, value)
	case http.MethodGet, http.MethodDelete:
	default:
		return methodNotAllowed(rq.method, "HEAD", "GET", "PATCH", "DELETE")
	}
	var ids []string
	err := o.view(ctx, rq, func(tx *store.Tx) (err error) {
		ids, _, err = tx.Find(ob, key, value)
		return err
	})
	switch {
	case err != nil:
		return o.internal(rq, err)
	case len(ids) == 0:
		return notFound()
	case len(ids) > 1:
		return multipleChoices(rq, ob, ids)
	case rq.method == http.MethodDelete:
		return o.delete(ctx, rq, ids[0])
	}
	return o.get(ctx, rq, ob, ids[0])
}

// multipleChoices is the answer if a key fits several records: their addresses.
func multipleChoices(rq *request, ob *catalog.Object, ids []string) *response {
	urls := make([]string, len(ids))
	for i, id := range ids {
		urls[i] = rq.base + "/sobjects/" + ob.Def.Name + "/" + id
	}
	res := ok(urls)
	res.status = http.StatusMultipleChoices
	return res
}

// upsertOne answers PATCH /sobjects/X/{field}/{value}.
func (o *Org) upsertOne(ctx context.Context, rq *request, ob *catalog.Object, key *catalog.Field, value string) *response {
	if strings.EqualFold(key.Def.Name, "Id") {
		return o.record(ctx, rq, ob, value)
	}
	rec, err := o.store.Catalog().ParseRecord(rq.body, catalog.Options{Object: ob, RefuseID: true, RefuseKey: key})
	if err != nil {
		return o.refuseBody(rq, err)
	}
	if !rec.SetText(key, value) {
		return notFound()
	}
	res, err := o.write(ctx, rq, &store.Change{
		Op: store.Upsert, Key: key, Records: []*catalog.Record{rec},
		UpdateOnly: strings.EqualFold(rq.query.Get("updateOnly"), "true"),
	})
	if err != nil {
		return o.internal(rq, err)
	}
	switch r := res[0]; {
	case len(r.Matches) > 0:
		return multipleChoices(rq, ob, r.Matches)
	case r.NotFound:
		return notFound()
	case r.Err != nil:
		return refuse(r.Err)
	case r.Created:
		return &response{
			status: http.StatusCreated,
			header: http.Header{"Location": {rq.base + "/sobjects/" + ob.Def.Name + "/" + r.ID}},
			body:   []byte(`{"id":"` + r.ID + `","success":true,"errors":[],"created":true}`),
		}
	case rq.version < 46:
		return &response{status: http.StatusNoContent}
	default:
		return &response{status: http.StatusOK, body: []byte(`{"id":"` + r.ID + `","success":true,"errors":[],"created":false}`)}
	}
}
