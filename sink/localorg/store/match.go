package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"sfsync/sink/localorg/catalog"
)

// identify finds out which records are created and which record each other one changes.
func (tx *Tx) identify(ch *Change, o *catalog.Object, run []work) error {
	if ch.Op == Upsert && ch.Key != nil && ch.Key != o.ID {
		return tx.identifyByKey(ch, o, run)
	}
	first := make(map[string]*work, len(run))
	for i := range run {
		w := &run[i]
		switch {
		case !w.ok():
			continue
		case ch.Op == Create:
			w.create = true
			if w.rec.HasID {
				w.fail(&catalog.Error{Code: "INVALID_FIELD_FOR_INSERT_UPDATE", Message: "cannot specify Id in an insert call", Fields: []string{"Id"}})
			}
			continue
		case !w.rec.HasID && ch.Op == Upsert:
			w.create = true
			continue
		case !w.rec.HasID:
			w.fail(&catalog.Error{Code: "MISSING_ARGUMENT", Message: "Id not specified in an update call"})
			continue
		}
		id, ok := catalog.NormalID(w.rec.ID)
		if !ok {
			w.res.ID = w.rec.ID
			w.fail(catalog.MalformedID(w.rec.ID))
			continue
		}
		w.id = id
		if byID := tx.s.Catalog().ByID(id); byID == nil || byID.Table != o.Table {
			w.res.ID = id
			w.fail(&catalog.Error{Code: "MALFORMED_ID", Message: o.ID.Def.Label + ": id value of incorrect type: " + w.rec.ID, Fields: []string{"Id"}})
			continue
		}
		if w0 := first[id]; w0 != nil {
			for _, w := range []*work{w0, w} {
				w.fail(&catalog.Error{Code: "DUPLICATE_VALUE", Message: "Duplicate id specified: " + id})
			}
			continue
		}
		first[id] = w
	}
	return nil
}

func (tx *Tx) identifyByKey(ch *Change, o *catalog.Object, run []work) error {
	key := ch.Key
	seen := make(map[any]*work, len(run))
	keys := make([]any, 0, len(run))
	folded := make([]any, len(run))
	for i := range run {
		w := &run[i]
		if !w.ok() {
			continue
		}
		if w.rec.HasID {
			w.fail(catalog.InvalidField("The Id field should not be specified in the sobject data."))
			continue
		}
		v, given := w.rec.Value(key)
		if v == nil {
			if given && w.rec.Err != nil {
				w.fail(w.rec.Err)
				continue
			}
			w.fail(&catalog.Error{Code: "MISSING_ARGUMENT", Message: key.Def.Name + " not specified"})
			continue
		}
		k := key.FoldKey(v)
		folded[i] = k
		if w0 := seen[k]; w0 != nil {
			for _, w := range []*work{w0, w} {
				v, _ := w.rec.Value(key)
				w.fail(&catalog.Error{Code: "DUPLICATE_VALUE", Message: fmt.Sprintf("Duplicate external id specified: %v", v), Fields: []string{key.Def.Name}})
			}
			continue
		}
		seen[k] = w
		keys = append(keys, k)
	}
	found, err := tx.find(o, key, keys)
	if err != nil {
		return err
	}
	for i := range run {
		w := &run[i]
		if !w.ok() {
			continue
		}
		switch ids := found[folded[i]]; {
		case len(ids) == 1:
			w.id = ids[0]
		case len(ids) > 1:
			w.res.Matches = ids
			w.fail(catalog.Labelled(key, "DUPLICATE_EXTERNAL_ID", "more than one record found for external id field: ["+strings.Join(ids, ", ")+"]"))
		case ch.UpdateOnly:
			w.res.NotFound = true
		default:
			w.create = true
		}
	}
	return nil
}

