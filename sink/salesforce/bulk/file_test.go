package bulk

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// text returns what is in a file.
func text(t *testing.T, f *File) string {
	t.Helper()
	if err := f.ready(); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.NewSectionReader(f.f, 0, f.size))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func newFile(t *testing.T, spec Spec, s *row.Schema) *File {
	t.Helper()
	f, err := NewFile(t.TempDir(), spec, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestFiles(t *testing.T) {
	s := row.NewSchema(
		row.Column{Name: "Ext__c"}, row.Column{Name: "\x00fold"}, row.Column{Name: "LastName"}, row.Column{Name: "NumberOfEmployees"}, row.Column{Name: "Active__c"},
		row.Column{Name: "Account.ERP_Id__c"}, row.Column{Name: "Parent__r.Code__c"}, row.Column{Name: "User:Owner.Username"}, row.Column{Name: "OwnerId"}, row.Column{Name: "Rating"},
	)
	b := row.New(s)
	full := b.AddRow(1)
	for c, v := range []string{"k\"1", "never sent", "Ünï,\r\n\"x\"\ry ", "12.50e-3", "true", "A-1", " P-1", "me@example.com"} {
		b.Set(full, c, row.Text, v)
	}
	b.Set(full, 3, row.Number, "12.50e-3")
	b.Set(full, 4, row.Bool, "true")
	b.Set(full, 9, row.Text|row.OnInsert, "Hot")
	nulls := b.AddRow(2)
	for c := range s.Columns {
		b.SetKind(nulls, c, row.Null)
	}
	b.Set(nulls, 0, row.Text, "k2")
	b.Set(nulls, 2, row.Text, "")
	sparse := b.AddRow(3)
	b.Set(sparse, 0, row.Text, "k3")

	var out strings.Builder
	for _, spec := range []Spec{
		{Object: "Lead", Action: sink.Upsert, Key: "ext__c"}, {Object: "Lead", Action: sink.Create}, {Object: "Lead", Action: sink.Update}, {Object: "Lead", Action: sink.Delete},
	} {
		f := newFile(t, spec, s)
		for i := range b.Len() {
			add(t, f, &sink.Record{Batch: b, Row: i, Action: spec.Action, ID: fmt.Sprintf("00Q%012dAAA", i)})
		}
		if f.Len() != 3 {
			t.Errorf("%d records", f.Len())
		}
		fmt.Fprintf(&out, "-- %s --\n%s", spec.Action, text(t, f))
	}
	path := filepath.Join("testdata", "files.txt")
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// A record whose only field is left alone is a row nevertheless: readers of CSV pass over empty lines.
func TestEmptyRecord(t *testing.T) {
	s := row.NewSchema(row.Column{Name: "Subject"})
	f := newFile(t, Spec{Object: "Case", Action: sink.Create}, s)
	b := row.New(s)
	b.AddRow(1)
	add(t, f, &sink.Record{Batch: b, Action: sink.Create})
	if got, want := text(t, f), "Subject\n\"\"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A record that cannot be sent is refused and leaves no trace.
func TestRecordsThatCannotBeSent(t *testing.T) {
	s := row.NewSchema(row.Column{Name: "Ext__c"}, row.Column{Name: "LastName"})
	f := newFile(t, Spec{Object: "Lead", Action: sink.Upsert, Key: "Ext__c"}, s)
	before := text(t, f)
	for _, c := range []struct {
		column int
		kind   row.Kind
		text   string
		code   string
	}{
		{0, row.Null, "", "MISSING_ARGUMENT"},
		{0, row.Absent, "", "MISSING_ARGUMENT"},
		{1, row.Text, "#N/A", catalog.CodeValue},
		{1, row.Text, "\xff", catalog.CodeValue},
		{1, row.Number, "007", catalog.CodeValue},
		{1, row.Bool, "yes", catalog.CodeValue},
		{1, row.JSON, "{}", catalog.CodeValue},
		{1, row.Text | row.Awaited, "                  ", catalog.CodeValue},
		{1, row.Text, strings.Repeat("x", maxRow), catalog.CodeTooLarge},
	} {
		b := row.New(s)
		b.AddRow(1)
		b.Set(0, 0, row.Text, "k")
		b.Set(0, c.column, c.kind, c.text)
		ok, refused, err := f.Add(&sink.Record{Batch: b, Action: sink.Upsert})
		if !ok || err != nil || refused == nil || refused.Code != c.code {
			t.Errorf("%v %.20q: %t, %v, %v", c.kind, c.text, ok, refused, err)
		}
	}
	up := newFile(t, Spec{Object: "Lead", Action: sink.Update}, s)
	b := row.New(s)
	b.AddRow(1)
	if _, refused, _ := up.Add(&sink.Record{Batch: b, ID: "x,y"}); refused == nil {
		t.Error("an id that is none was taken")
	}
	if got := text(t, f); got != before || f.Len() != 0 {
		t.Errorf("%d records, %q", f.Len(), got)
	}
}

func TestJobsThatCannotBe(t *testing.T) {
	s := row.NewSchema(row.Column{Name: "LastName"})
	wide := make([]row.Column, 5001)
	for i := range wide {
		wide[i].Name = fmt.Sprintf("F%d", i)
	}
	for _, c := range []struct {
		spec   Spec
		schema *row.Schema
	}{
		{Spec{Action: sink.Publish}, s},
		{Spec{Action: sink.Upsert, Key: "Ext__c"}, s},
		{Spec{Action: sink.Create}, row.NewSchema(row.Column{Name: "\x00key"})},
		{Spec{Action: sink.Create}, row.NewSchema(wide...)},
	} {
		if f, err := NewFile(t.TempDir(), c.spec, c.schema); err == nil {
			_ = f.Close()
			t.Errorf("%+v was taken", c.spec)
		}
	}
}

// A file takes records up to its size, and at least one.
func TestFullFiles(t *testing.T) {
	s := row.NewSchema(row.Column{Name: "LastName"})
	f := newFile(t, Spec{Object: "Lead", Action: sink.Create}, s)
	f.limit = 60
	b := row.New(s)
	b.AddRow(1)
	b.Set(0, 0, row.Text, strings.Repeat("x", 19))
	rec := &sink.Record{Batch: b, Action: sink.Create}
	for range 2 {
		add(t, f, rec)
	}
	if ok, refused, err := f.Add(rec); ok || refused != nil || err != nil || f.Len() != 2 || f.size > 60 {
		t.Errorf("%t, %v, %v: %d records, %d bytes", ok, refused, err, f.Len(), f.size)
	}
	one := newFile(t, Spec{Object: "Lead", Action: sink.Create}, s)
	one.limit = 10
	add(t, one, rec)
	info, err := one.f.Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(one.f.Name()); err == nil {
		t.Error("the file is still there")
	}
}

// The index is a multiset: each place is taken once, by a content that was put there.
func TestIndexProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x index
		x.begin()
		contents := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "", "#N/A", " a ", "d e"}), 0, 60).Draw(t, "contents")
		for _, c := range contents {
			s := x.hash()
			s.add(c)
			x.put(s)
		}
		x.sort()
		for range 2 {
			x.free()
			seen := map[int]bool{}
			for _, c := range rapid.Permutation(contents).Draw(t, "order") {
				s := x.hash()
				s.add(c)
				place, ok := x.take(s)
				if !ok || seen[place] || strings.TrimSpace(contents[place]) != strings.TrimSpace(c) {
					t.Fatalf("%q is at %d (%t, taken %t)", c, place, ok, seen[place])
				}
				seen[place] = true
			}
			for _, c := range append(contents, "none") {
				s := x.hash()
				s.add(c)
				if _, ok := x.take(s); ok {
					t.Fatalf("%q is there once more", c)
				}
			}
		}
	})
}

