package importer

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/properties"
	"sfsync/mapping/schema"
)

// bean is a process of a process-conf.xml.
type bean struct {
	pos         diag.Pos
	id, parent  string
	description string
	merge       bool // its map adds to that of the parent
	entries     map[string]entry
}

type entry struct {
	value string
	pos   diag.Pos
}

// processConf imports the processes of Data Loader's command line: Spring beans, whose map
// configOverrideMap holds the settings (Data Loader guide, "Process Configuration Parameters").
func (j *job) processConf(text []byte) {
	beans := j.beans(text)
	if j.notes.Failed() {
		return
	}
	if len(beans) > maxFound {
		j.fail(beans[maxFound].pos, CodeUnknown, "", "the file has more than %d beans", maxFound)
		return
	}
	byID := map[string]*bean{}
	for _, b := range beans {
		byID[b.id] = b
	}
	for _, b := range beans {
		if _, ok := b.entries["process.operation"]; !ok && isParent(beans, b) {
			continue // a template for others
		}
		settings := b.settings(byID, 0)
		if len(settings) > 0 {
			j.process(b, settings)
		}
	}
	if len(j.steps) == 0 && !j.notes.Failed() {
		j.fail(diag.Pos{File: j.path, Line: 1, Column: 1}, CodeUnknown, "", "no process here writes to Salesforce")
	}
}

func isParent(beans []*bean, b *bean) bool {
	return slices.ContainsFunc(beans, func(o *bean) bool { return o.parent == b.id && b.id != "" })
}

// settings are a bean's entries with those that it inherits.
func (b *bean) settings(byID map[string]*bean, depth int) map[string]entry {
	p := byID[b.parent]
	if p == nil || p == b || depth > 8 || len(b.entries) > 0 && !b.merge {
		return b.entries
	}
	all := maps.Clone(p.settings(byID, depth+1))
	maps.Copy(all, b.entries)
	return all
}

