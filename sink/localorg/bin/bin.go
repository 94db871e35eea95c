// Package bin deletes records of the local org and brings them back: what goes along with a deleted record, what is
// cleared, and what holds it.
package bin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
)

// maxCascade bounds how deep a deletion follows references.
const maxCascade = 20

// Delete puts records into the recycle bin and returns one result an id. They keep their ids and can no longer be
// found. Records that belong to them go along, lookups of others are cleared, and a record that another one
// holds on to is refused (Object Reference, "Relationships Among Objects"; Salesforce Help, "Lookup Relationship").
func Delete(tx *store.Tx, ids []string, allOrNone bool) ([]store.Result, error) {
	results := make([]store.Result, len(ids))
	err := tx.Try(func() (*catalog.Error, error) {
		d := &deletion{tx: tx, results: results, seen: map[string]int{}}
		if err := d.run(ids); err != nil || !allOrNone || !store.Failed(results) {
			return nil, err
		}
		return catalog.RolledBack(), nil
	})
	if err != nil || !allOrNone || !store.Failed(results) {
		return results, err
	}
	for i := range results {
		if results[i].Err == nil {
			results[i] = store.Result{Err: catalog.RolledBack()}
		}
	}
	return results, nil
}

// deletion is the deletion of several records and of what goes with them.
type deletion struct {
	tx      *store.Tx
	results []store.Result
	seen    map[string]int // id → place of the record that it goes with
	gone    []doomed
	// held are the records that keep another one from being deleted, cleared the references that are emptied.
	held, cleared []hold
}

type doomed struct {
	o    *catalog.Object
	id   string
	root int // place in the results
	own  bool
}

// hold is a reference to a record that is to go.
type hold struct {
	field  *catalog.Field
	id, to string
	root   int
}

// run plans the deletion, and plans it anew without the records that are refused until none is: what goes along
// with one that stays may go along with another one, or hold it.
func (d *deletion) run(ids []string) error {
	for range len(ids) + 1 {
		refused, err := d.plan(ids)
		if err != nil {
			return err
		}
		if !refused {
			break
		}
	}
	return d.carryOut()
}

// plan finds out what is deleted, and reports whether a record was refused because others hold on to it.
func (d *deletion) plan(ids []string) (refused bool, err error) {
	clear(d.seen)
	d.gone, d.held, d.cleared = nil, nil, nil
	if err := d.roots(ids); err != nil {
		return false, err
	}
	level := d.gone
	for depth := 0; len(level) > 0; depth++ {
		if depth == maxCascade {
			return false, fmt.Errorf("delete records: more than %d levels go along", maxCascade)
		}
		next, err := d.follow(level)
		if err != nil {
			return false, err
		}
		d.gone = append(d.gone, next...)
		level = next
	}
	return d.refuseHeld()
}

// roots finds the records that are to be deleted, and refuses the others.
func (d *deletion) roots(ids []string) error {
	byObject := map[*catalog.Object][]doomed{}
	var order []*catalog.Object
	for i, text := range ids {
		res := &d.results[i]
		if res.Err != nil {
			continue // refused by an earlier plan
		}
		id, ok := catalog.NormalID(text)
		if !ok {
			res.Err = catalog.MalformedID(text)
			continue
		}
		res.ID = id
		o := d.tx.Catalog().ByID(id)
		switch _, twice := d.seen[id]; {
		case o == nil || !o.Def.Deletable:
			res.Err = catalog.CrossReference()
		case !d.tx.MayDelete(o):
			res.Err = catalog.NoAccess()
		case twice:
			res.Err = catalog.Deleted()
		default:
			d.seen[id] = i
			if byObject[o] == nil {
				order = append(order, o)
			}
			byObject[o] = append(byObject[o], doomed{o, id, i, true})
		}
	}
	for _, o := range order {
		list := byObject[o]
		gone, err := states(d.tx, o, list)
		if err != nil {
			return err
		}
		for _, r := range list {
			switch deleted, found := gone[r.id]; {
			case !found:
				d.results[r.root].Err = catalog.CrossReference()
			case deleted:
				d.results[r.root].Err = catalog.Deleted()
			default:
				d.gone = append(d.gone, r)
				continue
			}
			delete(d.seen, r.id)
		}
	}
	return nil
}

