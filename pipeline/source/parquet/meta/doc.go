// Package meta reads the metadata of Parquet files: the footer with the schema and the places of
// the data, and the headers of pages. Whatever a file holds, what is returned can be relied on: it
// was bounded before it was decoded and checked before it is returned.
//
// The structures are those of github.com/xitongsys/parquet-go, decoded by Thrift's compact
// protocol; only generated.go knows them.
package meta
