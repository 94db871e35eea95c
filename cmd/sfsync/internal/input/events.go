package input

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/verb"
	"sfsync/mapping"
	"sfsync/mapping/event"
	"sfsync/mapping/fanout"
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

// Entries looks through inputs of events for the records that they name themselves. What can be read
// only once is copied to a temporary file first, which then is the input; release removes it, once
// the inputs are no longer used.
func Entries(ctx context.Context, a *verb.App, file *mapping.File, inputs []source.Input, limit int64) (found []event.Entry, release io.Closer, err error) {
	kept := &Kept{}
	if file.Source.Events != event.RudderStack {
		return nil, kept, nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, kept.Close())
		}
	}()
	for i := range inputs {
		if in := &inputs[i]; in.Once || in.Reader == nil && !ReadAgain(in) {
			if err := Keep(ctx, a, in, kept); err != nil {
				return nil, kept, err
			}
		}
	}
	found, err = source.ScanEvents(ctx, inputs, Options(file), file.Source.Gate, limit)
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

// TellTraits says which fields the traits went to that no rule of the mapping names.
func TellTraits(a *verb.App, plan *mapping.Plan) {
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
	a.Con.Infof("traits without a rule: %s", strings.Join(words, ", "))
}
