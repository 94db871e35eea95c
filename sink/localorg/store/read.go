package store

import (
	"context"
	"encoding/json"
	"fmt"

	"sfsync/sink/localorg/catalog"
)

// Rows reads records by id and calls fn with the values of the columns of each; values are
// as stored and belong to fn only while it runs. Records that are deleted or not there are
// left out; deleted reports those that are.
func (tx *Tx) Rows(ctx context.Context, o *catalog.Object, fields []*catalog.Field, ids []string, fn func(id string, values []any) error) (deleted []string, err error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	columns := `"Id", "IsDeleted"`
	for _, f := range fields {
		if f.Column == "" {
			columns += ", NULL"
		} else {
			columns += ", " + quote(f.Column)
		}
	}
	rows, err := tx.Fetch(ctx, "SELECT "+columns+" FROM "+quote(o.Table)+` WHERE "Id" IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", o.Def.Name, err)
	}
	defer rows.Close()
	var id string
	var gone bool
	values := make([]any, len(fields))
	dest := []any{&id, &gone}
	for i := range values {
		dest = append(dest, &values[i])
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("read %s: %w", o.Def.Name, err)
		}
		if gone {
			deleted = append(deleted, id)
			continue
		}
		if err := fn(id, values); err != nil {
			return nil, err
		}
	}
	return deleted, rows.Err()
}

// Find returns the ids of the records whose key field holds the value given as text, and
// false if the text is no value of the field.
func (tx *Tx) Find(o *catalog.Object, f *catalog.Field, text string) ([]string, bool, error) {
	v, bad := f.ParseText(text)
	if bad != nil || v == nil {
		return nil, false, nil //nolint:nilerr // a text that is no value of the field finds nothing
	}
	k := f.FoldKey(v)
	found, err := tx.find(o, f, []any{k})
	return found[k], true, err
}

// Changed calls fn with the ids of the records that were changed, or deleted, from one time to before another, and
// when. The object must have a SystemModstamp.
func (tx *Tx) Changed(ctx context.Context, o *catalog.Object, deleted bool, from, to string, fn func(id, at string)) error {
	stamp := quote(o.System.Stamp.Column)
	rows, err := tx.Fetch(ctx, `SELECT "Id", `+stamp+" FROM "+quote(o.Table)+` WHERE "IsDeleted" = ? AND `+stamp+" >= ? AND "+stamp+` < ? ORDER BY "Id"`, deleted, from, to)
	if err != nil {
		return fmt.Errorf("read changes of %s: %w", o.Def.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, at string
		if err := rows.Scan(&id, &at); err != nil {
			return fmt.Errorf("read changes of %s: %w", o.Def.Name, err)
		}
		fn(id, at)
	}
	return rows.Err()
}

// Count returns how many records of the object there are, without the deleted ones.
func (tx *Tx) Count(ctx context.Context, o *catalog.Object) (n int64, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM "+quote(o.Table)+` WHERE "IsDeleted" = 0`).Scan(&n)
	return n, err
}

// Empty removes all records for good, but keep's and those of the org's setup. Ids are never given out twice.
func (tx *Tx) Empty(keep func(o *catalog.Object) bool) error {
	for _, o := range tx.s.Catalog().Objects() {
		if keep(o) {
			continue
		}
		if _, err := tx.Exec("DELETE FROM " + quote(o.Table)); err != nil {
			return fmt.Errorf("empty %s: %w", o.Def.Name, err)
		}
	}
	if _, err := tx.Exec("DELETE FROM org_bin"); err != nil {
		return fmt.Errorf("empty the recycle bin: %w", err)
	}
	return tx.restoreSetup()
}
