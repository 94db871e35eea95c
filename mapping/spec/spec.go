// Package spec describes the mapping language: every key at every place with what may stand
// there, and every transform. The parser's checks, the reference (the README of package
// mapping) and the JSON Schema all come from this one table.
package spec

// Form says what may stand at a key.
type Form uint8

// The forms.
const (
	Text    Form = iota // any single value, by its source text
	Word                // one of the key's words
	Name                // a short name: letters, digits, "_", "-" and "."
	APIName             // the API name of an object or field
	Path                // a path, relative to the mapping file
	Expr                // an expression
	Texts               // a single value or a list of them
	Paths               // a path or a list of them
	Columns             // a column with transforms (the short form), or a list of them
	Match               // a field name, or a list of one
	Values              // a map of values, or the path of a CSV file
	Map                 // a map with the keys of a place
	Maps                // a list of such maps
	Rules               // a map from field names to rules in short or long form
	Later               // anything: the key is part of the language, but not available yet
)

// String names the form for messages and the reference.
func (f Form) String() string {
	return [...]string{
		"text", "a word", "a name", "an API name", "a path", "an expression", "a value or a list of values", "a path or a list of paths",
		"a column with transforms, or a list of them", "a field", "a map of values, or the path of a CSV file",
		"a map", "a list of maps", "a map of fields", "not yet",
	}[f]
}

// AnyWord among the later words of a key stands for every other word.
const AnyWord = "*"

// Key describes one key of the language.
type Key struct {
	Name string
	Form Form
	// Words are the values of a Word, or the words that a Text may be besides others.
	Words []string
	// LaterWords are words that the language has but this version does not.
	LaterWords []string
	// Fallback is what counts where the key is missing, as the reference says it.
	Fallback string
	Required bool
	// Place names the map below the key for Map, Maps and Rules (the long form).
	Place string
	// Doc says in Markdown what the key means.
	Doc string
	// Example is a line of YAML as it may stand at the key's place; for a rule's keys it is a
	// whole rule.
	Example string
}

// Place is a map of the language.
type Place struct {
	Name string
	// What names the place in messages: "a target".
	What string
	// Title and Doc are the reference's, in Markdown.
	Title, Doc string
	Keys       []Key
}

// Key returns a key by its name, or nil.
func (p *Place) Key(name string) *Key {
	for i := range p.Keys {
		if p.Keys[i].Name == name {
			return &p.Keys[i]
		}
	}
	return nil
}

// Names are the keys available at a place, for suggestions.
func (p *Place) Names() []string {
	var out []string
	for _, k := range p.Keys {
		if k.Form != Later {
			out = append(out, k.Name)
		}
	}
	return out
}

// The places of the language.
const (
	AtFile   = "file"
	AtSource = "source"
	AtCSV    = "csv"
	AtTarget = "target"
	AtRule   = "rule"
)

// Language returns the description of the whole language.
func Language() []Place {
	return []Place{
		{Name: AtFile, What: "the mapping", Title: "The file", Doc: "The keys at the left margin.", Keys: fileKeys()},
		{Name: AtSource, What: "source", Title: "source", Doc: "What is read. `FILE` arguments on the command line replace `files`.", Keys: sourceKeys()},
		{Name: AtCSV, What: "csv", Title: "source.csv", Doc: "How CSV files are written. It does not matter for other formats.", Keys: csvKeys()},
		{
			Name: AtTarget, What: "a target", Title: "targets", Keys: targetKeys(),
			Doc: "Each target makes one record of one object from every row. At least one is needed.",
		},
		{
			Name: AtRule, What: "a rule", Title: "targets.fields", Keys: ruleKeys(),
			Doc: "A rule says where a field's value comes from. Its short form is a column with transforms, " +
				"`Email: email | trim | lower`; its long form is a map with these keys. Exactly one of `from`, `value` and `expr` is needed.",
		},
	}
}