// find returns the ids of the records, not deleted, whose field holds each of the folded values.
func (tx *Tx) find(o *catalog.Object, f *catalog.Field, values []any) (map[any][]string, error) {
	if len(values) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	column := quote(f.KeyColumn())
	rows, err := tx.Fetch(context.Background(), `SELECT "Id", `+column+` FROM `+quote(o.Table)+
		` WHERE `+column+` IN (SELECT value FROM json_each(?)) AND "IsDeleted" = 0 ORDER BY "Id"`, string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make(map[any][]string, len(values))
	for rows.Next() {
		var id string
		var v any
		if err := rows.Scan(&id, &v); err != nil {
			return nil, err
		}
		out[v] = append(out[v], id)
	}
	return out, rows.Err()
}

// resolve turns relationships given by key into ids.
func (tx *Tx) resolve(_ *Change, _ *catalog.Object, run []work) error {
	type way struct{ field, by *catalog.Field }
	values := map[way][]any{}
	for i := range run {
		if w := &run[i]; w.ok() {
			for _, r := range w.rec.Refs {
				values[way{r.Field, r.By}] = append(values[way{r.Field, r.By}], r.Value)
			}
		}
	}
	for k, vals := range values {
		found, err := tx.find(k.by.Object, k.by, vals)
		if err != nil {
			return err
		}
		for i := range run {
			w := &run[i]
			if !w.ok() {
				continue
			}
			for _, r := range w.rec.Refs {
				if r.Field != k.field || r.By != k.by {
					continue
				}
				switch ids := found[r.Value]; len(ids) {
				case 1:
					w.rec.Put(r.Field, ids[0])
				case 0:
					w.fail(catalog.InvalidField(fmt.Sprintf("Foreign key external ID: %s not found for field %s in entity %s",
						strings.ToLower(fmt.Sprint(r.Value)), r.By.Def.Name, r.By.Object.Def.Name)))
				default:
					w.fail(catalog.Labelled(r.By, "DUPLICATE_EXTERNAL_ID", "more than one record found for external id field: ["+strings.Join(ids, ", ")+"]"))
				}
			}
		}
	}
	return nil
}

// needed returns the fields whose present values the change of records needs: those that checks look at, and
// those with an index, which are not written where nothing changes.
func needed(o *catalog.Object, run []work) []*catalog.Field {
	var out []*catalog.Field
	for _, f := range o.Fields {
		needed := f.Watched
		for i := 0; f.Indexed && !needed && i < len(run); i++ {
			w := &run[i]
			needed = w.ok() && !w.create && w.rec.Given(f)
		}
		if needed {
			out = append(out, f)
		}
	}
	return out
}

// loadCurrent reads what is there of the records to be changed.
func (tx *Tx) loadCurrent(_ *Change, o *catalog.Object, run []work) error {
	byID := make(map[string]*work, len(run))
	var ids []string
	for i := range run {
		if w := &run[i]; w.ok() && !w.create {
			byID[w.id] = w
			ids = append(ids, w.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	need := needed(o, run)
	columns := `"Id", "IsDeleted"`
	if o.Converted != nil {
		columns += ", " + quote(o.Converted.Column)
	} else {
		columns += ", 0"
	}
	for _, p := range o.NameParts {
		columns += ", IFNULL(" + quote(p.Column) + ", '')"
	}
	for _, f := range need {
		columns += ", " + quote(f.Column)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	rows, err := tx.Fetch(context.Background(), "SELECT "+columns+" FROM "+quote(o.Table)+` WHERE "Id" IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return err
	}
	defer rows.Close()
	var id string
	var deleted, converted bool
	parts := make([]string, len(o.NameParts))
	var values []any
	dest := []any{&id, &deleted, &converted}
	for i := range parts {
		dest = append(dest, &parts[i])
	}
	fixed := len(dest)
	for range need {
		dest = append(dest, nil)
	}
	for rows.Next() {
		if len(need) > 0 {
			values = make([]any, len(o.Fields))
			for i, f := range need {
				dest[fixed+i] = &values[f.Index]
			}
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		byID[id].cur = &current{deleted, converted, append([]string(nil), parts...), values}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range run {
		w := &run[i]
		if !w.ok() || w.create {
			continue
		}
		w.res.ID = w.id
		switch {
		case w.cur == nil:
			w.fail(catalog.CrossReference())
		case w.cur.deleted:
			w.fail(catalog.Deleted())
		case w.cur.converted:
			w.fail(&catalog.Error{Code: "CANNOT_UPDATE_CONVERTED_LEAD", Message: "cannot reference converted lead"})
		}
	}
	return nil
}
