package store

import (
	"context"
	"database/sql"
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
	rows, err := tx.rows(ctx, "SELECT "+columns+" FROM "+quote(o.Table)+` WHERE "Id" IN (SELECT value FROM json_each(?))`, string(list))
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

// Delete puts records into the recycle bin and returns one result an id. They keep their
// ids and can no longer be found.
func (tx *Tx) Delete(ids []string, allOrNone bool) ([]Result, error) {
	results := make([]Result, len(ids))
	err := tx.Savepoint(func() error {
		for i, id := range ids {
			if err := tx.delete(id, &results[i]); err != nil {
				return err
			}
		}
		if allOrNone && Failed(results) {
			return errUndo
		}
		return nil
	})
	if err == errUndo { //nolint:errorlint // Savepoint joins it only with errors of its own
		err = nil
	}
	if allOrNone && Failed(results) {
		for i := range results {
			if results[i].Err == nil {
				results[i] = Result{Err: catalog.RolledBack()}
			}
		}
		return results, nil
	}
	return results, err
}

func (tx *Tx) delete(text string, res *Result) error {
	id, ok := catalog.NormalID(text)
	if !ok {
		res.Err = catalog.MalformedID(text)
		return nil
	}
	res.ID = id
	o := tx.s.Catalog().ByID(id)
	if o == nil || !o.Def.Deletable {
		res.Err = catalog.CrossReference()
		return nil
	}
	st, err := tx.stmt(`SELECT "IsDeleted" FROM ` + quote(o.Table) + ` WHERE "Id" = ?`)
	if err != nil {
		return err
	}
	var gone bool
	switch err := st.QueryRowContext(context.Background(), id).Scan(&gone); {
	case err == sql.ErrNoRows:
		res.Err = catalog.CrossReference()
		return nil
	case err != nil:
		return err
	case gone:
		res.Err = catalog.Deleted()
		return nil
	}
	set := `"IsDeleted" = 1`
	for _, f := range o.Unique {
		set += ", " + quote(f.Fold) + " = NULL"
	}
	args := []any{}
	if f := o.System.Stamp; f != nil {
		set += ", " + quote(f.Column) + " = ?"
		args = append(args, tx.s.now().UTC().Format(catalog.DateTimeLayout))
	}
	_, err = tx.exec("UPDATE "+quote(o.Table)+" SET "+set+` WHERE "Id" = ?`, append(args, id)...)
	return err
}

// Count returns how many records of the object there are, without the deleted ones.
func (tx *Tx) Count(ctx context.Context, o *catalog.Object) (n int64, err error) {
	err = tx.queryRow(ctx, "SELECT count(*) FROM "+quote(o.Table)+` WHERE "IsDeleted" = 0`).Scan(&n)
	return n, err
}

// Empty removes all records for good, but keep's. Ids are never given out twice.
func (tx *Tx) Empty(keep func(o *catalog.Object) bool) error {
	for _, o := range tx.s.Catalog().Objects() {
		if keep(o) {
			continue
		}
		if _, err := tx.exec("DELETE FROM " + quote(o.Table)); err != nil {
			return fmt.Errorf("empty %s: %w", o.Def.Name, err)
		}
	}
	return nil
}
