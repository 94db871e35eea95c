package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/lookup"
	"sfsync/sink/salesforce/transfer"
)

const describe = `{"name":"Lead","fields":[
	{"name":"Id","type":"id","defaultedOnCreate":true},
	{"name":"LastName","type":"string","length":80,"createable":true},
	{"name":"Email","type":"email","length":80,"createable":true},
	{"name":"Ext__c","type":"string","length":40,"createable":true},
	{"name":"Num__c","type":"double","createable":true},
	{"name":"Account__c","type":"reference","createable":true,"relationshipName":"Account__r","referenceTo":["Account"]},
	{"name":"Formula__c","type":"string","length":100,"calculated":true},
	{"name":"Auto__c","type":"string","length":30,"autoNumber":true},
	{"name":"Status","type":"picklist","length":40,"createable":true,"defaultedOnCreate":true},
	{"name":"Region__c","type":"string","length":40,"createable":true,"defaultValueFormula":"$User.Country"},
	{"name":"Tags__c","type":"multipicklist","length":400,"createable":true},
	{"name":"Secret__c","type":"encryptedstring","length":40,"createable":true},
	{"name":"Address","type":"address"},
	{"name":"CreatedDate","type":"datetime","defaultedOnCreate":true},
	{"name":"IsConverted","type":"boolean","createable":true,"defaultedOnCreate":true}]}`

// record is a record of the fake org; fields by name, blank ones are missing.
type record map[string]string

// org is an org with one object, whose query jobs read what is there when they are asked for. It is a
// matcher and a writer, too, that act on the same records.
type org struct {
	mu      sync.Mutex
	records []record
	nextID  int
	calls   []string // requests, and "lookup"
	polls   int      // how many find a job under way
	page    int      // the most records of a page
	perCall int      // the keys of one lookup
	jobs    []*queryJob
	rows    int64 // what recordCount says; -1 for the truth

	// trouble is asked before a request is carried out: an error is the answer; spoil may change a page.
	trouble func(method, path string) error
	spoil   func(page *string, head http.Header)
	ends    string // a state other than JobComplete
}

type queryJob struct {
	columns []string
	rows    []record
	asked   int
	total   int
}

func newOrg() *org { return &org{page: 1 << 30, perCall: 2000, rows: -1} }

func (o *org) id() string {
	o.nextID++
	return fmt.Sprintf("00Q%012dAAA", o.nextID)
}

func (o *org) add(r record) {
	r["Id"] = o.id()
	o.records = append(o.records, r)
}

func (o *org) Describe(context.Context, string) ([]byte, error) { return []byte(describe), nil }

func (o *org) Transfer(ctx context.Context, r *transfer.Request) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	path, query, _ := strings.Cut(r.Path, "?")
	o.calls = append(o.calls, r.Method+" "+path)
	if o.trouble != nil {
		if err := o.trouble(r.Method, path); err != nil {
			return err
		}
	}
	args, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	switch parts := strings.Split(strings.Trim(path, "/"), "/"); {
	case path == "/limits/recordCount":
		n := o.rows
		if n < 0 {
			n = int64(len(o.records))
		}
		return into(r, `{"sObjects":[{"count":%d,"name":"Lead"}]}`, n)
	case r.Method == http.MethodPost:
		body := r.JSON.(map[string]string)
		list, _, _ := strings.Cut(strings.TrimPrefix(body["query"], "SELECT "), " FROM ")
		j := &queryJob{columns: strings.Split(list, ", ")}
		for _, rec := range o.records {
			j.rows = append(j.rows, clone(rec))
		}
		j.total = len(j.rows)
		o.jobs = append(o.jobs, j)
		return into(r, `{"id":"750%012d","state":"UploadComplete"}`, len(o.jobs))
	case r.Method == http.MethodPatch:
		return into(r, `{"state":"Aborted"}`)
	case len(parts) == 3:
		j := o.job(parts[2])
		if j.asked++; j.asked <= o.polls {
			return into(r, `{"state":"InProgress"}`)
		}
		if o.ends != "" {
			return into(r, `{"state":%q,"errorMessage":"because"}`, o.ends)
		}
		return into(r, `{"state":"JobComplete","numberRecordsProcessed":%d}`, j.total)
	}
	j := o.job(strings.Split(path, "/")[3])
	from, _ := strconv.Atoi(args.Get("locator"))
	most, _ := strconv.Atoi(args.Get("maxRecords"))
	to := min(from+min(most, o.page), len(j.rows))
	var b strings.Builder
	quote := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
	}
	quote(j.columns)
	for _, rec := range j.rows[from:to] {
		cells := make([]string, len(j.columns))
		for i, c := range j.columns {
			cells[i] = rec[c]
		}
		quote(cells)
	}
	head := http.Header{}
	head.Set("Sforce-NumberOfRecords", strconv.Itoa(to-from))
	head.Set("Sforce-Locator", "null")
	if to < len(j.rows) {
		head.Set("Sforce-Locator", strconv.Itoa(to))
	}
	text := b.String()
	if o.spoil != nil {
		o.spoil(&text, head)
	}
	*r.Head = head
	_, err = transfer.Fill(r.To, strings.NewReader(text))
	return err
}

