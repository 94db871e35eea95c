package main_test

import (
	"fmt"
	"syscall"
	"testing"

	"sfsync/sink/localorg"
)

// BenchmarkBulk measures the memory of a run by the Bulk API: the peak of the command's resident set, as the
// kernel says. The org is in the benchmark, so that it does not count. Memory must not grow with the input: the
// sizes are measured in turn, and have the same peak but for the moment at which the collector comes.
// SFSYNC_BENCH_ROWS says how many rows the larger one has instead of 2,000,000, which take three minutes:
//
//	go test ./cmd/sfsync -run '^$' -bench Bulk -benchtime 1x -timeout 30m
func BenchmarkBulk(b *testing.B) {
	large := benchmarkRows(b, 2_000_000)
	for _, rows := range []int{large / 10, large} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			for b.Loop() {
				o := benchmarkOrg(b, localorg.Config{})
				c := newBenchmarkRun(b, o, rows, "--api", "bulk")
				c.run(b)
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
