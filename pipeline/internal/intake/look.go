package intake

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"strings"

	"sfsync/mapping"
	"sfsync/pipeline/internal/target"
	"sfsync/pipeline/internal/work"
	"sfsync/pipeline/row"
	"sfsync/pipeline/source"
	"sfsync/sink"
)

// Ahead is what reading ahead says of a run.
type Ahead struct {
	// Rows is how many rows it will read. Unless Exact, it is an estimate: as many rows a byte as the beginning
	// of the inputs has.
	Rows  int64
	Exact bool
	// Mapped is how many of the rows were mapped: what those behind them make is not known.
	Mapped int64
	// Targets say what the rows make of themselves, if all are like the first: those of the plan, then those of its
	// second pass.
	Targets []AheadTarget
}

// AheadTarget is what a target has to send.
type AheadTarget struct {
	// Records are to be sent, Keys of them to be looked up before; Text is how many bytes their cells have.
	Records, Keys, Text int64
	// Ask is the lookup of the first of the keys, nil where there are none.
	Ask *sink.Lookup
}

// askedKeys is how many keys are kept: enough to know how many like them a call takes.
const askedKeys = 2000

const (
	// aheadBytes and aheadRows bound how far ahead the rows of inputs are counted that do not say how many they
	// have: 16 blocks of a reader, so that what it has read and not handed out yet is little beside it.
	aheadBytes = 4 << 20
	aheadRows  = 500_000
	// aheadFiles bounds how many inputs are opened.
	aheadFiles = 256
)

// ReadAhead reads the beginning of the inputs, and says how many rows there are and what they make: up to most
// rows are mapped, those behind them are counted or estimated. Inputs are left as they were; one that can be read only
// once is an error. Of one that is damaged only what comes before the damage counts.
func ReadAhead(ctx context.Context, opt *Options, most int64) (*Ahead, error) {
	l := &looker{opt: opt, most: most, exact: true, mapper: opt.Plan.NewMapper(opt.Source.Pool)}
	l.targets = make([]AheadTarget, len(opt.Plan.Targets))
	if second := opt.Plan.Second; second != nil {
		l.second = second.NewMapper(opt.Source.Pool)
		l.targets = append(l.targets, make([]AheadTarget, len(second.Targets))...)
	}
	var unread int64 // bytes of inputs that were not opened
	for i, in := range opt.Inputs {
		if i >= aheadFiles || l.enough() {
			unread += sizeOf(in)
			l.exact = false
			continue
		}
		back, err := Rewind(in)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(l.look(ctx, in), back()); err != nil {
			return nil, err
		}
	}
	if l.bytes > 0 {
		l.rows += int64(float64(unread) * float64(l.rows) / float64(l.bytes))
	}
	return l.ahead(), nil
}

// looker reads inputs ahead.
type looker struct {
	opt            *Options
	most           int64
	mapper, second *mapping.Mapper
	targets        []AheadTarget // of the rows that were mapped
	mapped         int64
	read           int64 // bytes that were read to count rows
	counted        int64 // rows that were read
	rows, bytes    int64 // of the inputs that were looked at, whole
	exact          bool
}

// enough reports whether rows that are not known yet are to be estimated.
func (l *looker) enough() bool {
	part := max(l.opt.Limit, l.opt.Sample)
	return l.counted > l.most && (l.read >= aheadBytes || l.counted >= aheadRows) || part > 0 && l.counted >= part
}

