package store_test

import (
	"strings"
	"testing"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/store/storetest"
)

const ruled = `
objects:
  Lead:
    record_types: [{name: Inbound, default: true}, {name: Old, active: false}, Fair]
    queues: [Inbound, {name: Second Line, developer_name: L2}]
    validation_rules:
      - {name: reachable, when: 'ISBLANK(Phone) && ISBLANK(Email)', message: Give a phone number or an e-mail address., field: Phone}
      - {name: hot, when: 'ISPICKVAL(Rating, "Hot") && NumberOfEmployees < 10', message: Too small to be hot.}
      - {name: back, when: 'ISCHANGED(Title) && PRIORVALUE(Title) == "CEO"', message: Once a CEO., field: Title}
    duplicate_rules:
      - {name: same_email, match: Email}
      - {name: same_name, match: [LastName, Company], action: alert}
    assignment_rules:
      - name: by country
        entries:
          - {when: 'Country == "Germany"', owner: Inbound}
          - {when: 'Country == "France"', owner: l2}
          - {when: 'Country == "Spain"', owner: ada@example.com}
          - {when: 'Country == "Nowhere"', owner: nobody@example.com}
      - {name: all, id: 01Q000000000009, active: false, entries: [{owner: L2}]}
  Case:
    queues: [L2]
`

func TestValidationRules(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, ruled)
	got := o.Write(store.Create, "Lead", nil, `{"LastName":"A","Company":"C","Rating":"Hot","NumberOfEmployees":3}`, `{"LastName":"B","Company":"C","Phone":"1","Title":"CEO"}`,
		`{"LastName":"C","Company":"C","Phone":"1","Rating":"Hot"}`)
	// Several rules refuse one record at once; the others are not touched; a blank number is not small.
	o.Want(got, "FIELD_CUSTOM_VALIDATION_EXCEPTION: Give a phone number or an e-mail address. [Phone]\nFIELD_CUSTOM_VALIDATION_EXCEPTION: Too small to be hot.", "", "")
	// A rule sees the record as it will be, with what was not given.
	id := got[1].ID
	o.Want(o.Write(store.Update, "Lead", nil, `{"Id":"`+id+`","Phone":null}`), "FIELD_CUSTOM_VALIDATION_EXCEPTION: Give a phone number or an e-mail address. [Phone]")
	o.Want(o.Write(store.Update, "Lead", nil, `{"Id":"`+id+`","Title":"CEO","Phone":"2"}`), "")
	o.Want(o.Write(store.Update, "Lead", nil, `{"Id":"`+id+`","Title":"CTO"}`), "FIELD_CUSTOM_VALIDATION_EXCEPTION: Once a CEO. [Title]")
}

func TestDuplicateRules(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, ruled)
	first := o.Create("Lead", `{"LastName":"Müller","Company":"Çelik","Email":"a@b.de"}`)
	got := o.Write(store.Create, "Lead", nil, `{"LastName":"X","Company":"Y","Email":"A@B.de"}`, `{"LastName":"MÜLLER","Company":"çelik","Email":"c@b.de"}`, `{"LastName":"Müller","Company":"Other","Phone":"1"}`)
	o.Want(got, "DUPLICATES_DETECTED: Use one of these records?", "DUPLICATES_DETECTED: You're creating a duplicate record. We recommend you use an existing record instead.", "")
	for _, part := range []string{`"duplicateResut":{"allowSave":false,"duplicateRule":"same_email","duplicateRuleEntityType":"Lead"`, `"matchResults":[{"entityType":"Lead"`, `"size":1`, `"Id":"` + first + `"`} {
		if !strings.Contains(got[0].Err.Detail, part) {
			t.Errorf("%s is not in %s", part, got[0].Err.Detail)
		}
	}
	// allowSave lets through what is only alerted of.
	allow := func(ch *store.Change) { ch.AllowDuplicates = true }
	o.Want(o.Write(store.Create, "Lead", allow, `{"LastName":"X","Company":"Y","Email":"A@B.de"}`, `{"LastName":"MÜLLER","Company":"çelik","Email":"c@b.de"}`), "DUPLICATES_DETECTED: Use one of these records?", "")
	// A record is not a duplicate of itself, and only what is written is compared.
	o.Want(o.Write(store.Update, "Lead", nil, `{"Id":"`+first+`","Email":"a@b.de","Title":"T"}`, `{"Id":"`+got[2].ID+`","Title":"T"}`), "", "")
	o.Want(o.Remove(first), "")
	o.Want(o.Write(store.Create, "Lead", nil, `{"LastName":"X","Company":"Y","Email":"A@B.de"}`), "")
}

