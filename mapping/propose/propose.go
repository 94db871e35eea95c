package propose

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/mapping/internal/yamltext"
	"sfsync/mapping/schema"
)

// Target is a target that is proposed.
type Target struct {
	Object *schema.Object
	Rules  []Rule
	// Match is the field that records are found by; nil proposes inserts.
	Match     *schema.Field
	MatchNote string
	// When is the condition for rows that have a record of the object; "" for all.
	When, WhenNote string
	// Unused are the columns that no rule has.
	Unused []Unused

	taken map[string]bool // the columns that rules have
}

// Unused is a column without a rule. Only names the files that have it; "" for all.
type Unused struct{ Column, Only string }

// Rule is a rule that is proposed.
type Rule struct {
	Field *schema.Field
	// Key is the field behind the relationship of Field by which the other record is referred to:
	// the rule is for Account.ERP_Id__c then. Parent names the object where it may be several.
	Key, Parent string
	// From are the columns; none for a constant, which then is Value, and for a Ref.
	From  []Source
	Value string
	// Lookup is the field by which the other record is found: Account.Name.
	Lookup string
	// Ref is the target whose record of the same row is referred to.
	Ref *Target
	// Values translates what the column has to what a picklist lists.
	Values []Translation
	// Default is for rows without a value.
	Default string
	// Note says what a person should look at; "" where nothing is in doubt.
	Note string
	// Off makes a comment of the rule: as it is, not all files could be read with it.
	Off bool
}

// Translation is one line of a table of values.
type Translation struct{ From, To string }

// Source is a column with its transforms.
type Source struct {
	Column string
	Steps  []string
}

// Targets proposes a target for each object. A row makes a record of each of them, so a reference
// from one to another goes by the row.
func (p *Profile) Targets(objects []*schema.Object, s *schema.Schema) ([]*Target, error) {
	targets := make([]*Target, len(objects))
	for i, o := range objects {
		t := &Target{Object: o, taken: map[string]bool{}}
		targets[i] = t
		for _, pair := range p.pairs(o, objects) {
			if err := p.pair(t, pair, s); err != nil {
				return nil, err
			}
		}
		if err := p.person(t, s); err != nil {
			return nil, err
		}
	}
	join(targets)
	for _, t := range targets {
		if err := p.lookups(t, s); err != nil {
			return nil, err
		}
		p.cover(t)
		p.match(t)
		p.guard(t)
		for _, f := range t.Object.Fields {
			if f.Required() && !t.has(f) {
				t.Rules = append(t.Rules, t.filler(f))
			}
		}
		t.sort()
	}
	p.leftover(targets)
	return targets, nil
}

// sort puts the rules in the order of the object's fields.
func (t *Target) sort() {
	order := make(map[*schema.Field]int, len(t.Object.Fields))
	for i, f := range t.Object.Fields {
		order[f] = i
	}
	slices.SortStableFunc(t.Rules, func(a, b Rule) int { return cmp.Compare(order[a.Field], order[b.Field]) })
}

// leftover lists the columns that no target has, with the first of them.
func (p *Profile) leftover(targets []*Target) {
	for _, c := range p.columns {
		if !c.nested && !slices.ContainsFunc(targets, func(t *Target) bool { return t.taken[c.name] }) {
			targets[0].Unused = append(targets[0].Unused, Unused{c.name, p.only(c)})
		}
	}
}

// only names the files that have a column, or nothing if all do.
func (p *Profile) only(c *column) string {
	if len(c.files) == len(p.files) {
		return ""
	}
	names := make([]string, len(c.files))
	for i, f := range c.files {
		names[i] = p.files[f].name
	}
	const most = 3
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return strings.Join(names, ", ")
}

// Sends reports whether any column goes to a field.
func (t *Target) Sends() bool {
	return slices.ContainsFunc(t.Rules, func(r Rule) bool { return len(r.From) > 0 && !r.Off })
}

// Used counts the rules that take a column.
func (t *Target) Used() int {
	n := 0
	for _, r := range t.Rules {
		if len(r.From) > 0 && !r.Off {
			n++
		}
	}
	return n
}

func (t *Target) has(f *schema.Field) bool { return t.rule(f) != nil }

// rule returns the rule of a field that counts, or nil.
func (t *Target) rule(f *schema.Field) *Rule {
	for i := range t.Rules {
		if t.Rules[i].Field == f && !t.Rules[i].Off {
			return &t.Rules[i]
		}
	}
	return nil
}

// pair is a column that may go to a field.
type pair struct {
	column *column
	field  *schema.Field
	fit    int
}

