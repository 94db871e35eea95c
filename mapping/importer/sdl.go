package importer

import (
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/properties"
	"sfsync/mapping/importer/soql"
	"sfsync/mapping/schema"
)

// sdl imports a mapping of Data Loader that stands alone.
func (j *job) sdl(text []byte) {
	s := &step{
		title: strings.TrimSuffix(strings.TrimSuffix(base(j.path), ".sdl"), ".SDL"), pos: diag.Pos{File: j.path, Line: 1, Column: 1},
		object: j.Object, input: input{table: "input"},
	}
	j.top(columnsComment)
	j.mappings(s, j.path, text, false)
	switch {
	case j.Match != "":
		s.operation, s.keys = "upsert", [][]string{{j.Match}}
	case s.field("Id") != nil:
		s.operation, s.keys = "update", [][]string{{"Id"}}
		s.comment(j.look(s.pos, "an .sdl does not say what is done with the records: there is an Id, so they are updated"))
	default:
		s.operation = "insert"
		s.comment(j.look(s.pos, "an .sdl does not say what is done with the records: every run creates them anew, unless a match field is named (--match)"))
	}
	j.add(s)
}

// mappings adds what an .sdl says to a step. It is a Java properties file: on the left a column,
// or a constant in quotes, on the right the fields that it goes to, separated by commas; a
// column without a field is not loaded (Data Loader guide, "Column mapping"; the relationship
// formats are those of its source, Mapper and RelationshipFormatter).
func (j *job) mappings(s *step, path string, text []byte, nulls bool) {
	props := properties.Parse(path, text, &j.notes)
	for i, p := range props {
		// No field's name holds "=": a blank in the column's name has ended the key.
		if rest, value, ok := strings.Cut(p.Value, "="); ok {
			props[i].Key, props[i].Value = p.Key+" "+strings.TrimSpace(rest), strings.TrimSpace(value)
			s.comment(j.look(p.Pos, "%s is taken whole: Data Loader wants a blank in front of = written as \"\\ \"", quoted(props[i].Key)))
		}
	}
	o := j.object(s.object)
	last := map[string]int{}
	for i, p := range props {
		last[strings.ToLower(p.Key)] = i
	}
	for i, p := range props {
		if last[strings.ToLower(p.Key)] != i {
			s.comment(j.lost(p.Pos, "column %s is mapped again further down, which counts", quoted(p.Key)))
			continue
		}
		constant := len(p.Key) >= 2 && p.Key[0] == '"' && p.Key[len(p.Key)-1] == '"'
		if strings.TrimSpace(p.Value) == "" {
			if !constant && p.Key != "" {
				s.unused = append(s.unused, p.Key)
			}
			continue
		}
		for name := range strings.SplitSeq(p.Value, ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			f := &field{pos: p.ValuePos, name: j.sdlField(o, name), column: p.Key}
			switch {
			case badFieldName(f.name):
				f.off = true
				f.comments = append(f.comments, j.lost(p.ValuePos, "%s is no field name", quoted(name)))
			case constant && strings.TrimSpace(p.Key[1:len(p.Key)-1]) == "":
				f.column, f.value = "", new(string)
				if f.null = nulls; nulls {
					break
				}
				f.off = true
				f.comments = append(f.comments, j.lost(p.Pos, "the constant of %s is blank: to clear the field in every record, write {value: '', blank: null}", f.name))
			case constant:
				value := p.Key[1 : len(p.Key)-1]
				f.column, f.value = "", &value
			case p.Key == "":
				f.off = true
				f.comments = append(f.comments, j.lost(p.Pos, "%s has no column", f.name))
			}
			if len(s.fields) >= maxFields {
				j.fail(p.ValuePos, CodeUnknown, "", "%s has more than %d fields", s.title, maxFields)
				return
			}
			s.fields = append(s.fields, f)
		}
	}
}

// sdlField brings a field of an .sdl to ours. A reference by an external id is written as
// Parent:Account-Ext__c, in older files Parent:Ext__c, and for the Bulk API Parent.Ext__c or
// Account:Parent.Ext__c.
func (j *job) sdlField(o *schema.Object, name string) string {
	if relationship, rest, ok := strings.Cut(name, ":"); ok && !strings.Contains(rest, ".") {
		if object, key, ok := strings.Cut(rest, "-"); ok {
			return j.relation(o, strings.TrimSpace(relationship), strings.TrimSpace(object), strings.TrimSpace(key))
		}
		return j.relation(o, strings.TrimSpace(relationship), "", strings.TrimSpace(rest))
	}
	if left, key, ok := strings.Cut(name, "."); ok {
		if object, relationship, ok := strings.Cut(left, ":"); ok {
			return j.relation(o, relationship, object, key)
		}
		return j.relation(o, left, "", key)
	}
	return name
}

// badFieldName reports whether a text cannot stand on the left of a rule.
func badFieldName(name string) bool {
	left, key, dotted := strings.Cut(name, ".")
	if dotted {
		a, b, two := strings.Cut(left, ":")
		return !soql.IsName(key) || !soql.IsName(a) || two && !soql.IsName(b)
	}
	return !soql.IsName(name)
}

func base(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}
