package main_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const undoMapping = `version: 1
name: leads
targets:
  - name: lead
    object: Lead
    match: Ext__c
    fields: {Ext__c: id, LastName: name, Phone: {from: phone, blank: "null"}, Company: company}
`

// undoLeads are the rows of n leads.
func undoLeads(n int, phone func(i int) string, company string) string {
	var b strings.Builder
	b.WriteString("id,name,phone,company\n")
	for i := range n {
		fmt.Fprintf(&b, "x%05d,Name %d,%s,%s\n", i, i, phone(i), company)
	}
	return b.String()
}

// leads are the leads' values by external id.
func (w *planOrg) leads() map[string]string {
	w.t.Helper()
	out := make(map[string]string)
	for _, rec := range w.recordsOf("Lead") {
		var values []string
		for _, name := range []string{"Id", "Ext__c", "LastName", "Phone", "Company", "Title"} {
			_, after, _ := strings.Cut(rec, `"`+name+`":`)
			value, _, _ := strings.Cut(after, ",")
			values = append(values, strings.Trim(value, `"}`))
		}
		out[values[1]] = strings.Join(values, "|")
	}
	return out
}

// The undo of a run that created as many records as it changed restores the org record by record, except
// what was edited since, which it lists; stopped on the way it goes on.
func TestUndoRestores(t *testing.T) {
	t.Parallel()
	n := 10000
	if testing.Short() {
		n = 1000
	}
	w := newPlanOrg(t, leadSchema)
	mapping := w.write("leads.yaml", undoMapping)
	base := w.write("base.csv", undoLeads(n, func(i int) string {
		if i%3 == 0 {
			return "" // a field that is filled is blank again afterwards
		}
		return fmt.Sprint(i)
	}, "One"))
	next := w.write("next.csv", undoLeads(2*n, func(i int) string {
		if i%5 == 0 {
			return "" // and one that is cleared is filled
		}
		return fmt.Sprint(i + 1)
	}, "Two"))
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		w.clock.Add(60)
		code, stdout, stderr := w.command(args...)
		if code != want {
			t.Fatalf("%s: code %d, want %d\n%s%s", args, code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	run(0, "run", mapping, base, "--runs", filepath.Join(w.dir, "base"), "--quiet")
	before := w.leads()
	runs := filepath.Join(w.dir, "runs")
	run(0, "run", mapping, next, "--runs", runs, "--backup", "--quiet")
	dir := w.only(runs)
	after := w.leads()
	if len(after) != 2*n {
		t.Fatalf("%d leads, want %d", len(after), 2*n)
	}

	edit := func(i int, body string) {
		t.Helper()
		id, _, _ := strings.Cut(after[fmt.Sprintf("x%05d", i)], "|")
		w.do("PATCH", dataPath+"/sobjects/Lead/"+id, body)
	}
	w.clock.Add(60)
	edit(1, `{"Title":"T"}`)     // a changed record, in another field: restored
	edit(2, `{"Phone":"0"}`)     // in one of the two fields
	edit(n+1, `{"Title":"T"}`)   // a created record, in any field: left
	edit(n+2, `{"Company":"T"}`) //
	edited := w.leads()

	// Asking for agreement changes nothing.
	w.written()
	_, stderr := run(2, "undo", dir)
	if want := fmt.Sprintf("target lead: %s to delete, %s to restore, 2 edited since, left alone", commas(n-2), commas(n)); !strings.Contains(stderr, want) {
		t.Errorf("stderr %s, want %s", stderr, want)
	}
	if got := w.written(); len(got) > 0 {
		t.Errorf("asking wrote: %s", got)
	}

	// Stopped by its budget on the way, then to its end.
	_, stderr = run(75, "undo", dir, "--yes", "--max-api-calls", fmt.Sprint(4+n/500))
	if !strings.Contains(stderr, "go on with: sfsync resume ") {
		t.Errorf("stderr: %s", stderr)
	}
	_, undo, _ := strings.Cut(stderr, "go on with: sfsync resume ")
	undo = strings.TrimSpace(undo)
	if left := len(w.leads()); n == 10000 && (left == 2*n || left < n) {
		t.Errorf("%d leads after a part of the undo", left)
	}
	// Said again it goes on in the same directory, as resume does.
	if _, stderr = run(75, "undo", dir, "--yes", "--max-api-calls", "2"); !strings.Contains(stderr, "going on with "+filepath.Base(undo)) {
		t.Errorf("stderr: %s", stderr)
	}
	stdout, _ := run(0, "resume", undo, "--json")
	for _, want := range []string{
		`"command": "undo"`, `"complete": true`, fmt.Sprintf(`"read": %d`, 2*n), fmt.Sprintf(`"deleted": %d`, n-2),
		fmt.Sprintf(`"updated": %d`, n-1), `"skipped": 3`, `"failed": 0`, `"parent": "` + filepath.Base(dir) + `"`,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %s in %s", want, stdout)
		}
	}

	want := before
	want["x00001"] = strings.TrimSuffix(before["x00001"], "null") + "T"
	want["x00002"] = strings.Replace(before["x00002"], "|2|", "|0|", 1)
	for _, i := range []int{n + 1, n + 2} {
		id := fmt.Sprintf("x%05d", i)
		want[id] = edited[id]
	}
	if diff := cmp.Diff(want, w.leads()); diff != "" {
		t.Errorf("the org afterwards (-want +got):\n%s", diff)
	}
}

// commas writes a number as the command does.
func commas(n int) string {
	s := fmt.Sprint(n)
	if len(s) > 3 {
		return s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}
