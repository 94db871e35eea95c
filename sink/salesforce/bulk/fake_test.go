package bulk

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/transfer"
)

// fake is an org with jobs and no records: it answers what it is told to of each row, rows and columns
// in another order than they came.
type fake struct {
	t    *testing.T
	jobs []*fakeJob
	// outcome says what becomes of a row: "ok", "created", "none" for no result, "unprocessed", or an
	// error as the org writes it.
	outcome func(cells map[string]string) string
	fates   []string // outcomes by the rows' places, instead
	// polls is how many polls find the job under way; progress the records done at each.
	polls    int
	progress func(poll int) int64
	ends     State
	message  string
	// trouble is asked before a request is carried out, and after: an error is the answer.
	trouble func(when, method, path string) error
	// page, if it gives one, is what comes instead of a result file.
	page  func(path string) string
	calls []string
}

type fakeJob struct {
	id     string
	spec   map[string]string
	state  State
	header []string
	rows   [][]string
	data   string
	asked  int
	done   int64
}

func (f *fake) Transfer(ctx context.Context, r *transfer.Request) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	f.calls = append(f.calls, r.Method+" "+r.Path)
	if f.trouble != nil {
		if err := f.trouble("before", r.Method, r.Path); err != nil {
			return err
		}
	}
	if err := f.do(r); err != nil {
		return err
	}
	if f.trouble != nil {
		return f.trouble("after", r.Method, r.Path)
	}
	return nil
}

func refused(code, message string) error {
	return &sink.Error{Class: sink.Config, Code: code, Message: message, HTTPStatus: 400}
}

func lost() error { return &sink.Error{Class: sink.Network, Code: "NO_ANSWER", Lost: true} }

func (f *fake) do(r *transfer.Request) error {
	if r.Method == http.MethodPost {
		body, _ := json.Marshal(r.JSON)
		j := &fakeJob{id: fmt.Sprintf("750%012dAAA", len(f.jobs)+1), state: Open}
		if err := json.Unmarshal(body, &j.spec); err != nil {
			return refused("JSON_PARSER_ERROR", err.Error())
		}
		f.jobs = append(f.jobs, j)
		return f.answer(r, j)
	}
	id, what, _ := strings.Cut(strings.TrimPrefix(r.Path, "/jobs/ingest/"), "/")
	for _, j := range f.jobs {
		if j.id != id {
			continue
		}
		switch {
		case r.Method == http.MethodPut && what == "batches":
			if j.data != "" || j.state != Open {
				return refused("BULK_API_ERROR", "more than one upload")
			}
			raw, err := io.ReadAll(io.NewSectionReader(r.Data, 0, r.Size))
			if err != nil {
				return err
			}
			j.data = string(raw)
			all, err := csv.NewReader(strings.NewReader(j.data)).ReadAll()
			if err != nil {
				f.t.Errorf("the upload is no CSV: %v", err)
			}
			j.header, j.rows = all[0], all[1:]
			return nil
		case r.Method == http.MethodPatch:
			if j.state != Open {
				return refused("INVALIDJOBSTATE", "the job is "+string(j.state))
			}
			j.state = r.JSON.(map[string]State)["state"]
			return f.answer(r, j)
		case what == "":
			if j.asked++; f.progress != nil {
				j.done = f.progress(j.asked)
			}
			if j.state == UploadComplete && j.asked > f.polls {
				j.state = f.ends
			}
			return f.answer(r, j)
		case r.To != nil:
			if f.page != nil {
				if text := f.page(r.Path); text != "" {
					_, err := transfer.Fill(r.To, strings.NewReader(text))
					return err
				}
			}
			return f.results(j, what, r.To)
		}
	}
	return refused("NOT_FOUND", "no job "+r.Path)
}

