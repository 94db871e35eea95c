package store

import (
	"context"

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
		}
	}
	return nil
}

// masterRecordType is the id of the record type that every object has.
const masterRecordType = "012000000000000AAA"

// checkReferences refuses ids of records that are not there.
func (tx *Tx) checkReferences(_ *Change, _ *catalog.Object, run []work) error {
	cat := tx.s.Catalog()
	wanted := map[*catalog.Object]map[string]bool{}
	each := func(fn func(w *work, o *catalog.Object, id string)) {
		for i := range run {
			w := &run[i]
			if !w.ok() {
				continue
			}
			for _, c := range w.rec.Cells {
				if id, ok := c.Value.(string); ok && c.Field.IsReference() && id != masterRecordType && id != tx.s.userID {
					fn(w, cat.ByID(id), id)
				}
			}
		}
	}
	each(func(w *work, o *catalog.Object, id string) {
		if o == nil {
			w.fail(catalog.CrossReference())
			return
		}
		if wanted[o] == nil {
			wanted[o] = map[string]bool{}
		}
		wanted[o][id] = true
	})
	for o, ids := range wanted {
		values := make([]any, 0, len(ids))
		for id := range ids {
			values = append(values, id)
		}
		found, err := tx.find(o, o.ID, values)
		if err != nil {
			return err
		}
		for id := range ids {
			ids[id] = len(found[id]) > 0
		}
	}
	each(func(w *work, o *catalog.Object, id string) {
		if o != nil && w.ok() && !wanted[o][id] {
			w.fail(catalog.CrossReference())
		}
	})
	return nil
}

// checkUnique refuses values that another record holds, be it in the org or in front in this
// very request. New records get their ids here, so that a message can name them.
func (tx *Tx) checkUnique(_ *Change, o *catalog.Object, run []work) error {
	creates := 0
	for i := range run {
		if run[i].ok() && run[i].create {
			creates++
		}
	}
	if err := tx.giveIDs(o, run, creates); err != nil {
		return err
	}
	for _, f := range o.Unique {
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
		holder := make(map[any]string, len(found))
		for v, ids := range found {
			holder[v] = ids[0]
		}
		for i := range run {
			w := &run[i]
			v, _ := w.rec.Value(f)
			if v == nil || !w.ok() {
				continue
			}
			k := f.FoldKey(v)
			if id, taken := holder[k]; taken && id != w.id {
				w.fail(&catalog.Error{Code: "DUPLICATE_VALUE", Message: "duplicate value found: " + f.Def.Name + " duplicates value on record with id: " + id[:15]})
				continue
			}
			holder[k] = w.id
		}
	}
	return nil
}

func (tx *Tx) giveIDs(o *catalog.Object, run []work, n int) error {
	if n == 0 {
		return nil
	}
	st, err := tx.stmt("UPDATE org_sequence SET next = next + ? WHERE object = ? RETURNING next")
	if err != nil {
		return err
	}
	var next int64
	if err := st.QueryRowContext(context.Background(), n, o.Def.Name).Scan(&next); err != nil {
		return err
	}
	next -= int64(n)
	for i := range run {
		if w := &run[i]; w.ok() && w.create {
			w.id, w.n = catalog.MakeID(o.Def.KeyPrefix, tx.s.instance, next), next
			next++
		}
	}
	return nil
}
