package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/credentials"
	"sfsync/sink/salesforce/wire"
)

const (
	// queryRoom is how long the URL of one query in a composite call may be. The API's limit for
	// a URI is 16,384 bytes; whether it holds for subrequests, and what the org adds to them, is
	// not documented, so there is headroom, and it shrinks where an org refuses.
	queryRoom    = 15000
	minQueryRoom = 2000
	// maxLiteral is the longest string literal of a SOQL condition, in characters (SOQL and SOSL
	// reference, "SOQL … Limits").
	maxLiteral = 4000
)

// keyKind is how values of a key field are written in SOQL.
type keyKind uint8

const (
	keyText keyKind = iota
	keyID
	keyBare // numbers, booleans, dates: without quotes
)

// Lookup implements [sink.Matcher]: five queries travel in one API call. It describes the
// object first unless the client has done so, to know how the key's type is written. Keys
// that no record can hold (a malformed id) find nothing.
func (w *Writer) Lookup(ctx context.Context, l *sink.Lookup) error {
	l.Found = make([][]sink.Match, len(l.Keys))
	if len(l.By) != 1 {
		return catalog.New(sink.Config, catalog.CodeSetup, "a lookup needs one key field")
	}
	key := l.By[0]
	kind, err := w.keyKind(ctx, l.Object, key.Name)
	if err != nil {
		return err
	}
	f := finder{by: key, kind: kind, index: make(map[string]int, len(l.Keys)), keys: l.Keys}
	literals := make([]string, 0, len(l.Keys))
	for i, k := range l.Keys {
		if lit, ok := literal(kind, k); ok {
			literals = append(literals, lit)
			f.index[f.canonical(k)] = i
		}
	}
	fields := "Id"
	if !isID(key.Name) {
		fields += "," + key.Name
	}
	if strings.EqualFold(l.Object, "Lead") {
		fields += ",IsConverted"
	}
	if err := w.queryIn(ctx, l.Object, fields, key.Name, literals, f.add); err != nil {
		return fmt.Errorf("look up %s by %s: %w", l.Object, key.Name, err)
	}
	if f.strange > 0 {
		w.c.log.WarnContext(ctx, "the org found records under keys that differ from what was asked for", "object", l.Object, "key", key.Name, "records", f.strange)
	}
	f.fill(l.Found)
	return nil
}

// finder collects what a lookup finds.
type finder struct {
	by      sink.KeyField
	kind    keyKind
	keys    []string
	index   map[string]int
	hits    []hit
	strange int
}

type hit struct {
	key int
	sink.Match
}

func (f *finder) add(rec []byte) {
	var h hit
	var key string
	d := wire.NewDecoder(rec)
	if !d.Open('{') {
		return
	}
	for d.More() {
		switch name := string(d.Text()); {
		case name == "Id":
			h.ID = string(d.Text())
			if isID(f.by.Name) {
				key = h.ID
			}
		case name == "IsConverted":
			h.Converted = d.Bool()
		case strings.EqualFold(name, f.by.Name):
			v := d.Value()
			if key = string(v); len(v) > 0 && v[0] == '"' {
				if json.Unmarshal(v, &key) != nil {
					key = ""
				}
			}
		default:
			d.Skip()
		}
	}
	if h.ID == "" {
		return
	}
	if f.by.Fold != nil {
		key = f.by.Fold(key)
	}
	var ok bool
	if h.key, ok = f.index[f.canonical(key)]; !ok && !f.alike(key, &h.key) {
		f.strange++
		return
	}
	f.hits = append(f.hits, h)
}

// alike finds the key that differs from what was asked for in a way that only the org's
// comparison passes over.
func (f *finder) alike(key string, at *int) bool {
	for i, k := range f.keys {
		if strings.EqualFold(k, key) {
			*at = i
			return true
		}
	}
	return false
}

// canonical returns a key in the form in which equal ones are the same text. Numbers come back
// as the org writes them: 12 as 12.0, large ones with an exponent.
func (f *finder) canonical(key string) string {
	if f.kind != keyBare || len(key) > 64 || !wire.JSONNumber(key) {
		return key
	}
	if v, err := strconv.ParseFloat(key, 64); err != nil || (v != 0 && (v > 1e60 || v < -1e60)) {
		return key // the exact form would be long
	}
	r, ok := new(big.Rat).SetString(key)
	if !ok {
		return key
	}
	return r.RatString()
}

