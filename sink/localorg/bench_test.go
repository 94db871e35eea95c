package localorg

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"sfsync/mapping/schema"
)

// leadSchema is the standard objects with the custom fields that tests write.
func leadSchema() *schema.Schema {
	s := schema.Standard()
	lead := s.Object("Lead")
	lead.Fields = append(lead.Fields,
		&schema.Field{
			Name: "Ext__c", Label: "Ext", Type: schema.String, Length: 40, Nillable: true, Createable: true, Updateable: true,
			Custom: true, ExternalID: true, Unique: true, IDLookup: true, Filterable: true,
		},
		&schema.Field{
			Name: "Score__c", Label: "Score", Type: schema.Double, Precision: 5, Scale: 2, Nillable: true, Createable: true, Updateable: true,
			Custom: true, Filterable: true,
		},
		&schema.Field{Name: "Seen__c", Label: "Seen", Type: schema.DateTime, Nillable: true, Createable: true, Updateable: true, Custom: true, Filterable: true},
		&schema.Field{Name: "Day__c", Label: "Day", Type: schema.Date, Nillable: true, Createable: true, Updateable: true, Custom: true, Filterable: true},
		&schema.Field{Name: "At__c", Label: "At", Type: schema.Time, Nillable: true, Createable: true, Updateable: true, Custom: true, Filterable: true},
		&schema.Field{
			Name: "Tags__c", Label: "Tags", Type: schema.MultiPicklist, Length: 255, Nillable: true, Createable: true, Updateable: true,
			Custom: true, Filterable: true, RestrictedPicklist: true, Picklist: []schema.PicklistValue{{Value: "a", Active: true}, {Value: "b", Active: true}, {Value: "c", Active: true}},
		},
		&schema.Field{
			Name: "Case__c", Label: "Case", Type: schema.String, Length: 40, Nillable: true, Createable: true, Updateable: true,
			Custom: true, ExternalID: true, Unique: true, IDLookup: true, CaseSensitive: true, Filterable: true,
		},
		&schema.Field{
			Name: "Number__c", Label: "Number", Type: schema.Double, Precision: 10, Nillable: true, Createable: true, Updateable: true,
			Custom: true, ExternalID: true, Unique: true, IDLookup: true, Filterable: true,
		},
		&schema.Field{
			Name: "Loose__c", Label: "Loose", Type: schema.String, Length: 40, Nillable: true, Createable: true, Updateable: true,
			Custom: true, ExternalID: true, IDLookup: true, Filterable: true,
		},
		&schema.Field{
			Name: "Parent__c", Label: "Parent", Type: schema.Reference, Length: 18, Nillable: true, Createable: true, Updateable: true,
			Custom: true, ReferenceTo: []string{"Lead"}, RelationshipName: "Parent__r", Filterable: true,
		},
	)
	lead.Index()
	return s
}

// leads appends upsert records with twelve fields each.
func leads(b []byte, from, n int) []byte {
	b = append(b, `{"allOrNone":false,"records":[`...)
	for i := from; i < from+n; i++ {
		if i > from {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"attributes":{"type":"Lead"},"Ext__c":"K-%08d","LastName":"Müller %d","FirstName":"Anna","Company":"Muster %d GmbH","Email":"anna.%d@example.com",`+
			`"Phone":"+1-555-0100","Street":"Hauptstr. %d","City":"Köln","PostalCode":"50667","Country":"Germany","NumberOfEmployees":%d,"Score__c":12.5}`, i, i, i, i, i, i%1000)
	}
	return append(b, "]}"...)
}

// compositeOf wraps five collections of 200 into one call.
func compositeOf(from int) []byte {
	b := []byte(`{"compositeRequest":[`)
	for g := range 5 {
		if g > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"method":"PATCH","url":"/services/data/v66.0/composite/sobjects/Lead/Ext__c","referenceId":"g%d","httpHeaders":{"Sforce-Auto-Assign":"FALSE"},"body":`, g)
		b = append(leads(b, from+200*g, 200), '}')
	}
	return append(b, "]}"...)
}

func BenchmarkComposite(b *testing.B) {
	for _, mode := range []string{"create", "update"} {
		b.Run(mode, func(b *testing.B) {
			o, err := Open(b.Context(), Config{DB: filepath.Join(b.TempDir(), "org.db"), Schema: leadSchema()})
			if err != nil {
				b.Fatal(err)
			}
			defer o.Close()
			srv := httptest.NewServer(o.Handler())
			defer srv.Close()
			b.ReportAllocs()
			n := 0
			send := func(body []byte) {
				rq, _ := http.NewRequest("POST", srv.URL+"/services/data/v66.0/composite", bytes.NewReader(body))
				rq.Header.Set("Authorization", "Bearer "+o.Credentials().AccessToken)
				res, err := http.DefaultClient.Do(rq)
				if err != nil {
					b.Fatal(err)
				}
				text, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if res.StatusCode != 200 || bytes.Contains(text, []byte(`"success":false`)) {
					b.Fatalf("%d %.300s", res.StatusCode, text)
				}
			}
			if mode == "update" {
				send(compositeOf(0))
			}
			for b.Loop() {
				if mode == "create" {
					n += 1000
				}
				send(compositeOf(n))
			}
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
