package lacking

import (
	"iter"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// Required tells which records of a target an org would refuse for want of a value, which a
// rehearsal has to know before it says create or update. It serves one goroutine.
type Required struct {
	fields []*schema.Field
	// The columns that fill the fields in batches of the last schema.
	schema  *row.Schema
	columns [][]int
}

// NewRequired returns that of a target.
func NewRequired(t *mapping.PlanTarget) *Required {
	q := &Required{}
	for _, f := range t.Object.Fields {
		if f.Required() {
			q.fields = append(q.fields, f)
		}
	}
	return q
}

// Missing returns the fields, as "A" or "A,B", for want of which the org would refuse row r of a
// batch, and its words for it: of a new record those that it does not have, of an update those that
// it would clear. Both are "" for a record that lacks nothing. A cell that awaits the id of another
// record has a value.
func (q *Required) Missing(b *row.Batch, r int, create bool) (fields, message string) {
	var missing []string
	for f := range q.Fields(b, r, create) {
		missing = append(missing, f)
	}
	if missing == nil {
		return "", ""
	}
	return strings.Join(missing, ","), "Required fields are missing: [" + strings.Join(missing, ", ") + "]"
}

// Fields are the names of the fields for want of which the org would refuse row r of a batch: see
// [Required.Missing].
func (q *Required) Fields(b *row.Batch, r int, create bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		if s := b.Schema(); s != q.schema && len(q.fields) > 0 {
			q.bind(s)
		}
		for i, f := range q.fields {
			refused := create
			for _, c := range q.columns[i] {
				cell := b.Cell(r, c)
				switch {
				case !cell.Blank() || cell.Awaited():
					refused = false
				case cell.Kind() != row.Absent:
					refused = true
				}
			}
			if refused && !yield(f.Name) {
				return
			}
		}
	}
}

// bind finds the columns that fill each field: its own, and those of a relationship by key.
func (q *Required) bind(s *row.Schema) {
	q.schema, q.columns = s, make([][]int, len(q.fields))
	for i, f := range q.fields {
		for c, col := range s.Columns {
			name, _, dotted := strings.Cut(col.Name, ".")
			if _, after, typed := strings.Cut(name, ":"); typed {
				name = after // User:Owner.Username
			}
			if strings.EqualFold(col.Name, f.Name) || dotted && f.RelationshipName != "" && strings.EqualFold(name, f.RelationshipName) {
				q.columns[i] = append(q.columns[i], c)
			}
		}
	}
}
