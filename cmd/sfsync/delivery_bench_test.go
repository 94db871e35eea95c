package main_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
)

// The latency model of [BenchmarkDelivery].
const (
	perRequest = 150 * time.Millisecond
	perRow     = time.Millisecond
)

// BenchmarkDelivery measures how near a run comes to what its workers can do at an org that takes 150 ms a
// request and 1 ms a row. The ceiling is workers × rows a request ÷ time a request, and the time of the run is
// that of the whole command, from its start to its exit code. The command is a process of its own, the org is in
// the benchmark. Reported are
//
//	%ceiling  rows a second, of the ceiling by the time a request has taken at the org (s/request): the share
//	          of the workers' time in which the org had a write of theirs
//	%model    the same of the ceiling by 1.15 s for a request of 1,000 rows, which does not know what the
//	          org and the machine take beyond that
//	%rounds   the same of what is left of %model's ceiling since requests cannot be cut: 100 requests keep 8
//	          workers busy for 13 rounds, not for 12.5
//	first-ms  from the start to the first write's arrival
//	gap-ms    the mean time from an answer to the next write, while there is more to be sent
//	last-ms   from the last write's answer to the end
//
// SFSYNC_BENCH_ROWS says how many rows instead of 100,000, which take 30 seconds with 4 workers:
//
//	go test ./cmd/sfsync -run '^$' -bench Delivery -benchtime 1x
func BenchmarkDelivery(b *testing.B) {
	rows := benchmarkRows(b, 100_000)
	for _, try := range []struct{ workers, rows int }{{4, rows}, {8, rows}, {8, 2 * rows}} {
		b.Run(fmt.Sprintf("workers=%d/rows=%d", try.workers, try.rows), func(b *testing.B) {
			for b.Loop() {
				o := benchmarkOrg(b, localorg.Config{Latency: perRequest, RowLatency: perRow})
				c := newBenchmarkRun(b, o.env, try.rows, "--api", "rest", "--workers", fmt.Sprint(try.workers))
				began := time.Now()
				c.run(b)
				o.report(b, began, time.Since(began), try.workers, try.rows)
			}
		})
	}
}

// report turns what the org has seen of a run into metrics.
func (o *watchedOrg) report(b *testing.B, began time.Time, took time.Duration, workers, rows int) {
	b.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if want := (rows + 999) / 1000; len(o.writes) != want {
		b.Fatalf("%d rows came in %d requests, not in %d", rows, len(o.writes), want)
	}
	var busy, gaps time.Duration
	slices.SortFunc(o.writes, func(a, c span) int { return a.from.Compare(c.from) })
	first, last := o.writes[0].from, o.writes[0].to
	ends := make([]time.Time, 0, len(o.writes))
	for _, w := range o.writes {
		busy += w.to.Sub(w.from)
		ends = append(ends, w.to)
		if w.to.After(last) {
			last = w.to
		}
	}
	// Behind the first writes, each follows upon an answer.
	slices.SortFunc(ends, time.Time.Compare)
	for i, w := range o.writes[min(workers, len(o.writes)):] {
		gaps += w.from.Sub(ends[i])
	}
	request := perRequest + min(1000, time.Duration(rows))*perRow
	all := time.Duration(workers) * took
	rounds := (len(o.writes) + workers - 1) / workers
	b.ReportMetric(100*float64(rows)*float64(request)/1000/float64(all), "%model")
	b.ReportMetric(100*float64(rounds)*float64(request)/float64(took), "%rounds")
	b.ReportMetric(100*float64(busy)/float64(all), "%ceiling")
	b.ReportMetric(float64(first.Sub(began).Milliseconds()), "first-ms")
	b.ReportMetric(float64(began.Add(took).Sub(last).Milliseconds()), "last-ms")
	b.ReportMetric(float64(gaps.Microseconds())/1000/float64(max(1, len(o.writes)-workers)), "gap-ms")
	b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
	b.ReportMetric(busy.Seconds()/float64(len(o.writes)), "s/request")
}

