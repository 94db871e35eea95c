package importer_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/importer"
	"sfsync/mapping/internal/yamltext"
	"sfsync/mapping/schema"
)

// word draws what may stand for a name or a value: mostly what people write, often what needs quotes, sometimes
// what is no name at all.
func word() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"Account", "Contact", "Lead", "Name", "LastName", "Company", "Email", "Id", "AccountId", "OwnerId", "ParentId", "Account.Name", "Owner:User-Username", "User:Owner.Username", "Ext__c", "News__e", "RecordTypeId"}),
		rapid.SampledFrom([]string{"Account", "account", "Name", "Email", "a", "b"}),
		rapid.SampledFrom([]string{"", " ", "null", "No", "true", "~", "<<", "---", "- a", "a: b", "a #b", "#", "{", "[", "*a", "&a", "!a", "|", ">", "@", "`", "%", "'", `"`, `\`, `\t`, "=", "a,b", "a;b", "a.b.c", ".", "-0", "1e400", "\u0085", "\u2028", "\ufeff", "\x00", "\u212a", "ß", "\t", "\n", "x\ny", "#N/A", "/a/", "utf-8", "cp1252", "tab", "blank", "number", "in", strings.Repeat("x", 81)}),
		rapid.StringOfN(rapid.RuneFrom([]rune("aA1_.-:=#'\"|{}[], \\\u00a0\u0085é")), 0, 8, -1),
	).Filter(utf8.ValidString)
}

func words(t *rapid.T, label string) []string { return rapid.SliceOfN(word(), 0, 5).Draw(t, label) }

// sdl writes a mapping of Data Loader.
func sdl(t *rapid.T) string {
	escape := strings.NewReplacer(`\`, `\\`, ":", `\:`, "=", `\=`, " ", `\ `, "#", `\#`, "!", `\!`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`)
	var b strings.Builder
	for _, column := range words(t, "columns") {
		if rapid.Bool().Draw(t, "constant") {
			column = `"` + column + `"`
		}
		fmt.Fprintf(&b, "%s=%s\n", escape.Replace(column), escape.Replace(strings.Join(words(t, "fields"), ",")))
	}
	return b.String() + "NAME=LastName\n"
}

// processes writes a process-conf.xml.
func processes(t *rapid.T) string {
	var b strings.Builder
	attribute := func(s string) string {
		var out strings.Builder
		_ = xml.EscapeText(&out, []byte(s)) // a builder takes everything
		return out.String()
	}
	b.WriteString("<beans>")
	for range rapid.IntRange(1, 3).Draw(t, "beans") {
		fmt.Fprintf(&b, `<bean id="%s"><map><entry key="process.mappingFile" value="a.sdl"/><entry key="loader.csvOther" value="true"/>`, attribute(word().Draw(t, "id")))
		operation := rapid.SampledFrom([]string{"insert", "update", "upsert", "delete"}).Draw(t, "operation")
		object := rapid.OneOf(rapid.SampledFrom([]string{"Lead", "Account"}), word()).Draw(t, "object")
		for key, value := range map[string]string{
			"process.operation": operation, "sfdc.entity": object, "sfdc.externalIdField": word().Draw(t, "key"), "dataAccess.name": word().Draw(t, "file"), "dataAccess.readCharset": word().Draw(t, "encoding"),
			"loader.csvOtherValue": word().Draw(t, "delimiter"), "sfdc.insertNulls": rapid.SampledFrom([]string{"true", "false"}).Draw(t, "nulls"), "sfdc.truncateFields": "true", "sfdc.timezone": word().Draw(t, "zone"), "x." + object: "y",
		} {
			fmt.Fprintf(&b, `<entry key="%s" value="%s"/>`, attribute(key), attribute(value))
		}
		b.WriteString("</map></bean>")
	}
	return b.String() + "</beans>"
}

// export writes an export.json of SFDMU, and its table of values.
func export(t *rapid.T) (text, values string) {
	type object = map[string]any
	var objects []object
	var rows strings.Builder
	rows.WriteString("ObjectName,FieldName,RawValue,Value\n")
	for range rapid.IntRange(1, 3).Draw(t, "objects") {
		name := rapid.OneOf(rapid.SampledFrom([]string{"Account", "Contact"}), word()).Draw(t, "object")
		objects = append(objects, object{
			"query":     "SELECT Name, " + strings.Join(append(words(t, "fields"), "Id"), ", ") + " FROM " + name,
			"operation": rapid.SampledFrom([]string{"Insert", "Update", "Upsert", "Delete", "Readonly"}).Draw(t, "operation"), "externalId": strings.Join(words(t, "key"), ";"),
			"useValuesMapping": true, "useFieldMapping": true, "fieldMapping": []object{{"targetObject": word().Draw(t, "to"), "sourceField": "Name", "targetField": word().Draw(t, "field")}},
			"excludedFields": words(t, "excluded"), word().Draw(t, "option"): true,
		})
		for _, w := range words(t, "values") {
			fmt.Fprintf(&rows, "%s,Name,\"%s\",\"%s\"\n", name, strings.ReplaceAll(w, `"`, `""`), strings.ReplaceAll(word().Draw(t, "value"), `"`, `""`))
		}
	}
	out, err := json.Marshal(object{"objects": objects, "csvFileDelimiter": ",", "csvFileEncoding": word().Draw(t, "encoding"), "csvReadFileDelimiter": rapid.SampledFrom([]string{",", "", ";", "|", "\t"}).Draw(t, "delimiter"), "csvInsertNulls": rapid.Bool().Draw(t, "nulls")})
	if err != nil {
		t.Fatal(err)
	}
	return string(out), rows.String()
}

// steps writes a mapping.yml of CumulusCI.
func steps(t *rapid.T) string {
	var b strings.Builder
	flow := func(list []string) string {
		for i := range list {
			list[i] = yamltext.Flow(list[i])
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "steps") {
		fmt.Fprintf(&b, "%s: {sf_object: %s, table: %s, action: %s, update_key: %s, fields: %s, record_type: %s, static: {%s: %s}, lookups: {%s: {table: %s, key_field: %s}, AccountId: {table: %s}}}\n",
			yamltext.Flow(fmt.Sprint(word().Draw(t, "title"), i)), yamltext.Flow(rapid.OneOf(rapid.SampledFrom([]string{"Account", "Contact"}), word()).Draw(t, "object")), yamltext.Flow(rapid.SampledFrom([]string{"a", "b", "#", " "}).Draw(t, "table")),
			rapid.SampledFrom([]string{"insert", "update", "upsert", "delete"}).Draw(t, "action"), flow(words(t, "key")), flow(append(words(t, "fields"), "Name")), yamltext.Flow(word().Draw(t, "record type")), yamltext.Flow(word().Draw(t, "static")), yamltext.Flow(word().Draw(t, "value")),
			yamltext.Flow(word().Draw(t, "lookup")), yamltext.Flow(rapid.SampledFrom([]string{"a", "b", "#"}).Draw(t, "parent")), yamltext.Flow(word().Draw(t, "column")), yamltext.Flow(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "account")))
	}
	return b.String()
}

// Whatever the names and values in a file are, an import ends in an error or in mappings that can be parsed, and in
// which no expression, transform or reference is wrong.
func TestAnyWords(t *testing.T) {
	t.Parallel()
	s := schema.Standard()
	rapid.Check(t, func(t *rapid.T) {
		files := map[string]string{}
		name := rapid.SampledFrom([]string{"m.sdl", "process-conf.xml", "export.json", "mapping.yml"}).Draw(t, "format")
		switch name {
		case "m.sdl":
			files[name] = sdl(t)
		case "process-conf.xml":
			files[name], files["a.sdl"] = processes(t), sdl(t)
		case "export.json":
			files[name], files["ValueMapping.csv"] = export(t)
		default:
			files[name] = steps(t)
		}
		read := func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}
		r, err := importer.Import(name, read, importer.Options{Object: "Lead", Match: rapid.SampledFrom([]string{"", "Email"}).Draw(t, "match"), Schema: s})
		if err != nil {
			return
		}
		for _, step := range append(r.Steps, "") {
			f, _, err := mapping.Parse("m.yaml", r.YAML(step))
			if err != nil {
				t.Fatalf("%v\n%s\nfrom\n%s", err, r.YAML(step), files)
			}
			_, _, err = mapping.Compile(f, s)
			list, _ := diag.As(err)
			for _, d := range list {
				if d.Severity == diag.Error && wrong(d.Code) {
					t.Fatalf("%v\n%s\nfrom\n%s", d, r.YAML(step), files)
				}
			}
		}
	})
}

// wrong reports whether a diagnostic is about what an import makes itself, and not about what the objects and fields that
// the file names are in the org.
func wrong(code string) bool {
	switch code {
	case "expr-invalid", "expr-type", "transform-argument", "transform-unknown", "field-twice", "field-id", "match-missing", "match-twice", "ref-cycle", "ref-self", "ref-operation":
		return true
	}
	return false
}
