package page

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sfsync/pipeline/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// evil is what a file name, a message or a column could hold to become part of the page, or to hide some of it.
const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='alert(3) javascript:alert(4) {{.}} </style>` + "\x1b[2J\u202e\xff\x00"

func summary() *report.Summary {
	left, limit, predicted := int64(14_991), int64(15_000), int64(9)
	return &report.Summary{
		Version: 1, Tool: "sfsync 0.1.0", Run: "20261121T021500Z-nightly-leads-4f2a1c", Command: "run", Complete: true,
		Mapping: report.MappingInfo{Name: "nightly-leads", Path: "leads.yaml"},
		Inputs:  []report.InputInfo{{Path: "in/leads.csv", Format: "csv", Bytes: 12345, SHA256: "abc", Rows: 4000}},
		Org:     report.OrgInfo{Name: "Acme", Kind: "sandbox", ID: "00D000000000001AAA", InstanceURL: "https://acme.my.salesforce.com"},
		Started: time.Date(2026, 11, 21, 2, 15, 0, 0, time.UTC), Ended: time.Date(2026, 11, 21, 2, 15, 9, 0, time.UTC), Duration: 9,
		API:  report.APIInfo{Mode: "rest", Why: "few", Calls: 9, Predicted: &predicted, Limit: &limit, Left: &left},
		Rows: report.RowCounts{Read: 4000, Succeeded: 3998, Failed: 2},
		Targets: []report.TargetInfo{{
			Name: "lead", Object: "Lead", Match: []string{"Ext__c", "Email"}, Strategy: "lookup", API: "rest", Why: "few",
			Records: 4000, Created: 3000, Updated: 998, Failed: 2,
		}},
		Errors: []report.Group{{
			Code: "INVALID_EMAIL_ADDRESS", Field: "Email", Count: 2, Remedy: "correct the address",
			Examples: []report.Example{{File: "in/leads.csv", Line: 17, Message: "no address: x"}},
		}},
		Warnings: []string{"in/leads.csv: a column has no name"},
		Exit:     report.Exit{Code: 3, Name: "some rows failed", Message: "2 of 4,000 rows"},
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	plan := summary()
	plan.Command, plan.Plan = "plan", &report.PlanInfo{
		Targets: []report.PlanTarget{{
			Name: "lead", Object: "Lead", Create: 3000, Update: 998, Reject: 2, Fields: []report.FieldChanges{{Field: "Phone", Changed: 7, Cleared: 2}},
		}},
		Estimates: []report.Estimate{{API: "rest", Calls: 9, Why: "1,000 records a call"}, {API: "bulk", Not: "takes no platform events"}},
	}
	for name, s := range map[string]*report.Summary{"run": summary(), "plan": plan} {
		got, err := render(s, first([]string{"succeeded.csv", "failed.csv", "errors.csv", "summary.json"}))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestNothingOfTheDataIsMarkup: whatever texts hold, the page has the elements and attributes that it has with plain ones.
func TestNothingOfTheDataIsMarkup(t *testing.T) {
	t.Parallel()
	fill := func(text string) *report.Summary {
		s := summary()
		s.Tool, s.Run, s.Parent, s.Command, s.Mapping.Name, s.Mapping.Path, s.Exit.Name, s.Exit.Message = text, text, text, text, text, text, text, text
		s.Org = report.OrgInfo{To: text, Name: text, Kind: text, ID: text, InstanceURL: text}
		s.Inputs = []report.InputInfo{{Path: text, Format: text, SHA256: text}}
		s.Targets = []report.TargetInfo{{Name: text, Object: text, Match: []string{text, text}, API: text, Why: text}}
		s.Errors = []report.Group{{Code: text, Field: text, Remedy: text, Examples: []report.Example{{File: text, Message: text}}}}
		s.Warnings, s.Environment = []string{text}, []string{text}
		return s
	}
	plain, err := render(fill("x"), first([]string{"x"}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := render(fill(evil), first([]string{evil}))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(markup(t, plain), markup(t, got)); d != "" {
		t.Errorf("(-plain +evil):\n%s", d)
	}
	if strings.ContainsAny(string(got), "\x1b\x00\u202e") || !utf8.Valid(got) {
		t.Error("characters come through that may hide others")
	}
}

// markup lists the elements and attributes of a page, without the values that name files.
func markup(t *testing.T, page []byte) (all []string) {
	t.Helper()
	_, body, _ := strings.Cut(string(page), "<body>") // what is before is XML but for its empty elements
	d := xml.NewDecoder(strings.NewReader("<body>" + strings.TrimSuffix(strings.TrimSpace(strings.ToValidUTF8(body, "?")), "</html>")))
	d.Strict = true
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := tok.(xml.StartElement); ok {
			text := e.Name.Local
			for _, a := range e.Attr {
				if text += " " + a.Name.Local; a.Name.Local != "href" {
					text += "=" + a.Value
				} else if !strings.HasPrefix(a.Value, "./") {
					t.Errorf("a link to %q", a.Value)
				}
			}
			all = append(all, text)
		}
	}
}

// TestBounded: the page of a run with very many files, kinds of errors and warnings stays small and says where the rest is.
func TestBounded(t *testing.T) {
	t.Parallel()
	s := summary()
	for i := range 10_000 {
		s.Inputs = append(s.Inputs, report.InputInfo{Path: fmt.Sprint("in/", i)})
		s.Errors = append(s.Errors, report.Group{Code: fmt.Sprint("E", i), Examples: []report.Example{{Message: strings.Repeat("x", 500)}}})
		s.Warnings = append(s.Warnings, "odd")
	}
	d, err := report.Create(t.TempDir(), "leads", s.Started, strings.NewReader("abc"), func(d *report.Dir) error { return d.WriteFile(report.ErrorsFile, nil) })
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxShown + 7 {
		if err := d.WriteFile(fmt.Sprintf("failed-%d.csv", i+2), nil); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filesOf(d)
	if err != nil {
		t.Fatal(err)
	}
	got, err := render(s, files)
	if err != nil || len(got) > 200<<10 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for _, want := range []string{"and 9,901 more, in summary.json", "and 9,901 more kinds, in errors.csv", "and 7 more row files beside them", `"./errors.csv"`, `"./summary.json"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}
