// Package storetest is an org's records in memory, for tests.
package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/bin"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
)

// UserID is the user who writes in these tests.
const UserID = "005abc000000000AAA"

// Org is a store in memory with the schema of an overlay.
type Org struct {
	*store.Store
	t testing.TB
}

// New opens a store with the standard objects and an overlay, "" for none; [UserID] is who writes.
func New(t testing.TB, overlay string) *Org {
	t.Helper()
	s, err := store.Open(t.Context(), store.Memory, func() time.Time { return time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Identify("abc", UserID)
	o := &Org{s, t}
	o.Take(catalog.System())
	o.Take(Overlaid(t, overlay))
	o.Do(func(tx *store.Tx) error {
		return tx.Seed(s.Catalog().Object("User"), UserID, map[string]any{"Username": "ada@example.com", "LastName": "Ada", "IsActive": int64(1)})
	})
	return o
}

// Overlaid is the standard objects with an overlay, "" for none.
func Overlaid(t testing.TB, overlay string) *schema.Schema {
	t.Helper()
	if overlay == "" {
		return schema.Standard()
	}
	sch, found := schema.Overlay(schema.Standard(), "test.yaml", []byte(overlay))
	if sch == nil {
		t.Fatalf("overlay: %v", found)
	}
	return sch
}

// Take extends the org and returns what is new.
func (o *Org) Take(s *schema.Schema) []string {
	o.t.Helper()
	names, err := o.Extend(context.Background(), s)
	if err != nil {
		o.t.Fatal(err)
	}
	return names
}

// Do runs fn in a transaction, which must not fail.
func (o *Org) Do(fn func(tx *store.Tx) error) {
	o.t.Helper()
	if err := o.Store.Update(context.Background(), fn); err != nil {
		o.t.Fatal(err)
	}
}

// Write carries out a change; records are JSON without their attributes.
func (o *Org) Write(op store.Op, object string, change func(*store.Change), records ...string) []store.Result {
	o.t.Helper()
	cat := o.Catalog()
	ob := cat.Object(object)
	if ob == nil {
		o.t.Fatalf("no object %s", object)
	}
	ch := &store.Change{Op: op}
	for _, text := range records {
		r, err := cat.ParseRecord([]byte(text), catalog.Options{Object: ob})
		if err != nil {
			o.t.Fatalf("%s: %v", text, err)
		}
		ch.Records = append(ch.Records, r)
	}
	if change != nil {
		change(ch)
	}
	var results []store.Result
	o.Do(func(tx *store.Tx) (err error) {
		results, err = tx.Write(ch)
		return err
	})
	return results
}

// Create makes a record that must be accepted and returns its id.
func (o *Org) Create(object, record string) string {
	o.t.Helper()
	r := o.Write(store.Create, object, nil, record)[0]
	if r.Err != nil {
		o.t.Fatalf("create %s %s: %v", object, record, r.Err)
	}
	return r.ID
}

// Refused is what a record is refused with: "CODE: message [fields]", one a line, or "" if it is accepted.
func Refused(r store.Result) string {
	if r.Err == nil {
		return ""
	}
	var lines []string
	for _, e := range append([]*catalog.Error{r.Err}, r.Err.More...) {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s: %s %v", e.Code, e.Message, e.Fields), " []"))
	}
	return strings.Join(lines, "\n")
}

// Want refuses results other than these, in the form of refused; ids in them are cut off.
func (o *Org) Want(got []store.Result, want ...string) {
	o.t.Helper()
	for i, w := range want {
		if i >= len(got) || Refused(got[i]) != w {
			o.t.Errorf("record %d: got %q, want %q", i, Refused(got[i]), w)
		}
	}
	if len(got) != len(want) {
		o.t.Errorf("%d results, want %d", len(got), len(want))
	}
}

// Get returns fields of a record as text, joined by blanks; "deleted" or "gone" where there is none.
func (o *Org) Get(id string, fields ...string) string {
	o.t.Helper()
	ob := o.Catalog().ByID(id)
	list := make([]*catalog.Field, len(fields))
	for i, name := range fields {
		if list[i] = ob.Field(name); list[i] == nil {
			o.t.Fatalf("%s has no field %s", ob.Def.Name, name)
		}
	}
	out := "gone"
	err := o.View(context.Background(), func(tx *store.Tx) error {
		deleted, err := tx.Rows(context.Background(), ob, list, []string{id}, func(_ string, values []any) error {
			words := make([]string, len(values))
			for i, v := range values {
				words[i] = fmt.Sprint(v)
			}
			out = strings.Join(words, " ")
			return nil
		})
		if len(deleted) > 0 {
			out = "deleted"
		}
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

// Remove deletes records.
func (o *Org) Remove(ids ...string) []store.Result {
	o.t.Helper()
	var results []store.Result
	o.Do(func(tx *store.Tx) (err error) {
		results, err = bin.Delete(tx, ids, false)
		return err
	})
	return results
}

// Undelete brings records back.
func (o *Org) Undelete(ids ...string) []store.Result {
	o.t.Helper()
	var results []store.Result
	o.Do(func(tx *store.Tx) (err error) {
		results, err = bin.Undelete(tx, ids)
		return err
	})
	return results
}

// Projects is an overlay with every kind of relationship, roll-ups and a platform event.
const Projects = `
objects:
  Project__c:
    fields:
      Code__c: {type: string, length: 10, externalId: true, unique: true}
      Visits__c: {type: double, summary: {operation: count, object: Visit__c}}
      Hours__c: {type: double, scale: 1, summary: {operation: sum, object: Visit__c, field: Hours__c, by: Project__c}}
      First__c: {type: date, summary: {operation: min, object: Visit__c, field: Day__c}}
      Most__c: {type: double, scale: 1, summary: {operation: max, object: Visit__c, field: Hours__c}}
  Visit__c:
    fields:
      Name: {autoNumber: true, displayFormat: "V-{000}"}
      Project__c: {type: reference, referenceTo: Project__c, masterDetail: true}
      Moved__c: {type: reference, referenceTo: Project__c}
      Site__c: {type: reference, referenceTo: Account, restrictedDelete: true}
      Key__c: {type: string, length: 10, unique: true}
      Hours__c: {type: double, precision: 5, scale: 1}
      Day__c: {type: date}
  Note__c:
    fields:
      Visit__c: {type: reference, referenceTo: Visit__c, cascadeDelete: true}
  Free__c:
    fields:
      Project__c: {type: reference, referenceTo: Project__c, masterDetail: true, reparentable: true}
  Signup__e:
    fields:
      Email__c: {type: email, required: true}
`
