package importer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/soql"
	"sfsync/mapping/schema"
	"sfsync/mapping/spec"
	"sfsync/mapping/yamlnode"
)

// The bounds of what comes out. An object of Salesforce has at most 800 fields of its own.
const (
	maxSteps  = spec.MaxTargets
	maxFound  = 500 // steps that a file has, of which --only takes some
	maxFields = 2000
	maxValues = yamlnode.MaxKeys // pairs of a table of values
	maxKey    = spec.MaxKeys     // fields of a match key
	maxColumn = 1000             // bytes of a column's name
)

// step is one operation on one object, which becomes a target.
type step struct {
	title string // as the file names it
	name  string // of the target
	pos   diag.Pos

	object    string
	operation string // insert, update, upsert, delete or publish
	keys      [][]string
	fields    []*field
	batch     int // 0 for the default

	assignment      string // the id of an assignment rule
	allowDuplicates bool   // records are saved that a duplicate rule alerts about

	input    input
	flags    []string
	comments []string
	unused   []string // columns that no field takes
}

// input is what a step reads.
type input struct {
	table               string // names it; steps with the same table read the same rows
	files               []string
	delimiter, encoding string
	comments            []string
}

// field is one rule.
type field struct {
	pos  diag.Pos
	name string
	// column is "" for a constant, which then is value, and for what has no source.
	column string
	value  *string
	steps  []string // transforms
	null   bool     // a blank clears the field
	lookup string   // "Account.Name": the value is the key of that record
	parent *step    // in a merged mapping, the step whose record of the same row is meant
	// recordType is the name of a record type.
	recordType string
	values     []pair
	comments   []string
	off        bool // the rule is a comment
}

type pair struct{ from, to string }

func (s *step) field(name string) *field {
	for _, f := range s.fields {
		if strings.EqualFold(f.name, name) && !f.off {
			return f
		}
	}
	return nil
}

func (s *step) comment(text string) { s.comments = append(s.comments, text) }

func (s *step) flag(text string) {
	if !contains(s.flags, text) {
		s.flags = append(s.flags, text)
	}
}

// add gives a new step its name.
func (j *job) add(s *step) {
	name := slug(s.title)
	s.name = name
	for n := 2; slices.ContainsFunc(j.steps, func(o *step) bool { return o.name == s.name }); n++ {
		s.name = name + "-" + strconv.Itoa(n)
	}
	j.steps = append(j.steps, s)
}

// choose keeps the steps that are wanted.
func (j *job) choose() error {
	if len(j.Only) == 0 {
		return nil
	}
	var names []string
	for _, s := range j.steps {
		names = append(names, s.name)
	}
	for _, want := range j.Only {
		if !slices.ContainsFunc(j.steps, func(s *step) bool { return s.is(want) }) {
			hint := diag.DidYouMean(want, names)
			if hint == "" {
				hint = "it has " + strings.Join(names, ", ")
			}
			return &OptionError{"only", fmt.Sprintf("%s has no step %q: %s", j.path, want, hint)}
		}
	}
	j.steps = slices.DeleteFunc(j.steps, func(s *step) bool { return !slices.ContainsFunc(j.Only, s.is) })
	return nil
}

func (s *step) is(name string) bool {
	return strings.EqualFold(s.name, name) || strings.EqualFold(s.title, name)
}

// inputs counts the different inputs of the steps.
func (j *job) inputs() int {
	var tables []string
	for _, s := range j.steps {
		if !contains(tables, s.input.table) {
			tables = append(tables, s.input.table)
		}
	}
	return len(tables)
}

// object returns what the schema knows of an object, or nil.
func (j *job) object(name string) *schema.Object {
	if j.Schema == nil {
		return nil
	}
	if o := j.Schema.Object(name); o != nil && len(o.Fields) > 0 {
		return o
	}
	return nil
}

