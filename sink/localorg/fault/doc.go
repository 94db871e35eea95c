// Package fault makes things go wrong in a local org: a file of rules says what, where and when, and
// the same requests in the same order always meet the same trouble.
//
// A faults file is a YAML list of rules:
//
//   - {on: "POST /composite", nth: [3, 7], status: 503, code: SERVER_UNAVAILABLE}
//   - {on: "PATCH /composite/sobjects/*/*", rate: 0.02, drop: after}
//   - {on: "* *", after: 200, times: 1, expire: session}
//   - {on: "PUT /jobs/ingest/*/batches", delay: 2s}
//   - {rows: {object: Lead, rate: 0.01}, code: UNABLE_TO_LOCK_ROW}
//   - {on: "GET /query", status: 502, body: "<html>Bad Gateway</html>"}
//
// "on" is a method and the path of a resource behind /services/data/vNN.0; other paths are whole.
// In a path * stands for any text within one segment, ** for one segment or more, and letters match
// in any case. A path that is only * fits every HTTP request, and none of the subrequests inside
// one; any other path fits HTTP requests and subrequests alike. A rule with "rows" is about the
// records to be written, of one object or of all, by the requests that its "on" fits.
//
// A rule counts what it fits from 1, whichever rule then wins, and wants to act on those that nth
// names, or that come behind the first "after" ones; of these on a share of "rate", and at most
// "times" times. The first rule in the file that wants to act does.
package fault
