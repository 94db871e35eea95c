package mirror

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"sfsync/sink"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/transfer"
)

// Org is an org that can be asked for a copy. Errors are [*sink.Error]s, the context's, or those of what takes an answer.
type Org interface {
	Transfer(ctx context.Context, r *transfer.Request) error
	// Describe returns the description of an object, verbatim. It costs a call the first time.
	Describe(ctx context.Context, object string) ([]byte, error)
}

// Options say what a [Matcher] needs.
type Options struct {
	Org Org
	// Matcher finds records by asking the org for each.
	Matcher sink.Matcher
	// Writes are the objects of the org that the run writes; none for a dry run.
	Writes []string
	// Ahead, if set, says how many rows are decided and about how many are still to come, negative if that is
	// not known: a copy is then made at once, or not at all.
	Ahead func() (done, left int64)
	// Stop, if set, is closed when the run is to end soon: a copy that is being made is given up.
	Stop <-chan struct{}
	// Dir is where copies are kept; "" for the directory of temporary files.
	Dir string
	Now func() time.Time
	// Sleep waits for d or the context's end, nil for a timer; Rand gives the jitter in [0, 1), nil
	// for math/rand.
	Sleep func(ctx context.Context, d time.Duration) error
	Rand  func() float64
	// Logger is told once of a copy that cannot be had, and of those that are made at level info.
	// Nil for none.
	Logger *slog.Logger
	// Word words an error for the Logger, since an org's own words may hold personal data; nil for all of it.
	Word func(err error) string
}

// Matcher is a [sink.Matcher] that answers from copies where they cost less than asking. It is safe for
// concurrent use. The caller closes it.
type Matcher struct {
	Options
	seed maphash.Seed

	mu        sync.RWMutex
	objects   map[string]*object   // by lower-case name
	questions map[string]*question // by what they ask
	copies    int
	inflight  map[*sink.Request]bool
	noted     *filter         // of what was written; nil before there is anything to note
	lost      map[string]bool // objects of which an answer got lost that was not noted
	clouded   map[string]bool // objects of which nobody knows what was written
}

var _ sink.Matcher = (*Matcher)(nil)

// New returns a Matcher that has no copies yet.
func New(o Options) *Matcher {
	if o.Sleep == nil {
		o.Sleep = retry.Sleep
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Word == nil {
		o.Word = error.Error
	}
	return &Matcher{
		Options: o, seed: maphash.MakeSeed(), objects: make(map[string]*object), questions: make(map[string]*question),
		inflight: make(map[*sink.Request]bool), lost: make(map[string]bool), clouded: make(map[string]bool),
	}
}

// Copied returns the objects that lookups were answered from copies of, in order.
func (m *Matcher) Copied() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var objects []string
	for _, q := range m.questions {
		if q != nil && (q.table != nil || q.again) && !slices.Contains(objects, q.soqlObject) {
			objects = append(objects, q.soqlObject)
		}
	}
	slices.Sort(objects)
	return objects
}

// Close removes the copies.
func (m *Matcher) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var err error
	for _, q := range m.questions {
		if q != nil && q.table != nil {
			err = errors.Join(err, q.table.close())
			q.table, q.state = nil, off
		}
	}
	return err
}

// LookupKeys implements [sink.Matcher]: a copy answers any number at once.
func (m *Matcher) LookupKeys(l *sink.Lookup) int {
	m.mu.RLock()
	q := m.questions[nameOf(l)]
	ready := q != nil && q.state == ready
	m.mu.RUnlock()
	if ready && !l.Fresh {
		return len(l.Keys)
	}
	return m.Matcher.LookupKeys(l)
}

// Lookup implements [sink.Matcher]. One that finds out that a copy is worth its calls makes it, and others
// with the same question wait for it.
func (m *Matcher) Lookup(ctx context.Context, l *sink.Lookup) error {
	if len(l.Keys) == 0 {
		return m.Matcher.Lookup(ctx, l)
	}
	q, err := m.question(ctx, l)
	if err != nil {
		return err
	}
	if q == nil {
		return m.Matcher.Lookup(ctx, l)
	}
	if l.Fresh { // what was lost may arrive after a copy was made
		m.noteKeys(q, l.Keys)
		return m.Matcher.Lookup(ctx, l)
	}
	t, err := m.copyOf(ctx, q, l)
	if err != nil {
		return err
	}
	if t == nil {
		return m.Matcher.Lookup(ctx, l)
	}
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.leave(ctx, t, 1)
	}()
	return m.answer(ctx, q, t, l)
}

