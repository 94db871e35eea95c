// Package sink says what delivering records means: a [Writer] takes a request full of
// records and gives each of them exactly one [Result]. The packages below it implement
// Writer: salesforce over the wire, null without one.
package sink

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sfsync/pipeline/row"
)

// Action is what is to become of one record.
type Action uint8

// The actions. A request may mix them.
const (
	// Create inserts the record; it is not idempotent.
	Create Action = iota + 1
	// Update changes the record whose id is Record.ID.
	Update
	// Upsert creates or updates by the target's key field; sending it twice does no harm.
	Upsert
	// Delete deletes the record whose id is Record.ID.
	Delete
	// Publish publishes a platform event; like Create it is not idempotent.
	Publish
)

func (a Action) String() string {
	switch a {
	case Create:
		return "create"
	case Update:
		return "update"
	case Upsert:
		return "upsert"
	case Delete:
		return "delete"
	case Publish:
		return "publish"
	}
	return fmt.Sprintf("Action(%d)", uint8(a))
}

// Target is where the records of a request go. It does not change during a run.
type Target struct {
	// Object is the API name, in the org's own spelling.
	Object string
	// Key is the API name of the match field; "" for plain inserts.
	Key string
	// KeyColumn is the column of Key in the mapped batches, or -1.
	KeyColumn int
	// UpdateOnly makes an Upsert that finds nothing fail instead of creating.
	UpdateOnly bool
	// Options are what the org is asked to do besides writing the records.
	Options Options
	// Fold returns a key as the org compares it. It is safe for concurrent use.
	Fold func(string) string
}

// Options are wishes about how an org writes records. The zero Options let no assignment rule run and every
// record have its own fate.
type Options struct {
	// AssignmentRule is "default" for the org's active rule, or the id of one; "" for none.
	AssignmentRule string
	// AllowDuplicates saves records that a duplicate rule only alerts about.
	AllowDuplicates bool
	// AllOrNone makes the records of one action in a group (see [Limits]) share one fate.
	AllOrNone bool
	// UpdateMRU is "true" or "false"; "" leaves it to the org whether records become recently used ones.
	UpdateMRU string
}

// Record is one row of a mapped batch on its way: the batch's columns are named after the
// object's fields; absent cells are not sent, null cells clear the field. A cell flagged
// [row.OnInsert] is left out of an Update.
type Record struct {
	Batch  *row.Batch
	Row    int
	Action Action
	// ID is the 18-character record id of an Update or Delete.
	ID string
	// Resend is set when an earlier attempt may have reached the org without an answer, so
	// that "updated" may mean that the earlier attempt created the record.
	Resend bool
}

// Request is one call's worth of records for one target. No two records of a request have
// the same key.
type Request struct {
	Target  *Target
	Records []Record
	// Group, if it is not 0, is the most records that may share a transaction: [Limits.Group] if that is
	// smaller. Sinks whose requests the org cuts up by itself pay no heed to it.
	Group int
	// Opened, if set, is told of the id under which the org will keep the results of some of the records,
	// given by their places, before these are sent: a [Resumer] can ask for them later. Told again, the
	// later id counts. An error keeps the records from being sent, and comes back from Write.
	Opened func(id string, records []int) error
}

// Status is what became of a record.
type Status uint8

// The statuses. The zero Status is Unknown, so that a result nobody set tells the truth.
const (
	// Unknown: the record may or may not have been written.
	Unknown Status = iota
	Created
	Updated
	// Failed: the org, or the check before it, refused the record; nothing was written.
	Failed
	// NotSent: the request never reached the org; sending the record later is safe.
	NotSent
	// Deleted: the record is gone, by this request or, before a repeated one, by what may have been the
	// first. A record that was gone before is Failed.
	Deleted
	// Published: the org took the event; whether subscribers get it, it does not say.
	Published
)

func (s Status) String() string {
	return [...]string{"unknown", "created", "updated", "failed", "not sent", "deleted", "published"}[s]
}

// Result is the outcome of one record.
type Result struct {
	Status Status
	// ID is the record's 18-character id where it is known.
	ID string
	// Err says why, for every status that is no success. A record that is Deleted has one where that is a
	// conclusion: it was gone when it was sent again.
	Err *Error
}

// Class says what an error means for what comes next.
type Class uint8

// The classes of salesforce-style errors.
const (
	// Permanent: the same record will fail again.
	Permanent Class = iota
	// Retry: the same record may well succeed in a while (locks, load).
	Retry
	// Later: the org takes no more for now (daily limit, maintenance); stop, resumable.
	Later
	// Auth: the credentials or permissions are not enough; stop.
	Auth
	// Config: the request cannot work for any record (an unknown object); stop.
	Config
	// Network: the org cannot be reached after retries; stop.
	Network
)

