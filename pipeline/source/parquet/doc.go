// Package parquet reads the rows of Parquet files as text, safely: whatever a file holds, the
// answer is its rows or an error, in bounded memory.
//
// Package meta reads the metadata, with the structures of github.com/xitongsys/parquet-go; codec
// unpacks pages, encoding decodes them and text writes their values. Every size, count, length and
// index of a file is checked before it is used, and no value is lost or changed on the way. This
// package puts them together:
//
//	leaf        the pages of one leaf, decoded a window at a time
//	column      the cells of one column, a block at a time: of its leaf, or assembled of several
//	Reader      rows of the cells of all columns, in batches
//	Rows        the same with workers, which read columns ahead of the rows
//
// A worker reads a column up to the end of a block and then another one. That keeps several cores
// busy with a file of one row group too, within one budget of memory: a column has the same pages in
// memory whoever reads it. What is copied is the text of a cell, into its block, and the block into the
// batch.
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
