package salesforce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/credentials"
	"sfsync/sink/salesforce/lookup"
	"sfsync/sink/salesforce/refusal"
	"sfsync/sink/salesforce/wire"
)

const (
	// queryRoom is how long the URL of one query in a composite call may be. The API's limit for
	// a URI is 16,384 bytes; whether it holds for subrequests, and what the org adds to them, is
	// not documented, so there is headroom, and it shrinks where an org refuses.
	queryRoom    = 15000
	minQueryRoom = 2000
)

// Lookup implements [sink.Matcher]: five queries travel in one API call. It describes the
// object first unless the client has done so, to know how the key's types are written. Keys
// that no record can hold (a malformed id, a text longer than its field) find nothing.
//
// Names of fields may be those of a load: "Account.ERP_Id__c" for a parent's, "User:Owner.Username"
// where the parent may be of several objects. Fields that such objects have in common are asked for
// by path, others by TYPEOF, which has not been tried against a real org. Where the names of the
// wanted fields leave no room in a URL, they come by several queries for the same keys.
func (w *Writer) Lookup(ctx context.Context, l *sink.Lookup) error {
	l.Found = make([][]sink.Match, len(l.Keys))
	if len(l.Keys) == 0 {
		return nil
	}
	fields := make([]lookup.Field, len(l.By))
	for i, by := range l.By {
		var err error
		if fields[i], err = w.keyField(ctx, l.Object, by.Name); err != nil {
			return err
		}
	}
	for {
		room := w.uriRoom.Load()
		q, err := lookup.New(l, fields, int(room)/2)
		if err != nil {
			return catalog.New(sink.Config, catalog.CodeSetup, err.Error())
		}
		err = w.ask(ctx, l, q)
		// The list of fields has to be shorter, too, if even one key is too long with it.
		if e := (*sink.Error)(nil); errors.As(err, &e) && tooLong(e) && w.uriRoom.Load() < room && len(l.Want) > 0 {
			continue
		}
		if err != nil {
			return fmt.Errorf("look up %s by %s: %w", l.Object, keyName(l), err)
		}
		return nil
	}
}

// ask carries a lookup out.
func (w *Writer) ask(ctx context.Context, l *sink.Lookup, q *lookup.Question) error {
	found := q.Records()
	for _, query := range q.Queries() {
		found.Next()
		if err := w.query(ctx, query, found.Add); err != nil {
			return err
		}
	}
	if n := found.Strange(); n > 0 {
		w.c.log.WarnContext(ctx, "the org found records under keys that differ from what was asked for", "object", l.Object, "key", keyName(l), "records", n)
	}
	found.Fill(l.Found)
	return nil
}

func keyName(l *sink.Lookup) string {
	names := make([]string, len(l.By))
	for i, by := range l.By {
		names[i] = by.Name
	}
	return strings.Join(names, ", ")
}

// keyField returns what a field of a key is like, be it the object's own or a parent's.
func (w *Writer) keyField(ctx context.Context, object, name string) (lookup.Field, error) {
	p := lookup.ParsePath(name)
	if strings.EqualFold(p.Field, "Id") {
		return lookup.Field{Kind: lookup.ID}, nil
	}
	if p.Relation != "" && p.Object == "" {
		o, err := w.object(ctx, object)
		if err != nil {
			return lookup.Field{}, err
		}
		p.Object = o.Parent(p.Relation)
	}
	if p.Object != "" {
		object = p.Object
	}
	o, err := w.object(ctx, object)
	if err != nil {
		return lookup.Field{}, err
	}
	return o.Field(p.Field), nil
}

// object returns what lookups have to know of an object, by its description.
func (w *Writer) object(ctx context.Context, name string) (*lookup.Object, error) {
	key := strings.ToLower(name)
	if o, ok := w.objects.Load(key); ok {
		return o.(*lookup.Object), nil //nolint:forcetypeassert // nothing else is stored
	}
	raw, err := w.c.Describe(ctx, name)
	if err != nil {
		return nil, err
	}
	o, err := lookup.ParseObject(raw)
	if err != nil {
		return nil, catalog.New(sink.Network, catalog.CodeBadAnswer, "the description of "+name+" cannot be read")
	}
	w.objects.Store(key, o)
	return o, nil
}

// LookupKeys implements [sink.Matcher].
func (w *Writer) LookupKeys(l *sink.Lookup) int {
	room := int(w.uriRoom.Load())
	var fields []lookup.Field
	if o, ok := w.objects.Load(strings.ToLower(l.Object)); ok {
		for _, by := range l.By {
			if strings.Contains(by.Name, ".") {
				fields = nil // the rest is not known either
				break
			}
			fields = append(fields, o.(*lookup.Object).Field(by.Name)) //nolint:forcetypeassert // nothing else is stored
		}
	}
	q, err := lookup.New(l, fields, room/2)
	if err != nil {
		return len(l.Keys) // Lookup says what is wrong with it
	}
	return q.Fit(room, len(w.queryPath()))
}

// queryPath is what comes before a query in a URL.
func (w *Writer) queryPath() string { return w.c.prefix + "/query?q=" }

