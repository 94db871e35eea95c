package fingerprint

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// BenchmarkRuns measures what the fingerprints of a run cost, a key: all are sent and accepted, then looked up
// by the next run, which sends one in a hundred. Memory is measured from outside: /usr/bin/time -v of the test
// binary with -test.bench=Runs/10000000 -test.benchtime=1x.
func BenchmarkRuns(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				runs(b, n)
			}
		})
	}
}

func runs(b *testing.B, n int) {
	dir := b.TempDir()
	begun := time.Now()
	lap := func(what string) {
		b.ReportMetric(float64(time.Since(begun).Nanoseconds())/float64(n), what+"-ns/key")
		begun = time.Now()
	}
	s := open(b, dir)
	const request = 1000
	keys := make([]Sum, request)
	for at := 0; at < n; at += request {
		for i := range keys {
			keys[i] = sum(at + i)
		}
		if err := s.Sending(keys); err != nil {
			b.Fatal(err)
		}
		for i, k := range keys {
			if err := s.Accepted(k, sum(at+i)); err != nil {
				b.Fatal(err)
			}
		}
	}
	lap("send")
	shut(b, s)
	lap("merge")
	info, err := os.Stat(s.path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(n), "B/key")
	begun = time.Now()
	s = open(b, dir)
	lap("open")
	for i := range n {
		if !same(b, s, i, i) {
			b.Fatal(i)
		}
	}
	lap("same")
	for at := 0; at < n; at += 100 {
		keys[at/100%request] = sum(at)
		if at/100%request == request-1 {
			if err := s.Sending(keys); err != nil {
				b.Fatal(err)
			}
		}
	}
	lap("change")
	shut(b, s)
	lap("remerge")
}
