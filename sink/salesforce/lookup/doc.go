// Package lookup finds records by key: it writes SOQL that fits a URL and reads the records that
// come back. It sends nothing.
//
// A [Question] is one lookup. Its keys become conditions (of a single field those of an IN list, of
// a composite key one parenthesis each), its [Query] cuts them into runs that a URL has room for,
// and [Question.Add] sorts each record to the key that it holds. What goes into a query is a name
// that the object has or a literal of the field's type, so that no key can be anything but a value.
package lookup