// beans reads the file. Go's reader expands no entities that the file declares, so that none can
// blow up.
func (j *job) beans(text []byte) []*bean {
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
		path  []string
		key   string   // of the entry that is open
		where diag.Pos // of that entry
		words strings.Builder
	)
	for {
		line, column := d.InputPos()
		at := diag.Pos{File: j.path, Line: line, Column: column}
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			message := err.Error()
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				at = diag.Pos{File: j.path, Line: syntax.Line, Column: 1}
				message = syntax.Msg
			}
			j.fail(at, CodeSyntax, "", "not valid XML: %s", message)
			return nil
		}
		switch t := t.(type) {
		case xml.StartElement:
			name := t.Name.Local
			if len(path) == 0 && name != "beans" {
				j.fail(at, CodeUnknown, "a process-conf.xml of Data Loader begins with <beans>", "this XML is a <%s>", name)
				return nil
			}
			if path = append(path, name); len(path) > 64 {
				j.fail(at, CodeSyntax, "", "the file is nested more than 64 levels deep")
				return nil
			}
			words.Reset()
			switch name {
			case "bean":
				if len(path) == 2 {
					b = &bean{pos: at, id: attr(t, "id"), parent: attr(t, "parent"), entries: map[string]entry{}}
					out = append(out, b)
				}
			case "map":
				if b != nil && attr(t, "merge") == "true" {
					b.merge = true
				}
			case "entry":
				key, where = attr(t, "key"), at
				if value, ok := find(t, "value"); ok && b != nil && key != "" {
					b.entries[key] = entry{strings.TrimSpace(value), at}
				}
			}
		case xml.CharData:
			words.Write(t)
		case xml.EndElement:
			switch {
			case b == nil:
			case t.Name.Local == "value" && key != "":
				b.entries[key] = entry{strings.TrimSpace(words.String()), where}
			case t.Name.Local == "description" && len(path) == 3:
				b.description = strings.TrimSpace(words.String())
			case t.Name.Local == "entry":
				key = ""
			}
			path = path[:len(path)-1]
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

// process makes a step of a bean.
func (j *job) process(b *bean, set map[string]entry) {
	s := &step{title: b.id, pos: b.pos, object: set["sfdc.entity"].value}
	if s.title == "" {
		s.title = s.object
	}
	operation, ok := set["process.operation"]
	if !ok {
		j.lost(b.pos, "process %s has no process.operation and is left out", s.title)
		return
	}
	switch op := strings.ToLower(operation.value); op {
	case "insert", "update", "upsert", "delete":
		s.operation = op
	case "hard_delete":
		s.operation = "delete"
		s.comment(j.lost(operation.pos, "hard_delete: sfsync deletes into the recycle bin"))
	default:
		j.top(j.lost(operation.pos, "process %s is left out: sfsync has no operation %s", s.title, op))
		return
	}
	if s.object == "" || badWord(s.object) {
		j.fail(b.pos, CodeSyntax, "add the entry sfdc.entity", "process %s names no object", s.title)
		return
	}
	if b.description != "" {
		s.comment(b.description)
	}
	j.processKey(s, set)
	j.processInput(s, set)
	j.processMappings(s, set)
	j.processSettings(s, set)
	j.add(s)
}

// processKey sets the match field. Updates and deletes go by Id, unless a setting says that they
// go by the external id field.
func (j *job) processKey(s *step, set map[string]entry) {
	external := set["sfdc.externalIdField"]
	switch {
	case s.operation == "upsert" && external.value == "":
		s.keys = [][]string{{"Id"}}
	case s.operation == "upsert",
		s.operation == "update" && set["sfdc.updateWithExternalId"].value == "true" && external.value != "",
		s.operation == "delete" && set["sfdc.deleteWithExternalId"].value == "true" && external.value != "":
		s.keys = [][]string{{external.value}}
	case s.operation != "insert":
		s.keys = [][]string{{"Id"}}
	}
}

func (j *job) processInput(s *step, set map[string]entry) {
	kind, name := set["dataAccess.type"], set["dataAccess.name"]
	s.input.table = strings.TrimSuffix(base(name.value), ".csv")
	if s.input.table == "" {
		s.input.table = s.title
	}
	switch {
	case strings.HasPrefix(kind.value, "database"):
		s.input.comments = append(s.input.comments, j.lost(kind.pos, "%s reads a database (%s): export it to a file, and name that on the command line", s.title, name.value))
	case name.value != "":
		s.input.files = []string{j.place(name.value)}
		if foreign(name.value) {
			s.input.comments = append(s.input.comments, j.look(name.pos, "the path is one of the machine that Data Loader ran on"))
		}
	}
	switch {
	case set["dataAccess.readCharset"].value != "":
		j.encoded(s, set["dataAccess.readCharset"].value, set["dataAccess.readCharset"].pos)
	case set["dataAccess.readUTF8"].value == "true":
		s.input.encoding = "utf-8"
	}
	comma, tab, other := set["loader.csvComma"].value == "true", set["loader.csvTab"].value == "true", set["loader.csvOther"].value == "true"
	value := set["loader.csvOtherValue"].value
	switch {
	case tab && !comma && !other:
		s.input.delimiter = "tab"
	case comma && !tab && !other:
		s.input.delimiter = "comma"
	case other && !comma && !tab:
		j.separated(s, value, set["loader.csvOtherValue"].pos)
	}
}

// separated sets what parts the cells of a step's files, "" for what sfsync finds out, if it can be that.
func (j *job) separated(s *step, text string, pos diag.Pos) {
	switch {
	case text == "\t":
		s.input.delimiter = "tab"
	case text == "" || utf8.RuneCountInString(text) == 1 && !strings.ContainsAny(text, "\"\r\n"):
		s.input.delimiter = text
	default:
		s.input.comments = append(s.input.comments, j.lost(pos, "cells cannot be separated by %s: name what separates them", quoted(diag.Cut(text))))
	}
}

// encoded sets the encoding of a step's files, "" for what sfsync finds out, if it has one of that name.
func (j *job) encoded(s *step, name string, pos diag.Pos) {
	if _, err := htmlindex.Get(name); name == "" || err == nil {
		s.input.encoding = strings.TrimSpace(name)
		return
	}
	if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		s.input.encoding = name
		return
	}
	s.input.comments = append(s.input.comments, j.lost(pos, "sfsync knows no encoding %s: name that of the file", quoted(diag.Cut(name))))
}

