package outcome

import (
	"testing"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/pipeline/report"
)

func TestThreshold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text       string
		failed, of int64
		exceeded   bool
	}{
		{"0", 0, 0, false},
		{"0", 1, 1, true},
		{"12", 12, 13, false},
		{"12", 13, 13, true},
		{"0%", 0, 5, false},
		{"0%", 1, 5, true},
		{"2.5%", 25, 1000, false},
		{"2.5%", 26, 1000, true},
		{"100%", 7, 7, false},
		{" 3 ", 4, 9, true},
	} {
		var th Threshold
		if err := th.Set(tt.text); err != nil {
			t.Errorf("%q: %v", tt.text, err)
		}
		if got := th.Exceeds(tt.failed, tt.of); got != tt.exceeded {
			t.Errorf("%q: %d of %d exceeded is %v", tt.text, tt.failed, tt.of, got)
		}
	}
	for _, bad := range []string{"", "-1", "1.5", "%", "-1%", "100.1%", "NaN%", "few", "1 %%", "9223372036854775808"} {
		if err := new(Threshold).Set(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestRowsCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n         report.RowCounts
		tolerated string
		complete  bool
		want      exit.Code
	}{
		{report.RowCounts{Read: 0}, "0", true, exit.OK},
		{report.RowCounts{Read: 5, Succeeded: 5}, "0", true, exit.OK},
		{report.RowCounts{Read: 5, Succeeded: 4, Failed: 1}, "0", true, exit.SomeFailed},
		{report.RowCounts{Read: 5, Succeeded: 4, Failed: 1}, "1", true, exit.OK},
		{report.RowCounts{Read: 5, Failed: 5}, "0", true, exit.AllFailed},
		{report.RowCounts{Read: 5, Failed: 5}, "100%", true, exit.OK},
		{report.RowCounts{Read: 5, Failed: 5}, "0", false, exit.SomeFailed},
		{report.RowCounts{Read: 5, Failed: 4, Skipped: 1}, "0", true, exit.SomeFailed},
		{report.RowCounts{Read: 5, Succeeded: 4, Unknown: 1}, "5", true, exit.SomeUnknown},
		{report.RowCounts{Read: 5, Failed: 4, Unknown: 1}, "0", true, exit.SomeUnknown},
	} {
		var th Threshold
		if err := th.Set(tt.tolerated); err != nil {
			t.Fatal(err)
		}
		if got := Code(tt.n, th, tt.complete); got != tt.want {
			t.Errorf("%+v, tolerated %s: %d, want %d", tt.n, tt.tolerated, got, tt.want)
		}
	}
}
