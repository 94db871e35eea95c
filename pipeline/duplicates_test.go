package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/internal/plantest"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
)

// compilePlan compiles a mapping against the standard objects with external ids on Lead and Account.
func compilePlan(t testing.TB, text string) *mapping.Plan {
	t.Helper()
	p, _ := plantest.Compile(t, `
objects:
  Lead:
    fields: {Ext__c: {type: string, length: 40, externalId: true, unique: true}}
  Account:
    fields: {ERP__c: {type: string, length: 40, externalId: true, unique: true}}
`, text)
	return p
}

// checked is what a check said of each record, by target and line: send, skip, or the code.
func checked(t interface {
	Helper()
	Fatal(...any)
	Context() context.Context
}, opt pipeline.Options,
) (*pipeline.Result, map[string]string) {
	t.Helper()
	said := map[string]string{}
	res, err := pipeline.Check(t.Context(), opt, func(c pipeline.Checked) error {
		m, path := c.First, c.Path
		for r := range m.Source.Len() {
			for i := range m.Targets {
				word := m.Targets[i].Fate(r).String()
				if why := m.Targets[i].Reason(r); why.Code != "" {
					word = why.Code
				}
				said[fmt.Sprintf("%s %s:%d", opt.Plan.Targets[i].Name, filepath.Base(path), m.Source.Line(r))] = word
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return res, said
}

const twoKeys = `
version: 1
name: test
targets:
  - name: lead
    object: Lead
    match: [Ext__c, Email]
    fields: {Ext__c: id, Email: email, LastName: {value: Doe}, Company: {value: Acme}}
`

// TestDuplicates: of the records with one key, the key being the first that is not blank, last keeps
// the last one and fail none, over several files; the counts are those of the records, and what is
// said of a key does not depend on the rule.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plan := compilePlan(t, twoKeys)
	rapid.Check(t, func(t *rapid.T) {
		type record struct{ place, key string }
		var records []record
		var inputs []source.Input
		last, count := map[string]int{}, map[string]int{}
		for f := range rapid.IntRange(1, 3).Draw(t, "files") {
			var text strings.Builder
			text.WriteString("id,email\n")
			for line := range rapid.IntRange(0, 12).Draw(t, "rows") {
				id := rapid.SampledFrom([]string{"", "a", "A", " b", "c", "d"}).Draw(t, "id")
				email := rapid.SampledFrom([]string{"", "x@x.org", "X@x.org", "y@x.org"}).Draw(t, "email")
				if id == "" && email == "" {
					id = "e"
				}
				fmt.Fprintf(&text, "%s,%s\n", id, email)
				key := "id " + strings.ToLower(strings.TrimSpace(id))
				if id == "" {
					key = "email " + strings.ToLower(email)
				}
				last[key] = len(records)
				count[key]++
				records = append(records, record{fmt.Sprintf("lead f%d.csv:%d", f, line+2), key})
			}
			path := filepath.Join(dir, fmt.Sprintf("f%d.csv", f))
			if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			inputs = append(inputs, source.Input{Path: path})
		}
		for _, rule := range []string{"in_order", "last", "fail"} {
			errs := &report.Errors{}
			res, said := checked(t, pipeline.Options{Plan: plan, Inputs: inputs, Duplicates: rule, Temp: dir, Errors: errs})
			var skipped, failed int64
			for i, r := range records {
				want := "send"
				switch {
				case rule == "last" && last[r.key] != i:
					want = pipeline.CodeSuperseded
					skipped++
				case rule == "fail" && count[r.key] > 1:
					want = pipeline.CodeDuplicate
					failed++
				}
				if said[r.place] != want {
					t.Fatalf("%s: %s of key %q is %s, want %s", rule, r.place, r.key, said[r.place], want)
				}
			}
			n := int64(len(records))
			if res.Rows != (pipeline.Counts{Read: n, Succeeded: n - skipped - failed, Skipped: skipped, Failed: failed}) {
				t.Fatalf("%s: %+v of %d rows", rule, res.Rows, n)
			}
			for _, k := range res.Keys {
				if k.Records < k.Distinct || k.Sharing < 2*k.Repeated || k.Records-k.Sharing != k.Distinct-k.Repeated {
					t.Fatalf("%s: %+v", rule, k)
				}
			}
		}
	})
	if left, _ := filepath.Glob(filepath.Join(dir, "sfsync-keys-*")); len(left) > 0 {
		t.Errorf("files are left behind: %q", left)
	}
}

// TestDuplicatesOfReferences: a key with a reference in it is told apart by what the other record is
// known by; records that refer to one that fails or is superseded share its fate.
func TestDuplicatesOfReferences(t *testing.T) {
	t.Parallel()
	plan := compilePlan(t, `
version: 1
name: test
targets:
  - name: lead
    object: Lead
    match: Ext__c
    fields: {Ext__c: id, Email: email, LastName: {value: Doe}, Company: {value: Acme}}
  - name: member
    object: CampaignMember
    match: [[CampaignId, LeadId]]
    fields: {LeadId: {ref: lead}, CampaignId: {lookup: Campaign.Name, from: campaign}}
`)
	const text = "id,email,campaign\n1,,Fair\n2,,Fair\n1,,Fair\n1,,Expo\n3,nobody,Expo\n"
	input := func() []source.Input {
		return []source.Input{{Path: "in.csv", Format: "csv", Reader: strings.NewReader(text)}}
	}
	tests := []struct {
		rule string
		want map[string]string
	}{
		{"in_order", map[string]string{
			"lead in.csv:2": "send", "lead in.csv:3": "send", "lead in.csv:4": "send", "lead in.csv:5": "send", "lead in.csv:6": "INVALID_EMAIL_ADDRESS",
			"member in.csv:2": "send", "member in.csv:3": "send", "member in.csv:4": "send", "member in.csv:5": "send", "member in.csv:6": "PARENT_FAILED",
		}},
		{"last", map[string]string{
			"lead in.csv:2": pipeline.CodeSuperseded, "lead in.csv:3": "send", "lead in.csv:4": pipeline.CodeSuperseded, "lead in.csv:5": "send", "lead in.csv:6": "INVALID_EMAIL_ADDRESS",
			"member in.csv:2": pipeline.CodeSuperseded, "member in.csv:3": "send", "member in.csv:4": pipeline.CodeSuperseded, "member in.csv:5": "send", "member in.csv:6": "PARENT_FAILED",
		}},
		{"fail", map[string]string{
			"lead in.csv:2": pipeline.CodeDuplicate, "lead in.csv:3": "send", "lead in.csv:4": pipeline.CodeDuplicate, "lead in.csv:5": pipeline.CodeDuplicate, "lead in.csv:6": "INVALID_EMAIL_ADDRESS",
			"member in.csv:2": pipeline.CodeDuplicate, "member in.csv:3": "send", "member in.csv:4": pipeline.CodeDuplicate, "member in.csv:5": "PARENT_FAILED", "member in.csv:6": "PARENT_FAILED",
		}},
	}
	for _, test := range tests {
		res, said := checked(t, pipeline.Options{Plan: plan, Inputs: input(), Duplicates: test.rule, Temp: t.TempDir()})
		for place, want := range test.want {
			if said[place] != want {
				t.Errorf("%s: %s is %s, want %s", test.rule, place, said[place], want)
			}
		}
		for _, k := range res.Keys {
			if plan.Targets[k.Target].Name == "member" && test.rule == "in_order" && (k.Records != 4 || k.Distinct != 3) {
				t.Errorf("the members' key: %+v", k)
			}
		}
	}
}

// TestReadOnce: what has to be read twice and cannot be is said to be so.
func TestReadOnce(t *testing.T) {
	t.Parallel()
	plan := compilePlan(t, twoKeys)
	for _, opt := range []pipeline.Options{{Duplicates: "last"}, {Sample: 2}} {
		opt.Plan = plan
		opt.Inputs = []source.Input{{Path: "-", Format: "csv", Once: true, Reader: io.MultiReader(strings.NewReader("id,email\n1,\n"))}}
		if _, err := pipeline.Check(t.Context(), opt, nil); !errors.Is(err, source.ErrOption) {
			t.Errorf("%+v: %v", opt, err)
		}
	}
}

// TestSample: a sample has as many rows as asked for, evenly spread over all files, and the same
// ones each time.
func TestSample(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plan := compilePlan(t, twoKeys)
	rapid.Check(t, func(t *rapid.T) {
		total := 0
		var inputs []source.Input
		for f, rows := range rapid.SliceOfN(rapid.IntRange(0, 3000), 1, 3).Draw(t, "files") {
			path := filepath.Join(dir, fmt.Sprintf("f%d.csv", f))
			var text strings.Builder
			text.WriteString("id,email\n")
			for range rows {
				fmt.Fprintf(&text, "%d,\n", total)
				total++
			}
			if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			inputs = append(inputs, source.Input{Path: path})
		}
		want := rapid.IntRange(1, 4000).Draw(t, "sample")
		var got []int
		_, err := pipeline.Check(t.Context(), pipeline.Options{Plan: plan, Inputs: inputs, Sample: int64(want)}, func(c pipeline.Checked) error {
			for r := range c.First.Source.Len() {
				var n int
				if _, err := fmt.Sscan(c.First.Source.Cell(r, 0).Text, &n); err != nil {
					t.Fatal(err)
				}
				got = append(got, n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != min(want, total) || !slices.IsSorted(got) {
			t.Fatalf("%d rows of %d, want %d", len(got), total, want)
		}
		for i, n := range got { // the i-th lies in the i-th part of the input
			if lo := i * total / len(got); n < lo || n > lo+1 {
				t.Fatalf("row %d of the sample of %d of %d is %d", i, len(got), total, n)
			}
		}
	})
}

// TestInherit: what becomes of a record that refers to one of its row that is skipped.
func TestInherit(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, second, want string }{
		{"leave", "object: Contact\n    match: Email\n    fields: {Email: email, LastName: id, AccountId: {ref: first}}", `"fields":{"Email":"a@x.org","LastName":"1"}`},
		{"null", "object: Contact\n    match: Email\n    fields: {Email: email, LastName: id, AccountId: {ref: first, blank: null}}", `"fields":{"Email":"a@x.org","LastName":"1","AccountId":null}`},
		{"fail", "object: Contact\n    match: Email\n    fields: {Email: email, LastName: id, AccountId: {ref: first, blank: fail}}", `"code":"REQUIRED_FIELD_MISSING","field":"AccountId"`},
		{"in the key", "object: Contact\n    match: [[LastName, AccountId]]\n    fields: {LastName: id, AccountId: {ref: first}}", `"code":"MATCH_KEY_BLANK"`},
		{"in one of the keys", "object: Contact\n    match: [[LastName, AccountId], Email]\n    fields: {Email: email, LastName: id, AccountId: {ref: first}}", `"match":{"Email":"a@x.org","LastName":"1"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			plan := compilePlan(t, `
version: 1
name: test
targets:
  - name: first
    object: Account
    match: ERP__c
    when: company != ""
    fields: {ERP__c: id, Name: company}
  - name: second
    `+test.second+"\n")
			var got string
			res, err := pipeline.Check(t.Context(), pipeline.Options{
				Plan: plan, Inputs: []source.Input{{Path: "in.csv", Format: "csv", Reader: strings.NewReader("id,company,email\n1,,a@x.org\n")}},
			}, func(c pipeline.Checked) error {
				got = string(c.First.AppendJSON(nil, 0, 1, c.Path))
				return nil
			})
			if err != nil || res.Targets[0].Skipped != 1 {
				t.Fatal(err, res)
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
