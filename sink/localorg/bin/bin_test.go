package bin_test

import (
	"testing"

	"sfsync/sink/localorg/bin"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/store/storetest"
)

// What happens to the records that refer to a deleted one: details and cascading lookups go along, other
// lookups are cleared, restricting ones keep it. Undeletion brings all back.
func TestDeleteAndUndelete(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, storetest.Projects)
	account := o.Create("Account", `{"Name":"Acme"}`)
	p, other := o.Create("Project__c", `{"Name":"P","Code__c":"P1"}`), o.Create("Project__c", `{"Name":"O"}`)
	v := o.Create("Visit__c", `{"Project__c":"`+p+`","Hours__c":1.5,"Key__c":"K1","Site__c":"`+account+`"}`)
	w := o.Create("Visit__c", `{"Project__c":"`+other+`","Moved__c":"`+p+`"}`)
	n := o.Create("Note__c", `{"Visit__c":"`+v+`"}`)

	held := o.Remove(account)
	o.Want(held, "DELETE_FAILED: Your attempt to delete "+account+" could not be completed because it is associated with the following visits.: "+v)
	if got := o.Get(account, "Name"); got != "Acme" {
		t.Errorf("the account that a visit holds is %s", got)
	}

	o.Want(o.Remove(p), "")
	for id, want := range map[string]string{p: "deleted", v: "deleted", n: "deleted", w: "<nil>"} {
		field := "Id"
		if id == w {
			field = "Moved__c"
		}
		if got := o.Get(id, field); got != want {
			t.Errorf("after the deletion %s is %s, want %s", id, got, want)
		}
	}
	o.Want(o.Remove(p, v, "x"), "ENTITY_IS_DELETED: entity is deleted", "ENTITY_IS_DELETED: entity is deleted", "MALFORMED_ID: malformed id x")
	o.Want(o.Undelete(v), "UNDELETE_FAILED: The master record "+p+" is deleted")

	o.Want(o.Undelete(p, other, account), "", "UNDELETE_FAILED: Entity is not in the recycle bin", "UNDELETE_FAILED: Entity is not in the recycle bin")
	for _, tt := range []struct{ id, field, want string }{
		{p, "Code__c", "P1"}, {v, "Hours__c", "1.5"}, {n, "Visit__c", v}, {w, "Moved__c", p}, {p, "Visits__c", "1"},
	} {
		if got := o.Get(tt.id, tt.field); got != tt.want {
			t.Errorf("after the undeletion %s of %s is %s, want %s", tt.field, tt.id, got, tt.want)
		}
	}
	// The values of unique fields are taken again, those of deleted records are free.
	o.Want(o.Write(store.Create, "Project__c", nil, `{"Name":"Q","Code__c":"p1"}`), "DUPLICATE_VALUE: duplicate value found: Code__c duplicates value on record with id: "+p[:15])
	o.Want(o.Remove(p), "")
	q := o.Create("Project__c", `{"Name":"Q","Code__c":"p1"}`)
	o.Want(o.Undelete(p), "DUPLICATE_VALUE: duplicate value found: Code__c duplicates value on record with id: "+q[:15])
	if got := o.Get(v, "Id"); got != "deleted" {
		t.Errorf("an undeletion that failed brought %s back", got)
	}
}

// Standard objects: contacts and opportunities go with their account, cases keep it (recorded describes: the
// flags cascadeDelete and restrictedDelete of child relationships).
func TestDeleteStandard(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, "")
	account := o.Create("Account", `{"Name":"Acme"}`)
	contact := o.Create("Contact", `{"LastName":"A","AccountId":"`+account+`"}`)
	deal := o.Create("Opportunity", `{"Name":"D","StageName":"Prospecting","CloseDate":"2026-12-01","AccountId":"`+account+`"}`)
	child := o.Create("Account", `{"Name":"Child","ParentId":"`+account+`"}`)
	task := o.Create("Task", `{"Subject":"Call","WhoId":"`+contact+`"}`)
	ticket := o.Create("Case", `{"Subject":"Help","ContactId":"`+contact+`"}`)
	o.Want(o.Remove(account), "DELETE_FAILED: Your attempt to delete "+account+" could not be completed because it is associated with the following cases.: "+o.Get(ticket, "CaseNumber"))
	o.Want(o.Remove(ticket, account), "", "")
	for _, id := range []string{contact, deal, task} {
		if got := o.Get(id, "Id"); got != "deleted" {
			t.Errorf("%s is %s", id, got)
		}
	}
	if got := o.Get(child, "ParentId"); got != "<nil>" {
		t.Errorf("the child account has the parent %s", got)
	}
}

