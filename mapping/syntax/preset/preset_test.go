package preset_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/mapping/syntax/preset"
	"sfsync/mapping/yamlnode"
)

func parse(t *testing.T, file, text string) *yamlnode.Node {
	t.Helper()
	var list diag.List
	n := yamlnode.Parse(file, []byte(text), &list)
	if n == nil || list.Failed() {
		t.Fatal(list.All())
	}
	return n
}

// dump writes a tree on one line, with a star behind what is the preset's.
func dump(n *yamlnode.Node) string {
	star := ""
	if n.Pos.File == "base" {
		star = "*"
	}
	var parts []string
	switch n.Kind {
	case yamlnode.Map:
		for _, p := range n.Pairs {
			parts = append(parts, p.Key.Text+":"+dump(p.Value))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case yamlnode.Seq:
		for _, item := range n.Items {
			parts = append(parts, dump(item))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case yamlnode.Null:
		return "-" + star
	}
	return n.Text + star
}

func TestMerge(t *testing.T) {
	t.Parallel()
	const base = `{version: 1, name: p, preset: q, tests: [x], source: {events: r, csv: {delimiter: c, encoding: e}},
  targets: [{object: Lead, match: Email, fields: {Email: a, City: b, Phone: {from: c}}}, {name: c, object: Contact}]}`
	const same = "source:{events:r* csv:{delimiter:c* encoding:e*}}"
	const lead = "{object:Lead* match:Email* fields:{Email:a* City:b* Phone:{from:c*}}}"
	const contact = "{name:c* object:Contact*}"
	for _, tt := range []struct{ name, over, want, says string }{
		{"nothing", "version: 1", "{" + same + " targets:[" + lead + " " + contact + "] version:1}", ""},
		{"source", "source: {csv: {delimiter: d, null: x}, files: f}", "{source:{events:r* csv:{delimiter:d encoding:e* null:x} files:f} targets:[" + lead + " " + contact + "]}", ""},
		{"a list of files", "source: [x]", "{source:[x] targets:[" + lead + " " + contact + "]}", ""},
		{
			"fields", "targets: [{name: LEAD, fields: {city: x, Title: y, Phone: z}}]",
			"{" + same + " targets:[{object:Lead* match:Email* fields:{Email:a* city:x Phone:z Title:y} name:LEAD} " + contact + "]}", "",
		},
		{
			"by object", "targets: [{object: lead, match: X}, {object: Contact}]",
			"{" + same + " targets:[{object:lead match:X fields:{Email:a* City:b* Phone:{from:c*}}} " + contact + " {object:Contact}]}", "",
		},
		{
			"omit", "targets: [{name: lead, omit: [city, PHONE, Nme], fields: {City: x}}]",
			"{" + same + " targets:[{object:Lead* match:Email* fields:{Email:a* City:x} name:lead omit:[city PHONE Nme]} " + contact + "]}",
			"over:1:44: the preset has no rule for \"Nme\" that could be left out [omit-unknown]",
		},
		{
			"omit in others", "targets: [{object: Account, omit: X}, {name: c, omit: X}]",
			"{" + same + " targets:[" + lead + " {name:c object:Contact* omit:X} {object:Account omit:X}]}",
			"over:1:29: warning: \"omit\" has no effect: no preset has a target \"account\" [no-effect]\nover:1:49: warning: \"omit\" has no effect: no preset has a target \"c\" [no-effect]",
		},
		{
			"twice", "targets: [{name: c, a: b}, {name: c, d: e}]",
			"{" + same + " targets:[" + lead + " {name:c object:Contact* a:b} {name:c d:e}]}", "",
		},
		{"wrong targets", "targets: {a: b}", "{" + same + " targets:{a:b}}", ""},
		{"no targets", "targets: []", "{" + same + " targets:[]}", ""},
		{"a target that is none", "targets: [x, [y]]", "{" + same + " targets:[" + lead + " " + contact + " x [y]]}", ""},
		{"wrong fields", "targets: [{name: lead, fields: [a]}]", "{" + same + " targets:[{object:Lead* match:Email* fields:[a] name:lead} " + contact + "]}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, o := parse(t, "base", base), parse(t, "over", tt.over)
			before := dump(b) + dump(o)
			var list diag.List
			got := preset.Merge(b, o, &list)
			if d := cmp.Diff(tt.want, dump(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			var says []string
			for _, d := range list.All() {
				says = append(says, d.String())
			}
			if d := cmp.Diff(tt.says, strings.Join(says, "\n")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if dump(b)+dump(o) != before {
				t.Error("the trees were changed")
			}
		})
	}
}

func TestUnused(t *testing.T) {
	t.Parallel()
	var list diag.List
	preset.Unused(&list, parse(t, "m", "[{object: Lead, omit: X}, {object: Lead}, x]").Items...)
	if got := fmt.Sprint(list.All()); got != `[m:1:17: warning: "omit" has no effect: no preset has a target "lead" [no-effect]]` {
		t.Error(got)
	}
}

// TestMergeLarge holds that merging takes time by the size of the mapping.
func TestMergeLarge(t *testing.T) {
	t.Parallel()
	var keys, rules, targets strings.Builder
	for i := range 8_000 {
		fmt.Fprintf(&keys, "k%d: v, ", i)
		fmt.Fprintf(&rules, "F%d: a, ", i)
	}
	for i := range 2_000 {
		fmt.Fprintf(&targets, "{name: t%d}, ", i)
	}
	b := parse(t, "base", "{source: {}, targets: [{object: Lead, fields: {"+rules.String()+"}}]}")
	o := parse(t, "over", "{"+keys.String()+"targets: [{name: lead, fields: {"+rules.String()+"}}, "+targets.String()+"]}")
	var list diag.List
	start := time.Now()
	preset.Merge(b, o, &list)
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}
