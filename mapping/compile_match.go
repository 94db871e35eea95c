package mapping

import (
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/program"
	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
	"sfsync/pipeline/row"
)

// matchKeys returns the match keys as they were written.
func matchKeys(t *Target) [][]Str {
	if len(t.Keys) == 0 && t.Match.Value != "" {
		return [][]Str{{t.Match}}
	}
	return t.Keys
}

// match resolves the match keys. A key with a part that no rule fills is left out while another
// one is whole.
func (c *planner) match() {
	t, out := c.target, c.out
	keys := matchKeys(t)
	switch {
	case t.Operation == Publish:
		if len(keys) > 0 {
			c.list.Errorf(keys[0][0].Pos, "match-event", "leave it out", "an event has no match: each row publishes one")
		}
		return
	case len(keys) == 0:
		c.noMatch()
		return
	}
	whole := func(key []Str) bool {
		return !slices.ContainsFunc(key, func(s Str) bool { return !c.ruled[lower(s.Value)] })
	}
	some := slices.ContainsFunc(keys, whole)
	good := true
	for _, key := range keys {
		var k Key
		for _, name := range key {
			f := c.matchField(name)
			switch {
			case f == nil:
				good = false
			case slices.Contains(k.Fields, f):
				c.list.Errorf(name.Pos, "match-twice", "", "%s stands twice in one key", f.Name)
			default:
				k.Fields = append(k.Fields, f)
			}
		}
		if !some || whole(key) {
			out.Keys = append(out.Keys, k)
		}
	}
	if !good {
		out.Keys = nil
		return
	}
	if c.matchWritable(keys) {
		c.matchCost(keys)
	}
	if len(out.Keys) == 1 && len(out.Keys[0].Fields) == 1 {
		out.Match = out.Keys[0].Fields[0]
	}
}

// noMatch is for targets without a match: inserts, those that are only reached through another
// one's on_converted, and objects that have a key by nature.
func (c *planner) noMatch() {
	t, out := c.target, c.out
	switch {
	case t.Operation == Insert:
		return
	case t.Operation == Upsert:
		for _, names := range naturalKeys(out.Object.Name) {
			var k Key
			for _, name := range names {
				if f := out.Object.Field(name); f != nil && c.ruled[lower(name)] {
					k.Fields = append(k.Fields, f)
				}
			}
			if len(k.Fields) == len(names) {
				out.Keys = append(out.Keys, k)
			}
		}
		if len(out.Keys) > 0 {
			return
		}
		if all := naturalKeys(out.Object.Name); all != nil {
			c.list.Errorf(t.Pos, "match-missing", "fill "+strings.Join(all[0], " and ")+", or name a match field", "%s needs a match field", t.Operation)
			return
		}
	case t.Operation == Update && c.redirectedTo(t.Name.Value):
		if t.When.Value == "" || strings.TrimSpace(t.When.Value) == "false" {
			return
		}
		c.list.Errorf(t.Pos, "match-missing", "say when: false if all its rows come from on_converted", "%s needs a match field for the rows that it takes by itself", t.Operation)
		return
	}
	c.list.Errorf(t.Pos, "match-missing", "name the field that tells which record a row is", "%s needs a match field", t.Operation)
}

// naturalKeys returns the keys of objects of which the org has at most one record for two others
// (Object Reference, "CampaignMember", "GroupMember", …): they need no external id.
func naturalKeys(object string) [][]string {
	switch object {
	case "CampaignMember":
		return [][]string{{"CampaignId", "LeadId"}, {"CampaignId", "ContactId"}}
	case "AccountContactRelation":
		return [][]string{{"AccountId", "ContactId"}}
	case "GroupMember":
		return [][]string{{"GroupId", "UserOrGroupId"}}
	case "PermissionSetAssignment":
		return [][]string{{"AssigneeId", "PermissionSetId"}}
	}
	return nil
}

// redirectedTo reports whether a target's on_converted names this one.
func (c *planner) redirectedTo(name string) bool {
	return name != "" && slices.ContainsFunc(c.file.Targets, func(t *Target) bool { return t.OnConverted.Value == name })
}

// matchField finds one field of a key.
func (c *planner) matchField(name Str) *schema.Field {
	if _, ok := syntax.ParseRelation(name.Value); ok {
		c.list.Errorf(name.Pos, "match-relation", "match by the reference itself, and fill it with {lookup: …}", "%s is no field of %s", name.Value, c.out.Object.Name)
		return nil
	}
	f := c.field(name.Value, name.Pos, "match field")
	if f != nil && !findable(f) {
		c.list.Errorf(name.Pos, "match-type", "match by a text, number, date or id field", "%s is of type %s: records cannot be found by it", f.Name, f.Type)
		return nil
	}
	return f
}

// findable reports whether records can be found by a field's value.
func findable(f *schema.Field) bool {
	switch f.Type {
	case schema.TextArea, schema.EncryptedString, schema.Base64, schema.MultiPicklist, schema.Boolean, schema.DateTime, schema.Time,
		schema.Address, schema.Location, schema.AnyType, schema.ComplexValue:
		return false
	}
	return true
}

// matchWritable reports an upsert whose new records would all lack the key they were looked for by.
func (c *planner) matchWritable(keys [][]Str) bool {
	out := c.out
	if c.target.Operation != Upsert || len(out.Keys) != 1 || len(out.Keys[0].Fields) != 1 {
		return true
	}
	f := out.Keys[0].Fields[0]
	if f.Type == schema.ID || program.Writable(f, Upsert) {
		return true
	}
	c.list.Errorf(keyPos(keys, f), "match-not-writable", "use operation: update, or match by another field",
		"%s cannot be written, so an upsert by it could not create records", f.Name)
	return false
}

