// Package jobs keeps the jobs of the Bulk APIs in the org's database: what was asked, the data that was
// uploaded, what became of each row, and the pages of query results. It also runs them, a few at a time.
//
// Uploads and results are kept in pieces, so that neither has to be in memory: an upload as the bytes that
// came, cut anywhere; a result as one byte and an id a row. The rows of a result set are read from the
// upload again when they are asked for.
package jobs
