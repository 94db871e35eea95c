package lookup

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sfsync/sink"
)

func by(names ...string) []sink.KeyField {
	fields := make([]sink.KeyField, len(names))
	for i, n := range names {
		fields[i] = sink.KeyField{Name: n, Fold: strings.ToLower}
	}
	return fields
}

// soql returns the queries of a lookup as an org reads them.
func soql(t *testing.T, l *sink.Lookup, room int, fields ...Field) []string {
	t.Helper()
	q, err := New(l, fields, room)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, query := range q.Queries() {
		s, err := url.PathUnescape(string(query.AppendURL(nil, Span{Hi: len(query.Terms)})))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func TestQueries(t *testing.T) {
	text := Field{}
	for _, c := range []struct {
		name   string
		lookup sink.Lookup
		fields []Field
		room   int
		want   []string
	}{
		{
			"one field",
			sink.Lookup{Object: "Contact", By: by("Email"), Keys: []string{"a@x.org", "o'b@x.org"}},
			[]Field{text},
			1000,
			[]string{`SELECT Id,Email FROM Contact WHERE Email IN ('a@x.org','o\'b@x.org')`},
		},
		{
			"leads may be converted",
			sink.Lookup{Object: "Lead", By: by("Id"), Keys: []string{"00Q000000000001AAA", "no id"}, Want: []string{"IsConverted", "ConvertedContactId", "id"}},
			[]Field{{Kind: ID}},
			1000,
			[]string{`SELECT Id,IsConverted,ConvertedContactId FROM Lead WHERE Id IN ('00Q000000000001AAA')`},
		},
		{
			"a composite key of several types",
			sink.Lookup{
				Object: "Visit__c", By: by("Lead__c", "Day__c", "Score__c", "Name"),
				Keys: []string{"00Q000000000001AAA\x002026-11-21\x001e1\x00x' OR 'y", "00Q000000000001AAA\x002026-13-21\x001\x00never", "too\x00few"},
				Want: []string{"Score__c", "Active__c"},
			},
			[]Field{{Kind: ID}, {Kind: Date}, {Kind: Number}, text},
			1000,
			[]string{`SELECT Id,Lead__c,Day__c,Score__c,Name,Active__c FROM Visit__c WHERE (Lead__c='00Q000000000001AAA' AND Day__c=2026-11-21 AND Score__c=10 AND Name='x\' OR \'y')`},
		},
		{
			"two keys",
			sink.Lookup{Object: "A__c", By: by("B__c", "C__c"), Keys: []string{"1\x002", "3\x004"}},
			[]Field{text, text},
			1000,
			[]string{`SELECT Id,B__c,C__c FROM A__c WHERE (B__c='1' AND C__c='2') OR (B__c='3' AND C__c='4')`},
		},
		{
			"parents",
			sink.Lookup{Object: "Contact", By: by("Account.ERP_Id__c"), Keys: []string{"a"}, Want: []string{"Account.ERP_Id__c", "Account.Name", "User:Owner.Username", "Group:Owner.Username"}},
			[]Field{text},
			1000,
			[]string{`SELECT Id,Account.ERP_Id__c,Account.Name,Owner.Username FROM Contact WHERE Account.ERP_Id__c IN ('a')`},
		},
		{
			"parents of several objects",
			sink.Lookup{Object: "Task", By: by("Subject"), Keys: []string{"a"}, Want: []string{"Account:What.ERP_Id__c", "Opportunity:What.Name", "Account:What.Name", "Lead:Who.Email"}},
			[]Field{text},
			1000,
			[]string{`SELECT Id,Subject,TYPEOF What WHEN Account THEN ERP_Id__c,Name WHEN Opportunity THEN Name END,Who.Email FROM Task WHERE Subject IN ('a')`},
		},
		{
			"more fields than one query takes",
			sink.Lookup{Object: "Contact", By: by("Email"), Keys: []string{"a"}, Want: []string{"Field_A__c", "Field_B__c", "Field_C__c"}},
			[]Field{text},
			30,
			[]string{
				`SELECT Id,Email,Field_A__c,Field_B__c FROM Contact WHERE Email IN ('a')`,
				`SELECT Id,Field_C__c FROM Contact WHERE Email IN ('a')`,
			},
		},
	} {
		if d := cmp.Diff(c.want, soql(t, &c.lookup, c.room, c.fields...)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestNamesThatCannotStandInAQuery(t *testing.T) {
	for _, l := range []sink.Lookup{
		{Object: "Lead", Keys: []string{"a"}},
		{Object: "Lead WHERE", By: by("Email")},
		{Object: "Lead", By: by("Email IN ('x') OR Id")},
		{Object: "Lead", By: by("Email"), Want: []string{"Name,(SELECT Id FROM Tasks)"}},
		{Object: "Lead", By: by("")},
	} {
		if _, err := New(&l, nil, 1000); err == nil {
			t.Errorf("%+v was taken", l)
		}
	}
}

// What fits one call does, with URLs no longer than there is room for, and no key gets lost.
func TestFit(t *testing.T) {
	const room, path = 15000, "/services/data/v66.0/query?q="
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.IntRange(1, 3).Draw(t, "parts")
		l := &sink.Lookup{Object: "Lead"}
		fields := make([]Field, parts)
		for i := range parts {
			l.By = append(l.By, sink.KeyField{Name: fmt.Sprintf("Part_%d__c", i)})
			fields[i].Kind = rapid.SampledFrom([]Kind{Text, Text, Number, DateTime}).Draw(t, "kind")
		}
		for i := range rapid.IntRange(0, 40).Draw(t, "wants") {
			l.Want = append(l.Want, fmt.Sprintf("Some_field_%d__c", i))
		}
		word := rapid.OneOf(rapid.StringN(1, 200, 800), rapid.StringMatching(`[0-9]{1,5}(e[0-9])?`), rapid.Just("2026-11-21t10:00:00z"))
		l.Keys = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			words := make([]string, parts)
			for i := range words {
				words[i] = strings.ReplaceAll(word.Draw(t, "word"), sink.KeySep, "")
			}
			return strings.Join(words, sink.KeySep)
		}), 1, 600).Draw(t, "keys")

		blind, err := New(l, nil, room/2)
		if err != nil {
			t.Fatal(err)
		}
		q, _ := New(l, fields, room/2)
		for _, n := range []int{blind.Fit(room, len(path)), q.Fit(room, len(path))} {
			if n < 1 || n > len(l.Keys) {
				t.Fatalf("%d of %d keys", n, len(l.Keys))
			}
			some := *l
			some.Keys = l.Keys[:n]
			asked, _ := New(&some, fields, room/2)
			for _, query := range asked.Queries() {
				spans := query.Pack(Span{Hi: len(query.Terms)}, room, len(path))
				if len(spans) > Groups {
					t.Fatalf("%d keys take %d queries", n, len(spans))
				}
				at := 0
				for _, s := range spans {
					if link := query.AppendURL([]byte(path), s); s.Lo != at || s.Hi <= s.Lo || len(link) > room {
						t.Fatalf("%+v after %d: %d bytes", s, at, len(link))
					}
					at = s.Hi
				}
				if at != len(query.Terms) {
					t.Fatalf("the queries hold %d of %d conditions", at, len(query.Terms))
				}
			}
		}
	})
}

func BenchmarkFit(b *testing.B) {
	l := &sink.Lookup{Object: "Lead", By: by("Email"), Want: []string{"CreatedDate"}}
	for i := range 2000 {
		l.Keys = append(l.Keys, fmt.Sprintf("person.%05d@examples.com", i))
	}
	b.ReportAllocs()
	for b.Loop() {
		q, err := New(l, []Field{{}}, 7500)
		if err != nil || q.Fit(15000, 30) < 1000 {
			b.Fatal(err)
		}
	}
}
