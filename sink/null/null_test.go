package null

import (
	"strings"
	"testing"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/sinktest"
)

func TestConformance(t *testing.T) {
	sinktest.Test(t, func(*testing.T) sinktest.Harness {
		return sinktest.Harness{
			Writer:    &Writer{},
			Target:    &sink.Target{Object: "Lead", Key: "Ext__c", Fold: strings.ToLower},
			Schema:    row.NewSchema(row.Column{Name: "Ext__c"}, row.Column{Name: "LastName"}),
			Text:      1,
			Stateless: true,
		}
	})
}

func TestIDs(t *testing.T) {
	b := row.New(row.NewSchema(row.Column{Name: "LastName"}))
	req := &sink.Request{Target: &sink.Target{Object: "Lead"}}
	for i := range 3 {
		b.AddRow(int64(i + 1))
		req.Records = append(req.Records, sink.Record{Batch: b, Row: i, Action: sink.Create})
	}
	w := &Writer{}
	results := make([]sink.Result, 3)
	for range 20 {
		if err := w.Write(t.Context(), req, results); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := results[2].ID, "00000000000001oAAA"; got != want { // 60 in base 36
		t.Errorf("the 60th id is %s, want %s", got, want)
	}
	if n := testing.AllocsPerRun(100, func() { _ = w.Write(t.Context(), req, results) }); n > 2 {
		t.Errorf("%v allocations a request", n)
	}
}
