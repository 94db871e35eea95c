// Package remote is a connection to an org as the commands need it: the client, and for the local
// org the server behind it.
package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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

// Describes adds the org's own description of objects to s. One that the org does not have is
// missing in the schema, which then knows the names of all the org's objects: whoever compiles a
// mapping against it can say which was meant, and where.
func (o *Org) Describes(ctx context.Context, s *schema.Schema, objects []string) error {
	missing := false
	for _, name := range objects {
		if known := s.Object(name); known != nil && len(known.Fields) > 0 {
			continue
		}
		text, err := o.Describe(ctx, name)
		if NotFound(err) {
			missing = true
			continue
		}
		if err != nil {
			return err
		}
		obj, err := schema.ParseDescribe(text)
		if err != nil {
			return exit.Errorf(exit.Unavailable, "describe %s: %w", name, err)
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