// query calls each with the records that a query finds. Several queries travel in one call, about
// equally long.
func (w *Writer) query(ctx context.Context, q *lookup.Query, each func(rec []byte)) error {
	path := w.queryPath()
	pack := func(s lookup.Span) []lookup.Span { return q.Pack(s, int(w.uriRoom.Load()), len(path)) }
	todo := pack(lookup.Span{Hi: len(q.Terms)})
	subs := make([]wire.SubAnswer, fullGroups)
	var body []byte
	for len(todo) > 0 {
		now := todo[:min(len(todo), fullGroups)]
		todo = todo[len(now):]
		body = append(body[:0], wire.CompositeOpen...)
		for i, s := range now {
			if i > 0 {
				body = append(body, ',')
			}
			body = append(body, `{"method":"GET","url":"`...)
			body = q.AppendURL(append(body, path...), s)
			body = append(body, `","referenceId":"`...)
			body = append(wire.AppendRef(body, i), `"}`...)
		}
		body = append(body, wire.CompositeClose...)
		ans, e := w.c.exchange(ctx, &call{method: http.MethodPost, path: w.c.prefix + "/composite", body: body, repeat: true})
		if ctx.Err() != nil {
			ans.free()
			return context.Cause(ctx)
		}
		subs = subs[:len(now)]
		if e == nil {
			wire.ParseComposite(ans.body.Bytes(), subs)
		}
		for i, s := range now {
			again, err := w.queried(ctx, s, subs[i], e, each)
			if err != nil {
				ans.free()
				return err
			}
			for _, a := range again {
				todo = append(todo, pack(a)...)
			}
		}
		ans.free()
	}
	return nil
}

// tooLong reports whether a URL was longer than the org takes.
func tooLong(e *sink.Error) bool {
	return e.HTTPStatus == http.StatusRequestURITooLong || e.HTTPStatus == http.StatusRequestHeaderFieldsTooLarge
}

// queried deals with the answer to one query, or with the error of the call it was part of. It
// returns what is to be asked again.
func (w *Writer) queried(ctx context.Context, s lookup.Span, sub wire.SubAnswer, whole *sink.Error, each func([]byte)) ([]lookup.Span, error) {
	e := whole
	switch {
	case e != nil:
	case sub.Status == 0:
		e = &sink.Error{Class: sink.Retry, Code: catalog.CodeBadAnswer, Message: "the answer to a composite request lacks a part"}
	case sub.Status >= 200 && sub.Status < 300:
		err := w.pages(ctx, sub.Body, each)
		broken := (*sink.Error)(nil)
		if !errors.As(err, &broken) || broken.Code != catalog.CodeBadAnswer && broken.Code != lostPlace {
			return nil, err
		}
		again := *broken
		again.Class = sink.Retry
		e = &again
	default:
		e = refusal.ReadPart(sub)
		if sub.Status >= 500 {
			e.Class = sink.Retry
		}
	}
	long := tooLong(e)
	if long {
		if room := w.uriRoom.Load(); room/2 >= minQueryRoom {
			w.uriRoom.CompareAndSwap(room, room/2)
		}
	}
	n := s.Hi - s.Lo
	if n > 1 && (long || refusal.Heavy(e) || e.Code == "INVALID_QUERY_FILTER_OPERATOR" || e.Code == "MALFORMED_QUERY") {
		mid := s.Lo + n/2
		return []lookup.Span{{Lo: s.Lo, Hi: mid, Tries: s.Tries}, {Lo: mid, Hi: s.Hi, Tries: s.Tries}}, nil
	}
	if e.Code == "INVALID_QUERY_FILTER_OPERATOR" {
		return nil, nil // no record can hold the value
	}
	if long {
		e.Code, e.Message = catalog.CodeTooLarge, "the query for a single key is longer than the org takes"
	}
	if whole == nil && e.Class == sink.Retry {
		s.Tries++
		if !w.c.policy.More(s.Tries) {
			return nil, refusal.Exhausted(e)
		}
		wait := w.c.policy.Delay(s.Tries, w.c.rand())
		w.c.retried(ctx, "query", e, s.Tries, wait)
		if err := w.c.sleep(ctx, wait); err != nil {
			return nil, err
		}
		return []lookup.Span{s}, nil
	}
	switch {
	case e.Class == sink.Retry:
		e = refusal.Exhausted(e)
	case !catalog.Stops(e.Class):
		e.Class = sink.Config
	}
	e.Message = w.c.session.Redact(wire.Clip(e.Message, 2000))
	return nil, e
}

// lostPlace is the code of an org that does not know any more where the next page of a query's results begins.
const lostPlace = "INVALID_QUERY_LOCATOR"

// pages reads the first page of a query's answer, fetches the rest, and calls each once all of it is there: a query
// that breaks off is asked again from its beginning, and no record is to come twice.
func (w *Writer) pages(ctx context.Context, page []byte, each func([]byte)) error {
	var text []byte // of all records
	var ends []int
	take := func(rec []byte) error {
		text = append(text, rec...)
		ends = append(ends, len(text))
		return nil
	}
	next, err := wire.ReadPage(page, take)
	for range maxPages {
		if err != nil {
			return err
		}
		if next == "" {
			from := 0
			for _, end := range ends {
				each(text[from:end])
				from = end
			}
			return nil
		}
		var path string
		if path, err = credentials.SameOrigin(w.c.base, next); err != nil {
			return err
		}
		var ans *answer
		if ans, err = w.c.do(ctx, &call{method: http.MethodGet, path: path, repeat: true}); err != nil {
			return err
		}
		next, err = wire.ReadPage(ans.body.Bytes(), take)
		ans.free()
	}
	return errors.Join(err, catalog.New(sink.Config, catalog.CodeTooLarge, "a lookup has too many pages"))
}