func records(n int) (*row.Batch, *sink.Record) {
	names := []string{"Ext__c", "LastName", "Company", "Email", "Phone", "Street", "City", "Country", "NumberOfEmployees", "DoNotCall"}
	values := []string{"lead-000001", "O'Neill-Müller", `Acme "Widgets" GmbH`, "zoe@example.com", "+49 30 901820", "Unter den Linden 77\n2. Stock", "Berlin", "Germany", "2500", "false"}
	cols := make([]row.Column, len(names))
	for i, n := range names {
		cols[i].Name = n
	}
	b := row.New(row.NewSchema(cols...))
	for r := range n {
		b.AddRow(int64(r))
		for c, v := range values {
			b.Set(r, c, row.Text, v)
		}
		b.Set(r, 0, row.Text, fmt.Sprintf("lead-%06d", r))
	}
	return b, &sink.Record{Batch: b, Action: sink.Upsert}
}

func TestAddDoesNotAllocate(t *testing.T) {
	b, rec := records(1)
	f := newFile(t, Spec{Object: "Lead", Action: sink.Upsert, Key: "Ext__c", Fold: strings.ToLower}, b.Schema())
	f.index.entries = make([]entry, 0, 1000)
	add(t, f, rec)
	if n := testing.AllocsPerRun(200, func() { _, _, _ = f.Add(rec) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	batch, rec := records(1000)
	f, err := NewFile(b.TempDir(), Spec{Object: "Lead", Action: sink.Upsert, Key: "Ext__c", Fold: strings.ToLower}, batch.Schema())
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	f.limit = 1 << 40
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		rec.Row = i % 1000
		if _, _, err := f.Add(rec); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(f.size / int64(b.N))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
