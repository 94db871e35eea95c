package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/mapping"
	"sfsync/mapping/event"
	"sfsync/mapping/fanout"
	"sfsync/mapping/schema"
	"sfsync/pipeline/source"
	"sfsync/pipeline/source/events"
)

// eventOptions are the mapping's options about events; nil where rows are none.
func eventOptions(f *mapping.File) *events.Options {
	if f.Source.Events != event.RudderStack {
		return nil
	}
	return &events.Options{Gate: f.Source.Gate, Track: fanout.Tracks(f), Entries: f.Source.Entries}
}

// entries looks through inputs of events for the records that they name themselves. What can be read
// only once is copied to a temporary file first, which then is the input; release removes it, once
// the inputs are no longer used.
func (a *app) entries(ctx context.Context, file *mapping.File, inputs []source.Input, limit int64) (found []event.Entry, release io.Closer, err error) {
	kept := &keptInputs{}
	if file.Source.Events != event.RudderStack {
		return nil, kept, nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, kept.Close())
		}
	}()
	for i := range inputs {
		if in := &inputs[i]; in.Stdin || in.Reader == nil && !readAgain(in) {
			if err := a.keepInput(ctx, in, kept); err != nil {
				return nil, kept, err
			}
		}
	}
	found, err = source.ScanEvents(ctx, inputs, sourceOptions(file), file.Source.Gate, limit)
	if err != nil {
		return nil, kept, err
	}
	for _, in := range inputs {
		if s, ok := in.Reader.(io.Seeker); ok {
			if _, err := s.Seek(0, io.SeekStart); err != nil {
				return nil, kept, exit.Errorf(exit.BadInput, "read %s again: %w", in.Path, err)
			}
		}
	}
	return found, kept, nil
}

// keepInput copies an input to a temporary file and makes that the input.
func (a *app) keepInput(ctx context.Context, in *source.Input, kept *keptInputs) error {
	if kept.dir == "" {
		dir, err := os.MkdirTemp("", "sfsync-*") // 0700
		if err != nil {
			return exit.Errorf(exit.CannotWrite, "keep %s: %w", in.Path, err)
		}
		kept.dir = dir
	}
	path := filepath.Join(kept.dir, fmt.Sprintf("input-%d", len(kept.files)))
	if err := a.spool(ctx, nil, in, path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return exit.Errorf(exit.BadInput, "open what was kept of %s: %w", in.Path, err)
	}
	kept.files = append(kept.files, f)
	in.Reader = f
	return nil
}

// keptInputs are copies of what can be read only once.
type keptInputs struct {
	dir   string
	files []*os.File
}

// Close removes the copies.
func (k *keptInputs) Close() error {
	if k.dir == "" {
		return nil
	}
	for _, f := range k.files {
		_ = f.Close() // only read from
	}
	dir := k.dir
	k.dir, k.files = "", nil
	return os.RemoveAll(dir)
}

// fanOut gives the mapping a target for every kind of record that events of the inputs name
// themselves, as the org has them.
func (j *job) fanOut(ctx context.Context, s *schema.Schema) error {
	found, release, err := j.entries(ctx, j.file, j.inputs, j.limit)
	if err != nil {
		return err
	}
	j.spools = append(j.spools, release)
	if len(found) > 0 {
		names, err := j.org.ObjectNames(ctx)
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
		if err := j.org.Describes(ctx, s, known); err != nil {
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

// tellTraits says which fields the traits went to that no rule of the mapping names.
func (a *app) tellTraits(plan *mapping.Plan) {
	const most = 30
	all := plan.TraitFields()
	if len(all) == 0 {
		return
	}
	words := make([]string, 0, most+1)
	for _, t := range all[:min(len(all), most)] {
		words = append(words, t.Trait+" → "+t.Object+"."+t.Field)
	}
	if len(all) > most {
		words = append(words, fmt.Sprintf("and %d more", len(all)-most))
	}
	a.con.Infof("traits without a rule: %s", strings.Join(words, ", "))
}
