package importer

import (
	"strconv"
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/soql"
	"sfsync/mapping/yamlnode"
)

// cumulusStep is a step with what its lookups need.
type cumulusStep struct {
	*step
	node *yamlnode.Node
}

// cumulus imports a mapping.yml of CumulusCI's dataset tasks: named steps in the order of the
// load, each with an object, the table it is stored in, and its fields (CumulusCI documentation,
// "Automate Data Operations", and the model of its parser).
func (j *job) cumulus(text []byte) {
	root := yamlnode.Parse(j.path, text, &j.notes)
	if root == nil || j.notes.Failed() {
		if !j.notes.Failed() {
			j.fail(diag.Pos{File: j.path, Line: 1, Column: 1}, CodeUnknown, "", "the file has no steps")
		}
		return
	}
	if root.Kind != yamlnode.Map {
		j.fail(root.Pos, CodeSyntax, "", "a mapping of CumulusCI is a map of steps, not %s", root.Kind)
		return
	}
	j.comments = append(j.comments, "CumulusCI keeps its data in SQL; sfsync reads files: export each table to a CSV or JSON Lines file "+
		"with the columns named here, and name it on the command line.")
	if len(root.Pairs) > maxFound {
		j.fail(root.Pairs[maxFound].Key.Pos, CodeUnknown, "", "the file has more than %d steps", maxFound)
		return
	}
	var all []cumulusStep
	for _, pair := range root.Pairs {
		if s := j.cumulusStep(pair.Key, pair.Value); s != nil {
			all = append(all, cumulusStep{s, pair.Value})
		}
	}
	for _, s := range all {
		j.cumulusLookups(s, all)
	}
	for _, s := range all {
		j.add(s.step)
	}
	if len(all) == 0 && !j.notes.Failed() {
		j.fail(root.Pos, CodeUnknown, "", "no step here writes records")
	}
}

func (j *job) cumulusStep(title, n *yamlnode.Node) *step {
	object, at := word(n, "sf_object")
	if n.Kind != yamlnode.Map || !soql.IsName(object) {
		j.fail(at, CodeSyntax, "name the object: sf_object: Account", "step %s has no sf_object", quoted(title.Text))
		return nil
	}
	s := &step{title: title.Text, pos: title.Pos, object: object, operation: "insert"}
	if s.input.table, _ = word(n, "table"); s.input.table == "" {
		s.input.table = object
	}
	if !j.cumulusAction(s, n) {
		return nil
	}
	j.cumulusFields(s, n)
	for _, pair := range pairs(get(n, "static")) {
		value := pair.Value.Text
		f := &field{pos: pair.Key.Pos, name: pair.Key.Text, value: &value}
		switch {
		case pair.Value.Kind != yamlnode.Scalar || pair.Value.IsNull() || strings.TrimSpace(value) == "":
			continue
		case value == "True" || value == "False":
			value = strings.ToLower(value)
		}
		s.fields = append(s.fields, f)
	}
	if name, at := word(n, "record_type"); name != "" {
		s.fields = append(s.fields, &field{pos: at, name: "RecordTypeId", recordType: name})
	}
	j.cumulusOptions(s, n)
	return s
}

// cumulusAction sets what the step does, and reports false if that is nothing.
func (j *job) cumulusAction(s *step, n *yamlnode.Node) bool {
	action, at := word(n, "action")
	var key []string
	for _, k := range list(get(n, "update_key")) {
		for part := range strings.SplitSeq(k.Text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				key = append(key, part)
			}
		}
	}
	switch low := strings.ToLower(action); low {
	case "", "insert":
	case "upsert", "etl_upsert", "smart_upsert":
		s.operation = "upsert"
		if len(key) == 0 {
			key = []string{"Id"}
		}
	case "update":
		s.operation = "update"
		if len(key) == 0 {
			key = []string{"Id"}
		}
	case "delete", "harddelete":
		s.operation = "delete"
		if low == "harddelete" {
			s.comment(j.lost(at, "hardDelete: sfsync deletes into the recycle bin"))
		}
		if len(key) == 0 {
			key = []string{"Id"}
		}
	default:
		j.top(j.lost(at, "step %s is left out: sfsync has no action %s", quoted(s.title), action))
		return false
	}
	if len(key) > 0 && s.operation != "insert" {
		s.keys = [][]string{key}
	}
	return true
}

