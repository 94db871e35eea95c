package events_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sfsync/mapping"
	"sfsync/mapping/event"
	"sfsync/mapping/fanout"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
	"sfsync/pipeline/source/events"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// The mapping of a case that has none of its own.
const usual = "version: 1\npreset: rudderstack-lead\n"

// TestGolden takes events from their lines to records, through the presets: each case is a file of
// a mapping, events, and what becomes of them for each target.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, path := range files {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seen += bytes.Count(file(ar, "events.jsonl"), []byte("messageId"))
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			yaml := file(ar, "mapping.yaml")
			if yaml == nil {
				yaml = []byte(usual)
			}
			got := translate(t, yaml, file(ar, "events.jsonl"))
			if *update {
				ar.Files = slices.DeleteFunc(ar.Files, func(f txtar.File) bool { return f.Name == "want" })
				ar.Files = append(ar.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(file(ar, "want")), got); d != "" {
				t.Errorf("%s (-want +got):\n%s", path, d)
			}
		})
	}
	if seen < 60 {
		t.Errorf("only %d events", seen)
	}
}

func file(ar *txtar.Archive, name string) []byte {
	for _, f := range ar.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// plan compiles a mapping for an input of events, as the command does.
func plan(t testing.TB, yaml, lines []byte) (*mapping.File, *mapping.Plan) {
	t.Helper()
	f, _, err := mapping.Parse("events.yaml", yaml)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := schema.Load("testdata/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found, err := source.ScanEvents(t.Context(), inputs(lines), source.Options{}, f.Source.Gate, 0)
	if err != nil {
		t.Fatal(err)
	}
	f = fanout.Apply(f, found, s)
	p, _, err := mapping.Compile(f, s)
	if err != nil {
		t.Fatal(err)
	}
	return f, p
}

func inputs(lines []byte) []source.Input {
	return []source.Input{{Path: "events.jsonl", Format: "jsonl", Reader: bytes.NewReader(lines)}}
}

func open(t testing.TB, f *mapping.File, p *mapping.Plan, lines []byte) source.Reader {
	t.Helper()
	r, err := source.Open(context.Background(), inputs(lines)[0], source.Options{
		Paths: p.Paths(), Rest: p.Rest(),
		Events: &events.Options{Gate: f.Source.Gate, Track: fanout.Tracks(f), Entries: f.Source.Entries},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// translate says what becomes of every event, target by target: what would be sent, or why nothing is.
// Targets that an event does not name are left out.
func translate(t *testing.T, yaml, lines []byte) string {
	t.Helper()
	f, p := plan(t, yaml, lines)
	r := open(t, f, p, lines)
	names := strings.Split(string(lines), "\n")
	var out strings.Builder
	mapper := p.NewMapper(&row.Pool{})
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		m := mapper.Map(b)
		for i := range m.Source.Len() {
			fmt.Fprintf(&out, "%s\n", name(names[m.Source.Line(i)-1]))
			for target := range m.Targets {
				if m.Targets[target].Reason(i).Code == event.CodeNoEntry {
					continue
				}
				line := string(m.AppendJSON(nil, i, target, ""))
				fmt.Fprintf(&out, "  %s\n", "{"+line[strings.Index(line, `"target"`):])
			}
		}
		m.Free()
	}
	for _, w := range r.Warnings() {
		fmt.Fprintf(&out, "warning: %s\n", w)
	}
	return out.String()
}

// name returns the messageId of an event, by which the golden files name it.
func name(line string) string {
	_, line, _ = strings.Cut(line, `"messageId":"`)
	line, _, _ = strings.Cut(line, `"`)
	return line
}
