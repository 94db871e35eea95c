// Package bulk brings records to an org in jobs of the Bulk API 2.0: it writes them as CSV to a
// [File], and [Jobs] uploads that, waits for the org to work it off and tells what became of each
// record.
//
// A job is: create, one upload, close, polls, three files of results (Bulk API 2.0 guide, "Bulk
// Ingest"). Result files have the columns of the upload in any order and their rows in any order, so a
// record is known by its content: by its key or its id, and where it has neither, by the whole row.
// Rows that are alike are interchangeable. A row in no result file may or may not have been written
// (those past the org's daily allocation are not recorded): its outcome is unknown.
//
// Until it is closed a job does nothing, so whatever gets lost before can be done again in another
// job; after that the job goes on in the org without us, and its id is all that is needed to come
// back to it.
package bulk
