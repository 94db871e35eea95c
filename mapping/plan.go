// Package mapping says what becomes of rows: it compiles a mapping file against a schema into a
// [Plan], which package program runs on batches.
//
//	file, warnings, err := mapping.Load(path)       // the form, by package syntax
//	plan, warnings, err := mapping.Compile(file, s) // the meaning, all findings at once
//	mapper := plan.NewMapper(&pool)                 // one a goroutine
//	mapped := mapper.Map(batch)                     // records of every target, row by row
//
// Compiling resolves every name, function and format. A mapper then looks nothing up by name,
// works on text alone, and allocates nothing for a good row but where an expression is
// interpreted. What is wrong with a row is found here, before any call: the record says Fail,
// with the code of the org itself where it has one.
package mapping

import (
	"strings"

	"sfsync/mapping/program"
)

// A compiled mapping and what it makes of rows are package program's; these are its names for those
// who work with mappings as a whole.
//
//nolint:revive // one comment for all of them
type (
	Plan       = program.Plan
	PlanTarget = program.Target
	Key        = program.Key
	Need       = program.Need
	Mapper     = program.Mapper
	Mapped     = program.Mapped
	Records    = program.Records
	Fate       = program.Fate
	Problem    = program.Problem
)

// FoldColumnName is the name of the fold column of a key of one field.
const FoldColumnName = program.FoldColumnName

// Find only looks for records: the operation of Plan.Finds.
const Find = program.Find

// What on_many can say.
const (
	ManyFail   = program.ManyFail
	ManyNewest = program.ManyNewest
	ManyOldest = program.ManyOldest
	ManySkip   = program.ManySkip
)

// What on_converted can say.
const (
	ConvertedFail     = program.ConvertedFail
	ConvertedSkip     = program.ConvertedSkip
	ConvertedRedirect = program.ConvertedRedirect
)

// The fates of a row.
const (
	Send = program.Send
	Skip = program.Skip
	Fail = program.Fail
	Hold = program.Hold
	Look = program.Look
)

// The codes of problems that are not those of package convert.
const (
	CodeWhen           = program.CodeWhen
	CodeOtherTarget    = program.CodeOtherTarget
	CodeNotReferred    = program.CodeNotReferred
	CodeParentUnknown  = program.CodeParentUnknown
	CodeKeyBlank       = program.CodeKeyBlank
	CodeRequired       = program.CodeRequired
	CodeUnmappedValue  = program.CodeUnmappedValue
	CodeUnmappedColumn = program.CodeUnmappedColumn
	CodeNoField        = program.CodeNoField
	CodeFieldTwice     = program.CodeFieldTwice
	CodeExpression     = program.CodeExpression
)

// Remedy says what to do about rows that fail with a code, or "" for a code of others.
func Remedy(code string) string { return program.Remedy(code) }

func lower(s string) string { return strings.ToLower(s) }

func trimmed(s string) string { return strings.TrimSpace(s) }
