package deliver

import (
	"context"

	"sfsync/pipeline/ledger"
	"sfsync/sink"
)

// opened notes in the ledger under which id the org will keep the results of records of the job.
func (j *Job) opened(ctx context.Context, opt *Options, id string, records []int) error {
	marks := make([]ledger.Mark, len(records))
	for i, r := range records {
		it := j.Items[r]
		marks[i] = ledger.Mark{Seq: it.Batch.Seq(), Index: int(it.Index), State: ledger.Sending, ID: id}
	}
	return opt.Ledger.Mark(context.WithoutCancel(ctx), marks)
}

// mark says in the ledger what of says of the records for which it returns true.
func (j *Job) mark(ctx context.Context, opt *Options, of func(int) (ledger.Mark, bool)) error {
	if opt.Ledger == nil {
		return nil
	}
	j.marks = j.marks[:0]
	for i, it := range j.Items {
		if m, ok := of(i); ok {
			m.Seq, m.Index = it.Batch.Seq(), int(it.Index)
			j.marks = append(j.marks, m)
		}
	}
	if len(j.marks) == 0 {
		return nil
	}
	return opt.Ledger.Mark(context.WithoutCancel(ctx), j.marks)
}

// accepted says to the fingerprints which of the records the org has taken.
func (j *Job) accepted() error {
	for i, it := range j.Items {
		if s := j.results[i].Status; s == sink.Created || s == sink.Updated {
			if err := j.prints.Accepted(j.Target, i, it, s == sink.Created); err != nil {
				return err
			}
		}
	}
	return nil
}
