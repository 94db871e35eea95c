package proof

import (
	"slices"
	"strings"
	"testing"

	"sfsync/mapping"
	"sfsync/mapping/diag"
	"sfsync/mapping/schema"
	"sfsync/pipeline/source"
)

const rules = `version: 1
name: proof
targets:
  - name: lead
    object: Lead
    match: Email
    when: status != "internal"
    fields:
      Email: email | trim | lower
      LastName: {from: name, blank: "null"}
      Company: {from: company, default: n/a}
      NumberOfEmployees: staff
      Phone: {from: phone, blank: null}
      OwnerId: {lookup: User.Username, from: owner}
  - name: member
    object: CampaignMember
    operation: insert
    when: campaign != ""
    fields:
      LeadId: {ref: lead}
      CampaignId: {lookup: Campaign.Name, from: campaign}
  - name: gone
    object: Lead
    operation: delete
    when: status == "gone"
    match: [Id, [Email, OwnerId]]
    fields: {Id: id, Email: email, OwnerId: {lookup: User.Username, from: owner}}
  - name: person
    object: Contact
    when: status == "person"
    match: Email
    fields: {Email: email, LastName: name, "User:Owner.Username": owner}
tests:
`

// run runs the tests below the rules and returns the lines that they fail with.
func run(t *testing.T, tests string) []string {
	t.Helper()
	text := strings.Replace(rules, `, blank: "null"`, "", 1) + tests
	file, found, err := mapping.Parse("proof.yaml", []byte(text))
	if err != nil {
		t.Fatal(err, found)
	}
	plan, _, err := mapping.Compile(file, schema.Standard())
	if err != nil {
		t.Fatal(err)
	}
	list, err := Run(t.Context(), file, plan, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, 0, len(list))
	for _, d := range list {
		if d.Severity != diag.Error || d.Code != CodeFailed || d.Pos.Line <= strings.Count(rules, "\n") {
			t.Errorf("an odd diagnostic: %s", d)
		}
		lines = append(lines, d.Message)
	}
	return lines
}

// TestRun: expectations that are met say nothing, the others what came instead.
func TestRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a record, with what is not sent", `
  - name: all of it
    row: {email: " A@x.org ", name: Doe, staff: 12, phone: "", owner: ann@x.org, campaign: Fair}
    expect:
      lead: {Email: a@x.org, LastName: Doe, NumberOfEmployees: 12.0, Phone: null, OwnerId: ann@x.org, Company: n/a}
      member: {LeadId: lead, CampaignId: Fair}
`, nil},
		{"errors and rows that nobody wants", `
  - rows:
      - {email: a@x.org, name: Doe, staff: many}
      - {email: a@x.org, name: Doe, status: internal}
      - {name: Doe}
    expect:
      - {lead: {error: INVALID_TYPE_ON_FIELD_IN_RECORD}}
      - {lead: skipped, member: skipped}
      - {lead: {error: MATCH_KEY_BLANK}}
`, nil},
		{"a parent that fails", `
  - row: {email: nobody, name: Doe, campaign: Fair}
    expect: {member: {error: PARENT_FAILED}}
`, nil},
		{"other values", `
  - name: wrong
    row: {email: a@x.org, name: Doe, owner: ann@x.org}
    expect:
      lead: {Email: b@x.org, LastName: null, OwnerId: bob@x.org, Phone: "1", absent: [Email, Fax]}
`, []string{
			`test "wrong", lead: Email is "a@x.org", expected "b@x.org"`,
			`test "wrong", lead: LastName is "Doe", expected null`,
			`test "wrong", lead: OwnerId is the record whose User.Username is "ann@x.org", expected "bob@x.org"`,
			`test "wrong", lead: Phone is not sent, expected "1"`,
			`test "wrong", lead: Email is "a@x.org", expected not to be sent`,
		}},
		{"other fates", `
  - rows: [{email: a@x.org, name: Doe}, {email: x, name: Doe}, {email: x, name: Doe, status: internal}]
    expect:
      - {lead: skipped}
      - {lead: {Email: x}}
      - {lead: {error: INVALID_EMAIL_ADDRESS}}
`, []string{
			`test on line 34, row 1, lead: expected to be skipped, but it would be sent`,
			`test on line 34, row 2, lead: expected to be sent, but it fails: INVALID_EMAIL_ADDRESS: Email: invalid email address: "x" (no @)`,
			`test on line 34, row 3, lead: expected to fail with INVALID_EMAIL_ADDRESS, but it is skipped: when: is false`,
		}},
		{"another error", `
  - row: {email: x, name: Doe}
    expect: {lead: {error: STRING_TOO_LONG}}
`, []string{`test on line 34, lead: expected to fail with STRING_TOO_LONG, but it fails with INVALID_EMAIL_ADDRESS: Email: invalid email address: "x" (no @)`}},
		{"a field without a rule", `
  - row: {email: a@x.org, name: Doe}
    expect: {lead: {Emial: x}}
`, []string{`test on line 34, lead: Emial has no rule`}},
		{"a field that there is not", `
  - row: {email: a@x.org, name: Doe}
    expect: {lead: {absent: [Fax, Phon]}}
`, []string{`test on line 34, lead: Lead has no field Phon`}},
		{"a relationship as the rule has it", `
  - row: {email: a@x.org, name: Doe, owner: ann@x.org, status: person}
    expect: {person: {"User:Owner.Username": ann@x.org, Owner.Username: bob@x.org, absent: ["User:Owner.Username"]}}
`, []string{
			`test on line 34, person: Owner.Username is "ann@x.org", expected "bob@x.org"`,
			`test on line 34, person: User:Owner.Username is "ann@x.org", expected not to be sent`,
		}},
		{"keys that are not sent", `
  - rows: [{id: 00Q000000000001, email: A@x.org, name: Doe, status: gone}, {email: A@x.org, name: Doe, owner: ann@x.org, status: gone}]
    expect:
      - {gone: {Id: 00Q000000000001, Email: a@X.org}}
      - {gone: {OwnerId: ann@x.org, Email: b@x.org, Id: 00Q000000000002, absent: [Email]}}
`, []string{
			`test on line 34, row 2, gone: Email is "a@x.org", expected "b@x.org"`,
			`test on line 34, row 2, gone: Id is not sent, expected "00Q000000000002"`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := run(t, strings.TrimPrefix(test.text, "\n"))
			slices.Sort(got)
			slices.Sort(test.want)
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}
