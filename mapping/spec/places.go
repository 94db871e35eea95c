package spec

// The places of the language.
const (
	AtFile   = "file"
	AtSource = "source"
	AtCSV    = "csv"
	AtTarget = "target"
	AtRule   = "rule"
	AtItem   = "item"
	AtTest   = "test"
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
				"`Email: email | trim | lower`, or a list of columns of which the first that is not blank counts, `Phone: [mobile, phone]`; " +
				"its long form is a map with these keys. Exactly one of `from`, `value`, `expr`, " +
				"`record_type` and `ref` is needed, or `values` with a CSV file that names its columns.",
		},
		{
			Name: AtItem, What: "an entry of from", Title: "targets.fields.from", Keys: itemKeys(),
			Doc: "An entry in the list of `from` is a column with transforms, or a map with this key.",
		},
		{
			Name: AtTest, What: "a test", Title: "tests", Keys: testKeys(),
			Doc: "Rows and what has to become of them; `sfsync check` runs them. A row is written as a line of JSON Lines would hold it: " +
				"plain numbers, `true`, `false` and `null` are JSON's, everything else is text.",
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
			Name: "preset", Form: Name, Fallback: "none",
			Doc: "A mapping that ships with the tool to start from. What this file says wins: key by key in `source` and in " +
				"targets of the same name, rule by rule in their `fields`. `sfsync init --preset NAME` prints it whole.",
			Example: "preset: rudderstack-lead",
		},
		{
			Name: "schema", Form: Path, Fallback: "the standard objects",
			Doc: "A schema overlay or a snapshot directory: what `sfsync check` knows about objects and fields, and what the " +
				"embedded org gets before a run. It is never applied to a real org.",
			Example: "schema: leads.schema.yaml",
		},
		{Name: "source", Form: Map, Place: AtSource, Doc: "What is read.", Example: "source: {files: in/leads-*.csv.gz}"},
		{
			Name: "targets", Form: Maps, Place: AtTarget, Required: true, Doc: "What is written, in the order given; a record that others of its row refer to goes first.",
			Example: "targets: [{object: Lead, match: Email, fields: {Email: email, LastName: name, Company: company}}]",
		},
		{
			Name: "tests", Form: Maps, Place: AtTest, Fallback: "none", Doc: "Rows and the records they become, checked by `sfsync check`.",
			Example: "tests: [{name: names, row: {id: 7, name: Ada, company: Engines}, expect: {lead: {LastName: Ada}}}]",
		},
	}
}