// All-or-none deletion, and deletion for good.
func TestPurge(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, storetest.Projects)
	p := o.Create("Project__c", `{"Name":"P"}`)
	v := o.Create("Visit__c", `{"Project__c":"`+p+`","Hours__c":2}`)
	var results []store.Result
	o.Do(func(tx *store.Tx) (err error) {
		results, err = bin.Delete(tx, []string{v, "a0x000000000000AAA"}, true)
		return err
	})
	o.Want(results, "ALL_OR_NONE_OPERATION_ROLLED_BACK: Record rolled back because not all records were valid and the request was using AllOrNone header", "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id")
	if got := o.Get(p, "Visits__c", "Hours__c"); got != "1 2" {
		t.Errorf("summaries: %s", got)
	}
	o.Want(o.Remove(p), "")
	o.Do(func(tx *store.Tx) error { return bin.Purge(tx, o.Catalog().Object("Project__c"), []string{p}) })
	if got := o.Get(v, "Id") + " " + o.Get(p, "Id"); got != "gone gone" {
		t.Errorf("a record purged and its detail: %s", got)
	}
	o.Want(o.Undelete(p), "UNDELETE_FAILED: Entity is not in the recycle bin")
}

const links = `
objects:
  Box__c: {}
  Link__c:
    fields:
      A__c: {type: reference, referenceTo: Box__c, cascadeDelete: true}
      B__c: {type: reference, referenceTo: Box__c, cascadeDelete: true}
      Key__c: {type: string, length: 10, unique: true}
  Hold__c:
    fields:
      Box__c: {type: reference, referenceTo: Box__c, restrictedDelete: true}
      With__c: {type: reference, referenceTo: Box__c, cascadeDelete: true}
`

// What one refused record leaves undone does not change what happens to the others.
func TestDeleteBesideRefused(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, links)
	a, b := o.Create("Box__c", `{"Name":"A"}`), o.Create("Box__c", `{"Name":"B"}`)
	link := o.Create("Link__c", `{"A__c":"`+a+`","B__c":"`+b+`"}`)
	hold := o.Create("Hold__c", `{"Box__c":"`+a+`"}`)
	const held = "DELETE_FAILED: Your attempt to delete "
	because := func(id, by string) string {
		return held + id + " could not be completed because it is associated with the following holds.: " + by
	}
	o.Want(o.Remove(a, b), because(a, hold), "")
	if got := o.Get(link, "Id"); got != "deleted" {
		t.Errorf("what belongs to a record that stays and to one that is deleted is %s", got)
	}

	// c goes only if d's hold goes with it; d stays because of another one.
	d, c := o.Create("Box__c", `{"Name":"D"}`), o.Create("Box__c", `{"Name":"C"}`)
	first := o.Create("Hold__c", `{"Box__c":"`+c+`","With__c":"`+d+`"}`)
	second := o.Create("Hold__c", `{"Box__c":"`+d+`"}`)
	o.Want(o.Remove(d, c), because(d, second), because(c, first))
	if got := o.Get(first, "Box__c"); got != c {
		t.Errorf("the hold refers to %s", got)
	}
}

// A record that was brought back by itself is no longer in the bin with the one it was deleted with.
func TestUndeleteAlone(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, links)
	a := o.Create("Box__c", `{"Name":"A"}`)
	link := o.Create("Link__c", `{"A__c":"`+a+`","Key__c":"K"}`)
	o.Want(o.Remove(a), "")
	o.Want(o.Undelete(link), "")
	o.Want(o.Remove(link), "")
	o.Do(func(tx *store.Tx) error { return bin.Purge(tx, o.Catalog().Object("Link__c"), []string{link}) })
	o.Want(o.Undelete(a), "")
}
