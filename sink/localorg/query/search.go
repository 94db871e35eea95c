package query

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/soql/syntax"
	"sfsync/sink/localorg/store"
)

// maxHits is the most records that a search gives (SOSL reference, Limits).
const maxHits = 2000

// search is one call of /search or /parameterizedSearch.
type search struct {
	terms syntax.Term
	group syntax.Group
	parts []part
	limit int // of all parts together
}

// part is what is searched of one object.
type part struct {
	text string // that the offsets of sel are of
	sel  *syntax.Select
}

// Search answers /search and /parameterizedSearch (REST API guide, Search and Parameterized Search). The records
// come by object, in the order of the request, and by Id: the org has no ranking.
func (h *Handler) Search(ctx context.Context, rq *rest.Request) *rest.Response {
	if len(rq.Segs) > 1 {
		return rest.NotFound()
	}
	var s *search
	var err error
	switch {
	case rq.Segs[0] == "search" && rq.Method == http.MethodGet:
		s, err = h.find(rq)
	case rq.Segs[0] == "search":
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	case rq.Method == http.MethodGet:
		s, err = h.parameters(rq, queryParameters(rq.Query))
	case rq.Method == http.MethodPost:
		var p parameters
		if p, err = readParameters(rq.Body); err == nil {
			s, err = h.parameters(rq, p)
		}
	default:
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD", "POST")
	}
	if err != nil {
		return h.refuse(rq, err)
	}
	return h.searchRecords(ctx, rq, s)
}

// find reads the SOSL of /search?q=….
func (h *Handler) find(rq *rest.Request) (*search, error) {
	text := rq.Query.Get("q")
	f, err := syntax.ParseFind(text)
	if err != nil {
		return nil, err
	}
	s := &search{terms: f.Terms, group: f.Group, limit: maxHits}
	if f.Limit >= 0 {
		s.limit = min(s.limit, f.Limit)
	}
	for _, sel := range f.Returning {
		s.parts = append(s.parts, part{text, sel})
	}
	if len(s.parts) == 0 {
		s.parts, err = h.everything(rq, nil, -1)
	}
	return s, err
}

