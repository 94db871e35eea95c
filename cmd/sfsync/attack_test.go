package main_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The bounds of an attack: far above what each takes, far below what it is after.
const (
	attackTime   = 40 * time.Second
	attackMemory = 256 << 20
)

// attack is a mapping with an input that try to break out of the command's bounds.
type attack struct {
	name    string
	mapping string // target fields or a whole file, see whole
	input   func() string
	file    string // the input's name; in.csv if empty
	args    []string
	code    int
	want    string // on stdout or stderr
}

// whole makes a mapping file of the fields of a target.
func whole(fields string) string {
	if strings.HasPrefix(fields, "version:") {
		return fields
	}
	return "version: 1\nname: attack\nschema: schema.yaml\ntargets:\n  - name: lead\n    object: Lead\n    match: Ext__c\n    fields:\n      Ext__c: id\n      LastName: name\n      Company: {value: Acme}\n" + fields
}

// constant is an input that never changes.
func constant(s string) func() string { return func() string { return s } }

func attacks() []attack {
	rows := "id,name\n1,Doe\n2,Roe\n"
	bomb := "version: 1\nname: bomb\na: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 'b'; i < 'n'; i++ {
		bomb += fmt.Sprintf("%c: &%[1]c [*%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c]\n", i, i-1)
	}
	columns := func(n int) string {
		var b strings.Builder
		for r := range 40 {
			for c := range n {
				if c > 0 {
					b.WriteByte(',')
				}
				switch {
				case r > 0:
					fmt.Fprintf(&b, "v%d-%d", r, c)
				case c == 0:
					b.WriteString("id")
				case c == 1:
					b.WriteString("name")
				default:
					fmt.Fprintf(&b, "column %d", c)
				}
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
	manyFields := ""
	for i := range 12_000 {
		manyFields += fmt.Sprintf("      F%d__c: name\n", i)
	}
	return []attack{
		// YAML.
		{name: "aliases that multiply", mapping: bomb, code: 78, want: "aliases expanded"},
		{name: "an alias of itself", mapping: "version: 1\nname: &n [*n]\n", code: 78},
		{name: "100,000 levels of lists", mapping: "version: 1\nname: " + strings.Repeat("[", 100_000), code: 78},
		{name: "100,000 levels of maps", mapping: "version: 1\nname: " + strings.Repeat("{a: ", 100_000), code: 78},
		{name: "20 MB of mapping", mapping: "version: 1\nname: x\n# " + strings.Repeat("x", 20<<20), code: 78},
		{name: "12,000 fields", mapping: whole(manyFields), code: 78},
		{name: "a key of 1 MB", mapping: "version: 1\n" + strings.Repeat("k", 1<<20) + ": x\n", code: 78},

		// Expressions and transforms.
		{name: "a range without end", mapping: whole("      Title: {expr: 'string(len(1..2000000000))'}\n"), input: constant(rows), code: 78, want: "not available in a mapping"},
		{name: "text without end", mapping: whole("      Title: {expr: 'repeat(name, 2000000000)'}\n"), input: constant(rows), code: 78, want: "not available in a mapping"},
		{name: "loops within loops", mapping: whole("      Title: {expr: 'string(count(1..99999, {count(1..99999, {count(1..99999, {true}) > 0}) > 0}))'}\n"), input: constant(rows), code: 78, want: "not available in a mapping"},
		{name: "a condition that does not end", mapping: whole("    when: 'all(1..99999, {all(1..99999, {all(1..99999, {true})})})'\n"), input: constant(rows), code: 78, want: "not available in a mapping"},
		{name: "a pattern that backtracks", mapping: whole("      Title: {expr: 'name matches \"^(a+)+$\" ? \"y\" : \"n\"'}\n"), input: constant("id,name\n1," + strings.Repeat("a", 50_000) + "!\n"), code: -1},
		{name: "an expression of 100,000 brackets", mapping: whole("      Title: {expr: '" + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + "'}\n"), code: 78},
		{name: "replacements that double", mapping: whole("      Title: name" + strings.Repeat(" | replace(o,oo)", 60) + "\n"), input: constant(rows), code: -1},
		{name: "a prefix of 1 MB", mapping: whole("      Title: name | prefix(" + strings.Repeat("p", 1<<20) + ")\n"), input: constant(rows), code: -1},

		// Inputs.
		{name: "9,999 columns", mapping: whole(""), input: func() string { return columns(9_999) }, code: 0},
		{name: "9,999 columns in a profile", mapping: whole(""), input: func() string { return columns(9_999) }, args: []string{"--profile"}, code: 0, want: "column 9998"},
		{name: "200,000 columns", mapping: whole(""), input: func() string { return columns(200_000) }, code: 65, want: "columns"},
		{name: "a line of 60 MB", mapping: whole(""), input: func() string { return "id,name\n1," + strings.Repeat("x", 60<<20) + "\n2,Roe\n" }, code: 6, want: "LINE_TOO_LONG"},
		{name: "a quote that is never closed", mapping: whole(""), input: func() string { return "id,name\n1,\"" + strings.Repeat("x,y\n", 5<<20) }, code: 6},
		{name: "JSON of 5,000,000 levels", mapping: whole(""), file: "in.jsonl", input: func() string {
			return `{"id":"1","name":` + strings.Repeat("[", 5_000_000) + "\n" + `{"id":"2","name":"Roe"}` + "\n"
		}, code: 6, want: "1 of 2 rows would fail"},
		{name: "JSON of 120 levels", mapping: whole("      Title: deep.x.y\n"), file: "in.jsonl", input: func() string {
			return `{"id":"1","name":"Doe","deep":` + strings.Repeat(`{"x":`, 120) + "1" + strings.Repeat("}", 120) + "}\n"
		}, code: 0},
		{name: "JSON with 500,000 keys", mapping: whole("    rest: custom\n    missing: ignore\n"), file: "in.jsonl", input: func() string {
			var b strings.Builder
			b.WriteString(`{"id":"1","name":"Doe"`)
			for i := range 500_000 {
				fmt.Fprintf(&b, `,"k%d":%d`, i, i)
			}
			return b.String() + "}\n"
		}, code: 6, want: "BAD_KEY"},
		{name: "a number of 10 MB", mapping: whole("      NumberOfEmployees: n\n"), file: "in.jsonl", input: func() string { return `{"id":"1","name":"Doe","n":` + strings.Repeat("9", 10<<20) + "}\n" }, code: 6},
		{name: "300 MB of nothing in 300 kB", mapping: whole(""), file: "in.csv.gz", input: func() string {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			zeros := make([]byte, 1<<20)
			fmt.Fprint(w, "id,name\n1,")
			for range 300 {
				w.Write(zeros)
			}
			w.Close()
			return b.String()
		}, code: 6},
		{name: "2,000,000 equal keys in few bytes", mapping: whole(""), file: "in.csv.gz", input: func() string {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			fmt.Fprint(w, "id,name\n")
			block := []byte(strings.Repeat("1,D\n", 100_000))
			for range 20 {
				w.Write(block)
			}
			w.Close()
			return b.String()
		}, code: 0, want: "2,000,000 records"},

		// What a terminal and a spreadsheet would obey.
		{name: "escapes in columns and values", mapping: whole("      Rating: rating\n      Email: email\n"), input: constant("id,name,rating,email,\x1b]0;owned\x07\x1b[2J\n1,Doe,\x1b[31mRed,\x1b[5mx,y\n"), args: []string{"--profile"}, code: 6},
	}
}

// TestAttacks: whatever a mapping or a row tries, the real command ends in time, within its memory,
// with a clear error, and prints nothing that steers a terminal.
func TestAttacks(t *testing.T) {
	t.Parallel()
	k := world(t, 0)
	for i, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			dir := filepath.Join(k.dir, fmt.Sprint("attack", i))
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			write := func(name, text string) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("schema.yaml", "objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 40, externalId: true, unique: true}\n")
			write("m.yaml", a.mapping)
			args := []string{"check", "m.yaml"}
			if a.input != nil {
				if a.file == "" {
					a.file = "in.csv"
				}
				write(a.file, a.input())
				args = append(args, a.file)
			}
			w := &killer{dir: dir, env: k.env}
			start := time.Now()
			p := w.begin(t, nil, append(args, a.args...)...)
			gone := make(chan struct{})
			peak := watchMemory(p.Process.Pid, gone)
			select {
			case <-p.ended:
				close(gone)
			case <-time.After(attackTime):
				_ = p.Process.Kill()
				<-p.ended
				close(gone)
				t.Fatalf("it does not end in %s", attackTime)
			}
			took := time.Since(start)
			memory := <-peak
			said := p.out.String() + p.err.String()
			if len(said) > 2000 {
				said = said[:1000] + "\n…\n" + said[len(said)-1000:]
			}
			code := p.ProcessState.ExitCode()
			switch {
			case a.code >= 0 && code != a.code, a.code < 0 && code != 6 && code != 78 && code != 0:
				t.Errorf("exit code %d, want %d\n%s", code, a.code, said)
			case !strings.Contains(p.err.String(), fmt.Sprintf("exit %d: ", code)):
				t.Errorf("the last line does not name the exit code:\n%s", said)
			case !strings.Contains(p.out.String()+p.err.String(), a.want):
				t.Errorf("%q is not said:\n%s", a.want, said)
			case strings.Contains(said, "goroutine ") || strings.Contains(said, "internal error"):
				t.Errorf("it panics:\n%s", said)
			case strings.ContainsAny(said, "\x1b\x07\x00"):
				t.Errorf("it writes control characters:\n%q", said)
			case len(p.out.String())+len(p.err.String()) > 4<<20:
				t.Errorf("it writes %d bytes", p.out.Len()+p.err.Len())
			case memory > attackMemory:
				t.Errorf("it takes %d MB", memory>>20)
			}
			t.Logf("exit %d after %s with %d MB: %s", code, took.Round(time.Millisecond), memory>>20, strings.TrimSpace(last(p.err.String())))
		})
	}
}

// watchMemory gives the most memory that a process had resident, in bytes, once it is gone: as last
// read from /proc, and 0 where there is none. (What the system says of an ended process counts its
// parent's memory too, before it became another program.)
func watchMemory(pid int, gone <-chan struct{}) <-chan int64 {
	peak := make(chan int64, 1)
	go func() {
		var most int64
		for tick := time.NewTicker(2 * time.Millisecond); ; {
			select {
			case <-gone:
				tick.Stop()
				peak <- most
				return
			case <-tick.C:
				status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
				if err != nil {
					continue
				}
				if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
					var kb int64
					if _, err := fmt.Sscan(rest, &kb); err == nil {
						most = max(most, kb<<10)
					}
				}
			}
		}
	}()
	return peak
}

// last is the last line of a text.
func last(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	line := lines[len(lines)-1]
	return line[:min(len(line), 200)]
}
