package org

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/input"
	"sfsync/cmd/sfsync/internal/remote"
	"sfsync/cmd/sfsync/internal/ui"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
)

// snapshotGlobal is the file of a snapshot that holds the org's list of objects.
const snapshotGlobal = "global.json"

type snapshotOptions struct {
	*verb.App
	remote.Flags
	Dir      string
	Objects  []string
	Mappings []string
	JSON     bool
}

func newOrgSnapshot(a *verb.App, runF func(context.Context, *snapshotOptions) error) *cobra.Command {
	o := &snapshotOptions{App: a}
	if runF == nil {
		runF = snapshotRun
	}
	cmd := &cobra.Command{
		Use:   "snapshot DIR [OBJECT...]",
		Short: "Save what the org says of its objects, to check mappings without it",
		Long: `Save the org's own descriptions of objects in a directory: global.json and one document an
object. check, init and local serve take it with --schema DIR, and a mapping with schema: DIR. The
documents hold no records; they can be kept in version control.

The objects are those named, those that the mappings of --mapping write and refer to, and those that
the directory holds already, which are brought up to date; a document whose object the org no longer
has is removed. It costs one API call an object and one besides.

` + exit.Help(exit.OK, exit.Usage, exit.Unavailable, exit.CannotWrite, exit.TryAgain, exit.NoPermission, exit.BadConfig),
		Example: `  sfsync org snapshot schema/prod Lead Contact Account --to env
  sfsync org snapshot schema/prod --mapping leads.yaml --to env
  sfsync check leads.yaml --schema schema/prod`,
		Args: verb.AtLeast("DIR"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
			return schema.Standard().Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Dir, o.Objects = args[0], args[1:]
			if err := o.Check(); err != nil {
				return err
			}
			return runF(cmd.Context(), o)
		},
	}
	o.AddTo(cmd.Flags())
	cmd.Flags().StringSliceVar(&o.Mappings, "mapping", nil, "save the objects that the mapping `file` needs")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print the objects as JSON on stdout")
	return cmd
}

func snapshotRun(ctx context.Context, o *snapshotOptions) error {
	held, err := snapshotObjects(o.Dir)
	if err != nil {
		return err
	}
	files := make([]*mapping.File, len(o.Mappings))
	for i, path := range o.Mappings {
		if files[i], err = input.LoadMapping(o.App, path); err != nil {
			return err
		}
	}
	if len(held)+len(o.Objects)+len(files) == 0 {
		return exit.Usagef("no objects: name some, or a mapping with --mapping")
	}
	c, err := remote.Connect(ctx, o.App, &o.Flags, remote.Start{Since: o.Sys.Now()})
	if err != nil {
		return err
	}
	defer c.Close() // nothing was written
	global, err := c.Global(ctx)
	if err != nil {
		return err
	}
	known, err := c.ObjectNames(ctx)
	if err != nil {
		return err
	}
	names, gone, err := o.choose(ctx, c, files, held, known)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil { //nolint:gosec // as public as the mapping beside it
		return exit.Errorf(exit.CannotWrite, "%w", err)
	}
	for _, name := range names {
		text, err := c.Describe(ctx, name)
		if err != nil {
			return err
		}
		if err := writeSnapshot(o.Dir, name+".json", text); err != nil {
			return err
		}
	}
	for _, name := range gone {
		if err := os.Remove(filepath.Join(o.Dir, name+".json")); err != nil {
			return exit.Errorf(exit.CannotWrite, "%w", err)
		}
		o.Con.Warnf("%s has no object %s any more: its document was removed", remote.Name(c.Info), name)
	}
	if err := writeSnapshot(o.Dir, snapshotGlobal, global); err != nil { // last: it makes the directory a snapshot
		return err
	}
	if o.JSON {
		o.Answered = true
		return o.Con.JSON(struct {
			Dir     string   `json:"dir"`
			Objects []string `json:"objects"`
			Removed []string `json:"removed"`
		}{o.Dir, names, append([]string{}, gone...)})
	}
	o.Con.Infof("%s of %s saved in %s", ui.Plural(int64(len(names)), "object", "objects"), remote.Name(c.Info), o.Dir)
	return nil
}

// choose returns the objects to be saved, in the org's own spelling and in order, and those of the
// directory that the org no longer has.
func (o *snapshotOptions) choose(ctx context.Context, c *remote.Org, files []*mapping.File, held, known []string) (names, gone []string, err error) {
	spelled := make(map[string]string, len(known))
	for _, name := range known {
		spelled[strings.ToLower(name)] = name
	}
	for _, name := range held {
		if real, ok := spelled[strings.ToLower(name)]; ok {
			names = append(names, real)
		} else {
			gone = append(gone, name)
		}
	}
	wanted := slices.Clone(o.Objects)
	for _, file := range files {
		s, err := c.SchemaOf(ctx, file)
		if err != nil {
			return nil, nil, err
		}
		for _, name := range s.Names() {
			if obj := s.Object(name); len(obj.Fields) > 0 {
				wanted = append(wanted, name)
			}
		}
		for _, t := range file.Targets {
			if !slices.Contains(wanted, t.Object.Value) {
				wanted = append(wanted, t.Object.Value)
			}
		}
	}
	for _, name := range wanted {
		real, ok := spelled[strings.ToLower(name)]
		if !ok {
			hint := strings.TrimSuffix(": "+diag.DidYouMean(name, known), ": ")
			return nil, nil, exit.Errorf(exit.BadConfig, "%s has no object %q, or does not show it%s", remote.Name(c.Info), name, hint)
		}
		names = append(names, real)
	}
	slices.Sort(names)
	return slices.Compact(names), gone, nil
}

// snapshotObjects returns the objects of a directory that is a snapshot, and nothing for one that
// does not exist or is empty. Any other is refused: files would be lost among its own.
func snapshotObjects(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, exit.Errorf(exit.CannotWrite, "%w", err)
	}
	var names []string
	global := false
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		switch {
		case e.Name() == snapshotGlobal:
			global = true
		case ok && !e.IsDir():
			names = append(names, name)
		}
	}
	if !global {
		return nil, exit.Usagef("%s is no snapshot and not empty: name another directory", dir)
	}
	return names, nil
}

// writeSnapshot writes a document as the org gave it, whole or not at all.
func writeSnapshot(dir, name string, text []byte) error {
	tmp := filepath.Join(dir, "."+name+".tmp")
	if err := os.WriteFile(tmp, text, 0o644); err != nil { //nolint:gosec // no personal data
		return exit.Errorf(exit.CannotWrite, "%w", err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		return exit.Errorf(exit.CannotWrite, "%w", err)
	}
	return nil
}
