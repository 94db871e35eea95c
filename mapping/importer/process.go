package importer

import (
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/beans"
	"sfsync/mapping/importer/properties"
	"sfsync/mapping/importer/soql"
	"sfsync/mapping/schema"
)

// processConf imports the processes of Data Loader's command line.
func (j *job) processConf(text []byte) {
	processes := beans.Parse(j.path, text, maxFound, &j.notes)
	if j.notes.Failed() {
		return
	}
	var left []unmapped
	for _, p := range processes {
		if u := j.process(p); u != nil {
			left = append(left, *u)
		}
	}
	for _, u := range left {
		if len(j.steps) > 0 {
			j.top(j.lost(u.pos, "process %s is left out: %s", u.title, u.why))
		} else {
			j.fail(u.pos, u.code, u.hint, "process %s: %s", u.title, u.why)
		}
	}
	if len(j.steps) == 0 && !j.notes.Failed() {
		j.fail(diag.Pos{File: j.path, Line: 1, Column: 1}, CodeUnknown, "", "no process here writes to Salesforce")
	}
}

// unmapped is a process whose mapping file is not named or not there.
type unmapped struct {
	pos        diag.Pos
	title, why string
	code, hint string
}

// process makes a step of a process, unless it is one that has nothing like it or no mapping file.
func (j *job) process(p *beans.Process) *unmapped {
	set := p.Settings
	s := &step{title: p.ID, pos: p.Pos, object: set["sfdc.entity"].Value}
	if s.title == "" {
		s.title = s.object
	}
	operation, ok := set["process.operation"]
	if !ok {
		j.lost(p.Pos, "process %s has no process.operation and is left out", s.title)
		return nil
	}
	switch op := strings.ToLower(operation.Value); op {
	case "insert", "update", "upsert", "delete":
		s.operation = op
	case "hard_delete":
		s.operation = "delete"
		s.comment(j.lost(operation.Pos, "hard_delete: sfsync deletes into the recycle bin"))
	default:
		j.top(j.lost(operation.Pos, "process %s is left out: sfsync has no operation %s", s.title, op))
		return nil
	}
	if !soql.IsName(s.object) {
		j.fail(p.Pos, CodeSyntax, "add the entry sfdc.entity", "process %s names no object", s.title)
		return nil
	}
	if p.Description != "" {
		s.comment(p.Description)
	}
	j.processKey(s, set)
	j.processInput(s, set)
	if u := j.processMappings(s, set); u != nil {
		return u
	}
	j.processSettings(s, set)
	j.add(s)
	return nil
}

// processKey sets the match field. Updates and deletes go by Id, unless a setting says that they
// go by the external id field.
func (j *job) processKey(s *step, set map[string]beans.Entry) {
	external := set["sfdc.externalIdField"]
	switch {
	case s.operation == "upsert" && external.Value == "":
		s.keys = [][]string{{"Id"}}
	case s.operation == "upsert",
		s.operation == "update" && set["sfdc.updateWithExternalId"].Value == "true" && external.Value != "",
		s.operation == "delete" && set["sfdc.deleteWithExternalId"].Value == "true" && external.Value != "":
		s.keys = [][]string{{external.Value}}
	case s.operation != "insert":
		s.keys = [][]string{{"Id"}}
	}
}

func (j *job) processInput(s *step, set map[string]beans.Entry) {
	kind, name := set["dataAccess.type"], set["dataAccess.name"]
	s.input.table = strings.TrimSuffix(base(name.Value), ".csv")
	if s.input.table == "" {
		s.input.table = s.title
	}
	switch {
	case strings.HasPrefix(kind.Value, "database"):
		s.input.comments = append(s.input.comments, j.lost(kind.Pos, "%s reads a database (%s): export it to a file, and name that on the command line", s.title, name.Value))
	case name.Value != "":
		j.reads(s, name.Value, name.Pos)
		if foreign(name.Value) {
			s.input.comments = append(s.input.comments, j.look(name.Pos, "the path is one of the machine that Data Loader ran on"))
		}
	}
	switch {
	case set["dataAccess.readCharset"].Value != "":
		j.encoded(s, set["dataAccess.readCharset"].Value, set["dataAccess.readCharset"].Pos)
	case set["dataAccess.readUTF8"].Value == "true":
		s.input.encoding = "utf-8"
	}
	comma, tab, other := set["loader.csvComma"].Value == "true", set["loader.csvTab"].Value == "true", set["loader.csvOther"].Value == "true"
	value := set["loader.csvOtherValue"].Value
	switch {
	case tab && !comma && !other:
		s.input.delimiter = "tab"
	case comma && !tab && !other:
		s.input.delimiter = "comma"
	case other && !comma && !tab:
		j.separated(s, value, set["loader.csvOtherValue"].Pos)
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

// processMappings adds the fields of the mapping file. A delete needs none: its rows have the key.
func (j *job) processMappings(s *step, set map[string]beans.Entry) *unmapped {
	file := set["process.mappingFile"]
	if file.Value == "" {
		if s.operation == "delete" {
			return nil
		}
		return &unmapped{s.pos, s.title, "it has no mapping file", CodeSyntax, "name the .sdl file in process.mappingFile"}
	}
	text, at, ok := j.beside(file.Pos, file.Value)
	if !ok {
		if j.notes.Failed() {
			return nil
		}
		return &unmapped{file.Pos, s.title, "the mapping file " + base(file.Value) + " is not there", CodeUnknown, "put it beside the process-conf.xml"}
	}
	nulls := set["sfdc.insertNulls"].Value == "true"
	j.mappings(s, at, text, nulls)
	j.columns(s, set["dataAccess.name"].Value)
	truncate, cut := set["sfdc.truncateFields"]
	o := j.object(s.object)
	for _, f := range s.fields {
		f.null = f.null || nulls && f.value == nil && !f.off && !strings.Contains(f.name, ".") && s.operation != "insert"
		if o == nil || o.Field(f.name) == nil || f.column == "" {
			continue
		}
		known := o.Field(f.name)
		if cut && truncate.Value == "true" && known.Length > 0 && !s.isKey(f.name) && (known.Type == schema.String || known.Type == schema.TextArea) {
			f.steps = append(f.steps, "truncate("+strconv.Itoa(known.Length)+")")
		}
		j.dates(s, f, known, set)
	}
	return nil
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
func (j *job) dates(s *step, f *field, known *schema.Field, set map[string]beans.Entry) {
	if f.off || !known.Createable && !known.Updateable || known.Type != schema.Date && known.Type != schema.DateTime || s.operation == "delete" {
		return
	}
	layout, name := "MM/dd/yyyy", "date"
	if set["process.useEuropeanDates"].Value == "true" {
		layout = "dd/MM/yyyy"
	}
	zone := ""
	if known.Type == schema.DateTime {
		name, layout = "datetime", layout+" HH:mm:ss"
		if z := set["sfdc.timezone"].Value; z != "" {
			zone = ", " + z
		}
	}
	f.comments = append(f.comments, j.look(f.pos, "sfsync takes %s as ISO 8601; if the file has another form, add | %s(%s%s)", f.name, name, quoted(layout), zone))
}
