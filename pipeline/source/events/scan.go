package events

import (
	"slices"
	"strings"

	"sfsync/mapping/event"
	"sfsync/pipeline/row"
)

// Scan collects the kinds of entries that events have in context.externalId, before a run makes its
// targets of them.
type Scan struct {
	gate  bool
	parse parser
	found []event.Entry
	known map[string]bool
}

// NewScan returns a scan; with the gate, events that are not enabled do not count.
func NewScan(gate bool) *Scan { return &Scan{gate: gate, known: make(map[string]bool)} }

// Paths returns the paths that the batches to scan must have as columns.
func (*Scan) Paths() []string { return []string{event.Type, pathIntegrations, pathExternalID} }

// Add looks at the events of a batch, which stays the caller's.
func (s *Scan) Add(b *row.Batch) {
	schema := b.Schema()
	typ, integrations, ids := schema.Index(event.Type), schema.Index(pathIntegrations), schema.Index(pathExternalID)
	t := Translator{}
	for r := range b.Len() {
		if s.Full() {
			return
		}
		cell := b.Cell(r, ids)
		if cell.Kind() <= row.Null {
			continue
		}
		track, skip := t.kind(b.Cell(r, typ), row.Cell{})
		if track || skip.Code != "" || s.gate && !s.parse.enabled(b.Cell(r, integrations)) {
			continue
		}
		all, _ := s.parse.entries(cell) // one that is wrong fails its row when it is read
		for i := range all {
			e := &all[i].entry
			if k := kindOf(e.Object, e.Field, e.New, e.Nth); !s.known[k] && !s.Full() {
				s.known[k] = true
				e.Object, e.Field = strings.Clone(e.Object), strings.Clone(e.Field) // views on the batch
				s.found = append(s.found, *e)
			}
		}
	}
}

// Full reports whether as many kinds were found as a run takes: what comes later is left out.
func (s *Scan) Full() bool { return len(s.found) >= event.MaxEntries }

// Entries returns what was found, in the order in which it first came.
func (s *Scan) Entries() []event.Entry { return slices.Clone(s.found) }
