// Package input finds what a verb reads: the mapping, the schema it is checked against and the files of rows,
// with copies of what can be read only once.
package input

import (
	"cmp"
	"context"
	"crypto/x509"
	"os"
	"slices"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/fetch"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping"
	"sfsync/pipeline/source"
)

// Expand turns FILE arguments into inputs, in lexical order of their paths. What a URL gives is asked for when it is
// read, and ends with ctx; certificates of roots count for it, nil for the system's.
func Expand(ctx context.Context, a *verb.App, files []string, format string, roots *x509.CertPool) ([]source.Input, error) {
	if slices.Contains(files, "-") && (format == "" || format == "auto") {
		return nil, exit.Usagef("stdin needs --format csv, jsonl or parquet")
	}
	inputs, err := source.Expand(slices.DeleteFunc(slices.Clone(files), fetch.Is), format, a.Sys.Stdin)
	if err != nil {
		return nil, err
	}
	remote, err := addresses(files)
	if err != nil {
		return nil, err
	}
	client := fetch.New("sfsync/"+verb.Version, roots, a.Con.Warnf)
	for i, name := range names(remote) {
		inputs = append(inputs, source.Input{Path: name, Format: format, Once: true, Reader: client.Open(ctx, remote[i])})
	}
	slices.SortStableFunc(inputs, func(a, b source.Input) int { return cmp.Compare(a.Path, b.Path) })
	return inputs, nil
}

// Files returns what is to be read: the files of the command line, else those of the mapping.
func Files(ctx context.Context, a *verb.App, file *mapping.File, files []string, format string, roots *x509.CertPool) ([]source.Input, error) {
	if len(files) == 0 {
		if len(file.Source.Files) == 0 {
			return nil, exit.Usagef("no input: name files, or list them in %s under source.files", file.Path)
		}
		if err := checkURLs(file); err != nil {
			return nil, err
		}
		for _, f := range file.Source.Files {
			files = append(files, f.Value)
		}
		if slices.Contains(files, "-") {
			return nil, exit.Errorf(exit.BadConfig, "%s: stdin cannot be a file of the mapping: name it on the command line", file.Path)
		}
	}
	return Expand(ctx, a, files, cmp.Or(format, file.Source.Format), roots)
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
		if in.Once || err != nil {
			return 0
		}
		sum += info.Size()
	}
	return sum
}
