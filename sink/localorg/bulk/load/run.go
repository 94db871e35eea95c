package load

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sfsync/sink/localorg/bin"
	"sfsync/sink/localorg/bulk/csv"
	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// ChunkRows is how many rows are written in one transaction, BatchRows how many an internal batch has
// (Bulk API 2.0 guide, "How requests are processed").
const (
	ChunkRows = 200
	BatchRows = 10_000
)

// Run writes the rows of a file. It belongs to one goroutine, and must be closed. While it writes 200 rows it
// reads the next ones.
type Run struct {
	Gate  *rest.Gate
	Table *jobs.Table
	Plan  *Plan
	// Request says as whom, and to which resource, the rows are written; its Entry is set.
	Request *rest.Request
	// Owner is the id to which the file belongs.
	Owner string
	// Rows reads the file from the first row on that was not written yet; Done says how far that is.
	Rows *csv.Reader
	Done jobs.Progress
	// AssignmentRule is the id of the rule that chooses owners, "" for none: no rule runs in Bulk unless the
	// job names it.
	AssignmentRule string
	// Advance counts rows in the transaction that writes them; an error undoes it.
	Advance func(tx *store.Tx, rows, failed int) error

	start int64 // of Rows in the file
	ahead chan *chunk
}

// chunk is up to 200 rows on their way.
type chunk struct {
	err      error // why there are no more rows
	end      int64 // where the rows end in the file
	outcomes []jobs.Outcome
	records  []*catalog.Record
	places   []int // of the records among the outcomes
}

// Chunk writes the next 200 rows in one transaction and returns how many there were. The error is io.EOF if
// there were none left, [jobs.ErrGone] if the job was aborted meanwhile; nothing was written then.
func (r *Run) Chunk(ctx context.Context) (int, error) {
	if r.ahead == nil {
		r.start = r.Done.End - r.Rows.Offset()
		first := r.read()
		r.ahead = make(chan *chunk, 1)
		r.ahead <- first
	}
	c := <-r.ahead
	if c.err != nil {
		r.ahead <- c // for the next call, and for Close
		return 0, c.err
	}
	go func() { r.ahead <- r.read() }()
	kept := jobs.Chunk{Seq: r.Done.Chunks, Start: r.Done.End, Size: c.end - r.Done.End, Rows: len(c.outcomes)}
	err := r.Gate.Update(ctx, r.Request, func(tx *store.Tx) error {
		// It may run again, if it had to wait for a lock.
		kept.Outcomes, kept.Failed = kept.Outcomes[:0], 0
		if err := r.write(ctx, c); err != nil {
			return err
		}
		for _, o := range c.outcomes {
			kept.Outcomes = jobs.AppendOutcome(kept.Outcomes, o)
			if o.Error != "" {
				kept.Failed++
			}
		}
		if err := r.Table.AddChunk(tx, r.Owner, kept); err != nil {
			return err
		}
		return r.Advance(tx, kept.Rows, kept.Failed)
	})
	if err != nil {
		return 0, fmt.Errorf("write rows of bulk job %s: %w", r.Owner, err)
	}
	r.Done.Chunks++
	r.Done.End = c.end
	r.Done.Rows += int64(kept.Rows)
	return kept.Rows, nil
}

// Close waits for the reading of rows that are not wanted any more.
func (r *Run) Close() {
	if r.ahead != nil {
		<-r.ahead
		r.ahead = nil
	}
}

