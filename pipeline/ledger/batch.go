package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Begin makes a batch known, with every record Pending; the States and Problems of b are
// ignored. Nothing is written yet. For a batch that an earlier try at the run left behind
// ([Ledger.Find]), call [Ledger.Adopt].
func (l *Ledger) Begin(b Batch, targets int) {
	b.States = make([]State, b.Rows*targets)
	b.Problems = make(map[int]Problem)
	b.ids, b.Final = nil, false
	l.Adopt(&b)
}

// Adopt goes on with a batch that [Ledger.Find] returned.
func (l *Ledger) Adopt(b *Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[b.Seq] = b
}

// Mark commits the news about records of batches that are known. When it returns without an
// error the news is on disk.
func (l *Ledger) Mark(ctx context.Context, marks []Mark) error {
	return l.commit(ctx, l.note(marks))
}

// Note takes the news about a record of a batch that is known. It is on disk with whatever is marked next: before
// anything leaves that comes after it.
func (l *Ledger) Note(m Mark) { l.note([]Mark{m}) }

// note takes news, and returns the generation whose commit brings it to disk.
func (l *Ledger) note(marks []Mark) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range marks {
		b := l.open[m.Seq]
		again := b.States[m.Index] == Sending && m.State == Sending
		b.States[m.Index] = m.State
		c := l.dirty[m.Seq]
		if c == nil {
			c = &change{}
			l.dirty[m.Seq] = c
		}
		switch {
		case m.ID != "":
			b.setID(m.Index, m.ID)
			c.ids = true
		case again: // the job it was sent with may have done it
		case b.dropID(m.Index): // that of the job
			c.ids = true
		}
		if m.Problem != nil {
			b.Problems[m.Index] = *m.Problem
			c.problems = append(c.problems, m.Index)
		}
	}
	return l.gen
}

