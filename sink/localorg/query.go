package localorg

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/cursor"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/store"
)

// The sizes of a query's pages (REST API guide, Query Options header).
const (
	defaultPage = 2000
	minPage     = 200
)

// soqlCatalog shows the store's schema to the compiler of queries. deleted is set where deleted
// records are among the answer: their fold columns may be empty.
type soqlCatalog struct {
	*catalog.Catalog
	deleted bool
}

func (c soqlCatalog) Object(name string) (soql.Entity, bool) {
	ob := c.Catalog.Object(name)
	if ob == nil || !ob.Def.Queryable {
		return soql.Entity{}, false
	}
	return soql.Entity{
		Name: ob.Def.Name, Table: ob.Table,
		Fields: func(name string) (soql.Field, bool) {
			if f := ob.Field(name); f != nil {
				return c.field(f), true
			}
			return soql.Field{}, false
		},
		All: func() []soql.Field {
			out := make([]soql.Field, len(ob.Fields))
			for i, f := range ob.Fields {
				out[i] = c.field(f)
			}
			return out
		},
	}, true
}

func (c soqlCatalog) field(f *catalog.Field) soql.Field {
	d := f.Def
	out := soql.Field{
		Name: d.Name, Column: f.Column, Type: d.Type, CaseSensitive: d.CaseSensitive,
		Filterable: (d.Type != schema.TextArea || d.Length <= 255) && d.Type != schema.EncryptedString,
	}
	if f.FoldsCase() && !c.deleted {
		out.FoldColumn = f.Fold
	}
	if d.Type == schema.Reference && d.RelationshipName != "" {
		out.Relationship = d.RelationshipName
		switch {
		case len(d.ReferenceTo) == 1:
			out.RefersTo = d.ReferenceTo[0]
		case len(d.ReferenceTo) > 1 && strings.EqualFold(d.RelationshipName, "Owner"):
			out.RefersTo = "User"
		}
	}
	for _, p := range f.Parts {
		part := c.field(p)
		part.Name = p.PartName()
		out.Parts = append(out.Parts, part)
	}
	return out
}

// queryResource answers /query, /queryAll and /query/{locator}.
func (o *Org) queryResource(ctx context.Context, rq *rest.Request) *rest.Response {
	if rq.Method != http.MethodGet {
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	}
	if len(rq.Segs) == 2 {
		return o.nextPage(rq, rq.Segs[1])
	}
	if len(rq.Segs) > 2 {
		return rest.NotFound()
	}
	text := rq.Query.Get("q")
	if text == "" {
		return rest.Failure(http.StatusBadRequest, "MALFORMED_QUERY", "A query string has to be specified")
	}
	all := rq.Segs[0] == "queryAll"
	compile := soql.Compile
	if all {
		compile = soql.CompileAll
	}
	q, err := compile(soqlCatalog{rq.Catalog, all}, text, o.cfg.Now())
	if err != nil {
		if e, isQuery := errors.AsType[*soql.Error](err); isQuery {
			return rest.Failure(http.StatusBadRequest, e.Code, e.Message)
		}
		return o.gate.Internal(rq, err)
	}
	return o.runQuery(ctx, rq, q)
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

func (o *Org) runQuery(ctx context.Context, rq *rest.Request, q *soql.Query) *rest.Response {
	size := pageSize(rq.Header)
	var first []byte
	var cur *cursor.Cursor
	total := 0
	err := o.gate.View(ctx, rq, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, q.SQL, q.Args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		if q.Count {
			if rows.Next() {
				err = rows.Scan(&total)
			}
			return errors.Join(err, rows.Err())
		}
		values := make([]any, q.Width())
		dest := make([]any, len(values))
		for i := range values {
			dest[i] = &values[i]
		}
		var page []byte
		for rows.Next() {
			if total > 0 && total%size == 0 {
				// The page is full and there is more.
				if cur == nil {
					first, page = page, nil
					if cur, err = cursor.New(o.cursorID(), size); err != nil {
						return err
					}
				} else if err := cur.Add(page); err != nil {
					return err
				}
				page = page[:0]
			}
			if err := rows.Scan(dest...); err != nil {
				return err
			}
			if len(page) > 0 {
				page = append(page, ',')
			}
			page = q.AppendRecord(page, rq.Base, values)
			total++
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if cur == nil {
			first = page
			return nil
		}
		return cur.Add(page)
	})
	if err != nil {
		if cur != nil {
			cur.Close()
		}
		return o.gate.Internal(rq, fmt.Errorf("query: %w", err))
	}
	b := []byte(`{"totalSize":` + strconv.Itoa(total))
	if cur == nil {
		rq.Entry.Records += total
		b = append(b, `,"done":true,"records":[`...)
	} else {
		cur.Total = total
		o.cursors.Keep(cur)
		rq.Entry.Records += size
		b = append(b, `,"done":false,"nextRecordsUrl":"`+rq.Base+"/query/"+cur.ID+"-"+strconv.Itoa(size)+`","records":[`...)
	}
	b = append(b, first...)
	return &rest.Response{Status: http.StatusOK, Body: append(b, "]}"...)}
}

// cursorID returns the id of a new cursor.
func (o *Org) cursorID() string {
	return catalog.MakeID("01g", o.ident.Instance, o.cfg.Now().Unix()*1000+o.cursorCount.Add(1))
}

// nextPage answers /query/{cursor}-{offset}.
func (o *Org) nextPage(rq *rest.Request, locator string) *rest.Response {
	id, offset, _ := strings.Cut(locator, "-")
	n, err := strconv.Atoi(offset)
	cur, page := o.cursors.Page(id, n)
	if err != nil || cur == nil {
		return rest.Failure(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator")
	}
	b := []byte(`{"totalSize":` + strconv.Itoa(cur.Total))
	if next := n + cur.Size; next < cur.Total {
		rq.Entry.Records += cur.Size
		b = append(b, `,"done":false,"nextRecordsUrl":"`+rq.Base+"/query/"+id+"-"+strconv.Itoa(next)+`","records":[`...)
	} else {
		rq.Entry.Records += cur.Total - n
		b = append(b, `,"done":true,"records":[`...)
	}
	b = append(b, page...)
	return &rest.Response{Status: http.StatusOK, Body: append(b, "]}"...)}
}
