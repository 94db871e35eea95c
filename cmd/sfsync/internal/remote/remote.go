// Package remote is a connection to an org as the commands need it: the client, and for the local
// org the server behind it.
package remote

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/local"
	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/sink"
	"sfsync/sink/salesforce"
)

// Org is a connection to an org.
type Org struct {
	*salesforce.Client
	// Info is what it says of itself.
	Info salesforce.OrgInfo
	// Local is the local org, nil for any other.
	Local *local.Org
}

// Close ends the session, and serving where the org is the local one. Closing nothing is fine.
func (o *Org) Close() error {
	if o == nil {
		return nil
	}
	o.Client.Close()
	if o.Local != nil {
		return o.Local.Close()
	}
	return nil
}

// atOnce is how many objects are asked for side by side.
const atOnce = 8

// Describes adds the org's own description of objects to s, which it asks for side by side. One that the
// org does not have is missing in the schema, which then knows the names of all the org's objects:
// whoever compiles a mapping against it can say which was meant, and where.
func (o *Org) Describes(ctx context.Context, s *schema.Schema, objects []string) error {
	objects = unknown(s, objects)
	found := make([]*schema.Object, len(objects)) // nil where the org has none
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, name := range objects {
		g.Go(func() error {
			text, err := o.Describe(gctx, name)
			if NotFound(err) {
				return nil
			}
			if err != nil {
				return err
			}
			if found[i], err = schema.ParseDescribe(text); err != nil {
				return exit.Errorf(exit.Unavailable, "describe %s: %w", name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	missing := false
	for _, obj := range found {
		if obj == nil {
			missing = true
			continue
		}
		s.Add(obj)
	}
	if missing {
		names, err := o.ObjectNames(ctx)
		if err != nil {
			return err
		}
		for _, name := range names {
			if s.Object(name) == nil {
				s.Add(&schema.Object{Name: name})
			}
		}
	}
	return nil
}

// unknown returns the objects of which s has no fields, each once.
func unknown(s *schema.Schema, objects []string) []string {
	var names []string
	for _, name := range objects {
		known := s.Object(name)
		if (known == nil || len(known.Fields) == 0) && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			names = append(names, name)
		}
	}
	return names
}

// Objects are those that the targets of a mapping write, in an org by the name that the targets give it: of
// the targets that name none where name is own.
func Objects(file *mapping.File, name, own string) []string {
	var objects []string
	for _, t := range file.Targets {
		if cmp.Or(t.Org.Value, own) == name && !slices.ContainsFunc(objects, func(n string) bool { return strings.EqualFold(n, t.Object.Value) }) {
			objects = append(objects, t.Object.Value)
		}
	}
	return objects
}

// maxDepth bounds how far references lead from a mapping's targets.
const maxDepth = 8

// SchemaOf returns what the org says of the objects that a mapping writes and refers to.
func (o *Org) SchemaOf(ctx context.Context, file *mapping.File) (*schema.Schema, error) {
	s := schema.New(Name(o.Info))
	objects := make([]string, len(file.Targets))
	for i, t := range file.Targets {
		objects[i] = t.Object.Value
	}
	for range maxDepth {
		if err := o.Describes(ctx, s, objects); err != nil {
			return nil, err
		}
		if objects = mapping.Parents(file, s); len(objects) == 0 {
			break
		}
	}
	return s, nil
}

// NotFound reports whether the org says that there is no such object.
func NotFound(err error) bool {
	var e *sink.Error
	return errors.As(err, &e) && e.Code == "NOT_FOUND"
}

// ObjectNames lists the org's objects.
func (o *Org) ObjectNames(ctx context.Context) ([]string, error) {
	text, err := o.Global(ctx)
	if err != nil {
		return nil, err
	}
	var list struct {
		SObjects []struct {
			Name string `json:"name"`
		} `json:"sobjects"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, exit.Errorf(exit.Unavailable, "list the objects: %w", err)
	}
	names := make([]string, len(list.SObjects))
	for i := range names {
		names[i] = list.SObjects[i].Name
	}
	return names, nil
}

// Name names an org for people.
func Name(i salesforce.OrgInfo) string {
	if i.Kind == salesforce.Local {
		return "the local org"
	}
	if i.Name != "" {
		return fmt.Sprintf("%s (%s, %s)", i.Name, i.Kind, i.ID)
	}
	return strings.TrimPrefix(i.InstanceURL, "https://")
}