// fill hands the hits out by key, over one backing array.
func (f *finder) fill(found [][]sink.Match) {
	counts := make([]int, len(found)+1)
	for _, h := range f.hits {
		counts[h.key+1]++
	}
	for i := range found {
		counts[i+1] += counts[i]
	}
	all := make([]sink.Match, len(f.hits))
	for i := range found {
		if counts[i+1] > counts[i] {
			found[i] = all[counts[i]:counts[i]:counts[i+1]]
		}
	}
	for _, h := range f.hits {
		found[h.key] = append(found[h.key], h.Match)
	}
}

// keyKind returns how values of a key field are written.
func (w *Writer) keyKind(ctx context.Context, object, field string) (keyKind, error) {
	if isID(field) {
		return keyID, nil
	}
	of := object + "." + field
	if k, ok := w.kinds.Load(of); ok {
		return k.(keyKind), nil //nolint:forcetypeassert // nothing else is stored
	}
	raw, err := w.c.Describe(ctx, object)
	if err != nil {
		return 0, err
	}
	var d struct {
		Fields []struct {
			Name string `json:"name"`
			Type string `json:"type"`
		} `json:"fields"`
	}
	if json.Unmarshal(raw, &d) != nil {
		return 0, catalog.New(sink.Network, catalog.CodeBadAnswer, "the description of "+object+" cannot be read")
	}
	kind := keyText
	for _, f := range d.Fields {
		if strings.EqualFold(f.Name, field) {
			switch f.Type {
			case "int", "long", "double", "currency", "percent", "boolean", "date", "datetime", "time":
				kind = keyBare
			case "id", "reference":
				kind = keyID
			}
		}
	}
	w.kinds.Store(of, kind)
	return kind, nil
}

// literal returns a key as a SOQL literal, encoded for a URL; ok is false if no record can hold
// such a key.
func literal(kind keyKind, key string) (_ string, ok bool) {
	switch kind {
	case keyID:
		if !wellFormedID(key) {
			return "", false
		}
	case keyBare:
		for _, r := range key {
			if !strings.ContainsRune("0123456789+-.:eETZtruefals", r) {
				return "", false
			}
		}
		return string(wire.AppendURL(nil, key)), key != ""
	}
	if len(key) > 4*maxLiteral {
		return "", false
	}
	return string(wire.AppendURL(nil, wire.QuoteSOQL(key))), true
}

// LookupKeys implements [sink.Matcher].
func (w *Writer) LookupKeys(l *sink.Lookup) int {
	if len(l.By) != 1 {
		return len(l.Keys) // Lookup says what is wrong with it
	}
	key := l.By[0].Name
	room := int(w.uriRoom.Load()) - len(w.queryHead(l.Object, "Id,IsConverted,"+key, key))
	queries, left := 1, room
	for i, k := range l.Keys {
		n := 1 + len("''") // a comma and quotes
		for j := range len(k) {
			switch c := k[j]; {
			case c == '\\' || c == '\'' || c == '"':
				n += 6
			case c < ' ' || c == 0x7F:
				n += 8
			case wire.Plain(c):
				n++
			default:
				n += 3
			}
		}
		if left -= n; left >= 0 {
			continue
		}
		if queries++; queries > fullGroups {
			return max(i, 1)
		}
		left = room - n
	}
	return len(l.Keys)
}

// queryHead is the URL of a query up to its list of values.
func (w *Writer) queryHead(object, fields, where string) string {
	return w.c.prefix + "/query?q=" + string(wire.AppendURL(nil, "SELECT "+fields+" FROM "+object+" WHERE "+where+" IN ("))
}

// span is a run of literals that travel in one query.
type span struct{ lo, hi, tries int }

