// Package work holds what the stages of a run hand to each other: read batches with what is known
// of their records, and the counters, codes and errors that several stages speak of.
package work

import (
	"sfsync/mapping"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Batch is a read batch on its way through the stages. The stage that has it owns it: read,
// map, form (with its workers), collect.
type Batch struct {
	Source *row.Batch
	Mapped *mapping.Mapped // set by map; owns Source from then on
	Ready  chan struct{}   // closed when Mapped is set

	Err error // why it cannot be sent

	Rows        int
	First       int64         // the number of its first row in this pass, from 0
	Room, Bytes int           // rows and bytes that it holds of the window
	Sum         uint32        // checksum of the source batch
	Prior       *ledger.Batch // what an earlier try at the run left, or nil

	Records []Record // of row r and target or find t: t*Rows + r
	Open    int      // records that are not decided
	Changes []Change // in a rehearsal, of each record
}

// Record is what is known of one row for one target or find.
type Record struct {
	State      ledger.State
	Attempts   uint8
	Last       uint8 // how often it was sent in the last pass
	Late       bool  // it is in a round of the last pass that goes on
	Resend     bool  // it may have reached the org before
	Lost       bool  // an update of it may have reached the org before
	Redirected bool  // another target's record came to a converted lead and told the id
	Phase      Phase
	Holders    Holders // what is known of the records that hold its only key
	Same       bool    // the org last accepted exactly this; only the id is asked for
	Met        bool    // the record it is to change was looked up as far as need be
	Waits      uint16  // what holds it back: keys on their way, records that it needs
	Unit       uint16  // the number of what an earlier try sent it with, if the org keeps its result
	ID         string
	Problem    *ledger.Problem
}

// Seq is the number of the batch.
func (w *Batch) Seq() int64 { return w.Source.Seq }

// Record returns the record of a row for a target or find.
func (w *Batch) Record(target int, r int32) *Record { return &w.Records[target*w.Rows+int(r)] }

// Free gives the memory of the batch back.
func (w *Batch) Free() {
	if w.Mapped != nil {
		w.Mapped.Free()
	} else {
		w.Source.Free()
	}
	w.Mapped, w.Source = nil, nil
}

// Ledger is what the ledger needs to know of a batch that is to be sent.
func (w *Batch) Ledger() ledger.Batch {
	b := ledger.Batch{Seq: w.Source.Seq, File: w.Source.File, Rows: w.Rows, Checksum: w.Sum}
	if w.Rows > 0 {
		b.Line = w.Source.Line(0)
	}
	return b
}

// Phase says how far a record has come that is to be sent. The former numbers the phases; 0 is that of one that
// has not entered.
type Phase uint8

// Holders says how many records of the org hold a key, where that tells the next row of it all.
type Holders uint8

// What can be known of the holders of a key.
const (
	UnknownHolders Holders = iota
	NoHolder
	SeveralHolders
)

// Change is what a rehearsal found out about an update.
type Change struct {
	Before []row.Cell // the values that would change, by column; nil if none would
}

// Item is one record on its way through the former.
type Item struct {
	Batch  *Batch
	Index  int32 // of its record in Batch.Records
	Row    int32
	Size   int32  // bytes of its text
	Key    uint64 // hash of its match key; meaningless but in targets that are simple
	Action sink.Action
}

// Record returns what is known of the item.
func (it Item) Record() *Record { return &it.Batch.Records[it.Index] }
