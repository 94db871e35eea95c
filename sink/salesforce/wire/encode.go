package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Layout is how the rows of one schema become records of one target. It is made once; after
// that a row is encoded without looking at a name and without allocating.
type Layout struct {
	columns []field
	key     int // the column of the target's key, or -1
	byID    bool
	// headers are those of a collection, by name; subHead is all of a subrequest between its reference id and
	// its records, directOpen what a collection that is a request of its own begins with.
	headers             []Header
	subHead, directOpen string
	// opening is what every record begins with; createURL and upsertURL are where collections go.
	opening              string
	createURL, upsertURL string
}

// Reference begins a reference to another subrequest's answer, which /composite replaces
// wherever it stands in a body (REST API guide, "Composite", "referenceId"): text that holds
// it must not travel there.
const Reference = "@{"

// field is one column on the wire.
type field struct {
	column int
	open   string // `,"LastName":`, or `,"Account":{"Ext__c":`
	close  string // "", or "}"
	null   string // what clears the field, whole
}

// NewLayout resolves the columns of a schema. Columns whose names begin with a NUL are the
// pipeline's own, and the id is never a field of a record's body.
func NewLayout(prefix string, t *sink.Target, s *row.Schema) *Layout {
	l := &Layout{
		key:       t.KeyColumn,
		byID:      strings.EqualFold(t.Key, "Id"),
		opening:   `{"attributes":{"type":` + quote(t.Object) + `}`,
		createURL: prefix + "/composite/sobjects",
		upsertURL: prefix + "/composite/sobjects/" + url.PathEscape(t.Object) + "/" + url.PathEscape(t.Key),
	}
	l.headers = headersOf(&t.Options)
	var names []string
	for _, h := range l.headers {
		names = append(names, quote(h.Name)+":"+quote(h.Value))
	}
	l.directOpen = fmt.Sprintf(`{"allOrNone":%t,"records":[`, t.Options.AllOrNone)
	l.subHead = `,"httpHeaders":{` + strings.Join(names, ",") + `},"body":` + l.directOpen
	for i, c := range s.Columns {
		if !strings.HasPrefix(c.Name, "\x00") && !strings.EqualFold(c.Name, "Id") {
			l.columns = append(l.columns, newField(i, c.Name))
		}
	}
	return l
}

// Header is a header of a request.
type Header struct{ Name, Value string }

// headersOf are the headers that say how a collection is written (REST API guide, "Headers"): by default
// assignment rules would replace the owner.
func headersOf(o *sink.Options) []Header {
	assign := o.AssignmentRule
	switch assign {
	case "":
		assign = "FALSE"
	case "default":
		assign = "TRUE"
	}
	headers := []Header{{"Sforce-Auto-Assign", assign}}
	if o.AllowDuplicates {
		headers = append(headers, Header{"Sforce-Duplicate-Rule-Header", "allowSave=true"})
	}
	if o.UpdateMRU != "" {
		headers = append(headers, Header{"Sforce-Mru", "updateMru=" + o.UpdateMRU})
	}
	return headers
}

// Headers are those of a collection of the target. The caller must not change them.
func (l *Layout) Headers() []Header { return l.headers }

// DirectOpen is what a collection that is a request of its own begins with.
func (l *Layout) DirectOpen() string { return l.directOpen }

// newField resolves a column name as a Bulk API header writes it: "Phone", "Account.Ext__c"
// for a relationship by external id, "User:Owner.Username" for a polymorphic one (REST API
// guide, "Upsert … Using an External ID"; Bulk API 2.0 guide, "Relationship Fields").
func newField(column int, name string) field {
	relation, parentKey, ok := strings.Cut(name, ".")
	if !ok {
		return field{column: column, open: "," + quote(name) + ":", null: "," + quote(name) + ":null"}
	}
	attributes := ""
	if object, rel, poly := strings.Cut(relation, ":"); poly {
		relation, attributes = rel, `"attributes":{"type":`+quote(object)+`},`
	}
	// A null key inside the nested object is refused: a relationship is cleared through its id.
	id := ReferenceOf(relation)
	return field{
		column: column,
		open:   "," + quote(relation) + ":{" + attributes + quote(parentKey) + ":",
		close:  "}",
		null:   "," + quote(id) + ":null",
	}
}

// ReferenceOf returns the field with the id that a relationship stands for.
func ReferenceOf(relationship string) string {
	if custom, ok := strings.CutSuffix(relationship, "__r"); ok {
		return custom + "__c"
	}
	return relationship + "Id"
}

func quote(s string) string {
	b, _ := jsontext.AppendQuote(nil, s) // invalid UTF-8 becomes U+FFFD
	return string(b)
}

// Layouts keeps the layouts of a Writer. A run has one schema a target; the bound is for
// callers that make a schema a request.
type Layouts struct {
	mu  sync.RWMutex
	all map[layoutKey]*Layout
}

type layoutKey struct {
	target *sink.Target
	schema *row.Schema
}

const maxLayouts = 256