// queryIn calls each with the records of an object whose field where has one of the values,
// given as encoded literals. Several queries travel in one call, about equally long.
func (w *Writer) queryIn(ctx context.Context, object, fields, where string, literals []string, each func(rec []byte)) error {
	head := w.queryHead(object, fields, where)
	todo := w.pack(literals, span{hi: len(literals)}, len(head))
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
			body = append(body, head...)
			for k, lit := range literals[s.lo:s.hi] {
				if k > 0 {
					body = append(body, ',')
				}
				body = append(body, lit...)
			}
			body = append(body, `)","referenceId":"`...)
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
				todo = append(todo, w.pack(literals, a, len(head))...)
			}
		}
		ans.free()
	}
	return nil
}

// pack cuts a run of literals into queries: no longer than the room there is, and, if there is
// enough for more than one query, about equally long.
func (w *Writer) pack(literals []string, s span, head int) []span {
	total, longest := 0, 0
	for _, l := range literals[s.lo:s.hi] {
		total += len(l) + 1
		longest = max(longest, len(l)+1)
	}
	room := int(w.uriRoom.Load()) - head
	room = min(room, max(4096, total/fullGroups+longest))
	var out []span
	left := 0
	for i := s.lo; i < s.hi; i++ {
		if left -= len(literals[i]) + 1; left < 0 || len(out) == 0 {
			out = append(out, span{lo: i, tries: s.tries})
			left = room - len(literals[i]) - 1
		}
		out[len(out)-1].hi = i + 1
	}
	return out
}

// queried deals with the answer to one query, or with the error of the call it was part of. It
// returns what is to be asked again.
func (w *Writer) queried(ctx context.Context, s span, sub wire.SubAnswer, whole *sink.Error, each func([]byte)) ([]span, error) {
	e := whole
	if e == nil && sub.Status >= 200 && sub.Status < 300 {
		return nil, w.pages(ctx, sub.Body, each)
	}
	if e == nil {
		if sub.Status == 0 {
			e = &sink.Error{Class: sink.Retry, Code: catalog.CodeBadAnswer, Message: "the answer to a composite request lacks a part"}
		} else {
			e = wire.ParseRefusal(sub.Body)
			if e.Code == "" {
				e.Code = catalog.CodeHTTP
			}
			e.HTTPStatus, e.Class = sub.Status, catalog.Classify(e.Code, e.Message)
			if sub.Status >= 500 {
				e.Class = sink.Retry
			}
		}
	}
	long := e.HTTPStatus == http.StatusRequestURITooLong || e.HTTPStatus == http.StatusRequestHeaderFieldsTooLarge
	if long {
		if room := w.uriRoom.Load(); room/2 >= minQueryRoom {
			w.uriRoom.CompareAndSwap(room, room/2)
		}
	}
	n := s.hi - s.lo
	if n > 1 && (long || heavyAnswer(e) || e.Code == "INVALID_QUERY_FILTER_OPERATOR" || e.Code == "MALFORMED_QUERY") {
		mid := s.lo + n/2
		return []span{{s.lo, mid, s.tries}, {mid, s.hi, s.tries}}, nil
	}
	if e.Code == "INVALID_QUERY_FILTER_OPERATOR" {
		return nil, nil // no record can hold the value
	}
	if whole == nil && e.Class == sink.Retry {
		s.tries++
		if !w.c.policy.More(s.tries) {
			return nil, exhausted(e)
		}
		wait := w.c.policy.Delay(s.tries, w.c.rand())
		w.c.retried(ctx, "query", e, s.tries, wait)
		if err := w.c.sleep(ctx, wait); err != nil {
			return nil, err
		}
		return []span{s}, nil
	}
	switch {
	case e.Class == sink.Retry:
		e = exhausted(e)
	case !catalog.Stops(e.Class):
		e.Class = sink.Config
	}
	e.Message = w.c.redact(wire.Clip(e.Message, 2000))
	return nil, e
}

// pages reads the first page of a query's answer and fetches the rest.
func (w *Writer) pages(ctx context.Context, page []byte, each func([]byte)) error {
	take := func(rec []byte) error { each(rec); return nil }
	next, err := wire.ReadPage(page, take)
	for range maxPages {
		if err != nil || next == "" {
			return err
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