func fileKeys() []Key {
	return []Key{
		{Name: "version", Form: Word, Words: []string{"1"}, Required: true, Doc: "The version of the language.", Example: "version: 1"},
		{
			Name: "name", Form: Name, Fallback: "the file's name without its ending",
			Doc:     "Names the mapping in run directories and reports, in letters, digits, `_`, `-` and `.`.",
			Example: "name: nightly-leads",
		},
		{
			Name: "schema", Form: Path, Fallback: "the standard objects",
			Doc: "A schema overlay or a snapshot directory: what `sfsync check` knows about objects and fields, and what the " +
				"embedded org gets before a run. It is never applied to a real org.",
			Example: "schema: leads.schema.yaml",
		},
		{Name: "source", Form: Map, Place: AtSource, Doc: "What is read.", Example: "source: {files: in/leads-*.csv.gz}"},
		{
			Name: "targets", Form: Maps, Place: AtTarget, Required: true, Doc: "What is written, in the order given.",
			Example: "targets: [{object: Lead, match: Email, fields: {Email: email, LastName: name, Company: company}}]",
		},
		{Name: "preset", Form: Later, Doc: "A mapping that ships with the tool to start from."},
		{Name: "tests", Form: Later, Doc: "Rows and the records they become, checked by `sfsync check`."},
	}
}

func sourceKeys() []Key {
	return []Key{
		{
			Name: "files", Form: Paths, Doc: "Files, globs (also `**`) and directories, relative to the mapping file, read in lexical order of their paths.",
			Fallback: "none: the command line names them", Example: `files: ["in/leads-*.csv.gz", more.jsonl]`,
		},
		{
			Name: "format", Form: Word, Words: []string{"auto", "csv", "jsonl", "parquet"}, Fallback: "auto",
			Doc: "The files' format; `auto` goes by the ending, else by the content. gz, zst and Parquet are found by content in any case.", Example: "format: jsonl",
		},
		{Name: "csv", Form: Map, Place: AtCSV, Doc: "How CSV files are written.", Example: `csv: {delimiter: ";", encoding: windows-1252}`},
		{
			Name: "events", Form: Word, Words: []string{"none"}, LaterWords: []string{"rudderstack"}, Fallback: "none",
			Doc: "Whether rows are the events of an event stream.", Example: "events: none",
		},
		{
			Name: "duplicates", Form: Word, Words: []string{"in_order"}, LaterWords: []string{"last", "fail"}, Fallback: "in_order",
			Doc: "What happens to rows with the same match key: `in_order` sends all of them in the order of the files.", Example: "duplicates: in_order",
		},
	}
}

func csvKeys() []Key {
	return []Key{
		{
			Name: "delimiter", Form: Text, Words: []string{"auto", "comma", "tab", "semicolon", "pipe"}, Fallback: "auto",
			Doc:     "What separates cells: one of these words or a single character. `auto` decides among comma, tab, semicolon and pipe.",
			Example: `delimiter: ";"`,
		},
		{
			Name: "encoding", Form: Text, Words: []string{"auto"}, Fallback: "auto",
			Doc:     "The text encoding by its usual name, such as `windows-1252`; `auto` is UTF-8, or UTF-16 where a byte order mark says so.",
			Example: "encoding: windows-1252",
		},
		{Name: "null", Form: Texts, Fallback: `[""]`, Doc: "Cells that mean null.", Example: `null: ["", NULL, \N]`},
	}
}