// states returns for each record that is there whether it is deleted.
func states(tx *store.Tx, o *catalog.Object, list []doomed) (map[string]bool, error) {
	doc, err := idList(list)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Fetch(context.Background(), `SELECT "Id", "IsDeleted" FROM `+quote(o.Table)+` WHERE "Id" IN (SELECT value FROM json_each(?))`, doc)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make(map[string]bool, len(list))
	for rows.Next() {
		var id string
		var gone bool
		if err := rows.Scan(&id, &gone); err != nil {
			return nil, err
		}
		out[id] = gone
	}
	return out, rows.Err()
}

func idList(list []doomed) (string, error) {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].id
	}
	doc, err := json.Marshal(ids)
	return string(doc), err
}

// follow returns the records that go along with those of a level, and notes the other references to them.
func (d *deletion) follow(level []doomed) ([]doomed, error) {
	var next []doomed
	for _, group := range byObject(level) {
		o := group[0].o
		roots := make(map[string]int, len(group))
		for _, r := range group {
			roots[r.id] = r.root
		}
		doc, err := idList(group)
		if err != nil {
			return nil, err
		}
		for _, f := range d.tx.Catalog().Referrers(o) {
			column := quote(f.Column)
			holds, err := d.holds(f, `SELECT "Id", `+column+` FROM `+quote(f.Object.Table)+` WHERE `+column+` IN (SELECT value FROM json_each(?)) AND "IsDeleted" = 0 ORDER BY "Id"`, doc, roots)
			if err != nil {
				return nil, err
			}
			for _, h := range holds {
				switch _, going := d.seen[h.id]; {
				case f.Def.RestrictedDelete:
					d.held = append(d.held, h)
				case !f.Def.CascadeDelete:
					d.cleared = append(d.cleared, h)
				case !going:
					d.seen[h.id] = h.root
					next = append(next, doomed{f.Object, h.id, h.root, false})
				}
			}
		}
	}
	return next, nil
}

func (d *deletion) holds(f *catalog.Field, text, doc string, roots map[string]int) ([]hold, error) {
	rows, err := d.tx.Fetch(context.Background(), text, doc)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []hold
	for rows.Next() {
		h := hold{field: f}
		if err := rows.Scan(&h.id, &h.to); err != nil {
			return nil, err
		}
		h.root = roots[h.to]
		out = append(out, h)
	}
	return out, rows.Err()
}