func (c Class) String() string {
	return [...]string{"permanent", "retry", "later", "auth", "config", "network"}[c]
}

// Error is what an org, or the way to it, says about a record or a request.
type Error struct {
	Class Class
	// Code is the org's own code, verbatim (REQUIRED_FIELD_MISSING), or one of ours where the
	// org said nothing (NO_ANSWER).
	Code string
	// Fields are the API names the org blamed.
	Fields []string
	// Message is the org's text; it may hold personal data.
	Message string
	// HTTPStatus is the status of the answer, 0 without one.
	HTTPStatus int
	// RetryAfter is how long a gateway asked to wait, 0 if it did not.
	RetryAfter time.Duration
	// Lost is set when the request was sent and no answer came: it may have been carried out.
	Lost bool
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	if len(e.Fields) > 0 {
		return fmt.Sprintf("%s: %s (%s)", e.Code, e.Message, strings.Join(e.Fields, ", "))
	}
	return e.Code + ": " + e.Message
}

// Writer delivers requests. Implementations are safe for concurrent use.
type Writer interface {
	// Write delivers a request of at most Limits().Records records and fills results, which has
	// one element a record, in order. It returns an error only if the run has to stop (class
	// Later, Auth, Config or Network, or the context's end); results are filled even then:
	// what was not decided is NotSent or Unknown. A record whose result is Failed with class
	// Retry may be sent again by the caller.
	Write(ctx context.Context, req *Request, results []Result) error
	// Limits says how large requests may be.
	Limits() Limits
}

// Resumer is implemented by Writers of orgs that work requests off on their own and keep the results. They send
// no record before Request.Opened was told of it.
type Resumer interface {
	// Settle returns once the requests with these ids (Request.Opened) have ended. Those that had not been
	// sent whole are given up and returned: nothing of them was or will be worked off. The error is
	// like Write's.
	Settle(ctx context.Context, ids []string) (never []string, err error)
	// Resume fills results with what became of the records of an earlier request, all those that were told
	// with the id, in any order. The error is like Write's; results are Unknown where nobody can say.
	Resume(ctx context.Context, id string, req *Request, results []Result) error
}

// Limits bounds a request.
type Limits struct {
	// Records is the most records a request may have.
	Records int
	// Bytes is the most text (sum of the cells' bytes) a request may have.
	Bytes int
	// Group: records of one action are sent in groups of this many; a request whose groups
	// number more than Groups costs another call.
	Group, Groups int
	// InFlight is the most requests of a target that may be under way at once; 0 for any number. Only
	// requests that are so large that their records are to be counted have such a bound.
	InFlight int
}

// Match is a record that a lookup found.
type Match struct {
	ID string
	// Converted is set for a lead that has been converted: it cannot be written any more.
	Converted bool
	// Values are the record's values of Lookup.Want, in its order: Null for a blank one, else Text,
	// Number or Bool as the org wrote it. They are the caller's own.
	Values []row.Cell
}

// KeyField is a field of a match key.
type KeyField struct {
	// Name is the API name, in the org's own spelling; of a field of a parent's "Account.ERP_Id__c".
	Name string
	// Fold returns a value as the org compares it. It is safe for concurrent use.
	Fold func(string) string
}

// KeySep stands between the parts of a composite key. No value of a field holds it.
const KeySep = "\x00"

// Lookup asks which records hold the keys.
type Lookup struct {
	// Object is the API name, in the org's own spelling.
	Object string
	// By are the fields of the key: more than one for a composite key.
	By []KeyField
	// Keys are the values to look for, folded, distinct and not blank; those of a composite key
	// are joined by KeySep.
	Keys []string
	// Want are API names of further fields whose values are read, in the org's own spelling; they may
	// be a parent's, "Account.ERP_Id__c" or, where it can be of several objects, "User:Owner.Username".
	Want []string
	// Fresh asks the org itself, whatever a Matcher remembers: records with these keys may have been
	// written by requests whose answers were lost, or the answer decides what is deleted or overwritten.
	Fresh bool
	// Found receives, at the index of each key, the records that hold it.
	Found [][]Match
}

// Matcher finds records by key. The Writers that can match implement it.
type Matcher interface {
	// Lookup fills l.Found, which it allocates. The error is like Write's; nothing was changed.
	Lookup(ctx context.Context, l *Lookup) error
	// LookupKeys returns how many of l.Keys, from the first, one call can look up: at least one.
	LookupKeys(l *Lookup) int
}
