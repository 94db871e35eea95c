// Package bulk is the Bulk API 2.0 of the local org: ingest jobs and query jobs, their states over time and
// their results.
//
// Jobs are kept in the org's database and run in the background. An upload is streamed to the database, rows
// are written 200 in a transaction together with what became of them, and results are read from both: memory
// does not grow with a job. A job that was running when the process died goes on when the org is opened
// again, and each row is in exactly one result set.
//
// Unconfirmed, because no recorded answer of a real org shows it: most texts of refusals other than those of
// the package's tests that say so; that a row with too few or too many values fails alone; that results are
// refused while a job runs; that a job left open for a day fails; the delimiter of results (that of the job).
package bulk

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// The allowances of an org (Bulk API 2.0 guide, limits).
const (
	DailyBatches = 15_000 // internal batches in 24 hours, shared with Bulk API 1.0
	DailyQueries = 10_000 // query jobs in 24 hours
	// MaxUpload is how large a file may be. Salesforce allows 150 MB after base64 encoding and advises
	// 100 MB; the org takes 100 MiB.
	MaxUpload = 100 << 20
	// maxMultipart is how many characters a file may have that comes with the job.
	maxMultipart = 100_000
)

// Config is what a Service needs.
type Config struct {
	Gate *rest.Gate
	// Now is the org's clock.
	Now    func() time.Time
	Logger *slog.Logger
	// As returns a request by which the org acts as a user, with that user's catalog.
	As func(user string) *rest.Request
	// Select prepares the query of a job for a user. See [Selector].
	Select Selector
	// PerJob returns how long a job takes before its first row, by the real clock; nil means no time.
	// Rows take the time that the Gate says.
	PerJob func() time.Duration
	// Workers is how many jobs run at once; 0 means 4.
	Workers int
	// Batches and Queries are the daily allowances; 0 means those of a real org.
	Batches, Queries int64
}

// Service is the Bulk API of an org. It is safe for concurrent use.
type Service struct {
	cfg   Config
	table *jobs.Table
	pool  *jobs.Pool
	// others run jobs of other kinds.
	others map[jobs.Kind]func(ctx context.Context, id string)

	mu        sync.Mutex
	uploading map[string]bool
	swept     time.Time
}

// defaultWorkers is how many jobs run at once. Rows are written one transaction at a time anyway; several
// jobs get on with one another while one of them waits or reads.
const defaultWorkers = 4

// New makes the Bulk API of an org. It does nothing before [Service.Start].
func New(cfg Config) *Service {
	if cfg.Workers == 0 {
		cfg.Workers = defaultWorkers
	}
	if cfg.Batches == 0 {
		cfg.Batches = DailyBatches
	}
	if cfg.Queries == 0 {
		cfg.Queries = DailyQueries
	}
	return &Service{
		cfg: cfg, table: &jobs.Table{Store: cfg.Gate.Store, Now: cfg.Now},
		others: map[jobs.Kind]func(context.Context, string){}, uploading: map[string]bool{},
	}
}

// Table returns where jobs are kept.
func (s *Service) Table() *jobs.Table { return s.table }

// Handle makes run be called for jobs of a kind that the Service does not run itself. It must be called
// before Start.
func (s *Service) Handle(kind jobs.Kind, run func(ctx context.Context, id string)) {
	s.others[kind] = run
}

// Start begins to run jobs, first those that were left unfinished.
func (s *Service) Start(ctx context.Context) error {
	if err := s.table.Prepare(ctx); err != nil {
		return err
	}
	ids, err := s.table.Unfinished(ctx)
	if err != nil {
		return err
	}
	s.pool = jobs.NewPool(s.cfg.Workers, s.run)
	for _, id := range ids {
		s.pool.Add(id)
	}
	return nil
}

// Close stops the jobs that run and waits for them; they go on when the org is opened again. It must be
// called before the store is closed.
func (s *Service) Close() {
	if s.pool != nil {
		s.pool.Close()
	}
}

// Enqueue has a job run in the background.
func (s *Service) Enqueue(id string) { s.pool.Add(id) }

// Reset removes all jobs, within a transaction. Those that run stop.
func (s *Service) Reset(tx *store.Tx) error { return s.table.Reset(tx) }

// Used returns what is used up of the daily allowances, by the names that /limits has for them.
func (s *Service) Used(ctx context.Context, tx *store.Tx) (map[string]int64, error) {
	batches, queries, err := s.table.UsedIn(ctx, tx)
	return map[string]int64{"DailyBulkApiBatches": batches, "DailyBulkV2QueryJobs": queries}, err
}

// Sees reports whether the caller of a request may know a job and its data: whose it is, and those who may do
// everything. To others it is not there. (What real orgs answer to them is unconfirmed.)
func Sees(rq *rest.Request, j *jobs.Job) bool {
	a := rq.Catalog.Access()
	return a == nil || a.ModifyAllData || j.CreatedBy == rq.Caller.UserID
}

// run runs a job, whatever its kind.
func (s *Service) run(ctx context.Context, id string) {
	j, err := s.table.Job(ctx, id)
	switch {
	case err != nil:
	case j == nil:
		return // deleted
	case j.Kind == jobs.Ingest:
		err = s.runIngest(ctx, j)
	case j.Kind == jobs.Query:
		err = s.runQuery(ctx, j)
	case s.others[j.Kind] != nil:
		s.others[j.Kind](ctx, id)
	}
	if err == nil || errors.Is(err, jobs.ErrGone) || ctx.Err() != nil {
		return
	}
	s.cfg.Logger.Error("bulk job", "id", id, "err", err)
	if err := s.fail(id, "Unknown : "+err.Error()); err != nil {
		s.cfg.Logger.Error("fail bulk job", "id", id, "err", err)
	}
}

// fail ends a job that is not over yet.
func (s *Service) fail(id, message string) error {
	_, err := s.table.Change(context.Background(), id, func(_ *store.Tx, j *jobs.Job) error {
		if !j.State.Ended() {
			j.State, j.Error = jobs.Failed, message
		}
		return nil
	})
	return err
}

// Pause waits as long as a job takes before its first row, and returns an error if ctx ends before.
func (s *Service) Pause(ctx context.Context) error {
	if s.cfg.PerJob != nil && !rest.Sleep(ctx, s.cfg.PerJob()) {
		return ctx.Err()
	}
	return nil
}

// sweepEvery is how often old jobs are looked for, by the org's clock.
const sweepEvery = time.Minute

// sweep removes old jobs now and then.
func (s *Service) sweep(ctx context.Context) error {
	now := s.cfg.Now()
	s.mu.Lock()
	due := now.Sub(s.swept) >= sweepEvery || now.Before(s.swept)
	if due {
		s.swept = now
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.table.Sweep(ctx)
}
