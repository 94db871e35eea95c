package input

import (
	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping/diag"
)

// AddFormat adds --format, which stdin needs and which overrides what a file looks like.
func AddFormat(fs *pflag.FlagSet, format *string) {
	fs.StringVar(format, "format", "", "format of the input: `csv|jsonl|parquet`; needed for stdin")
}

// AddEncoding adds --encoding, for commands that have no mapping to say it.
func AddEncoding(fs *pflag.FlagSet, encoding *string) {
	fs.StringVar(encoding, "encoding", "", "text encoding of CSV files by its usual `name`, such as windows-1252 (default: UTF-8, or what a byte order mark says)")
}

// AddSample adds --sample.
func AddSample(fs *pflag.FlagSet, sample *int64) {
	fs.Int64Var(sample, "sample", 0, "take `N` rows only, spread evenly over the input, which is read twice; 0 takes all")
}

// CheckPart checks which part of the input is asked for.
func CheckPart(limit, sample int64) error {
	switch {
	case limit < 0:
		return exit.Usagef("--limit is a number of rows, not %d", limit)
	case sample < 0:
		return exit.Usagef("--sample is a number of rows, not %d", sample)
	case limit > 0 && sample > 0:
		return exit.Usagef("--limit and --sample each say which rows to take: give one of them")
	}
	return nil
}

// CheckFormat checks --format.
func CheckFormat(format string) error {
	switch format {
	case "", "auto", "csv", "jsonl", "parquet":
		return nil
	}
	hint := diag.DidYouMean(format, []string{"auto", "csv", "jsonl", "parquet"})
	if hint == "" {
		hint = "it is csv, jsonl or parquet"
	}
	return exit.Usagef("unknown --format %q: %s", format, hint)
}
