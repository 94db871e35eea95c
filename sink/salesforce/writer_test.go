package salesforce

import (
	"testing"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/sinktest"
)

func TestConformance(t *testing.T) {
	sinktest.Test(t, func(t *testing.T) sinktest.Harness {
		f := newFake(t)
		return sinktest.Harness{
			Writer: f.writer(),
			Target: leadTarget(),
			Schema: leadSchema(),
			Text:   3,
			Fixed:  map[int]string{1: "Someone", 2: "Acme"},
			Refuse: func(b *row.Batch, r int) { b.Set(r, 1, row.Text, "refuse") },
			Read: func(_ *testing.T, key string) (string, bool) {
				f.mu.Lock()
				defer f.mu.Unlock()
				found := f.find("Ext__c", key)
				if len(found) != 1 {
					return "", false
				}
				s, _ := found[0]["Title"].(string)
				return s, true
			},
		}
	})
}

func TestAThousandRecordsAreOneCall(t *testing.T) {
	f := newFake(t)
	w := f.writer()
	f.counted()
	res := write(t, w, leads(1000, sink.Upsert))
	if got := tally(res); got["created"] != 1000 {
		t.Errorf("outcomes: %v", got)
	}
	if calls := f.counted(); len(calls) != 1 {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
	if u := w.c.Calls(); u.Made != 2 || u.Used != 101 || u.Max != 15000 { // the organization record and this
		t.Errorf("usage: %+v", u)
	}
}