func sourceKeys() []Key {
	return []Key{
		{
			Name: "files", Form: Paths, Doc: "Files, globs (also `**`) and directories, relative to the mapping file, and http or https URLs, read in lexical order of their paths. A URL here has no password.",
			Fallback: "none: the command line names them", Example: `files: ["in/leads-*.csv.gz", more.jsonl]`,
		},
		{
			Name: "format", Form: Word, Words: []string{"auto", "csv", "jsonl", "parquet"}, Fallback: "auto",
			Doc: "The files' format; `auto` goes by the ending, else by the content. gz, zst and Parquet are found by content in any case.", Example: "format: jsonl",
		},
		{Name: "csv", Form: Map, Place: AtCSV, Doc: "How CSV files are written.", Example: `csv: {delimiter: ";", encoding: windows-1252}`},
		{
			Name: "events", Form: Word, Words: []string{"none", "rudderstack"}, Fallback: "none",
			Doc: "Whether rows are the events of an event stream. `rudderstack`: identify events are rows with the columns of their traits, " +
				"track events are rows for targets with `track`, and every other event is skipped with a reason.",
			Example: "events: rudderstack",
		},
		{
			Name: "gate", Form: Word, Words: []string{"true", "false"}, Fallback: "true",
			Doc: "Whether events without `integrations: {\"Salesforce\": true}` are skipped, as the vendor documents it.", Example: "gate: false",
		},
		{
			Name: "duplicates", Form: Word, Words: []string{"in_order", "last", "fail"}, Fallback: "in_order",
			Doc: "What happens to rows with the same match key: `in_order` sends all of them in the order of the files, `last` only the last one and " +
				"skips the others, `fail` fails all of them.",
			Example: "duplicates: last",
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
			Name: "org", Form: Name, Fallback: "the run's org",
			Doc: "The org that this target goes to, by the name it has in `sfsync org list`, where a run has several.", Example: "org: prod",
		},
		{
			Name: "operation", Form: Word, Words: []string{"upsert", "insert", "update", "delete", "publish"}, Fallback: "upsert",
			Doc: "`upsert` creates what `match` does not find and updates what it finds; `insert` always creates, or with `match` only what it does not find; " +
				"`update` fails rows that find nothing; `delete` deletes what is found and skips the rest; `publish` publishes platform events.",
			Example: "operation: update",
		},
		{
			Name: "match", Form: Match, Fallback: "required for upsert, update and delete",
			Doc: "The fields that tell which record a row is, in order: a blank key is passed over, and the first that finds a record decides. " +
				"An inner list is a key of several fields together. A unique external id (or `Id`) alone costs no lookup; everything else is " +
				"looked up first. Keys are equal as Salesforce compares them.",
			Example: "match: [Marketing_Id__c, Email, [LastName, Phone]]",
		},
		{
			Name: "on_many", Form: Word, Words: []string{"fail", "newest", "oldest", "skip"}, Fallback: "fail",
			Doc:     "What happens to a row whose key finds several records: it fails, takes the one with the latest or the earliest CreatedDate (then Id), or is skipped.",
			Example: "on_many: newest",
		},
		{
			Name: "on_converted", Form: Name, Words: []string{"fail", "skip"}, Fallback: "fail",
			Doc: "What happens to a row that finds a converted lead: it fails, is skipped, or goes to the target named, which updates the contact that " +
				"the lead became.",
			Example: "on_converted: contact",
		},
		{
			Name: "when", Form: Expr, Fallback: "every row",
			Doc:     "Rows for which the expression is false are skipped for this target, with the reason.",
			Example: `when: status != "internal" && country in ["DE", "AT"]`,
		},
		{
			Name: "track", Form: Text, Fallback: "identify events",
			Doc: "Takes the rows of the track event of this name instead of identify events; it needs `events: rudderstack`.", Example: "track: Demo Requested",
		},
		{
			Name: "fields", Form: Rules, Place: AtRule, Fallback: "none: then `custom` or `rest: custom` is needed",
			Doc: "Field API names and where their values come from. `Account.ERP_Id__c` sets a reference by an external id of the record it " +
				"refers to; where that may be one of several objects, the object is named: `User:Owner.Username`.",
			Example: "fields: {Email: email | trim | lower, Company: {from: [company.name, company], default: n/a}}",
		},
		{
			Name: "omit", Form: APINames, Fallback: "none",
			Doc: "Fields whose rules in the `preset` do not count.", Example: "omit: [StateCode, CountryCode]",
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
			Name: "order", Form: Word, Words: []string{"key", "parent"}, Fallback: "key",
			Doc: "Rows of one key are never in two requests at a time. `parent` says the same of rows that refer to one parent, which keeps " +
				"Salesforce from locking it twice.",
			Example: "order: parent",
		},
		{
			Name: "batch", Form: Count, Most: MaxBatch, Fallback: "as many as the API takes",
			Doc: "The most records in one request. Up to 200 of them go through triggers together, so a smaller number helps where those are slow. " +
				"It needs the REST API: Bulk API 2.0 cuts batches itself.",
			Example: "batch: 50",
		},
		{
			Name: "assignment_rule", Form: Text, Words: []string{"off", "default"}, Fallback: "off",
			Doc: "Whether assignment rules give new and changed leads, cases and accounts an owner: `off`, the org's active rule by `default`, " +
				"or a rule by its id. `off` because an import must not reassign records.",
			Example: "assignment_rule: default",
		},
		{
			Name: "duplicate_rule", Form: Word, Words: []string{"obey", "allow_alerts"}, Fallback: "obey",
			Doc: "What happens to records that a duplicate rule of the org alerts about: they fail, or are saved all the same. What a rule " +
				"blocks fails in any case. It needs the REST API.",
			Example: "duplicate_rule: allow_alerts",
		},
		{
			Name: "all_or_none", Form: Word, Words: []string{"true", "false"}, Fallback: "false",
			Doc: "Whether the records of one collection, up to 200 (see `batch`) that are created, upserted or updated together, are all written " +
				"or none: if one fails, all fail. It needs the REST API.",
			Example: "all_or_none: true",
		},
		{
			Name: "update_mru", Form: Word, Words: []string{"true", "false"}, Fallback: "true",
			Doc: "Whether the records come to the list of recently used ones of the user. It needs the REST API.", Example: "update_mru: false",
		},
		{
			Name: "backup", Form: Word, Words: []string{"always"}, Fallback: "as the command line says",
			Doc: "`always` saves what fields hold before they are changed, for `sfsync undo`, in every run.", Example: "backup: always",
		},
	}
}