// everything is all objects that can be searched, each with the fields that it has of those given.
func (h *Handler) everything(rq *rest.Request, fields []string, limit int) ([]part, error) {
	var parts []part
	for _, ob := range rq.Catalog.Objects() {
		if !ob.Def.Queryable || !searchable(ob.Def) {
			continue
		}
		var have []string
		for _, f := range fields {
			if ob.Field(f) != nil {
				have = append(have, f)
			}
		}
		p, err := selection(ob.Def.Name, have, "", "", limit)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// selection makes a part of its pieces. It is read as a whole, and the search's condition is added to what was
// read: a condition cannot end early.
func selection(object string, fields []string, where, orderBy string, limit int) (part, error) {
	var b strings.Builder
	b.WriteString("SELECT " + strings.Join(fields, ", "))
	if len(fields) == 0 {
		b.WriteString("Id")
	}
	b.WriteString(" FROM " + object)
	if where != "" {
		b.WriteString(" WHERE " + where)
	}
	if orderBy != "" {
		b.WriteString(" ORDER BY " + orderBy)
	}
	if limit >= 0 {
		b.WriteString(" LIMIT " + strconv.Itoa(limit))
	}
	sel, err := syntax.Parse(b.String())
	return part{b.String(), sel}, err
}

// parameters are those of /parameterizedSearch, with the names of its body.
type parameters struct {
	Q            string   `json:"q"`
	In           string   `json:"in"`
	Fields       []string `json:"fields"`
	DefaultLimit *int     `json:"defaultLimit"`
	OverallLimit *int     `json:"overallLimit"`
	SObjects     []struct {
		Name    string   `json:"name"`
		Fields  []string `json:"fields"`
		Where   string   `json:"where"`
		OrderBy string   `json:"orderBy"`
		Limit   *int     `json:"limit"`
	} `json:"sobjects"`
}

func readParameters(body []byte) (parameters, error) {
	var p parameters
	if err := json.Unmarshal(bytes.TrimSpace(body), &p); err != nil {
		return p, &soql.Error{Code: "JSON_PARSER_ERROR", Message: "the body of a search is not as it should be: " + err.Error()}
	}
	return p, nil
}

// queryParameters reads the parameters from an address: sobject=Lead&Lead.fields=Id,Name&Lead.limit=5.
func queryParameters(q url.Values) parameters {
	number := func(name string) *int {
		if n, err := strconv.Atoi(q.Get(name)); err == nil {
			return &n
		}
		return nil
	}
	p := parameters{Q: q.Get("q"), In: q.Get("in"), Fields: fieldList(q.Get("fields")), DefaultLimit: number("defaultLimit"), OverallLimit: number("overallLimit")}
	for _, list := range q["sobject"] {
		for name := range strings.SplitSeq(list, ",") {
			p.SObjects = append(p.SObjects, struct {
				Name    string   `json:"name"`
				Fields  []string `json:"fields"`
				Where   string   `json:"where"`
				OrderBy string   `json:"orderBy"`
				Limit   *int     `json:"limit"`
			}{name, fieldList(q.Get(name + ".fields")), q.Get(name + ".where"), q.Get(name + ".orderBy"), number(name + ".limit")})
		}
	}
	return p
}

// fieldList splits a list of names with commas between them.
func fieldList(s string) []string {
	var out []string
	for f := range strings.SplitSeq(s, ",") {
		if f = strings.TrimSpace(f); f != "" {
			out = append(out, f)
		}
	}
	return out
}

// parameters makes a search of the parameters.
func (h *Handler) parameters(rq *rest.Request, p parameters) (*search, error) {
	if strings.TrimSpace(p.Q) == "" {
		return nil, &soql.Error{Code: syntax.CodeMalformedSearch, Message: "No search term found: the parameter q is missing."}
	}
	group, ok := syntax.ParseGroup(cmp.Or(p.In, string(syntax.AllFields)))
	if !ok {
		return nil, &soql.Error{Code: syntax.CodeMalformedSearch, Message: "in has to be ALL, NAME, EMAIL, PHONE or SIDEBAR"}
	}
	terms, err := syntax.ParseTerms(p.Q)
	if err != nil {
		return nil, err
	}
	s := &search{terms: terms, group: group, limit: maxHits}
	limit := -1
	if p.DefaultLimit != nil {
		limit = max(0, *p.DefaultLimit)
	}
	if p.OverallLimit != nil {
		s.limit = min(s.limit, max(0, *p.OverallLimit))
	}
	for _, ob := range p.SObjects {
		fields, n := ob.Fields, limit
		if len(fields) == 0 {
			fields = p.Fields
		}
		if ob.Limit != nil {
			n = max(0, *ob.Limit)
		}
		one, err := selection(ob.Name, fields, ob.Where, ob.OrderBy, n)
		if err != nil {
			return nil, err
		}
		s.parts = append(s.parts, one)
	}
	if len(s.parts) == 0 {
		s.parts, err = h.everything(rq, p.Fields, limit)
	}
	return s, err
}

// searchRecords runs a search.
func (h *Handler) searchRecords(ctx context.Context, rq *rest.Request, s *search) *rest.Response {
	org := h.Org(rq)
	cat := Catalog(rq.Catalog, org, false)
	queries := make([]*soql.Query, len(s.parts))
	for i, p := range s.parts {
		q, err := soql.CompileSearch(cat, p.text, p.sel, s.terms, s.group, soql.Options{Now: h.Now(), User: org.UserID})
		if err != nil {
			return h.refuse(rq, err)
		}
		queries[i] = q
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	b, total := []byte(`{"searchRecords":[`), 0
	err := h.Gate.View(ctx, rq, func(tx *store.Tx) error {
		for _, q := range queries {
			err := Each(ctx, tx, q, func(values []any) error {
				if total == s.limit {
					return errEnough
				}
				if total > 0 {
					b = append(b, ',')
				}
				b = q.AppendRecord(b, rq.Base, values)
				total++
				return nil
			})
			if err == errEnough { //nolint:errorlint // each returns it bare
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return h.failed(rq, fmt.Errorf("search: %w", err))
	}
	rq.Entry.Records += total
	return &rest.Response{Status: http.StatusOK, Body: append(b, "]}"...)}
}
