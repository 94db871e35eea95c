// Package events makes rows of events: it takes batches whose columns are parts of an event, as the
// reader of JSON Lines finds them, and gives batches whose columns are what a mapping names.
//
// An event is one RudderStack call in JSON. Its traits are those at the root, filled in by those of
// its context: a key of the root wins over the same key of the context, whatever either holds. Events
// that are not wanted are rows that are skipped ([row.Batch.Skip]); those that are wanted and cannot
// be used are rows that fail.
package events

import (
	"fmt"
	"slices"
	"strings"

	"sfsync/mapping/event"
	"sfsync/pipeline/row"
)

// Options say what is wanted of events.
type Options struct {
	// Gate skips events that are not enabled for Salesforce: documented is that they need
	// integrations: {"Salesforce": true}, or an object there (RudderStack docs, "Salesforce
	// destination"). "All" does not count.
	Gate bool
	// Track are the names of the track events that are wanted besides identify events.
	Track []string
	// Entries are the kinds of entries of context.externalId that have a target or are refused.
	// An event with an entry of another kind fails.
	Entries []event.Entry
}

// Translator makes rows of events. It is not safe for concurrent use.
type Translator struct {
	opt   Options
	pool  *row.Pool
	wants []string

	in  *row.Schema // the schema of the last batch
	at  control
	out *row.Schema

	tree    tree
	passed  [][2]int // columns that are taken as they are: of out, of in
	kinds   [][2]int // and those that say which targets an event is for, also where it fails
	entries map[string]entryColumn
	routed  int // column of event.Routed, -1 if it is not wanted
	parse   parser

	notEnabled int64 // events that were skipped as such
	enabled    bool  // one was not
}

// control is where the parts of an event stand that decide about it; -1 for nowhere.
type control struct{ typ, name, integrations, traits, context, externalID int }

// The paths of those parts.
const (
	pathIntegrations = "integrations"
	pathTraits       = "traits"
	pathContext      = "context.traits"
	pathExternalID   = "context.externalId"
)

// controls are the paths that every event is read by.
func controls() []string {
	return []string{event.Type, event.Name, pathIntegrations, pathTraits, pathContext, pathExternalID}
}

// New returns a translator. Paths are the columns wanted: those of traits, of entries, and any other
// path into the event. With rest, the traits that no path names become columns where they are met:
// traits.KEY, and traits.KEY.MEMBER for the members of an object.
func New(paths []string, rest bool, pool *row.Pool, opt Options) *Translator {
	t := &Translator{opt: opt, pool: pool, wants: controls(), entries: make(map[string]entryColumn), routed: -1}
	for i := range opt.Entries {
		e := &opt.Entries[i]
		t.entries[kindOf(e.Object, e.Field, e.New, e.Nth)] = entryColumn{column: -1, refused: e.Refused}
	}
	cols := make([]row.Column, 0, len(paths))
	seen := make(map[string]bool, len(paths))
	for _, p := range paths {
		if seen[p] {
			continue
		}
		seen[p] = true
		c := len(cols)
		cols = append(cols, row.Column{Name: p, Type: "json"})
		switch {
		case strings.HasPrefix(p, event.Traits):
			t.tree.want(strings.TrimPrefix(p, event.Traits), c)
		case p == event.Routed:
			t.routed = c
		case p == event.Type || p == event.Name:
			t.kinds = append(t.kinds, [2]int{c, -1})
		case !t.entry(p, c):
			t.passed = append(t.passed, [2]int{c, -1})
			t.wants = append(t.wants, p)
		}
	}
	t.tree.rest = rest
	t.out = row.NewSchema(cols...)
	return t
}

// entry gives an entry's column its place; ok is false for another column.
func (t *Translator) entry(name string, c int) (ok bool) {
	for i := range t.opt.Entries {
		if e := &t.opt.Entries[i]; e.Refused == "" && e.Column() == name {
			t.entries[kindOf(e.Object, e.Field, e.New, e.Nth)] = entryColumn{column: c}
			return true
		}
	}
	return false
}

// Wants returns the paths that the batches to translate must have as columns.
func (t *Translator) Wants() []string { return t.wants }

// Schema returns the columns known so far.
func (t *Translator) Schema() *row.Schema { return t.out }

// Warnings returns what is odd about the events so far.
func (t *Translator) Warnings() []string {
	var w []string
	if n := t.notEnabled; n > 0 && !t.enabled {
		w = append(w, fmt.Sprintf(`NOTHING WAS TAKEN: not one of the events is enabled for Salesforce, so %d were skipped as not-enabled. `+
			`Exports may lack integrations: {"Salesforce": true}; to take the events all the same, say gate: false under source`, n))
	}
	if n := t.tree.repeats; n > 0 {
		m := fmt.Sprintf("line %d: the trait %s is named twice in one object; the last one counts", t.tree.repeatLine, quote(t.tree.repeatKey))
		if n > 1 {
			m += fmt.Sprintf(" (so in %d events)", n)
		}
		w = append(w, m)
	}
	return w
}

