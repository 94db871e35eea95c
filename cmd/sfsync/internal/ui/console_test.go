package ui

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/pipeline/report"
)

func newTest(mod func(*Options)) (*Console, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	o := Options{Out: &out, Err: &err, Now: time.Now}
	if mod != nil {
		mod(&o)
	}
	return New(o), &out, &err
}

var finding = diag.Diagnostic{
	Pos: diag.Pos{File: "leads.yaml", Line: 14, Column: 9}, Severity: diag.Error,
	Code: "field-unknown", Message: `unknown field "Emial" on Lead`, Hint: "did you mean Email?",
}

func TestMessages(t *testing.T) {
	warning := diag.Diagnostic{Pos: diag.Pos{File: "a.yaml"}, Severity: diag.Warning, Message: "odd"}
	say := func(c *Console) {
		c.Infof("hello %d", 1)
		c.Warnf("careful")
		c.Errorf("broken")
		c.Diagnostics([]diag.Diagnostic{finding, warning})
		c.Exit(3, "some rows failed", "12 of 4,000")
	}
	for name, tt := range map[string]struct {
		mod  func(*Options)
		want string
	}{
		"text": {nil, `hello 1
warning: careful
error: broken
leads.yaml:14:9: unknown field "Emial" on Lead [field-unknown] → did you mean Email?
a.yaml: warning: odd
exit 3: some rows failed: 12 of 4,000
`},
		"colour without a terminal is text": {func(o *Options) { o.Colour = true; o.Quiet = true }, `error: broken
leads.yaml:14:9: unknown field "Emial" on Lead [field-unknown] → did you mean Email?
exit 3: some rows failed: 12 of 4,000
`},
		"colour": {func(o *Options) { o.Colour = true; o.ErrTTY = true; o.Quiet = true }, "\x1b[31merror: \x1b[0mbroken\n" +
			"leads.yaml:14:9: \x1b[31merror: \x1b[0munknown field \"Emial\" on Lead\x1b[2m [field-unknown]\x1b[0m → did you mean Email?\n" +
			"\x1b[31mexit 3: some rows failed\x1b[0m: 12 of 4,000\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c, out, err := newTest(tt.mod)
			say(c)
			if diff := cmp.Diff(tt.want, err.String()); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
			if out.Len() > 0 {
				t.Errorf("stdout has %q: messages belong on stderr", out)
			}
		})
	}
}

// TestNothingSteersTheTerminal: names of files and columns, and what somebody else has worded, are only ever text.
func TestNothingSteersTheTerminal(t *testing.T) {
	c, out, err := newTest(nil)
	const evil = "a\x1b[2J\rb"
	c.Infof("%s", evil)
	c.Warnf("%s", evil)
	c.Errorf("two lines:\n\t%s", evil)
	c.Diagnostics([]diag.Diagnostic{{Pos: diag.Pos{File: evil, Line: 1, Column: 1}, Message: evil, Hint: evil}})
	c.Exit(1, "unexpected error", evil)
	if _, e := c.Confirm(t.Context(), strings.NewReader("n\n"), evil); e != nil {
		t.Fatal(e)
	}
	s := &report.Summary{
		Inputs: []report.InputInfo{{Path: evil}},
		Errors: []report.Group{{Code: evil, Field: evil, Count: 1, Examples: []report.Example{{File: evil, Line: 1, Message: evil}}}},
	}
	Summary(out, s, evil)
	if e := Remedies(out, s); e != nil {
		t.Fatal(e)
	}
	for name, text := range map[string]string{"stderr": err.String(), "stdout": out.String()} {
		if strings.ContainsAny(text, "\x1b\r") || strings.Count(text, `a\x1b[2J\rb`) < 5 {
			t.Errorf("%s: %q", name, text)
		}
	}
	if !strings.Contains(err.String(), "error: two lines:\n\ta") {
		t.Errorf("stderr: %q", err)
	}
}

func TestJSONLogs(t *testing.T) {
	c, _, err := newTest(func(o *Options) { o.JSONLogs = true; o.ErrTTY = true; o.Colour = true })
	c.Infof("hello")
	c.Warnf("careful")
	c.Errorf("broken")
	c.Diagnostics([]diag.Diagnostic{finding})
	c.Exit(3, "some rows failed", "12")
	var levels []string
	for line := range strings.Lines(err.String()) {
		var v map[string]any
		if e := json.Unmarshal([]byte(line), &v); e != nil {
			t.Fatalf("%q is not JSON: %v", line, e)
		}
		levels = append(levels, v["level"].(string)+" "+v["msg"].(string))
	}
	want := []string{"INFO hello", "WARN careful", "ERROR broken", `ERROR unknown field "Emial" on Lead`, "ERROR exit"}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Error(diff)
	}
}

