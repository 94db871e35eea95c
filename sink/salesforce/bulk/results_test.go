package bulk

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Errors are shaped as real orgs wrote them.
func TestParseError(t *testing.T) {
	for _, c := range []struct {
		in   string
		want sink.Error
	}{
		{
			"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
			sink.Error{Code: "REQUIRED_FIELD_MISSING", Message: "Required fields are missing: [LastName]", Fields: []string{"LastName"}},
		},
		{
			"INVALID_FIELD:Foreign key external ID: e-9 not found for field ERP_Id__c in entity Account:--",
			sink.Error{Code: "INVALID_FIELD", Message: "Foreign key external ID: e-9 not found for field ERP_Id__c in entity Account"},
		},
		{
			"FIELD_CUSTOM_VALIDATION_EXCEPTION:Phone: or\ne-mail, please:Phone,Email --",
			sink.Error{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: "Phone: or\ne-mail, please", Fields: []string{"Phone", "Email"}},
		},
		{"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--", sink.Error{Class: sink.Retry, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access"}},
		{"ENTITY_IS_DELETED:entity is deleted:--", sink.Error{Code: "ENTITY_IS_DELETED", Message: "entity is deleted"}},
		{"DUPLICATE_VALUE:duplicate value found: Ext__c duplicates value on record with id: 00Q", sink.Error{Code: "DUPLICATE_VALUE", Message: "duplicate value found: Ext__c duplicates value on record with id: 00Q"}},
		{"no code at all", sink.Error{Class: sink.Retry, Code: "UNKNOWN_EXCEPTION", Message: "no code at all"}},
		{"a sentence: with a colon", sink.Error{Class: sink.Retry, Code: "UNKNOWN_EXCEPTION", Message: "a sentence: with a colon"}},
		{"", sink.Error{Class: sink.Retry, Code: "UNKNOWN_EXCEPTION"}},
	} {
		if d := cmp.Diff(&c.want, ParseError(c.in)); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.in, d)
		}
	}
}

func FuzzParseError(f *testing.F) {
	for _, s := range []string{"A:b:c --", "A:b:--", "A", ":", "--", "A::: --", "\n:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if e := ParseError(s); e.Code == "" || strings.ContainsAny(e.Code, " \n") {
			t.Fatalf("%q: the code is %q", s, e.Code)
		}
	})
}

// Rows without a key are known by all they hold; those that are alike are interchangeable.
func TestResultsAreJoinedByContent(t *testing.T) {
	s := row.NewSchema(row.Column{Name: "LastName"}, row.Column{Name: "Title"})
	f := newFile(t, Spec{Object: "Lead", Action: sink.Create}, s)
	b := row.New(s)
	for i := range 90 {
		b.AddRow(int64(i))
		b.Set(i, 0, row.Text, []string{"A", "B, \"x\"", "C\r\nD"}[i%3])
		if i%2 == 0 {
			b.SetKind(i, 1, row.Null)
		}
		add(t, f, &sink.Record{Batch: b, Row: i, Action: sink.Create})
	}
	org := &fake{t: t, outcome: func(c map[string]string) string {
		switch {
		case c["LastName"] == "A":
			return "STRING_TOO_LONG:too long:LastName --"
		case c["Title"] == null && strings.HasPrefix(c["LastName"], "B"):
			return "none"
		}
		return "created"
	}}
	jobs, _ := org.run()
	res, err := collect(t, t.Context(), jobs, f)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for i, r := range res {
		want := sink.Created
		switch {
		case i%3 == 0:
			want = sink.Failed
		case i%3 == 1 && i%2 == 0:
			want = sink.Unknown
		}
		if r.Status != want || r.Status == sink.Created && ids[r.ID] {
			t.Fatalf("record %d: %+v, want %s", i, r, want)
		}
		ids[r.ID] = true
	}
}

// Of rows that are alike as many get each outcome as there were; no outcome goes to a row of another
// content, and none is told twice.
func TestContentProperty(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		s := row.NewSchema(row.Column{Name: "LastName"}, row.Column{Name: "Title"})
		f, err := NewFile(dir, Spec{Object: "Lead", Action: sink.Create}, s)
		if err != nil {
			rt.Fatal(err)
		}
		defer f.Close()
		org := &fake{t: t}
		texts := rapid.SampledFrom([]string{"a", "b,\"", "c\nd", "e\r\nf", " g ", "\x1f", "é", ""})
		var contents []string
		for range rapid.IntRange(1, 60).Draw(rt, "rows") {
			b := row.New(s)
			b.AddRow(1)
			content := ""
			for c := range 2 {
				v := texts.Draw(rt, "text")
				b.Set(0, c, row.Text, v)
				content += "|" + v
			}
			if ok, refused, err := f.Add(&sink.Record{Batch: b, Action: sink.Create}); !ok || refused != nil || err != nil {
				rt.Fatal(ok, refused, err)
			}
			contents = append(contents, content)
			org.fates = append(org.fates, rapid.SampledFrom([]string{"created", "X:no:--", "none", "unprocessed"}).Draw(rt, "fate"))
		}
		jobs, _ := org.run()
		want, got := map[string]int{}, map[string]int{}
		for i, fate := range org.fates {
			status := map[string]sink.Status{"created": sink.Created, "X:no:--": sink.Failed, "none": sink.Unknown, "unprocessed": sink.NotSent}[fate]
			want[contents[i]+" "+status.String()]++
		}
		told := map[int]bool{}
		err = jobs.Run(t.Context(), f, func(place int, r sink.Result) {
			if told[place] {
				rt.Fatalf("record %d is told of twice", place)
			}
			told[place] = true
			got[contents[place]+" "+r.Status.String()]++
		})
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatalf("-want +got:\n%s", d)
		}
	})
}

