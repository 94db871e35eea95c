package syntax

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"sfsync/mapping/diag"
)

// repeat writes n numbered pieces.
func repeat(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestBounds holds that no mapping takes much time or memory, whatever it asks for.
func TestBounds(t *testing.T) {
	const head = "version: 1\ntargets:\n  - object: Lead\n    match: Email\n    fields:\n      Email: email\n"
	const tests = "version: 1\ntargets: [{object: Lead, match: Email, fields: {Email: email}}]\ntests:\n"
	long := strings.Repeat("x", 900<<10)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	for _, tt := range []struct{ name, text, want string }{
		{"10,000 fields", head + repeat(10_000, "      F%d__c: c\n"), "a map has more than 5000 keys"},
		{"4,000 fields", head + repeat(4_000, "      F%d__c: {from: [a%[1]d, b | trim]}\n"), ""},
		{"10,000 fields on one line", "version: 1\ntargets: [{object: Lead, match: Email, fields: {Email: email" + repeat(10_000, ", F%d__c: c") + "}}]", ""},
		{"10,000 columns under custom", head + "    custom: [" + repeat(10_000, "c%d, ") + "]\n", ""},
		{"10,000 columns in a rule", head + "      A__c: [" + repeat(10_000, "c%d, ") + "]\n", "more than 100 entries"},
		{"10,000 keys", "version: 1\ntargets: [{object: Lead, match: [" + repeat(10_000, "F%d, ") + "], rest: custom}]", "more than 10 keys"},
		{"10,000 wrong rules", "version: 1\ntargets: [{object: Lead, match: Email, fields: {Email: email" + repeat(10_000, ", F%d__c: {form: c}") + "}}]", "unknown key \"form\""},
		{"20,000 unknown keys", "version: 1\ntargets: [{object: Lead, match: Email" + repeat(20_000, ", fieldz%d: c") + "}]", "unknown key"},
		{"5,000 targets", "version: 1\ntargets: [" + repeat(5_000, "{object: O%d, operation: insert, rest: custom},") + "]", "more than 100 targets"},
		{"transforms", head + "      A__c: c" + strings.Repeat(" | trim", 10_000) + "\n", "more than 100 transforms"},
		{"arguments", head + "      A__c: c | bool(" + repeat(50_000, "a%d,") + "x)\n", ""},
		{"a long name", head + "      A" + long + ": c\n", "is no field name"},
		{"a long column", head + "      A__c: " + long + "\n", ""},
		{"a deep lookup", head + strings.Repeat("{A: {lookup: A.B, from: c, create: true, fields: ", 1000), "nested more than 64 levels deep"},
		{"lookups in lookups", head + "      A: " + strings.Repeat("{lookup: A.B, from: c, create: true, fields: {A: ", 25) + "c" + strings.Repeat("}}", 25) + "\n", ""},
		{"aliases of lists", bomb + head, "more than 100000 values"},
		{"a row of aliases", tests + "  - row: {a: &a " + long + ", b: *a}\n    expect: {lead: skipped}\n", "the row has more than 1048576 bytes"},
		{
			"rows of aliases", tests + "  - rows: [{a: &a " + long + "}" + strings.Repeat(", {b: *a}", 1000) + "]\n    expect: [" + strings.Repeat("{}, ", 1001) + "]\n",
			"the rows of the tests have more than 8388608 bytes",
		},
		{
			"a list of aliases in a row", tests + "  - row: {a: &a " + long + ", b: [" + strings.Repeat("*a, ", 20_000) + "]}\n    expect: {lead: skipped}\n",
			"the row has more than 1048576 bytes",
		},
		{"fields of aliases", head + "      A: &a {from: [" + repeat(90, "c%d, ") + "]}\n" + repeat(4_000, "      F%d__c: *a\n"), "more than 100000 values"},
		{"tests", tests + "  - rows: [" + strings.Repeat("{}, ", 10_000) + "]\n    expect: [" + strings.Repeat("{lead: skipped}, ", 10_000) + "]\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, all, err := parse("m.yaml", []byte(tt.text), Presets{}, func(string, int64) ([]byte, error) { return nil, nil })
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			t.Logf("%d bytes in %v, %d MiB allocated, %d diagnostics", len(tt.text), took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, len(all))
			if got := fmt.Sprint(all); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %.500s, want %s", got, tt.want)
			}
			if took > 2*time.Minute {
				t.Errorf("took %v", took)
			}
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 512 {
				t.Errorf("allocated %d MiB", mib)
			}
			for _, d := range all {
				if len(d.Message) > 1000 || len(d.Hint) > 1000 {
					t.Fatalf("a message of %d bytes: %.200s", len(d.Message)+len(d.Hint), d.Message)
				}
			}
			if len(all) > diag.MaxList+1 {
				t.Errorf("%d diagnostics", len(all))
			}
		})
	}
}