func TestAssignmentRules(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, ruled)
	lead := func(country string, change func(*store.Change)) string {
		t.Helper()
		r := o.Write(store.Create, "Lead", change, `{"LastName":"L","Company":"C `+country+`","Phone":"1","Country":"`+country+`","OwnerId":"`+storetest.UserID+`"}`)[0]
		if r.Err != nil {
			return storetest.Refused(r)
		}
		owner := o.Get(r.ID, "OwnerId")
		if ob := o.Catalog().ByID(owner); ob.Def.Name == "Group" {
			return o.Get(owner, "DeveloperName")
		}
		return o.Get(owner, "Username")
	}
	allow := func(ch *store.Change) { ch.AllowDuplicates = true }
	off := func(ch *store.Change) { ch.AllowDuplicates, ch.NoAssignment = true, true }
	named := func(id string) func(ch *store.Change) {
		return func(ch *store.Change) { ch.AllowDuplicates, ch.AssignmentRule = true, id }
	}
	for _, tt := range []struct {
		fact, country string
		change        func(*store.Change)
		want          string
	}{
		{"the active rule overwrites the owner", "Germany", allow, "Inbound"},
		{"in its first entry that fits, by the name in any case", "France", allow, "L2"},
		{"a user by name", "Spain", allow, "ada@example.com"},
		{"no entry fits", "Italy", allow, "ada@example.com"},
		{"FALSE", "Germany", off, "ada@example.com"},
		{"the id of a rule, even of an inactive one", "Germany", named("01Q000000000009"), "L2"},
		{"an unknown rule", "Germany", named("01Q000000000008EAA"), "INVALID_CROSS_REFERENCE_KEY: invalid assignment rule id: 01Q000000000008EAA"},
		{"an owner who is not there", "Nowhere", allow, "INVALID_CROSS_REFERENCE_KEY: the assignment rule names the owner nobody@example.com, who is not there"},
	} {
		if got := lead(tt.country, tt.change); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.fact, got, tt.want)
		}
	}
	// It runs on updates too (REST API guide, Assignment Rule Header).
	r := o.Write(store.Create, "Lead", off, `{"LastName":"U","Company":"D","Phone":"1"}`)[0]
	o.Want(o.Write(store.Update, "Lead", nil, `{"Id":"`+r.ID+`","Country":"Germany"}`), "")
	if got := o.Get(o.Get(r.ID, "OwnerId"), "DeveloperName"); got != "Inbound" {
		t.Errorf("after the update the owner is %s", got)
	}
}

