// Package input finds what a verb reads: the mapping, the schema it is checked against and the files of rows,
// with copies of what can be read only once.
package input

import (
	"cmp"
	"os"
	"slices"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping"
	"sfsync/pipeline/source"
)

// Expand turns FILE arguments into inputs.
func Expand(a *verb.App, files []string, format string) ([]source.Input, error) {
	if slices.Contains(files, "-") && (format == "" || format == "auto") {
		return nil, exit.Usagef("stdin needs --format csv, jsonl or parquet")
	}
	return source.Expand(files, format, a.Sys.Stdin)
}

// Files returns what is to be read: the files of the command line, else those of the mapping.
func Files(a *verb.App, file *mapping.File, files []string, format string) ([]source.Input, error) {
	if len(files) == 0 {
		if len(file.Source.Files) == 0 {
			return nil, exit.Usagef("no input: name files, or list them in %s under source.files", file.Path)
		}
		for _, f := range file.Source.Files {
			files = append(files, f.Value)
		}
		if slices.Contains(files, "-") {
			return nil, exit.Errorf(exit.BadConfig, "%s: stdin cannot be a file of the mapping: name it on the command line", file.Path)
		}
	}
	return Expand(a, files, cmp.Or(format, file.Source.Format))
}

// Options are the mapping's options about files.
func Options(f *mapping.File) source.Options {
	return source.Options{
		Format: f.Source.Format, Delimiter: f.Source.CSV.Delimiter, Encoding: f.Source.CSV.Encoding, Null: f.Source.CSV.Null,
		Events: eventOptions(f),
	}
}

// TotalBytes is the size of the inputs, 0 if it is not known of one of them.
func TotalBytes(inputs []source.Input) int64 {
	var sum int64
	for _, in := range inputs {
		if f, ok := in.Reader.(*os.File); ok {
			if info, err := f.Stat(); err == nil {
				sum += info.Size()
				continue
			}
		}
		info, err := os.Stat(in.Path)
		if in.Stdin || err != nil {
			return 0
		}
		sum += info.Size()
	}
	return sum
}
