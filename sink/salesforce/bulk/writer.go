package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/estimate"
)

// Writer delivers requests as jobs: one for the records of each action. It is a [sink.Writer], safe
// for concurrent use: as many jobs run at once as requests are written, times their actions.
//
// The results of a job survive a lost answer, so that they tell even of a Create what became of it.
// What the Bulk API cannot do is refused with a Config error: platform events, and options that [Refuses] names.
type Writer struct {
	Jobs Jobs
	// AskCreated, if set, finds out which of the records with a lost answer ([sink.Record].Resend) that a job has
	// updated were created by an earlier attempt, and says so in their results.
	AskCreated func(ctx context.Context, req *sink.Request, results []sink.Result)
}

var (
	_ sink.Writer  = (*Writer)(nil)
	_ sink.Resumer = (*Writer)(nil)
)

// requestsAtATime: an org works on several jobs at once, whose records are in memory meanwhile.
const requestsAtATime = 2

// Refuses says which of a target's options the Bulk API cannot honour, in words that follow its name; "" if it
// can honour all. It has none of the headers of the REST API, and only the id of an assignment rule.
func Refuses(o *sink.Options) string {
	switch {
	case o.AssignmentRule == "default":
		return "takes the id of an assignment_rule, not default"
	case o.AllowDuplicates:
		return "has no header for duplicate_rule: allow_alerts"
	case o.AllOrNone:
		return "writes each record on its own, without all_or_none"
	case o.UpdateMRU != "":
		return "has no header for update_mru"
	}
	return ""
}

// Limits implements [sink.Writer].
func (w *Writer) Limits() sink.Limits {
	return sink.Limits{Records: estimate.JobRecords, Bytes: estimate.JobBytes, InFlight: requestsAtATime}
}

// Write implements [sink.Writer].
func (w *Writer) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	if len(results) != len(req.Records) {
		return catalog.New(sink.Config, catalog.CodeSetup, fmt.Sprintf("%d results for %d records", len(results), len(req.Records)))
	}
	ended := catalog.New(sink.Network, catalog.CodeCancelled, "the run ended before the record was sent")
	byAction := map[sink.Action][]int{}
	for i := range req.Records {
		results[i] = sink.Result{Status: sink.NotSent, Err: ended}
		act := req.Records[i].Action
		if act == sink.Upsert && strings.EqualFold(req.Target.Key, "Id") {
			act = sink.Update
		}
		byAction[act] = append(byAction[act], i)
	}
	if t := req.Target; t.UpdateOnly && len(byAction[sink.Upsert]) > 0 {
		return catalog.New(sink.Config, catalog.CodeNoLookup, "an upsert by "+t.Key+" cannot be kept from creating records: look them up and update them")
	}
	if why := Refuses(&req.Target.Options); why != "" {
		return catalog.New(sink.Config, catalog.CodeSetup, "the Bulk API "+why)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var stop error
	for act, places := range byAction {
		wg.Go(func() {
			if err := w.job(ctx, req, act, places, results); err != nil {
				mu.Lock()
				defer mu.Unlock()
				stop = errors.Join(stop, err)
			}
		})
	}
	wg.Wait()
	w.askCreated(ctx, req, results)
	if ctx.Err() != nil && stop != nil {
		return context.Cause(ctx)
	}
	return stop
}

func (w *Writer) askCreated(ctx context.Context, req *sink.Request, results []sink.Result) {
	if w.AskCreated != nil {
		w.AskCreated(ctx, req, results)
	}
}

// job delivers the records of one action. It returns an error if the run has to stop.
func (w *Writer) job(ctx context.Context, req *sink.Request, act sink.Action, places []int, results []sink.Result) error {
	t := req.Target
	spec := Spec{Object: t.Object, Action: act, Key: t.Key, Fold: t.Fold, AssignmentRule: t.Options.AssignmentRule}
	for len(places) > 0 {
		spec.Clears = func(column string) bool { return clearing(req.Records, places, column) }
		f, err := NewFile(w.Jobs.Dir, spec, union(req.Records, places))
		if err != nil {
			return err
		}
		sent, rest, err := f.fill(req, places, results)
		if err == nil {
			jobs := w.Jobs
			if req.Opened != nil {
				jobs.Opened = func(id string) error { return req.Opened(id, sent) }
			}
			err = jobs.Run(ctx, f, func(place int, r sink.Result) {
				results[sent[place]] = w.result(req, sent[place], r)
			})
		}
		if e := (*sink.Error)(nil); errors.As(err, &e) && e.Class == sink.Retry {
			err = nil // the records' results say so
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		places = rest
	}
	return nil
}

// fill adds records to the file until it is full. Those that cannot be sent get their results. It
// returns which were added, in order, and which remain.
func (f *File) fill(req *sink.Request, places []int, results []sink.Result) (sent, rest []int, err error) {
	for k, i := range places {
		r := req.Records[i]
		if r.ID == "" && req.Target.KeyColumn >= 0 && strings.EqualFold(req.Target.Key, "Id") {
			r.ID = strings.TrimSpace(r.Batch.Cell(r.Row, req.Target.KeyColumn).Text)
		}
		ok, refused, err := f.Add(&r)
		switch {
		case err != nil:
			return nil, nil, err
		case !ok:
			return sent, places[k:], nil
		case refused != nil:
			results[i] = sink.Result{Status: sink.Failed, ID: r.ID, Err: refused}
		default:
			sent = append(sent, i)
		}
	}
	return sent, nil, nil
}

// clearing reports whether any of the records clears a column.
func clearing(records []sink.Record, places []int, column string) bool {
	var schema *row.Schema
	at := -1
	return slices.ContainsFunc(places, func(i int) bool {
		r := &records[i]
		if s := r.Batch.Schema(); s != schema {
			schema, at = s, s.Index(column)
		}
		return at >= 0 && clears(r.Batch.Cell(r.Row, at))
	})
}

// union is a schema with the columns of all records: most have the same.
func union(records []sink.Record, places []int) *row.Schema {
	all := records[places[0]].Batch.Schema()
	last := all
	for _, i := range places {
		s := records[i].Batch.Schema()
		if s == last {
			continue
		}
		last = s
		for _, c := range s.Columns {
			if all.Index(c.Name) < 0 {
				all = all.With(c)
			}
		}
	}
	return all
}
