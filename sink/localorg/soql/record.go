package soql

import (
	"bytes"
	"database/sql/driver"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"modernc.org/sqlite"

	"sfsync/sink/localorg/soql/syntax"
)

// The SQL functions that Register makes known: text in lower case, and whether one of the texts behind the
// first argument, a JSON array of patterns, has words that fit them.
const (
	foldFunction  = "sfsync_lower"
	matchFunction = "sfsync_match"
)

// Register makes the SQL functions that compiled queries call known to the driver "sqlite".
// Connections opened before do not have it. It may be called any number of times.
func Register() error { return register() }

// The driver's functions belong to the process, so this does too.
var register = sync.OnceValue(func() error { //nolint:gochecknoglobals // see above
	err := sqlite.RegisterFunction(foldFunction, &sqlite.FunctionImpl{NArgs: 1, Deterministic: true, Scalar: lower})
	if err != nil {
		return err
	}
	return sqlite.RegisterFunction(matchFunction, &sqlite.FunctionImpl{NArgs: -1, Deterministic: true, Scalar: match})
})

func lower(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	switch v := args[0].(type) {
	case string:
		return strings.ToLower(v), nil
	case []byte:
		return strings.ToLower(string(v)), nil
	}
	return args[0], nil
}

func match(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	var patterns []string
	if err := json.Unmarshal([]byte(text(args[0])), &patterns); err != nil {
		return nil, err
	}
	for _, v := range args[1:] {
		if v != nil && syntax.Match(text(v), patterns) {
			return int64(1), nil
		}
	}
	return int64(0), nil
}

// node is a record of the answer, a compound value, one value, or the records of a child subquery.
type node struct {
	name     []byte // the key as JSON text with its colon
	key      string
	kind     kind
	value    int    // the value's index, -1 for records and compounds
	entity   string // of a record
	id       int    // the value that holds a record's Id, -1 for an aggregate's
	children []node
	// kinds are the objects by key prefix of which the record may be; nil if it is of entity.
	kinds map[string]string
	// typed are the children by the record's object, in a TYPEOF; other objects have children.
	typed map[string][]node
	// show turns the text of a value into what is shown, if set.
	show func(string) string
	// rows is the record of a child subquery, whose rows are the value.
	rows *node
}

func (n *node) add(child node) { n.children = append(n.children, child) }

func (n *node) child(name string) *node {
	for i := range n.children {
		if n.children[i].entity != "" && n.children[i].key == name {
			return &n.children[i]
		}
	}
	return nil
}

func leaf(name string, k kind, value int) node {
	return node{name: jsonKey(name), kind: k, value: value, id: -1}
}

func jsonKey(name string) []byte { return append(appendString(nil, name), ':') }

// AppendRecord appends a row of SQL's answer as the JSON of a record: compact, parents
// nested, each with its attributes. base is what the records' URLs begin with,
// "/services/data/v66.0"; it is written as it is. values has [Query.Width] values as database/sql scans them into any.
func (q *Query) AppendRecord(dst []byte, base string, values []any) []byte {
	return q.root.append(dst, base, values)
}

func (n *node) append(dst []byte, base string, values []any) []byte {
	switch {
	case n.rows != nil:
		return n.appendRows(dst, base, values[n.value])
	case n.value >= 0 && n.show != nil && values[n.value] != nil:
		return appendString(dst, n.show(text(values[n.value])))
	case n.value >= 0:
		return appendValue(dst, n.kind, values[n.value])
	case n.kind == compoundKind:
		return n.appendCompound(dst, base, values)
	case n.id < 0:
		dst = append(dst, `{"attributes":{"type":"AggregateResult"}`...)
		return n.appendChildren(dst, base, values, n.children)
	case values[n.id] == nil:
		return append(dst, "null"...) // the reference is null
	}
	entity, object := n.entity, n.entity
	children := n.children
	if n.kinds != nil {
		if id := text(values[n.id]); len(id) >= 3 && n.kinds[id[:3]] != "" {
			object = n.kinds[id[:3]]
		}
		if n.typed != nil {
			entity = object
			if typed, ok := n.typed[object]; ok {
				children = typed
			}
		}
	}
	dst = append(dst, `{"attributes":{"type":`...)
	dst = appendString(dst, entity)
	dst = append(dst, `,"url":"`...)
	dst = append(dst, base...)
	dst = append(dst, "/sobjects/"...)
	dst = append(dst, object...)
	dst = append(dst, '/')
	dst = appendID(dst, values[n.id])
	dst = append(dst, `"}`...)
	return n.appendChildren(dst, base, values, children)
}

