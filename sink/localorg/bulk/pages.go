package bulk

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/bulk/csv"
	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/query"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/store"
)

// Names are the names of a query's columns, as the head of its CSV has them.
func Names(q *soql.Query) []string {
	out := make([]string, len(q.Columns))
	for i := range q.Columns {
		out[i] = q.Columns[i].Path
	}
	return out
}

// Pages keeps the result of a query as pages.
type Pages struct {
	// Rows is how many records were kept.
	Rows int64

	table  *jobs.Table
	owner  string
	render func(dst []byte, values []any) []byte
	page   jobs.Page
	full   []jobs.Page
}

// NewPages returns what keeps the result that belongs to owner; render appends a record.
func NewPages(table *jobs.Table, owner string, render func(dst []byte, values []any) []byte) *Pages {
	return &Pages{table: table, owner: owner, render: render}
}

// CSV appends the records of a query as CSV.
func CSV(q *soql.Query, d csv.Dialect) func(dst []byte, values []any) []byte {
	return func(dst []byte, values []any) []byte {
		for i := range q.Columns {
			c := &q.Columns[i]
			if i > 0 {
				dst = append(dst, d.Delimiter)
			}
			dst = csv.Append(dst, Text(c.Field.Type, values[c.Value]))
		}
		return d.AppendEnd(dst)
	}
}

// pageBytes is how large the parts of a result are that are kept together, keepAt how many parts are kept in
// one transaction.
const (
	pageBytes = 64 << 10
	keepAt    = 16
)

// Read runs a query and keeps its records, in place of what was kept of it before. While it reads, other
// requests are answered if the database is a file; one in memory has to wait, so there the parts are
// collected first.
func (p *Pages) Read(ctx context.Context, gate *rest.Gate, rq *rest.Request, q *soql.Query) error {
	if err := gate.Store.Update(ctx, func(tx *store.Tx) error { return p.table.DropPages(tx, p.owner) }); err != nil {
		return err
	}
	alone := gate.Store.InMemory()
	err := gate.View(ctx, rq, func(tx *store.Tx) error {
		return query.Each(ctx, tx, q, func(values []any) error {
			p.add(values)
			if len(p.full) >= keepAt && !alone {
				return p.keep(ctx, gate.Store)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	p.turn()
	return p.keep(ctx, gate.Store)
}

// add adds a record.
func (p *Pages) add(values []any) {
	p.page.Data = p.render(p.page.Data, values)
	p.page.Rows++
	p.Rows++
	if len(p.page.Data) >= pageBytes {
		p.turn()
	}
}

// turn begins a new page.
func (p *Pages) turn() {
	if p.page.Rows > 0 {
		p.full = append(p.full, p.page)
		p.page = jobs.Page{First: p.Rows}
	}
}

func (p *Pages) keep(ctx context.Context, st *store.Store) error {
	err := st.Update(ctx, func(tx *store.Tx) error { return p.table.AddPages(tx, p.owner, p.full) })
	p.full = p.full[:0]
	return err
}

// Text is a stored value as CSV shows it: booleans as words, a datetime with Z, a number of a field with
// decimals with its point, null as nothing.
func Text(t schema.Type, v any) string {
	switch v := v.(type) {
	case string:
		if t == schema.DateTime {
			return strings.TrimSuffix(v, "+0000") + "Z"
		}
		return v
	case []byte:
		return Text(t, string(v))
	case int64:
		switch t {
		case schema.Boolean:
			return strconv.FormatBool(v != 0)
		case schema.Double, schema.Currency, schema.Percent:
			return strconv.FormatInt(v, 10) + ".0"
		}
		return strconv.FormatInt(v, 10)
	case float64:
		s := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(s, ".") && t != schema.Int && t != schema.Long {
			s += ".0"
		}
		return s
	}
	if t == schema.Boolean {
		return "false"
	}
	return ""
}

// WritePages writes the head of a result and n records from one on.
func WritePages(ctx context.Context, table *jobs.Table, w io.Writer, owner string, d csv.Dialect, columns []string, from, n int64) error {
	var head []byte
	for i, c := range columns {
		if i > 0 {
			head = append(head, d.Delimiter)
		}
		head = csv.Append(head, c)
	}
	if _, err := w.Write(d.AppendEnd(head)); err != nil {
		return err
	}
	for n > 0 {
		p, err := table.PageAt(ctx, owner, from)
		if err != nil || p == nil {
			return errors.Join(err, jobs.ErrGone)
		}
		data := skip(p.Data, from-p.First)
		rows := p.First + p.Rows - from
		if rows > n {
			data = data[:len(data)-len(skip(data, n))]
			rows = n
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		from, n = from+rows, n-rows
	}
	return nil
}

// skip returns what is behind n rows. Every value is between quotes.
func skip(data []byte, n int64) []byte {
	open := false
	for i := 0; i < len(data) && n > 0; i++ {
		switch data[i] {
		case '"':
			open = !open
		case '\n':
			if open {
				continue
			}
			if n--; n == 0 {
				return data[i+1:]
			}
		}
	}
	if n > 0 {
		return nil
	}
	return data
}