// Translate gives the rows of a batch of events, which it takes over and frees: a row for each, at the
// same index.
func (t *Translator) Translate(in *row.Batch) *row.Batch {
	if s := in.Schema(); s != t.in {
		t.bind(s)
	}
	out := t.pool.Get(t.out)
	out.Seq, out.File = in.Seq, in.File
	for r := range in.Len() {
		out.AddRow(in.Line(r))
		if raw := in.Raw(r); raw != "" {
			out.SetRaw(r, []byte(raw))
		}
		if file, line := in.Origin(r); line > 0 {
			out.SetOrigin(r, file, line)
		}
		routed := t.row(in, out, r)
		// An event that failed before it was known where it goes did so for a target of the mapping: now
		// it goes where it says.
		if only := in.Only(r); only != "" && (!routed || strings.HasPrefix(only, event.Prefix)) {
			out.SetOnly(r, strings.Clone(only))
		}
	}
	in.Free()
	return out
}

// bind finds the parts of events in a schema.
func (t *Translator) bind(s *row.Schema) {
	t.in = s
	t.at = control{
		typ: s.Index(event.Type), name: s.Index(event.Name), integrations: s.Index(pathIntegrations),
		traits: s.Index(pathTraits), context: s.Index(pathContext), externalID: s.Index(pathExternalID),
	}
	for _, columns := range [][][2]int{t.passed, t.kinds} {
		for i := range columns {
			columns[i][1] = s.Index(t.out.Columns[columns[i][0]].Name)
		}
	}
}

// row translates one event, and reports whether it names its records itself.
func (t *Translator) row(in, out *row.Batch, r int) (routed bool) {
	if p, bad := in.Problem(r); bad {
		p.Code, p.Message = strings.Clone(p.Code), strings.Clone(p.Message)
		out.Fail(r, p)
		t.enabled = true
		return false
	}
	cell := func(c int) row.Cell {
		if c < 0 {
			return row.Cell{}
		}
		return in.Cell(r, c)
	}
	track, problem := t.kind(cell(t.at.typ), cell(t.at.name))
	switch {
	case problem.Code != "":
		out.Skip(r, problem)
		return false
	case t.opt.Gate && !t.parse.enabled(cell(t.at.integrations)):
		t.notEnabled++
		out.Skip(r, row.Problem{Code: event.CodeNotEnabled, Message: `not-enabled: the event has no integrations: {"Salesforce": true}`})
		return false
	}
	t.enabled = true
	t.pass(in, out, r, t.kinds)
	root, context := cell(t.at.traits), cell(t.at.context)
	switch {
	case !track && !isObject(root) && !isObject(context):
		problem = row.Problem{Code: event.CodeNoTraits, Message: "the event has no traits, neither at its root nor in its context"}
	default:
		if problem = t.tree.put(out, r, root, context); problem.Code == "" && !track {
			routed, problem = t.route(cell(t.at.externalID), out, r)
		}
		t.out = out.Schema()
	}
	if problem.Code != "" {
		problem.Sound = true
		out.Fail(r, problem)
		return routed
	}
	t.pass(in, out, r, t.passed)
	return routed
}

// pass takes columns of an event as they are.
func (t *Translator) pass(in, out *row.Batch, r int, columns [][2]int) {
	for _, p := range columns {
		if p[1] < 0 {
			continue
		}
		if c := in.Cell(r, p[1]); c.Kind() == row.Null {
			out.SetKind(r, p[0], row.Null)
		} else if c.Kind() != row.Absent {
			out.Set(r, p[0], c.Kind(), c.Text)
		}
	}
}

// kind tells track events from identify events, and says why an event is neither that is wanted.
func (t *Translator) kind(typ, name row.Cell) (track bool, skip row.Problem) {
	switch {
	case typ.Kind() == row.Text && strings.EqualFold(typ.Text, "identify"):
		return false, row.Problem{}
	case typ.Kind() == row.Text && strings.EqualFold(typ.Text, "track"):
		if name.Kind() == row.Text && slices.Contains(t.opt.Track, name.Text) {
			return true, row.Problem{}
		}
		return true, row.Problem{Code: event.CodeType, Message: "event-type: no target takes the track event " + quote(name.Text)}
	case typ.Blank():
		return false, row.Problem{Code: event.CodeType, Message: "event-type: the row has no type, as events do"}
	}
	return false, row.Problem{Code: event.CodeType, Message: "event-type: identify and track events are read, not " + quote(typ.Text)}
}

func isObject(c row.Cell) bool { return c.Kind() == row.JSON && strings.HasPrefix(c.Text, "{") }

// quote quotes a text for a message, cut to 40 characters.
func quote(s string) string {
	if r := []rune(s[:min(len(s), 200)]); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return fmt.Sprintf("%q", strings.ToValidUTF8(s, "\uFFFD"))
}
