package composite

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/wire"
)

// The limits of a /composite/tree request (REST API guide, sObject Tree).
const (
	maxTreeRecords = 200
	maxTreeTypes   = 5
	maxTreeLevels  = 5
)

// node is one record of a tree.
type node struct {
	ref    string
	rec    *catalog.Record
	parent *node
	up     *catalog.Field // refers to the parent
	id     string
	errs   *catalog.Error
}

// forest is what a tree request says, by levels.
type forest struct {
	cat    *catalog.Catalog
	levels [][]*node
	count  int
	types  map[*catalog.Object]bool
	refs   map[string]bool
}

// tree answers /composite/tree/X: records and their children, all created in one transaction or none.
func (h Handler) tree(ctx context.Context, rq *rest.Request) *rest.Response {
	root, missing := rq.Object(rq.Segs[2])
	if missing != nil {
		return missing
	}
	var body struct {
		Records []jsontext.Value `json:"records"`
	}
	if bad := unmarshal(rq.Body, &body); bad != nil {
		return bad
	}
	if len(body.Records) == 0 {
		return refuse("REQUIRED_FIELD_MISSING", "At least 1 record is required")
	}
	var rules store.Change
	if bad := rest.RuleHeaders(rq.Header, &rules); bad != nil {
		return bad
	}
	f := &forest{cat: rq.Catalog, types: map[*catalog.Object]bool{}, refs: map[string]bool{}}
	for _, r := range body.Records {
		if err := f.add(root, nil, nil, r, 0); err != nil {
			return h.Gate.RefuseBody(rq, err)
		}
	}
	err := h.Gate.Update(ctx, rq, func(*store.Tx) error {
		for _, level := range f.levels {
			if err := h.createLevel(ctx, rq, rules, level); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errHalt):
		return f.answer(true)
	case err != nil:
		return h.Gate.Internal(rq, err)
	}
	return f.answer(false)
}

// createLevel creates the records of one level, whose parents are there; rules has the options of the change.
// The error is errHalt if one was refused.
func (h Handler) createLevel(ctx context.Context, rq *rest.Request, rules store.Change, level []*node) error {
	list := slices.Clone(level)
	// One object after another, as the store writes them.
	slices.SortStableFunc(list, func(a, b *node) int { return strings.Compare(a.rec.Object.Def.Name, b.rec.Object.Def.Name) })
	recs := make([]*catalog.Record, len(list))
	for i, n := range list {
		recs[i] = n.rec.Clone() // the transaction may begin again
		if n.parent != nil {
			recs[i].Put(n.up, n.parent.id)
		}
	}
	ch := rules // one for each level: the gate fills in more
	ch.Op, ch.Records = store.Create, recs
	results, err := h.Gate.Write(ctx, rq, &ch)
	if err != nil {
		return err
	}
	for i := range results {
		list[i].id, list[i].errs = results[i].ID, results[i].Err
	}
	if store.Failed(results) {
		return errHalt
	}
	return nil
}

// answer lists what became of the records, parents first: all of them, or those that were refused.
func (f *forest) answer(failed bool) *rest.Response {
	status := http.StatusCreated
	b := []byte(`{"hasErrors":false,"results":[`)
	if failed {
		status = http.StatusBadRequest
		b = []byte(`{"hasErrors":true,"results":[`)
	}
	first := true
	for _, n := range slices.Concat(f.levels...) {
		if failed && n.errs == nil {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = wire.AppendQuote(append(b, `{"referenceId":`...), n.ref)
		if !failed {
			b = append(wire.AppendQuote(append(b, `,"id":`...), n.id), '}')
			continue
		}
		b = append(b, `,"errors":[`...)
		for i, e := range append([]*catalog.Error{n.errs}, n.errs.More...) {
			if i > 0 {
				b = append(b, ',')
			}
			b = wire.AppendQuote(append(b, `{"statusCode":`...), e.Code)
			b = wire.AppendQuote(append(b, `,"message":`...), e.Message)
			b = append(rest.AppendFields(b, e.Fields), '}')
		}
		b = append(b, "]}"...)
	}
	return &rest.Response{Status: status, Body: append(b, "]}"...)}
}

func treeError(code, message string) *catalog.Error {
	return &catalog.Error{Code: code, Message: message}
}

// add takes a record and its children in. The error is about the whole request.
func (f *forest) add(o *catalog.Object, parent *node, up *catalog.Field, body jsontext.Value, level int) error {
	if level >= maxTreeLevels {
		return treeError("INVALID_INPUT", "The tree has more than 5 levels")
	}
	f.count++
	f.types[o] = true
	switch {
	case f.count > maxTreeRecords:
		return treeError("EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
	case len(f.types) > maxTreeTypes:
		return treeError("INVALID_INPUT", "The tree has records of more than 5 objects")
	}
	members, err := membersOf(body)
	if err != nil {
		return treeError("JSON_PARSER_ERROR", err.Error())
	}
	ref, err := f.reference(members)
	if err != nil {
		return err
	}
	children, own := f.split(o, members)
	rec, err := f.cat.ParseRecord(own, catalog.Options{Object: o, NeedType: true, RefuseID: true})
	if err != nil {
		return err
	}
	n := &node{ref: ref, rec: rec, parent: parent, up: up}
	if level == len(f.levels) {
		f.levels = append(f.levels, nil)
	}
	f.levels[level] = append(f.levels[level], n)
	for _, c := range children {
		var list struct {
			Records []jsontext.Value `json:"records"`
		}
		if err := json.Unmarshal(c.body, &list, json.MatchCaseInsensitiveNames(true)); err != nil {
			return treeError("JSON_PARSER_ERROR", err.Error())
		}
		for _, r := range list.Records {
			if err := f.add(c.Object, n, c.Field, r, level+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// member is a name of a JSON object and its value.
type member struct {
	name  string
	value jsontext.Value
}

// membersOf takes an object apart, in the order of its text.
func membersOf(body jsontext.Value) ([]member, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return nil, errors.Join(errors.New("a record is an object"), err)
	}
	var out []member
	for dec.PeekKind() != '}' {
		t, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		m := member{name: t.String()}
		v, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		m.value = v.Clone()
		out = append(out, m)
	}
	return out, nil
}

// reference returns the referenceId in a record's attributes.
func (f *forest) reference(members []member) (string, error) {
	var a struct {
		ReferenceID string `json:"referenceId"`
	}
	for _, m := range members {
		if m.name != "attributes" {
			continue
		}
		if err := json.Unmarshal(m.value, &a, jsontext.AllowDuplicateNames(true)); err != nil {
			return "", treeError("JSON_PARSER_ERROR", err.Error())
		}
	}
	switch {
	case a.ReferenceID == "":
		return "", treeError("INVALID_INPUT", "Include a reference ID for each record in the request.")
	case f.refs[a.ReferenceID]:
		return "", treeError("INVALID_INPUT", "Duplicate ReferenceId provided in the request: "+a.ReferenceID)
	}
	f.refs[a.ReferenceID] = true
	return a.ReferenceID, nil
}

// branch is the children of a record by one relationship.
type branch struct {
	catalog.Child
	body jsontext.Value
}

// split parts a record's own members from its children.
func (f *forest) split(o *catalog.Object, members []member) (children []branch, own jsontext.Value) {
	var known []catalog.Child
	own = jsontext.Value{'{'}
	for _, m := range members {
		if m.value.Kind() == '{' && m.name != "attributes" {
			if known == nil {
				known = f.cat.Children(o)
			}
			i := slices.IndexFunc(known, func(c catalog.Child) bool { return c.Name != "" && strings.EqualFold(c.Name, m.name) })
			if i >= 0 {
				children = append(children, branch{known[i], m.value})
				continue
			}
		}
		if len(own) > 1 {
			own = append(own, ',')
		}
		own = append(append(wire.AppendQuote(own, m.name), ':'), m.value...)
	}
	return children, append(own, '}')
}
