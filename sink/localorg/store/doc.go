// Package store keeps the records of the local org: one SQLite table an object, typed
// columns, transactions, and the checks that need to look at other records.
//
// How values are stored:
//
//	id, reference              TEXT, 18 characters
//	string, picklist, email …  TEXT, trimmed; an empty one is NULL
//	boolean                    INTEGER 0 or 1, never NULL
//	int, long                  INTEGER
//	double, currency, percent  REAL, rounded to the field's scale
//	date                       TEXT 2006-01-02
//	datetime                   TEXT 2006-01-02T15:04:05.000+0000, always UTC, so that text order is time order
//	time                       TEXT 15:04:05.000Z
//	address, location          no column: put together from their parts on reading
//
// A field that records are looked up by (unique, or text that is an external id or idLookup)
// has a second, indexed column named after it with a '#' behind, which holds the value as it is
// compared; it is NULL in deleted records if the field is unique. No index has entries for empty
// values. Every table has the columns Id and IsDeleted, whether or not the object shows the latter.
//
// The table org_bin knows what went into the recycle bin along with a record, and which references
// were cleared; package bin deletes records and brings them back.
//
// Package database keeps all that in SQLite, and definition writes the SQL of the tables.
package store
