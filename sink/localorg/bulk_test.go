package localorg

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sfsync/sink/localorg/bulk"
	"sfsync/sink/localorg/store"
)

// Each internal batch of 10,000 rows counts towards the daily allowance, as /limits shows it; a job beyond it
// fails, and what it did not write is unprocessed.
func TestBulkAllowance(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	left := func() int {
		var limits map[string]struct{ Remaining int }
		if err := json.Unmarshal([]byte(o.do("GET", "/limits", "").body), &limits); err != nil {
			t.Fatal(err)
		}
		return limits["DailyBulkApiBatches"].Remaining
	}
	if err := o.store.Update(t.Context(), func(tx *store.Tx) error { return o.bulk.Table().Use(tx, bulk.DailyBatches-1, 0) }); err != nil {
		t.Fatal(err)
	}
	if n := left(); n != 1 {
		t.Errorf("%d left", n)
	}
	type job struct {
		ID, State, ErrorMessage string
		NumberRecordsProcessed  int
	}
	read := func(body string) (j job) {
		if err := json.Unmarshal([]byte(body), &j); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		return j
	}
	path := "/jobs/ingest/" + read(o.do("POST", "/jobs/ingest", `{"object":"Lead","operation":"insert"}`).body).ID
	o.do("PUT", path+"/batches", "LastName,Company\n"+strings.Repeat("A,B\n", 10_100))
	o.do("PATCH", path, `{"state":"UploadComplete"}`)
	var j job
	for range 60_000 {
		if j = read(o.do("GET", path, "").body); j.State == "Failed" {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	if j.ErrorMessage != "ExceededQuota : ApiBatchItems Limit exceeded." || j.NumberRecordsProcessed != 10_000 {
		t.Errorf("%+v", j)
	}
	good := strings.Count(o.do("GET", path+"/successfulResults", "").body, "\n") - 1
	rest := strings.Count(o.do("GET", path+"/unprocessedrecords", "").body, "\n") - 1
	if good != 10_000 || rest != 100 || o.count("Lead") != 10_000 || left() != 0 {
		t.Errorf("%d good, %d unprocessed, %d left", good, rest, left())
	}
}
