package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
)

// Fate is what an undo makes of a record.
type Fate string

// The fates; "" is not decided.
const (
	// Gone: the record that the run created was deleted.
	Gone Fate = "deleted"
	// Restored: the fields that the run changed hold again what they held.
	Restored Fate = "restored"
	// Back: the record that the run deleted is there again.
	Back Fate = "undeleted"
	// Nothing: there is nothing to undo, or it was undone already.
	Nothing Fate = "unchanged"
	// Left: the record, or some of its fields, was edited since and is left alone.
	Left Fate = "left"
	// Unsure is what [Undo.Plan] calls those among Left that the run may have created or not.
	Unsure Fate = "unsure"
	// Refused: the org refused it.
	Refused Fate = "refused"
)

// The codes that say why a record is left alone.
const (
	// CodeEdited: the record was edited since the run.
	CodeEdited = "EDITED_SINCE"
	// CodePartly: some fields were restored, others have been edited since.
	CodePartly = "PARTLY_UNDONE"
	// CodeUnsure: the run sent the record to be created and got no answer, and it cannot be known whether it was that
	// which created the record.
	CodeUnsure = "CREATION_UNKNOWN"
	// CodeMissing: the record is not there any more.
	CodeMissing = "NOT_FOUND"
	// CodeNotUndeletable: the record is not in the recycle bin, or cannot leave it.
	CodeNotUndeletable = "UNDELETE_FAILED"
)

// Remedy says what to do about records that an undo leaves alone or cannot bring back, by their code; "" for a code of
// others.
func Remedy(code string) string {
	switch code {
	case CodeEdited:
		return "nothing is wrong: somebody has edited it since the run; where it is to go back all the same, do that by hand: before and after in skipped.jsonl are what it held and what the run wrote"
	case CodePartly:
		return "the other fields hold what they held; these have been edited since: where they are to go back all the same, set them by hand to what before in skipped.jsonl says"
	case CodeUnsure:
		return "look in the org whether the record is one of the run's: it has the values of the row; where it is, delete it by hand"
	case CodeNotUndeletable:
		return "it has left the recycle bin, or cannot leave it: create it anew from before in failed.jsonl"
	}
	return ""
}

// Org is where the records of a run are.
type Org struct {
	Writer  sink.Writer
	Matcher sink.Matcher
	// Undelete brings records back from the recycle bin and fills results, one an id.
	Undelete func(ctx context.Context, ids []string, results []sink.Result) error
	// User returns the id of the user as whom the org is asked, "" if that is not known. Nil for not known.
	User func(ctx context.Context) string
}

// ErrStopped is the error of an undo that [Undo.Stop] ended; what was under way was finished.
var ErrStopped = errors.New("stopped on request")

// Undo undoes a run, from its last record to the first, so that children go before their parents.
//
//   - A record that the run created is deleted unless it was edited since. It was if a field does not hold
//     what the run wrote last (as package convert compares), if somebody else than its creator modified it last, or if
//     LastModifiedDate is later than CreatedDate by more than a second and the time between the run's
//     first request with the record and the last answer about it. So what the org's automation does to other
//     fields within a request counts as the run's, what it does later or to the run's own fields does
//     not. An object without these audit fields is judged by the fields alone. What others attached to the
//     record does not show, and goes with it where the org deletes it along.
//   - A record that the run sent to be created without an answer, and that it found again or is there now under its key,
//     counts as created by the run if this user created it since then. Else it is left alone.
//   - A changed field is given back what it held if it still holds what the run wrote (as package convert compares);
//     other fields of the record do not matter.
//   - A deleted record is undeleted.
//
// Between the look at a record and the write lies a request: an edit in that moment is not seen.
//
// What became of each record is in the store before the next ones are looked at, so an undo that was
// killed goes on where it was.
type Undo struct {
	Store *Store
	Orgs  map[string]Org // by what the run calls them
	// Stop, once closed, ends the undo early; nil for never.
	Stop <-chan struct{}
	// Backoff says how long to wait before records are sent for the nth time, from 2, whose failure may
	// pass, and false once there have been enough. Nil: they are not sent again.
	Backoff func(attempt int) (time.Duration, bool)
	// Done, if set, is told of how many more records are decided.
	Done func(n int)
}

// chunk is how many records are read at once.
const chunk = 2000

