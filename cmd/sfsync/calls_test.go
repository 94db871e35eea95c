package main_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestAPICalls counts, as the org does, what a run costs: a call for each 1,000 rows, three to
// begin with and a describe of the object; two calls for each 1,000 and seven where every row has to be looked up.
// 10,000 rows are the most that go by collections, and so many that a collection less in each call shows.
func TestAPICalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rows    int
		workers []int
	}{{2500, []int{1, 8}}, {10_000, []int{8}}} {
		t.Run(fmt.Sprint(c.rows), func(t *testing.T) { countCalls(t, c.rows, c.workers) })
	}
}

func countCalls(t *testing.T, rows int, parallel []int) {
	t.Helper()
	thousands := (rows + 999) / 1000
	k := &killer{dir: t.TempDir()}
	k.env = homeEnv(k.dir)
	k.write(t, "schema.yaml", "objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n")
	var b strings.Builder
	b.WriteString("id,email,title\n")
	for i := range rows {
		email := fmt.Sprintf("person-%06d@example.com", i) // 25 characters
		if i == 0 && len(email) != 25 {
			t.Fatal(len(email))
		}
		fmt.Fprintf(&b, "k%d,%s,\n", i, email)
	}
	input := k.write(t, "leads.csv", b.String())
	common := "version: 1\nname: calls\nschema: schema.yaml\ntargets:\n  - object: Lead\n    match: %s\n    fields:\n      LastName: {value: X}\n      Company: {value: Y}\n"
	native := k.write(t, "native.yaml", fmt.Sprintf(common, "Ext__c")+"      Ext__c: id\n")
	lookup := k.write(t, "lookup.yaml", fmt.Sprintf(common, "Email")+"      Email: email\n      Title: {from: title, default: unknown}\n")

	for _, workers := range parallel {
		state := filepath.Join(k.dir, fmt.Sprint("state", workers))
		before := 0
		for _, try := range []struct {
			mapping string
			most    int
		}{
			{native, thousands + 3 + 1},
			{native, thousands + 3 + 1}, // updates
			{lookup, 2*thousands + 7},
			{lookup, 2*thousands + 7},
		} {
			if err := k.start(t, "run", try.mapping, input, "--state", state, "--runs", filepath.Join(k.dir, "runs"), "--workers", fmt.Sprint(workers), "--quiet").Wait(); err != nil {
				t.Fatalf("%v\n%s", err, k.out.String())
			}
			if err := k.start(t, "local", "show", "--json", "--state", state).Wait(); err != nil {
				t.Fatalf("%v\n%s", err, k.out.String())
			}
			var show struct {
				Calls int `json:"api_calls"`
			}
			if err := json.Unmarshal(k.out.Bytes(), &show); err != nil {
				t.Fatal(err)
			}
			if got := show.Calls - before; got > try.most {
				t.Errorf("%s, %d workers: %d API calls for %d rows, want at most %d", filepath.Base(try.mapping), workers, got, rows, try.most)
			} else {
				t.Logf("%s, %d workers: %d API calls for %d rows (at most %d)", filepath.Base(try.mapping), workers, got, rows, try.most)
			}
			before = show.Calls
		}
	}
}