func ruleKeys() []Key {
	return []Key{
		{
			Name: "from", Form: Sources, Place: AtItem,
			Doc: "A column or path with transforms, or a list of them: the first that is not blank counts.", Example: "Company: {from: [company.name, company | trim]}",
		},
		{Name: "value", Form: Text, Doc: "A constant.", Example: "LeadSource: {value: Webinar}"},
		{
			Name: "expr", Form: Expr, Doc: "An expression.",
			Example: `Score__c: {expr: 'int(visits) * 3 + (country == "DE" ? 1 : 0)'}`,
		},
		{
			Name: "record_type", Form: Text, Doc: "The id of the record type of this object with this developer name or label.",
			Example: "RecordTypeId: {record_type: Inbound}",
		},
		{
			Name: "ref", Form: Name, Doc: "The id of the record that the target of this name makes of the same row. That record goes first; if it fails, so does this one.",
			Example: "LeadId: {ref: lead}",
		},
		{
			Name: "lookup", Form: Lookup,
			Doc: "The id of the record of another object that has the value (of `from`, `value`, `expr` or `values`) in a field: that of the object's own " +
				"name, a dot, and the field. `values` and `default` count before the record is looked for. None or several such records fail the row.",
			Example: "OwnerId: {lookup: User.Username, from: owner | lower}",
		},
		{
			Name: "create", Form: Word, Words: []string{"false", "true"}, Fallback: "false",
			Doc:     "Creates the record that `lookup` does not find, with its key and the `fields`. One that is there stays as it is.",
			Example: "AccountId: {lookup: Account.ERP_Id__c, from: account_id, create: true, fields: {Name: company}}",
		},
		{
			Name: "fields", Form: Rules, Place: AtRule, Fallback: "none",
			Doc: "The other fields of a record that `create: true` creates.", Example: "AccountId: {lookup: Account.ERP_Id__c, from: account_id, create: true, fields: {Name: company}}",
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
			Name: "only_if", Form: Word, Words: []string{"always", "empty"}, Fallback: "always",
			Doc: "`empty` fills the field only where the record has no value in it, and never overwrites one.", Example: "Rating: {from: rating, only_if: empty}",
		},
		{
			Name: "missing", Form: Word, Words: []string{"fail", "ignore"}, Fallback: "fail",
			Doc:     "What happens if the object has no such field. `ignore` leaves the rule out, for mappings that serve several orgs; a warning names it.",
			Example: "MiddleName: {from: middle_name, missing: ignore}",
		},
		{
			Name: "values", Form: Values,
			Doc: "Translates values, after the transforms: a map, or a CSV file with the columns `from` and `to`. A CSV file without a column `from` " +
				"names the columns that it translates itself, one or several together: all but `to`.",
			Example: "Country: {from: country, values: {D: Germany, A: Austria}}",
		},
		{
			Name: "on_unmapped", Form: Word, Words: []string{"keep", "fail", "blank"}, Fallback: "keep",
			Doc:     "What happens to a value that `values` does not list; several columns together cannot be kept, and fail by default.",
			Example: "Country: {from: country, values: {D: Germany}, on_unmapped: fail}",
		},
	}
}

func itemKeys() []Key {
	return []Key{
		{
			Name: "expr", Form: Expr, Required: true, Doc: "An expression. It counts where the entries before it are blank.",
			Example: `expr: 'blank(email) ? "" : split(email, "@")[1]'`,
		},
	}
}

func testKeys() []Key {
	return []Key{
		{Name: "name", Form: Text, Fallback: "its place", Doc: "Names the test in messages.", Example: "name: a converted lead is skipped"},
		{Name: "row", Form: Row, Doc: "The row. One of `row` and `rows` is needed.", Example: "row: {email: A@x.org, name: Ada Lovelace}"},
		{Name: "rows", Form: Rows, Doc: "Several rows.", Example: "rows: [{email: a@x.org}, {email: ''}]"},
		{
			Name: "expect", Form: Outcomes, Required: true,
			Doc: "What becomes of the row, by the names of targets, or a list of that with an entry for each of `rows`. For a target stand the fields " +
				"that its record has to have (null for one that is cleared, and under `absent` the names of those that are not sent), `{error: CODE}` for a row " +
				"that has to fail, or `skipped`. Fields and targets that are not named may be there too. A field with a `lookup` is " +
				"compared by the key that is looked for, one with a `ref` by the name of the target.",
			Example: "expect: {lead: {LastName: Ada, absent: [Phone]}}",
		},
	}
}
