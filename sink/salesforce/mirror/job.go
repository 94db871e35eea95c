package mirror

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sfsync/pipeline/spill"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/estimate"
	"sfsync/sink/salesforce/lookup"
	"sfsync/sink/salesforce/transfer"
)

const (
	jobs = "/jobs/query"
	// patience is how long a job may take before lookups go on without it.
	patience = 15 * time.Minute
	// maxPages bounds the pages of a result.
	maxPages = 100_000
)

var errStopped = errors.New("the run is about to end")

// count asks once how many records the object has, about (REST API guide, "Record Count"). Objects without
// records are missing in the answer.
func (m *Matcher) count(ctx context.Context, q *question) error {
	if q.records >= 0 {
		return nil
	}
	var answer struct {
		Objects []struct {
			Name  string `json:"name"`
			Count int64  `json:"count"`
		} `json:"sObjects"`
	}
	path := "/limits/recordCount?sObjects=" + url.QueryEscape(q.soqlObject)
	if err := m.Org.Transfer(ctx, &transfer.Request{Method: http.MethodGet, Path: path, Into: &answer, Repeat: true}); err != nil {
		return fmt.Errorf("count the records: %w", err)
	}
	n := int64(0)
	for _, o := range answer.Objects {
		if strings.EqualFold(o.Name, q.soqlObject) {
			n = max(n, o.Count)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	q.records = n
	return nil
}

// download makes the copy.
func (m *Matcher) download(ctx context.Context, q *question) (*table, error) {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-m.Stop:
			cancel(errStopped)
		case <-ctx.Done():
		}
	}()
	defer func() { cancel(nil); <-ended }()

	id, err := m.create(ctx, q)
	if err != nil {
		return nil, err
	}
	job, err := m.wait(ctx, id)
	if err == nil {
		return m.pages(ctx, q, id, job.Records)
	}
	if outer.Err() == nil && !job.ended() {
		// It costs the org nothing more if it is told; if not, the job ends by itself.
		_ = m.Org.Transfer(outer, &transfer.Request{Method: http.MethodPatch, Path: jobs + "/" + id, JSON: map[string]string{"state": "Aborted"}, Into: new(info)})
	}
	return nil, err
}

// info is what the org says of a job (Bulk API 2.0 guide, "Get Information About a Query Job").
type info struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Records int64  `json:"numberRecordsProcessed"`
	Message string `json:"errorMessage"`
}

func (i *info) ended() bool {
	return i.State == "JobComplete" || i.State == "Failed" || i.State == "Aborted"
}

// create makes the job. One whose creation got lost harms nobody.
func (m *Matcher) create(ctx context.Context, q *question) (id string, err error) {
	body := map[string]string{
		"operation": "query", "query": q.soql(), "contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF",
	}
	var made info
	if err := m.Org.Transfer(ctx, &transfer.Request{Method: http.MethodPost, Path: jobs, JSON: body, Into: &made, Repeat: true}); err != nil {
		return "", fmt.Errorf("make a query job: %w", err)
	}
	if !lookup.WellFormedID(made.ID) {
		return "", bad("the org made a query job without an id")
	}
	return made.ID, nil
}

// wait polls the job until it has ended. The error is about one that gives no results.
func (m *Matcher) wait(ctx context.Context, id string) (now info, err error) {
	begun := m.Now()
	for n := 0; m.Now().Sub(begun) < patience; n++ {
		d := time.Duration((0.75 + 0.5*m.Rand()) * float64(estimate.PollAfter(n)))
		if err := m.Sleep(ctx, d); err != nil {
			return now, err
		}
		if err := m.Org.Transfer(ctx, &transfer.Request{Method: http.MethodGet, Path: jobs + "/" + id, Into: &now, Repeat: true}); err != nil {
			return now, fmt.Errorf("ask for query job %s: %w", id, err)
		}
		switch {
		case now.State == "JobComplete":
			return now, nil
		case now.ended():
			why := catalog.New(sink.Config, "JOB_"+strings.ToUpper(now.State), now.Message)
			return now, fmt.Errorf("query job %s has ended: %w", id, why)
		}
	}
	return now, fmt.Errorf("query job %s has not ended after %v", id, patience)
}

// pages reads the results of a job. All of total records have to come: one that is missing would be
// taken for one that is not there.
func (m *Matcher) pages(ctx context.Context, q *question, id string, total int64) (t *table, err error) {
	page, err := newTemp(m.Dir)
	if err != nil {
		return nil, err
	}
	b, err := newBuilder(m.Dir, sortMemory)
	if err != nil {
		return nil, errors.Join(err, page.Close())
	}
	defer func() { err = errors.Join(err, page.Close()) }()
	got, locator := int64(0), ""
	for range maxPages {
		path := jobs + "/" + id + "/results?maxRecords=" + strconv.Itoa(estimate.PageRecords)
		if locator != "" {
			path += "&locator=" + url.QueryEscape(locator)
		}
		var head http.Header
		err = m.Org.Transfer(ctx, &transfer.Request{Method: http.MethodGet, Path: path, Repeat: true, To: page, Head: &head})
		var n int64
		if err == nil {
			n, err = q.read(page, b)
		}
		if err == nil && head.Get("Sforce-NumberOfRecords") != strconv.FormatInt(n, 10) {
			err = bad(fmt.Sprintf("a page of %q records has %d", head.Get("Sforce-NumberOfRecords"), n))
		}
		if got += n; err != nil {
			break
		}
		if locator = head.Get("Sforce-Locator"); locator == "" || locator == "null" {
			break
		}
	}
	if err == nil && got != total {
		err = bad(fmt.Sprintf("the job has found %d records and gives %d", total, got))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the results of query job %s: %w", id, err), b.drop())
	}
	return b.table()
}

func bad(message string) error {
	return catalog.New(sink.Network, catalog.CodeBadAnswer, message)
}

// read adds the records of a page and returns how many it has.
func (q *question) read(page *spill.File, b *builder) (n int64, err error) {
	if _, err := page.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	r := &csvReader{r: bufio.NewReaderSize(page, 64<<10)}
	header, err := r.read()
	if errors.Is(err, io.EOF) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	width := len(header)
	at := make([]int, len(q.columns))
	for i, c := range q.columns {
		at[i] = slices.IndexFunc(header, func(h []byte) bool { return strings.EqualFold(strings.TrimPrefix(string(h), "\ufeff"), c.name) })
		if at[i] < 0 {
			return 0, bad("the results of a query lack the column " + c.name)
		}
	}
	values := make([][]byte, len(at))
	for {
		cells, err := r.read()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if len(cells) != width {
			return n, bad(fmt.Sprintf("a row of the results has %d values for %d columns", len(cells), width))
		}
		n++
		for i, c := range at {
			values[i] = cells[c]
		}
		key, ok := q.key(func(i int) string { return string(values[q.parts[i].column]) })
		if !ok || !lookup.WellFormedID(string(values[0])) {
			continue
		}
		if err := b.add(q.hash(key), values); err != nil {
			return n, err
		}
	}
}
