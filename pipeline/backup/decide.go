package backup

import (
	"context"
	"slices"
	"strings"
	"time"

	"sfsync/mapping/convert"
	"sfsync/mapping/schema"
	"sfsync/sink"
)

// decide says what is to be done about a record that is there, or is not, and holds these values.
func (p *piece) decide(ctx context.Context, i int, r *Record, there bool, stored Values) {
	if r.maybe && there {
		if why := p.doubtful(ctx, r, stored); why != "" {
			r.Outcome, r.Code, r.Message = Left, CodeUnsure, "sent to be created, and no answer came: "+why
			return
		}
		if len(r.After) == 0 {
			r.After = r.pending
		}
	}
	switch {
	case (r.Created || r.maybe) && !there:
		r.Outcome, r.Message = Nothing, "the record is not there any more"
	case r.Created || r.maybe:
		if why, fields := p.edited(r, stored); why != "" {
			r.Outcome, r.Code, r.Field, r.Message = Left, CodeEdited, strings.Join(fields, ", "), why
			return
		}
		p.acts[i].action = sink.Delete
	case !there && r.Deleted:
		p.back[i] = true
	case !there:
		r.Outcome, r.Code, r.Message = Left, CodeMissing, "the record is not there any more"
	default:
		a := p.changes(r, stored)
		p.acts[i] = a
		switch {
		case len(a.values) > 0:
		case len(a.left) > 0:
			r.Outcome, r.Code, r.Field = Left, CodeEdited, strings.Join(a.left, ", ")
			r.Message = "no longer what the run wrote: " + strings.Join(a.left, ", ")
		default:
			r.Outcome = Nothing
		}
	}
}

// edited says why a record that the run created is taken for edited since, and in which fields.
func (p *piece) edited(r *Record, stored Values) (why string, fields []string) {
	created, err1 := when(stored["CreatedDate"])
	modified, err2 := when(stored["LastModifiedDate"])
	if err1 == nil && err2 == nil {
		if by := stored["LastModifiedById"]; by != stored["CreatedById"] {
			return "modified by " + by.Text + " on " + stored["LastModifiedDate"].Text, nil
		}
		if modified.After(created.Add(max(0, r.last.Sub(r.first)) + time.Second)) {
			return "modified on " + stored["LastModifiedDate"].Text, nil
		}
	}
	for name, v := range r.After {
		if f, ok := p.fields[name]; ok && !p.holds(&f, v, r.pending, stored) {
			fields = append(fields, name)
		}
	}
	if len(fields) == 0 {
		return "", nil
	}
	slices.Sort(fields)
	return "no longer what the run wrote: " + strings.Join(fields, ", "), fields
}

// holds reports whether a field holds what the run wrote, or may have written.
func (p *piece) holds(f *field, wrote Value, pending, stored Values) bool {
	s := f.schema()
	if convert.Same(s, wrote.cell(), stored[f.Name].cell()) {
		return true
	}
	v, ok := pending[f.Name]
	return ok && convert.Same(s, v.cell(), stored[f.Name].cell())
}

// when reads a date-time of the org.
func when(v Value) (time.Time, error) {
	return time.Parse("2006-01-02T15:04:05.999Z0700", v.Text)
}

// changes says which fields of a record that the run changed are to be given back.
func (p *piece) changes(r *Record, stored Values) act {
	a := act{values: make(Values)}
	names := make([]string, 0, len(r.After)+len(r.pending))
	for _, v := range []Values{r.After, r.pending} {
		for name := range v {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		f, ok := p.fields[name]
		if !ok {
			a.left = append(a.left, name) // what it held cannot be read
			continue
		}
		before, known := r.Before[f.Restore]
		restored := p.fields[f.Restore].schema()
		if restored.Name == "" {
			restored = &schema.Field{Name: f.Restore, Type: schema.Reference}
		}
		switch {
		case known && convert.Same(restored, before.cell(), stored[f.Restore].cell()):
		case known && p.wrote(r, &f, stored):
			a.values[f.Restore] = before
		default:
			a.left = append(a.left, name)
		}
	}
	if len(a.values) > 0 {
		a.action = sink.Update
	}
	return a
}

func (p *piece) wrote(r *Record, f *field, stored Values) bool {
	v, ok := r.After[f.Name]
	if !ok {
		v = r.pending[f.Name]
	}
	return p.holds(f, v, r.pending, stored)
}
