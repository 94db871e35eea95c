package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// BenchmarkBulk measures the memory of a run by the Bulk API: the peak of the command's resident set, as the
// kernel says. The org is a process of its own. Memory must not grow with the input: the two sizes have the same
// peak but for the moments at which the collector comes. SFSYNC_BENCH_ROWS says how many rows the larger one has
// instead of 2,000,000, which take some minutes:
//
//	go test ./cmd/sfsync -run '^$' -bench Bulk -benchtime 1x -timeout 30m
func BenchmarkBulk(b *testing.B) {
	large := benchmarkRows(b, 2_000_000)
	for _, rows := range []int{large / 10, large} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			for b.Loop() {
				c := newBenchmarkRun(b, serveBenchmarkOrg(b), rows, "--api", "bulk")
				c.run(b)
				// What the kernel counts begins with the memory of the process that started the
				// command: this one, which is small.
				usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
				if !ok {
					b.Fatal("the kernel does not say what the command has used")
				}
				b.ReportMetric(float64(usage.Maxrss)/1024, "MiB-peak")
				b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			}
		})
	}
}

// serveBenchmarkOrg is [benchmarkOrg] in a process of its own. It returns the environment of commands that go to
// it with --to env.
func serveBenchmarkOrg(b *testing.B) []string {
	b.Helper()
	bin, err := exec.LookPath("sfsync")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "schema.yaml"), []byte(leadSchema), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), bin, "local", "serve", "--db", ":memory:", "--schema", "schema.yaml", "--json")
	cmd.Dir, cmd.Env = dir, homeEnv(dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		b.Fatal(err)
	}
	var org struct {
		URL   string `json:"instance_url"`
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(line, &org); err != nil {
		b.Fatal(err)
	}
	return []string{"SFSYNC_INSTANCE_URL=" + org.URL, "SFSYNC_ACCESS_TOKEN=" + org.Token}
}
