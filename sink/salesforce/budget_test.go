package salesforce

import (
	"testing"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// The fake org says that it has used 100 of 15,000 calls and what it was asked since.
func TestBudget(t *testing.T) {
	for _, c := range []struct {
		name   string
		budget Budget
		calls  int // that the client can still make: describes, lookups and writes
		left   int // what Left says before; the org has said 101 used
	}{
		{"none", Budget{}, 6, -1},
		{"calls", Budget{Calls: 3}, 2, 2}, // connecting has taken one
		{"reserve", Budget{Reserve: 14898}, 2, 1},
		{"reserve in percent", Budget{ReservePercent: 99.32}, 2, 1},
		{"used up before", Budget{Calls: 1}, 0, 0},
		{"the stricter one", Budget{Calls: 5, Reserve: 14898}, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			w, _ := f.impatient(func(cfg *Config) { cfg.Budget = c.budget })
			var err error
			if pool, left := w.c.Left(); pool != 14899 || left != int64(c.left) {
				t.Errorf("%d of the org's calls left, %d of the budget, want 14899 and %d", pool, left, c.left)
			}
			sent := 0
			for range 6 {
				res := make([]sink.Result, 1)
				if err = w.Write(t.Context(), leads(1, sink.Upsert), res); err != nil {
					if res[0].Status != sink.NotSent {
						t.Errorf("a record that the budget kept back is %v", res[0].Status)
					}
					break
				}
				sent++
			}
			if sent != c.calls || len(f.counted()) != sent {
				t.Errorf("%d calls, want %d", sent, c.calls)
			}
			if sent == 6 {
				return
			}
			wantError(t, err, sink.Later, catalog.CodeBudget)
			wantError(t, w.Lookup(t.Context(), lookupOf(leadTarget(), []string{"a"})), sink.Later, catalog.CodeBudget)
			wantError(t, w.c.Afford(), sink.Later, catalog.CodeBudget)
		})
	}
}
