package schema

import (
	"slices"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/schema/apiname"
	"sfsync/mapping/yamlnode"
)

// Bounds of what administrators set up (Salesforce Features and Edition Allocations: 500
// validation rules an object in the largest edition, 5 active duplicate rules, 3,000 entries of an
// assignment rule; a message has 255 characters). Nobody keeps as many in a file.
const (
	maxRules   = 500
	maxMessage = 255
)

// objectKeys are the properties that the objects of an overlay can have.
func objectKeys() []string {
	return []string{
		"label", "labelPlural", "keyPrefix", "fields",
		"record_types", "queues", "validation_rules", "duplicate_rules", "assignment_rules",
	}
}

// ruleReader reads what an overlay sets up for the records of one object.
type ruleReader struct {
	*overlay
	object *Object
}

// setup reads what stands beside an object's fields. The fields have been read.
func (v *overlay) setup(o *Object, keys map[string]*yamlnode.Node) {
	r := ruleReader{v, o}
	r.each(keys["record_types"], "record_types", []string{"developer_name", "name", "active", "default"}, r.recordType)
	r.each(keys["queues"], "queues", []string{"developer_name", "name"}, r.queue)
	r.each(keys["validation_rules"], "validation_rules", []string{"name", "when", "message", "field", "active"}, r.validation)
	r.each(keys["duplicate_rules"], "duplicate_rules", []string{"name", "match", "action", "message", "active"}, r.duplicate)
	r.each(keys["assignment_rules"], "assignment_rules", []string{"name", "id", "active", "entries"}, r.assignment)
}

// each reads a list of maps. A text stands for a map with that name.
func (r *ruleReader) each(n *yamlnode.Node, what string, known []string, read func(at diag.Pos, keys map[string]*yamlnode.Node)) {
	if n == nil {
		return
	}
	where := what + " of " + r.object.Name
	if n.Kind != yamlnode.Seq {
		r.kind(n, where, "a list")
		return
	}
	if len(n.Items) > maxRules {
		r.errorf(n.Pos, "limit", "", "%s has %d entries; at most %d are allowed", where, len(n.Items), maxRules)
		return
	}
	seen := map[string]diag.Pos{}
	for _, item := range n.Items {
		if item.Kind == yamlnode.Scalar && slices.Contains(known, "name") && (what == "queues" || what == "record_types") {
			read(item.Pos, map[string]*yamlnode.Node{"name": item})
			continue
		}
		keys := r.keys(item, "an entry of "+where, known)
		if item.Kind != yamlnode.Map {
			continue
		}
		if name := keys["name"]; name != nil {
			folded := strings.ToLower(name.Text)
			if first, twice := seen[folded]; twice {
				r.errorf(name.Pos, "value-twice", "keep one of them", "%q of %s is already on line %d", diag.Cut(name.Text), where, first.Line)
				continue
			}
			seen[folded] = name.Pos
		}
		read(item.Pos, keys)
	}
}

// name returns the required name of an entry, and whether it is there.
func (r *ruleReader) name(at diag.Pos, keys map[string]*yamlnode.Node, key string) (string, bool) {
	if keys[key] == nil {
		r.errorf(at, "key-missing", "", "the entry has no %s:", key)
		return "", false
	}
	text := r.text(keys, key)
	return text, text != ""
}

// flag reads a true or false of an entry.
func (r *ruleReader) flag(keys map[string]*yamlnode.Node, key string, otherwise bool) bool {
	d := fieldDecl{overlay: r.overlay, object: r.object, keys: keys}
	return d.flag(key, otherwise)
}

