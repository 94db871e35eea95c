package main_test

import (
	"bytes"
	crand "crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/cmd/sfsync/internal/cli"
	"sfsync/cmd/sfsync/internal/host"
)

var (
	formatTables = flag.Int("formats", 5, "how many tables TestFormats writes and sends in every format")
	formatSeed   = flag.Uint64("formats-seed", 0, "seed of the first table of TestFormats; 0 for a new one each time")
)

// formatMapping maps every column of a formatTable; lists are no field's value.
const formatMapping = `version: 1
name: formats
schema: schema.yaml
targets:
  - name: lead
    object: Lead
    match: Ext__c
    fields:
      Ext__c: key
      LastName: {from: [text, key]}                 # too long now and then: the row fails
      Company: {from: [company.name, text, key]}
      City: {from: company.address.city, blank: null}
      PostalCode: company.address.zip | upper
      Title: {from: amount, blank: null}            # a number as text
      Description: {from: [flag, day, moment, clock], blank: null}
      Amount__c: {from: amount, blank: null}        # too large now and then
      Whole__c: {from: whole, blank: null}
      Ratio__c: {from: ratio, blank: null}
      Flag__c: flag
      Day__c: {from: day, blank: null}
      Moment__c: {from: moment, blank: null}
      Local__c: {from: local, blank: null}
      Clock__c: {from: clock, blank: null}
`

const formatSchema = `objects:
  Lead:
    fields:
      Ext__c: {type: string, length: 40, externalId: true, unique: true}
      Amount__c: {type: currency, precision: 12, scale: 2}
      Whole__c: {type: double, precision: 18, scale: 0}
      Ratio__c: {type: double, precision: 18, scale: 8}
      Flag__c: {type: boolean}
      Day__c: {type: date}
      Moment__c: {type: datetime}
      Local__c: {type: datetime}
      Clock__c: {type: time}
`

// formatQuery is all that a run leaves of a row.
const formatQuery = "SELECT Ext__c, LastName, Company, City, PostalCode, Title, Description, Amount__c, Whole__c, Ratio__c, Flag__c, Day__c, Moment__c, Local__c, Clock__c FROM Lead ORDER BY Ext__c"

// TestFormats: the same rows give the same records whether they come as CSV, JSON Lines or
// Parquet: check --mapped writes the same, and a run leaves the same in the org.
func TestFormats(t *testing.T) {
	t.Parallel()
	seed := *formatSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for i := range *formatTables {
		tab := newFormatTable(rand.New(rand.NewPCG(seed+uint64(i), 0)))
		dir := t.TempDir()
		write(t, dir, "schema.yaml", []byte(formatSchema))
		mapping := write(t, dir, "m.yaml", []byte(formatMapping))
		results := map[string]formatResult{}
		for _, f := range []struct {
			name  string
			bytes []byte
			lines []int64
		}{
			{"jsonl", tab.jsonl(), tab.ordinals(1)},
			{"csv", tab.csv(), tab.csvLines()},
			{"parquet", tab.parquet(), tab.ordinals(1)},
		} {
			file := write(t, dir, "rows."+f.name, f.bytes)
			results[f.name] = tab.send(t, dir, mapping, file, f.lines)
		}
		if want := results["jsonl"]; len(want.mapped) != len(tab.rows) || want.sent == 0 || want.failed == 0 {
			t.Errorf("seed %d: %d of %d rows, %d sent, %d failed: the table shows too little", seed+uint64(i), len(want.mapped), len(tab.rows), want.sent, want.failed)
		}
		for _, format := range []string{"csv", "parquet"} {
			if d := cmp.Diff(results["jsonl"], results[format], cmp.AllowUnexported(formatResult{})); d != "" {
				t.Fatalf("-formats 1 -formats-seed %d: (-jsonl +%s)\n%s", seed+uint64(i), format, d)
			}
		}
		// Lists and maps are one JSON text; CSV has none.
		if d := cmp.Diff(tab.lists(t, filepath.Join(dir, "rows.jsonl")), tab.lists(t, filepath.Join(dir, "rows.parquet"))); d != "" {
			t.Fatalf("-formats 1 -formats-seed %d: lists (-jsonl +parquet)\n%s", seed+uint64(i), d)
		}
	}
	if t.Failed() {
		t.Logf("seed %d", seed)
	}
}

