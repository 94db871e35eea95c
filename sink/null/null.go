// Package null is a sink that accepts every record and keeps none, to measure a pipeline
// without an org.
package null

import (
	"context"
	"sync/atomic"

	"sfsync/sink"
)

// Writer accepts every record at once: a Create, Upsert or Publish makes up an id, an Update or
// Delete keeps its record's. It is a [sink.Writer] and, as an org that holds nothing, a [sink.Matcher]. The zero
// Writer is ready and safe for concurrent use.
type Writer struct{ ids atomic.Int64 }

var (
	_ sink.Writer  = (*Writer)(nil)
	_ sink.Matcher = (*Writer)(nil)
)

// Limits are those of composite requests, so that requests are formed as for an org.
func (w *Writer) Limits() sink.Limits {
	return sink.Limits{Records: 1000, Bytes: 5 << 20, Group: 200, Groups: 5}
}

const (
	idLen  = 18
	prefix = "000"
	// Digits and lower-case letters only: the check characters of such an id are AAA.
	digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	suffix = "AAA"
)

// Write implements [sink.Writer]. It allocates once a request.
func (w *Writer) Write(ctx context.Context, req *sink.Request, results []sink.Result) error {
	if ctx.Err() != nil {
		for i := range results {
			results[i] = sink.Result{Status: sink.NotSent, Err: &sink.Error{Class: sink.Network, Code: "CANCELLED"}}
		}
		return context.Cause(ctx)
	}
	n := len(req.Records)
	next := w.ids.Add(int64(n)) - int64(n)
	buf := make([]byte, 0, n*idLen)
	for i := range n {
		buf = appendID(buf, uint64(next)+uint64(i)+1)
	}
	ids := string(buf)
	for i := range req.Records {
		id := ids[i*idLen : (i+1)*idLen]
		switch r := &req.Records[i]; r.Action {
		case sink.Update:
			results[i] = sink.Result{Status: sink.Updated, ID: r.ID}
		case sink.Delete:
			results[i] = sink.Result{Status: sink.Deleted, ID: r.ID}
		case sink.Publish:
			results[i] = sink.Result{Status: sink.Published, ID: id}
		default:
			results[i] = sink.Result{Status: sink.Created, ID: id}
		}
	}
	return nil
}

func appendID(b []byte, n uint64) []byte {
	b = append(b, prefix+"000000000000"+suffix...)
	for i := len(b) - len(suffix) - 1; n > 0; i-- {
		b[i] = digits[n%36]
		n /= 36
	}
	return b
}

// Lookup implements [sink.Matcher]: it finds nothing.
func (w *Writer) Lookup(ctx context.Context, l *sink.Lookup) error {
	l.Found = make([][]sink.Match, len(l.Keys))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// LookupKeys implements [sink.Matcher].
func (w *Writer) LookupKeys(l *sink.Lookup) int { return len(l.Keys) }
