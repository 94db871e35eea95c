// Package convert turns leads into accounts, contacts and opportunities (SOAP API developer guide, "convertLead()").
// Custom fields are not carried over: which go where is set up in an org and not in its describes.
package convert

import (
	"context"
	"strings"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
)

// Order says how to convert a lead. All but LeadID and Status may be blank.
type Order struct {
	LeadID string `json:"lead_id"`
	// Status is what the lead's status becomes; it must be one that means converted. The JSON resource takes "" for
	// the first such.
	Status string `json:"converted_status"`
	// AccountID and ContactID are records to merge into instead of making new ones. A contact needs its account.
	AccountID string `json:"account_id"`
	ContactID string `json:"contact_id"`
	// OpportunityName is the name of the opportunity, the company's if it is blank.
	OpportunityName string `json:"opportunity_name"`
	NoOpportunity   bool   `json:"do_not_create_opportunity"`
	OverwriteSource bool   `json:"overwrite_lead_source"`
	OwnerID         string `json:"owner_id"`
}

// Result is what a lead has become. Err is set if it was not converted.
type Result struct {
	LeadID        string         `json:"lead_id"`
	AccountID     string         `json:"account_id"`
	ContactID     string         `json:"contact_id"`
	OpportunityID string         `json:"opportunity_id,omitempty"`
	Err           *catalog.Error `json:"-"`
}

// fields of a lead and where they go.
func accountFields() map[string]string {
	return map[string]string{
		"Company": "Name", "Phone": "Phone", "Fax": "Fax", "Website": "Website", "Industry": "Industry", "AnnualRevenue": "AnnualRevenue",
		"NumberOfEmployees": "NumberOfEmployees", "Rating": "Rating", "LeadSource": "AccountSource", "Street": "BillingStreet", "City": "BillingCity",
		"State": "BillingState", "PostalCode": "BillingPostalCode", "Country": "BillingCountry",
	}
}

func contactFields() map[string]string {
	m := map[string]string{
		"Street": "MailingStreet", "City": "MailingCity", "State": "MailingState", "PostalCode": "MailingPostalCode", "Country": "MailingCountry",
	}
	for _, same := range []string{
		"Salutation", "FirstName", "MiddleName", "LastName", "Suffix", "Title", "Phone", "MobilePhone", "Fax", "Email", "LeadSource", "Description",
		"DoNotCall", "HasOptedOutOfEmail", "HasOptedOutOfFax",
	} {
		m[same] = same
	}
	return m
}

// conversion is one lead on its way.
type conversion struct {
	ctx   context.Context
	tx    *store.Tx
	cat   *catalog.Catalog
	order Order
	now   time.Time
	lead  map[string]any
	res   Result
}

// Lead converts a lead in the transaction: all of it or, if Result.Err is set, nothing. cat is the whole catalog.
func Lead(ctx context.Context, tx *store.Tx, cat *catalog.Catalog, order Order, now time.Time) (Result, error) {
	c := &conversion{ctx: ctx, tx: tx, cat: cat, order: order, now: now}
	err := tx.Try(func() (*catalog.Error, error) {
		e, err := c.run()
		c.res.Err = e
		return e, err
	})
	if c.res.Err != nil {
		c.res = Result{LeadID: c.res.LeadID, Err: c.res.Err}
	}
	return c.res, err
}

func (c *conversion) run() (*catalog.Error, error) {
	if e, err := c.readLead(); e != nil || err != nil {
		return e, err
	}
	steps := []func() (*catalog.Error, error){c.account, c.contact, c.opportunity, c.close}
	for _, step := range steps {
		if e, err := step(); e != nil || err != nil {
			return e, err
		}
	}
	return nil, nil
}

// readLead checks the order and reads the lead.
func (c *conversion) readLead() (*catalog.Error, error) {
	id, ok := catalog.NormalID(c.order.LeadID)
	c.res.LeadID = id
	o := c.cat.Object("Lead")
	switch {
	case o == nil:
		return catalog.UnsupportedType("Lead"), nil
	case !ok:
		return catalog.MalformedID(c.order.LeadID), nil
	case !catalog.LeadConverted(c.order.Status):
		return &catalog.Error{Code: "INVALID_STATUS", Message: "invalid convertedStatus: " + c.order.Status}, nil
	}
	lead, e, err := c.read(o, id)
	if e != nil || err != nil {
		return e, err
	}
	if lead["IsConverted"] == int64(1) {
		return &catalog.Error{Code: "CANNOT_UPDATE_CONVERTED_LEAD", Message: "cannot reference converted lead"}, nil
	}
	c.lead = lead
	if c.order.ContactID != "" && c.order.AccountID == "" {
		return &catalog.Error{Code: "MISSING_ARGUMENT", Message: "accountId must be given with contactId", Fields: []string{"accountId"}}, nil
	}
	return nil, nil
}

