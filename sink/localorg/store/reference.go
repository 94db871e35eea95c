package store

import (
	"context"
	"encoding/json"

	"sfsync/sink/localorg/catalog"
)

// checkReferences refuses ids of records that are not there.
func (tx *Tx) checkReferences(_ *Change, o *catalog.Object, run []work) error {
	cat := tx.s.Catalog()
	wanted := map[*catalog.Object]map[string]bool{}
	each := func(fn func(w *work, o *catalog.Object, id string)) {
		for i := range run {
			w := &run[i]
			if !w.ok() {
				continue
			}
			for _, c := range w.rec.Cells {
				if id, ok := c.Value.(string); ok && c.Field.IsReference() && c.Field != o.RecordType && id != catalog.MasterRecordType && id != tx.userID() {
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
		if !tx.sees(o) {
			w.fail(catalog.NoReference())
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
	for i := range run {
		w := &run[i]
		if id, _ := w.rec.Value(o.RecordType); id != nil && w.ok() && !o.HasRecordType(id.(string)) {
			w.fail(catalog.Labelled(o.RecordType, "INVALID_CROSS_REFERENCE_KEY", "this ID value isn't valid for the user: "+id.(string)))
		}
	}
	return nil
}

// checkOwners refuses owners that exist but cannot own the record: inactive users, and queues that are not for the
// object. (Both texts are unconfirmed.)
func (tx *Tx) checkOwners(_ *Change, o *catalog.Object, run []work) error {
	if o.System.Owner == nil {
		return nil
	}
	var users, groups []string
	for i := range run {
		w := &run[i]
		id, _ := w.rec.Value(o.System.Owner)
		switch s, _ := id.(string); {
		case s == "" || s == tx.userID() || !w.ok():
		case s[:3] == "00G":
			groups = append(groups, s)
		default:
			users = append(users, s)
		}
	}
	if len(users)+len(groups) == 0 {
		return nil
	}
	user, queue := tx.s.Catalog().Object("User"), tx.s.Catalog().Object("QueueSobject")
	fits := map[string]bool{}
	if len(users) > 0 && user != nil && user.Field("IsActive") != nil {
		if err := tx.ids(fits, "SELECT \"Id\" FROM "+quote(user.Table)+` WHERE "IsActive" = 1 AND "Id" IN (SELECT value FROM json_each(?))`, users); err != nil {
			return err
		}
	}
	if len(groups) > 0 && queue != nil {
		if err := tx.ids(fits, `SELECT "QueueId" FROM `+quote(queue.Table)+` WHERE "QueueId" IN (SELECT value FROM json_each(?)) AND "IsDeleted" = 0 AND "SobjectType" = ?`, groups, o.Def.Name); err != nil {
			return err
		}
	}
	for i := range run {
		w := &run[i]
		id, _ := w.rec.Value(o.System.Owner)
		switch s, _ := id.(string); {
		case s == "" || s == tx.userID() || !w.ok() || fits[s]:
		case s[:3] == "00G":
			w.fail(&catalog.Error{Code: "INVALID_OPERATION", Message: "Queue not associated with this SObject type", Fields: []string{o.System.Owner.Def.Name}})
		default:
			w.fail(&catalog.Error{Code: "INACTIVE_OWNER_OR_USER", Message: "operation performed with inactive user [" + s + "] as owner of " + o.Def.Label})
		}
	}
	return nil
}

// ids adds the ids that a query finds whose first argument is a list.
func (tx *Tx) ids(to map[string]bool, text string, list []string, args ...any) error {
	doc, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return tx.idsOf(to, text, append([]any{string(doc)}, args...)...)
}

// idsOf adds the ids that a query finds.
func (tx *Tx) idsOf(to map[string]bool, text string, args ...any) error {
	rows, err := tx.Fetch(context.Background(), text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		to[id] = true
	}
	return rows.Err()
}

// checkMembers refuses a second campaign member for one lead or contact. (The text was seen in reports of users.)
func (tx *Tx) checkMembers(_ *Change, o *catalog.Object, run []work) error {
	if o.Def.Name != "CampaignMember" {
		return nil
	}
	campaign := o.Field("CampaignId")
	taken := map[string]bool{}
	for _, person := range []*catalog.Field{o.Field("LeadId"), o.Field("ContactId")} {
		if person == nil || campaign == nil {
			continue
		}
		var people []string
		key := func(w *work) (person1, pair string) {
			p, _ := w.rec.Value(person)
			c, _ := w.rec.Value(campaign)
			person1, _ = p.(string)
			to, _ := c.(string)
			return person1, to + person1
		}
		for i := range run {
			if p, _ := key(&run[i]); run[i].ok() && run[i].create && p != "" {
				people = append(people, p)
			}
		}
		if len(people) == 0 {
			continue
		}
		p := quote(person.Column)
		if err := tx.ids(taken, `SELECT `+quote(campaign.Column)+` || `+p+` FROM `+quote(o.Table)+` WHERE `+p+` IN (SELECT value FROM json_each(?)) AND "IsDeleted" = 0`, people); err != nil {
			return err
		}
		for i := range run {
			w := &run[i]
			p, pair := key(w)
			if !w.ok() || !w.create || p == "" {
				continue
			}
			if taken[pair] {
				w.fail(&catalog.Error{Code: "DUPLICATE_VALUE", Message: "Already a campaign member."})
			}
			taken[pair] = true
		}
	}
	return nil
}
