// Package beans reads a process-conf.xml of Data Loader: Spring beans, whose map configOverrideMap holds the settings
// of a process (Data Loader guide, "Process Configuration Parameters").
package beans

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"sfsync/mapping/diag"
)

// The codes of this package's diagnostics: those of an import.
const (
	CodeSyntax  = "import-syntax"
	CodeUnknown = "import-unknown"
)

// Process is a process of the file.
type Process struct {
	Pos         diag.Pos
	ID          string
	Description string
	Settings    map[string]Entry // not empty
}

// Entry is a value of a process's map.
type Entry struct {
	Value string
	Pos   diag.Pos
}

// Parse returns the processes: the beans but for those that are only templates for others, with the entries that they
// inherit. What is wrong is added to list; it returns nil then, as it does for a file of more than so many beans.
func Parse(path string, text []byte, most int, list *diag.List) []*Process {
	beans := read(path, text, list)
	if len(beans) > most {
		list.Errorf(beans[most].Pos, CodeUnknown, "", "the file has more than %d beans", most)
		return nil
	}
	byID := map[string]*bean{}
	for _, b := range beans {
		byID[b.ID] = b
	}
	var out []*Process
	for _, b := range beans {
		if _, ok := b.Settings["process.operation"]; !ok && isParent(beans, b) {
			continue // a template for others
		}
		p := b.Process
		if p.Settings = b.all(byID, 0); len(p.Settings) > 0 {
			out = append(out, &p)
		}
	}
	return out
}

// bean is a bean as it stands in the file, with its own settings only.
type bean struct {
	Process
	parent string
	merge  bool // its map adds to that of the parent
}

func isParent(beans []*bean, b *bean) bool {
	return slices.ContainsFunc(beans, func(o *bean) bool { return o.parent == b.ID && b.ID != "" })
}

// all returns a bean's settings with those that it inherits.
func (b *bean) all(byID map[string]*bean, depth int) map[string]Entry {
	p := byID[b.parent]
	if p == nil || p == b || depth > 8 || len(b.Settings) > 0 && !b.merge {
		return b.Settings
	}
	all := maps.Clone(p.all(byID, depth+1))
	maps.Copy(all, b.Settings)
	return all
}

// read reads the file. Go's reader expands no entities that the file declares, so that none can
// blow up.
func read(path string, text []byte, list *diag.List) []*bean {
	d := xml.NewDecoder(strings.NewReader(string(text)))
	d.CharsetReader = func(name string, in io.Reader) (io.Reader, error) {
		e, err := htmlindex.Get(name)
		if err != nil {
			return nil, fmt.Errorf("unknown encoding %q", name)
		}
		return e.NewDecoder().Reader(in), nil
	}
	var (
		out   []*bean
		b     *bean
		open  []string // elements
		key   string   // of the entry that is open
		where diag.Pos // of that entry
		words strings.Builder
	)
	for {
		line, column := d.InputPos()
		at := diag.Pos{File: path, Line: line, Column: column}
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			message := err.Error()
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				at = diag.Pos{File: path, Line: syntax.Line, Column: 1}
				message = syntax.Msg
			}
			list.Errorf(at, CodeSyntax, "", "not valid XML: %s", message)
			return nil
		}
		switch t := t.(type) {
		case xml.StartElement:
			name := t.Name.Local
			if len(open) == 0 && name != "beans" {
				list.Errorf(at, CodeUnknown, "a process-conf.xml of Data Loader begins with <beans>", "this XML is a <%s>", name)
				return nil
			}
			if open = append(open, name); len(open) > 64 {
				list.Errorf(at, CodeSyntax, "", "the file is nested more than 64 levels deep")
				return nil
			}
			words.Reset()
			switch name {
			case "bean":
				if len(open) == 2 {
					b = &bean{Process: Process{Pos: at, ID: attr(t, "id"), Settings: map[string]Entry{}}, parent: attr(t, "parent")}
					out = append(out, b)
				}
			case "map":
				if b != nil && attr(t, "merge") == "true" {
					b.merge = true
				}
			case "entry":
				key, where = attr(t, "key"), at
				if value, ok := find(t, "value"); ok && b != nil && key != "" {
					b.Settings[key] = Entry{strings.TrimSpace(value), at}
				}
			}
		case xml.CharData:
			words.Write(t)
		case xml.EndElement:
			switch {
			case b == nil:
			case t.Name.Local == "value" && key != "":
				b.Settings[key] = Entry{strings.TrimSpace(words.String()), where}
			case t.Name.Local == "description" && len(open) == 3:
				b.Description = strings.TrimSpace(words.String())
			case t.Name.Local == "entry":
				key = ""
			}
			open = open[:len(open)-1]
		}
	}
}

func attr(t xml.StartElement, name string) string {
	v, _ := find(t, name)
	return v
}

func find(t xml.StartElement, name string) (string, bool) {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}
