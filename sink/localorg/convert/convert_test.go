package convert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/convert"
	"sfsync/sink/localorg/store"
)

const userID = "005abc000000000AAA"

type org struct {
	*store.Store
	t *testing.T
}

func now() time.Time { return time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC) }

func newOrg(t *testing.T) *org {
	t.Helper()
	s, err := store.Open(t.Context(), store.Memory, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Identify("abc", userID)
	for _, sch := range []*schema.Schema{catalog.System(), schema.Standard()} {
		if _, err := s.Extend(t.Context(), sch); err != nil {
			t.Fatal(err)
		}
	}
	return &org{s, t}
}

func (o *org) create(object string, values map[string]any) string {
	o.t.Helper()
	r := o.write(store.Create, object, "", values)
	if r.Err != nil {
		o.t.Fatalf("create %s: %v", object, r.Err)
	}
	return r.ID
}

func (o *org) write(op store.Op, object, id string, values map[string]any) (res store.Result) {
	o.t.Helper()
	r := catalog.NewRecord(o.Catalog().Object(object), values)
	r.ID, r.HasID = id, id != ""
	o.update(func(tx *store.Tx) error {
		results, err := tx.Write(&store.Change{Op: op, Records: []*catalog.Record{r}})
		res = results[0]
		return err
	})
	return res
}

func (o *org) update(fn func(tx *store.Tx) error) {
	o.t.Helper()
	if err := o.Update(o.t.Context(), fn); err != nil {
		o.t.Fatal(err)
	}
}

func (o *org) convert(order convert.Order) (res convert.Result) {
	o.t.Helper()
	o.update(func(tx *store.Tx) (err error) {
		res, err = convert.Lead(o.t.Context(), tx, o.Catalog(), order, now())
		return err
	})
	return res
}

// get returns fields of a record that are not null.
func (o *org) get(id string, fields ...string) map[string]any {
	o.t.Helper()
	ob := o.Catalog().ByID(id)
	var list []*catalog.Field
	for _, name := range fields {
		list = append(list, ob.Field(name))
	}
	out := map[string]any{}
	err := o.View(o.t.Context(), func(tx *store.Tx) error {
		_, err := tx.Rows(o.t.Context(), ob, list, []string{id}, func(_ string, values []any) error {
			for i, v := range values {
				if v != nil {
					out[fields[i]] = v
				}
			}
			return nil
		})
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

func (o *org) equal(fact, id string, want map[string]any) {
	o.t.Helper()
	var fields []string
	for name := range want {
		fields = append(fields, name)
	}
	got := o.get(id, fields...)
	for name, v := range want {
		if v == nil {
			delete(want, name)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		o.t.Errorf("%s (-want +got):\n%s", fact, d)
	}
}

// A lead becomes three records, which have its values, and can no longer be changed (SOAP API developer guide,
// "convertLead()").
func TestConvert(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	lead := o.create("Lead", map[string]any{
		"FirstName": "Ada", "LastName": "Lovelace", "Company": "Analytical Engines", "Email": "ada@example.com", "Street": "1 Main St", "City": "London",
		"LeadSource": "Web", "NumberOfEmployees": int64(3), "DoNotCall": int64(1),
	})
	task := o.create("Task", map[string]any{"Subject": "Call", "WhoId": lead})
	campaign := o.create("Campaign", map[string]any{"Name": "Fair"})
	member := o.create("CampaignMember", map[string]any{"CampaignId": campaign, "LeadId": lead})

	got := o.convert(convert.Order{LeadID: lead[:15], Status: "Closed - Converted"})
	if got.Err != nil || got.LeadID != lead || got.AccountID == "" || got.ContactID == "" || got.OpportunityID == "" {
		t.Fatalf("converted to %+v", got)
	}
	o.equal("the lead", lead, map[string]any{
		"IsConverted": int64(1), "ConvertedDate": "2026-11-22", "ConvertedAccountId": got.AccountID, "ConvertedContactId": got.ContactID,
		"ConvertedOpportunityId": got.OpportunityID, "Status": "Closed - Converted",
	})
	o.equal("the account", got.AccountID, map[string]any{
		"Name": "Analytical Engines", "BillingStreet": "1 Main St", "BillingCity": "London", "AccountSource": "Web", "NumberOfEmployees": int64(3), "OwnerId": userID,
	})
	o.equal("the contact", got.ContactID, map[string]any{
		"Name": "Ada Lovelace", "AccountId": got.AccountID, "Email": "ada@example.com", "MailingCity": "London", "LeadSource": "Web", "DoNotCall": int64(1),
	})
	o.equal("the opportunity", got.OpportunityID, map[string]any{
		"Name": "Analytical Engines", "StageName": "Prospecting", "CloseDate": "2026-12-31", "AccountId": got.AccountID, "Probability": 10.0,
	})
	o.equal("its task", task, map[string]any{"WhoId": got.ContactID})
	o.equal("its campaign", member, map[string]any{"LeadId": lead, "ContactId": got.ContactID})

	if r := o.write(store.Update, "Lead", lead, map[string]any{"Title": "T"}); r.Err == nil || r.Err.Error() != "CANNOT_UPDATE_CONVERTED_LEAD: cannot reference converted lead" {
		t.Errorf("a converted lead is changed: %v", r.Err)
	}
	if r := o.convert(convert.Order{LeadID: lead, Status: "Closed - Converted"}); r.Err == nil || r.Err.Code != "CANNOT_UPDATE_CONVERTED_LEAD" {
		t.Errorf("a lead is converted twice: %+v", r)
	}
}

// Merging into records that exist fills what is empty there, and nothing else.
func TestConvertInto(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	account := o.create("Account", map[string]any{"Name": "Engines", "Phone": "1", "AccountSource": "Other"})
	contact := o.create("Contact", map[string]any{"LastName": "L", "AccountId": account, "Email": "old@example.com", "LeadSource": "Other"})
	lead := o.create("Lead", map[string]any{"LastName": "Lovelace", "Company": "Analytical", "Email": "new@example.com", "Phone": "2", "Title": "Countess", "Website": "https://example.com", "LeadSource": "Web"})
	got := o.convert(convert.Order{LeadID: lead, Status: "Closed - Converted", AccountID: account[:15], ContactID: contact, NoOpportunity: true, OverwriteSource: true})
	if got.Err != nil || got.AccountID != account || got.ContactID != contact || got.OpportunityID != "" {
		t.Fatalf("converted to %+v", got)
	}
	o.equal("the account", account, map[string]any{"Name": "Engines", "Phone": "1", "Website": "https://example.com", "AccountSource": "Web"})
	o.equal("the contact", contact, map[string]any{"LastName": "L", "Email": "old@example.com", "Phone": "2", "Title": "Countess", "LeadSource": "Web"})
	o.equal("the lead", lead, map[string]any{"ConvertedOpportunityId": nil, "IsConverted": int64(1)})
}

// What cannot be converted leaves nothing behind.
func TestConvertRefused(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	lead := o.create("Lead", map[string]any{"LastName": "L", "Company": "C"})
	account := o.create("Account", map[string]any{"Name": "A"})
	for _, tt := range []struct {
		fact  string
		order convert.Order
		want  string
	}{
		{"a status that does not mean converted", convert.Order{LeadID: lead, Status: "Working - Contacted"}, "INVALID_STATUS: invalid convertedStatus: Working - Contacted"},
		{"no id", convert.Order{LeadID: "x", Status: "Closed - Converted"}, "MALFORMED_ID: malformed id x"},
		{"no such lead", convert.Order{LeadID: "00Q00000000000zEAA", Status: "Closed - Converted"}, "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id"},
		{"a contact without its account", convert.Order{LeadID: lead, Status: "Closed - Converted", ContactID: account}, "MISSING_ARGUMENT: accountId must be given with contactId"},
		{"an account for a contact", convert.Order{LeadID: lead, Status: "Closed - Converted", AccountID: account, ContactID: account}, "MALFORMED_ID: Contact ID: id value of incorrect type: " + account},
		{"an owner who is not there", convert.Order{LeadID: lead, Status: "Closed - Converted", OwnerID: "00500000000000zAAA"}, "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id"},
	} {
		got := o.convert(tt.order)
		if got.Err == nil || !strings.HasPrefix(got.Err.Error(), tt.want) || got.AccountID != "" {
			t.Errorf("%s: got %+v", tt.fact, got)
		}
	}
	o.equal("the lead", lead, map[string]any{"IsConverted": int64(0), "ConvertedAccountId": nil})
	err := o.View(t.Context(), func(tx *store.Tx) error {
		for object, want := range map[string]int64{"Account": 1, "Contact": 0, "Opportunity": 0} {
			if n, err := tx.Count(t.Context(), o.Catalog().Object(object)); n != want || err != nil {
				t.Errorf("%d of %s (%v)", n, object, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