// commit writes all changes collected so far, unless another caller has already written
// those of generation gen.
func (l *Ledger) commit(ctx context.Context, gen int64) error {
	l.write.Lock()
	defer l.write.Unlock()
	if l.committed >= gen {
		return nil
	}
	l.mu.Lock()
	dirty := l.dirty
	l.dirty = make(map[int64]*change)
	taken := l.gen
	l.gen++
	rows := make([]Batch, 0, len(dirty))
	for _, seq := range slices.Sorted(maps.Keys(dirty)) {
		known := l.open[seq]
		if known == nil {
			continue // finished since
		}
		b := *known
		b.States = slices.Clone(b.States)
		if dirty[seq].ids {
			b.ids = slices.Clone(b.ids)
		}
		problems := make(map[int]Problem, len(dirty[seq].problems))
		for _, i := range dirty[seq].problems {
			problems[i] = b.Problems[i]
		}
		b.Problems = problems
		rows = append(rows, b)
	}
	l.mu.Unlock()

	err := l.inTx(ctx, func(tx *sql.Tx) error {
		for i := range rows {
			if err := put(ctx, tx, &rows[i], dirty[rows[i].Seq].ids); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.putBack(dirty)
		return err
	}
	l.committed = taken
	return nil
}

// putBack returns changes that could not be written to the current generation.
func (l *Ledger) putBack(dirty map[int64]*change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for seq, c := range dirty {
		if now := l.dirty[seq]; now != nil {
			c.ids = c.ids || now.ids
			c.problems = append(c.problems, now.problems...)
		}
		l.dirty[seq] = c
	}
}

func put(ctx context.Context, tx *sql.Tx, b *Batch, ids bool) error {
	var idBytes, idSum any // NULL leaves the columns as they are
	if ids && b.ids != nil {
		idBytes, idSum = b.ids, sumOf(b.ids)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO batch VALUES(?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT(seq) DO UPDATE SET final=excluded.final, states=excluded.states, ids=coalesce(excluded.ids, ids),
		sum=excluded.sum, idsum=coalesce(excluded.idsum, idsum)`,
		b.Seq, b.File, b.Line, b.Rows, b.Checksum, b.Final, bytesOf(b.States), idBytes, b.sum(), idSum)
	if err != nil {
		return err
	}
	for i, p := range b.Problems {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO problem VALUES(?,?,?,?,?,?)", b.Seq, i, p.Code, p.Field, p.Message, p.Attempts)
		if err != nil {
			return err
		}
	}
	return nil
}

// Final is how the records of a batch ended.
type Final struct {
	Seq    int64
	States []State
}

// Finish says that every record of the batches is decided, how, and that all stand in the
// report, and keeps the documents in meta (report offsets, error groups) in the same commit.
// The batches' problems are dropped: the report has them now.
func (l *Ledger) Finish(ctx context.Context, finals []Final, meta map[string]json.RawMessage) error {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	batches := make([]Batch, len(finals))
	for i, f := range finals {
		b := l.open[f.Seq]
		for i, s := range f.States {
			if b.States[i] == Sending && s != Sending {
				b.dropID(i)
			}
		}
		copy(b.States, f.States)
		batches[i] = *b
		batches[i].Final, batches[i].Problems = true, nil
	}
	l.mu.Unlock()

	err := l.inTx(ctx, func(tx *sql.Tx) error {
		for i := range batches {
			b := &batches[i]
			if err := put(ctx, tx, b, b.ids != nil); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM problem WHERE seq=?", b.Seq); err != nil {
				return err
			}
		}
		for key, text := range meta {
			if err := putMeta(ctx, tx, key, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	for _, f := range finals {
		delete(l.open, f.Seq)
		delete(l.dirty, f.Seq)
	}
	l.mu.Unlock()
	return nil
}

// Find returns the batch with that number as an earlier try at the run left it, or nil.
func (l *Ledger) Find(ctx context.Context, seq int64) (*Batch, error) {
	row := l.db.QueryRowContext(ctx, "SELECT seq,file,line,rows,checksum,final,states,ids,sum,idsum FROM batch WHERE seq=?", seq)
	b, err := scan(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read batch %d: %w: %w", ErrLedger, seq, ErrCorrupt, err)
	}
	if b.Final {
		return b, nil
	}
	rows, err := l.db.QueryContext(ctx, "SELECT record,code,field,message,attempts FROM problem WHERE seq=?", seq)
	if err != nil {
		return nil, fmt.Errorf("%w: read batch %d: %w", ErrLedger, seq, err)
	}
	defer rows.Close()
	for rows.Next() {
		var i int
		var p Problem
		if err := rows.Scan(&i, &p.Code, &p.Field, &p.Message, &p.Attempts); err != nil {
			return nil, fmt.Errorf("%w: read batch %d: %w", ErrLedger, seq, err)
		}
		b.Problems[i] = p
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%w: read batch %d: %w", ErrLedger, seq, err)
	}
	return b, nil
}

// Last returns the highest number of a batch that an earlier try left behind, or -1.
func (l *Ledger) Last(ctx context.Context) (int64, error) {
	var last int64
	if err := l.db.QueryRowContext(ctx, "SELECT coalesce(max(seq), -1) FROM batch").Scan(&last); err != nil {
		return 0, fmt.Errorf("%w: read: %w: %w", ErrLedger, ErrCorrupt, err)
	}
	return last, nil
}

// Each calls f for every batch in reading order, without its problems.
func (l *Ledger) Each(ctx context.Context, f func(*Batch) error) error {
	rows, err := l.db.QueryContext(ctx, "SELECT seq,file,line,rows,checksum,final,states,ids,sum,idsum FROM batch ORDER BY seq")
	if err != nil {
		return notRead(err)
	}
	defer rows.Close()
	for rows.Next() {
		b, err := scan(rows.Scan)
		if err != nil {
			return fmt.Errorf("%w: read: %w: %w", ErrLedger, ErrCorrupt, err)
		}
		if err := f(b); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return notRead(err)
	}
	return nil
}

// EachMade calls f with the id of every record that is known to have been created or deleted, also in
// batches under way.
func (l *Ledger) EachMade(ctx context.Context, f func(id string, state State)) error {
	visit := func(b *Batch) error {
		for i, s := range b.States {
			if s == Created || s == Deleted {
				if id := b.ID(i); id != "" {
					f(id, s)
				}
			}
		}
		return nil
	}
	l.write.Lock() // so that no batch is on its way from open to final
	defer l.write.Unlock()
	l.mu.Lock()
	for _, b := range l.open {
		_ = visit(b) // never fails
	}
	l.mu.Unlock()
	return l.Each(ctx, func(b *Batch) error {
		if !b.Final {
			return nil
		}
		return visit(b)
	})
}

func scan(scan func(...any) error) (*Batch, error) {
	b := &Batch{Problems: make(map[int]Problem)}
	var states []byte
	var sum uint32
	var idSum sql.Null[uint32]
	if err := scan(&b.Seq, &b.File, &b.Line, &b.Rows, &b.Checksum, &b.Final, &states, &b.ids, &sum, &idSum); err != nil {
		return nil, err
	}
	if len(states) == 0 && b.Rows > 0 || b.Rows > 0 && len(states)%b.Rows != 0 || b.ids != nil && len(b.ids) != len(states)*idLen {
		return nil, fmt.Errorf("batch %d has %d rows, %d states and %d bytes of ids", b.Seq, b.Rows, len(states), len(b.ids))
	}
	b.States = make([]State, len(states))
	for i, s := range states {
		if s > byte(Published) {
			return nil, fmt.Errorf("batch %d: state %d", b.Seq, s)
		}
		b.States[i] = State(s)
	}
	if sum != b.sum() || idSum.Valid != (b.ids != nil) || idSum.V != sumOf(b.ids) {
		return nil, fmt.Errorf("batch %d: %w", b.Seq, errChecksum)
	}
	return b, nil
}

func bytesOf(s []State) []byte {
	b := make([]byte, len(s))
	for i, v := range s {
		b[i] = byte(v)
	}
	return b
}
