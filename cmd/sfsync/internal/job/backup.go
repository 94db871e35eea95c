package job

import (
	"context"
	"strings"

	"sfsync/mapping"
	"sfsync/pipeline"
	"sfsync/pipeline/backup"
)

// keepsBefore reports whether what the records of a target hold is kept before they are written.
func (j *job) keepsBefore(t *mapping.PlanTarget) bool {
	if j.settings.Backup || t.Operation == mapping.Delete {
		return true
	}
	for _, f := range j.file.Targets {
		if f.BackupAlways && (t.Name == f.Name.Value || strings.HasPrefix(t.Name, f.Name.Value+".")) {
			return true
		}
	}
	return false
}

// keepBefore makes the writers of a run keep what records hold before they are written, where that was asked for,
// and says what cannot be undone whatever is kept.
func (j *job) keepBefore(ctx context.Context, opt *pipeline.Options) error {
	for i := range j.plan.Targets {
		t := &j.plan.Targets[i]
		if !j.keepsBefore(t) {
			continue
		}
		switch {
		case t.Operation == mapping.Publish:
			j.Con.Warnf("target %s publishes platform events, which no undo can take back", t.Name)
			continue
		case t.Operation == mapping.Delete && !t.Object.Undeletable:
			j.Con.Warnf("target %s deletes %s records, which the org cannot bring back: sfsync undo will not undo it", t.Name, t.Object.Name)
		}
		if j.backup == nil {
			var err error
			if j.backup, err = backup.Create(ctx, j.dir.Path(backup.File)); err != nil {
				return err
			}
		}
		opt.Targets[i].Writer = backup.Wrap(backup.Options{ // what a record holds is asked of the org itself, not of a copy
			Store: j.backup, Org: t.Org, Target: t, Writer: opt.Targets[i].Writer, Matcher: j.orgs.Of(t.Org).Writer(), Now: j.Sys.Now, Since: j.settings.Started,
		})
	}
	if j.backup != nil {
		j.notes = append(j.notes, "what records hold is looked up before they are written (for sfsync undo)")
	}
	return nil
}
