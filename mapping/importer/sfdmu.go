package importer

import (
	"strings"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/jsonnode"
	"sfsync/mapping/importer/soql"
	"sfsync/mapping/schema"
	"sfsync/mapping/yamlnode"
)

// sfdmuObject is an entry of objects in an export.json.
type sfdmuObject struct {
	node      *yamlnode.Node
	query     soql.Query
	pos       diag.Pos
	operation string   // in lower case
	external  []string // the parts of externalId
	target    string   // the object in the target org
	renamed   map[string]string
	values    map[string][]csvPair // by field, in lower case
	step      *step                // nil for what is only read
}

// sfdmu imports an export.json of SFDMU (its documentation, "Export.json File Specification" and
// "Advanced features"). Its CSV files are named after the objects and have the fields of the query
// as columns; in the place of a reference's id stands a column with the external id of the other
// record, such as Account.Name.
func (j *job) sfdmu(text []byte) {
	root := jsonnode.Parse(j.path, text, &j.notes)
	if root == nil {
		return
	}
	if root.Kind != yamlnode.Map || get(root, "objects") == nil && get(root, "objectSets") == nil {
		j.fail(root.Pos, CodeUnknown, "it has to be an export.json with objects", "this JSON is no configuration of SFDMU")
		return
	}
	nodes := list(get(root, "objects"))
	for _, set := range list(get(root, "objectSets")) {
		nodes = append(nodes, list(get(set, "objects"))...)
	}
	if len(nodes) > maxFound {
		j.fail(nodes[maxFound].Pos, CodeUnknown, "", "the file has more than %d objects", maxFound)
		return
	}
	mappings, values := j.sfdmuFiles(root, nodes)
	var all []*sfdmuObject
	for _, n := range nodes {
		if o := j.sfdmuObject(n, mappings, values); o != nil {
			all = append(all, o)
		}
	}
	for _, o := range all {
		j.sfdmuStep(root, o, all)
	}
	for _, o := range inOrder(all, truth(root, "keepObjectOrderWhileExecute")) {
		j.add(o.step)
	}
	j.sfdmuScript(root)
	if len(j.steps) == 0 && !j.notes.Failed() {
		j.fail(root.Pos, CodeUnknown, "", "no object here is written")
	}
}

func (j *job) sfdmuObject(n *yamlnode.Node, mappings []csvMapping, values []csvValue) *sfdmuObject {
	text, at := word(n, "query")
	o := &sfdmuObject{node: n, pos: at, renamed: map[string]string{}, values: map[string][]csvPair{}}
	var ok bool
	if o.query, ok = soql.Parse(text); !ok {
		j.fail(at, CodeSyntax, "write SELECT Id, Name FROM Account", "an object has no query that sfsync can read")
		return nil
	}
	if len(o.query.Fields)+len(o.query.Odd) > maxFields {
		j.fail(at, CodeUnknown, "", "a query names more than %d fields", maxFields)
		return nil
	}
	if truth(n, "excluded") {
		j.top(o.query.Object + " is excluded.")
		return nil
	}
	operation, _ := word(n, "operation")
	if o.operation = strings.ToLower(operation); o.operation == "" {
		o.operation = "readonly"
	}
	external, at := word(n, "externalId")
	for part := range strings.SplitSeq(external, ";") {
		if part = strings.TrimSpace(part); part != "" {
			o.external = append(o.external, part)
		}
	}
	if len(o.external) == 0 {
		o.external = []string{"Name"}
	}
	for _, part := range o.external {
		if !soql.IsName(strings.ReplaceAll(part, ".", "_")) {
			j.fail(at, CodeSyntax, "fields are separated by ;", "externalId %s of %s is no field", quoted(part), o.query.Object)
			return nil
		}
	}
	o.target = o.query.Object
	if truth(n, "useFieldMapping") {
		for _, m := range mappings {
			if strings.EqualFold(m.object, o.query.Object) {
				j.rename(o, m.field, m.target)
			}
		}
		for _, item := range list(get(n, "fieldMapping")) {
			to, _ := word(item, "targetObject")
			j.rename(o, "", to)
			from, _ := word(item, "sourceField")
			to, _ = word(item, "targetField")
			if from != "" {
				j.rename(o, from, to)
			}
		}
	}
	if truth(n, "useValuesMapping") || truth(n, "useCSVValuesMapping") {
		for _, v := range values {
			if strings.EqualFold(v.object, o.query.Object) || strings.EqualFold(v.object, o.target) {
				field := strings.ToLower(v.field)
				o.values[field] = append(o.values[field], v.csvPair)
			}
		}
	}
	return o
}

// rename maps a field of the source to one of the target, or the object if field is "".
func (j *job) rename(o *sfdmuObject, field, target string) {
	if !soql.IsName(target) {
		return
	}
	if field == "" {
		o.target = target
		return
	}
	o.renamed[strings.ToLower(field)] = target
}

// name returns a field's name in the target org.
func (o *sfdmuObject) name(field string) string {
	if to, ok := o.renamed[strings.ToLower(field)]; ok {
		return to
	}
	return field
}