// look reads an input as far as it takes. Its rows then count as l.rows, its size as l.bytes.
func (l *looker) look(ctx context.Context, in source.Input) (err error) {
	r, err := source.Open(ctx, in, l.opt.Source)
	if err != nil {
		return ctx.Err() // what is wrong with it is said when it is read in earnest
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	total, size := r.Info().Total, sizeOf(in)
	l.bytes += size
	var rows, firstRows, firstBytes int64
	for {
		if total >= 0 && l.mapped >= l.most {
			l.rows += total
			return nil
		}
		if l.enough() {
			break
		}
		before := r.Info().Bytes
		b, err := r.Next(ctx)
		switch {
		case err == nil:
			n := int64(b.Len())
			rows, l.counted, l.read = rows+n, l.counted+n, l.read+r.Info().Bytes-before
			if firstRows == 0 {
				firstRows, firstBytes = rows, r.Info().Bytes
			}
			l.take(b)
			continue
		case errors.Is(err, io.EOF), ctx.Err() == nil:
			l.rows += rows
			return nil
		}
		return ctx.Err()
	}
	l.exact = false
	l.rows += rows + behind(rows, firstRows, r.Info().Bytes, firstBytes, size)
	return nil
}

// behind estimates how many rows come behind those that were read of an input. What the reader has read and not
// handed out is about the same after the first batch as at the end, so that it is what lies between that counts.
func behind(rows, firstRows, bytes, firstBytes, size int64) int64 {
	left := max(0, size-bytes)
	switch {
	case bytes > firstBytes && rows > firstRows:
		return int64(float64(left) * float64(rows-firstRows) / float64(bytes-firstBytes))
	case bytes > 0:
		return int64(float64(left) * float64(rows) / float64(bytes))
	}
	return 0
}

// take maps a batch, while not enough rows were, and gives it back.
func (l *looker) take(b *row.Batch) {
	if l.mapped >= l.most {
		b.Free()
		return
	}
	l.mapped += int64(b.Len())
	if l.second != nil {
		m := l.second.Map(b)
		l.count(l.opt.Plan.Second.Targets, m, l.targets[len(l.opt.Plan.Targets):])
		FreeRecords(m)
	}
	m := l.mapper.Map(b)
	l.count(l.opt.Plan.Targets, m, l.targets)
	m.Free()
}

// count adds what the records of a mapped batch make.
func (l *looker) count(plan []mapping.PlanTarget, m *mapping.Mapped, counts []AheadTarget) {
	for t := range plan {
		p, records, c := &plan[t], &m.Targets[t], &counts[t]
		of := target.New(t, p, false, false)
		w := &work.Batch{Source: m.Source, Mapped: m, Rows: m.Source.Len()}
		for r := range m.Source.Len() {
			if records.Fate(r) != mapping.Send {
				continue
			}
			c.Records++
			c.Text += int64(records.Batch.TextSize(r))
			if p.Lookup || p.InsertDefaults && target.HasInsertDefault(records.Batch, r) {
				c.Keys++
				c.ask(of, work.Item{Batch: w, Row: int32(r)})
			}
		}
	}
}

// ask notes the key that a record is looked up by first, if it is one like those before.
func (c *AheadTarget) ask(of *target.Target, it work.Item) {
	k := of.NextKey(it, -1)
	if k < 0 || c.Ask != nil && (len(c.Ask.Keys) >= askedKeys || c.Ask.By[0].Name != of.Keys[k].By[0].Name) {
		return
	}
	if c.Ask == nil {
		ask := of.Ask(nil, k, of.WantOf(it))
		c.Ask = &ask
	}
	c.Ask.Keys = append(c.Ask.Keys, strings.Clone(of.Text(it, k)))
}

// ahead scales what the mapped rows make to all rows.
func (l *looker) ahead() *Ahead {
	a := &Ahead{Rows: l.rows, Exact: l.exact, Targets: l.targets}
	for _, part := range [...]int64{l.opt.Limit, l.opt.Sample} {
		if part > 0 && part <= a.Rows {
			a.Rows, a.Exact = part, a.Exact || l.counted >= part
		}
	}
	if l.opt.Sample == 0 { // else they are others
		a.Mapped = min(l.mapped, a.Rows)
	}
	if l.mapped == 0 || l.mapped == a.Rows {
		return a
	}
	scale := float64(a.Rows) / float64(l.mapped)
	for i := range a.Targets {
		t := &a.Targets[i]
		for _, n := range [...]*int64{&t.Records, &t.Keys, &t.Text} {
			*n = int64(math.Round(float64(*n) * scale))
		}
	}
	return a
}

// sizeOf is the size of an input as it is stored, 0 if it is not known.
func sizeOf(in source.Input) int64 {
	if f, ok := in.Reader.(*os.File); ok {
		if info, err := f.Stat(); err == nil {
			return info.Size()
		}
	}
	info, err := os.Stat(in.Path)
	if in.Once || err != nil {
		return 0
	}
	return info.Size()
}

// FreeRecords gives back the records of a mapped batch, but not the rows, which another one owns.
func FreeRecords(m *mapping.Mapped) {
	m.Source = new(row.Batch)
	m.Free()
}
