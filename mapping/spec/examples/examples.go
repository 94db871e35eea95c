// Package examples makes whole mappings of the examples in the reference, for the tests that run
// them: those of package spec, and the blocks of YAML in the README.
package examples

import (
	"fmt"
	"regexp"
	"strings"

	"sfsync/mapping/spec"
)

// Example is a mapping that holds an example.
type Example struct {
	// Name says where it is from.
	Name string
	// Text is the whole mapping.
	Text string
	// Whole says that the example is all of it: a mapping as people would write it.
	Whole bool
}

// Key is the external id by which records of every object are matched in these mappings.
const Key = "Key__c"

// All returns the examples of the language, of its transforms, and of a README, whose blocks
// say behind "yaml" at which place they stand: nothing for a whole mapping.
func All(readme string) []Example {
	var out []Example
	for _, p := range spec.Language() {
		for _, k := range p.Keys {
			out = append(out, Example{Name: p.Name + "." + k.Name, Text: Wrap(p.Name, k.Example)})
		}
	}
	for _, s := range spec.Transforms() {
		out = append(out, Example{Name: s.Name, Text: Wrap(spec.AtRule, s.Example)})
	}
	for i, b := range regexp.MustCompile("(?s)```yaml ?([a-z]*)\n(.*?)```").FindAllStringSubmatch(readme, -1) {
		place := b[1]
		switch place {
		case "":
			place = spec.AtFile
		case "fields":
			place = spec.AtRule
		}
		out = append(out, Example{Name: fmt.Sprintf("README %d", i+1), Text: Wrap(place, b[2]), Whole: place == spec.AtFile})
	}
	return out
}

// Table is what a CSV file of values holds that an example names.
func Table(path string) []byte {
	if strings.HasSuffix(path, "industry.csv") {
		return []byte("branch,country,to\nA1,DE,Agriculture\n")
	}
	return []byte("from,to\nD,Germany\nDE,Germany\n")
}

const lead = "{object: Lead, match: " + Key + ", fields: {" + Key + ": id, LastName: name, Company: company}}"

// Wrap writes a mapping around a piece of YAML, given the place of the piece.
func Wrap(place, piece string) string {
	piece = strings.TrimSpace(piece)
	indent := func(n int) string {
		blanks := strings.Repeat(" ", n)
		return blanks + strings.ReplaceAll(piece, "\n", "\n"+blanks) + "\n"
	}
	has := func(keys ...string) bool {
		return regexp.MustCompile(`(?m)^(` + strings.Join(keys, "|") + `):`).MatchString(piece)
	}
	switch place {
	case spec.AtFile:
		text := piece + "\n"
		if !has("version") {
			text = "version: 1\n" + text
		}
		if !has("targets") {
			text += "targets: [" + lead + "]\n"
		}
		return text
	case spec.AtSource:
		if has("gate") {
			piece += "\nevents: rudderstack"
		}
		return "version: 1\nsource:\n" + indent(2) + "targets: [" + lead + "]\n"
	case spec.AtCSV:
		return "version: 1\nsource:\n  csv:\n" + indent(4) + "targets: [" + lead + "]\n"
	case spec.AtTest:
		text := "version: 1\ntargets: [" + lead + "]\ntests:\n  -\n" + indent(4)
		switch {
		case !has("row", "rows", "expect"):
			text += "    row: {name: Ada}\n    expect: {lead: {error: MATCH_KEY_BLANK}}\n"
		case has("rows") && !has("expect"):
			text += "    expect: [{}, {lead: {error: MATCH_KEY_BLANK}}]\n"
		case has("row") && !has("expect"):
			text += "    expect: {lead: {error: MATCH_KEY_BLANK}}\n"
		case !has("row", "rows"):
			text += "    row: {id: 1, name: Ada, company: Engines}\n"
		}
		return text
	case spec.AtTarget:
		return target(has, indent)
	case spec.AtItem:
		return "version: 1\ntargets:\n  - object: Lead\n    match: " + Key + "\n    fields:\n      " + Key + ": id\n      Company:\n        - company\n        -\n" + indent(10)
	default:
		return "version: 1\ntargets:\n  - " + lead + "\n  - name: example\n    object: " + object(piece) + "\n    match: " + Key + "\n    fields:\n      " + Key + ": id\n" + indent(6)
	}
}

// target writes a mapping around keys of a target.
func target(has func(...string) bool, indent func(int) string) string {
	text := "version: 1\n"
	if has("omit") {
		text += "preset: rudderstack-lead\n"
	}
	if has("track") {
		text += "source: {events: rudderstack}\n"
	}
	text += "targets:\n"
	if !has("omit") { // the preset has a contact of its own
		text += "  - {name: contact, object: Contact, operation: update, match: Email, fields: {Email: email}}\n"
	}
	text += "  -\n" + indent(4)
	if !has("object") {
		text += "    object: Lead\n"
	}
	switch {
	case has("match", "omit"):
	case has("operation", "on_many", "on_converted"):
		text += "    match: Email\n"
	default:
		text += "    operation: insert\n"
	}
	if !has("fields", "omit") {
		text += "    fields: {LastName: name, Marketing_Id__c: id, Email: email, Phone: phone, Company: company}\n"
	}
	if has("missing") {
		text += "    rest: custom\n"
	}
	return text
}

// object names an object that has the fields of a piece of rules.
func object(piece string) string {
	for _, o := range []struct{ name, fields string }{
		{"CampaignMember", "LeadId|CampaignId"},
		{"Case", `ContactId|Account\.ERP_Id__c`},
		{"Contact", "AccountId|Birthdate|ReportsToId"},
	} {
		if regexp.MustCompile(`(?m)^(` + o.fields + `):`).MatchString(piece) {
			return o.name
		}
	}
	return "Lead"
}
