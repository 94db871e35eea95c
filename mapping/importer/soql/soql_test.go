package soql

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"SELECT Id, Name FROM Account", "Id Name|Account||"},
		{"select\n Id ,Name\tfrom Account WHERE Name = 'x FROM y' LIMIT 5", "Id Name|Account|WHERE Name = 'x FROM y' LIMIT 5|"},
		{"SELECT Id, (SELECT Id FROM Contacts), Owner.Name FROM Account", "Id Owner.Name|Account||(SELECT Id FROM Contacts)"},
		{"SELECT toLabel(Status), FIELDS(ALL), WhatId$Account FROM Task", "WhatId$Account|Task||toLabel(Status),FIELDS(ALL)"},
		{"SELECT Fromage__c FROM X__c", "Fromage__c|X__c||"},
		{"", "no"},
		{"SELECT Id", "no"},
		{"SELECT Id, FROM Account", "no"},
		{"SELECT FROM Account", "no"},
		{"DELETE Id FROM Account", "no"},
		{"SELECT Id FROM Account;DROP", "no"},
		{"SELECT ((((Id FROM Account", "no"},
	} {
		got := "no"
		if q, ok := Parse(tt.text); ok {
			got = strings.Join([]string{strings.Join(q.Fields, " "), q.Object, q.Rest, strings.Join(q.Odd, ",")}, "|")
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, d)
		}
	}
}

// What is taken for a query has an object, and fields that can be named in a rule.
func FuzzParse(f *testing.F) {
	f.Add("SELECT Id, (SELECT Id FROM b), a.c FROM d WHERE 'FROM'")
	f.Fuzz(func(t *testing.T, text string) {
		q, ok := Parse(text)
		if ok && !IsName(q.Object) {
			t.Errorf("%q: object %q", text, q.Object)
		}
		for _, field := range q.Fields {
			if strings.ContainsAny(field, " ()',\n") || field == "" {
				t.Errorf("%q: field %q", text, field)
			}
		}
	})
}