func (f *fake) answer(r *transfer.Request, j *fakeJob) error {
	info := r.Into.(*Info)
	*info = Info{ID: j.id, Operation: j.spec["operation"], State: j.state, Processed: j.done}
	if j.state == Failed {
		info.Message = f.message
	}
	return nil
}

func (f *fake) results(j *fakeJob, set string, to transfer.Sink) error {
	var b strings.Builder
	w := csv.NewWriter(&b)
	order := rand.Perm(len(j.header))
	header := []string{}
	switch set {
	case "successfulResults":
		header = append(header, "sf__Id", "sf__Created")
	case "failedResults":
		header = append(header, "sf__Id", "sf__Error")
	}
	for _, c := range order {
		header = append(header, j.header[c])
	}
	_ = w.Write(header)
	for _, i := range rand.Perm(len(j.rows)) {
		cells := map[string]string{}
		for c, h := range j.header {
			cells[h] = j.rows[i][c]
		}
		var out []string
		o := ""
		if f.fates != nil {
			o = f.fates[i]
		} else {
			o = f.outcome(cells)
		}
		switch {
		case o == "none", (o == "unprocessed") != (set == "unprocessedrecords"):
			continue
		case o == "unprocessed":
		case (o == "ok" || o == "created") != (set == "successfulResults"):
			continue
		case set == "failedResults":
			out = append(out, "", o)
		default:
			id := fmt.Sprintf("00Q%012dAAA", i)
			if cells["Id"] != "" {
				id = cells["Id"]
			}
			out = append(out, id, fmt.Sprint(o == "created"))
		}
		for _, c := range order {
			out = append(out, j.rows[i][c])
		}
		_ = w.Write(out)
	}
	w.Flush()
	_, err := transfer.Fill(to, strings.NewReader(b.String()))
	return err
}

// clock is a time that passes only while somebody sleeps.
type clock struct {
	now   time.Time
	slept []time.Duration
}

func (f *fake) run() (*Jobs, *clock) {
	if f.ends == "" {
		f.ends = JobComplete
	}
	if f.outcome == nil {
		f.outcome = func(map[string]string) string { return "created" }
	}
	c := &clock{now: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
	return &Jobs{
		Org: f, Dir: f.t.TempDir(),
		Now: func() time.Time { return c.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			c.now = c.now.Add(d)
			c.slept = append(c.slept, d)
			return context.Cause(ctx)
		},
	}, c
}

// upserts are a file of n records with the keys k0 …
func upserts(t *testing.T, n int) *File {
	t.Helper()
	f, err := NewFile(t.TempDir(), Spec{Object: "Lead", Action: sink.Upsert, Key: "Ext__c", Fold: strings.ToLower}, row.NewSchema(row.Column{Name: "Ext__c"}, row.Column{Name: "LastName"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	b := row.New(f.schema)
	for i := range n {
		b.AddRow(int64(i + 1))
		b.Set(i, 0, row.Text, fmt.Sprintf("K%d", i))
		b.Set(i, 1, row.Text, fmt.Sprintf("Name %d", i))
		add(t, f, &sink.Record{Batch: b, Row: i, Action: sink.Upsert})
	}
	return f
}

func add(t *testing.T, f *File, r *sink.Record) {
	t.Helper()
	if ok, refused, err := f.Add(r); !ok || refused != nil || err != nil {
		t.Fatalf("%t, %v, %v", ok, refused, err)
	}
}

// collect runs a job and returns the results by place.
func collect(t *testing.T, ctx context.Context, j *Jobs, f *File) ([]sink.Result, error) { //nolint:revive // t first, as in all helpers
	t.Helper()
	results := make([]sink.Result, f.Len())
	told := make([]bool, f.Len())
	err := j.Run(ctx, f, func(place int, r sink.Result) {
		if told[place] {
			t.Errorf("record %d is told of twice", place)
		}
		told[place], results[place] = true, r
	})
	for i, ok := range told {
		if !ok {
			t.Errorf("record %d is not told of", i)
		}
	}
	return results, err
}
