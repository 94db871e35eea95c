package catalog

import (
	"testing"
	"time"

	"sfsync/mapping/schema"
)

func standardCatalog(t *testing.T) *Catalog {
	t.Helper()
	s := schema.Standard()
	var defs []Definition
	for _, name := range s.Names() {
		defs = append(defs, Definition{Object: s.Object(name), Modified: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	}
	return New(defs)
}

func TestView(t *testing.T) {
	cat := standardCatalog(t)
	changed := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	v := cat.View(&Access{
		Objects: map[string]ObjectAccess{
			"Lead":    {Create: true, Read: true},
			"Account": {Read: true},
			"Case":    {Delete: true},
		},
		Fields: map[string]FieldAccess{
			"Lead.Title": Hidden, "Lead.Rating": ReadOnly, "Lead.City": Hidden, "Lead.LastName": Hidden, "Lead.FirstName": Hidden, "Lead.CreatedDate": Hidden,
			"account.ParentId": Hidden,
		},
		Changed: changed,
	})
	lead := v.Object("lead")
	if lead == nil || lead.Full() != cat.Object("Lead") || lead.Full().Full() != lead.Full() || v.ByID("00Q000000000001AAA") != lead {
		t.Fatal("Lead is seen")
	}
	if d := lead.Def; !d.Createable || d.Updateable || d.Deletable {
		t.Errorf("Lead: createable %t, updateable %t, deletable %t", d.Createable, d.Updateable, d.Deletable)
	}
	if !lead.Modified.Equal(changed) {
		t.Errorf("a change of permissions is one of the describe: %v", lead.Modified)
	}
	for _, o := range []string{"Contact", "Opportunity"} {
		if v.Object(o) != nil {
			t.Errorf("%s is seen", o)
		}
	}
	if c := v.Object("Case"); c == nil || !c.Def.Deletable || c.Def.Createable {
		t.Error("who may delete may read")
	}
	if v.Object("User") == nil {
		t.Error("users are seen by everybody")
	}
	all := ObjectAccess{Create: true, Read: true, Edit: true, Delete: true}
	if d := cat.View(&Access{Objects: map[string]ObjectAccess{"*": all}}).Object("User").Def; d.Createable || d.Updateable || d.Deletable {
		t.Error(`users are written by whom "*" lets write all others`)
	}
	if d := cat.View(&Access{Objects: map[string]ObjectAccess{"*": all, "User": all}}).Object("User").Def; !d.Createable || !d.Updateable {
		t.Error("users are not written by whom they are opened to")
	}
	// A compound field and its parts go together; names, required and system fields stay.
	for _, f := range []string{"Title", "City", "Address", "Street", "PostalCode"} {
		if lead.Field(f) != nil || lead.Def.Field(f) != nil || lead.Full().Field(f) == nil {
			t.Errorf("Lead.%s is seen", f)
		}
	}
	for _, f := range []string{"LastName", "FirstName", "Name", "CreatedDate", "Company", "Id", "Rating"} {
		if lead.Field(f) == nil || lead.Field(f) != cat.Object("Lead").Field(f) {
			t.Errorf("Lead.%s is not seen, or is another field", f)
		}
	}
	if d := lead.Def.Field("Rating"); d.Createable || d.Updateable || !cat.Object("Lead").Def.Field("Rating").Updateable {
		t.Error("Lead.Rating must be read-only in the view, and there only")
	}
	if v.Object("Account").Relationship("Parent") != nil || cat.Object("Account").Relationship("Parent") == nil {
		t.Error("the relationship of a hidden field is hidden, for this user only")
	}
	if len(lead.Fields) != len(lead.Def.Fields) {
		t.Errorf("%d fields, %d definitions", len(lead.Fields), len(lead.Def.Fields))
	}
	for i, f := range lead.Fields {
		if f.Def.Name != lead.Def.Fields[i].Name {
			t.Fatalf("field %d is %s, its definition %s", i, f.Def.Name, lead.Def.Fields[i].Name)
		}
	}
}

func TestAccess(t *testing.T) {
	all := ObjectAccess{true, true, true, true}
	for _, tt := range []struct {
		fact   string
		access Access
		want   ObjectAccess
	}{
		{"nothing", Access{}, ObjectAccess{}},
		{"View All Data", Access{ViewAllData: true}, ObjectAccess{Read: true}},
		{"Modify All Data", Access{ModifyAllData: true, Objects: map[string]ObjectAccess{"Lead": {}}}, all},
		{"for all others", Access{Objects: map[string]ObjectAccess{"*": all}}, all},
		{"its own before those of all others", Access{Objects: map[string]ObjectAccess{"*": all, "Lead": {Read: true}}}, ObjectAccess{Read: true}},
		{"to edit is to read", Access{Objects: map[string]ObjectAccess{"Lead": {Edit: true}}}, ObjectAccess{Read: true, Edit: true}},
	} {
		if got := tt.access.object("Lead"); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.fact, got, tt.want)
		}
	}
}

// What a user gives is read by the user's view, and is a record of the whole object.
func TestParseInView(t *testing.T) {
	cat := standardCatalog(t)
	v := cat.View(&Access{
		Objects: map[string]ObjectAccess{"Lead": {Create: true, Edit: true}, "Contact": {Create: true, Edit: true}},
		Fields:  map[string]FieldAccess{"Lead.Title": Hidden, "Lead.Rating": ReadOnly},
	})
	read := func(o, body string) (*Record, error) {
		return v.ParseRecord([]byte(body), Options{Object: v.Object(o)})
	}
	for body, want := range map[string]string{
		`{"Title":"x"}`:      "INVALID_FIELD: No such column 'Title' on sobject of type Lead",
		`{"title":"x"}`:      "INVALID_FIELD: No such column 'title' on sobject of type Lead",
		`{"Rating":{"a":1}}`: "JSON_PARSER_ERROR: Cannot deserialize instance of string from START_OBJECT value { or request may be missing a required field at [line:1, column:18]",
	} {
		rec, err := read("Lead", body)
		if err == nil && rec.Err != nil {
			err = rec.Err
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	if _, err := read("Contact", `{"Account":{"Id":"x"}}`); err == nil || err.(*Error).Code != "INVALID_TYPE" {
		t.Errorf("a relationship to an object that is not seen: %v", err)
	}
	rec, err := read("Lead", `{"Rating":"Hot","LastName":"A"}`)
	if err != nil || rec.Object != cat.Object("Lead") {
		t.Fatalf("%v %v", rec, err)
	}
	rating := cat.Object("Lead").Field("Rating")
	for _, tt := range []struct {
		fact   string
		create bool
		key    *Field
		want   bool
	}{
		{"on creation", true, nil, true},
		{"on change", false, nil, true},
		{"as the key of a change", false, rating, false},
		{"as the key of what is created", true, rating, true},
	} {
		if e := rec.ReadOnly(tt.create, tt.key); (e != nil) != tt.want {
			t.Errorf("a read-only field %s: %v", tt.fact, e)
		}
	}
}
