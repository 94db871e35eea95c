package plan

import (
	"strconv"
	"strings"

	"sfsync/mapping"
	"sfsync/mapping/jsoncell"
	"sfsync/pipeline/row"
)

// appendRecord appends a record's line of plan.jsonl, without its end. All members are always
// there:
//
//	{"file","line","target","object","action","id","match":{…},"fields":{…},"before":{…},"code","field","message"}
//
// match are the fields of the match keys that the row has. fields are what would be sent of a new
// record or an event; of an update they are the fields that it changes, and before is what they
// hold now. A reference to a record that does not exist yet is {"ref":"<target>"}, or if it is
// looked up {"lookup":"<object>.<field>","value":…}; before, which is about the record of an earlier
// row, says {"new":"<object>"}.
func (t *target) appendRecord(dst []byte, b *Batch, r int, rec *Record) []byte {
	recs := &b.Mapped.Targets[t.index]
	file, line := b.Mapped.Source.Place(r, b.Path)
	dst = jsoncell.AppendText(append(dst, `{"file":`...), file)
	dst = strconv.AppendInt(append(dst, `,"line":`...), line, 10)
	dst = jsoncell.AppendText(append(dst, `,"target":`...), t.plan.Name)
	dst = jsoncell.AppendText(append(dst, `,"object":`...), t.plan.Object.Name)
	dst = jsoncell.AppendText(append(dst, `,"action":`...), rec.Action.String())
	dst = jsoncell.AppendText(append(dst, `,"id":`...), rec.ID)

	o := object{dst: append(dst, `,"match":{`...)}
	if hasCells(recs.Fate(r), rec.Action) {
		for _, c := range t.match {
			if cell := recs.Batch.Cell(r, c.column); !cell.Blank() {
				t.member(&o, b, r, c.name, c.column, cell)
			}
		}
	}
	o.next(`},"fields":{`)
	switch rec.Action {
	case Create, Publish, Update:
		for c, col := range recs.Batch.Schema().Columns {
			cell := recs.Batch.Cell(r, c)
			if cell.Kind() == row.Absent || strings.HasPrefix(col.Name, hidden) || rec.Action == Update && !rec.changes(c) {
				continue
			}
			t.member(&o, b, r, col.Name, c, cell)
		}
	}
	o.next(`},"before":{`)
	for c, before := range rec.Before {
		if rec.changes(c) {
			o.name(recs.Batch.Schema().Columns[c].Name)
			if n := t.need(c); n != nil && strings.HasPrefix(before.Text, MadeUp) {
				o.dst = append(jsoncell.AppendText(append(o.dst, `{"new":`...), t.of.Record(n.Record).Object.Name), '}')
				continue
			}
			o.dst = jsoncell.Append(o.dst, before)
		}
	}
	dst = jsoncell.AppendText(append(o.dst, `},"code":`...), rec.Code)
	dst = jsoncell.AppendText(append(dst, `,"field":`...), rec.Field)
	dst = jsoncell.AppendText(append(dst, `,"message":`...), rec.Message)
	return append(dst, '}')
}

// hidden begins the names of columns that are no fields: the folded keys.
const hidden = "\x00"

// hasCells reports whether the cells of a record mean something.
func hasCells(f mapping.Fate, a Action) bool {
	return f == mapping.Send || f == mapping.Hold && a != Skip
}

// changes reports whether an update changes a column.
func (rec *Record) changes(c int) bool {
	return rec.Action == Update && c < len(rec.Before) && rec.Before[c].Kind() != row.Absent
}

// object writes the members of a JSON object.
type object struct {
	dst  []byte
	some bool
}

func (o *object) name(s string) {
	if o.some {
		o.dst = append(o.dst, ',')
	}
	o.some = true
	o.dst = append(jsoncell.AppendText(o.dst, s), ':')
}

// next ends the object and begins another one with the text between.
func (o *object) next(between string) { o.dst, o.some = append(o.dst, between...), false }

// member appends a field with its value, or with what it refers to if that does not exist yet.
func (t *target) member(o *object, b *Batch, r int, name string, c int, cell row.Cell) {
	o.name(name)
	if n := t.need(c); n != nil && (cell.Awaited() || strings.HasPrefix(cell.Text, MadeUp)) {
		o.dst = t.appendNew(o.dst, b, r, n)
		return
	}
	o.dst = jsoncell.Append(o.dst, cell)
}

// need returns what a column refers to, nil for nothing.
func (t *target) need(c int) *mapping.Need {
	for i := range t.plan.Needs {
		if n := &t.plan.Needs[i]; n.Column == c {
			return n
		}
	}
	return nil
}

// appendNew appends what stands for a record that does not exist yet: the target that a run would
// create it by, or the key that a run would find it by.
func (t *target) appendNew(dst []byte, b *Batch, r int, n *mapping.Need) []byte {
	find := n.Record - len(t.names)
	if find < 0 {
		return append(jsoncell.AppendText(append(dst, `{"ref":`...), t.names[n.Record]), '}')
	}
	p := t.of.Record(n.Record)
	key := matchOf(p)[0]
	dst = jsoncell.AppendText(append(dst, `{"lookup":`...), p.Object.Name+"."+key.name)
	return append(jsoncell.Append(append(dst, `,"value":`...), b.Mapped.Finds[find].Batch.Cell(r, key.column)), '}')
}