func targetKeys() []Key {
	return []Key{
		{
			Name: "name", Form: Name, Fallback: "the object's name in lower case",
			Doc: "Names the target in reports; no two targets have the same name.", Example: "name: lead",
		},
		{Name: "object", Form: APIName, Required: true, Doc: "The API name of the object that is written.", Example: "object: Lead"},
		{
			Name: "operation", Form: Word, Words: []string{"upsert", "insert", "update"}, LaterWords: []string{"delete", "publish"}, Fallback: "upsert",
			Doc: "`upsert` creates what `match` does not find and updates what it finds; `insert` always creates; `update` fails rows that find nothing.", Example: "operation: update",
		},
		{
			Name: "match", Form: Match, Fallback: "required for upsert and update",
			Doc: "The field that tells which record a row is. A unique external id (or `Id`) costs no lookup; any other field is " +
				"looked up first. Keys are equal as Salesforce compares them.",
			Example: "match: Marketing_Id__c",
		},
		{
			Name: "when", Form: Expr, Fallback: "every row",
			Doc:     "Rows for which the expression is false are skipped for this target, with the reason.",
			Example: `when: status != "internal" && country in ["DE", "AT"]`,
		},
		{
			Name: "fields", Form: Rules, Place: AtRule, Fallback: "none: then `custom` or `rest: custom` is needed",
			Doc: "Field API names and where their values come from. `Account.ERP_Id__c` sets a reference by an external id of the record it " +
				"refers to; where that may be one of several objects, the object is named: `User:Owner.Username`.",
			Example: "fields: {Email: email | trim | lower, Company: {from: [company.name, company], default: n/a}}",
		},
		{
			Name: "custom", Form: Columns, Fallback: "none",
			Doc: "Columns or paths that go to the custom field of their own name: `plan_name` and `traits.plan_name` go to " +
				"`plan_name__c`; a name that ends in `__c` stays as it is.",
			Example: "custom: [newProp, traits.plan_name]",
		},
		{
			Name: "rest", Form: Word, Words: []string{"ignore", "custom", "fail"}, Fallback: "ignore",
			Doc: "What happens to columns that no rule uses: nothing, the same as for `custom`, or an error.", Example: "rest: custom",
		},
		{
			Name: "missing", Form: Word, Words: []string{"fail", "ignore"}, Fallback: "fail",
			Doc: "What happens to columns of `custom` and `rest: custom` for which the object has no field.", Example: "missing: ignore",
		},
		{
			Name: "on_many", Form: Word, Words: []string{"fail"}, LaterWords: []string{"newest", "oldest", "skip"}, Fallback: "fail",
			Doc: "What happens to a row whose key finds several records.", Example: "on_many: fail",
		},
		{
			Name: "on_converted", Form: Word, Words: []string{"fail"}, LaterWords: []string{"skip", AnyWord}, Fallback: "fail",
			Doc: "What happens to a row that finds a converted lead.", Example: "on_converted: fail",
		},
		{Name: "org", Form: Later, Doc: "The org this target goes to, where a run has several."},
		{Name: "order", Form: Later, Doc: "Keeps rows of one parent out of requests that are in flight at the same time."},
		{Name: "track", Form: Later, Doc: "Makes rows of track events."},
		{Name: "batch", Form: Later, Doc: "Options for the size of requests."},
		{Name: "backup", Form: Later, Doc: "Saves records before they are changed."},
	}
}

func ruleKeys() []Key {
	return []Key{
		{
			Name: "from", Form: Columns,
			Doc: "A column or path with transforms, or a list of them: the first that is not blank counts.", Example: "Company: {from: [company.name, company | trim]}",
		},
		{Name: "value", Form: Text, Doc: "A constant.", Example: "LeadSource: {value: Webinar}"},
		{
			Name: "expr", Form: Expr, Doc: "An expression.",
			Example: `Score__c: {expr: 'int(visits) * 3 + (country == "DE" ? 1 : 0)'}`,
		},
		{Name: "default", Form: Text, Doc: "What counts where the value is blank.", Example: "Company: {from: company, default: n/a}"},
		{
			Name: "default_on", Form: Word, Words: []string{"insert", "always"}, Fallback: "insert",
			Doc: "Whether the default counts only for records that are created, or for updates too.", Example: "Status: {from: status, default: New, default_on: always}",
		},
		{
			Name: "blank", Form: Word, Words: []string{"leave", "null", "fail"}, Fallback: "leave",
			Doc:     "What a null or empty value does: the field is not sent, is cleared, or the row fails. A column or key that is absent never sends anything.",
			Example: "NumberOfEmployees: {from: employees, blank: null}",
		},
		{
			Name: "values", Form: Values, Doc: "Translates values, after the transforms: a map, or a CSV file with the columns `from` and `to`.",
			Example: "Country: {from: country, values: {D: Germany, A: Austria}}",
		},
		{
			Name: "on_unmapped", Form: Word, Words: []string{"keep", "fail", "blank"}, Fallback: "keep",
			Doc: "What happens to a value that `values` does not list.", Example: "Country: {from: country, values: {D: Germany}, on_unmapped: fail}",
		},
		{Name: "only_if", Form: Later, Doc: "Fills a field only where the record has none."},
		{Name: "lookup", Form: Later, Doc: "The id of the record that has the value in a field."},
		{Name: "create", Form: Later, Doc: "Creates what a lookup does not find."},
		{Name: "record_type", Form: Later, Doc: "The id of a record type by its name."},
		{Name: "ref", Form: Later, Doc: "The id of the record that another target made of the same row."},
	}
}
