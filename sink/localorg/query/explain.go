package query

import (
	"context"
	"fmt"
	"strings"

	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/store"
)

// plan is one way to run a query (REST API guide, Query, explain). The local org knows one; its costs are
// 0 and 1 and say only whether an index is used.
type plan struct {
	Cardinality          int      `json:"cardinality"`
	Fields               []string `json:"fields"`
	LeadingOperationType string   `json:"leadingOperationType"`
	Notes                []any    `json:"notes"`
	RelativeCost         float64  `json:"relativeCost"`
	SObjectCardinality   int64    `json:"sobjectCardinality"`
	SObjectType          string   `json:"sobjectType"`
}

// explain answers /query?explain=….
func (h *Handler) explain(ctx context.Context, rq *rest.Request, q *soql.Query) *rest.Response {
	p := plan{Fields: []string{}, Notes: []any{}, LeadingOperationType: "TableScan", RelativeCost: 1, SObjectType: q.Entity.Name}
	err := h.Gate.View(ctx, rq, func(tx *store.Tx) error {
		ob := rq.Catalog.Object(q.Entity.Name)
		if ob == nil {
			return nil
		}
		n, err := tx.Count(ctx, ob)
		if err != nil {
			return err
		}
		p.SObjectCardinality, p.Cardinality = n, int(n)
		rows, err := tx.Query(ctx, "EXPLAIN QUERY PLAN "+q.SQL, q.Args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			if strings.HasPrefix(detail, "SEARCH t0 ") {
				p.LeadingOperationType, p.RelativeCost, p.Cardinality = "Index", 0, 1
			}
		}
		return rows.Err()
	})
	if err != nil {
		return h.Gate.Internal(rq, fmt.Errorf("explain a query: %w", err))
	}
	return rest.OK(struct {
		Plans       []plan `json:"plans"`
		SourceQuery string `json:"sourceQuery"`
	}{[]plan{p}, rq.Query.Get("explain")})
}
