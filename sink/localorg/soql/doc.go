// Package soql compiles SOQL, Salesforce's query language, to SQL on the local org's
// SQLite tables, and the parts of a SOSL search with it. [syntax] reads the texts.
//
// It knows neither the tables nor the wire: a [Catalog] says which objects and fields
// there are and where they are stored, [Compile] turns a query into one SELECT with bound
// arguments, and [Query.AppendRecord] turns a row of its answer into the JSON of a record.
// Nothing of a query's text ever becomes part of the SQL: values are bound arguments, and
// names are looked up in the catalog, whose own spelling is used. What the catalog hides is not there.
//
// # How values are stored
//
// The SQL relies on these forms, with SQL NULL for no value in each of them:
//
//   - booleans: the integers 0 and 1; NULL counts as false
//   - numbers: a number, or its decimal text
//   - date: "2026-11-21"; datetime: UTC with milliseconds, "2026-11-21T10:00:00.000+0000";
//     time: "10:00:00.000Z"
//   - ids and references: 18 characters
//   - all others: text, never the empty string
//
// A text field that is not case-sensitive may have a second column with its values in
// lower case as by strings.ToLower ([Field.FoldColumn]); an index on it makes = and IN fast.
// Where there is none the SQL calls the function that [Register] makes known to SQLite.
//
// # How the SQL is made
//
// Parents are left joins; a reference that may point to several objects joins each of them and takes
// the fields of the one that is there. A child subquery is a correlated subquery whose rows come as JSON
// text; a semi-join is IN (SELECT …). Objects without a table are read from a JSON argument.
//
// # What is meant
//
// As in Salesforce, text compares without case unless the field is case-sensitive, LIKE always
// does; the empty string means null; != and NOT IN hold for null; every condition is true or false,
// never unknown; AND and OR do not mix without parentheses; nulls sort first unless the query
// says otherwise. Days begin at midnight UTC and weeks on Sunday; fiscal years are calendar years.
// Unconfirmed, and chosen here: <, <=, > and >= are false for null; rows without ORDER BY come
// by Id; grouped text is grouped without case; FORMAT is
// that of English (United States); a child subquery's answer is always in one piece.
//
// Refused in words are ROLLUP and CUBE, DISTANCE and GEOLOCATION, data categories, and several objects
// after FROM.
package soql
