package pipeline

import (
	"context"
	"errors"
	"fmt"

	"sfsync/mapping"
	"sfsync/pipeline/internal/form"
	"sfsync/pipeline/internal/intake"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/keys"
	"sfsync/pipeline/lacking"
	"sfsync/pipeline/source"
)

// The codes of records that are not sent for the sake of their key.
const (
	CodeDuplicate  = "DUPLICATE_KEY"
	CodeSuperseded = work.CodeSuperseded
)

// What Options.Duplicates can say.
const (
	duplicatesLast = "last"
	duplicatesFail = "fail"
)

// Remedy says what to do about rows with one of the codes of the pipeline, or "" for a code of others.
func Remedy(code string) string {
	switch code {
	case CodeDuplicate:
		return "keep one row of each key, or say duplicates: last or in_order under source"
	case CodeSuperseded:
		return "a later row has the same key, and the mapping says duplicates: last"
	case work.CodeParentFailed:
		return "mend what failed of the record that this one refers to; sfsync retry sends both"
	case form.CodeLookupMissing:
		return "load the record that is looked up first, or correct its key; lookup with create: true makes it"
	case form.CodeLookupMany:
		return "merge the records that have this key, or look up by a unique field"
	case form.CodeConverted:
		return "nothing to do for the lead: it has been converted, and on_converted says what becomes of its rows"
	case form.CodeNoContact:
		return "the lead was converted to no contact that could be written to: choose another on_converted, or give it one in the org"
	case work.CodeNotWritten:
		return "nothing to do: there is no record whose references could be set"
	case lacking.CodeOpen:
		return "nothing to do if the value is meant; else translate it with values:, or add it to the picklist"
	case form.CodeConflict:
		return "the record that a later key finds has another earlier key: correct the key that is wrong, or leave the later one out of match"
	}
	return ""
}

// duplicates are the records of an input that a mapping's duplicates: takes out.
type duplicates struct {
	index  *keys.Collector
	marks  *keys.Marks
	rule   keys.Rule
	inputs []source.Input
	// groups say what there is of each match key.
	groups []keys.Group
}

// findDuplicates reads and maps the inputs to their end to find the records that share keys. It
// returns nil if the options want none found. An input that cannot be read to its end is an error: its last rows may be
// those that count. The caller has to close it.
func findDuplicates(ctx context.Context, opt *Options) (*duplicates, error) {
	d := &duplicates{inputs: opt.Inputs}
	switch opt.Duplicates {
	case duplicatesLast:
		d.rule = keys.Last
	case duplicatesFail:
		d.rule = keys.Fail
	default:
		return nil, nil
	}
	again, err := rewinds(opt.Inputs)
	if err != nil {
		return nil, err
	}
	d.index = keys.NewCollector(opt.Plan, opt.Temp)
	once := *opt
	once.Stats, once.Ledger, once.Resume, once.Source.Only = &Stats{}, nil, false, true
	_, err = intake.Survey(ctx, once.intake(), func(w *work.Batch) error { return d.index.AddBatch(w.Mapped) })
	if err == nil {
		d.groups, d.marks, err = d.index.Resolve(ctx, d.rule)
	}
	if err = errors.Join(err, again()); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *duplicates) close() error {
	if d == nil {
		return nil
	}
	return d.index.Close()
}

// apply takes the records out of a mapped batch that are not to be sent. It has to see every batch,
// in reading order.
func (d *duplicates) apply(ctx context.Context, m *mapping.Mapped) error {
	if d == nil || m == nil || d.marks.Len() == 0 {
		return nil
	}
	for r := range m.Source.Len() {
		at := keys.At(m.Source.File, m.Source.Line(r))
		for t := range m.Targets {
			other, marked, err := d.marks.At(ctx, t, at)
			if err != nil {
				return err
			}
			if !marked || m.Targets[t].Fate(r) != mapping.Send {
				continue
			}
			place := fmt.Sprintf("%s:%d", d.inputs[other.File()].Path, other.Line())
			if d.rule == keys.Last {
				m.Targets[t].Overrule(r, mapping.Skip, mapping.Problem{Code: CodeSuperseded, Message: "superseded by the later row " + place + ", which has the same key"})
			} else {
				m.Targets[t].Overrule(r, mapping.Fail, mapping.Problem{Code: CodeDuplicate, Message: "the row " + place + " has the same key"})
			}
		}
	}
	return nil
}
