package lacking

import (
	"testing"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

func TestMissing(t *testing.T) {
	lead := schema.Standard().Object("Lead")
	member := schema.Standard().Object("CampaignMember")
	campaign := member.Field("CampaignId")
	if !lead.Field("LastName").Required() || !lead.Field("Company").Required() || !campaign.Required() {
		t.Fatal("the test stands on other required fields")
	}
	for _, c := range []struct {
		name    string
		object  *schema.Object
		columns []string
		kinds   []row.Kind
		create  bool
		fields  string
	}{
		{"all there", lead, []string{"LastName", "Company"}, []row.Kind{row.Text, row.Text}, true, ""},
		{"in another case", lead, []string{"lastname", "COMPANY"}, []row.Kind{row.Text, row.Text}, true, ""},
		{"no column", lead, []string{"LastName"}, []row.Kind{row.Text}, true, "Company"},
		{"absent", lead, []string{"LastName", "Company"}, []row.Kind{row.Absent, row.Text}, true, "LastName"},
		{"null", lead, []string{"LastName", "Company"}, []row.Kind{row.Null, row.Absent}, true, "LastName,Company"},
		{"an update may leave them", lead, []string{"LastName"}, []row.Kind{row.Absent}, false, ""},
		{"an update may not clear them", lead, []string{"LastName", "Company"}, []row.Kind{row.Null, row.Text}, false, "LastName"},
		{"a default counts for new records", lead, []string{"LastName", "Company"}, []row.Kind{row.Text, row.Text | row.OnInsert}, true, ""},
		{"a reference that awaits its id", member, []string{"CampaignId"}, []row.Kind{row.Text | row.Awaited}, true, ""},
		{"a relationship by key", member, []string{"Campaign.Name"}, []row.Kind{row.Text}, true, ""},
		{"a relationship by key that is blank", member, []string{"Campaign.Name"}, []row.Kind{row.Absent}, true, "CampaignId"},
		{"a typed relationship", member, []string{"Campaign:Campaign.Name"}, []row.Kind{row.Text}, true, ""},
	} {
		columns := make([]row.Column, len(c.columns))
		for i, name := range c.columns {
			columns[i].Name = name
		}
		b := row.New(row.NewSchema(columns...))
		r := b.AddRow(1)
		for i, k := range c.kinds {
			switch {
			case k&row.Awaited != 0:
				b.Await(r, i, row.Text)
			case k == row.Null:
				b.SetKind(r, i, row.Null)
			case k != row.Absent:
				b.Set(r, i, k, "x")
			}
		}
		fields, message := NewRequired(&mapping.PlanTarget{Object: c.object}).Missing(b, r, c.create)
		if fields != c.fields || (message == "") != (fields == "") {
			t.Errorf("%s: %q (%s), want %q", c.name, fields, message, c.fields)
		}
	}
}
