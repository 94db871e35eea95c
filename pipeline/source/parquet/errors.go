package parquet

import (
	"errors"

	"sfsync/pipeline/source/parquet/budget"
	"sfsync/pipeline/source/parquet/meta"
)

// Errors of this package, for errors.Is.
var (
	// ErrEncrypted: the file, or a column of it, is encrypted.
	ErrEncrypted = meta.ErrEncrypted
	// ErrMemory: reading the file takes more memory than is allowed.
	ErrMemory = budget.ErrMemory
	// ErrRefused: a column is of a type whose values are not read.
	ErrRefused = errors.New("it cannot be read")
	// ErrInternal: reading met a bug of this package; that too ends in an error.
	ErrInternal = errors.New("internal error")
)

// ReadError is an error of the storage, not of what is stored.
type ReadError = meta.ReadError