// formatResult is what came of a table in one format.
type formatResult struct {
	mapped       []string // of each row, without its place
	org          string   // the records as CSV
	sent, failed int
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs the command in this process and returns what it printed.
func command(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	sys := &host.System{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &stderr,
		LookupEnv:   func(string) (string, bool) { return "", false },
		Now:         time.Now,
		Rand:        crand.Reader,
		StopSignals: func() {},
		Getwd:       os.Getwd,
		StateDir:    func() (string, error) { return "", fs.ErrNotExist },
	}
	if code := cli.Main(t.Context(), args, sys); code != want {
		t.Fatalf("%q: exit code %d, want %d\n%s", args, code, want, stderr.String())
	}
	return out.String()
}

// send checks a file and runs it against an org of its own.
func (tab *formatTable) send(t *testing.T, dir, mapping, file string, lines []int64) formatResult {
	t.Helper()
	var r formatResult
	state := filepath.Join(dir, "state-"+filepath.Ext(file))
	command(t, 6, "check", mapping, file, "--mapped", file+".mapped")
	text, err := os.ReadFile(file + ".mapped")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var rec map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatal(err)
		}
		if n := len(r.mapped); n >= len(lines) || string(rec["line"]) != strconv.FormatInt(lines[n], 10) {
			t.Fatalf("%s: record %d is of line %s: %v", file, n, rec["line"], lines)
		}
		if rec["code"] != nil {
			r.failed++
		} else {
			r.sent++
		}
		delete(rec, "file")
		delete(rec, "line")
		b, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		r.mapped = append(r.mapped, string(b))
	}
	command(t, 3, "run", mapping, file, "--runs", filepath.Join(dir, "runs"), "--state", state, "--quiet")
	r.org = command(t, 0, "local", "query", formatQuery, "--state", state)
	if n := strings.Count(r.org, "\nkey-"); n != r.sent {
		t.Fatalf("%s: the org has %d records of %d", file, n, r.sent)
	}
	return r
}

// lists prints the lists and maps of the rows of a file.
func (tab *formatTable) lists(t *testing.T, file string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(command(t, 0, "cat", file)) {
		var row struct{ Key, Tags, Scores, Visits json.RawMessage }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s %s %s", row.Key, row.Tags, row.Scores, row.Visits))
	}
	return out
}

// formatRow is a row; nil is null. Where the formats differ by nature, the rows have only what all
// of them have: CSV's only null is the empty cell, so that no text is empty; neither CSV nor Parquet
// leave out a cell of one row, so that JSON Lines spells out every null, those in a structure that is
// null, too (a path through null is absent).
type formatRow struct {
	key           string
	text          *string
	company       bool    // false: the structure is null, and all in it
	name          *string // of the company
	address       bool
	city, zip     *string
	amount, whole *int64 // amount in cents
	ratio         *float64
	flag          *bool
	day           *int32 // since 1970-01-01
	moment, local *int64 // units since 1970-01-01
	clock         *int64
	tags          []*string // nil is null
	scores        []formatScore
	visits        []formatVisit
}

type formatScore struct {
	key   string
	value *int64
}

type formatVisit struct {
	at    *string
	pages []*int64 // nil is null
}

type formatTable struct {
	rng  *rand.Rand
	unit int // of moments: 1 ms, 2 us, 3 ns
	rows []formatRow
}

