// Package localorg is a Salesforce org in one process: its REST API over HTTP on loopback,
// with the records in SQLite.
//
// It is what sfsync runs against unless told otherwise, and the ground of its end-to-end
// tests. It shares nothing with the client in sink/salesforce but the protocol, and refuses what
// Salesforce refuses, in Salesforce's words: missing and too long values, unknown fields, bad
// picklist values, addresses and ids, repeated keys, converted leads, records that are gone.
//
// # What is there
//
// Logins and users with permissions (package auth), versions, limits, describe, single records, upsert by external
// id, sObject Collections, /composite with batch, graph and tree, and queries; see package soql for the language.
// API calls are counted and run out (package limit), parallel writes lock the parents they share (package lock) once
// records take time, and a file of rules makes things go wrong (package fault). Under /_org are resources that
// Salesforce does not have, for the sfsync command and tests; no trouble touches them.
//
// # What is unconfirmed
//
// Where Salesforce's behaviour is not documented and was not seen, this org does the following:
//
//   - One unknown field, wrong JSON type or unreadable date in a collection refuses the whole
//     collection with 400. (One recorded answer shows an unknown field of an update as an error of its row.)
//   - A JSON number or boolean for a text field is refused; a numeric string for a number and
//     "true" or "false" for a checkbox are taken; a datetime needs a zone, a date must not have a time.
//   - Lengths count Unicode characters.
//   - The first check that a record fails is the one reported: fields that cannot be written, required
//     ones, values in the order given, references, unique values.
//   - The same id twice in an update: DUPLICATE_VALUE "Duplicate id specified" for both.
//   - Dates before 1700 and after 4000: FIELD_INTEGRITY_EXCEPTION.
//   - An upsert writes its key too, so that the key takes the case in which it came last.
//   - A custom object's record without a name is named by its id; auto-numbers have eight digits.
//   - Records in the recycle bin do not take part in uniqueness.
//   - The texts for too many subrequests and for bad references in /composite; that a node of a graph cannot refer
//     to one behind it; the body of 412, the text of 415, and what of a batch's subrequests may be newer than it.
//   - How long a transaction waits for a lock (10 seconds), and that the rows that wait in vain fail alone.
//
// Deleting a record leaves those that refer to it as they are. Sharing,
// triggers, flows, duplicate and assignment rules do not exist yet: a user sees every
// record of the objects that the user may read, and Sforce-Auto-Assign is noted in the request log only.
package localorg
