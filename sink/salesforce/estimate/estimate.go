// Package estimate says what it costs to bring records to an org, by each of its APIs, before one is
// sent. Calls follow from the limits that Salesforce documents; times rest on assumptions, which a
// [Cost] names.
package estimate

import (
	"fmt"
	"time"
)

// Load is what one target has to send.
type Load struct {
	// Object is the API name.
	Object string
	// Upserts are creates and upserts; Events are platform events to be published.
	Upserts, Updates, Deletes, Events int64
	// Lookups are the calls that look records up before, by REST whichever API takes them.
	Lookups int64
	// Bytes is the text of all records; 0 if it is not known.
	Bytes int64
	// Batch is the most records of a request, where that is bounded; else 0.
	Batch int64
}

func (l Load) rows() int64 { return l.Upserts + l.Updates + l.Deletes + l.Events }

// Cost is what loads take.
type Cost struct {
	// Calls are API calls, of which an org has so many in 24 hours. Least is how many they are if every job
	// has ended when it is first asked after.
	Calls, Least int64
	// Jobs are those of the Bulk API.
	Jobs int64
	// Time is how long the org works on it; 0 where nobody can say.
	Time time.Duration
	// Why is what the figures rest on, in words.
	Why string
	// Not is why this API cannot take the loads, "" if it can.
	Not string
}

const (
	// A collection has up to 200 records, a composite call up to five of them (REST API guide,
	// "sObject Collections", "Composite").
	group, groups = 200, 5
	// callText is the text that one call takes: a choice of ours.
	callText = 5 << 20
)

// REST returns what loads cost in composite requests. Records that are sent again for locks or lost
// answers, logins and describes come on top.
func REST(loads []Load) Cost {
	c := Cost{Why: "1,000 records a call, in groups of 200 of one object and action"}
	for _, l := range loads {
		collections := up(l.Upserts, group) + up(l.Updates, group) + up(l.Deletes, group) + up(l.Events, group)
		c.Calls += max(up(collections, groups), up(l.Bytes, callText)) + l.Lookups
		if l.Batch > 0 {
			c.Calls += max(0, up(l.rows(), l.Batch)-up(collections, groups))
		}
	}
	c.Least = c.Calls
	return c
}

// Requests returns how many requests take so many records of one kind.
func Requests(records int64) int64 { return up(records, group*groups) }

// JobRecords and JobBytes are how many records, and how much text of them, go with a job: a choice of ours. A
// job costs a dozen calls and waits for its turn, so that it is to be large; but its records are in memory while
// it runs. (The API takes 150 MB after base64: Bulk API 2.0 guide, "Limits".)
const (
	JobRecords = 50_000
	JobBytes   = 50 << 20
)

const (
	// jobsAtATime is how many jobs of a target run side by side.
	jobsAtATime = 2
	// rowBytes stands in for the size of a record where it is not known.
	rowBytes = 300
	// callsOfJob: create it, upload, close, and three files of results.
	callsOfJob = 6
	// A job is assumed to wait a while for its turn and then to go on at this pace. Salesforce
	// promises neither; both are common for objects with light automation.
	jobWait = 10 * time.Second
	jobPace = 1000 // records a second
)

// Bulk returns what loads cost in jobs of the Bulk API 2.0: a job each for upserts, updates and
// deletes of a target, more where they exceed what goes with one.
func Bulk(loads []Load) Cost {
	c := Cost{Why: fmt.Sprintf("a job costs %d calls and its polls; it is assumed to wait %d s and then to take 1 s for %d records", callsOfJob, int(jobWait.Seconds()), jobPace)}
	for _, l := range loads {
		if l.Events > 0 {
			c.Not = "the Bulk API takes no platform events (" + l.Object + ")"
		}
		for _, n := range [...]int64{l.Upserts, l.Updates, l.Deletes} {
			if n == 0 {
				continue
			}
			bytes := n * rowBytes
			if l.Bytes > 0 {
				bytes = int64(float64(l.Bytes) / float64(l.rows()) * float64(n))
			}
			jobs := max(up(n, JobRecords), up(bytes, JobBytes))
			took := jobWait + time.Duration(n/jobs)*time.Second/jobPace
			c.Jobs += jobs
			c.Calls += jobs * (callsOfJob + Polls(took))
			c.Least += jobs * (callsOfJob + 1)
			c.Time = max(c.Time, took*time.Duration(up(jobs, jobsAtATime))) // those of targets and actions at the same time
		}
		c.Calls += l.Lookups
		c.Least += l.Lookups
	}
	return c
}

const (
	firstPoll = time.Second
	lastPoll  = 30 * time.Second
)

// PollAfter returns how long to wait before poll n (from 0) of a job, before jitter: soon at first,
// for small jobs, then ever longer, since each poll is an API call.
func PollAfter(n int) time.Duration {
	d := firstPoll
	for range min(n, 20) {
		d += d / 2
	}
	return min(d, lastPoll)
}

// Polls returns how many polls it takes to see the end of a job that takes so long.
func Polls(took time.Duration) int64 {
	n, at := int64(1), PollAfter(0)
	for ; at < took && PollAfter(int(n)) < lastPoll; n++ {
		at += PollAfter(int(n))
	}
	return n + up(max(0, int64(took-at)), int64(lastPoll))
}

// up is a/b, rounded up.
func up(a, b int64) int64 { return (a + b - 1) / b }