func (o *org) job(id string) *queryJob {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, "750"))
	return o.jobs[n-1]
}

func into(r *transfer.Request, format string, args ...any) error {
	return json.Unmarshal(fmt.Appendf(nil, format, args...), r.Into)
}

func clone(r record) record {
	c := make(record, len(r))
	for k, v := range r {
		c[k] = v
	}
	return c
}

// LookupKeys implements [sink.Matcher].
func (o *org) LookupKeys(l *sink.Lookup) int { return min(o.perCall, len(l.Keys)) }

// Lookup implements [sink.Matcher] by comparing every key with every record.
func (o *org) Lookup(ctx context.Context, l *sink.Lookup) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for range (len(l.Keys) + o.perCall - 1) / o.perCall {
		o.calls = append(o.calls, "lookup")
	}
	l.Found = make([][]sink.Match, len(l.Keys))
	for i, k := range l.Keys {
		for _, rec := range o.records {
			if holds(l, k, rec) {
				m := sink.Match{ID: rec["Id"], Converted: rec["IsConverted"] == "true"}
				for _, w := range l.Want {
					m.Values = append(m.Values, cellOf(w, rec[w]))
				}
				l.Found[i] = append(l.Found[i], m)
			}
		}
	}
	return nil
}

func holds(l *sink.Lookup, key string, rec record) bool {
	parts := strings.Split(key, sink.KeySep)
	for i, by := range l.By {
		f := lookup.Field{}
		if by.Name == "Num__c" {
			f.Kind = lookup.Number
		}
		stored := f.Canonical(by.Fold(rec[by.Name]))
		if stored == "" || stored != f.Canonical(parts[i]) {
			return false
		}
	}
	return true
}

func cellOf(name, v string) row.Cell {
	switch {
	case v == "":
		return row.MakeCell(row.Null, "")
	case name == "Num__c":
		return row.MakeCell(row.Number, v)
	case name == "IsConverted":
		return row.MakeCell(row.Bool, v)
	}
	return row.MakeCell(row.Text, v)
}

// count returns how many requests begin with a text.
func (o *org) count(prefix string) int {
	n := 0
	for _, c := range o.calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// apply carries one record of a request out.
func (o *org) apply(req *sink.Request, rec *sink.Record) sink.Result {
	find := func(f func(record) bool) int { return slices.IndexFunc(o.records, f) }
	at, action := -1, rec.Action
	switch action {
	case sink.Upsert:
		key := req.Target.Fold(rec.Batch.Cell(rec.Row, req.Target.KeyColumn).Text)
		at = find(func(r record) bool { return r[req.Target.Key] != "" && req.Target.Fold(r[req.Target.Key]) == key })
	case sink.Update, sink.Delete:
		if at = find(func(r record) bool { return r["Id"] == rec.ID }); at < 0 {
			return sink.Result{Status: sink.Failed, Err: &sink.Error{Code: "ENTITY_IS_DELETED"}}
		}
	}
	if action == sink.Delete {
		o.records = slices.Delete(o.records, at, at+1)
		return sink.Result{Status: sink.Deleted, ID: rec.ID}
	}
	status := sink.Updated
	if at < 0 {
		status, at = sink.Created, len(o.records)
		o.add(record{})
	}
	to := o.records[at]
	for c, col := range rec.Batch.Schema().Columns {
		cell := rec.Batch.Cell(rec.Row, c)
		switch {
		case cell.Kind() == row.Absent, rec.Action == sink.Update && cell.OnInsert():
		case cell.Blank():
			delete(to, col.Name)
		default:
			to[col.Name] = strings.TrimSpace(cell.Text)
		}
	}
	return sink.Result{Status: status, ID: to["Id"]}
}
