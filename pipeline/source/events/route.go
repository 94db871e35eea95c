package events

import (
	"fmt"
	"strconv"
	"strings"

	"sfsync/mapping/event"
	"sfsync/pipeline/row"
)

// entryColumn is where the ids of a kind of entry go.
type entryColumn struct {
	column  int // -1 for nowhere
	refused string
}

// kindOf is the kind of an entry; names count without case.
func kindOf(object, field string, isNew bool, nth int) string {
	return strings.ToLower(object) + "\x00" + strings.ToLower(field) + "\x00" + strconv.FormatBool(isNew) + strconv.Itoa(nth)
}

// parser reads the parts of an event that decide about it. It keeps its memory.
type parser struct {
	found []found
}

// found is an entry of context.externalId that is ours.
type found struct {
	entry event.Entry
	kind  row.Kind // of the id
	id    string
}

// enabled reports whether integrations say that the event is for Salesforce.
func (*parser) enabled(integrations row.Cell) bool {
	if !isObject(integrations) {
		return false
	}
	on := false
	c := cursor{s: integrations.Text}
	for more := c.enter(); more; more = c.next() {
		key := plain(c.key())
		kind, text := c.value()
		if key == "Salesforce" {
			on = kind == row.Bool && text == "true" || kind == row.JSON && text[0] == '{'
		}
	}
	return on
}

// entries reads context.externalId: the entries that are ours, in order. The problem has no code
// where all is well.
func (p *parser) entries(cell row.Cell) ([]found, row.Problem) {
	p.found = p.found[:0]
	switch {
	case cell.Kind() <= row.Null:
		return nil, row.Problem{}
	case cell.Kind() != row.JSON || !strings.HasPrefix(cell.Text, "["):
		return nil, row.Problem{Code: event.CodeExternalID, Message: "context.externalId is no array"}
	}
	c := cursor{s: cell.Text}
	for more := c.enter(); more; more = c.next() {
		kind, text := c.value()
		if kind != row.JSON || text[0] != '{' {
			continue // no entry of ours
		}
		f, ours, why := entry(text)
		switch {
		case !ours:
			continue
		case why != "":
			return nil, row.Problem{Code: event.CodeExternalID, Message: why}
		}
		f.entry.Nth = 1
		for i := range p.found {
			if e := p.found[i].entry; e.New == f.entry.New && strings.EqualFold(e.Object, f.entry.Object) && strings.EqualFold(e.Field, f.entry.Field) {
				f.entry.Nth++
			}
		}
		if len(p.found) == event.MaxEntries {
			return nil, row.Problem{
				Code: event.CodeTooMany, Message: fmt.Sprintf("context.externalId names more than %d records", event.MaxEntries),
			}
		}
		if f.entry.Nth > event.MaxOfOne {
			return nil, row.Problem{
				Code: event.CodeTooMany, Message: fmt.Sprintf("context.externalId names more than %d records of %s", event.MaxOfOne, quote(f.entry.Object)),
			}
		}
		p.found = append(p.found, f)
	}
	return p.found, row.Problem{}
}

// entry reads one entry. ours is false for one of another destination; why says what is wrong.
func entry(object string) (f found, ours bool, why string) {
	var typ, field string
	c := cursor{s: object}
	for more := c.enter(); more; more = c.next() {
		key := plain(c.key())
		kind, text := c.value()
		switch key {
		case "type":
			if typ = ""; kind == row.Text {
				typ = plain(text)
			}
		case "id":
			if f.kind, f.id = kind, text; kind == row.Text {
				f.id = strings.TrimSpace(plain(text))
			}
		case "identifierType":
			switch {
			case kind == row.Text:
				field = strings.TrimSpace(plain(text))
			case kind != row.Null:
				why = "the identifierType of an entry of context.externalId is no text"
			}
		}
	}
	if len(typ) < len(event.Prefix) || !strings.EqualFold(typ[:len(event.Prefix)], event.Prefix) {
		return f, false, ""
	}
	f.entry.Object, f.entry.Field = strings.TrimSpace(typ[len(event.Prefix):]), field
	if f.kind == row.Null {
		f.kind, f.id = row.Absent, ""
	}
	f.entry.New = field == "" && f.id == ""
	switch {
	case why != "":
	case !isName(f.entry.Object):
		why = "an entry of context.externalId names no object: " + quote(typ)
	case field != "" && !isName(field):
		why = "the identifierType of an entry of context.externalId is no field: " + quote(field)
	case f.kind == row.JSON || f.kind == row.Bool:
		why = "the id of the entry " + quote(typ) + " of context.externalId is no text"
	}
	return f, true, why
}

// isName reports whether a text could be an API name.
func isName(s string) bool {
	if s == "" || len(s) > event.MaxName {
		return false
	}
	for _, c := range []byte(s) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if c != '_' && (c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// route stores the ids of the records that the event names, and reports whether it names any.
func (t *Translator) route(cell row.Cell, out *row.Batch, r int) (routed bool, _ row.Problem) {
	all, problem := t.parse.entries(cell)
	for i := range all {
		f := &all[i]
		e := &f.entry
		at, known := t.entries[kindOf(e.Object, e.Field, e.New, e.Nth)]
		switch {
		case !known:
			return false, row.Problem{
				Code:    event.CodeTooMany,
				Message: fmt.Sprintf("context.externalId names a record by %s, and the run has no target for it: at most %d kinds of records are taken", quote(e.Column()), event.MaxEntries),
			}
		case at.refused != "":
			return false, row.Problem{Code: event.CodeObject, Message: at.refused}
		case at.column < 0: // a plan that does not ask for it
		case e.New:
			out.Set(r, at.column, row.Bool, "true")
		default:
			out.Set(r, at.column, row.Text, f.id)
		}
	}
	if routed = len(all) > 0; routed && t.routed >= 0 {
		out.Set(r, t.routed, row.Bool, "true")
	}
	return routed, problem
}
