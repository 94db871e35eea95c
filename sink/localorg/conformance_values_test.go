package localorg_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// §10 Ids.
func TestConformance10IDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	w.check(t, []fact{
		{"§10 setup: a lead", "POST /sobjects/Lead", `{` + person + `}`, `201 {"id":"<id:lead>",…}`},
		{"§10 setup: a custom record", "POST /sobjects/Visit__c", `{"Score__c":1,"Lead__c":"$lead"}`, `201 {"id":"<id:visit>",…}`},
	})
	for i, c := range []struct{ prefix, id string }{{"00Q", "lead"}, {"a", "visit"}, {"00D", "org"}} {
		id := w.vars[c.id]
		if !strings.HasPrefix(id, c.prefix) || id[15:] != suffix(id) {
			t.Errorf("§10 %d: id %s, want prefix %s and suffix %s", i, id, c.prefix, suffix(id))
		}
	}
	w.vars["short"] = w.vars["lead"][:15]
	// Another letter's case makes another id, whose own suffix differs.
	swapped := []byte(w.vars["lead"])
	for i := 3; i < 15; i++ {
		if c := swapped[i] | 0x20; 'a' <= c && c <= 'z' {
			swapped[i] ^= 0x20
			break
		}
	}
	w.vars["swapped"] = string(swapped)
	w.check(t, []fact{
		{"§10 15 characters in, 18 out", "GET /sobjects/Lead/$short?fields=Id", "", `200 {…"Id":"$lead"}`},
		{"§10 15 characters in a query", q("SELECT Id FROM Lead WHERE Id = '$short'"), "", `200 {"totalSize":1,…"Id":"$lead"…}`},
		{"§10 15 characters in a reference", "PATCH /sobjects/Visit__c/$visit", `{"Lead__c":"$short"}`, `204 -`},
		{"§10 18 characters with altered case are refused", "GET /sobjects/Lead/$swapped", "", notFound},
	})
}

// suffix computes the three check characters of an id.
func suffix(id string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	var out [3]byte
	for g := range out {
		v := 0
		for j := range 5 {
			if c := id[g*5+j]; 'A' <= c && c <= 'Z' {
				v |= 1 << j
			}
		}
		out[g] = digits[v]
	}
	return string(out[:])
}

