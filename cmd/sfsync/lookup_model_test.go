package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

// TestLookupModel compares lookups in the local org with a model of what a key is: whatever stands in
// keys and records, a key of any fields finds the records that hold it, and no others.
func TestLookupModel(t *testing.T) {
	t.Parallel()
	c, s := lookupClient(t)
	w := c.Writer()
	// What somebody might write to get out of a literal, a condition, a URL or a composite request.
	texts := []string{
		"plain", `it's`, `x' OR Name != '`, `x') OR (Id != null`, `\`, `\'`, `'','`, `a"b`, "line\nbreak", "tab\there", "%27", "%", "_", "&allOrNone=true", "+", "#", "?q=",
		"@{r0.records[0].Id}", "null", "true", "1", "1.0", "2026-11-21", "ÄÖÜ", "ß", "İ", "東京", "😀", "-- x", "/* x */", "LAST_N_DAYS:3", ":bind", "x\u2028y",
	}
	values := map[string][]string{
		"LastName": texts, "Company": texts,
		"Num__c":  {"1", "1.5", "-2", "1000000"},
		"Day__c":  {"2026-11-21", "2026-11-22"},
		"At__c":   {"2026-11-21T10:00:00Z", "2026-11-21T10:00:00.001Z"},
		"On__c":   {"true", "false"},
		"Code__c": nil,
	}
	names := []string{"LastName", "Company", "Num__c", "Day__c", "At__c", "On__c", "Code__c"}
	lead := s.Object("Lead")
	cols := make([]row.Column, len(names))
	for i, n := range names {
		cols[i].Name = n
	}
	b := row.New(row.NewSchema(cols...))
	req := &sink.Request{Target: &sink.Target{Object: "Lead", KeyColumn: -1}}
	var records []map[string]string
	for i := range 200 {
		rec := map[string]string{"Code__c": fmt.Sprintf("Code %d", i)}
		r := b.AddRow(int64(i + 1))
		for c, name := range names {
			if vs := values[name]; vs != nil {
				if rec[name] = vs[(i*(7+c)+i/len(vs))%len(vs)]; c > 1 && i%5 == c-2 {
					delete(rec, name)
					continue
				}
			}
			kind := row.Text
			switch name {
			case "Num__c":
				kind = row.Number
			case "On__c":
				kind = row.Bool
			}
			b.Set(r, c, kind, rec[name])
		}
		if rec["On__c"] == "" {
			rec["On__c"] = "false" // as the org keeps it
		}
		records = append(records, rec)
		req.Records = append(req.Records, sink.Record{Batch: b, Row: r, Action: sink.Create})
	}
	results := make([]sink.Result, len(req.Records))
	if err := w.Write(t.Context(), req, results); err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Status != sink.Created {
			t.Fatalf("%q: %v", records[i], r.Err)
		}
	}
	fold := func(name, v string) string {
		if v == "" {
			return ""
		}
		return lead.Field(name).FoldKey(v)
	}
	rapid.Check(t, func(rt *rapid.T) {
		by := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 4, rapid.ID).Draw(rt, "by")
		l := &sink.Lookup{Object: "Lead", Want: []string{"Code__c"}}
		for _, name := range by {
			l.By = append(l.By, sink.KeyField{Name: name, Fold: lead.Field(name).FoldKey})
		}
		for range rapid.IntRange(1, 30).Draw(rt, "keys") {
			// A key that a record holds, or one with parts of others.
			parts := make([]string, len(by))
			rec := rapid.SampledFrom(records).Draw(rt, "record")
			for i, name := range by {
				if rapid.IntRange(0, 3).Draw(rt, "other") == 0 {
					rec = rapid.SampledFrom(records).Draw(rt, "another")
				}
				if parts[i] = fold(name, rec[name]); parts[i] == "" {
					parts = nil // a key with a blank part is never looked up
					break
				}
			}
			if key := strings.Join(parts, sink.KeySep); parts != nil && !slices.Contains(l.Keys, key) {
				l.Keys = append(l.Keys, key)
			}
		}
		if err := w.Lookup(t.Context(), l); err != nil {
			rt.Fatalf("by %q for %q: %v", by, l.Keys, err)
		}
		for i, key := range l.Keys {
			parts := strings.Split(key, sink.KeySep)
			var want, got []string
			for k, rec := range records {
				if holds := func() bool {
					for p, name := range by {
						if fold(name, rec[name]) != parts[p] {
							return false
						}
					}
					return true
				}(); holds {
					want = append(want, results[k].ID+" "+rec["Code__c"])
				}
			}
			for _, m := range l.Found[i] {
				got = append(got, m.ID+" "+m.Values[0].Text)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				rt.Fatalf("by %q, %q finds\n%q, want\n%q", by, parts, got, want)
			}
		}
	})
}
