package store_test

import (
	"regexp"
	"strings"
	"testing"

	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/store/storetest"
)

// A detail needs its master and cannot get another one (Salesforce Help, "Considerations for Object
// Relationships").
func TestMasterDetail(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, storetest.Projects)
	a, b := o.Create("Project__c", `{"Name":"A"}`), o.Create("Project__c", `{"Name":"B"}`)
	o.Want(o.Write(store.Create, "Visit__c", nil, `{}`), "REQUIRED_FIELD_MISSING: Required fields are missing: [Project__c] [Project__c]")
	v := o.Create("Visit__c", `{"Project__c":"`+a+`"}`)
	if got := o.Get(v, "Name"); got != "V-001" {
		t.Errorf("the display format gave %s", got)
	}
	const readOnly = "INVALID_FIELD_FOR_INSERT_UPDATE: Unable to create/update fields: Project__c. Please check the security settings of this field and verify that it is read/write for your profile or permission set. [Project__c]"
	o.Want(o.Write(store.Update, "Visit__c", nil, `{"Id":"`+v+`","Project__c":"`+b+`"}`), readOnly)
	f := o.Create("Free__c", `{"Name":"F","Project__c":"`+a+`"}`)
	o.Want(o.Write(store.Update, "Free__c", nil, `{"Id":"`+f+`","Project__c":"`+b+`"}`), "")
	if o.Catalog().Object("Visit__c").Field("OwnerId") != nil {
		t.Error("a detail has an owner of its own")
	}
}

// Roll-up summaries follow every write of the details.
func TestRollUp(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, storetest.Projects)
	p := o.Create("Project__c", `{"Name":"P"}`)
	sums := func(want string) {
		t.Helper()
		if got := o.Get(p, "Visits__c", "Hours__c", "First__c", "Most__c"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	sums("0 0 <nil> <nil>")
	got := o.Write(store.Create, "Visit__c", nil,
		`{"Project__c":"`+p+`","Hours__c":1.5,"Day__c":"2026-02-01"}`, `{"Project__c":"`+p+`","Hours__c":0.2,"Day__c":"2026-01-01"}`, `{"Project__c":"`+p+`","Hours__c":0.1}`)
	sums("3 1.8 2026-01-01 1.5")
	o.Want(o.Write(store.Update, "Visit__c", nil, `{"Id":"`+got[0].ID+`","Hours__c":null}`), "")
	sums("3 0.3 2026-01-01 0.2")
	o.Want(o.Remove(got[1].ID), "")
	sums("2 0.1 2026-02-01 0.1")
	o.Want(o.Undelete(got[1].ID), "")
	sums("3 0.3 2026-01-01 0.2")
}

// Platform events are published: created, and nothing else (Platform Events developer guide).
func TestPlatformEvents(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, storetest.Projects)
	got := o.Write(store.Create, "Signup__e", nil, `{"Email__c":"a@b.de"}`, `{}`, `{"Email__c":"b@b.de"}`)
	o.Want(got, "", "REQUIRED_FIELD_MISSING: Required fields are missing: [Email__c] [Email__c]", "")
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !uuid.MatchString(got[0].Enqueued) || got[0].Enqueued == got[2].Enqueued || !strings.HasPrefix(got[0].ID, "e0") {
		t.Errorf("published as %+v", got)
	}
	o.Want(o.Write(store.Update, "Signup__e", nil, `{"Id":"`+got[0].ID+`","Email__c":"c@b.de"}`), "INVALID_TYPE_FOR_OPERATION: entity type cannot be updated: Signup__e")
	o.Want(o.Write(store.Upsert, "Signup__e", nil, `{"Email__c":"c@b.de"}`), "INVALID_TYPE_FOR_OPERATION: entity type cannot be upserted: Signup__e")
	o.Want(o.Remove(got[0].ID), "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id")
}