// Get returns the layout of a schema's rows for a target, below the path of an API version.
// It is safe for concurrent use.
func (ls *Layouts) Get(prefix string, t *sink.Target, s *row.Schema) *Layout {
	k := layoutKey{t, s}
	ls.mu.RLock()
	l := ls.all[k]
	ls.mu.RUnlock()
	if l != nil {
		return l
	}
	l = NewLayout(prefix, t, s)
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.all == nil || len(ls.all) >= maxLayouts {
		ls.all = make(map[layoutKey]*Layout)
	}
	ls.all[k] = l
	return l
}

// AppendRecord appends a record as one JSON object, or for a Delete its id. If a cell cannot be
// sent, dst comes back as it was, with the column that is wrong and why.
func (l *Layout) AppendRecord(dst []byte, r *sink.Record, act sink.Action) (_ []byte, column int, why string) {
	if act == sink.Delete {
		return append(dst, l.ID(r)...), 0, ""
	}
	start := len(dst)
	dst = append(dst, l.opening...)
	if act == sink.Update {
		dst = append(dst, `,"id":`...)
		dst, _ = jsontext.AppendQuote(dst, l.ID(r))
	}
	for i := range l.columns {
		f := &l.columns[i]
		c := r.Batch.Cell(r.Row, f.column)
		k := c.Kind()
		if k == row.Absent || (act == sink.Update && c.OnInsert()) {
			continue
		}
		if k == row.Null {
			dst = append(dst, f.null...)
			continue
		}
		if c.Awaited() {
			return dst[:start], f.column, unfilled
		}
		dst = append(dst, f.open...)
		switch k {
		case row.Text:
			var err error
			if dst, err = jsontext.AppendQuote(dst, c.Text); err != nil {
				return dst[:start], f.column, "the text is not valid UTF-8"
			}
		case row.Number:
			if !JSONNumber(c.Text) {
				return dst[:start], f.column, "the number is not written as JSON writes numbers"
			}
			dst = append(dst, c.Text...)
		case row.Bool:
			if c.Text != "true" && c.Text != "false" {
				return dst[:start], f.column, "the boolean is neither true nor false"
			}
			dst = append(dst, c.Text...)
		default:
			return dst[:start], f.column, "an object or array is not the value of a field"
		}
		dst = append(dst, f.close...)
	}
	return append(dst, '}'), 0, ""
}

// unfilled is why a cell that awaits a record's id cannot be sent.
const unfilled = "the record that it refers to is not known"

// ID returns the record id of an update or deletion: that of the record, else of its key cell
// where the key is the id.
func (l *Layout) ID(r *sink.Record) string {
	if r.ID == "" && l.byID && l.key >= 0 {
		if c := r.Batch.Cell(r.Row, l.key); !c.Blank() {
			return strings.TrimSpace(c.Text)
		}
	}
	return r.ID
}

// JSONNumber reports whether s is a number of JSON (RFC 8259, section 6): numbers go out as
// their source wrote them, and one that is not would cost the whole request.
func JSONNumber(s string) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	if zero := i; !digits() || (s[zero] == '0' && i > zero+1) {
		return false
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}

// The parts of a composite request. Subrequests inherit no header but those of
// authentication and content, so each says itself that assignment rules must not run: by
// default they would replace the owner (REST API guide, "Assignment Rule Header").
const (
	CompositeOpen  = `{"allOrNone":false,"compositeRequest":[`
	CompositeClose = `]}`
	SubClose       = `]}}`

	// A deletion has no body: the ids are in its URL, which holds 200 of them in 4 KB.
	deleteOpen  = `{"method":"DELETE","url":"`
	deleteIDs   = `?ids=`
	deleteClose = `&allOrNone=false","referenceId":"`

	// DirectClose ends a collection that is a request of its own.
	DirectClose = `]}`
)

// Endpoint is where a collection of an action goes. Neither part needs escaping in JSON.
func (l *Layout) Endpoint(act sink.Action) (method, path string) {
	switch act {
	case sink.Create, sink.Publish:
		return http.MethodPost, l.createURL
	case sink.Upsert:
		return http.MethodPatch, l.upsertURL
	}
	return http.MethodPatch, l.createURL
}

// AppendSub begins subrequest number i with a collection, or with a list of ids for a Delete.
func (l *Layout) AppendSub(dst []byte, act sink.Action, i int) []byte {
	if act == sink.Delete {
		return append(append(append(dst, deleteOpen...), l.createURL...), deleteIDs...)
	}
	method, path := l.Endpoint(act)
	dst = append(dst, `{"method":"`...)
	dst = append(dst, method...)
	dst = append(dst, `","url":"`...)
	dst = append(dst, path...)
	dst = append(dst, `","referenceId":"`...)
	dst = append(AppendRef(dst, i), '"')
	return append(dst, l.subHead...)
}

// AppendClose ends subrequest number i.
func AppendClose(dst []byte, act sink.Action, i int) []byte {
	if act == sink.Delete {
		return append(AppendRef(append(dst, deleteClose...), i), `"}`...)
	}
	return append(dst, SubClose...)
}
