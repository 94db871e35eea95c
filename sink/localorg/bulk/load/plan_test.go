package load

import (
	"errors"
	"testing"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

func leads(t testing.TB) (*catalog.Catalog, *catalog.Object) {
	t.Helper()
	s := schema.Standard()
	var defs []catalog.Definition
	for _, name := range s.Names() {
		defs = append(defs, catalog.Definition{Object: s.Object(name)})
	}
	c := catalog.New(defs)
	return c, c.Object("Lead")
}

// Names are answered as the object spells them, and a name may come once only.
func TestBind(t *testing.T) {
	t.Parallel()
	cat, ob := leads(t)
	p, err := Bind(cat, ob, Upsert, ob.Field("Email"), []string{"EMAIL", "lastname", "user:OWNER.username", "id"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Email", "LastName", "User:Owner.Username", "Id"} {
		if got := p.Names()[i]; got != want {
			t.Errorf("column %d is %s, want %s", i, got, want)
		}
	}
	for want, header := range map[string][]string{
		"InvalidBatch : Duplicate field name : Email":                                             {"Email", "email"},
		"InvalidBatch : Field name not found : ":                                                  {"Email", ""},
		"InvalidBatch : FirstName is not an external ID or lookup field of User":                  {"Email", "User:Owner.FirstName"},
		"InvalidBatch : Field name not found : Nope:Owner.Username":                               {"Email", "Nope:Owner.Username"},
		"InvalidBatch : Field name not found : User:Owner.Nope":                                   {"Email", "User:Owner.Nope"},
		"InvalidBatch : type is needed for polymorphic foreign key references: Owner":             {"Email", "Owner.Username"},
		"InvalidBatch : type is not needed for non polymorphic foreign key references: CreatedBy": {"Email", "User:CreatedBy.Username"},
	} {
		_, err := Bind(cat, ob, Upsert, ob.Field("Email"), header)
		if e, ok := errors.AsType[*Error](err); !ok || e.Error() != want {
			t.Errorf("%q: %v, want %s", header, err, want)
		}
	}
}

// A row becomes a record with few allocations: the record, its cells, and values that are no texts.
func TestRecordAllocations(t *testing.T) {
	cat, ob := leads(t)
	header := []string{"Email", "LastName", "FirstName", "Company", "Phone", "Street", "City", "PostalCode", "Country", "Status"}
	row := []string{"anna@example.com", "Müller", "Anna", "Muster GmbH", "+1-555-0100", "Hauptstr. 1", "Köln", "50667", "Germany", "Open - Not Contacted"}
	p, err := Bind(cat, ob, Insert, nil, header)
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(100, func() {
		if _, err := p.Record(row); err != nil {
			t.Fatal(err)
		}
	})
	if most := float64(len(row) + 4); n > most {
		t.Errorf("%v allocations for a row of %d texts, want at most %v", n, len(row), most)
	}
}
