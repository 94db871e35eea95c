// Package cursor keeps the pages of query answers that are still to be fetched.
package cursor

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// maxOpen bounds the open cursors; the oldest goes first.
const maxOpen = 50

// Life is how long a cursor can be used (REST API guide, Query: two days).
const Life = 48 * time.Hour

// Set is the answers of which pages are still to be fetched. The pages wait in files, so that
// an answer may be larger than memory, and stay as they were when the query ran. The zero Set is
// empty; it is safe for concurrent use.
type Set struct {
	mu   sync.Mutex
	list []*Cursor
}

// Cursor is one answer. It belongs to its maker until [Set.Keep].
type Cursor struct {
	ID    string
	Size  int // records a page
	Total int // records in all
	// Owner is the user whose query it is: nobody else may fetch its pages.
	Owner string
	// Made is when the query ran.
	Made time.Time

	file *os.File
	ends []int64 // of the second page, the third, …
}

// New returns a cursor without pages.
func New(id string, size int, made time.Time) (*Cursor, error) {
	f, err := os.CreateTemp("", "sfsync-query-*")
	if err != nil {
		return nil, fmt.Errorf("keep the pages of a query: %w", err)
	}
	// Gone at once where the system allows it, else when the cursor is closed.
	_ = os.Remove(f.Name())
	return &Cursor{ID: id, Size: size, Made: made, file: f}, nil
}

// Add adds a page, the second of the answer first.
func (c *Cursor) Add(page []byte) error {
	n, err := c.file.Write(page)
	if err != nil {
		return fmt.Errorf("keep the pages of a query: %w", err)
	}
	end := int64(n)
	if len(c.ends) > 0 {
		end += c.ends[len(c.ends)-1]
	}
	c.ends = append(c.ends, end)
	return nil
}

// Close gives up the pages.
func (c *Cursor) Close() {
	_ = c.file.Close()
	_ = os.Remove(c.file.Name())
}

// Keep takes a cursor over; those that are too old give way, and the oldest if there are too many.
func (c *Set) Keep(cur *Cursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire(cur.Made)
	if c.list = append(c.list, cur); len(c.list) > maxOpen {
		c.list[0].Close()
		c.list = slices.Delete(c.list, 0, 1)
	}
}

func (c *Set) expire(now time.Time) {
	c.list = slices.DeleteFunc(c.list, func(cur *Cursor) bool {
		old := now.Sub(cur.Made) > Life
		if old {
			cur.Close()
		}
		return old
	})
}

// Page returns the page that begins at a record, and its cursor; nil if there is none.
func (c *Set) Page(id, owner string, offset int, now time.Time) (*Cursor, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire(now)
	i := slices.IndexFunc(c.list, func(cur *Cursor) bool { return cur.ID == id && cur.Owner == owner })
	if i < 0 {
		return nil, nil
	}
	cur := c.list[i]
	n := offset/cur.Size - 1
	if offset <= 0 || offset%cur.Size != 0 || n >= len(cur.ends) {
		return nil, nil
	}
	from := int64(0)
	if n > 0 {
		from = cur.ends[n-1]
	}
	page, err := io.ReadAll(io.NewSectionReader(cur.file, from, cur.ends[n]-from))
	if err != nil {
		return nil, nil
	}
	return cur, page
}

// Close closes all cursors.
func (c *Set) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cur := range c.list {
		cur.Close()
	}
	c.list = nil
}
