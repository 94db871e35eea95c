package store

import (
	"sfsync/sink/localorg/catalog"
)

// check makes the checks that need no other record: fields that cannot be written, required
// ones that are missing, then the values in the order given.
func (tx *Tx) check(ch *Change, o *catalog.Object, run []work) error {
	cat := tx.s.Catalog()
	for i := range run {
		w := &run[i]
		if !w.ok() {
			continue
		}
		if e := w.rec.ReadOnly(w.create, ch.Key); e != nil {
			w.fail(e)
			continue
		}
		if w.create {
			w.rec.AddDefaults()
			if v, _ := w.rec.Value(o.RecordType); v == nil && o.RecordType != nil && o.DefaultType != "" {
				w.rec.Put(o.RecordType, o.DefaultType)
			}
		}
		if e := w.rec.Missing(w.create); e != nil {
			w.fail(e)
			continue
		}
		if w.rec.Err != nil {
			w.fail(w.rec.Err)
			continue
		}
		if e := w.rec.CheckIDs(cat); e != nil {
			w.fail(e)
			continue
		}
		if e := w.rec.CheckStandard(); e != nil {
			w.fail(e)
			continue
		}
		w.rec.Derive()
	}
	return nil
}

// refuseOperation refuses what cannot be done with records of the object at all. (The wording is unconfirmed.)
func (tx *Tx) refuseOperation(ch *Change, o *catalog.Object, run []work) error {
	word := ""
	switch d := o.Def; {
	case ch.Op == Create && !d.Createable:
		word = "inserted"
	case ch.Op == Update && !d.Updateable:
		word = "updated"
	case ch.Op == Upsert && (!d.Createable || !d.Updateable):
		word = "upserted"
	default:
		return nil
	}
	for i := range run {
		if w := &run[i]; w.ok() {
			w.fail(&catalog.Error{Code: "INVALID_TYPE_FOR_OPERATION", Message: "entity type cannot be " + word + ": " + o.Def.Name})
		}
	}
	return nil
}

// checkUnique refuses values that another record holds, be it in the org or in front in this
// very request. New records get their ids here, so that a message can name them.
func (tx *Tx) checkUnique(ch *Change, o *catalog.Object, run []work) error {
	creates := 0
	for i := range run {
		if run[i].ok() && run[i].create {
			creates++
		}
	}
	if err := tx.giveIDs(o, run, creates); err != nil {
		return err
	}
	holders := make([]map[any]string, len(o.Unique))
	for n, f := range o.Unique {
		if f == ch.Key {
			continue // the records were looked up by it, and none of their keys came twice
		}
		values := make([]any, 0, len(run))
		for i := range run {
			if v, _ := run[i].rec.Value(f); v != nil && run[i].ok() {
				values = append(values, f.FoldKey(v))
			}
		}
		found, err := tx.find(o, f, values)
		if err != nil {
			return err
		}
		holders[n] = make(map[any]string, len(found))
		for v, ids := range found {
			holders[n][v] = ids[0]
		}
	}
	for i := range run {
		if w := &run[i]; w.ok() {
			w.claim(o, holders)
		}
	}
	return nil
}

// claim makes a record the holder of its unique values, each of a map a field, or refuses it. A
// record that is refused holds none.
func (w *work) claim(o *catalog.Object, holders []map[any]string) {
	for n, f := range o.Unique {
		v, _ := w.rec.Value(f)
		if v == nil || holders[n] == nil {
			continue
		}
		if id, taken := holders[n][f.FoldKey(v)]; taken && id != w.id {
			w.fail(catalog.DuplicateValue(f, id))
			return
		}
	}
	for n, f := range o.Unique {
		if v, _ := w.rec.Value(f); v != nil && holders[n] != nil {
			holders[n][f.FoldKey(v)] = w.id
		}
	}
}

func (tx *Tx) giveIDs(o *catalog.Object, run []work, n int) error {
	if n == 0 {
		return nil
	}
	next, err := tx.nextNumber(o, n)
	if err != nil {
		return err
	}
	for i := range run {
		if w := &run[i]; w.ok() && w.create {
			w.id, w.n = catalog.MakeID(o.Def.KeyPrefix, tx.s.instance, next), next
			next++
		}
	}
	return nil
}
