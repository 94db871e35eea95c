package main_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce"
	"sfsync/sink/salesforce/mirror"
)

// watched is a matcher that tells what it is asked.
type watched struct {
	sink.Matcher
	keys int
}

func (w *watched) Lookup(ctx context.Context, l *sink.Lookup) error {
	w.keys += len(l.Keys)
	return w.Matcher.Lookup(ctx, l)
}

// copies returns a matcher that makes a copy for its first lookup, and what it passes on.
func copies(t *testing.T, c *salesforce.Client, writes ...string) (*mirror.Matcher, *watched) {
	t.Helper()
	rest := &watched{Matcher: c.Writer()}
	m := mirror.New(mirror.Options{
		Org: c, Matcher: rest, Writes: writes, Dir: t.TempDir(), Now: time.Now, Ahead: func() (int64, int64) { return 0, 1 << 40 },
		Sleep: func(ctx context.Context, d time.Duration) error { return retry.Sleep(ctx, d/100) },
	})
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, rest
}

// sorted sorts what a lookup has found, whose order says nothing.
func sorted(l *sink.Lookup) [][]sink.Match {
	for _, found := range l.Found {
		slices.SortFunc(found, func(a, b sink.Match) int { return cmp.Compare(a.ID, b.ID) })
	}
	return l.Found
}

// compare asks both ways and fails unless they agree.
func compareLookups(ctx context.Context, t interface {
	Helper()
	Fatalf(format string, args ...any)
}, m *mirror.Matcher, rest sink.Matcher, l sink.Lookup,
) {
	t.Helper()
	asked, copied := l, l
	if err := rest.Lookup(ctx, &asked); err != nil {
		t.Fatalf("by REST: %v", err)
	}
	if err := m.Lookup(ctx, &copied); err != nil {
		t.Fatalf("by the copy: %v", err)
	}
	opt := gocmp.Comparer(func(a, b row.Cell) bool { return a == b })
	if d := gocmp.Diff(sorted(&asked), sorted(&copied), opt); d != "" {
		t.Fatalf("by %v, keys %q (-REST +copy):\n%s", l.By, l.Keys, d)
	}
}

// TestCopiesAnswerAsTheOrg: a lookup answered from a copy finds what the org finds, down to the kind and
// the text of each value, whatever stands in keys and records.
func TestCopiesAnswerAsTheOrg(t *testing.T) {
	t.Parallel()
	s, bad := schema.Overlay(schema.Standard(), "test.yaml", []byte(lookupSchema))
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	lead := s.Object("Lead")
	names := []string{"LastName", "Company", "Description", "Num__c", "Count__c", "Day__c", "At__c", "On__c", "Code__c"}
	cols := make([]row.Column, len(names))
	for i, n := range names {
		cols[i].Name = n
	}
	text := rapid.OneOf(rapid.StringN(1, 20, 80), rapid.SampledFrom([]string{
		"Doe", "doe", "DOE ", `a"b`, `"`, `""`, "a,b", "a\nb", "a\r\nb", "a\rb", "line\n", "null", "#N/A", "true", "007", "1e3", "ÄÖÜ", "äöü", "ß", "東京", "😀", " padded ", "\ufeffx",
	}))
	c := client(t, s)
	records, asked, passed := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		b := row.New(row.NewSchema(cols...))
		req := &sink.Request{Target: &sink.Target{Object: "Lead", KeyColumn: -1}}
		for i := range rapid.IntRange(1, 25).Draw(rt, "records") {
			r := b.AddRow(int64(i + 1))
			records++
			for c, name := range names {
				kind, v := row.Text, ""
				switch name {
				case "Num__c":
					kind, v = row.Number, rapid.SampledFrom([]string{"", "0", "12.5", "-3", "1234567.25", "1000000", "0.1"}).Draw(rt, name)
				case "Count__c":
					kind, v = row.Number, rapid.SampledFrom([]string{"", "0", "7", "-12", "999999999"}).Draw(rt, name)
				case "Day__c":
					v = rapid.SampledFrom([]string{"", "2026-11-21", "1999-01-02"}).Draw(rt, name)
				case "At__c":
					v = rapid.SampledFrom([]string{"", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.001Z", "2026-11-21T12:00:00.000+02:00"}).Draw(rt, name)
				case "On__c":
					kind, v = row.Bool, rapid.SampledFrom([]string{"true", "false"}).Draw(rt, name)
				case "Code__c":
					v = fmt.Sprintf("%s-%d", rapid.SampledFrom([]string{"A", "a"}).Draw(rt, name), records)
				default:
					v = text.Draw(rt, name)
					if strings.TrimSpace(v) == "" || strings.Contains(v, sink.KeySep) {
						v = "x"
					}
				}
				if v == "" {
					kind = row.Null
				}
				b.Set(r, c, kind, v)
			}
			req.Records = append(req.Records, sink.Record{Batch: b, Row: r, Action: sink.Create})
		}
		results := make([]sink.Result, len(req.Records))
		if err := c.Writer().Write(t.Context(), req, results); err != nil {
			rt.Fatal(err)
		}
		var ids []string
		for _, res := range results {
			if res.ID != "" {
				ids = append(ids, res.ID)
			}
		}
		m, rest := copies(t, c)
		keyed := []string{"LastName", "Company", "Num__c", "Count__c", "Day__c", "At__c", "On__c", "Code__c", "Id"}
		by := rapid.SliceOfNDistinct(rapid.SampledFrom(keyed), 1, 3, rapid.ID).Draw(rt, "by")
		l := sink.Lookup{Object: "Lead"}
		for _, name := range by {
			f := lead.Field(name)
			l.By = append(l.By, sink.KeyField{Name: f.Name, Fold: f.FoldKey})
		}
		l.Want = rapid.SliceOfNDistinct(rapid.SampledFrom(append([]string{"CreatedDate", "Id", "IsConverted"}, names...)), 0, 6, rapid.ID).Draw(rt, "want")
		for range rapid.IntRange(1, 40).Draw(rt, "keys") {
			parts := make([]string, len(by))
			r := rapid.IntRange(0, len(req.Records)-1).Draw(rt, "record")
			for i, name := range by {
				v := ""
				if name == "Id" && len(ids) > 0 {
					v = rapid.SampledFrom(ids).Draw(rt, "id")
				} else if at := slices.Index(names, name); at >= 0 {
					if rapid.IntRange(0, 5).Draw(rt, "other") == 0 {
						r = rapid.IntRange(0, len(req.Records)-1).Draw(rt, "another")
					}
					v = b.Cell(r, at).Text
					if rapid.IntRange(0, 5).Draw(rt, "case") == 0 && at < 2 {
						v = strings.ToUpper(v)
					}
				}
				if parts[i] = l.By[i].Fold(v); parts[i] == "" {
					parts = nil
					break
				}
			}
			if key := strings.Join(parts, sink.KeySep); parts != nil && !slices.Contains(l.Keys, key) {
				l.Keys = append(l.Keys, key)
			}
		}
		if len(l.Keys) == 0 {
			return
		}
		compareLookups(t.Context(), rt, m, c.Writer(), l)
		asked, passed = asked+len(l.Keys), passed+rest.keys
	})
	// What differs from a key in nothing but letters that only some comparison takes for the same is passed on.
	if t.Logf("%d keys, %d of them passed on", asked, passed); passed > asked/5 && !testing.Short() {
		t.Errorf("of %d keys %d were passed on to the org", asked, passed)
	}
}