func newFormatTable(rng *rand.Rand) *formatTable {
	tab := &formatTable{rng: rng, unit: 1 + rng.IntN(3), rows: make([]formatRow, 60)}
	second := int64(math.Pow10(3 * tab.unit))
	for i := range tab.rows {
		r := formatRow{
			key: fmt.Sprintf("key-%03d", i), text: maybe(rng, text(rng)), company: rng.IntN(6) > 0, address: rng.IntN(6) > 0, name: maybe(rng, text(rng)), city: maybe(rng, text(rng)), zip: maybe(rng, text(rng)),
			amount: maybe(rng, (rng.Int64N(4e12)-2e12)>>rng.IntN(40)), whole: maybe(rng, rng.Int64N(2e17)-1e17), ratio: maybe(rng, float64(rng.IntN(2e9)-1e9)/float64(int(1)<<rng.IntN(8))),
			flag: maybe(rng, rng.IntN(2) > 0), day: maybe(rng, rng.Int32N(60_000)-10_000), moment: maybe(rng, (rng.Int64N(4e9)-1e9)*second+rng.Int64N(second)), local: maybe(rng, (rng.Int64N(4e9)-1e9)*second), clock: maybe(rng, rng.Int64N(86400_000)),
		}
		if i == 7 || rng.IntN(40) == 0 {
			long := strings.Repeat(text(rng), 90)
			r.text = &long
		}
		if rng.IntN(5) > 0 {
			r.tags = make([]*string, rng.IntN(4))
			for k := range r.tags {
				r.tags[k] = maybe(rng, text(rng))
			}
		}
		if rng.IntN(5) > 0 {
			r.scores = make([]formatScore, rng.IntN(4))
			for k := range r.scores {
				r.scores[k] = formatScore{fmt.Sprint(text(rng), k), maybe(rng, rng.Int64N(100)-50)}
			}
		}
		if rng.IntN(5) > 0 {
			r.visits = make([]formatVisit, rng.IntN(4))
			for k := range r.visits {
				if r.visits[k].at = maybe(rng, text(rng)); rng.IntN(3) > 0 {
					r.visits[k].pages = make([]*int64, rng.IntN(3))
				}
			}
		}
		tab.rows[i] = r
	}
	return tab
}

func maybe[T any](rng *rand.Rand, v T) *T {
	if rng.IntN(7) == 0 {
		return nil
	}
	return &v
}

// text is some text of characters that mean something to one of the formats, or are long in one.
func text(rng *rand.Rand) string {
	chars := []rune("abcde0129 ,;\"'\\/|\t\n{}[]:äßŁ\u0301\u2028日本\U0001F642-+=@.")
	out := []rune{'x'}
	for range rng.IntN(12) {
		out = append(out, chars[rng.IntN(len(chars))])
	}
	return string(out)
}

// The texts of the typed columns, as the reference of the Parquet reader gives them.

func (r *formatRow) amountText() string {
	sign, n := "", *r.amount
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

func (r *formatRow) ratioText() string { return strconv.FormatFloat(*r.ratio, 'f', -1, 64) }

func (r *formatRow) dayText() string {
	return time.Unix(int64(*r.day)*86400, 0).UTC().Format(time.DateOnly)
}

func (tab *formatTable) momentText(n int64, zone string) string {
	second := int64(math.Pow10(3 * tab.unit))
	t := time.Unix(n/second, n%second*(1e9/second)).UTC()
	return t.Format("2006-01-02T15:04:05") + fraction(t) + zone
}

func (r *formatRow) clockText() string {
	t := time.UnixMilli(*r.clock).UTC()
	return t.Format(time.TimeOnly) + fraction(t) + "Z"
}

// fraction is that of the second in 3, 6 or 9 digits, or nothing.
func fraction(t time.Time) string {
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return ""
	case ns%1e6 == 0:
		return t.Format(".000")
	case ns%1e3 == 0:
		return t.Format(".000000")
	}
	return t.Format(".000000000")
}

// cells are the row's columns but the lists as text, nil for null.
func (tab *formatTable) cells(r *formatRow) []*string {
	to := func(ok bool, f func() string) *string {
		if !ok {
			return nil
		}
		s := f()
		return &s
	}
	in := func(s *string, groups ...bool) *string {
		for _, there := range groups {
			if !there {
				return nil
			}
		}
		return s
	}
	return []*string{
		&r.key, r.text, in(r.name, r.company), in(r.city, r.company, r.address), in(r.zip, r.company, r.address),
		to(r.amount != nil, r.amountText),
		to(r.whole != nil, func() string { return strconv.FormatInt(*r.whole, 10) }),
		to(r.ratio != nil, r.ratioText),
		to(r.flag != nil, func() string { return strconv.FormatBool(*r.flag) }),
		to(r.day != nil, r.dayText),
		to(r.moment != nil, func() string { return tab.momentText(*r.moment, "Z") }),
		to(r.local != nil, func() string { return tab.momentText(*r.local, "") }),
		to(r.clock != nil, r.clockText),
	}
}

func (tab *formatTable) ordinals(first int64) []int64 {
	out := make([]int64, len(tab.rows))
	for i := range out {
		out[i] = first + int64(i)
	}
	return out
}
