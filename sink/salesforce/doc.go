// Package salesforce is the client side of a Salesforce org: it logs in, describes objects,
// finds records by key and writes them, over the REST API.
//
// Records travel as sObject Collections of up to 200, five of them in one /composite call,
// so that 1,000 records cost one API call; lookups travel as five queries a call. A [Writer]
// gives every record exactly one result, also when an answer is lost: what can safely be
// sent twice (updates, upserts by key) is sent again, and what cannot is reported as unknown.
//
// Top down: [Writer] turns records into requests and answers into results (writer.go,
// settle.go, lookup.go), [Client] knows the org's resources, and its exchange sends one
// request, with a fresh session and retries for whatever certainly did not happen. Below them,
// package wire writes and reads JSON, lookup writes SOQL for keys and reads what it finds,
// refusal says what an answer that is not a success means, catalog knows the org's error codes,
// version chooses the API's version, session logs in, credentials knows what with and where it may
// go, transport carries the requests, and meter counts them.
// Package bulk brings records by jobs of the Bulk API 2.0, which go through [Client.Transfer];
// mirror answers lookups from a copy of an object's keys where that costs less; estimate says
// beforehand what it all costs.
//
// Where a comment names a source, "REST API guide" is Salesforce's "REST API Developer
// Guide" and "Limits" its "Developer Limits and Allocations Quick Reference".
package salesforce