// finish puts the steps right by what the schema knows, so that a mapping comes out that parses,
// and compiles where its objects are known.
func (j *job) finish() {
	if len(j.steps) > maxSteps {
		j.fail(j.steps[maxSteps].pos, CodeUnknown, "take some of them with --only", "the file has %d steps, more than the %d allowed", len(j.steps), maxSteps)
		return
	}
	for _, s := range j.steps {
		if len(s.fields) > maxFields {
			j.fail(s.fields[maxFields].pos, CodeUnknown, "", "%s has more than %d fields", s.title, maxFields)
			return
		}
		o := j.object(s.object)
		if o != nil {
			s.object = o.Name
		}
		j.finishEvent(s)
		for _, f := range s.fields {
			j.finishNames(f)
		}
		j.finishKeys(s, o)
		for _, f := range s.fields {
			j.finishField(s, o, f)
		}
		j.finishTwice(s, o)
		s.keys = slices.DeleteFunc(s.keys, func(key []string) bool { return len(key) == 0 })
		if s.operation == "delete" {
			s.fields = slices.DeleteFunc(s.fields, func(f *field) bool { return !s.isKey(f.name) })
		}
		if !slices.ContainsFunc(s.fields, func(f *field) bool { return !f.off }) {
			j.fail(s.pos, CodeUnknown, "", "%s has no field that could be written", s.title)
		}
	}
}

// finishEvent makes the insert of a platform event what it is here.
func (j *job) finishEvent(s *step) {
	switch n := len(s.object) - len("__e"); {
	case n <= 0 || !strings.EqualFold(s.object[n:], "__e"):
	case s.operation == "insert":
		s.operation, s.keys = "publish", nil
	default:
		j.fail(s.pos, CodeUnknown, "", "%s cannot %s %s: platform events can only be published", s.title, s.operation, s.object)
	}
}

// finishNames takes out a rule whose names a mapping cannot have.
func (j *job) finishNames(f *field) {
	if bad := badFieldName(f.name); bad && !f.off {
		f.comments = append(f.comments, j.lost(f.pos, "%s is no field name", quoted(diag.Cut(f.name))))
		f.off, f.parent = true, nil
	} else if bad {
		f.parent = nil
	}
	if object, key, _ := strings.Cut(f.lookup, "."); !f.off && f.lookup != "" && (!soql.IsName(object) || !soql.IsName(key)) {
		f.off = true
		f.comments = append(f.comments, j.lost(f.pos, "%s refers to %s, which names no field", f.name, quoted(diag.Cut(f.lookup))))
	}
	if len(f.column) > maxColumn {
		if !f.off {
			f.comments = append(f.comments, j.lost(f.pos, "the name of the column of %s has more than %d bytes", f.name, maxColumn))
		}
		f.column, f.off = diag.Cut(f.column), true
	}
	if !f.off && f.column != "" && strings.TrimSpace(f.column) == "" {
		f.off = true
		f.comments = append(f.comments, j.lost(f.pos, "%s has no column: its name is blank", f.name))
	}
}

// finishTwice leaves one rule to each field, also where one is by the field's relationship, and where
// one that is off goes by the record of another step in a merged mapping.
func (j *job) finishTwice(s *step, o *schema.Object) {
	seen := map[string]bool{}
	for _, refers := range []bool{false, true} {
		for _, f := range s.fields {
			name := strings.ToLower(fieldOf(o, f.name))
			switch {
			case f.off != refers || f.off && f.parent == nil:
			case seen[name]:
				if f.parent = nil; !f.off {
					f.off = true
					f.comments = append(f.comments, j.lost(f.pos, "%s has a rule already: a field takes one value", f.name))
				}
			default:
				seen[name] = true
			}
		}
	}
}

// finishKeys brings the match keys to the schema's spelling and sees that each has a source.
func (j *job) finishKeys(s *step, o *schema.Object) {
	for k := range s.keys {
		s.keys[k] = once(s.keys[k])
		switch byID := contains(s.keys[k], "Id"); {
		case byID && s.operation == "insert":
			s.keys[k] = nil
			s.comment(j.lost(s.pos, "%s inserts records that have an Id: every run creates them anew", s.title))
		case byID && len(s.keys[k]) > 1:
			s.comment(j.look(s.pos, "the key of %s has the Id, which finds the record without the others", s.title))
			s.keys[k] = []string{"Id"}
		}
		key := s.keys[k]
		if len(key) > maxKey {
			j.fail(s.pos, CodeUnknown, "", "the key of %s has %d fields, more than the %d that a match takes", s.title, len(key), maxKey)
			return
		}
		for i, name := range key {
			if !soql.IsName(name) {
				j.fail(s.pos, CodeUnknown, "", "the key %s of %s is no field of it", quoted(diag.Cut(name)), s.title)
				return
			}
			if o != nil && o.Field(name) != nil {
				key[i] = o.Field(name).Name
			}
			f := s.field(key[i])
			if f == nil {
				f = &field{pos: s.pos, name: key[i], column: key[i]}
				f.comments = []string{j.look(s.pos, "nothing maps the key %s: a column of that name is taken", key[i])}
				s.fields = append([]*field{f}, s.fields...)
			}
			f.null = false
		}
	}
}

