package bin

import (
	"context"
	"encoding/json"
	"fmt"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
)

// Undelete brings records back from the recycle bin, with those that went along with them and the lookups that were
// cleared and have not been filled since, and returns one result an id (SOAP API developer guide, "undelete()").
func Undelete(tx *store.Tx, ids []string) ([]store.Result, error) {
	results := make([]store.Result, len(ids))
	for i, text := range ids {
		res := &results[i]
		id, ok := catalog.NormalID(text)
		if !ok {
			res.Err = catalog.MalformedID(text)
			continue
		}
		res.ID = id
		if err := tx.Try(func() (_ *catalog.Error, err error) {
			res.Err, err = undelete(tx, id)
			return res.Err, err
		}); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func undelete(tx *store.Tx, id string) (*catalog.Error, error) {
	notThere := &catalog.Error{Code: "UNDELETE_FAILED", Message: "Entity is not in the recycle bin"}
	o := tx.Catalog().ByID(id)
	if o == nil {
		return catalog.CrossReference(), nil
	}
	if !o.Def.Undeletable || !tx.MayDelete(o) {
		return notThere, nil
	}
	list := []doomed{{o: o, id: id}}
	states, err := states(tx, o, list)
	if err != nil {
		return nil, err
	}
	if gone, found := states[id]; !found || !gone {
		return notThere, nil
	}
	roots, err := json.Marshal([]string{id})
	if err != nil {
		return nil, err
	}
	along, err := along(tx, string(roots))
	if err != nil {
		return nil, err
	}
	list = append(list, along...)
	for _, group := range byObject(list) {
		for _, r := range group {
			if e, err := revive(tx, r.o, r.id); e != nil || err != nil {
				return e, err
			}
			// It is in the bin with no other record any more, and may be deleted again for itself.
			if _, err := tx.Exec("DELETE FROM org_bin WHERE id = ? AND field = ''", r.id); err != nil {
				return nil, err
			}
		}
	}
	if e, err := mastersThere(tx, o, id); e != nil || err != nil {
		return e, err
	}
	if err := refill(tx, id); err != nil {
		return nil, err
	}
	return nil, sumUpAll(tx, list)
}

// revive makes one record findable again, unless another one holds a unique value of it by now.
func revive(tx *store.Tx, o *catalog.Object, id string) (*catalog.Error, error) {
	set := `"IsDeleted" = 0`
	var args []any
	for _, f := range o.Unique {
		var v any
		if err := tx.QueryRow(context.Background(), "SELECT "+quote(f.Column)+" FROM "+quote(o.Table)+` WHERE "Id" = ?`, id).Scan(&v); err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		holders, err := tx.Holders(o, f, v)
		if err != nil {
			return nil, err
		}
		if len(holders) > 0 && holders[0] != id {
			return catalog.DuplicateValue(f, holders[0]), nil
		}
		set += ", " + quote(f.Fold) + " = ?"
		args = append(args, f.FoldKey(v))
	}
	if f := o.System.Stamp; f != nil {
		set += ", " + quote(f.Column) + " = ?"
		args = append(args, tx.Stamp())
	}
	_, err := tx.Exec("UPDATE "+quote(o.Table)+" SET "+set+` WHERE "Id" = ?`, append(args, id)...)
	return nil, err
}

// mastersThere refuses to bring back a detail without its master.
func mastersThere(tx *store.Tx, o *catalog.Object, id string) (*catalog.Error, error) {
	for _, f := range o.Fields {
		if !f.Def.MasterDetail || f.Column == "" {
			continue
		}
		master, err := text(tx, o, f.Def.Name, id)
		if err != nil {
			return nil, err
		}
		to := tx.Catalog().ByID(master)
		if to == nil {
			continue
		}
		found, err := tx.Holders(to, to.ID, master)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return &catalog.Error{Code: "UNDELETE_FAILED", Message: "The master record " + master + " is deleted"}, nil
		}
	}
	return nil, nil
}

// refill puts the lookups back that were cleared when the record was deleted.
func refill(tx *store.Tx, root string) error {
	type cleared struct{ id, field, value string }
	rows, err := tx.Fetch(context.Background(), "SELECT id, field, value FROM org_bin WHERE root = ? AND field <> ''", root)
	if err != nil {
		return err
	}
	var list []cleared
	for rows.Next() {
		var c cleared
		if err := rows.Scan(&c.id, &c.field, &c.value); err != nil {
			_ = rows.Close()
			return err
		}
		list = append(list, c)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, c := range list {
		o := tx.Catalog().ByID(c.id)
		if o == nil || o.Field(c.field) == nil {
			continue
		}
		column := quote(o.Field(c.field).Column)
		if _, err := tx.Exec("UPDATE "+quote(o.Table)+" SET "+column+` = ? WHERE "Id" = ? AND `+column+" IS NULL", c.value, c.id); err != nil {
			return err
		}
	}
	_, err = tx.Exec("DELETE FROM org_bin WHERE root = ?", root)
	return err
}

// Purge removes records of an object for good, as a hard delete does, and those that went into the recycle bin
// along with them.
func Purge(tx *store.Tx, o *catalog.Object, ids []string) error {
	list := make([]doomed, len(ids))
	for i, id := range ids {
		list[i] = doomed{o: o, id: id}
	}
	if len(list) == 0 {
		return nil
	}
	if err := erase(tx, list); err != nil {
		return fmt.Errorf("purge %s: %w", o.Def.Name, err)
	}
	return nil
}