// developerName returns the name and the developer name of an entry that has both; one tells
// the other.
func (r *ruleReader) developerName(at diag.Pos, keys map[string]*yamlnode.Node) (name, developer string, ok bool) {
	developer = r.text(keys, "developer_name")
	if keys["name"] == nil && developer != "" {
		return strings.ReplaceAll(developer, "_", " "), developer, true
	}
	if name, ok = r.name(at, keys, "name"); !ok {
		return "", "", false
	}
	pos := keys["name"].Pos
	if developer == "" {
		developer = strings.Map(func(c rune) rune {
			if c == ' ' || c == '-' || c == '.' {
				return '_'
			}
			return c
		}, name)
	} else {
		pos = keys["developer_name"].Pos
	}
	if apiname.Identifier(developer) != "" {
		r.errorf(pos, "value-invalid", "add developer_name: with letters, digits and single underscores", "%q is no developer name", diag.Cut(developer))
		return "", "", false
	}
	return name, developer, true
}

func (r *ruleReader) recordType(at diag.Pos, keys map[string]*yamlnode.Node) {
	name, developer, ok := r.developerName(at, keys)
	if !ok {
		return
	}
	if r.object.Field("RecordTypeId") == nil {
		r.addRecordTypeID()
	}
	t := RecordType{DeveloperName: developer, Name: name, Active: r.flag(keys, "active", true), Default: r.flag(keys, "default", false)}
	for _, other := range r.object.RecordTypes {
		if t.Default && other.Default {
			r.errorf(keys["default"].Pos, "value-invalid", "keep one", "an object has one default record type, and %s is it already", other.DeveloperName)
			return
		}
	}
	r.object.RecordTypes = append(r.object.RecordTypes, t)
}

// addRecordTypeID gives the object the field that says of which type a record is.
func (r *ruleReader) addRecordTypeID() {
	d := fieldDecl{overlay: r.overlay, object: r.object}
	f := d.optionalField("RecordTypeId")
	if f == nil {
		f = &Field{
			Name: "RecordTypeId", Label: "Record Type ID", Type: Reference, Length: 18, Nillable: true, Createable: true, Updateable: true,
			Filterable: true, RelationshipName: "RecordType", ReferenceTo: []string{"RecordType"},
		}
	}
	d.put(f)
}

func (r *ruleReader) queue(at diag.Pos, keys map[string]*yamlnode.Node) {
	name, developer, ok := r.developerName(at, keys)
	if !ok {
		return
	}
	if f := r.object.Field("OwnerId"); f == nil || !slices.Contains(f.ReferenceTo, "Group") {
		r.errorf(at, "value-invalid", "Lead, Case and custom objects can be", "records of %s cannot be owned by a queue", r.object.Name)
		return
	}
	r.object.Queues = append(r.object.Queues, Queue{DeveloperName: developer, Name: name})
}

// nameQueues gives a queue of several objects the name that one of them says.
func (v *overlay) nameQueues() {
	names := map[string]string{}
	for pass := range 2 {
		for _, o := range v.out.objects {
			for i := range o.Queues {
				q := &o.Queues[i]
				switch key := strings.ToLower(q.DeveloperName); {
				case pass == 0 && q.Name != q.DeveloperName:
					names[key] = q.Name
				case pass == 1 && names[key] != "":
					q.Name = names[key]
				}
			}
		}
	}
}

// field returns the field that a rule names, nil with an error if there is none.
func (r *ruleReader) field(n *yamlnode.Node) *Field {
	f := r.object.Field(n.Text)
	if n.Kind != yamlnode.Scalar || f == nil {
		r.errorf(n.Pos, "field-unknown", diag.DidYouMean(n.Text, r.object.FieldNames()), "%s has no field %s", r.object.Name, diag.Cut(n.Text))
		return nil
	}
	return f
}

func (r *ruleReader) validation(at diag.Pos, keys map[string]*yamlnode.Node) {
	name, ok1 := r.name(at, keys, "name")
	when, ok2 := r.name(at, keys, "when")
	message, ok3 := r.name(at, keys, "message")
	if !ok1 || !ok2 || !ok3 {
		return
	}
	rule := ValidationRule{Name: name, When: when, Message: message, Inactive: !r.flag(keys, "active", true), Pos: keys["when"].Pos}
	if len([]rune(message)) > maxMessage {
		r.errorf(keys["message"].Pos, "value-invalid", "", "the message of a validation rule has at most %d characters", maxMessage)
	}
	if n := keys["field"]; n != nil {
		f := r.field(n)
		if f == nil {
			return
		}
		rule.Field = f.Name
	}
	r.object.Rules.Validation = append(r.object.Rules.Validation, rule)
}