// nameOf tells questions apart.
func nameOf(l *sink.Lookup) string {
	var b strings.Builder
	b.WriteString(l.Object)
	for _, by := range l.By {
		b.WriteByte(' ')
		b.WriteString(by.Name)
	}
	b.WriteByte('|')
	for _, w := range l.Want {
		b.WriteByte(' ')
		b.WriteString(w)
	}
	return strings.ToLower(b.String())
}

const (
	// maxQuestions bounds what is kept of questions, maxCopies the files.
	maxQuestions = 64
	maxCopies    = 8
)

// question returns what is known of a lookup's question; nil if no copy can answer it.
func (m *Matcher) question(ctx context.Context, l *sink.Lookup) (*question, error) {
	name := nameOf(l)
	m.mu.RLock()
	q, known := m.questions[name]
	full := len(m.questions) >= maxQuestions
	m.mu.RUnlock()
	if known || full {
		return q, nil
	}
	q = nil
	if unmoved(m.Writes, l.Object) {
		o, err := m.object(ctx, l.Object)
		if err != nil {
			return nil, err
		}
		q = newQuestion(l, o, m.writes(l.Object), m.seed)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if other, known := m.questions[name]; known {
		return other, nil
	}
	if q != nil && (m.lost[q.object] || m.clouded[q.object]) {
		q = nil
	}
	m.questions[name] = q
	return q, nil
}

func (m *Matcher) writes(object string) bool { return has(m.Writes, object) }

func has(objects []string, object string) bool {
	return slices.ContainsFunc(objects, func(o string) bool { return strings.EqualFold(o, object) })
}

// unmoved reports whether a run that writes records of these objects does nothing to those of one but what it
// sends for them.
func unmoved(writes []string, object string) bool {
	return !has(writes, object) || !slices.ContainsFunc(writes, func(w string) bool { return !strings.EqualFold(w, object) })
}

// copyOf returns the copy that answers a question, or nil if the org is to be asked.
func (m *Matcher) copyOf(ctx context.Context, q *question, l *sink.Lookup) (*table, error) {
	calls := int64(1)
	if fit := m.Matcher.LookupKeys(l); fit > 0 {
		calls = int64((len(l.Keys) + fit - 1) / fit)
	}
	m.mu.Lock()
	q.keys += int64(len(l.Keys))
	if q.perCall == 0 {
		q.perCall = m.fits(l)
	}
	m.mu.Unlock()
	for {
		m.mu.Lock()
		switch {
		case q.state == ready && since(q.made, m.Now()) < maxAge:
			t := q.table
			t.readers++
			m.mu.Unlock()
			return t, nil
		case q.state == ready:
			m.retire(ctx, q)
			m.mu.Unlock()
			continue
		case q.state == making:
			done := q.done
			m.mu.Unlock()
			select {
			case <-done:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			continue
		case q.state == off || !m.worth(q):
			q.rented += calls
			m.mu.Unlock()
			return nil, nil
		}
		q.state, q.done = making, make(chan struct{})
		m.mu.Unlock()
		if err := m.make(ctx, q); err != nil {
			return nil, err
		}
	}
}

// maxAge is how long a copy answers. Then lookups go to the org until they have cost as much as another copy.
const maxAge = 15 * time.Minute

// since is how long ago a copy was begun. A monotonic clock stands still while the machine sleeps, and the other
// one may be set back: the longer time counts.
func since(made, now time.Time) time.Duration {
	return max(now.Sub(made), now.Round(0).Sub(made.Round(0)))
}

// retire gives a copy up that is too old. Its files go with the last that reads them.
func (m *Matcher) retire(ctx context.Context, q *question) {
	t := q.table
	q.state, q.table, q.rented, q.records, q.again = asking, nil, 0, -1, true
	m.copies--
	t.retired = true
	m.leave(ctx, t, 0)
}

// leave is called under the lock by n readers of a copy that are done.
func (m *Matcher) leave(ctx context.Context, t *table, n int) {
	if t.readers -= n; t.readers == 0 && t.retired {
		if err := t.close(); err != nil {
			m.Logger.WarnContext(ctx, "a copy of key columns cannot be removed", "error", m.Word(err))
		}
	}
}

// make makes the copy of a question whose state is making, or finds that it is not to be had. The error is
// the context's.
func (m *Matcher) make(ctx context.Context, q *question) error {
	next, t := off, (*table)(nil)
	began := m.Now()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if q.state == off { // meanwhile
			next = off
		}
		q.state, q.table = next, t
		close(q.done)
	}()
	err := m.count(ctx, q)
	if err == nil {
		if agreed := m.agree(q); agreed != making {
			next = agreed
			return nil
		}
		t, err = m.download(ctx, q)
	}
	switch {
	case err == nil:
		next = ready
		m.Logger.InfoContext(ctx, "lookups are answered from a copy of the key columns", "object", q.soqlObject, "records", t.n, "took", m.Now().Sub(began))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		// What is beyond the budget the lookup itself will be told.
		if e := (*sink.Error)(nil); !errors.Is(err, errStopped) && (!errors.As(err, &e) || e.Code != catalog.CodeBudget) {
			m.Logger.WarnContext(ctx, "the key columns cannot be copied: lookups go on by REST", "object", q.soqlObject, "error", m.Word(err))
		}
	}
	return nil
}

// agree reports whether a copy is still worth its calls now that the records are counted (making), and notes
// what is under way from here on.
func (m *Matcher) agree(q *question) state {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.worth(q):
		return asking
	case m.copies >= maxCopies:
		return off
	}
	m.copies++
	q.noting, q.made = true, m.Now()
	for req := range m.inflight { // nobody knows whether they come before the copy or after
		m.note(q, req)
	}
	return q.state // off if it cannot be known what one of them writes
}

