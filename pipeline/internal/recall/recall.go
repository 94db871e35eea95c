// Package recall remembers what was found out lately, within bounds.
package recall

// Map is a map that forgets: when it is full, what was put long ago goes. It
// keeps two generations, so that forgetting costs nothing per entry; what is to stay has to be put
// again.
type Map[V any] struct {
	young, old map[string]V
	size, most int // of the young generation
}

// overhead is what an entry costs besides its own bytes: map slots, string headers.
const overhead = 64

// New returns a map that holds at most so many bytes, by the account that its users give in Put.
func New[V any](bytes int) *Map[V] {
	return &Map[V]{young: make(map[string]V), most: bytes / 2}
}

// Get returns what is known under a key.
func (m *Map[V]) Get(key string) (v V, ok bool) {
	if v, ok = m.young[key]; !ok {
		v, ok = m.old[key]
	}
	return v, ok
}

// Fresh reports whether a key is known and not among what goes next.
func (m *Map[V]) Fresh(key string) bool {
	_, ok := m.young[key]
	return ok
}

// Drop forgets what is known under a key.
func (m *Map[V]) Drop(key string) {
	delete(m.young, key)
	delete(m.old, key)
}

// Put remembers v, which has so many bytes, under a key that the map may keep.
func (m *Map[V]) Put(key string, v V, bytes int) {
	if _, known := m.young[key]; !known {
		if m.size += overhead + len(key) + bytes; m.size > m.most {
			m.old, m.young, m.size = m.young, make(map[string]V), overhead+len(key)+bytes
		}
	}
	m.young[key] = v
}