func (j *job) cumulusFields(s *step, n *yamlnode.Node) {
	fields := get(n, "fields")
	add := func(name, column *yamlnode.Node) {
		if name.Kind != yamlnode.Scalar || column.Kind != yamlnode.Scalar || badFieldName(name.Text) || column.Text == "" {
			j.fail(name.Pos, CodeSyntax, "fields is a list of names, or a map from fields to columns", "step %s has a field that is none", quoted(s.title))
			return
		}
		f := &field{pos: name.Pos, name: name.Text, column: column.Text}
		if strings.EqualFold(f.name, "Id") && s.operation == "insert" {
			return // the key of the dataset, which CumulusCI does not send either
		}
		if strings.EqualFold(f.name, "RecordTypeId") {
			f.off = true
			f.comments = append(f.comments, j.lost(f.pos, "%s holds ids of the org that the data is from: export the developer name, "+
				"and write one target for each with {record_type: NAME} and a when, or look it up in RecordType", f.column))
		}
		s.fields = append(s.fields, f)
	}
	if fields == nil || fields.Kind == yamlnode.Null {
		return
	}
	if fields.Kind == yamlnode.Map {
		for _, pair := range fields.Pairs {
			add(pair.Key, pair.Value)
		}
		return
	}
	for _, item := range list(fields) {
		add(item, item)
	}
}

// cumulusLookups adds the references. In the dataset they are keys of the dataset's own tables,
// which mean nothing to Salesforce.
func (j *job) cumulusLookups(s cumulusStep, all []cumulusStep) {
	for _, pair := range pairs(get(s.node, "lookups")) {
		f := &field{pos: pair.Key.Pos, name: pair.Key.Text, column: pair.Key.Text}
		if key, _ := word(pair.Value, "key_field"); key != "" {
			f.column = key
		}
		if badFieldName(f.name) {
			j.fail(f.pos, CodeSyntax, "", "step %s has a lookup that is no field: %s", quoted(s.title), quoted(f.name))
			continue
		}
		tables := list(get(pair.Value, "table"))
		var parent *step
		for _, t := range tables {
			for _, o := range all {
				if parent == nil && strings.EqualFold(o.input.table, t.Text) {
					parent = o.step
				}
			}
		}
		switch {
		case len(tables) != 1:
			f.off = true
			f.comments = append(f.comments, j.lost(f.pos, "%s refers to records of several tables: write a rule for each, with the other record's key", f.name))
		case parent == nil:
			f.off = true
			f.comments = append(f.comments, j.lost(f.pos, "%s refers to table %s, which no step loads", f.name, tables[0].Text))
		case len(parent.keys) == 1 && len(parent.keys[0]) == 1 && !strings.EqualFold(parent.keys[0][0], "Id"):
			f.parent = parent
			f.lookup = parent.object + "." + parent.keys[0][0]
			f.comments = append(f.comments, j.look(f.pos, "column %s has to hold the %s of the %s, not the key of the dataset", f.column, parent.keys[0][0], parent.object))
		default:
			f.parent, f.off = parent, true
			f.lookup = parent.object + ".External_Id__c"
			f.comments = append(f.comments, j.lost(f.pos, "%s is a key of the dataset: give %s an external id, and name that here", f.column, parent.object))
		}
		s.fields = append(s.fields, f)
	}
}

// cumulusOptions carries over how a step is loaded, and notes the rest.
func (j *job) cumulusOptions(s *step, n *yamlnode.Node) {
	switch api, _ := word(n, "api"); strings.ToLower(api) {
	case "bulk":
		s.flag("--api bulk")
	case "rest":
		s.flag("--api rest")
	}
	if mode, _ := word(n, "bulk_mode"); strings.EqualFold(mode, "serial") {
		s.flag("--workers 1")
	}
	if text, _ := word(n, "batch_size"); text != "" {
		if size, err := strconv.Atoi(text); err == nil && size > 0 && size < 200 && !contains(s.flags, "--api bulk") {
			s.batch = size
		}
	}
	for _, item := range list(get(n, "filters")) {
		s.comment(j.lost(item.Pos, "filter of the dataset's SQL: %s; write it as a when, or export only those rows", item.Text))
	}
	if text, at := word(n, "anchor_date"); text != "" {
		s.comment(j.lost(at, "anchor_date %s: dates are loaded as they are, not moved towards today", text))
	}
	if text, at := word(n, "soql_filter"); text != "" {
		s.comment(j.lost(at, "soql_filter only counts when data is taken out of an org: %s", text))
	}
	for _, pair := range pairs(n) {
		switch key := pair.Key.Text; key {
		case "sf_object", "table", "fields", "lookups", "static", "action", "update_key", "record_type", "api", "bulk_mode",
			"batch_size", "filters", "anchor_date", "soql_filter":
		default:
			s.comment(j.lost(pair.Key.Pos, "%s has nothing like it in sfsync", key))
		}
	}
}

// pairs returns a map's entries, or none.
func pairs(n *yamlnode.Node) []yamlnode.Pair {
	if n == nil || n.Kind != yamlnode.Map {
		return nil
	}
	return n.Pairs
}
