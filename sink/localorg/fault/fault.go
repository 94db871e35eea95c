package fault

import "time"

// Point is a moment at which something may go wrong. The org asks at each HTTP request before it is
// looked at, at each subrequest of a composite, and at each record to be written.
type Point struct {
	// N counts the HTTP requests of this process from 1; subrequests and records have the
	// number of their HTTP request.
	N int64
	// Method and Path are those of the request or subrequest; the path of a data resource
	// begins behind its version ("/composite/sobjects/Lead/Ext__c"), others are whole.
	Method, Path string
	// Sub is set for a subrequest of a composite.
	Sub bool
	// Row is set for a record: Object is its object and Index its place in its request.
	Row    bool
	Object string
	Index  int
}

// Action is what happens at a [Point]; the zero Action is nothing.
type Action struct {
	// Delay passes first. For a record it is time that its transaction takes: the locks of the
	// transaction are held as long.
	Delay time.Duration
	// Drop closes the connection without an answer. At a subrequest DropBefore ends the whole
	// request before the subrequest is carried out; what came before it stands, unless the
	// request is all-or-none. DropAfter lets the whole request happen. Not for records.
	Drop Drop
	// Expire ends all sessions first, so that an HTTP request is answered INVALID_SESSION_ID. Not
	// for records.
	Expire bool
	// Status answers the request or subrequest so, with Code and Message as its error; nothing
	// is done. Body, if set, is the answer's whole body instead, as text/html; only with one may Status be
	// 200, as that of a gateway's page is at times.
	Status int
	// Code makes a record fail with it.
	Code    string
	Message string
	Body    string
}

// Drop says when a connection dies.
type Drop uint8

// The moments of a drop.
const (
	// DropBefore: nothing was done.
	DropBefore Drop = iota + 1
	// DropAfter: everything was done and committed, and the answer is lost.
	DropAfter
)
