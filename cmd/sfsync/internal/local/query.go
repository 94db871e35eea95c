package local

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"sfsync/cmd/sfsync/internal/exit"
)

// Query runs a SOQL query and prints the answer: the records as CSV with the columns of the
// SELECT, or as one JSON document in the shape of the REST API's answer, with the records of all
// pages. SELECT COUNT() prints the number.
func (l *Org) Query(ctx context.Context, soql string, asJSON bool, w io.Writer) error {
	out := bufio.NewWriter(w)
	p := &csvPrinter{out: csv.NewWriter(out)}
	p.columns, p.known = selectList(soql)
	print := p.page
	if asJSON {
		print = (&jsonPrinter{out: out}).page
	}
	err := l.pages(ctx, soql, print)
	p.out.Flush()
	if err == nil {
		err = p.out.Error()
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// jsonPrinter prints pages as one document.
type jsonPrinter struct {
	out  *bufio.Writer
	rows int
}

func (p *jsonPrinter) page(pg *page) error {
	if p.rows == 0 {
		fmt.Fprintf(p.out, "{\"totalSize\":%d,\"done\":true,\"records\":[", pg.TotalSize) // Flush returns it
	}
	for _, rec := range pg.Records {
		sep := ",\n"
		if p.rows == 0 {
			sep = "\n"
		}
		p.rows++
		p.out.WriteString(sep) //nolint:errcheck // Flush returns it
		p.out.Write(rec)       //nolint:errcheck // Flush returns it
	}
	if !pg.last() {
		return nil
	}
	_, err := p.out.WriteString("]}\n")
	return err
}

// csvPrinter prints pages as CSV.
type csvPrinter struct {
	out     *csv.Writer
	columns []string // as named by the query, or by the first record
	known   bool
	begun   bool
	cells   []string
}

func (p *csvPrinter) page(pg *page) error {
	if p.known && len(p.columns) == 0 { // SELECT COUNT()
		return p.out.Write([]string{strconv.FormatInt(pg.TotalSize, 10)})
	}
	for _, raw := range pg.Records {
		rec, err := decodeRecord(raw)
		if err != nil {
			return exit.Errorf(exit.Unavailable, "the local org's answer: %w", err)
		}
		if !p.known {
			p.known = true
			for _, f := range rec {
				p.columns = append(p.columns, f.name)
			}
		}
		if err := p.header(); err != nil {
			return err
		}
		p.cells = p.cells[:0]
		for _, c := range p.columns {
			p.cells = append(p.cells, rec.cell(c))
		}
		if err := p.out.Write(p.cells); err != nil {
			return err
		}
	}
	if p.known && pg.last() {
		return p.header() // a query without records has its header all the same
	}
	return nil
}

func (p *csvPrinter) header() error {
	if p.begun {
		return nil
	}
	p.begun = true
	return p.out.Write(p.columns)
}

// record is a record of an answer: its fields in order, without attributes.
type record []field

type field struct {
	name string
	text json.RawMessage
}

func decodeRecord(raw json.RawMessage) (record, error) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("a record is not an object: %.40s", raw)
	}
	var rec record
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		f := field{}
		f.name, _ = name.(string)
		if err := dec.Decode(&f.text); err != nil {
			return nil, err
		}
		if f.name != "attributes" {
			rec = append(rec, f)
		}
	}
	return rec, nil
}

// cell returns the value at a path such as Owner.Name as CSV shows it: null and what is not
// there as nothing, objects as JSON.
func (r record) cell(path string) string {
	text, ok := r.find(path)
	if !ok {
		// The first name may be the alias that the query gives its object.
		if _, rest, cut := strings.Cut(path, "."); cut {
			text, _ = r.find(rest)
		}
	}
	var s string
	switch {
	case len(text) == 0 || string(text) == "null":
		return ""
	case json.Unmarshal(text, &s) == nil:
		return s
	}
	return string(text)
}

func (r record) find(path string) (json.RawMessage, bool) {
	head, rest, nested := strings.Cut(path, ".")
	for _, f := range r {
		if !strings.EqualFold(f.name, head) {
			continue
		}
		if !nested || string(f.text) == "null" {
			return f.text, true
		}
		below, err := decodeRecord(f.text)
		if err != nil {
			return nil, false
		}
		return below.find(rest)
	}
	return nil, false
}

// selectList returns the names of a query's columns: paths as they are written, the aliases of
// functions, or expr0, expr1 … as the org names them. known is false where only the answer can
// tell (FIELDS(ALL)). COUNT() has no columns.
func selectList(soql string) (columns []string, known bool) {
	m := regexp.MustCompile(`(?is)^\s*SELECT\s+(.*?)\s+FROM\s`).FindStringSubmatch(soql)
	if m == nil {
		return nil, false
	}
	unnamed := 0
	for item := range strings.SplitSeq(m[1], ",") {
		call, after, isCall := strings.Cut(item, ")")
		name := strings.Fields(item)
		switch {
		case isCall:
			call = strings.ToLower(strings.Join(strings.Fields(call), ""))
			if strings.HasPrefix(call, "fields(") {
				return nil, false
			}
			if call == "count(" {
				return nil, true
			}
			alias := strings.TrimSpace(after)
			if alias == "" {
				alias = "expr" + strconv.Itoa(unnamed)
				unnamed++
			}
			columns = append(columns, alias)
		case len(name) == 0:
			return nil, false
		default:
			columns = append(columns, name[len(name)-1])
		}
	}
	return columns, true
}
