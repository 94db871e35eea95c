package pipeline

import (
	"encoding/binary"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/fingerprint"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// tracks reports whether fingerprints are kept of the lane's records: those that are matched by a key and can
// be the same as before.
func (l *lane) tracks() bool {
	p := l.plan.Operation
	return !l.find && l.keyed() && (p == mapping.Upsert || p == mapping.Update || p == mapping.Insert)
}

// prints makes the fingerprints of records; it belongs to one goroutine.
type prints struct {
	buf     []byte
	keys    []fingerprint.Sum
	content []fingerprint.Sum
}

// of returns the fingerprint of a record whose values are all there: of its match keys, and of all that is
// sent or would be if the record were created.
func (p *prints) of(l *lane, it item) (key, content fingerprint.Sum) {
	b, r := l.batch(it.w), int(it.row)
	buf := appendPart(p.buf[:0], l.plan.Name)
	buf = appendPart(buf, l.plan.Object.Name)
	buf = appendPart(buf, l.plan.Org)
	for k := range l.keys[:len(l.keys)-1] {
		for i, c := range l.keys[k].columns {
			cell := b.Cell(r, c)
			if cell.Blank() {
				continue
			}
			buf = appendPart(buf, l.keys[k].fields[i].Name)
			buf = appendPart(buf, cell.Text)
		}
	}
	key = fingerprint.SumOf(buf)
	buf = appendPart(buf[:0], string(l.plan.Operation))
	for c, col := range b.Schema().Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || hidden(col.Name) {
			continue
		}
		buf = appendPart(buf, col.Name)
		buf = append(buf, byte(cell.Kind()))
		buf = appendPart(buf, cell.Text)
	}
	p.buf = buf
	return key, fingerprint.SumOf(buf)
}

// appendPart appends a text with its length, so that no two lists of texts give the same bytes.
func appendPart(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

// repeated decides a record of which the org last accepted exactly what would be sent, and reports whether it
// is done with. If others of the row need the record's id it is looked up first: see [former.arrive].
func (f *former) repeated(l *lane, it item) bool {
	rec := it.record()
	if f.opt.Known == nil || !f.opt.ChangedOnly || !l.tracks() || l.looks(it) || rec.resend || rec.attempts > 0 || rec.redirected {
		return false
	}
	same, err := f.opt.Known.Same(f.prints.of(l, it))
	if err != nil {
		f.halt(err)
		return false
	}
	switch {
	case !same:
		return false
	case l.byID():
		rec.id = schema.ID18(l.text(it, 0))
	case f.mayBeNeeded(l, it):
		rec.same = true
		return false
	}
	f.finish(l, it, ledger.Unchanged, nil)
	return true
}

// mayBeNeeded reports whether another record of the row refers to this one.
func (f *former) mayBeNeeded(l *lane, it item) bool {
	for _, d := range l.dependents {
		if d.column >= 0 && f.awaits(d.lane, it, d.column) && !it.w.record(d.lane.index, it.row).state.Decided() {
			return true
		}
	}
	return false
}

// leaving says to the fingerprints that the records of a job are about to be sent.
func (j *job) leaving(opt *Options) error {
	if opt.Known == nil || !j.lane.tracks() {
		return nil
	}
	p := &j.prints
	p.keys, p.content = p.keys[:0], p.content[:0]
	for _, it := range j.items {
		key, content := p.of(j.lane, it)
		p.keys, p.content = append(p.keys, key), append(p.content, content)
	}
	return opt.Known.Sending(p.keys)
}

// accepted says to the fingerprints which of them the org has taken.
func (j *job) accepted(opt *Options) error {
	if opt.Known == nil || !j.lane.tracks() {
		return nil
	}
	for i := range j.items {
		if s := j.results[i].Status; s == sink.Created || s == sink.Updated {
			if err := opt.Known.Accepted(j.prints.keys[i], j.prints.content[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// trim takes out of an update what the org's record holds already, and reports whether nothing is left.
func (l *lane) trim(it item, w *want, m *sink.Match) bool {
	b, r := l.batch(it.w), int(it.row)
	s := b.Schema()
	left := false
	for c, col := range s.Columns {
		cell := b.Cell(r, c)
		if cell.Kind() == row.Absent || cell.OnInsert() || hidden(col.Name) {
			continue
		}
		if same(l.plan.Field(s, c), cell, m.Values[w.columns[c]]) {
			b.Flag(r, c, row.OnInsert) // an update leaves it out
		} else {
			left = true
		}
	}
	return !left
}
