package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// onSmallDisk runs shell lines in a directory with a mapping and so many rows, where "disk" is a file
// system of that size which holds no more. It is mounted in a name space of the test's own, so no rights
// are needed where such are allowed; elsewhere the test is skipped.
func onSmallDisk(t *testing.T, rows int, size, lines string) (string, *killer) {
	t.Helper()
	k := world(t, rows)
	if err := os.Mkdir(filepath.Join(k.dir, "disk"), 0o700); err != nil {
		t.Fatal(err)
	}
	shell := func(lines string) ([]byte, error) {
		cmd := exec.Command("unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size="+size+" tmpfs disk || exit 1\n"+lines)
		cmd.Dir, cmd.Env = k.dir, k.env
		return cmd.CombinedOutput()
	}
	if out, err := shell(""); err != nil {
		t.Skipf("cannot mount a small disk: %v: %s", err, out)
	}
	out, err := shell(lines)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out), k
}

// TestDiskFull fills the disk of the run directory under a run: the run ends with 73, names the disk, and
// nothing that was sent is lost. Once there is room, a resume ends it: the org holds the input, no
// record twice.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const rows = 30000
	for size, api := range map[string]string{"200k": "rest", "700k": "rest", "1200k": "bulk", "1800k": "rest"} {
		t.Run(size+" "+api, func(t *testing.T) {
			t.Parallel()
			out, k := onSmallDisk(t, rows, size, `
				sfsync run leads.yaml leads.csv --runs disk/runs --quiet --api `+api+`; echo "run $?"
				cp -a disk/runs kept
				mount -o remount,size=64m disk
				sfsync resume disk/runs/2* --json > summary; echo "resume $?"`)
			if !strings.Contains(out, "run 73") || !strings.Contains(out, "disk is full") && !strings.Contains(out, "no space left") {
				t.Errorf("the run does not end with 73 and the reason:\n%s", out)
			}
			if len(k.glob(t, "kept/2*")) == 0 {
				if size != "200k" {
					t.Errorf("no run directory is left:\n%s", out)
				}
				return // there was no room for a run at all, so nothing was sent
			}
			text, err := os.ReadFile(filepath.Join(k.dir, "summary"))
			if err != nil || !strings.Contains(out, "resume 0") {
				t.Fatalf("the resume: %v\n%s", err, out)
			}
			s := decodeSummary(t, text)
			if n := s.Targets[0].Created; !s.Complete || s.Rows.Succeeded != rows || n != rows {
				t.Errorf("summary %+v", s)
			}
			if n := k.leadsInOrg(t); n != fmt.Sprint(rows) {
				t.Errorf("the org has %s leads", n)
			}
		})
	}
}

// TestUndoOnAFullDisk: an undo that finds no room says so, and does nothing; once there is some, it takes the run back.
func TestUndoOnAFullDisk(t *testing.T) {
	t.Parallel()
	out, k := onSmallDisk(t, 500, "4m", `
		sfsync run leads.yaml leads.csv --runs disk/runs --backup --quiet; echo "run $?"
		dd if=/dev/zero of=disk/fill bs=1k 2> dd
		sfsync undo disk/runs/2* --yes --quiet; echo "full $?"
		rm disk/fill
		sfsync undo disk/runs/2* --yes --quiet; echo "undo $?"`)
	for _, want := range []string{"run 0", "full 73", "undo 0"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := k.leadsInOrg(t); n != "0" {
		t.Errorf("the org has %s leads", n)
	}
}

// TestReadOnlyDirectory: what cannot be written is said before anything is sent; a run whose directory
// was made read-only is not lost.
func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	out, k := onSmallDisk(t, 3000, "16m", `
		sfsync run leads.yaml leads.csv --runs disk/runs --stop-after 0 --max-api-calls 3 --workers 1 --quiet; echo "stopped $?"
		mount -o remount,ro disk
		sfsync run leads.yaml leads.csv --runs disk/more --quiet; echo "runs $?"
		sfsync run leads.yaml leads.csv --state disk/state --quiet; echo "state $?"
		sfsync resume disk/runs/2* --quiet; echo "resume $?"
		mount -o remount,rw disk
		sfsync resume disk/runs/2* --quiet; echo "again $?"`)
	for _, want := range []string{"runs 73", "cannot write the report", "state 73", "state directory", "resume 73", "again 0"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "read-only file system"); n < 2 {
		t.Errorf("the reason is given %d times:\n%s", n, out)
	}
	if n := k.leadsInOrg(t); n != "3000" {
		t.Errorf("the org has %s leads", n)
	}
}

// TestDiskFullOfFingerprints: there is room for what a run learns, and none for merging it. The run ends with 73, its
// rows are sent, and the next one merges first: it knows them all.
func TestDiskFullOfFingerprints(t *testing.T) {
	t.Parallel()
	const rows = 20000
	out, k := onSmallDisk(t, rows, "1300k", `
		mkdir -p state && ln -s ../disk state/fingerprints
		sfsync run leads.yaml leads.csv --state state --runs runs --changed-only --quiet; echo "run $?"
		sfsync run leads.yaml leads.csv --state state --runs more --changed-only --quiet; echo "still full $?"
		mount -o remount,size=64m disk
		sfsync resume runs/2* --state state --quiet; echo "resume $?"
		sfsync run leads.yaml leads.csv --state state --runs last --changed-only --json > summary; echo "again $?"
		ls disk; cat runs/2*/summary.json > first`)
	for _, want := range []string{"run 73", "still full 73", "resume 0", "again 0"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if _, left, _ := strings.Cut(out, "again 0\n"); !strings.HasSuffix(left, ".fingerprints\n") || strings.Count(left, "\n") != 1 {
		t.Errorf("the disk holds\n%s", left)
	}
	first, again := k.summaryIn(t, "first"), k.summaryIn(t, "summary")
	if n := first.Targets[0].Created; n != rows {
		t.Errorf("%d records were created", n)
	}
	if n := again.Targets[0].Unchanged; n != rows {
		t.Errorf("%d records are known", n)
	}
}

func (k *killer) summaryIn(t *testing.T, name string) summaryDoc {
	t.Helper()
	return decodeSummary(t, read(t, k.dir, name))
}
