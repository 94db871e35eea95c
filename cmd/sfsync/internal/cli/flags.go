package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping/diag"
	"sfsync/pipeline/source"
)

// addFormat adds --format, which stdin needs and which overrides what a file looks like.
func addFormat(fs *pflag.FlagSet, format *string) {
	fs.StringVar(format, "format", "", "format of the input: `csv|jsonl|parquet`; needed for stdin")
}

// addSample adds --sample.
func addSample(fs *pflag.FlagSet, sample *int64) {
	fs.Int64Var(sample, "sample", 0, "take `N` rows only, spread evenly over the input, which is read twice; 0 takes all")
}

// checkPart checks which part of the input is asked for.
func checkPart(limit, sample int64) error {
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

func checkFormat(format string) error {
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

// expand turns FILE arguments into inputs.
func (a *app) expand(files []string, format string) ([]source.Input, error) {
	if slices.Contains(files, "-") && (format == "" || format == "auto") {
		return nil, exit.Usagef("stdin needs --format csv, jsonl or parquet")
	}
	return source.Expand(files, format, a.sys.Stdin)
}

// oneOf checks a flag that takes one of a few words.
func oneOf(flag, value string, words ...string) error {
	for _, w := range words {
		if value == w {
			return nil
		}
	}
	hint := diag.DidYouMean(value, words)
	if hint == "" {
		hint = "it is " + strings.Join(words, ", ")
	}
	return exit.Usagef("unknown --%s %q: %s", flag, value, hint)
}

// completeExt completes file names with these extensions.
func completeExt(exts ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return exts, cobra.ShellCompDirectiveFilterFileExt
	}
}