// read returns the values of a record, as they are stored.
func (c *conversion) read(o *catalog.Object, id string) (map[string]any, *catalog.Error, error) {
	var out map[string]any
	deleted, err := c.tx.Rows(c.ctx, o, o.Fields, []string{id}, func(_ string, values []any) error {
		out = make(map[string]any, len(values))
		for i, f := range o.Fields {
			out[f.Def.Name] = values[i]
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, nil, err
	case len(deleted) > 0:
		return nil, catalog.Deleted(), nil
	case out == nil:
		return nil, catalog.CrossReference(), nil
	}
	return out, nil, nil
}

// owner is who owns what is made: the one ordered, else the lead's, unless that is a queue.
func (c *conversion) owner() any {
	if c.order.OwnerID != "" {
		return c.order.OwnerID
	}
	if id, _ := c.lead["OwnerId"].(string); strings.HasPrefix(id, "005") {
		return id
	}
	return nil // the caller
}

// write creates a record, or changes the one with the id.
func (c *conversion) write(object, id string, values map[string]any) (string, *catalog.Error, error) {
	o := c.cat.Object(object)
	if o == nil {
		return "", catalog.UnsupportedType(object), nil
	}
	for name, v := range values {
		if f := o.Field(name); f == nil || v == nil {
			delete(values, name)
		}
	}
	if id != "" && len(values) == 0 {
		return id, nil, nil
	}
	r := catalog.NewRecord(o, values)
	op := store.Create
	if id != "" {
		op, r.ID, r.HasID = store.Update, id, true
	}
	results, err := c.tx.Write(&store.Change{Op: op, Records: []*catalog.Record{r}, NoAssignment: true, AllowDuplicates: true})
	if err != nil {
		return "", nil, err
	}
	return results[0].ID, results[0].Err, nil
}

// into makes a record of the lead's values, or fills those that are empty in the one with the id.
func (c *conversion) into(object, id string, fields map[string]string, more map[string]any, source string) (string, *catalog.Error, error) {
	values := more
	for from, to := range fields {
		values[to] = c.lead[from]
	}
	if id != "" {
		full, ok := catalog.NormalID(id)
		o := c.cat.Object(object)
		if !ok || o == nil || c.cat.ByID(full) != o {
			return "", &catalog.Error{Code: "MALFORMED_ID", Message: object + " ID: id value of incorrect type: " + id}, nil
		}
		now, e, err := c.read(o, full)
		if e != nil || err != nil {
			return "", e, err
		}
		for name := range values {
			if now[name] != nil && (name != source || !c.order.OverwriteSource) {
				delete(values, name)
			}
		}
		id = full
	}
	return c.write(object, id, values)
}

func (c *conversion) account() (e *catalog.Error, err error) {
	c.res.AccountID, e, err = c.into("Account", c.order.AccountID, accountFields(), map[string]any{"OwnerId": c.owner()}, "AccountSource")
	return e, err
}

func (c *conversion) contact() (e *catalog.Error, err error) {
	c.res.ContactID, e, err = c.into("Contact", c.order.ContactID, contactFields(), map[string]any{"OwnerId": c.owner(), "AccountId": c.res.AccountID}, "LeadSource")
	return e, err
}

// opportunity makes the opportunity, in the first stage and closing with the quarter, and the contact's role in it.
func (c *conversion) opportunity() (e *catalog.Error, err error) {
	o := c.cat.Object("Opportunity")
	if c.order.NoOpportunity || o == nil {
		return nil, nil
	}
	name := c.order.OpportunityName
	if name == "" {
		name, _ = c.lead["Company"].(string)
	}
	stage := "Prospecting"
	if f := o.Field("StageName"); f != nil && len(f.Def.Picklist) > 0 {
		stage = f.Def.Picklist[0].Value
	}
	c.res.OpportunityID, e, err = c.write("Opportunity", "", map[string]any{
		"Name": cut(name, 120), "StageName": stage, "CloseDate": quarterEnd(c.now).Format(catalog.DateLayout), "AccountId": c.res.AccountID,
		"LeadSource": c.lead["LeadSource"], "OwnerId": c.owner(),
	})
	if e != nil || err != nil || c.cat.Object("OpportunityContactRole") == nil {
		return e, err
	}
	_, e, err = c.write("OpportunityContactRole", "", map[string]any{"OpportunityId": c.res.OpportunityID, "ContactId": c.res.ContactID, "IsPrimary": int64(1)})
	return e, err
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// quarterEnd is the last day of the quarter.
func quarterEnd(t time.Time) time.Time {
	t = t.UTC()
	month := (t.Month()-1)/3*3 + 4
	return time.Date(t.Year(), month, 0, 0, 0, 0, 0, time.UTC)
}

// close makes the lead what it is now: read-only, with what it became. Its activities and campaigns go to the
// contact.
func (c *conversion) close() (*catalog.Error, error) {
	values := map[string]any{
		"IsConverted": int64(1), "ConvertedDate": c.now.UTC().Format(catalog.DateLayout), "ConvertedAccountId": c.res.AccountID,
		"ConvertedContactId": c.res.ContactID, "Status": c.order.Status, "IsUnreadByOwner": int64(0),
	}
	if c.res.OpportunityID != "" {
		values["ConvertedOpportunityId"] = c.res.OpportunityID
	}
	if err := c.tx.Amend(c.cat.Object("Lead"), c.res.LeadID, values); err != nil {
		return nil, err
	}
	for _, move := range []struct{ object, from, to string }{
		{"Task", "WhoId", "WhoId"}, {"Event", "WhoId", "WhoId"}, {"CampaignMember", "LeadId", "ContactId"},
	} {
		if err := c.tx.Refer(c.cat.Object(move.object), move.from, c.res.LeadID, move.to, c.res.ContactID); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