// matchCost warns of keys that cost lookups. Inserts with a match always do.
func (c *planner) matchCost(keys [][]Str) {
	if c.target.Operation == Insert {
		return
	}
	warned := false
	for _, k := range c.out.Keys {
		switch f := k.Fields[0]; {
		case len(k.Fields) > 1:
			c.list.Warnf(keyPos(keys, f), "match-costs-lookup", "", "a key of several fields: records are looked up before they are sent, which costs API calls")
			warned = true
		case !f.UniqueKey():
			c.list.Warnf(keyPos(keys, f), "match-costs-lookup", "a field with External ID and Unique set needs none",
				"%s is no unique external id: records are looked up before they are sent, which costs API calls", f.Name)
			warned = true
		}
	}
	if len(c.out.Keys) > 1 && !warned {
		c.list.Warnf(keys[0][0].Pos, "match-costs-lookup", "", "several keys: records are looked up before they are sent, which costs API calls")
	}
}

// keyPos returns where a field stands in the keys.
func keyPos(keys [][]Str, f *schema.Field) diag.Pos {
	for _, key := range keys {
		for _, name := range key {
			if strings.EqualFold(name.Value, f.Name) {
				return name.Pos
			}
		}
	}
	return diag.Pos{}
}

// finishMatch checks that rules fill the keys, and decides about lookups.
func (c *planner) finishMatch() {
	out := c.out
	depends := out.Converted != ConvertedFail || len(out.Keys) > 1
	for _, r := range out.Code.Rules {
		if r.OnInsert {
			out.InsertDefaults = true
		}
		depends = depends || r.IfEmpty
		part, _ := out.InKeys(r.Field)
		if !part {
			continue
		}
		out.Code.InKey = append(out.Code.InKey, r)
		r.Keyed = true
		if r.Field == out.Match {
			out.Code.Key = r
		}
	}
	if len(out.Keys) == 0 {
		return
	}
	native := false
	if f := out.Match; f != nil {
		native = f.Type == schema.ID && out.Operation != Insert || f.UniqueKey() && out.Operation == Upsert
	}
	out.Lookup = !native || depends
	keys := matchKeys(c.target)
	for _, k := range out.Keys {
		for _, f := range k.Fields {
			if !out.Code.Ruled[lower(f.Name)] { // else the rule was reported
				c.list.Errorf(keyPos(keys, f), "match-unmapped", "add "+f.Name+": COLUMN under fields", "no rule fills the match field %s", f.Name)
			}
		}
	}
	for _, r := range out.Code.InKey {
		// The record that was found has these values already, and the org refuses an update that
		// has a field which can only be set on create.
		if out.Lookup && out.Operation == Upsert && r.Field.Createable && !r.Field.Updateable {
			r.Flags = row.OnInsert
		}
	}
}

// outcomes compiles what becomes of rows that find several records, or a converted lead.
func (c *planner) outcomes() {
	t, out := c.target, c.out
	switch t.OnMany {
	case "newest":
		out.OnMany = ManyNewest
	case "oldest":
		out.OnMany = ManyOldest
	case "skip":
		out.OnMany = ManySkip
	}
	on := t.OnConverted
	if on.Value == "" || on.Value == "fail" {
		return
	}
	out.Converted = ConvertedRedirect
	if on.Value == "skip" {
		out.Converted = ConvertedSkip
	}
	switch {
	case !strings.EqualFold(out.Object.Name, "Lead"):
		c.list.Errorf(on.Pos, "on-converted-object", "leave it out", "only leads are converted, not records of %s", out.Object.Name)
	case len(out.Keys) == 0:
		c.list.Errorf(on.Pos, "on-converted-match", "leave it out, or name a match", "this target finds no leads, since it has no match")
	}
}

// redirects joins targets with those that take their rows of converted leads.
func (c *planner) redirects() {
	for i, t := range c.file.Targets {
		from := c.targets[i]
		if from == nil || from.Converted != ConvertedRedirect {
			continue
		}
		to := c.targetIndex(t.OnConverted.Value)
		pos := t.OnConverted.Pos
		switch {
		case to < 0:
			c.list.Errorf(pos, "on-converted-unknown", c.list.DidYouMean(t.OnConverted.Value, c.targetNames()), "no target is named %q", t.OnConverted.Value)
			continue
		case c.targets[to] == nil:
			continue // it was reported
		}
		target := c.targets[to]
		switch {
		case target.Object.Name != "Contact":
			c.list.Errorf(pos, "on-converted-object", "", "a converted lead is a contact now, and target %s is for %s", target.Name, target.Object.Name)
		case target.Operation != Update && target.Operation != Upsert:
			c.list.Errorf(pos, "on-converted-operation", "use operation: update", "target %s has the operation %s, and the contact is there already", target.Name, target.Operation)
		case otherOrg(target.Org, from.Org):
			c.list.Errorf(pos, "on-converted-org", "", "target %s goes to another org", target.Name)
		case target.Redirected >= 0:
			c.list.Errorf(pos, "on-converted-twice", "write a target for each", "target %s takes the rows of target %s already", target.Name, c.targets[target.Redirected].Name)
		default:
			from.Redirect, target.Redirected, target.Code.Held = to, i, true
		}
	}
}

// otherOrg reports whether two targets go to different orgs for sure: one that names none goes to the
// run's.
func otherOrg(a, b string) bool { return a != b && a != "" && b != "" }

// targetIndex returns the number of the file's target of that name, or -1.
func (c *planner) targetIndex(name string) int {
	return slices.IndexFunc(c.file.Targets, func(t *Target) bool { return t.Name.Value == name })
}

func (c *planner) targetNames() []string {
	names := make([]string, len(c.file.Targets))
	for i, t := range c.file.Targets {
		names[i] = t.Name.Value
	}
	return names
}