// read reads up to 200 rows. Those that cannot be read have failed already.
func (r *Run) read() *chunk {
	c := &chunk{outcomes: make([]jobs.Outcome, 0, ChunkRows), records: make([]*catalog.Record, 0, ChunkRows), places: make([]int, 0, ChunkRows)}
	for len(c.outcomes) < ChunkRows {
		row, err := r.Rows.Read()
		if bad, isRow := errors.AsType[*csv.RowError](err); isRow {
			c.outcomes = append(c.outcomes, jobs.Outcome{Error: jobs.ErrorText(&catalog.Error{Code: "INVALID_FIELD", Message: "Failed to parse row: " + bad.Reason})})
			continue
		}
		if err == io.EOF { //nolint:errorlint // Read returns it bare
			break
		}
		if err != nil {
			c.err = err
			return c
		}
		rec, refusal := r.Plan.Record(row)
		if refusal != nil {
			c.outcomes = append(c.outcomes, jobs.Outcome{Error: jobs.ErrorText(refusal)})
			continue
		}
		c.places = append(c.places, len(c.outcomes))
		c.records = append(c.records, rec)
		c.outcomes = append(c.outcomes, jobs.Outcome{})
	}
	if c.end = r.start + r.Rows.Offset(); len(c.outcomes) == 0 {
		c.err = io.EOF
	}
	return c
}

// write writes the records of a chunk, within the request's transaction.
func (r *Run) write(ctx context.Context, c *chunk) error {
	if len(c.records) == 0 {
		return nil
	}
	var results []store.Result
	var err error
	ch := &store.Change{Records: c.records, NoAssignment: r.AssignmentRule == "", AssignmentRule: r.AssignmentRule}
	switch r.Plan.Operation {
	case Delete, HardDelete:
		results, err = r.delete(ctx, c.records)
	case Insert:
		ch.Op = store.Create
		results, err = r.Gate.Write(ctx, r.Request, ch)
	case Update:
		ch.Op = store.Update
		results, err = r.Gate.Write(ctx, r.Request, ch)
	default:
		ch.Op, ch.Key = store.Upsert, r.Plan.Key
		results, err = r.Gate.Write(ctx, r.Request, ch)
	}
	if err != nil {
		return err
	}
	for i := range results {
		o := &c.outcomes[c.places[i]]
		*o = jobs.Outcome{ID: results[i].ID, Created: results[i].Created}
		if e := results[i].Err; e != nil {
			o.Error = jobs.ErrorText(e)
		}
	}
	return nil
}

// delete deletes records by their ids. An id that comes twice in a chunk costs both rows.
func (r *Run) delete(ctx context.Context, records []*catalog.Record) ([]store.Result, error) {
	results := make([]store.Result, len(records))
	first := make(map[string]int, len(records))
	for i, rec := range records {
		results[i].ID = rec.ID
		if results[i].Err = r.refuseDelete(rec); results[i].Err != nil {
			continue
		}
		id := catalog.ID18(rec.ID)
		results[i].ID = id
		if k, again := first[id]; again {
			twice := &catalog.Error{Code: "DUPLICATE_VALUE", Message: "Duplicate id specified: " + id}
			results[k].Err, results[i].Err = twice, twice
			continue
		}
		first[id] = i
	}
	var ids []string
	var places []int
	for i := range results {
		if results[i].Err == nil {
			ids, places = append(ids, results[i].ID), append(places, i)
		}
	}
	done, err := r.Gate.Delete(ctx, r.Request, ids, false)
	if err != nil {
		return nil, err
	}
	var gone []string
	for k, i := range places {
		if results[i] = done[k]; done[k].Err == nil {
			gone = append(gone, done[k].ID)
		}
		results[i].ID = ids[k]
	}
	if r.Plan.Operation == HardDelete {
		err = bin.Purge(r.Request.Tx, r.Plan.Object, gone)
	}
	return results, err
}

// refuseDelete refuses what is no id of the job's object.
func (r *Run) refuseDelete(rec *catalog.Record) *catalog.Error {
	o := r.Plan.Object
	id, ok := catalog.NormalID(rec.ID)
	switch {
	case !rec.HasID:
		return &catalog.Error{Code: "MISSING_ARGUMENT", Message: "Id not specified in a delete call"}
	case !ok:
		return catalog.MalformedID(rec.ID)
	case id[:3] != o.Def.KeyPrefix:
		return &catalog.Error{Code: "MALFORMED_ID", Message: o.ID.Def.Label + ": id value of incorrect type: " + rec.ID, Fields: []string{"Id"}}
	}
	return nil
}