func (n *node) appendChildren(dst []byte, base string, values []any, children []node) []byte {
	for i := range children {
		dst = append(dst, ',')
		dst = append(dst, children[i].name...)
		dst = children[i].append(dst, base, values)
	}
	return append(dst, '}')
}

// appendRows writes the answer of a child subquery, null if it has no records.
func (n *node) appendRows(dst []byte, base string, v any) []byte {
	var rows [][]any
	if err := json.Unmarshal([]byte(text(v)), &rows, jsontext.AllowInvalidUTF8(true)); err != nil || len(rows) == 0 {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"totalSize":`...)
	dst = strconv.AppendInt(dst, int64(len(rows)), 10)
	dst = append(dst, `,"done":true,"records":[`...)
	for i, row := range rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = n.rows.append(dst, base, row)
	}
	return append(dst, "]}"...)
}

// text is a value as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// appendID writes the letters, digits, dots and underscores of an id.
func appendID(dst []byte, v any) []byte {
	s := text(v)
	for i := range len(s) {
		if c := s[i]; c == '_' || c == '.' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' {
			dst = append(dst, c)
		}
	}
	return dst
}

// appendCompound writes an address or a location, null if none of its parts has a value.
func (n *node) appendCompound(dst []byte, base string, values []any) []byte {
	some := false
	for i := range n.children {
		some = some || values[n.children[i].value] != nil
	}
	if !some {
		return append(dst, "null"...)
	}
	for i := range n.children {
		if i == 0 {
			dst = append(dst, '{')
		} else {
			dst = append(dst, ',')
		}
		dst = append(dst, n.children[i].name...)
		dst = n.children[i].append(dst, base, values)
	}
	return append(dst, '}')
}

// appendValue writes one value by the kind of its field.
func appendValue(dst []byte, k kind, v any) []byte {
	switch v := v.(type) {
	case nil:
		if k == boolKind {
			return append(dst, "false"...)
		}
		return append(dst, "null"...)
	case string:
		return appendText(dst, k, v)
	case []byte:
		return appendText(dst, k, string(v))
	case int64:
		switch k {
		case boolKind:
			return strconv.AppendBool(dst, v != 0)
		case numberKind:
			return append(strconv.AppendInt(dst, v, 10), ".0"...)
		case intKind:
			return strconv.AppendInt(dst, v, 10)
		}
		return append(strconv.AppendInt(append(dst, '"'), v, 10), '"')
	case float64:
		if k == boolKind {
			return strconv.AppendBool(dst, v != 0)
		}
		return appendFloat(dst, k, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case time.Time:
		form := StoredDateTime
		if k == dateKind {
			form = syntax.DateForm
		}
		return append(v.UTC().AppendFormat(append(dst, '"'), form), '"')
	}
	return append(dst, "null"...)
}

func appendText(dst []byte, k kind, s string) []byte {
	switch k {
	case boolKind:
		return strconv.AppendBool(dst, s == "1" || strings.EqualFold(s, "true"))
	case intKind, numberKind:
		if !syntax.IsNumber(s) {
			return append(dst, "null"...)
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return appendValue(dst, k, n)
		}
		if jsonNumber(s) && k == numberKind {
			return append(dst, s...) // as exact as it is stored
		}
		v, _ := strconv.ParseFloat(s, 64)
		return appendFloat(dst, k, v)
	}
	return appendString(dst, s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// jsonNumber reports whether a number has a fraction and is written as JSON wants it.
func jsonNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return strings.Contains(s, ".") && isDigit(s[0]) && isDigit(s[len(s)-1]) && (s[0] != '0' || s[1] == '.')
}

// appendFloat writes a number; one of a double field has a decimal point, as the org's has.
func appendFloat(dst []byte, k kind, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	if k == intKind && v == math.Trunc(v) {
		return strconv.AppendFloat(dst, v, 'f', 0, 64)
	}
	at := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if bytes.IndexByte(dst[at:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendString writes a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	out, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		out, _ = jsontext.AppendQuote(dst, strings.ToValidUTF8(s, "\uFFFD"))
	}
	return out
}
