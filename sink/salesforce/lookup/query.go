package lookup

import "sfsync/sink/salesforce/wire"

// Groups is how many queries one call holds (REST API guide, "Composite").
const Groups = 5

// Query is a query whose conditions are too many for one URL. All its texts are encoded for one.
type Query struct {
	// Head is the query up to the conditions, Join stands between them and Tail behind.
	Head, Join, Tail string
	Terms            []string
}

// Span is a run of conditions that travel in one query.
type Span struct{ Lo, Hi, Tries int }

// AppendURL appends what stands behind "?q=" for a run of conditions.
func (q *Query) AppendURL(dst []byte, s Span) []byte {
	dst = append(dst, q.Head...)
	for k, t := range q.Terms[s.Lo:s.Hi] {
		if k > 0 {
			dst = append(dst, q.Join...)
		}
		dst = append(dst, t...)
	}
	return append(dst, q.Tail...)
}

// overhead is what a URL of so many bytes before "q=" has besides its conditions.
func (q *Query) overhead(prefix int) int { return prefix + len(q.Head) + len(q.Tail) }

// minRoom is the least that conditions get of a URL: a condition that is longer travels alone.
const minRoom = 4096

// Pack cuts a run of conditions into queries: none longer than room, of which prefix is taken, and,
// if there is enough for more than one query, about equally long.
func (q *Query) Pack(s Span, room, prefix int) []Span {
	total, longest := 0, 0
	for _, t := range q.Terms[s.Lo:s.Hi] {
		total += len(t) + len(q.Join)
		longest = max(longest, len(t)+len(q.Join))
	}
	room -= q.overhead(prefix)
	room = min(room, max(minRoom, total/Groups+longest))
	var out []Span
	left := 0
	for i := s.Lo; i < s.Hi; i++ {
		n := len(q.Terms[i]) + len(q.Join)
		if left -= n; left < 0 || len(out) == 0 {
			out = append(out, Span{Lo: i, Tries: s.Tries})
			left = room - n
		}
		out[len(out)-1].Hi = i + 1
	}
	return out
}

// In is the query for the records whose field has one of the values, given as SOQL literals.
func In(object, fields, where string, literals []string) *Query {
	q := &Query{Head: encode("SELECT " + fields + " FROM " + object + " WHERE " + where + " IN ("), Join: ",", Tail: ")"}
	for _, l := range literals {
		q.Terms = append(q.Terms, encode(l))
	}
	return q
}

func encode(s string) string { return string(wire.AppendURL(nil, s)) }