// byObject groups records by their objects, in order.
func byObject(list []doomed) [][]doomed {
	var out [][]doomed
	at := map[*catalog.Object]int{}
	for _, r := range list {
		i, ok := at[r.o]
		if !ok {
			i = len(out)
			at[r.o] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

// refuseHeld refuses the records that others hold on to, unless those go too, and reports whether there were any.
// (Users report the text so.)
func (d *deletion) refuseHeld() (refused bool, err error) {
	for _, h := range d.held {
		res := &d.results[h.root]
		if root, going := d.seen[h.id]; going && root <= h.root && d.results[root].Err == nil || res.Err != nil {
			continue
		}
		plural := strings.ToLower(h.field.Object.Def.LabelPlural)
		name := h.id
		if f := h.field.Object.Def; f.Name == "Case" {
			if n, err := text(d.tx, h.field.Object, "CaseNumber", h.id); err != nil {
				return refused, err
			} else if n != "" {
				name = n
			}
		}
		refused = true
		res.Err = &catalog.Error{
			Code:    "DELETE_FAILED",
			Message: "Your attempt to delete " + res.ID + " could not be completed because it is associated with the following " + plural + ".: " + name,
		}
	}
	return refused, nil
}

// text returns a field of a record as text, "" if it has none.
func text(tx *store.Tx, o *catalog.Object, field, id string) (s string, err error) {
	f := o.Field(field)
	if f == nil {
		return "", nil
	}
	err = tx.QueryRow(context.Background(), "SELECT IFNULL("+quote(f.Column)+`, '') FROM `+quote(o.Table)+` WHERE "Id" = ?`, id).Scan(&s)
	return s, err
}

// carryOut deletes what was planned.
func (d *deletion) carryOut() error {
	tx := d.tx
	d.cleared = slices.DeleteFunc(d.cleared, func(h hold) bool {
		_, going := d.seen[h.id]
		return going
	})
	for _, group := range byObject(d.gone) {
		if err := deleteGroup(tx, group); err != nil {
			return err
		}
		if err := keepInBin(tx, group, d.results); err != nil {
			return err
		}
	}
	for _, h := range d.cleared {
		if _, err := tx.Exec("INSERT OR REPLACE INTO org_bin (root, id, field, value) VALUES (?, ?, ?, ?)", d.results[h.root].ID, h.id, h.field.Def.Name, h.to); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE "+quote(h.field.Object.Table)+" SET "+quote(h.field.Column)+` = NULL WHERE "Id" = ?`, h.id); err != nil {
			return err
		}
	}
	return sumUpAll(tx, d.gone)
}

// erase removes deleted records of one object for good, and those that went into the recycle bin along with them.
func erase(tx *store.Tx, group []doomed) error {
	doc, err := idList(group)
	if err != nil {
		return err
	}
	const these = " IN (SELECT value FROM json_each(?))"
	if _, err := tx.Exec("DELETE FROM "+quote(group[0].o.Table)+` WHERE "Id"`+these, doc); err != nil {
		return err
	}
	along, err := along(tx, doc)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("DELETE FROM org_bin WHERE root"+these, doc); err != nil {
		return err
	}
	for _, more := range byObject(along) {
		list, err := idList(more)
		if err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM "+quote(more[0].o.Table)+` WHERE "IsDeleted" <> 0 AND "Id"`+these, list); err != nil {
			return err
		}
	}
	return nil
}

// along returns the records that went into the recycle bin along with others, whose ids are a JSON list.
func along(tx *store.Tx, roots string) ([]doomed, error) {
	ids, err := texts(tx, "SELECT id FROM org_bin WHERE field = '' AND root IN (SELECT value FROM json_each(?))", roots)
	if err != nil {
		return nil, err
	}
	var out []doomed
	for _, id := range ids {
		if o := tx.Catalog().ByID(id); o != nil {
			out = append(out, doomed{o: o, id: id})
		}
	}
	return out, nil
}

// deleteGroup marks records of one object as deleted.
func deleteGroup(tx *store.Tx, group []doomed) error {
	o := group[0].o
	doc, err := idList(group)
	if err != nil {
		return err
	}
	const these = ` WHERE "Id" IN (SELECT value FROM json_each(?))`
	set := `"IsDeleted" = 1`
	for _, f := range o.Unique {
		set += ", " + quote(f.Fold) + " = NULL"
	}
	var args []any
	if f := o.System.Stamp; f != nil {
		set += ", " + quote(f.Column) + " = ?"
		args = append(args, tx.Stamp())
	}
	_, err = tx.Exec("UPDATE "+quote(o.Table)+" SET "+set+these, append(args, doc)...)
	return err
}

// keepInBin notes which records went along with which.
func keepInBin(tx *store.Tx, group []doomed, results []store.Result) error {
	for _, r := range group {
		if r.own {
			continue
		}
		if _, err := tx.Exec("INSERT OR REPLACE INTO org_bin (root, id, field, value) VALUES (?, ?, '', NULL)", results[r.root].ID, r.id); err != nil {
			return err
		}
	}
	return nil
}

// sumUpAll computes the summaries of the masters of records that have been deleted or brought back.
func sumUpAll(tx *store.Tx, list []doomed) error {
	for _, group := range byObject(list) {
		o := group[0].o
		done := map[*catalog.Field]bool{}
		for _, s := range tx.Catalog().Summaries(o) {
			if done[s.By] {
				continue
			}
			done[s.By] = true
			doc, err := idList(group)
			if err != nil {
				return err
			}
			column := quote(s.By.Column)
			masters, err := texts(tx, "SELECT DISTINCT "+column+" FROM "+quote(o.Table)+` WHERE `+column+` IS NOT NULL AND "Id" IN (SELECT value FROM json_each(?))`, doc)
			if err != nil {
				return err
			}
			if err := tx.SumUp(o, s.By, masters); err != nil {
				return err
			}
		}
	}
	return nil
}

// texts returns what a query of one column finds.
func texts(tx *store.Tx, text string, args ...any) ([]string, error) {
	rows, err := tx.Fetch(context.Background(), text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func quote(name string) string { return `"` + name + `"` }