// fieldOf returns the field that a rule writes: the reference, where it is named by its relationship. An object
// stands in front of the relationship or behind it, which only a schema tells.
func fieldOf(o *schema.Object, name string) string {
	left, _, dotted := strings.Cut(name, ".")
	if !dotted {
		return name
	}
	first, second, two := strings.Cut(left, ":")
	if field := referenceOf(o, first); !two || o != nil && o.Field(field) != nil {
		return field
	}
	return referenceOf(o, second)
}

// once returns names without those that are there already, in any case.
func once(names []string) []string {
	var out []string
	for _, name := range names {
		if !contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func (s *step) isKey(name string) bool {
	for _, key := range s.keys {
		if contains(key, name) {
			return true
		}
	}
	return false
}

// finishField brings a field to the schema's spelling and takes out what cannot be written.
func (j *job) finishField(s *step, o *schema.Object, f *field) {
	if strings.EqualFold(f.name, "Id") {
		f.name, f.null = "Id", false
		if !s.isKey("Id") && !f.off {
			f.off, f.parent = true, nil
			f.comments = append(f.comments, j.lost(f.pos, "Id cannot be written: %s makes or finds the record without it", s.operation))
		}
		return
	}
	if o == nil || strings.Contains(f.name, ".") {
		return
	}
	known := o.Field(f.name)
	if known == nil {
		return
	}
	f.name = known.Name
	if f.off || s.isKey(f.name) {
		return
	}
	if s.operation == "update" && !known.Updateable || s.operation != "update" && !known.Createable {
		f.off, f.parent = true, nil
		f.comments = append(f.comments, j.lost(f.pos, "%s is read-only in Salesforce", f.name))
	}
	if f.null && (!known.Nillable || known.Type == schema.Boolean) {
		f.null = false
	}
}

// slug makes a name of a title: small letters, digits, _, dots and hyphens; words that a capital
// letter begins are parted.
func slug(title string) string {
	var b strings.Builder
	last := '-'
	for _, r := range strings.TrimSuffix(title, "__c") {
		capital := r >= 'A' && r <= 'Z'
		switch {
		case capital && (last >= 'a' && last <= 'z' || last >= '0' && last <= '9'):
			b.WriteByte('-')
			fallthrough
		case capital:
			b.WriteRune(r + 'a' - 'A')
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '.':
			b.WriteRune(r)
		case last != '-':
			r = '-'
			b.WriteByte('-')
		default:
			continue
		}
		last = r
	}
	s := strings.Trim(b.String(), "-.")
	if len(s) > 50 {
		s = strings.TrimRight(s[:50], "-.")
	}
	if s == "" {
		return "step"
	}
	return s
}

// relation returns the left side of a rule that sets a reference by a field of the other record.
// The object of that record is named where the schema does not tell it.
func (j *job) relation(o *schema.Object, name, parent, key string) string {
	if o != nil {
		for _, f := range o.Fields {
			if f.Type == schema.Reference && strings.EqualFold(f.RelationshipName, name) {
				name = f.RelationshipName
				if len(f.ReferenceTo) == 1 {
					parent = ""
					if p := j.object(f.ReferenceTo[0]); p != nil && p.Field(key) != nil {
						key = p.Field(key).Name
					}
				}
				break
			}
		}
	}
	if parent != "" && !strings.EqualFold(parent, name) {
		return parent + ":" + name + "." + key
	}
	return name + "." + key
}
