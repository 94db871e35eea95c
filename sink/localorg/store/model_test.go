package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/store/storetest"
)

// model is what an org should hold: projects by id, with the key, name and parent of each.
type model struct {
	records map[string]*modelRecord
	deleted map[string]*modelRecord
}

type modelRecord struct{ key, name, parent string }

func (m *model) clone() *model {
	c := &model{map[string]*modelRecord{}, map[string]*modelRecord{}}
	for id, r := range m.records {
		v := *r
		c.records[id] = &v
	}
	for id, r := range m.deleted {
		v := *r
		c.deleted[id] = &v
	}
	return c
}

// holder returns the id of the record with a key, "" if there is none.
func (m *model) holder(key string) string {
	for id, r := range m.records {
		if key != "" && strings.EqualFold(r.key, key) {
			return id
		}
	}
	return ""
}

const modelSchema = `
objects:
  Thing__c:
    fields:
      Key__c: {type: string, length: 5, externalId: true, unique: true}
      Parent__c: {type: reference, referenceTo: Thing__c}
`

// Write is what a change should come to: a code for each record, "" for success. all says that it is all-or-none.
func (m *model) write(op store.Op, in []modelRecord, ids []string, all bool) []string {
	before := m.clone()
	codes := make([]string, len(in))
	seen := map[string]int{}
	for i, r := range in {
		// What comes twice fails both times, before anything is written.
		k := strings.ToLower(r.key)
		if op == store.Update {
			k = ids[i]
		}
		if op == store.Create || k == "" {
			continue
		}
		if j, twice := seen[k]; twice {
			codes[i], codes[j] = "DUPLICATE_VALUE", "DUPLICATE_VALUE"
		} else {
			seen[k] = i
		}
	}
	start := m.clone() // what lookups of the change see
	made := 0
	for i, r := range in {
		id := ""
		switch op {
		case store.Update:
			id = ids[i]
		case store.Upsert:
			id = start.holder(r.key)
		}
		switch {
		case codes[i] != "":
		case op == store.Upsert && r.key == "":
			codes[i] = "MISSING_ARGUMENT"
		case op == store.Update && start.deleted[id] != nil:
			codes[i] = "ENTITY_IS_DELETED"
		case r.parent != "" && start.records[r.parent] == nil:
			codes[i] = "INVALID_CROSS_REFERENCE_KEY"
		case op != store.Upsert && r.key != "" && m.taken(start, r.key, id):
			codes[i] = "DUPLICATE_VALUE"
		case id == "":
			made++
			m.records[fmt.Sprintf("new %d", i)] = &modelRecord{r.key, r.name, r.parent}
		default:
			m.records[id] = &modelRecord{r.key, r.name, r.parent}
		}
	}
	if all && slices.ContainsFunc(codes, func(c string) bool { return c != "" }) {
		*m = *before
		for i := range codes {
			if codes[i] == "" {
				codes[i] = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
			}
		}
	}
	return codes
}

// taken reports whether a unique key belongs to another record: in the org before the change, or in front in it.
func (m *model) taken(start *model, key, id string) bool {
	if h := start.holder(key); h != "" && h != id {
		return true
	}
	for other, r := range m.records {
		if other == id || !strings.EqualFold(r.key, key) {
			continue
		}
		if was := start.records[other]; was == nil || !strings.EqualFold(was.key, key) {
			return true
		}
	}
	return false
}

// Random writes, deletions and undeletions come to what a simple model says: unique values, what all-or-none undoes, and
// what refers to what.
func TestModel(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, modelSchema)
	ob := o.Catalog().Object("Thing__c")
	rapid.Check(t, func(t *rapid.T) {
		o.Do(func(tx *store.Tx) error {
			return tx.Empty(func(o *catalog.Object) bool { return o.Def.Name == "User" })
		})
		m := &model{map[string]*modelRecord{}, map[string]*modelRecord{}}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			ids := slices.Sorted(maps.Keys(m.records))
			gone := slices.Sorted(maps.Keys(m.deleted))
			every := append(slices.Clone(ids), gone...)
			op := rapid.SampledFrom([]store.Op{store.Create, store.Update, store.Upsert, 8, 9}).Draw(t, "operation")
			all := rapid.Bool().Draw(t, "all or none")
			switch {
			case op == 8 && len(ids) > 0:
				m.delete(t, o, rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, min(3, len(ids)), rapid.ID).Draw(t, "deleted"))
			case op == 9 && len(gone) > 0:
				m.undelete(t, o, rapid.SampledFrom(gone).Draw(t, "undeleted"))
			case op == 8 || op == 9 || op == store.Update && len(every) == 0:
			default:
				var in []modelRecord
				var targets []string
				var recs []*catalog.Record
				for range rapid.IntRange(1, 5).Draw(t, "records") {
					r := modelRecord{key: rapid.SampledFrom([]string{"", "a", "A", "b", "c", "d"}).Draw(t, "key"), name: rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "name")}
					if len(every) > 0 && rapid.Bool().Draw(t, "has a parent") {
						r.parent = rapid.SampledFrom(every).Draw(t, "parent")
					}
					var key, parent any
					if r.key != "" {
						key = r.key
					}
					if r.parent != "" {
						parent = r.parent
					}
					rec := catalog.NewRecord(ob, map[string]any{"Key__c": key, "Name": r.name, "Parent__c": parent})
					target := ""
					if op == store.Update {
						target = rapid.SampledFrom(every).Draw(t, "updated")
						rec.ID, rec.HasID = target, true
					}
					in, targets, recs = append(in, r), append(targets, target), append(recs, rec)
				}
				m.check(t, o, op, all, in, targets, recs)
			}
			m.compare(t, o, ob)
		}
	})
}

