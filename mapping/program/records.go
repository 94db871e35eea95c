package program

import (
	"iter"
	"slices"
	"strconv"

	"sfsync/pipeline/row"
)

// Mapped is a batch after mapping: the rows it came from and, for each target, records that
// stand at the same indexes.
type Mapped struct {
	Source  *row.Batch
	Targets []Records
	// Finds are the records of Plan.Finds.
	Finds []Records

	plan *Plan
}

// Free gives the records' batches and the source batch back to their pools. The caller must
// be the last owner; nothing of m may be used afterwards.
func (m *Mapped) Free() {
	for i := range len(m.Targets) + len(m.Finds) {
		r := m.Record(i)
		r.Batch.Free()
		clear(r.reasons)
		clear(r.further)
		r.Batch, r.fates, r.reasons, r.further, r.probes = nil, r.fates[:0], r.reasons[:0], r.further[:0], r.probes[:0]
	}
	m.Source.Free()
	m.Source = nil
	m.plan.spare.Put(m)
}

func (p *Plan) newMapped(src *row.Batch) *Mapped {
	m, ok := p.spare.Get().(*Mapped)
	if !ok {
		m = &Mapped{plan: p, Targets: make([]Records, len(p.Targets)), Finds: make([]Records, len(p.Finds))}
		for i := range p.Finds {
			m.Finds[i].find = true
		}
	}
	m.Source = src
	return m
}

// Record returns the records of a target or find by its number in a [Need].
func (m *Mapped) Record(i int) *Records {
	if n := len(m.Targets); i >= n {
		return &m.Finds[i-n]
	}
	return &m.Targets[i]
}

// Records are the records of one target.
type Records struct {
	// Batch has a row for every source row, at the same index, with its line. Its columns are
	// fields, by API name, and the fold column. Cells hold canonical text of kind Text, Number
	// or Bool; Null clears the field, Absent is not sent, and a cell flagged row.OnInsert
	// counts only for a new record. The cells of a row that is not to be sent mean nothing.
	Batch *row.Batch

	fates   []Fate
	reasons []reason // of the rows that fail, by row
	further []reason // what else is wrong with them, likewise
	probes  []probe  // of rows that other targets refer to: for implied targets and finds alone
	find    bool
}

// probe is what is known of a row's record that others refer to.
type probe uint8

const (
	probeNone   probe = iota // nothing has asked for it
	probeBlank               // its key is absent
	probeNull                // its key is blank
	probeReady               // its key is in the batch
	probeLooked              // a record that is only looked for refers to it
	probeWanted              // a record that is sent refers to it
)

// open adds a row for each of the source's, none of which is wanted yet.
func (r *Records) open(src *row.Batch) {
	n := src.Len()
	for i := range n {
		r.Batch.AddRow(src.Line(i))
		r.fates = append(r.fates, Skip)
		r.probes = append(r.probes, probeNone)
	}
}

type reason struct {
	row int
	Problem
}

// Fate says what is to become of a row.
type Fate uint8

// The fates.
const (
	// Send: the record goes to the org.
	Send Fate = iota
	// Skip: the target does not want the row.
	Skip
	// Fail: the row cannot become a record.
	Fail
	// Hold: the target does not want the row by itself, but gets it if the target that it is
	// redirected from finds a converted lead; else the record is skipped. If it has a
	// reason, its fields are wrong, and it fails once it is taken.
	Hold
	// Look: the record is only looked for by its keys, since another one of the same row refers to
	// it. Nothing is sent, and it is no record of this run. Rows of an earlier run's failures have
	// it, where another target failed. If it has a reason, it cannot be looked for.
	Look
)

func (f Fate) String() string {
	switch f {
	case Send:
		return "send"
	case Skip:
		return "skip"
	case Fail:
		return "fail"
	case Hold:
		return "hold"
	case Look:
		return "look"
	}
	return "Fate(" + strconv.Itoa(int(f)) + ")"
}

// Fate returns what is to become of row i.
func (r *Records) Fate(i int) Fate { return r.fates[i] }

// Reason returns why row i is skipped or fails, and nothing for a row to be sent. That of a row
// on Hold is why it fails if it is taken, that of one with Look why it cannot be found. Where more is
// wrong, the message says so: see [Records.Problems].
func (r *Records) Reason(i int) Problem {
	switch r.fates[i] {
	case Skip, Fail, Hold, Look:
		if p, ok := r.reason(i); ok {
			return p.and(len(r.others(i)))
		}
	}
	if r.fates[i] == Skip && len(r.probes) > 0 {
		return Problem{Code: CodeNotReferred, Message: "no record of the row refers to it"}
	}
	if r.fates[i] == Skip {
		return Problem{Code: CodeWhen, Message: "when: is false"}
	}
	return Problem{}
}

// Problems are all that is wrong with row i, if it fails: first its reason, each as if it stood alone.
func (r *Records) Problems(i int) iter.Seq[Problem] {
	return func(yield func(Problem) bool) {
		if r.fates[i] != Fail {
			return
		}
		if p, ok := r.reason(i); ok && !yield(p) {
			return
		}
		for _, e := range r.others(i) {
			if !yield(e.Problem) {
				return
			}
		}
	}
}

// reason returns the reason of row i as it was noted.
func (r *Records) reason(i int) (Problem, bool) {
	at, ok := slices.BinarySearchFunc(r.reasons, i, byRow)
	if !ok {
		return Problem{}, false
	}
	return r.reasons[at].Problem, true
}

// others are what else is wrong with row i.
func (r *Records) others(i int) []reason {
	from, found := slices.BinarySearchFunc(r.further, i, byRow)
	if !found {
		return nil
	}
	to, _ := slices.BinarySearchFunc(r.further, i+1, byRow)
	return r.further[from:to]
}

func byRow(e reason, i int) int { return e.row - i }

func (r *Records) fail(i int, p *Problem) Fate {
	r.note(i, p)
	return Fail
}

// note records the reason of row i. Rows get theirs in order.
func (r *Records) note(i int, p *Problem) { r.reasons = append(r.reasons, reason{i, *p}) }

// skip skips row i; without a reason because of when, which may be most rows.
func (r *Records) skip(i int, p *Problem) Fate {
	if p != nil {
		r.reasons = append(r.reasons, reason{i, *p})
	}
	return Skip
}
