// Package limit says what a local org can take and how long things take it: calls a day, long
// requests at once, the time of a request, a record and a job. It answers /limits.
package limit

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that JSON has as text ("150ms").
type Duration time.Duration

// MarshalText writes d as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("a duration is such as 150ms or 2s, not %q", text)
	}
	*d = Duration(v)
	return nil
}

// Settings say what an org can take and how long things take it.
type Settings struct {
	// DailyCalls is how many API calls the org answers on one UTC day. (A real org counts the last
	// 24 hours.)
	DailyCalls int64 `json:"daily_calls"`
	// Latency passes before the answer to each request.
	Latency Duration `json:"latency"`
	// RowLatency is how long the writing of a record takes. As long as a transaction takes it holds the
	// locks on its records and their parents; if records take no time, nothing is ever locked.
	RowLatency Duration `json:"row_latency"`
	// JobLatency is how long a Bulk job takes before its first record.
	JobLatency Duration `json:"job_latency"`
	// LockWait is how long a transaction waits for locks (about 10 s; the figure is unconfirmed).
	LockWait Duration `json:"lock_wait"`
	// MaxLong is how many requests may run at once that have run for LongRequest or more; while
	// there are as many, others are refused.
	MaxLong     int      `json:"max_long_requests"`
	LongRequest Duration `json:"long_request"`
}

// Default returns the settings of a full sandbox (limits guide: 5,000,000 calls a day, 25 requests
// of 20 s or more at once), in which nothing takes time.
func Default() Settings {
	return Settings{
		DailyCalls: 5_000_000, LockWait: Duration(10 * time.Second),
		MaxLong: 25, LongRequest: Duration(20 * time.Second),
	}
}

// maxTime bounds the settings that are times.
const maxTime = Duration(10 * time.Minute)

// check refuses settings that cannot be meant.
func (s *Settings) check() error {
	if s.DailyCalls < 0 {
		return fmt.Errorf("daily_calls is negative: %d", s.DailyCalls)
	}
	if s.MaxLong < 1 {
		return fmt.Errorf("max_long_requests is less than 1: %d", s.MaxLong)
	}
	for _, f := range []struct {
		name string
		d    Duration
	}{
		{"latency", s.Latency},
		{"row_latency", s.RowLatency},
		{"job_latency", s.JobLatency},
		{"lock_wait", s.LockWait},
		{"long_request", s.LongRequest},
	} {
		if f.d < 0 || f.d > maxTime {
			return fmt.Errorf("%s is not from 0s to %v: %v", f.name, time.Duration(maxTime), time.Duration(f.d))
		}
	}
	return nil
}
