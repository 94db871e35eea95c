package job

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"

	"sfsync/cmd/sfsync/internal/settings"
	"sfsync/pipeline/report"
	"sfsync/pipeline/source"
)

// same reports whether an interrupted run is this one as far as its rows go: the same mapping and files,
// and as many rows of them. If not, it says what differs.
func (o *RunOptions) same(ctx context.Context, j *job, last *report.Dir) bool {
	var s settings.Run
	if err := settings.Read(ctx, last, &s); err != nil {
		j.Con.Warnf("--resume-last: %v", err)
		return false
	}
	text, err := os.ReadFile(last.Path(report.MappingFile))
	if err != nil {
		j.Con.Warnf("--resume-last: %v", err)
		return false
	}
	wd, err := j.Sys.Getwd()
	if err != nil {
		j.Con.Warnf("--resume-last: find the working directory: %v", err)
		return false
	}
	what := ""
	switch {
	case s.Command == settings.Retry:
		what = "was a retry"
	case s.Command == settings.Undo:
		what = "was an undo"
	case !bytes.Equal(text, j.file.Text), !slices.Equal(s.Sums, settings.Sums(j.file)):
		what = "had another mapping"
	case !slices.EqualFunc(s.Inputs, j.inputs, func(was settings.Input, in source.Input) bool { return was.Path == in.Path }):
		what = "had other files"
	case wd != s.Dir && slices.ContainsFunc(s.Inputs, func(was settings.Input) bool { return was.Spool == "" && !filepath.IsAbs(was.Path) }):
		what = "had the files of another directory"
	case slices.ContainsFunc(s.Inputs, func(was settings.Input) bool { return was.Other() }):
		what = "read files that are others now"
	case s.Limit != o.Limit || s.Sample != o.Sample:
		what = "took other rows of the files (--limit, --sample)"
	case s.ChangedOnly != string(o.ChangedOnly):
		what = "compared rows otherwise (--changed-only)"
	case o.Backup && !s.Backup:
		what = "kept nothing of what records held (--backup)"
	case s.Limits != o.Limits.String():
		what = "was held to other limits (--max-updates, --max-deletes, --max-clears)"
	default:
		return true
	}
	j.Con.Infof("--resume-last: the last run was interrupted, but %s: %s", what, last.Path(""))
	return false
}

// resume goes on with an interrupted run as sfsync resume does, with the flags of this one. With kept it has copies of
// what it reads.
func (o *RunOptions) resume(ctx context.Context, last *report.Dir, kept bool) error {
	o.Con.Infof("going on with the run that was interrupted: %s", last.Path(""))
	if kept {
		o.Con.Warnf("it goes on with the copy that it has of its input: what that gives now is not read: run again for it")
	}
	r := &ResumeOptions{App: o.App, Flags: o.Flags, Run: last.Path("")}
	r.Keep = func(flag string) bool { return !o.Changed(flag) }
	return Resume(ctx, r)
}
