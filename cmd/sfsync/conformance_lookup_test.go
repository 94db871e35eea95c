package main_test

import (
	"fmt"
	"strings"
	"testing"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce"
)

const lookupSchema = `
objects:
  Account:
    fields:
      ERP_Id__c: {type: string, length: 40, externalId: true, unique: true}
  Lead:
    fields:
      Code__c: {type: string, length: 20, externalId: true, unique: true, caseSensitive: true}
      Num__c: {type: double, precision: 18, scale: 2}
      Count__c: {type: int, digits: 9}
      Day__c: {type: date}
      At__c: {type: datetime}
      On__c: {type: boolean}
      Account__c: {type: reference, referenceTo: Account, relationshipName: Account__r}
`

// created creates records from field values and returns their ids.
func created(t *testing.T, c *salesforce.Client, object string, records ...map[string]row.Cell) []string {
	t.Helper()
	var ids []string
	for _, rec := range records {
		var cols []row.Column
		for name := range rec {
			cols = append(cols, row.Column{Name: name})
		}
		b := row.New(row.NewSchema(cols...))
		b.AddRow(1)
		for i, col := range cols {
			b.Set(0, i, rec[col.Name].Kind(), rec[col.Name].Text)
		}
		req := &sink.Request{Target: &sink.Target{Object: object, KeyColumn: -1}, Records: []sink.Record{{Batch: b, Action: sink.Create}}}
		res := make([]sink.Result, 1)
		if err := c.Writer().Write(t.Context(), req, res); err != nil || res[0].Status != sink.Created {
			t.Fatalf("create %s: %v, %v", object, res[0].Err, err)
		}
		ids = append(ids, res[0].ID)
	}
	return ids
}

// lookupClient is connected to an org with the fields of the schema, with which lookups are tried.
func lookupClient(t *testing.T) (*salesforce.Client, *schema.Schema) {
	t.Helper()
	s, found := schema.Overlay(schema.Standard(), "test.yaml", []byte(lookupSchema))
	if len(found) > 0 {
		t.Fatal(found)
	}
	return client(t, s), s
}

func textCell(s string) row.Cell   { return row.MakeCell(row.Text, s) }
func numberCell(s string) row.Cell { return row.MakeCell(row.Number, s) }

