package pipeline

import (
	"sfsync/mapping"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
)

// work is a read batch on its way through the stages. The stage that has it owns it: read,
// map, form (with its workers), collect.
type work struct {
	source *row.Batch
	mapped *mapping.Mapped // set by map; owns source from then on
	ready  chan struct{}   // closed when mapped is set

	err error // why it cannot be sent

	rows        int
	first       int64         // the number of its first row in this pass, from 0
	room, bytes int           // rows and bytes that it holds of the window
	sum         uint32        // checksum of the source batch
	prior       *ledger.Batch // what an earlier try at the run left, or nil

	records []record // of row r and lane t: t*rows + r
	open    int      // records that are not decided
	changes []change // in a rehearsal, of each record
}

// record is what is known of one row for one target or find.
type record struct {
	state      ledger.State
	attempts   uint8
	resend     bool // it may have reached the org before
	redirected bool // another target's record came to a converted lead and told the id
	phase      phase
	holders    holders // what is known of the records that hold its only key
	same       bool    // the org last accepted exactly this; only the id is asked for
	met        bool    // the record it is to change was looked up as far as need be
	waits      uint16  // what holds it back: keys on their way, records that it needs
	unit       uint16  // the number of what an earlier try sent it with, if the org keeps its result
	id         string
	problem    *ledger.Problem
}

func (w *work) seq() int64 { return w.source.Seq }

// record returns the record of a row for a lane.
func (w *work) record(lane int, r int32) *record { return &w.records[lane*w.rows+int(r)] }

func (w *work) free() {
	if w.mapped != nil {
		w.mapped.Free()
	} else {
		w.source.Free()
	}
	w.mapped, w.source = nil, nil
}

// holders says how many records of the org hold a key, where that tells the next row of it all.
type holders uint8

const (
	unknownHolders holders = iota
	noHolder
	severalHolders
)