func (j *job) processMappings(s *step, set map[string]entry) {
	file, ok := set["process.mappingFile"]
	if !ok || file.value == "" {
		j.fail(s.pos, CodeSyntax, "name the .sdl file in process.mappingFile", "process %s has no mapping file", s.title)
		return
	}
	text, at, ok := j.beside(file.pos, file.value)
	if !ok {
		if !j.notes.Failed() {
			j.fail(file.pos, CodeUnknown, "put it beside the process-conf.xml", "the mapping file %s is not there", base(file.value))
		}
		return
	}
	nulls := set["sfdc.insertNulls"].value == "true"
	j.mappings(s, at, text, nulls)
	j.columns(s, set["dataAccess.name"].value)
	truncate, cut := set["sfdc.truncateFields"]
	o := j.object(s.object)
	for _, f := range s.fields {
		f.null = f.null || nulls && f.value == nil && !f.off && !strings.Contains(f.name, ".") && s.operation != "insert"
		if o == nil || o.Field(f.name) == nil || f.column == "" {
			continue
		}
		known := o.Field(f.name)
		if cut && truncate.value == "true" && known.Length > 0 && !s.isKey(f.name) && (known.Type == schema.String || known.Type == schema.TextArea) {
			f.steps = append(f.steps, "truncate("+strconv.Itoa(known.Length)+")")
		}
		j.dates(s, f, known, set)
	}
}

// columns brings the columns to the spelling that the CSV file has, where it is at hand: Data Loader
// finds them in any case, sfsync by their exact names.
func (j *job) columns(s *step, name string) {
	header := j.header(name, s.input.delimiter)
	if header == nil {
		j.top(columnsComment)
		return
	}
	for _, f := range s.fields {
		if f.column == "" || slices.Contains(header, f.column) {
			continue
		}
		i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(h, f.column) })
		if i >= 0 {
			f.column = header[i]
			continue
		}
		f.off = true
		f.comments = append(f.comments, j.look(f.pos, "%s has no column %s", base(name), f.column))
	}
}

const columnsComment = "Data Loader finds columns in any case, sfsync by their exact names."

// header returns the columns of a CSV file, or nil if it is not at hand.
func (j *job) header(name, delimiter string) []string {
	if name == "" {
		return nil
	}
	for _, p := range j.candidates(name) {
		text, err := j.read(p)
		if err != nil {
			continue
		}
		r := csv.NewReader(strings.NewReader(properties.Decode(text)))
		switch delimiter {
		case "tab":
			r.Comma = '\t'
		case "", "comma":
		default:
			r.Comma = []rune(delimiter)[0]
		}
		header, err := r.Read()
		if err != nil {
			return nil
		}
		for i := range header {
			header[i] = strings.TrimSpace(header[i])
		}
		return header
	}
	return nil
}

// dates notes what Data Loader reads as a date and sfsync does not without being told.
func (j *job) dates(s *step, f *field, known *schema.Field, set map[string]entry) {
	if f.off || !known.Createable && !known.Updateable || known.Type != schema.Date && known.Type != schema.DateTime || s.operation == "delete" {
		return
	}
	layout, name := "MM/dd/yyyy", "date"
	if set["process.useEuropeanDates"].value == "true" {
		layout = "dd/MM/yyyy"
	}
	zone := ""
	if known.Type == schema.DateTime {
		name, layout = "datetime", layout+" HH:mm:ss"
		if z := set["sfdc.timezone"].value; z != "" {
			zone = ", " + z
		}
	}
	f.comments = append(f.comments, j.look(f.pos, "sfsync takes %s as ISO 8601; if the file has another form, add | %s(%s%s)", f.name, name, quoted(layout), zone))
}
