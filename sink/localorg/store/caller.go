package store

import "sfsync/sink/localorg/catalog"

// Caller is who reads and writes in a transaction.
type Caller struct {
	// UserID is the user's id; "" is the org's own user.
	UserID string
	// View is the catalog as the user sees it; nil is everything.
	View *catalog.Catalog
}

// As says for whom the transaction goes on.
func (tx *Tx) As(c Caller) { tx.caller = c }

// userID returns the user who creates, changes and owns records now.
func (tx *Tx) userID() string {
	if tx.caller.UserID != "" {
		return tx.caller.UserID
	}
	return tx.s.userID
}

// permit refuses what the caller's permissions on the object do not allow.
func (tx *Tx) permit(ch *Change, o *catalog.Object, run []work) error {
	a := tx.caller.View.Access()
	if a == nil {
		return nil
	}
	key := ch.Key
	blind := ch.Op == Upsert && key != nil && key.Def.ExternalID && !key.Def.Unique && !a.ViewsAll()
	may := tx.caller.View.Object(o.Def.Name)
	for i := range run {
		w := &run[i]
		switch {
		case !w.ok():
		case blind:
			w.fail(catalog.NoMatching())
		case may == nil,
			w.create && !may.Def.Createable && o.Def.Createable,
			!w.create && !may.Def.Updateable && o.Def.Updateable:
			w.fail(catalog.NoAccess())
		}
	}
	return nil
}

// sees reports whether the caller may read records of the object.
func (tx *Tx) sees(o *catalog.Object) bool {
	return tx.caller.View == nil || tx.caller.View.Object(o.Def.Name) != nil
}

// MayDelete reports whether the caller may delete records of the object.
func (tx *Tx) MayDelete(o *catalog.Object) bool {
	if tx.caller.View == nil {
		return true
	}
	may := tx.caller.View.Object(o.Def.Name)
	return may != nil && may.Def.Deletable
}
