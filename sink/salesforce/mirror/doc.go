// Package mirror answers lookups from a copy of an object's key columns, which one query job of the
// Bulk API 2.0 reads, once lookups by REST have cost as many calls as that job would. A [Matcher]
// stands between the engine and the client's own matcher; what it cannot answer beyond doubt it
// passes on, so that it finds what the client would find, and only the number of calls differs.
//
// A copy is out of date as soon as something is written. The run's own requests go through
// [Matcher.Watch], which takes note, before they leave, of the ids and keys that they write: lookups
// that meet one of these go to the org. The note is a Bloom filter of fixed size, so doubt costs a
// call, never a wrong answer. A copy is not used at all where a write does not tell what becomes of
// keys:
//
//   - keys and wanted values of a parent's field (dotted names), which change with the parent;
//   - keys that the org fills in (formulas, auto numbers, defaults), rewrites (text areas,
//     multi-select picklists) or masks, unless the run writes no record of the object;
//   - objects that the run writes if it writes other objects of the org, too: what is written there
//     may make records here (a person account's contact, triggers) or delete them (cascades);
//   - an object of which a record was written and the answer got lost, without a way to tell which;
//   - requests for keys whose earlier request may still be under way, and those whose answer decides what is
//     deleted or overwritten ([sink.Lookup.Fresh]).
//
// What others write, and what automation of the org makes of a record besides what was sent, is seen
// as it was when the copy was made, up to a quarter of an hour ago: for lookups by REST that window is
// seconds. An older copy is given up; the org is asked again until that has cost as much as another one.
//
// A copy is two temporary files of mode 0600, without a name where the system allows that: the values,
// and 16 bytes a record for the index, sorted in bounded memory. A lookup reads a block of the index and
// the records themselves: the real text decides, not its hash.
package mirror
