package store

import (
	"errors"
	"fmt"
	"strings"

	"sfsync/sink/localorg/catalog"
)

// Try runs fn so that its changes, and only they, are undone if it refuses something or fails. It returns the failure.
func (tx *Tx) Try(fn func() (*catalog.Error, error)) error {
	err := tx.Savepoint(func() error {
		refusal, err := fn()
		if err == nil && refusal != nil {
			err = errUndo
		}
		return err
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

// Amend sets fields of a record, unchecked, whether or not anybody could write them. The values are of the types that
// the database stores; names that the object lacks are passed over.
func (tx *Tx) Amend(o *catalog.Object, id string, values map[string]any) error {
	r := catalog.NewRecord(o, values)
	now := tx.Stamp()
	for f, v := range map[*catalog.Field]any{o.System.Modified: now, o.System.ModifiedBy: tx.userID(), o.System.Stamp: now} {
		if f != nil {
			r.Put(f, v)
		}
	}
	var sb strings.Builder
	args := change(r, &sb, id, nil)
	if _, err := tx.Exec(sb.String(), args...); err != nil {
		return fmt.Errorf("amend %s: %w", o.Def.Name, err)
	}
	return nil
}

// Refer sets the reference to of all records whose reference from holds an id. It does nothing if there is no such
// object or field.
func (tx *Tx) Refer(o *catalog.Object, from, id, to, target string) error {
	if o == nil || o.Field(from) == nil || o.Field(to) == nil {
		return nil
	}
	_, err := tx.Exec("UPDATE "+quote(o.Table)+" SET "+quote(o.Field(to).Column)+" = ? WHERE "+quote(o.Field(from).Column)+" = ?", target, id)
	if err != nil {
		return fmt.Errorf("refer %s: %w", o.Def.Name, err)
	}
	return nil
}

// Catalog returns the org's schema as it is now.
func (tx *Tx) Catalog() *catalog.Catalog { return tx.s.Catalog() }

// Holders returns the ids of the records, not deleted, whose field holds a value, which is of the type that the
// database stores.
func (tx *Tx) Holders(o *catalog.Object, f *catalog.Field, v any) ([]string, error) {
	k := f.FoldKey(v)
	found, err := tx.find(o, f, []any{k})
	return found[k], err
}
