package mapping

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// within fails the test if f takes longer: far more than it needs on a busy machine, far less than
// anything that grows with a square.
func within(t *testing.T, most time.Duration, f func()) {
	t.Helper()
	begun := time.Now()
	f()
	if took := time.Since(begun); took > most {
		t.Errorf("it took %v, more than %v", took, most)
	}
}

// wideObjects is a schema whose Thing__c has 500 custom fields of long names, as many as most orgs allow.
func wideObjects() *schema.Schema {
	s := schema.Standard()
	o := &schema.Object{Name: "Thing__c", Createable: true, Updateable: true, Deletable: true, Queryable: true}
	o.Fields = append(o.Fields, &schema.Field{Name: "Id", Type: schema.ID, IDLookup: true})
	for i := range 500 {
		o.Fields = append(o.Fields, &schema.Field{
			Name: fmt.Sprintf("A_Field_With_A_Long_Name_%04d__c", i), Type: schema.String, Length: 255,
			Custom: true, Createable: true, Updateable: true, Nillable: true, Filterable: true, ExternalID: i == 0, Unique: i == 0, IDLookup: i == 0,
		})
	}
	s.Add(o)
	return s
}

// A file of 10,000 columns is bound, checked and mapped in no time worth naming, whether its columns
// have fields or not.
func TestTenThousandColumns(t *testing.T) {
	t.Parallel()
	s := wideObjects()
	for rest, forms := range map[string][]string{
		"custom": {"a_field_with_a_long_name_%04d", "another_column_with_a_long_name_%04d"},
		"fail":   {"a_field_with_a_long_name_%04d"},
		"ignore": {"a_field_with_a_long_name_%04d"},
	} {
		for _, form := range forms {
			p := compileYAML(t, s, `version: 1
targets:
  - object: Thing__c
    match: A_Field_With_A_Long_Name_0000__c
    rest: `+rest+`
    fields: {A_Field_With_A_Long_Name_0000__c: key}
`)
			cols, cells := []row.Column{{Name: "key"}}, []cell{text("1")}
			for i := 1; i < row.MaxColumns; i++ {
				cols, cells = append(cols, row.Column{Name: fmt.Sprintf(form, i)}), append(cells, text("x"))
			}
			columns := row.NewSchema(cols...)
			within(t, time.Minute, func() {
				all, _ := p.CheckColumns(columns, "wide.csv")
				if rest != "ignore" && len(all) < 1000 {
					t.Errorf("%s: %d findings", rest, len(all))
				}
				var pool row.Pool
				out := p.NewMapper(&pool).Map(fill(pool.Get(columns), cells, cells, cells))
				defer out.Free()
				if rest == "ignore" != (out.Targets[0].Fate(2) == Send) {
					t.Errorf("%s: %v", rest, out.Targets[0].Fate(2))
				}
			})
		}
	}
}

// A mapping of as many rules as an object has fields, all of them wrong, is told so in no time.
func TestManyUnknownNames(t *testing.T) {
	t.Parallel()
	s := wideObjects()
	var b strings.Builder
	b.WriteString("version: 1\ntargets:\n  - object: Thing__c\n    operation: insert\n    fields:\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "      B_Feld_With_A_Long_Name_%04d__c: {lookup: Acount.Nme_%d, from: x}\n", i, i)
	}
	f, _, err := Parse("m.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	within(t, time.Minute, func() {
		if _, all, err := Compile(f, s); err == nil || len(all) < 1000 {
			t.Errorf("%d findings: %v", len(all), err)
		}
	})
}
