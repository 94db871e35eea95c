// Package recent remembers which records a client has just created.
package recent

import (
	"sync"
	"time"
)

// window is how long at least a created record is remembered. It must cover what the
// seconds of creation dates and the estimate of the org's clock leave open.
const window = 5 * time.Second

// IDs are the ids of records created in the last seconds. A file may create a record
// with one row and update it with the next; if the second answer is lost, the record's
// creation date alone, which has seconds, would count the creation twice.
//
// The zero IDs are ready and safe for concurrent use.
type IDs struct {
	mu     sync.Mutex
	now    map[id]struct{}
	before map[id]struct{}
	turned time.Time
}

type id [18]byte

// Known are the records known at one moment (and those that come to the newer of the
// two sets while it is held).
type Known struct{ now, before map[id]struct{} }

// Known returns the records known now.
func (r *IDs) Known() Known {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Known{r.now, r.before}
}

// Add notes that a record, by its 18-character id, has been created.
func (r *IDs) Add(record []byte, at time.Time) {
	if len(record) != len(id{}) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil || at.Sub(r.turned) >= window {
		r.now, r.before, r.turned = make(map[id]struct{}), r.now, at
	}
	r.now[id(record)] = struct{}{}
}

// Has reports whether a record was among the known.
func (r *IDs) Has(k Known, record string) bool {
	if len(record) != len(id{}) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := id([]byte(record))
	_, a := k.now[key]
	_, b := k.before[key]
	return a || b
}
