package jobs

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sfsync/sink/localorg/catalog"
)

// Outcomes come back as they were kept, whatever their texts.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Outcome {
			if rapid.Bool().Draw(t, "ok") {
				return Outcome{ID: rapid.StringMatching(`[a-zA-Z0-9]{18}`).Draw(t, "id"), Created: rapid.Bool().Draw(t, "created")}
			}
			return Outcome{ID: rapid.StringMatching(`([a-zA-Z0-9]{15,18}|x{120,300})?`).Draw(t, "id"), Error: "E:" + rapid.String().Draw(t, "error")}
		})).Draw(t, "outcomes")
		var b []byte
		for _, o := range list {
			b = AppendOutcome(b, o)
		}
		kept := slices.Clone(b)
		for _, want := range list {
			var got Outcome
			var err error
			if got, b, err = CutOutcome(b); err != nil || got != want {
				t.Fatalf("%+v, %v; want %+v", got, err, want)
			}
		}
		if _, _, err := CutOutcome(b); err == nil {
			t.Fatal("there is one too many")
		}
		// A damaged result is told, never invented.
		if len(kept) > 0 {
			for cut := kept[:rapid.IntRange(0, len(kept)-1).Draw(t, "cut")]; ; {
				var err error
				if _, cut, err = CutOutcome(cut); err != nil {
					break
				}
			}
		}
	})
	if got, want := len(AppendOutcome(nil, Outcome{ID: "00Q000000000001AAA", Created: true})), 19; got != want {
		t.Errorf("a row takes %d bytes, want %d", got, want)
	}
}

// The form of sf__Error: fields behind the last colon, two dashes at the end (recorded with fields).
func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*catalog.Error{
		"REQUIRED_FIELD_MISSING:Required fields are missing: [A, B]:A,B --": {Code: "REQUIRED_FIELD_MISSING", Message: "Required fields are missing: [A, B]", Fields: []string{"A", "B"}},
		"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--":           {Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access"},
	} {
		if got := ErrorText(e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	both := &catalog.Error{Code: "A_B", Message: "so -- and: so", Fields: []string{"F"}, More: []*catalog.Error{{Code: "C", Message: "d"}}}
	text := ErrorText(both)
	if text != "A_B:so -- and: so:F --C:d:--" {
		t.Errorf("several errors: %q", text)
	}
	first, rest := CutError(text)
	second, end := CutError(rest)
	if first.Code != "A_B" || first.Message != "so -- and: so" || len(first.Fields) != 1 || second.Code != "C" || second.Message != "d" || second.Fields != nil || end != "" {
		t.Errorf("%+v, %+v, %q", first, second, end)
	}
}

// A pool runs jobs in order, a few at a time, one job never twice at once, and none after Close.
func TestPool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log []string
		running := map[string]int{}
		most := 0
		p := NewPool(2, func(ctx context.Context, id string) {
			mu.Lock()
			log = append(log, id)
			running[id]++
			total := 0
			for other, n := range running {
				if total += n; n > 1 {
					t.Errorf("%s runs twice at once", other)
				}
			}
			most = max(most, total)
			mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			mu.Lock()
			running[id]--
			mu.Unlock()
		})
		for _, id := range strings.Split("a b c a c d", " ") {
			p.Add(id)
			synctest.Wait()
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		mu.Lock()
		if got := strings.Join(log, ""); most != 2 || len(got) != 6 && len(got) != 5 || !strings.HasPrefix(got, "ab") || strings.Count(got, "a") != 2 {
			t.Errorf("ran %s, %d at once", got, most)
		}
		log = nil
		mu.Unlock()
		p.Add("e")
		synctest.Wait()
		p.Add("f")
		synctest.Wait()
		p.Close()
		p.Add("g")
		if got := strings.Join(log, ""); got != "ef" {
			t.Errorf("ran %s", got)
		}
	})
}