// What the stage, and the status of cases and tasks, says of a record; and who can be a campaign member.
func TestStandardObjects(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, "")
	deal := o.Create("Opportunity", `{"Name":"D","StageName":"Proposal/Price Quote","CloseDate":"2026-12-01"}`)
	if got := o.Get(deal, "Probability", "IsClosed", "IsWon"); got != "75 0 0" {
		t.Errorf("proposal: %s", got)
	}
	o.Want(o.Write(store.Update, "Opportunity", nil, `{"Id":"`+deal+`","StageName":"closed won"}`), "")
	if got := o.Get(deal, "StageName", "Probability", "IsClosed", "IsWon", "ForecastCategory"); got != "Closed Won 100 1 1 Closed" {
		t.Errorf("won: %s", got)
	}
	if got := o.Get(o.Create("Task", `{"Status":"Completed"}`), "IsClosed"); got != "1" {
		t.Errorf("task: %s", got)
	}
	lead, campaign := o.Create("Lead", `{"LastName":"L","Company":"C"}`), o.Create("Campaign", `{"Name":"Fair"}`)
	member := `{"CampaignId":"` + campaign + `","LeadId":"` + lead + `"}`
	o.Want(o.Write(store.Create, "CampaignMember", nil, member, member, `{"CampaignId":"`+campaign+`"}`),
		"", "DUPLICATE_VALUE: Already a campaign member.", "REQUIRED_FIELD_MISSING: Required fields are missing: [LeadId, ContactId] [LeadId ContactId]")
	o.Want(o.Write(store.Create, "CampaignMember", nil, member), "DUPLICATE_VALUE: Already a campaign member.")
	o.Want(o.Write(store.Update, "Lead", nil, `{"Id":"`+lead+`","Status":"Closed - Converted"}`),
		"CANNOT_UPDATE_CONVERTED_LEAD: The status of a lead is set to Closed - Converted by its conversion [Status]")
	o.Want(o.Write(store.Create, "Organization", nil, `{"Name":"Another"}`), "INVALID_TYPE_FOR_OPERATION: entity type cannot be inserted: Organization")
}

// A summary of summaries follows the records two levels below, however they change.
func TestRollUpTwice(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, `
objects:
  Top__c:
    fields:
      Sum__c: {type: double, summary: {operation: sum, object: Mid__c, field: Sum__c}}
  Mid__c:
    fields:
      Top__c: {type: reference, referenceTo: Top__c, masterDetail: true}
      Sum__c: {type: double, summary: {operation: sum, object: Low__c, field: N__c}}
  Low__c:
    fields:
      Mid__c: {type: reference, referenceTo: Mid__c, masterDetail: true}
      N__c: {type: double}
`)
	top := o.Create("Top__c", `{"Name":"A"}`)
	a, b := o.Create("Mid__c", `{"Name":"A","Top__c":"`+top+`"}`), o.Create("Mid__c", `{"Name":"B","Top__c":"`+top+`"}`)
	low := o.Create("Low__c", `{"Name":"A","N__c":3,"Mid__c":"`+a+`"}`)
	o.Create("Low__c", `{"Name":"B","N__c":4,"Mid__c":"`+b+`"}`)
	want := func(sum string) {
		t.Helper()
		if got := o.Get(top, "Sum__c"); got != sum {
			t.Errorf("the sum is %s, want %s", got, sum)
		}
	}
	want("7")
	o.Want(o.Write(store.Update, "Low__c", nil, `{"Id":"`+low+`","N__c":5}`), "")
	want("9")
	o.Want(o.Remove(low), "")
	want("4")
	o.Want(o.Undelete(low), "")
	want("9")
}

// A record that is refused for one unique value does not take another one away from the records
// behind it.
func TestRefusedHoldsNoValue(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, `
objects:
  Pair__c:
    fields:
      A__c: {type: string, length: 10, unique: true}
      B__c: {type: string, length: 10, unique: true}
`)
	o.Create("Pair__c", `{"Name":"taken","A__c":"a1","B__c":"b1"}`)
	got := o.Write(store.Create, "Pair__c", nil, `{"Name":"1","A__c":"a2","B__c":"B1"}`, `{"Name":"2","A__c":"A2","B__c":"b2"}`, `{"Name":"3","A__c":"a2","B__c":"b3"}`)
	if got[0].Err == nil || got[0].Err.Code != "DUPLICATE_VALUE" || !strings.Contains(got[0].Err.Message, "B__c") {
		t.Errorf("the first: %+v", got[0])
	}
	if got[1].Err != nil {
		t.Errorf("the second: %v", got[1].Err)
	}
	if got[2].Err == nil || !strings.Contains(got[2].Err.Message, got[1].ID[:15]) {
		t.Errorf("the third: %+v", got[2])
	}
}