// Record types, and who can own a record.
func TestRecordTypesAndOwners(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, ruled)
	types := map[string]string{}
	for _, rt := range o.Catalog().Object("Lead").Def.RecordTypes {
		types[rt.DeveloperName] = rt.ID
	}
	queues := map[string]string{}
	for _, q := range o.Catalog().Object("Lead").Def.Queues {
		queues[q.DeveloperName] = q.ID
	}
	if got := o.Get(types["Fair"], "Name", "DeveloperName", "SobjectType", "IsActive"); got != "Fair Fair Lead 1" {
		t.Errorf("the record type is %s", got)
	}
	noRules := func(ch *store.Change) { ch.NoAssignment, ch.AllowDuplicates = true, true }
	lead := func(rest string) store.Result {
		return o.Write(store.Create, "Lead", noRules, `{"LastName":"L","Company":"C","Phone":"1",`+rest+`}`)[0]
	}
	if r := lead(`"Title":"T"`); r.Err != nil || o.Get(r.ID, "RecordTypeId") != types["Inbound"] {
		t.Errorf("the default record type: %+v", r)
	}
	if r := lead(`"RecordTypeId":"` + types["Fair"][:15] + `"`); r.Err != nil || o.Get(r.ID, "RecordTypeId") != types["Fair"] {
		t.Errorf("a given record type: %+v", r)
	}
	const wrongType = "INVALID_CROSS_REFERENCE_KEY: Record Type Id: this ID value isn't valid for the user: "
	o.Want([]store.Result{lead(`"RecordTypeId":"` + types["Old"] + `"`), lead(`"RecordTypeId":"012abc0000000zzAAA"`)}, wrongType+types["Old"]+" [RecordTypeId]", wrongType+"012abc0000000zzAAA [RecordTypeId]")

	const noQueue = "INVALID_OPERATION: Queue not associated with this SObject type [OwnerId]"
	o.Want([]store.Result{lead(`"OwnerId":"` + queues["Inbound"] + `"`), lead(`"OwnerId":"` + queues["L2"] + `"`)}, "", "")
	o.Want(o.Write(store.Create, "Case", nil, `{"OwnerId":"`+queues["L2"]+`"}`, `{"OwnerId":"`+queues["Inbound"]+`"}`), "", noQueue)
	// A queue that a client makes.
	group := o.Create("Group", `{"Name":"Third","Type":"Queue"}`)
	o.Want([]store.Result{lead(`"OwnerId":"` + group + `"`)}, noQueue)
	o.Create("QueueSobject", `{"QueueId":"`+group+`","SobjectType":"Lead"}`)
	o.Want([]store.Result{lead(`"OwnerId":"` + group + `"`)}, "")
	// Inactive users own nothing new; contacts are not owned by queues.
	gone := catalog.MakeID("005", "abc", 77)
	o.Do(func(tx *store.Tx) error {
		return tx.Seed(o.Catalog().Object("User"), gone, map[string]any{"Username": "eva@example.com", "LastName": "Eva", "IsActive": int64(0)})
	})
	o.Want([]store.Result{lead(`"OwnerId":"` + gone + `"`)}, "INACTIVE_OWNER_OR_USER: operation performed with inactive user ["+gone+"] as owner of Lead")
	o.Want(o.Write(store.Create, "Contact", nil, `{"LastName":"A","OwnerId":"`+group+`"}`), "MALFORMED_ID: Owner ID: id value of incorrect type: "+group+" [OwnerId]")

	// The setup survives the removal of all records, and the same schema brings nothing new.
	o.Do(func(tx *store.Tx) error { return tx.Empty(func(*catalog.Object) bool { return false }) })
	if got := o.Get(types["Fair"], "DeveloperName") + " " + o.Get(queues["L2"], "Name"); got != "Fair Second Line" {
		t.Errorf("after Empty: %s", got)
	}
	if names := o.Take(storetest.Overlaid(t, ruled)); len(names) > 0 {
		t.Errorf("the same schema again brings %v", names)
	}
}

// Rules are taken over from a schema, and those of a name the org has replace them.
func TestExtendRules(t *testing.T) {
	t.Parallel()
	o := storetest.New(t, "")
	rule := func(when string) *schema.Schema {
		return storetest.Overlaid(t, `objects: {Lead: {queues: [Q], validation_rules: [{name: r, when: '`+when+`', message: No.}]}}`)
	}
	if got := strings.Join(o.Take(rule(`Title == "A"`)), ", "); got != "Lead queue Q, Lead validation rule r" {
		t.Errorf("new are %s", got)
	}
	const no = "FIELD_CUSTOM_VALIDATION_EXCEPTION: No."
	a, b := `{"LastName":"L","Company":"C","Title":"A"}`, `{"LastName":"L","Company":"C","Title":"B"}`
	o.Want(o.Write(store.Create, "Lead", nil, a, b), no, "")
	if got := strings.Join(o.Take(rule(`Title == "B"`)), ", "); got != "Lead validation rule r" {
		t.Errorf("changed are %s", got)
	}
	o.Want(o.Write(store.Create, "Lead", nil, a, b), "", no)
	_, err := o.Extend(t.Context(), rule(`Titel == "B"`))
	if err == nil || !strings.Contains(err.Error(), `test.yaml:1:`) || !strings.Contains(err.Error(), "unknown name Titel") {
		t.Errorf("a rule that cannot be compiled: %v", err)
	}
	o.Want(o.Write(store.Create, "Lead", nil, a, b), "", no)
}
