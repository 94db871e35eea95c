package pipeline_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/internal/plantest"
	"sfsync/pipeline/ledger"
	"sfsync/pipeline/plan"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
)

const worldSchema = `
objects:
  Account:
    fields:
      ERP_Id__c: {type: string, length: 40, externalId: true, unique: true}
  Lead:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
      Value__c: {type: string, length: 40}
  Contact:
    fields:
      Value__c: {type: string, length: 40}
  Campaign:
    fields:
      Code__c: {type: string, length: 40, externalId: true, unique: true}
  Visit__c:
    label: Visit
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
      Value__c: {type: string, length: 40}
      Lead__c: {type: reference, referenceTo: [Lead], relationshipName: Lead__r}
      Account__c: {type: reference, referenceTo: [Account], relationshipName: Account__r}
      Owner__c: {type: reference, referenceTo: [User], relationshipName: Owner__r}
  News__e:
    label: News
    fields:
      Text__c: {type: string, length: 40}
`

// worldOf compiles a mapping's targets against the schema of the tests.
func worldOf(t testing.TB, targets string) (*mapping.Plan, *world) {
	t.Helper()
	p, s := plantest.Compile(t, worldSchema, "version: 1\nname: test\ntargets:\n"+targets)
	return p, newWorld(t, s)
}

// optionsOf are those of a run of a plan over the rows of a CSV, without a ledger. Its row files are in dir; the caller
// has to close them.
func optionsOf(t testing.TB, p *mapping.Plan, o *world, rows string) (opt pipeline.Options, dir string) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := report.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := report.NewRows(d)
	if err != nil {
		t.Fatal(err)
	}
	opt = pipeline.Options{Plan: p, Inputs: []source.Input{{Path: path}}, Rows: files}
	for range p.Targets {
		opt.Targets = append(opt.Targets, pipeline.Target{Writer: o, Matcher: o})
	}
	return opt, dir
}

