package limit

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/rest"
)

// Model applies settings. It is safe for concurrent use.
type Model struct {
	now      func() time.Time
	calls    *journal.Counter
	settings atomic.Pointer[Settings]

	mu      sync.Mutex
	next    int64
	running map[int64]time.Time // the requests under way and when they began
}

// New returns a model with settings, which counts calls in calls and reads the org's clock.
func New(s Settings, calls *journal.Counter, now func() time.Time) (*Model, error) {
	m := &Model{now: now, calls: calls, running: map[int64]time.Time{}}
	err := m.Set(s)
	return m, err
}

// Settings returns the settings as they are now.
func (m *Model) Settings() Settings { return *m.settings.Load() }

// Set changes the settings, or refuses them.
func (m *Model) Set(s Settings) error {
	if err := s.check(); err != nil {
		return err
	}
	m.settings.Store(&s)
	return nil
}

// Pace returns how long a record takes and how long a transaction waits for a lock.
func (m *Model) Pace() (row, lockWait time.Duration) {
	s := m.settings.Load()
	return time.Duration(s.RowLatency), time.Duration(s.LockWait)
}

// Begin lets a request in until end is called, or refuses it because too many long ones are
// running.
func (m *Model) Begin() (end func(), refused *rest.Response) {
	s := m.settings.Load()
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.running) >= s.MaxLong {
		long := 0
		for _, began := range m.running {
			if now.Sub(began) >= time.Duration(s.LongRequest) {
				long++
			}
		}
		if long >= s.MaxLong {
			return nil, rest.Failure(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
		}
	}
	m.next++
	n := m.next
	m.running[n] = now
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.running, n)
	}, nil
}

// Count counts an API call, or refuses it because the day's calls are used up.
func (m *Model) Count() *rest.Response {
	if m.calls.Take(m.now(), m.settings.Load().DailyCalls) {
		return nil
	}
	return rest.Failure(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
}

// Info is the header Sforce-Limit-Info.
func (m *Model) Info() string {
	return "api-usage=" + strconv.FormatInt(m.calls.Today(m.now()), 10) + "/" + strconv.FormatInt(m.settings.Load().DailyCalls, 10)
}
