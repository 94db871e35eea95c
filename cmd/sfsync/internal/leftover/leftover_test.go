package leftover_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/cmd/sfsync/internal/leftover"
	"sfsync/mapping"
	"sfsync/pipeline/report"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
)

// record is one of the model: a row of an input file, for a target.
type record struct {
	file   string
	line   int64
	target string
}

func (r record) String() string { return fmt.Sprintf("%s:%d %s", r.file, r.line, r.target) }

// inOrder sorts records as a run reads them.
func inOrder(all []record) []record {
	slices.SortFunc(all, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.target, b.target))
	})
	return all
}

// text is the cell that tells whose row a line is.
func text(file string, line int64) string { return fmt.Sprintf("=%s\n%d, \"x\"", file, line) }

// try writes the row files of a run with these outcomes. One that is no first try reads its rows from a
// row file, so that its batch has them at other places.
func try(t *rapid.T, dir string, outcomes map[record]report.Outcome, files []string, first bool) *report.Dir {
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := report.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := report.NewRows(d)
	if err != nil {
		t.Fatal(err)
	}
	var all []record
	for r := range outcomes {
		all = append(all, r)
	}
	inOrder(all)
	for i, file := range files {
		kind, columns := "text", []row.Column{{Name: "cell", Type: "text"}}
		switch {
		case strings.HasSuffix(file, ".jsonl"):
			kind, columns = "json", []row.Column{{Name: "cell", Type: "string"}}
		case i%2 == 1:
			columns = append(columns, row.Column{Name: "more", Type: "text"})
		}
		for _, r := range all {
			if r.file != file {
				continue
			}
			b := row.New(row.NewSchema(columns...))
			n := b.AddRow(r.line)
			b.Set(n, 0, row.Text, text(r.file, r.line))
			if kind == "json" {
				b.SetRaw(n, fmt.Appendf(nil, `{"cell":%q}`, text(r.file, r.line)))
			}
			name := file
			if !first {
				b = row.New(row.NewSchema(columns...))
				n = b.AddRow(1)
				b.Set(n, 0, row.Text, text(r.file, r.line))
				if kind == "json" {
					b.SetRaw(n, fmt.Appendf(nil, `{"cell":%q}`, text(r.file, r.line)))
				}
				b.SetOrigin(n, r.file, r.line)
				name = "retry.csv"
			}
			if err := rows.Batch(b, name, 1, func(int, int) report.Outcome { return outcomes[r] }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

// read reads what is left back as a run would, and checks that every row is the one of its place.
func read(t *rapid.T, rest *leftover.Rest) []record {
	var got []record
	for _, in := range rest.Inputs() {
		in.Once = false // where the command keeps a copy, the text itself is read here
		r, err := source.Open(context.Background(), in, source.Options{All: true})
		if err != nil {
			t.Fatalf("%s: %v", in.Path, err)
		}
		for {
			b, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", in.Path, err)
			}
			for i := range b.Len() {
				file, line := b.Place(i, in.Path)
				got = append(got, record{file, line, b.Only(i)})
				if cell := b.Cell(i, 0).Text; cell != text(file, line) {
					t.Fatalf("%s:%d: the row is %q", file, line, cell)
				}
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// TestChainsKeepOneAccount: whichever try of a chain is named, what is left of it is exactly what failed
// or is unknown there and what no later try wrote or skipped, in the order of the input, with its
// place, target and cells; and once all is written nothing is left of any.
func TestChainsKeepOneAccount(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		files := []string{"a.csv", "b,\"1\".csv", "c.jsonl", "d.csv"}[:rapid.IntRange(1, 4).Draw(t, "files")]
		targets := []string{"lead", "member"}[:rapid.IntRange(1, 2).Draw(t, "targets")]
		outcome := func(r record, final bool) report.Outcome {
			o := report.Outcome{Status: report.Succeeded, Target: r.target, Object: "O", Action: "created"}
			if !final {
				o.Status = report.Status(rapid.IntRange(int(report.Succeeded), int(report.Unknown)).Draw(t, "status"))
			}
			if o.Status == report.Failed || o.Status == report.Unknown {
				o.Code, o.Message = rapid.SampledFrom([]string{"X", "Y"}).Draw(t, "code"), "no: \"sfsync_file\":"
			}
			return o
		}
		outcomes := make(map[record]report.Outcome)
		for _, file := range files {
			for line := range rapid.IntRange(0, 5).Draw(t, "rows") {
				for _, target := range targets {
					r := record{file, int64(line*2 + 2), target}
					outcomes[r] = outcome(r, false)
				}
			}
		}
		var tries []*report.Dir
		var history []map[record]report.Outcome
		latest := make(map[record]report.Outcome)
		count := rapid.IntRange(1, 4).Draw(t, "tries")
		for i := range count + 1 {
			tries = append(tries, try(t, filepath.Join(root, fmt.Sprintf("%d-%d", n, i)), outcomes, files, i == 0))
			history = append(history, outcomes)
			for r, o := range outcomes {
				if o.Code != mapping.CodeOtherTarget {
					latest[r] = o
				}
			}
			for k := range tries { // any of them may be named
				var want []record
				codes := make(map[record]string)
				for r, o := range history[k] {
					now := latest[r]
					if (o.Status == report.Failed || o.Status == report.Unknown) && (now.Status == report.Failed || now.Status == report.Unknown) {
						want = append(want, r)
						codes[r] = now.Code
					}
				}
				rest, err := leftover.Find(tries[k], tries[k+1:], func(l *leftover.Record) bool {
					r := record{l.File, l.Line, l.Target}
					if l.Code != codes[r] || l.Unknown != (latest[r].Status == report.Unknown) {
						t.Fatalf("%v is %+v, its last try made it %+v", r, l, latest[r])
					}
					return true
				})
				if err != nil {
					t.Fatal(err)
				}
				got := read(t, rest)
				if int64(len(got)) != rest.Records {
					t.Fatalf("%d records are left, %d were read", rest.Records, len(got))
				}
				if !slices.IsSortedFunc(got, func(a, b record) int {
					return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
				}) {
					t.Fatalf("not in the order of the input: %v", got)
				}
				if diff := gocmp.Diff(inOrder(want), inOrder(got), gocmp.AllowUnexported(record{})); diff != "" {
					t.Fatalf("left of try %d after %d (-want +got):\n%s", k, i, diff)
				}
			}
			next := make(map[record]report.Outcome)
			for r, o := range latest {
				switch left := o.Status == report.Failed || o.Status == report.Unknown; {
				case left && (i == count-1 || rapid.Bool().Draw(t, "taken")):
					next[r] = outcome(r, i == count-1)
				case left && rapid.Bool().Draw(t, "beside"): // there for the other record of its row
					next[r] = report.Outcome{Status: report.Skipped, Target: r.target, Object: "O", Action: "skipped", Code: mapping.CodeOtherTarget}
				}
			}
			outcomes = next
		}
	})
}

// TestChangedRowFile: a row file that a spreadsheet has saved again is refused, not misread.
func TestChangedRowFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"failed.csv":    "id;sfsync_file;sfsync_line\n1;a.csv;2\n",
		"failed-2.csv":  "",
		"unknown.jsonl": `{"id":1}` + "\n",
		"unknown.csv":   "id,sfsync_file,sfsync_line,sfsync_target,sfsync_object,sfsync_action,sfsync_id,sfsync_code,sfsync_field,sfsync_message,sfsync_attempts\n1,a.csv,two,t,O,,,X,,,1\n",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := report.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leftover.Find(d, nil, func(*leftover.Record) bool { return true }); !errors.Is(err, report.ErrRowFile) {
			t.Errorf("%s: %v, want ErrRowFile", name, err)
		}
	}
}

// What is kept of the rows of later tries does not grow with what is in them.
func TestLaterTriesKeepNoRows(t *testing.T) {
	const rows, size = 1000, 16 << 10
	cell := strings.Repeat("x", size)
	try := func(rows int64) *report.Dir {
		d, err := report.OpenDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		w, err := report.NewRows(d)
		if err != nil {
			t.Fatal(err)
		}
		schema := row.NewSchema(row.Column{Name: "cell", Type: "text"})
		for line := range rows {
			b := row.New(schema)
			b.Set(b.AddRow(line+2), 0, row.Text, cell)
			failed := func(int, int) report.Outcome {
				return report.Outcome{Status: report.Failed, Target: "lead", Code: "NO"}
			}
			if err := w.Batch(b, "in.csv", 1, failed); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return d
	}
	first, later := try(1), try(rows)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, asked := heap(), 0
	rest, err := leftover.Find(first, []*report.Dir{later}, func(r *leftover.Record) bool {
		asked++
		if r.Code != "NO" {
			t.Errorf("code %q", r.Code)
		}
		if now := heap(); now > before+rows*size/4 {
			t.Errorf("%d bytes more are held for rows of %d", now-before, rows*size)
		}
		return true
	})
	if err != nil || asked != 1 || rest.Records != 1 {
		t.Errorf("asked for %d records, %+v (%v)", asked, rest, err)
	}
}
