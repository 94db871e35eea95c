// Package textfile reads text files in blocks: it undoes compression, hashes the bytes as they are
// read, and converts them to UTF-8. The readers of CSV and JSON Lines find their rows in what it
// fetches.
package textfile
