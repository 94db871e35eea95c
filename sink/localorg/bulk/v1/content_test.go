package v1

import (
	"strings"
	"testing"

	"sfsync/sink/localorg/bulk/csv"
)

func onlyOwner(relationship string) bool { return relationship == "Owner" }

// Records of JSON and XML become rows: absent is empty, null is #N/A, a relationship is a column.
func TestFile(t *testing.T) {
	t.Parallel()
	const open = `<sObjects xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`
	tests := []struct{ name, contentType, body, want string }{
		{"CSV is itself", csvType, "a,b\r\n1,2", "a,b\r\n1,2"},
		{"columns are all names", jsonType, `[{"A":"x","B":1.50},{"C":true,"A":"\u00e9"}]`, "\"A\",\"B\",\"C\"\n\"x\",\"1.50\",\"\"\n\"é\",\"\",\"true\"\n"},
		{"null", jsonType, `[{"A":null,"B":""}]`, "\"A\",\"B\"\n\"#N/A\",\"\"\n"},
		{"a relationship", jsonType, `[{"attributes":{"type":"Lead"},"Parent__r":{"Ext__c":"x"}}]`, "\"Parent__r.Ext__c\"\n\"x\"\n"},
		{"the type of a polymorphic one", jsonType, `[{"Owner":{"attributes":{"type":"User"},"Username":"x"},"Parent__r":{"attributes":{"type":"Lead"},"Ext__c":"y"}}]`, "\"User:Owner.Username\",\"Parent__r.Ext__c\"\n\"x\",\"y\"\n"},
		{"XML", xmlType, open + "<sObject><A>x &lt; y</A><B xsi:nil=\"true\"/><C/></sObject>\n<sObject><B>z</B></sObject></sObjects>", "\"A\",\"B\",\"C\"\n\"x < y\",\"#N/A\",\"\"\n\"\",\"z\",\"\"\n"},
		{"relationships in XML", xmlType, open + "<sObject><Owner><sObject><type>User</type><Username>x</Username></sObject></Owner></sObject></sObjects>", "\"User:Owner.Username\"\n\"x\"\n"},
		{"no array", jsonType, `{"A":1}`, ""},
		{"no object", jsonType, `[1]`, ""},
		{"a list in a field", jsonType, `[{"A":[1]}]`, ""},
		{"broken JSON", jsonType, `[{"A":`, ""},
		{"no records", jsonType, `[]`, ""},
		{"another root", xmlType, "<a/>", ""},
		{"broken XML", xmlType, open + "<sObject><A>", ""},
	}
	for _, tt := range tests {
		got, err := file(tt.contentType, []byte(tt.body), onlyOwner)
		if string(got) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "InvalidBatch : Failed to parse batch: ") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Whatever comes as JSON or XML ends in a file that can be read, or in a refusal.
func FuzzFile(f *testing.F) {
	f.Add([]byte(`[{"A":"x","Owner":{"attributes":{"type":"User"},"Username":null}},{"B":1e5}]`))
	f.Add([]byte(`<sObjects><sObject><A>x</A><Owner><sObject><type>User</type><B>x</B></sObject></Owner></sObject></sObjects>`))
	f.Add([]byte(`[[{"":{}}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, contentType := range []string{jsonType, xmlType} {
			out, err := file(contentType, body, onlyOwner)
			if err != nil {
				continue
			}
			rows, width := csv.NewReader(strings.NewReader(string(out)), dialect()), 0
			for {
				row, err := rows.Read()
				if err != nil {
					if err.Error() != "EOF" {
						t.Fatalf("%v: %q", err, out)
					}
					break
				}
				if width == 0 {
					width = len(row)
				}
				if len(row) != width {
					t.Fatalf("%d columns of %d: %q", len(row), width, out)
				}
			}
		}
	})
}
