// Package report keeps a run directory: the row files with the outcome of every row, the
// grouped errors, the log and the summary.
//
// What a directory holds is part of the tool's contract with its users: a [Rows] writes
// succeeded, failed, skipped and unknown files as the run goes, so that a crash leaves usable
// ones, and a failed file is legal input of another run; [Errors] becomes errors.csv; a [Summary]
// becomes summary.json. Everything may hold personal data: directories are 0700, files 0600.
//
// Nothing here is safe for concurrent use: one goroutine, the collector, owns a report.
package report