// sfdmuStep makes the step of an object that is written.
func (j *job) sfdmuStep(root *yamlnode.Node, o *sfdmuObject, all []*sfdmuObject) {
	s := &step{title: o.query.Object, pos: o.pos, object: o.target, operation: o.operation}
	s.input.table = o.query.Object
	j.reads(s, o.query.Object+".csv", o.pos)
	_, opAt := word(o.node, "operation")
	switch o.operation {
	case "readonly":
		return
	case "insert", "update", "upsert":
	case "delete", "harddelete", "deletesource", "deletehierarchy":
		if s.operation = "delete"; o.operation != "delete" {
			s.comment(j.lost(opAt, "%s: the records of the rows are deleted, into the recycle bin, and nothing else", o.operation))
		}
	default:
		j.top(j.lost(opAt, "%s is left out: sfsync has no operation %s", o.query.Object, o.operation))
		return
	}
	if o.operation == "insert" && truth(o.node, "skipExistingRecords") || s.operation != "insert" {
		s.keys = [][]string{nil}
	}
	excluded := texts(get(o.node, "excludedFields"))
	nulls := truth(root, "csvInsertNulls")
	for _, name := range j.expand(s, o) {
		if contains(excluded, name) || strings.Contains(name, ".") {
			continue
		}
		if f := j.sfdmuField(s, o, name, all); f != nil {
			f.null = nulls && f.lookup == "" && s.operation != "insert"
			s.fields = append(s.fields, f)
		}
	}
	if len(s.keys) > 0 {
		j.sfdmuKey(s, o, all)
	}
	o.step = s
	j.sfdmuOptions(root, s, o)
}

// inOrder returns the objects that are written, parents first, as SFDMU puts them, unless they are
// to stay as they are. It also tells each reference which step makes its parent.
func inOrder(all []*sfdmuObject, keep bool) []*sfdmuObject {
	parents := map[*sfdmuObject][]*sfdmuObject{}
	for _, o := range all {
		if o.step == nil {
			continue
		}
		for _, f := range o.step.fields {
			for _, p := range all {
				if p.step != nil && f.lookup != "" && strings.EqualFold(p.target, before(f.lookup, ".")) {
					f.parent = p.step
					parents[o] = append(parents[o], p)
				}
			}
		}
	}
	var out []*sfdmuObject
	seen := map[*sfdmuObject]bool{}
	var visit func(*sfdmuObject)
	visit = func(o *sfdmuObject) {
		if o.step == nil || seen[o] {
			return
		}
		seen[o] = true
		for _, p := range parents[o] {
			if !keep {
				visit(p)
			}
		}
		out = append(out, o)
	}
	for _, o := range all {
		visit(o)
	}
	return out
}

func before(s, sep string) string {
	head, _, _ := strings.Cut(s, sep)
	return head
}

func texts(n *yamlnode.Node) []string {
	var out []string
	for _, item := range list(n) {
		out = append(out, item.Text)
	}
	return out
}

// sfdmuKey sets the match of a step. A part behind a relationship, such as Article__r.Name, is
// the reference itself here.
func (j *job) sfdmuKey(s *step, o *sfdmuObject, all []*sfdmuObject) {
	var key []string
	var added []*field // SFDMU takes the external id from the source even if the query lacks it
	for _, part := range o.external {
		source, _, dotted := strings.Cut(part, ".")
		if dotted {
			source = referenceOf(j.object(o.query.Object), source)
		}
		name := o.name(source)
		if s.field(name) == nil {
			if f := j.sfdmuField(s, o, source, all); f != nil {
				added = append(added, f)
			}
		}
		key = append(key, name)
	}
	s.fields = append(added, s.fields...)
	s.keys = [][]string{key}
}

// referenceOf returns the field of a relationship.
func referenceOf(o *schema.Object, relationship string) string {
	if o != nil {
		for _, f := range o.Fields {
			if f.Type == schema.Reference && strings.EqualFold(f.RelationshipName, relationship) {
				return f.Name
			}
		}
	}
	if rest, ok := strings.CutSuffix(relationship, "__r"); ok {
		return rest + "__c"
	}
	return relationship + "Id"
}

// sfdmuField makes the rule of a field of the query.
func (j *job) sfdmuField(s *step, o *sfdmuObject, name string, all []*sfdmuObject) *field {
	name, polymorphic, _ := strings.Cut(name, "$")
	f := &field{pos: o.pos, name: o.name(name), column: name}
	if strings.EqualFold(name, "Id") {
		if !contains(o.external, "Id") {
			return nil // only the source's own id
		}
		return f
	}
	if strings.EqualFold(name, "RecordTypeId") {
		f.off, f.column = true, "RecordType.DeveloperName"
		f.lookup = "RecordType.DeveloperName"
		f.comments = append(f.comments, j.lost(f.pos, "SFDMU finds record types of %s by their names: this rule needs a schema that has RecordType, or use {record_type: NAME}", s.title))
		return f
	}
	if known := j.object(o.target); known != nil && known.Field(f.name) != nil && !known.Field(f.name).Createable && !known.Field(f.name).Updateable {
		return f // finishField says that it is read-only
	}
	relationship, parent := j.parentOf(o, name, polymorphic, all)
	if relationship != "" {
		j.reference(f, relationship, parent, all)
		return f
	}
	for _, p := range o.values[strings.ToLower(name)] {
		j.value(f, p)
	}
	if !strings.EqualFold(name, f.name) {
		for _, p := range o.values[strings.ToLower(f.name)] {
			j.value(f, p)
		}
	}
	return f
}