func (r *ruleReader) duplicate(at diag.Pos, keys map[string]*yamlnode.Node) {
	name, ok := r.name(at, keys, "name")
	if !ok {
		return
	}
	rule := DuplicateRule{Name: name, Message: r.text(keys, "message"), Inactive: !r.flag(keys, "active", true)}
	switch action := r.text(keys, "action"); action {
	case "block", "":
	case "alert":
		rule.Alert = true
	default:
		r.errorf(keys["action"].Pos, "value-invalid", diag.DidYouMean(action, []string{"block", "alert"}), "action is block or alert, not %q", diag.Cut(action))
	}
	match := keys["match"]
	if match == nil {
		r.errorf(at, "key-missing", "such as match: [Email]", "the duplicate rule %q has no match:", diag.Cut(name))
		return
	}
	items := match.Items
	if match.Kind == yamlnode.Scalar {
		items = []*yamlnode.Node{match}
	}
	for _, n := range items {
		f := r.field(n)
		switch {
		case f == nil:
			return
		case f.Type == Address || f.Type == Location || !f.Filterable:
			r.errorf(n.Pos, "value-invalid", "", "%s.%s cannot be compared", r.object.Name, f.Name)
			return
		}
		rule.Match = append(rule.Match, f.Name)
	}
	if len(rule.Match) == 0 {
		r.errorf(match.Pos, "value-missing", "such as match: [Email]", "match names no field")
		return
	}
	r.object.Rules.Duplicate = append(r.object.Rules.Duplicate, rule)
}

func (r *ruleReader) assignment(at diag.Pos, keys map[string]*yamlnode.Node) {
	name, ok := r.name(at, keys, "name")
	if !ok {
		return
	}
	switch r.object.Name {
	case "Lead", "Case", "Account":
	default:
		r.errorf(at, "value-invalid", "", "there are assignment rules for Lead, Case and Account, not for %s", r.object.Name)
		return
	}
	rule := AssignmentRule{Name: name, ID: r.text(keys, "id"), Inactive: !r.flag(keys, "active", true)}
	if rule.ID != "" {
		if id := ID18(rule.ID); len(id) != 18 || id[:3] != "01Q" || ID18(id[:15]) != id {
			r.errorf(keys["id"].Pos, "value-invalid", "leave it out and the org chooses one", "%q is not the id of an assignment rule", diag.Cut(rule.ID))
			return
		}
	}
	for _, other := range r.object.Rules.Assignment {
		if !other.Inactive && !rule.Inactive {
			r.errorf(at, "value-invalid", "add active: false to one of them", "an object has one active assignment rule, and %q is it already", diag.Cut(other.Name))
			return
		}
	}
	entries := keys["entries"]
	if entries == nil || entries.Kind != yamlnode.Seq || len(entries.Items) == 0 {
		r.errorf(at, "key-missing", "such as entries: [{owner: Inbound}]", "the assignment rule %q has no list of entries", diag.Cut(name))
		return
	}
	if len(entries.Items) > maxRules {
		r.errorf(entries.Pos, "limit", "", "the assignment rule has %d entries; at most %d are allowed", len(entries.Items), maxRules)
		return
	}
	for _, n := range entries.Items {
		found := r.keys(n, "an entry of the assignment rule", []string{"when", "owner"})
		owner, ok := r.name(n.Pos, found, "owner")
		if !ok {
			return
		}
		e := AssignmentEntry{When: r.text(found, "when"), Owner: owner, Pos: n.Pos}
		if w := found["when"]; w != nil {
			e.Pos = w.Pos
		}
		rule.Entries = append(rule.Entries, e)
	}
	r.object.Rules.Assignment = append(r.object.Rules.Assignment, rule)
}