// check writes records and compares the results.
func (m *model) check(t *rapid.T, o *storetest.Org, op store.Op, all bool, in []modelRecord, ids []string, recs []*catalog.Record) {
	want := m.write(op, in, ids, all)
	ch := &store.Change{Op: op, Records: recs, AllOrNone: all}
	if op == store.Upsert {
		ch.Key = recs[0].Object.Field("Key__c")
	}
	var results []store.Result
	o.Do(func(tx *store.Tx) (err error) {
		results, err = tx.Write(ch)
		return err
	})
	for i, r := range results {
		got := ""
		if r.Err != nil {
			got = r.Err.Code
		}
		if got != want[i] {
			t.Fatalf("record %d of %+v %v: %v, want %q", i, in, ids, r.Err, want[i])
		}
		if placeholder := fmt.Sprintf("new %d", i); m.records[placeholder] != nil {
			m.records[r.ID] = m.records[placeholder]
			delete(m.records, placeholder)
		}
	}
}

func (m *model) delete(t *rapid.T, o *storetest.Org, ids []string) {
	for i, r := range o.Remove(ids...) {
		if r.Err != nil {
			t.Fatalf("delete %s: %v", ids[i], r.Err)
		}
		m.deleted[ids[i]] = m.records[ids[i]]
		delete(m.records, ids[i])
	}
	for id, r := range m.records {
		if slices.Contains(ids, r.parent) {
			m.records[id].parent = "" // may come back, which TestDeleteAndUndelete looks at
		}
	}
}

// Undelete brings a record back, unless its key is taken. The lookups that were cleared come back with it, so
// the model takes them over as they are.
func (m *model) undelete(t *rapid.T, o *storetest.Org, id string) {
	err := o.Undelete(id)[0].Err
	if m.holder(m.deleted[id].key) != "" {
		if err == nil || err.Code != "DUPLICATE_VALUE" {
			t.Fatalf("undelete %s: %v", id, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("undelete %s: %v", id, err)
	}
	m.records[id] = m.deleted[id]
	delete(m.deleted, id)
	for other, r := range m.records {
		if got := o.Get(other, "Parent__c"); got == id {
			r.parent = id
		}
	}
}

// compare reads everything back.
func (m *model) compare(t *rapid.T, o *storetest.Org, ob *catalog.Object) {
	fields := []*catalog.Field{ob.Field("Key__c"), ob.Field("Name"), ob.Field("Parent__c")}
	ids := append(slices.Collect(maps.Keys(m.records)), slices.Collect(maps.Keys(m.deleted))...)
	err := o.View(context.Background(), func(tx *store.Tx) error {
		found := 0
		deleted, err := tx.Rows(context.Background(), ob, fields, ids, func(id string, values []any) error {
			found++
			var got modelRecord
			for i, to := range []*string{&got.key, &got.name, &got.parent} {
				*to, _ = values[i].(string)
			}
			want, there := m.records[id]
			if !there || got != *want {
				return fmt.Errorf("%s is %+v, want %+v", id, got, want)
			}
			keys, _, err := tx.Find(ob, fields[0], got.key)
			if err == nil && got.key != "" && !slices.Equal(keys, []string{id}) {
				err = fmt.Errorf("by the key %s: %v, want %s", got.key, keys, id)
			}
			return err
		})
		n, e := tx.Count(context.Background(), ob)
		if found != len(m.records) || len(deleted) != len(m.deleted) || int(n) != found {
			err = errors.Join(err, e, fmt.Errorf("%d records and %d deleted, want %d and %d", found, len(deleted), len(m.records), len(m.deleted)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
