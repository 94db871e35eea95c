package store

import "sfsync/sink/localorg/catalog"

// Row is a record that passed the checks and is about to be changed.
type Row struct {
	// Record is what is to be saved; nil if the record is to be deleted.
	Record *catalog.Record
	// ID is the record's id; "" if it is created.
	ID string
	// Err refuses the record if it is set.
	Err *catalog.Error
}

// hold asks [Change.Hold].
func (tx *Tx) hold(ch *Change, o *catalog.Object, run []work) error {
	if ch.Hold == nil {
		return nil
	}
	rows := make([]Row, 0, len(run))
	at := make([]*work, 0, len(run))
	for i := range run {
		if w := &run[i]; w.ok() {
			rows = append(rows, Row{Record: w.rec, ID: w.id})
			at = append(at, w)
		}
	}
	if err := ch.Hold(tx, o, rows); err != nil {
		return err
	}
	for i := range rows {
		if rows[i].Err != nil {
			at[i].fail(rows[i].Err)
		}
	}
	return nil
}
