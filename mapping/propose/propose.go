package propose

import (
	"cmp"
	"slices"
	"strings"

	"sfsync/mapping/schema"
)

// Target is a target that is proposed.
type Target struct {
	Object *schema.Object
	Rules  []Rule
	// Match is the field that records are found by; nil proposes inserts.
	Match     *schema.Field
	MatchNote string
	// Unused are the columns that no rule has.
	Unused []string
}

// Rule is a rule that is proposed.
type Rule struct {
	Field *schema.Field
	// Column is "" for a constant, which then is Value.
	Column string
	Value  string
	Steps  []string
	// Note says what a person should look at; "" where nothing is in doubt.
	Note string
}

// For proposes a target for an object.
func (p *Profile) For(o *schema.Object, s *schema.Schema) (*Target, error) {
	t := &Target{Object: o}
	taken := map[string]bool{}
	for _, pair := range p.pairs(o) {
		if taken[pair.column.name] || t.has(pair.field) {
			continue
		}
		r, ok, err := p.rule(pair, s)
		if err != nil {
			return nil, err
		}
		if ok {
			taken[pair.column.name] = true
			t.Rules = append(t.Rules, r)
		}
	}
	p.person(t, taken)
	p.match(t)
	for _, f := range o.Fields {
		if f.Required() && !t.has(f) {
			t.Rules = append(t.Rules, filler(f))
		}
	}
	order := make(map[*schema.Field]int, len(o.Fields))
	for i, f := range o.Fields {
		order[f] = i
	}
	slices.SortStableFunc(t.Rules, func(a, b Rule) int { return cmp.Compare(order[a.Field], order[b.Field]) })
	for _, c := range p.columns {
		if !taken[c.name] && !c.nested {
			t.Unused = append(t.Unused, c.name)
		}
	}
	return t, nil
}

// Sends reports whether any column goes to a field.
func (t *Target) Sends() bool {
	return slices.ContainsFunc(t.Rules, func(r Rule) bool { return r.Column != "" })
}

func (t *Target) has(f *schema.Field) bool {
	return slices.ContainsFunc(t.Rules, func(r Rule) bool { return r.Field == f })
}

// pair is a column that may go to a field.
type pair struct {
	column *column
	field  *schema.Field
	fit    int
}

// pairs lists what may go where, the best first.
func (p *Profile) pairs(o *schema.Object) []pair {
	words := synonyms()
	var out []pair
	for _, f := range o.Fields {
		if !f.Createable || f.Type == schema.ID || f.Type == schema.Base64 {
			continue
		}
		n := namesOf(f, words)
		for _, c := range p.columns {
			if fit := n.fit(c.name); fit > 0 && !c.nested {
				out = append(out, pair{c, f, fit})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b pair) int { return cmp.Compare(b.fit, a.fit) })
	return out
}

// rule makes the rule for a pair. A guess whose values the field mostly refuses is none.
func (p *Profile) rule(pr pair, s *schema.Schema) (Rule, bool, error) {
	got, err := choose(pr.field, s, pr.column)
	if err != nil {
		return Rule{}, false, err
	}
	if pr.fit < sure && got.failed > len(pr.column.values)/10 {
		return Rule{}, false, nil
	}
	r := Rule{Field: pr.field, Column: pr.column.name}
	for _, st := range got.steps {
		r.Steps = append(r.Steps, st.String())
	}
	var notes []string
	if pr.fit < sure {
		notes = append(notes, "guessed from the name")
	}
	if got.doubt != "" {
		notes = append(notes, got.doubt)
	}
	if got.failed > 0 {
		notes = append(notes, plural(got.failed, "value")+" of "+plural(len(pr.column.values), "different one")+" would be refused ("+got.why+")")
	}
	if pr.column.filled == 0 {
		notes = append(notes, "the column is blank in all rows seen")
	}
	r.Note = strings.Join(notes, "; ")
	return r, true, nil
}

// person takes a column with whole names apart where an object wants the parts.
func (p *Profile) person(t *Target, taken map[string]bool) {
	last, first := t.Object.Field("LastName"), t.Object.Field("FirstName")
	if last == nil || !last.Createable || t.has(last) {
		return
	}
	for _, c := range p.columns {
		end := c.name[strings.LastIndexByte(c.name, '.')+1:]
		if taken[c.name] || c.nested || !slices.Contains([]string{"name", "fullname", "contactname", "personname", "displayname"}, plain(end)) {
			continue
		}
		taken[c.name] = true
		const note = "the first word and the rest of a whole name"
		t.Rules = append(t.Rules, Rule{Field: last, Column: c.name, Steps: []string{"last_name"}, Note: note})
		if first != nil && first.Createable && !t.has(first) {
			t.Rules = append(t.Rules, Rule{Field: first, Column: c.name, Steps: []string{"first_name"}})
		}
		return
	}
}

// match chooses the field that records are found by: a unique external id, then any key of the
// object; one whose values come twice or are missing only with a note.
func (p *Profile) match(t *Target) {
	best := -1
	for _, r := range t.Rules {
		c := p.byName[r.Column]
		if c == nil || !r.Field.Key() || r.Field.Type == schema.Reference {
			continue
		}
		score := 1
		if r.Field.UniqueKey() {
			score = 4
		}
		if c.filled == p.Rows {
			score++
		}
		if c.distinct() {
			score++
		}
		if score <= best {
			continue
		}
		best, t.Match, t.MatchNote = score, r.Field, ""
		switch {
		case c.filled < p.Rows:
			t.MatchNote = plural(p.Rows-c.filled, "row") + " of " + plural(p.Rows, "row") + " seen have no value: they will fail"
		case !c.distinct():
			t.MatchNote = "some values come more than once: the later row wins"
		case !r.Field.UniqueKey():
			t.MatchNote = "no unique external id: records are looked up first, which costs API calls"
		}
	}
}

// filler is the rule for a required field that no column fits.
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