// TestLookupsOnLocalOrg: keys of every type, alone and together, and values of every kind, as the org
// compares and writes them.
func TestLookupsOnLocalOrg(t *testing.T) {
	t.Parallel()
	c, s := lookupClient(t)
	w := c.Writer()
	accounts := created(t, c, "Account", map[string]row.Cell{"Name": textCell("Acme"), "ERP_Id__c": textCell("E-1")}, map[string]row.Cell{"Name": textCell("Globex"), "ERP_Id__c": textCell("E-2")})
	lead := func(last, code, num, count, day, at, on, account string) map[string]row.Cell {
		rec := map[string]row.Cell{"LastName": textCell(last), "Company": textCell("X")}
		for name, cell := range map[string]row.Cell{
			"Code__c": textCell(code), "Num__c": numberCell(num), "Count__c": numberCell(count), "Day__c": textCell(day), "At__c": textCell(at),
			"On__c": row.MakeCell(row.Bool, on), "Account__c": textCell(account),
		} {
			if cell.Text != "" {
				rec[name] = cell
			}
		}
		return rec
	}
	ids := created(
		t, c, "Lead",
		lead("O'Neill", "aB", "12.5", "7", "2026-11-21", "2026-11-21T10:00:00Z", "true", accounts[0]),
		lead("O'Neill", "AB", "1234567.00", "8", "2026-11-22", "2026-11-21T12:30:00.000+02:00", "false", accounts[1]),
		lead(`a" \ ) OR (b`, "", "", "", "", "", "", ""),
	)
	find := func(by string, want []string, keys ...string) string {
		t.Helper()
		l := &sink.Lookup{Object: "Lead", Keys: keys, Want: want}
		for name := range strings.SplitSeq(by, " ") {
			f := s.Object("Lead").Field(name)
			key := sink.KeyField{Name: name, Fold: strings.ToLower}
			if f != nil {
				key.Fold = f.FoldKey
			}
			l.By = append(l.By, key)
		}
		if n := w.LookupKeys(l); n != len(keys) {
			t.Errorf("by %s: %d of %d keys fit one call", by, n, len(keys))
		}
		if err := w.Lookup(t.Context(), l); err != nil {
			t.Fatalf("by %s: %v", by, err)
		}
		var b strings.Builder
		for i, ms := range l.Found {
			if i > 0 {
				b.WriteString(" | ")
			}
			for k, m := range ms {
				if k > 0 {
					b.WriteByte(' ')
				}
				for n, id := range ids {
					if id == m.ID {
						fmt.Fprint(&b, n)
					}
				}
				for _, v := range m.Values {
					fmt.Fprintf(&b, " %s:%s", v.Kind(), v.Text)
				}
			}
		}
		return b.String()
	}
	key := func(parts ...string) string { return strings.Join(parts, sink.KeySep) }
	for _, q := range []struct {
		by   string
		keys []string
		want string
	}{
		{"LastName", []string{"o'neill", `a" \ ) or (b`, "neill"}, "0 1 | 2 | "},
		{"Code__c", []string{"aB", "AB", "ab", strings.Repeat("x", 300)}, "0 | 1 |  | "},
		{"Num__c", []string{"12.5", "12.50e0", "1234567", "99999999999999999999", "x"}, "0 | 0 | 1 |  | "},
		{"Count__c", []string{"7", "8.0", "9"}, "0 | 1 | "},
		{"Day__c", []string{"2026-11-22", "2026-11-23", "soon"}, "1 |  | "},
		{"At__c", []string{"2026-11-21t10:00:00.000z", "2026-11-21t10:30:00z"}, "0 | 1"},
		{"On__c", []string{"true"}, "0"},
		{"Account__c", []string{accounts[1], "001"}, "1 | "},
		{"Id", []string{ids[1], "00Q"}, "1 | "},
		{"LastName Day__c", []string{key("o'neill", "2026-11-21"), key("o'neill", "2026-11-22"), key("x", "2026-11-21")}, "0 | 1 | "},
		{"Account__c On__c Num__c At__c", []string{key(accounts[0], "true", "12.5", "2026-11-21t10:00:00z"), key(accounts[0], "false", "12.5", "2026-11-21t10:00:00z")}, "0 | "},
		{"Account__r.ERP_Id__c", []string{"e-2", "e-3"}, "1 | "},
		{"Account__r.ERP_Id__c LastName", []string{key("e-1", "o'neill"), key("e-1", "x"), key("e-2", "o'neill")}, "0 |  | 1"},
	} {
		if got := find(q.by, nil, q.keys...); got != q.want {
			t.Errorf("by %s: %q, want %q", q.by, got, q.want)
		}
	}
	got := find("Code__c", []string{
		"LastName", "Num__c", "Count__c", "Day__c", "At__c", "On__c", "Account__c", "Account__r.ERP_Id__c", "Account__r.Name", "User:Owner.Username", "User:Owner.CommunityNickname",
		"Group:Owner.DeveloperName", "ConvertedContactId",
	}, "aB")
	want := "0 text:O'Neill number:12.5 number:7 text:2026-11-21 text:2026-11-21T10:00:00.000+0000 bool:true text:" + accounts[0] + " text:E-1 text:Acme"
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " null: null:") {
		t.Errorf("values:\n%s\nwant\n%s …", got, want)
	}
	if strings.Count(got, "@") != 1 {
		t.Errorf("no username of the owner in %s", got)
	}
}

// TestManyCompositeKeysOnLocalOrg: as many keys as one call is said to hold do fit one, whatever is in
// them, and the org's parser takes hundreds of conditions.
func TestManyCompositeKeysOnLocalOrg(t *testing.T) {
	t.Parallel()
	c, _ := lookupClient(t)
	w := c.Writer()
	ids := created(t, c, "Lead", map[string]row.Cell{"LastName": textCell("Doe 250"), "Company": textCell("Zoë's & Söhne 250")})
	l := &sink.Lookup{Object: "Lead", Want: []string{"Title"}, By: []sink.KeyField{{Name: "LastName", Fold: strings.ToLower}, {Name: "Company", Fold: strings.ToLower}}}
	for i := range 2000 {
		l.Keys = append(l.Keys, strings.ToLower(fmt.Sprintf("doe %d%szoë's & söhne %d", i, sink.KeySep, i)))
	}
	if _, err := c.Describe(t.Context(), "Lead"); err != nil {
		t.Fatal(err)
	}
	n := w.LookupKeys(l)
	if n < 300 || n > 2000 {
		t.Fatalf("%d keys fit one call", n)
	}
	l.Keys = l.Keys[:n]
	before := c.Calls().Made
	if err := w.Lookup(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if made := c.Calls().Made - before; made != 1 {
		t.Errorf("%d keys took %d calls", n, made)
	}
	for i, ms := range l.Found {
		if (i == 250) != (len(ms) == 1 && ms[0].ID == ids[0]) {
			t.Errorf("key %d finds %v", i, ms)
		}
	}
	t.Logf("%d composite keys of two texts in one call", n)
}