// giveUp makes the org be asked from here on.
func (m *Matcher) giveUp(ctx context.Context, q *question, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.state != off {
		q.state = off
		m.Logger.WarnContext(ctx, "a copy of key columns cannot be read: lookups go on by REST", "object", q.soqlObject, "error", m.Word(err))
	}
}

// answer answers from a copy, as far as that is beyond doubt.
func (m *Matcher) answer(ctx context.Context, q *question, t *table, l *sink.Lookup) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	asked := make([]askedKey, len(l.Keys))
	for i, k := range l.Keys {
		asked[i] = q.asked(i, k)
	}
	slices.SortFunc(asked, func(a, b askedKey) int { return entry{hash: a.hash}.compare(entry{hash: b.hash}) })
	l.Found = make([][]sink.Match, len(l.Keys))
	c := t.cursor()
	var again []int
	for i := range asked {
		a := &asked[i]
		if err := q.find(c, a, &l.Found[a.place]); err != nil {
			m.giveUp(ctx, q, err)
			return m.Matcher.Lookup(ctx, l)
		}
	}
	m.mu.RLock()
	for i := range asked {
		a := &asked[i]
		if a.doubt || q.state == off || m.written(q, a, l.Found[a.place]) {
			again = append(again, a.place)
		}
	}
	m.mu.RUnlock()
	if len(again) == 0 {
		return nil
	}
	slices.Sort(again)
	sub := sink.Lookup{Object: l.Object, By: l.By, Want: l.Want, Keys: make([]string, len(again))}
	for i, place := range again {
		sub.Keys[i] = l.Keys[place]
	}
	if err := m.Matcher.Lookup(ctx, &sub); err != nil {
		return err
	}
	for i, place := range again {
		l.Found[place] = sub.Found[i]
	}
	return nil
}

// written reports whether the run may have changed what a key finds since the copy was made.
func (m *Matcher) written(q *question, a *askedKey, found []sink.Match) bool {
	switch {
	case len(found) == 0 && q.byID && m.writes(q.object):
		return true // records that the run creates have ids that nobody can note before
	case m.noted == nil:
		return false
	case m.noted.has(a.hash):
		return true
	}
	return slices.ContainsFunc(found, func(f sink.Match) bool { return m.noted.has(m.idHash(f.ID)) })
}