// watchedOrg is an org that notes when the writes come and go that it is sent.
type watchedOrg struct {
	env []string // of a command that goes to it with --to env

	mu     sync.Mutex
	writes []span
}

type span struct{ from, to time.Time }

// benchmarkOrg serves an org without records, whose leads have an external id, until the benchmark ends.
func benchmarkOrg(b *testing.B, cfg localorg.Config) *watchedOrg {
	b.Helper()
	s, found := schema.Overlay(schema.Standard(), "schema.yaml", []byte(leadSchema))
	if len(found) > 0 {
		b.Fatal(found)
	}
	cfg.DB, cfg.Schema = localorg.Memory, s
	org, err := localorg.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	o := &watchedOrg{}
	handler := org.Handler()
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := time.Now()
		handler.ServeHTTP(w, r)
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/composite") {
			o.mu.Lock()
			o.writes = append(o.writes, span{from, time.Now()})
			o.mu.Unlock()
		}
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	b.Cleanup(func() {
		if err := srv.Shutdown(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			b.Error(err)
		}
		if err := org.Close(); err != nil {
			b.Error(err)
		}
	})
	o.env = []string{"SFSYNC_INSTANCE_URL=" + localorg.URL(l.Addr()), "SFSYNC_ACCESS_TOKEN=" + org.Credentials().AccessToken}
	return o
}

// benchmarkRun is a command that upserts a file of leads to the org that its environment names.
type benchmarkRun struct {
	*exec.Cmd
	rows     int
	out, err bytes.Buffer
}

func newBenchmarkRun(b *testing.B, env []string, rows int, args ...string) *benchmarkRun {
	b.Helper()
	dir := b.TempDir()
	bin, err := exec.LookPath("sfsync")
	if err != nil {
		b.Fatal(err)
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, "leads.yaml"), []byte(benchmarkMapping), 0o600),
		benchmarkLeads(filepath.Join(dir, "leads.csv"), rows),
	)
	if err != nil {
		b.Fatal(err)
	}
	c := &benchmarkRun{rows: rows, Cmd: exec.CommandContext(b.Context(), bin, append([]string{"run", "leads.yaml", "leads.csv", "--to", "env", "--json", "--progress", "none"}, args...)...)}
	c.Dir, c.Stdout, c.Stderr = dir, &c.out, &c.err
	c.Env = homeEnv(dir, env...)
	return c
}

// run runs the command: every row has to be created.
func (c *benchmarkRun) run(b *testing.B) {
	b.Helper()
	if err := c.Run(); err != nil {
		b.Fatalf("%v\n%s", err, c.err.Bytes())
	}
	s := decodeSummary(b, c.out.Bytes())
	if !s.Complete || s.Rows.Read != c.rows || len(s.Targets) != 1 || s.Targets[0].Created != c.rows {
		b.Fatalf("of %d rows: %+v", c.rows, s)
	}
}

const benchmarkMapping = `version: 1
name: leads
targets:
  - object: Lead
    match: Ext__c
    fields: {Ext__c: id, FirstName: first, LastName: last, Email: email, Company: company, Title: title, Phone: phone, City: city, Description: notes}
`

// benchmarkLeads writes a file of leads of some 170 bytes.
func benchmarkLeads(path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	_, _ = w.WriteString("id,first,last,email,company,title,phone,city,notes\n") // errors stay until Flush
	for i := range rows {
		_, _ = fmt.Fprintf(w, "K%09d,First%d,Last%d,user%09d@example.com,Company %d Ltd,Director of things %d,+1 202 555 %04d,City %d,some words that say nothing at all about row %d\n",
			i, i%977, i%7919, i, i%5003, i%31, i%10_000, i%211, i)
	}
	return errors.Join(w.Flush(), f.Close())
}

// benchmarkRows is how many rows a benchmark has if SFSYNC_BENCH_ROWS does not say.
func benchmarkRows(b *testing.B, rows int) int {
	b.Helper()
	if s := os.Getenv("SFSYNC_BENCH_ROWS"); s != "" {
		if _, err := fmt.Sscan(s, &rows); err != nil {
			b.Fatal(err)
		}
	}
	return rows
}