// pairs lists what may go where, the best first. Columns that say that they are of another one
// of the objects are left to that.
func (p *Profile) pairs(o *schema.Object, all []*schema.Object) []pair {
	words := synonyms()
	others := func(c *column) bool {
		return !about(c.name, o) && slices.ContainsFunc(all, func(other *schema.Object) bool { return other != o && about(c.name, other) })
	}
	var out []pair
	for _, f := range o.Fields {
		if !f.Createable || f.Type == schema.ID || f.Type == schema.Base64 {
			continue
		}
		n := namesOf(o, f, words)
		for _, c := range p.columns {
			if fit := n.fit(c.name); fit > 0 && !c.nested && !others(c) {
				out = append(out, pair{c, f, fit})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b pair) int { return cmp.Compare(b.fit, a.fit) })
	return out
}

// pair makes a rule of a pair, or adds the column to the field's rule if it is another file's
// column for the same. A guess whose values the field mostly refuses is none.
func (p *Profile) pair(t *Target, pr pair, s *schema.Schema) error {
	r := t.rule(pr.field)
	if t.taken[pr.column.name] || r != nil && !p.instead(r, pr.column) {
		return nil
	}
	got, err := choose(pr.field, s, pr.column)
	if err != nil || pr.fit < sure && got.failed > len(pr.column.values)/10 {
		return err
	}
	if r == nil {
		t.Rules = append(t.Rules, Rule{Field: pr.field})
		r = &t.Rules[len(t.Rules)-1]
	}
	src := Source{Column: pr.column.name}
	for _, st := range got.steps {
		src.Steps = append(src.Steps, st.String())
	}
	r.From = append(r.From, src)
	t.taken[pr.column.name] = true
	if pr.fit < sure {
		r.note("guessed from the name")
	}
	if got.doubt != "" {
		r.note(got.doubt)
	}
	if got.failed > 0 {
		r.note(of(got.failed, len(pr.column.values), "different value") + " would be refused (" + got.why + ")")
	}
	if pr.column.filled == 0 {
		r.note("the column is blank in all rows seen")
	}
	r.translate(pr.column)
	return nil
}

// translate proposes a table for the values that a picklist does not list but that are written
// nearly like one of its own.
func (r *Rule) translate(c *column) {
	const most = 30
	if r.Field.Type != schema.Picklist || c.more {
		return
	}
	var own []string
	for _, v := range r.Field.Picklist {
		if v.Active {
			own = append(own, v.Value)
		}
	}
	var table []Translation
	lacking := 0
	for _, v := range c.values {
		if slices.Contains(own, v) {
			continue
		}
		to := nearest(v, own)
		if to == "" {
			lacking++
			continue
		}
		if !slices.ContainsFunc(r.Values, func(t Translation) bool { return t.From == v }) {
			table = append(table, Translation{v, to})
		}
	}
	if len(table) == 0 || len(r.Values)+len(table) > most {
		return
	}
	r.Values = append(r.Values, table...)
	r.note("values guessed")
	if lacking > 0 {
		r.note(of(lacking, len(c.values), "value") + " are not in the picklist")
	}
}

// nearest returns the one value that has the same letters, or begins or ends with them.
func nearest(v string, own []string) string {
	p := plain(v)
	if len(p) < 3 {
		return ""
	}
	var part []string
	for _, o := range own {
		switch q := plain(o); {
		case p == q:
			return o
		case strings.HasPrefix(q, p) || strings.HasSuffix(q, p):
			part = append(part, o)
		}
	}
	if len(part) == 1 {
		return part[0]
	}
	return ""
}

// instead reports whether a column stands in the files that have none of a rule's columns.
func (p *Profile) instead(r *Rule, c *column) bool {
	if len(r.From) == 0 {
		return false
	}
	for _, src := range r.From {
		other := p.byName[src.Column]
		if slices.ContainsFunc(c.files, other.in) {
			return false
		}
	}
	return true
}

func (r *Rule) note(text string) {
	if r.Note != "" && !strings.Contains(r.Note, text) {
		text = r.Note + "; " + text
	}
	r.Note = text
}

// person takes a column with whole names apart where an object wants the parts.
func (p *Profile) person(t *Target, s *schema.Schema) error {
	last, first := t.Object.Field("LastName"), t.Object.Field("FirstName")
	if last == nil || !last.Createable || t.has(last) {
		return nil
	}
	for _, c := range p.columns {
		end := c.name[strings.LastIndexByte(c.name, '.')+1:]
		if t.taken[c.name] || c.nested || !slices.Contains([]string{"name", "fullname", "contactname", "personname", "displayname"}, plain(end)) {
			continue
		}
		t.taken[c.name] = true
		for _, part := range []struct {
			field *schema.Field
			step  string
			note  string
		}{{last, "last_name", "the last word of a whole name"}, {first, "first_name", ""}} {
			if part.field == nil || !part.field.Createable || t.has(part.field) {
				continue
			}
			got, err := chooseWith(part.field, s, c, [][]step{{{name: part.step}}, {{name: part.step}, {"truncate", []string{length(part.field)}}}})
			if err != nil {
				return err
			}
			r := Rule{Field: part.field, From: []Source{{Column: c.name}}, Note: part.note}
			for _, st := range got.steps {
				r.From[0].Steps = append(r.From[0].Steps, st.String())
			}
			if got.doubt != "" {
				r.note(got.doubt)
			}
			t.Rules = append(t.Rules, r)
		}
		return nil
	}
	return nil
}

// cover makes comments of the rules that some file could not be read with.
func (p *Profile) cover(t *Target) {
	for i := range t.Rules {
		r := &t.Rules[i]
		for f, file := range p.files {
			has := func(src Source) bool { return p.byName[src.Column].in(f) }
			if !file.complete || len(r.From) == 0 || slices.ContainsFunc(r.From, has) {
				continue
			}
			r.Off = true
			r.note("only in " + p.only(p.byName[r.From[0].Column]) + ": all files need a column, or mappings of their own")
			break
		}
	}
}

// match chooses the field that records are found by: a unique external id, then any key of the
// object; one whose values come twice or are missing only with a note.
func (p *Profile) match(t *Target) {
	best := -1
	for _, r := range t.Rules {
		if r.Off || len(r.From) == 0 || r.Key != "" || !r.Field.Key() || r.Field.Type == schema.Reference {
			continue
		}
		filled, distinct := p.filled(&r), true
		for _, src := range r.From {
			distinct = distinct && p.byName[src.Column].distinct()
		}
		score := 1
		if r.Field.UniqueKey() {
			score = 4
		}
		if filled == p.Rows {
			score++
		}
		if distinct {
			score++
		}
		if score <= best {
			continue
		}
		best, t.Match, t.MatchNote = score, r.Field, ""
		switch {
		case !distinct:
			t.MatchNote = "some values come more than once: the later row wins"
		case !r.Field.UniqueKey():
			t.MatchNote = "no unique external id: records are looked up first, which costs API calls"
		}
	}
}

// filled counts the rows that have a value for a rule. Its columns are of different files.
func (p *Profile) filled(r *Rule) int {
	n := 0
	for _, src := range r.From {
		n += p.byName[src.Column].filled
	}
	return min(n, p.Rows)
}

// guard sees to the rows that have nothing for the key or for a required field.
func (p *Profile) guard(t *Target) {
	for i := range t.Rules {
		r := &t.Rules[i]
		missing := p.Rows - p.filled(r)
		if r.Off || len(r.From) == 0 || missing == 0 {
			continue
		}
		switch {
		case r.Field == t.Match && len(r.From) > 1: // a condition cannot name a column that some file lacks
			t.MatchNote = of(missing, p.Rows, "row") + " seen have none and will fail"
		case r.Field == t.Match:
			t.When = yamltext.NotBlank(r.From[0].Column)
			t.WhenNote = of(missing, p.Rows, "row") + " seen have no " + t.Match.Name + " and are skipped"
		case r.Field.Required() && r.Key == "" && textual(r.Field):
			r.Default = "n/a"
			r.note(of(missing, p.Rows, "row") + " seen have none")
		case r.Field.Required():
			r.note(of(missing, p.Rows, "row") + " seen have none and will fail")
		}
	}
}

func textual(f *schema.Field) bool {
	switch f.Type {
	case schema.String, schema.TextArea, schema.Phone:
		return f.Length == 0 || f.Length >= len("n/a")
	}
	return false
}

// filler is the rule for a required field that no column fits. Where records are found by a key, it
// counts for new ones only: those that are there keep what they have.
func (t *Target) filler(f *schema.Field) Rule {
	r := filler(f)
	if t.Match != nil && r.Value != "" {
		r.Value, r.Default = "", r.Value
		r.Note = "required, and no column fits: what new records get; choose a value or a column"
	}
	return r
}

func filler(f *schema.Field) Rule {
	r := Rule{Field: f, Note: "required, and no column fits: choose a value or a column"}
	switch f.Type {
	case schema.Picklist, schema.MultiPicklist, schema.Combobox:
		for _, v := range f.Picklist {
			if v.Active && (r.Value == "" || v.Default) {
				r.Value = v.Value
			}
		}
	case schema.Date:
		r.Value = "2000-01-01"
	case schema.DateTime:
		r.Value = "2000-01-01T00:00:00Z"
	case schema.Time:
		r.Value = "00:00:00Z"
	case schema.Int, schema.Long, schema.Double, schema.Currency, schema.Percent:
		r.Value = "0"
	case schema.Boolean:
		r.Value = "false"
	case schema.Email:
		r.Value = "unknown@example.com"
	case schema.Reference:
		r.Value = ""
	default:
		r.Value = "n/a"
	}
	return r
}
