package job

import (
	"context"
	"strings"

	"sfsync/cmd/sfsync/internal/input"
	"sfsync/mapping/fanout"
	"sfsync/mapping/schema"
)

// fanOut gives the mapping a target for every kind of record that events of the inputs name
// themselves, as the org has them.
func (j *job) fanOut(ctx context.Context, s *schema.Schema) error {
	found, release, err := input.Entries(ctx, j.App, j.file, j.inputs, j.limit)
	if err != nil {
		return err
	}
	j.spools = append(j.spools, release)
	if len(found) > 0 {
		names, err := j.orgs.Main.ObjectNames(ctx)
		if err != nil {
			return err
		}
		var known []string
		for _, o := range fanout.Objects(found) {
			for _, name := range names {
				if strings.EqualFold(name, o) {
					known = append(known, name)
				}
			}
		}
		if err := j.orgs.Main.Describes(ctx, s, known); err != nil {
			return err
		}
		for _, name := range names { // so that one that is not there can be told what was meant
			if s.Object(name) == nil {
				s.Add(&schema.Object{Name: name})
			}
		}
	}
	j.file = fanout.Apply(j.file, found, s)
	return nil
}