func TestExitOfAQuietSuccess(t *testing.T) {
	c, _, err := newTest(func(o *Options) { o.Quiet = true })
	c.Exit(0, "ok", "4,000 rows")
	if err.Len() > 0 {
		t.Errorf("a quiet success said %q", err)
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	err := Table(&b, []string{"name", "count", ""}, [][]string{{"Lead", "4000", ""}, {"Ünï", "7"}, {"a\x1b[31mb", "1", "x"}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := "NAME        COUNT\nLead         4000\nÜnï             7\na\\x1b[31mb      1  x\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0 rows", 1: "1 row", 999: "999 rows", 1000: "1,000 rows", -1234567: "-1,234,567 rows"} {
		if got := Rows(n); got != want {
			t.Errorf("Rows(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0ms", 850 * time.Millisecond: "850ms", 4200 * time.Millisecond: "4.2s",
		185 * time.Second: "3m05s", 26*time.Hour + 3*time.Minute: "26h03m",
	} {
		if got := Elapsed(d); got != want {
			t.Errorf("Elapsed(%v) = %q, want %q", d, got, want)
		}
	}
}

// TestPlainProgress: off a terminal there is a line every 30 seconds and none in a short run.
func TestPlainProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for run, want := range map[time.Duration]string{
			29 * time.Second: "",
			time.Minute: "30.0s: 120,000 rows read, 60,000 done, 3 failed, 61 API calls, 2,000 rows/s, 12% of the input\n" +
				"1m00s: 120,000 rows read, 60,000 done, 3 failed, 61 API calls, 1,000 rows/s, 12% of the input\n",
		} {
			c, _, err := newTest(nil)
			stop := c.Progress(ProgressBar, func() Counts {
				return Counts{Read: 120000, Done: 60000, Failed: 3, Calls: 61, Bytes: 50, TotalBytes: 200}
			})
			time.Sleep(run)
			synctest.Wait()
			stop()
			stop()
			if diff := cmp.Diff(want, err.String()); diff != "" {
				t.Errorf("%v: %s", run, diff)
			}
		}
	})
}

func TestNoProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, mod := range map[string]func(*Options){
			"quiet": func(o *Options) { o.Quiet = true; o.ErrTTY = true },
			"none":  nil,
		} {
			c, _, err := newTest(mod)
			mode := ProgressAuto
			if name == "none" {
				mode = ProgressNone
			}
			stop := c.Progress(mode, func() Counts { return Counts{Read: 1} })
			time.Sleep(time.Minute)
			stop()
			if err.Len() > 0 {
				t.Errorf("%s: progress said %q", name, err)
			}
		}
	})
}

// TestBar: the bar follows the bytes, a message wipes it first, and nothing of it is left.
func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, total := range map[string]int64{"known size": 1000, "stdin": 0} {
			var mu sync.Mutex
			n := Counts{TotalBytes: total}
			c, _, err := newTest(func(o *Options) { o.ErrTTY = true })
			stop := c.Progress(ProgressAuto, func() Counts { mu.Lock(); defer mu.Unlock(); return n })
			for range 10 {
				time.Sleep(barEvery)
				mu.Lock()
				n.Bytes += 100
				n.Done += 10
				n.Read += 10
				mu.Unlock()
			}
			time.Sleep(10 * barEvery)
			synctest.Wait()
			c.Warnf("careful")
			time.Sleep(3 * barEvery)
			stop()
			got := err.String()
			if !strings.Contains(got, "\r\x1b[2Kwarning: careful\n") {
				t.Errorf("%s: the message does not wipe the bar: %q", name, got)
			}
			if !strings.Contains(got, "100 rows, 0 failed, 0 API calls") {
				t.Errorf("%s: the counts are missing: %q", name, got)
			}
			if total > 0 && !strings.Contains(got, "  99% |") {
				t.Errorf("%s: no bar at 99 %%: %q", name, got)
			}
			if !strings.HasSuffix(got, "\r\x1b[2K") {
				t.Errorf("%s: the bar is left behind: %q", name, got[max(0, len(got)-80):])
			}
		}
	})
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	if got := OneLine("a\n  b\r\nc\n"); got != "a; b; c" {
		t.Error(got)
	}
}
