// Package parquet reads the rows of Parquet files as text, safely: whatever a file holds, the
// answer is its rows or an error, in bounded memory.
//
// The structures of the metadata are those of github.com/xitongsys/parquet-go. Everything
// else, from the page loop to the assembly of lists, is decoded here, because every size,
// count, length and index of a file has to be checked before it is used, and because no
// value may be lost or changed on the way.
//
// # Columns
//
// Structures are taken apart: their leaves are columns by path. Lists and maps are columns of
// JSON text. A value that is missing at any level of its path is null.
//
// # Texts
//
//	boolean                     true or false
//	integers, signed or not     decimal digits
//	float, double, float16      the shortest decimal that reads back as the same number;
//	                            NaN, Infinity and -Infinity are text, no numbers
//	decimal                     all its digits: 1.50 at a scale of 2
//	date                        2026-11-21
//	time                        10:00:00.5 → 10:00:00.500, with Z if it is UTC
//	timestamp, int96            2026-11-21T10:00:00.123Z, without Z if it has no zone
//	string, enum                as it is
//	json                        on one line; a scalar is a cell of its kind
//	uuid                        00112233-4455-6677-8899-aabbccddeeff
//	interval                    P1M2DT3.004S
//	binary                      base64
//
// Fractions of a second have 3, 6 or 9 digits, or are left out if they are 0.
package parquet