// Updates and deletions are known by their ids, also where the file had 15 characters of them.
func TestResultsAreJoinedByID(t *testing.T) {
	for _, act := range []sink.Action{sink.Update, sink.Delete} {
		s := row.NewSchema(row.Column{Name: "LastName"})
		f := newFile(t, Spec{Object: "Lead", Action: act}, s)
		b := row.New(s)
		for i := range 20 {
			b.AddRow(int64(i))
			b.Set(i, 0, row.Text, "same")
			add(t, f, &sink.Record{Batch: b, Row: i, Action: act, ID: "00Q" + leftPad(i) + "AAA"[:3*(i%2)]})
		}
		org := &fake{t: t, outcome: func(c map[string]string) string {
			if act == sink.Delete && strings.HasSuffix(c["Id"], "7AAA") {
				return "ENTITY_IS_DELETED:entity is deleted:--"
			}
			return "ok"
		}}
		jobs, _ := org.run()
		res, err := collect(t, t.Context(), jobs, f)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range res {
			want := sink.Updated
			if act == sink.Delete {
				want = sink.Deleted
			}
			if act == sink.Delete && i%10 == 7 {
				if r.Status != sink.Failed || r.Err == nil || r.Err.Code != "ENTITY_IS_DELETED" {
					t.Fatalf("what was gone before: %+v", r)
				}
				continue
			}
			if r.Status != want || r.ID[:15] != "00Q"+leftPad(i) {
				t.Fatalf("%s, record %d: %+v", act, i, r)
			}
		}
	}
}

// The results of a job keep none of the text of the result files in memory but ids and errors.
func TestResultsKeepNoRows(t *testing.T) {
	const rows, wide = 400, 50_000
	f := upserts(t, 0)
	b := row.New(f.schema)
	for i := range rows {
		b.Reset(f.schema)
		b.AddRow(1)
		b.Set(0, 0, row.Text, fmt.Sprintf("W%d", i))
		b.Set(0, 1, row.Text, strings.Repeat("x", wide))
		add(t, f, &sink.Record{Batch: b, Action: sink.Upsert})
	}
	jobs, _ := (&fake{t: t, outcome: func(cells map[string]string) string {
		if strings.HasSuffix(cells["Ext__c"], "7") {
			return "REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --"
		}
		return "created"
	}}).run()
	results := make([]sink.Result, f.Len())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := jobs.Run(t.Context(), f, func(place int, r sink.Result) { results[place] = r }); err != nil {
		t.Fatal(err)
	}
	jobs.Org = nil // with the upload and the files that it keeps
	runtime.GC()
	runtime.ReadMemStats(&after)
	if results[0].ID == "" || results[7].Err == nil {
		t.Errorf("%+v", results[:8])
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > rows*wide/10 {
		t.Errorf("%d results keep %d bytes", len(results), kept)
	}
	runtime.KeepAlive(results)
}

// A page of a gateway that comes with the status of a success is no result file, and nor is one that breaks off in a
// row: they are asked for again, and if nothing else comes the job stays open to be asked about later.
func TestResultsThatAreNone(t *testing.T) {
	for name, page := range map[string]string{
		"a page":             "<html>\n<body>We are down for maintenance, please come back.</body>\n</html>\n",
		"an answer in JSON":  `[{"errorCode":"SERVER_UNAVAILABLE","message":"busy"}]`,
		"another file":       "\"Id\",\"Name\"\n\"001000000000001AAA\",\"Acme\"\n",
		"a row that is open": "\"sf__Id\",\"sf__Created\",\"sf__Error\",Ext__c\n\"00Q000000000000AAA\",\"true\",\"\",\"k0\n",
	} {
		for _, set := range []string{"successfulResults", "failedResults", "unprocessedrecords"} {
			for _, times := range []int{2, downloads} {
				f := &fake{t: t, outcome: func(c map[string]string) string {
					return map[string]string{"K0": "created", "K1": "DUPLICATE_VALUE:there is one:Ext__c --"}[c["Ext__c"]]
				}}
				left := times
				f.page = func(path string) string {
					if left == 0 || !strings.HasSuffix(path, set) {
						return ""
					}
					left--
					return page
				}
				jobs, c := f.run()
				res, err := collect(t, t.Context(), jobs, upserts(t, 2))
				if times < downloads {
					if err != nil || res[0].Status != sink.Created || res[1].Status != sink.Failed || res[1].Err.Code != "DUPLICATE_VALUE" {
						t.Errorf("%s for %s: %+v, %v", name, set, res, err)
					}
					continue
				}
				var e *sink.Error
				if !errors.As(err, &e) || e.Class != sink.Network || e.Code != "BAD_ANSWER" || len(c.slept) < downloads {
					t.Errorf("%s for %s, for good: %v after %v", name, set, err, c.slept)
				}
			}
		}
	}
}