// play runs a plan over the rows of a CSV.
func play(t testing.TB, p *mapping.Plan, o *world, rows string, edit func(*pipeline.Options)) (*pipeline.Result, string) {
	t.Helper()
	opt, dir := optionsOf(t, p, o, rows)
	defer opt.Rows.Close()
	l, err := ledger.Create(t.Context(), filepath.Join(dir, "ledger.db"), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	opt.Ledger, opt.Errors = l, &report.Errors{}
	opt.Backoff = func(attempt int) (time.Duration, bool) { return 0, attempt <= 5 }
	if edit != nil {
		edit(&opt)
	}
	if opt.Rehearse {
		opt.Ledger, opt.Rows = nil, nil
	}
	res, err := pipeline.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range res.Targets {
		if sum := n.Created + n.Updated + n.Unchanged + n.Deleted + n.Published + n.Failed + n.Skipped + n.Unknown + n.Pending; sum != n.Records {
			t.Errorf("target %d: the counts do not add up: %+v", i, n)
		}
	}
	return res, dir
}

// outcomes lists what the row files say, line by line: "2 lead created", "3 member failed PARENT_FAILED LeadId".
func outcomes(t testing.TB, dir string) string {
	t.Helper()
	type line struct{ key, text string }
	var lines []line
	for _, name := range []string{"succeeded", "failed", "skipped", "unknown"} {
		for _, rec := range readCSV(t, filepath.Join(dir, name+".csv")) {
			word := rec["sfsync_action"]
			if name == "failed" || name == "unknown" {
				word = name
			}
			text := strings.TrimRight(strings.Join([]string{rec["sfsync_line"], rec["sfsync_target"], word, rec["sfsync_code"], rec["sfsync_field"]}, " "), " ")
			lines = append(lines, line{strings.Repeat(" ", 8-len(rec["sfsync_line"])) + text, text})
		}
	}
	var b bytes.Buffer
	sortLines(lines, func(l line) string { return l.key })
	for _, l := range lines {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

func sortLines[T any](s []T, key func(T) string) {
	for i := range s {
		for j := i; j > 0 && key(s[j]) < key(s[j-1]); j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}

func wantLines(t testing.TB, what string, got, want []string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func workersOf(n int) func(*pipeline.Options) {
	return func(o *pipeline.Options) { o.Workers = n }
}

// rehearsal lists what a rehearsal says, as outcomes lists what a run did, and checks that nothing is written.
func rehearsal(t testing.TB, p *mapping.Plan, o *world, rows string, workers int) string {
	t.Helper()
	words := map[plan.Action]string{
		plan.Create: "created", plan.Update: "updated", plan.Unchanged: "unchanged", plan.Delete: "deleted",
		plan.Publish: "published", plan.Skip: "skipped", plan.Reject: "failed",
	}
	var lines []string
	var counts [8]int64
	res, _ := play(t, p, o, rows, func(opt *pipeline.Options) {
		opt.Workers, opt.Rehearse = workers, true
		opt.Planned = func(b *plan.Batch) error {
			for r := range b.Mapped.Source.Len() {
				targets := p.Targets
				if b.Second {
					targets = p.Second.Targets
				}
				for i := range targets {
					rec := b.Record(r, i)
					counts[rec.Action]++
					if rec.Code == mapping.CodeNotReferred || rec.Code == "NOT_WRITTEN" {
						continue
					}
					line := b.Mapped.Source.Line(r)
					lines = append(lines, strings.TrimRight(fmt.Sprintf("%8d %s %s %s %s", line, targets[i].Name, words[rec.Action], rec.Code, rec.Field), " "))
					if (rec.Before != nil) != (rec.Action == plan.Update) || strings.HasPrefix(rec.ID, "~") {
						t.Errorf("line %d: %+v", line, rec)
					}
				}
			}
			return nil
		}
	})
	if len(o.writes) > 0 {
		t.Errorf("a rehearsal wrote: %v", o.writes)
	}
	var n pipeline.TargetCounts
	for _, c := range res.Targets {
		n.Created += c.Created
		n.Updated += c.Updated
		n.Unchanged += c.Unchanged
		n.Failed += c.Failed
	}
	if n.Created != counts[plan.Create] || n.Updated != counts[plan.Update] || n.Unchanged != counts[plan.Unchanged] || n.Failed != counts[plan.Reject] {
		t.Errorf("the counts %+v are not those of the records %v", n, counts)
	}
	sortLines(lines, func(s string) string { return s })
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimLeft(l, " ") + "\n")
	}
	return b.String()
}

// asRun makes of a rehearsal's lines what a run says: one that need not compare calls a record
// updated that it would leave as it is.
func asRun(planned, ran string) string {
	a, b := strings.Split(planned, "\n"), strings.Split(ran, "\n")
	for i := range a {
		if i < len(b) && strings.Replace(a[i], " unchanged", " updated", 1) == b[i] {
			a[i] = b[i]
		}
	}
	return strings.Join(a, "\n")
}

// TestCheckAgreesOnParents: a check says of a record whose parent is skipped, fails or cannot be looked for what
// a run does, in the same words; so it does where the rows that failed go through another run.
func TestCheckAgreesOnParents(t *testing.T) {
	p, o := worldOf(t, `- {object: Account, name: acc, match: ERP_Id__c, when: kind != "no", fields: {ERP_Id__c: erp, Name: erp}}
- {object: Contact, name: person, match: [[LastName, AccountId]], fields: {LastName: name, AccountId: {ref: acc}}}
- {object: Contact, name: must, match: Email, fields: {Email: email, LastName: name, AccountId: {ref: acc, blank: fail}}}
`)
	rows := "kind,erp,name,email\nyes,E1,Ann,a@x.org\nno,E2,Bob,b@x.org\nyes,,Cid,c@x.org\n"
	const blank = "MATCH_KEY_BLANK: the match field ERP_Id__c is blank"
	for _, parent := range []string{"failed", "cannot be looked for"} {
		opt, _ := optionsOf(t, p, o, rows)
		var checked []string
		_, err := pipeline.Check(t.Context(), opt, func(c pipeline.Checked) error {
			for r := range c.First.Source.Len() {
				for i := range c.First.Targets {
					if recs := &c.First.Targets[i]; recs.Fate(r) == mapping.Fail {
						why := recs.Reason(r)
						checked = append(checked, p.Targets[i].Name+" "+why.Code+" "+why.Field+" "+why.Message)
					}
				}
			}
			return nil
		})
		opt.Rows.Close()
		if err != nil {
			t.Fatal(err)
		}
		_, dir := play(t, p, o, rows, nil)
		var ran []string
		for _, rec := range readCSV(t, filepath.Join(dir, "failed.csv")) {
			ran = append(ran, rec["sfsync_target"]+" "+rec["sfsync_code"]+" "+rec["sfsync_field"]+" "+rec["sfsync_message"])
		}
		slices.Sort(checked)
		slices.Sort(ran)
		want := []string{
			"acc MATCH_KEY_BLANK ERP_Id__c the match field ERP_Id__c is blank",
			"must PARENT_FAILED AccountId the record of target acc " + parent + ": " + blank,
			"must REQUIRED_FIELD_MISSING AccountId AccountId is blank, since the record of target acc is skipped",
			"person MATCH_KEY_BLANK LastName all match keys are blank: LastName with AccountId",
			"person PARENT_FAILED AccountId the record of target acc " + parent + ": " + blank,
		}
		if d := cmp.Diff(want, checked); d != "" {
			t.Errorf("check (-want +got):\n%s", d)
		}
		if d := cmp.Diff(want, ran); d != "" {
			t.Errorf("run (-want +got):\n%s", d)
		}
		text, err := os.ReadFile(filepath.Join(dir, "failed.csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows = string(text)
	}
}