// §11 Data types: what goes in and what comes out.
func TestConformance11Values(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fields)
	n := 0
	for _, c := range []struct{ fact, field, in, out string }{
		{"text is trimmed", "LastName", `"  A  "`, `"A"`},
		{"blank text is null", "FirstName", `"  "`, `null`},
		{"empty text is null", "FirstName", `""`, `null`},
		{"null clears", "FirstName", `null`, `null`},
		{"a date", "Day__c", `"2026-11-21"`, `"2026-11-21"`},
		{"the first date", "Day__c", `"1700-01-01"`, `"1700-01-01"`},
		{"the last date", "Day__c", `"4000-12-31"`, `"4000-12-31"`},
		{"a datetime in UTC", "Seen__c", `"2026-11-21T10:00:00Z"`, `"2026-11-21T10:00:00.000+0000"`},
		{"a datetime with an offset", "Seen__c", `"2026-11-21T10:00:00+02:00"`, `"2026-11-21T08:00:00.000+0000"`},
		{"a datetime with an offset without a colon", "Seen__c", `"2026-11-21T10:00:00.000+0200"`, `"2026-11-21T08:00:00.000+0000"`},
		{"a time", "At__c", `"08:15:30.250Z"`, `"08:15:30.250Z"`},
		{"decimals are rounded to the scale", "Score__c", `12.345`, `12.35`},
		{"a whole number in a field with decimals", "Score__c", `12`, `12.0`},
		{"a number as text", "Score__c", `"12.5"`, `12.5`},
		{"an int", "NumberOfEmployees", `12`, `12`},
		{"a number of scale 0", "Number__c", `7`, `7.0`},
		{"a currency", "AnnualRevenue", `1000000`, `1000000.0`},
		{"a boolean", "Agreed__c", `true`, `true`},
		{"a boolean as text", "Agreed__c", `"true"`, `true`},
		{"a picklist value in another case is the known value", "Size__c", `"m"`, `"M"`},
		{"a multipicklist comes back in its own order", "Tags__c", `"c;a"`, `"a;c"`},
		{"an e-mail address keeps its case", "Email", `"Ann.O'Hara+x@Example.COM"`, `"Ann.O'Hara+x@Example.COM"`},
		{"a phone number has no format", "Phone", `"call me"`, `"call me"`},
		{"a web address has none either", "Website", `"example"`, `"example"`},
		{"line breaks in a text area", "Description", `"a\nb"`, `"a\r\nb"`},
		{"text beyond ASCII", "LastName", `"Zoë 漢字 👋 \u2028 \u0001x"`, ``},
	} {
		t.Run("§11 "+c.fact, func(t *testing.T) {
			n++
			rec := map[string]json.RawMessage{"LastName": json.RawMessage(`"A"`), "Company": json.RawMessage(`"C"`)}
			rec[c.field] = json.RawMessage(c.in)
			body, err := json.Marshal(rec)
			if err != nil {
				t.Fatal(err)
			}
			status, answer, _ := w.call(t, "POST /sobjects/Lead", string(body))
			var made struct{ ID string }
			if json.Unmarshal([]byte(answer), &made) != nil || status != 201 {
				t.Fatalf("%d %s", status, answer)
			}
			_, answer, _ = w.call(t, "GET /sobjects/Lead/"+made.ID+"?fields="+c.field, "")
			var read map[string]json.RawMessage
			if err := json.Unmarshal([]byte(answer), &read); err != nil {
				t.Fatal(err)
			}
			got := string(read[c.field])
			if c.out == "" { // as it came
				var in, out string
				if json.Unmarshal([]byte(c.in), &in) != nil || json.Unmarshal([]byte(got), &out) != nil || in != out {
					t.Errorf("%q came back as %q", in, out)
				}
				return
			}
			if c.field == "Description" && got == `"a\nb"` { // unconfirmed either way
				return
			}
			if got != c.out {
				t.Errorf("%s came back as %s, want %s", c.in, got, c.out)
			}
		})
	}
	w.check(t, []fact{
		{"§11 a date before 1700", "POST /sobjects/Lead", `{` + person + `,"Day__c":"1699-12-31"}`, `400 [{…}]`},
		{"§11 a date that is none", "POST /sobjects/Lead", `{` + person + `,"Day__c":"2026-02-30"}`, `400 [{…"errorCode":"JSON_PARSER_ERROR"}]`},
		{"§11 more than 100 values", "POST /sobjects/Lead", `{` + person + `,"Tags__c":"` + strings.TrimSuffix(strings.Repeat("a;", 101), ";") + `"}`, `400 [{…}]`},
		{"§11 a name and an address are put together", "POST /sobjects/Contact", `{"FirstName":"Ann","LastName":"Lee","Salutation":"Dr.","MailingStreet":"1 Way","MailingCity":"Bonn"}`, `201 {"id":"<id:c>",…}`},
		{"§11 a name and an address come back together", "GET /sobjects/Contact/$c?fields=Name,MailingAddress", "", `200 {…"Name":"Ann Lee","MailingAddress":{"city":"Bonn","country":null,"geocodeAccuracy":null,"latitude":null,"longitude":null,"postalCode":null,"state":null,"street":"1 Way"}}`},
		{"§11 system fields", "GET /sobjects/Contact/$c?fields=CreatedDate,CreatedById,LastModifiedDate,SystemModstamp,IsDeleted,OwnerId", "", `200 {…"CreatedDate":"<datetime>","CreatedById":"<id:me>","LastModifiedDate":"<datetime>","SystemModstamp":"<datetime>","IsDeleted":false,"OwnerId":"<id:owner>"}`},
		{"§11 the owner is who made it", "GET /sobjects/Contact/$c?fields=OwnerId", "", `200 {…"OwnerId":"$me"}`},
		{"§11 defaults", "POST /sobjects/Lead", `{` + person + `}`, `201 {"id":"<id:d>",…}`},
		{"§11 defaults are there", "GET /sobjects/Lead/$d?fields=Status,Agreed__c,IsConverted,Score__c", "", `200 {…"Status":"Open - Not Contacted","Agreed__c":false,"IsConverted":false,"Score__c":null}`},
		{"§11 case numbers", "POST /sobjects/Case", `{"Subject":"S"}`, `201 {"id":"<id:case>",…}`},
		{"§11 case numbers have eight digits", "GET /sobjects/Case/$case?fields=CaseNumber", "", `200 {…"CaseNumber":"0000…"}`},
	})
	if n < 20 {
		t.Error(fmt.Sprint("only ", n, " values"))
	}
}