// TestLookupsOfLargeRuns: a run with many keys reads the keys of the object once in place of asking for each, and
// comes to the same: no record twice, each row one outcome, keys that repeat among them.
func TestLookupsOfLargeRuns(t *testing.T) {
	t.Parallel()
	const there, rows, again = 4000, 9000, 500
	k := &killer{dir: t.TempDir()}
	k.env = homeEnv(k.dir)
	// Long keys: a call looks some 350 of them up.
	site := func(n int) string { return fmt.Sprintf("https://%s.example.com/%05d", strings.Repeat("x", 170), n) }
	file := func(name string, from, to, repeat int) string {
		var b strings.Builder
		b.WriteString("site,name\n")
		for i := from; i < to+repeat; i++ {
			fmt.Fprintf(&b, "%s,Row %d\n", site(from+(i-from)%(to-from)), i)
		}
		return k.write(t, name, b.String())
	}
	first, input := file("first.csv", 0, there, 0), file("input.csv", there/2, there/2+rows, again)
	k.write(t, "schema.yaml", "objects: {}\n")
	mapping := k.write(t, "sites.yaml", "version: 1\nname: sites\nschema: schema.yaml\ntargets:\n  - object: Lead\n    match: Website\n    fields:\n"+
		"      Website: site\n      LastName: name\n      Company: {value: Y}\n")
	for _, api := range []string{"rest", "bulk"} {
		state, runs := filepath.Join(k.dir, "state-"+api), filepath.Join(k.dir, "runs-"+api)
		ask := func(to any, args ...string) {
			t.Helper()
			if err := k.start(t, append(args, "--state", state)...).Wait(); err != nil {
				t.Fatalf("%s: %v\n%s", args, err, k.out.String())
			}
			if to != nil {
				_, doc, _ := strings.Cut(k.out.String(), "{\n") // the messages on stderr are there, too
				if err := json.NewDecoder(strings.NewReader("{" + doc)).Decode(to); err != nil {
					t.Fatalf("%v\n%s", err, k.out.String())
				}
			}
		}
		var run struct {
			API     struct{ Why string }
			Targets []struct{ Created, Updated int }
		}
		ask(nil, "run", mapping, first, "--runs", runs, "--api", "rest", "--quiet")
		var before, after struct {
			Calls   int `json:"api_calls"`
			Objects []struct {
				Name    string
				Records int
			}
		}
		ask(&before, "local", "show", "--json")
		ask(&run, "run", mapping, input, "--runs", runs, "--api", api, "--json", "--progress", "none")
		ask(&after, "local", "show", "--json")
		if got := run.Targets[0]; got.Created != rows-there/2 || got.Updated != there/2+again {
			t.Errorf("%s: %d created and %d updated, want %d and %d", api, got.Created, got.Updated, rows-there/2, there/2+again)
		}
		if !strings.Contains(run.API.Why, "copy of the key columns of Lead") {
			t.Errorf("%s: %q says nothing of a copy", api, run.API.Why)
		}
		for _, o := range after.Objects {
			if o.Name == "Lead" && o.Records != there/2+rows {
				t.Errorf("%s: the org has %d leads, want %d", api, o.Records, there/2+rows)
			}
		}
		// 26 calls and more would look the rows up; the repeated keys are asked for, since they were written.
		lookups := after.Calls - before.Calls - (rows+again+999)/1000
		if t.Logf("%s: %d calls besides one a thousand records", api, lookups); lookups > 24 {
			t.Errorf("%s: %d calls besides one a thousand records", api, lookups)
		}
	}
}