// Plan says what [Undo.Run] would do after [Store.Again] with how many records, by target and fate, and changes nothing in the org.
func (u *Undo) Plan(ctx context.Context) (map[string]map[Fate]int64, error) {
	counts := make(map[string]map[Fate]int64)
	count := func(target string, fate Fate) {
		if counts[target] == nil {
			counts[target] = make(map[Fate]int64)
		}
		counts[target][fate]++
	}
	if err := u.adopt(ctx, func(r *Record) { count(r.Target, Unsure) }); err != nil {
		return nil, err
	}
	err := u.all(ctx, "outcome IN ('', '"+string(Left)+"', '"+string(Refused)+"')", func(p *piece) error {
		for _, r := range p.records {
			r.Outcome = ""
		}
		if err := p.look(ctx); err != nil {
			return err
		}
		for i, r := range p.records {
			fate := r.Outcome
			switch p.acts[i].action {
			case sink.Delete:
				fate = Gone
			case sink.Update:
				fate = Restored
			}
			switch {
			case p.back[i]:
				fate = Back
			case fate == Left && r.Code == CodeUnsure:
				fate = Unsure
			}
			count(r.Target, fate)
		}
		return nil
	})
	return counts, err
}

// Run undoes what is not decided yet.
func (u *Undo) Run(ctx context.Context) error {
	if err := u.adoptOrLeave(ctx); err != nil {
		return err
	}
	return u.all(ctx, "outcome = ''", func(p *piece) error {
		if err := p.undo(ctx); err != nil {
			return errors.Join(err, u.Store.decided(context.WithoutCancel(ctx), p.records))
		}
		if u.Done != nil {
			u.Done(len(p.records))
		}
		return u.Store.decided(context.WithoutCancel(ctx), p.records)
	})
}

// all calls f for the records that a condition holds for, the last first, in pieces of one object.
func (u *Undo) all(ctx context.Context, where string, f func(*piece) error) error {
	for last := int64(1) << 62; ; {
		list, err := u.Store.list(ctx, where+" AND seq < ? ORDER BY seq DESC", chunk, last)
		if err != nil || len(list) == 0 {
			return err
		}
		last = list[len(list)-1].seq
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].Org == list[0].Org && list[n].Object == list[0].Object {
				n++
			}
			select {
			case <-u.Stop:
				return ErrStopped
			default:
			}
			org, err := u.org(list[0].Org)
			if err != nil {
				return err
			}
			p := &piece{Undo: u, org: org, records: list[:n], acts: make([]act, n), back: make([]bool, n)}
			if p.fields, err = u.Store.fields(ctx, list[0].Org, list[0].Object); err != nil {
				return err
			}
			if err := f(p); err != nil {
				return err
			}
			list = list[n:]
		}
	}
}

func (u *Undo) org(name string) (Org, error) {
	org, ok := u.Orgs[name]
	if !ok {
		return org, fmt.Errorf("%w: the org %q is not connected", ErrBackup, name)
	}
	return org, nil
}

// act is what is to be done about a record.
type act struct {
	action sink.Action // 0 for nothing
	values Values      // to restore
	left   []string    // fields that were edited since
}

// piece is some records of one object.
type piece struct {
	*Undo
	org     Org
	fields  map[string]field
	records []*Record
	acts    []act
	back    []bool // to be undeleted
}

func (p *piece) undo(ctx context.Context) error {
	if err := p.look(ctx); err != nil {
		return err
	}
	p.credit()
	if err := p.begin(ctx); err != nil {
		return err
	}
	if slices.Contains(p.back, true) {
		if err := p.bringBack(ctx); err != nil {
			return err
		}
	}
	return p.write(ctx)
}

// credit gives an earlier try what it was killed over: what it had begun to do, and is done now, it did.
func (p *piece) credit() {
	for i, r := range p.records {
		switch {
		case r.due == "":
		case r.Outcome == Nothing:
			r.Outcome, r.Message = r.due, ""
		case r.Outcome == Left && len(p.acts[i].left) > 0:
			r.partly(p.acts[i].left)
		}
	}
}

// begin notes in the store what is about to be done, so that another try can tell it from what others did.
func (p *piece) begin(ctx context.Context) error {
	var due []*Record
	for i, r := range p.records {
		switch {
		case p.back[i], p.acts[i].action == sink.Update && r.Deleted:
			r.due = Back
		case p.acts[i].action == sink.Update:
			r.due = Restored
		case p.acts[i].action == sink.Delete:
			r.due = Gone
		default:
			continue
		}
		due = append(due, r)
	}
	if len(due) == 0 {
		return nil
	}
	return p.Store.begin(ctx, due)
}

// look asks for the records that are not decided and decides what is to be done about them.
func (p *piece) look(ctx context.Context) error {
	var ids []string
	at := make(map[string]int)
	var want []string
	add := func(name string) {
		if !slices.Contains(want, name) {
			want = append(want, name)
		}
	}
	by := sink.KeyField{Name: "Id", Fold: (&schema.Field{Name: "Id", Type: schema.ID, Length: 18, IDLookup: true}).FoldKey}
	for i, r := range p.records {
		p.back[i], p.acts[i] = false, act{}
		if r.Outcome != "" {
			continue
		}
		key := by.Fold(r.ID)
		ids, at[key] = append(ids, key), i
		if r.Created || r.maybe {
			for _, name := range auditFields() {
				if _, has := p.fields[name]; has {
					add(name)
				}
			}
		}
		for _, v := range []Values{r.Before, r.After, r.pending} {
			for name := range v {
				if f, ok := p.fields[name]; ok {
					add(name)
					add(f.Restore)
				}
			}
		}
	}
	slices.Sort(want)
	found := make([]*sink.Match, len(p.records))
	err := each(ctx, p.org.Matcher, &sink.Lookup{Object: p.records[0].Object, By: []sink.KeyField{by}, Want: want}, ids, func(key string, m []sink.Match) {
		if len(m) == 1 {
			found[at[key]] = &m[0]
		}
	})
	if err != nil {
		return err
	}
	for i, r := range p.records {
		if r.Outcome != "" {
			continue
		}
		stored := make(Values, len(want))
		if m := found[i]; m != nil {
			for c, name := range want {
				stored[name] = valueOf(m.Values[c])
			}
		}
		p.decide(ctx, i, r, found[i] != nil, stored)
	}
	return nil
}

// write deletes and restores records, those again whose failure may pass.
func (p *piece) write(ctx context.Context) error {
	for attempt := 2; ; attempt++ {
		var again bool
		for _, action := range []sink.Action{sink.Delete, sink.Update} {
			more, err := p.send(ctx, action)
			if err != nil {
				return err
			}
			again = again || more
		}
		if !again {
			return nil
		}
		wait, ok := time.Duration(0), false
		if p.Backoff != nil {
			wait, ok = p.Backoff(attempt)
		}
		if !ok {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		for i, r := range p.records { // those that may pass
			if r.Outcome == Refused && p.acts[i].action != 0 {
				r.Outcome, r.Code, r.Field, r.Message = "", "", "", ""
			}
		}
	}
}

// send sends the records that an action is due for. again reports whether some failed that may pass.
func (p *piece) send(ctx context.Context, action sink.Action) (again bool, err error) {
	var due []int
	for i, r := range p.records {
		if r.Outcome == "" && p.acts[i].action == action {
			due = append(due, i)
		}
	}
	target := &sink.Target{Object: p.records[0].Object, KeyColumn: -1, Fold: func(s string) string { return s }}
	limits := p.org.Writer.Limits()
	size := max(1, limits.Records)
	if limits.Group > 0 && limits.Groups > 0 {
		size = min(size, limits.Group*limits.Groups)
	}
	for len(due) > 0 {
		part := due[:min(size, len(due))]
		due = due[len(part):]
		req := sink.Request{Target: target, Records: make([]sink.Record, len(part))}
		b := p.batch(part)
		for n, i := range part {
			req.Records[n] = sink.Record{Batch: b, Row: n, Action: action, ID: p.records[i].ID}
		}
		results := make([]sink.Result, len(part))
		err := p.org.Writer.Write(ctx, &req, results)
		for n, i := range part {
			again = p.answered(i, &results[n]) || again
		}
		if err != nil {
			return false, err
		}
	}
	return again, nil
}

// batch makes the batch that restores records.
func (p *piece) batch(part []int) *row.Batch {
	var columns []row.Column
	column := make(map[string]int)
	for _, i := range part {
		for name := range p.acts[i].values {
			if _, ok := column[name]; !ok {
				column[name] = len(columns)
				columns = append(columns, row.Column{Name: name})
			}
		}
	}
	b := row.New(row.NewSchema(columns...))
	for _, i := range part {
		r := b.AddRow(p.records[i].seq)
		for name, v := range p.acts[i].values {
			if v.Kind <= row.Null {
				b.SetKind(r, column[name], row.Null)
			} else {
				b.Set(r, column[name], v.Kind, v.Text)
			}
		}
	}
	return b
}

// answered notes the answer to a record and reports whether it may pass another time.
func (p *piece) answered(i int, res *sink.Result) (again bool) {
	r, a := p.records[i], &p.acts[i]
	switch res.Status {
	case sink.Deleted:
		r.Outcome = Gone
	case sink.Updated:
		r.Outcome = Restored
		if r.Deleted {
			r.Outcome = Back
		}
		if len(a.left) > 0 {
			r.partly(a.left)
		}
		a.action = 0
	case sink.Failed:
		r.Outcome = Refused
		if res.Err != nil {
			r.Code, r.Field, r.Message = res.Err.Code, strings.Join(res.Err.Fields, ", "), res.Err.Message
			again = res.Err.Class == sink.Retry
		}
		if !again {
			a.action = 0
		}
	case sink.Unknown, sink.NotSent, sink.Created, sink.Published: // not decided: another try looks again
	}
	return again
}

// partly says that a record was restored but for some fields.
func (r *Record) partly(left []string) {
	r.Outcome, r.Code, r.Field = Left, CodePartly, strings.Join(left, ", ")
	r.Message = "restored but for what is no longer what the run wrote: " + r.Field
}
