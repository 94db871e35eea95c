package jsoncell_test

import (
	"testing"

	"sfsync/mapping/jsoncell"
	"sfsync/pipeline/row"
)

func TestAppendRow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		kind row.Kind
		text string
		want string
	}{
		{"text", row.Text, `a "b"`, `{"a":1,"text":"a \"b\""`},
		{"text that is a number", row.Text, "1", `{"a":1,"text that is a number":"1"`},
		{"not UTF-8", row.Text, "\xff\xfe", `{"a":1,"not UTF-8":"` + "\ufffd\ufffd" + `"`},
		{"empty", row.Text, "", `{"a":1,"empty":""`},
		{"null", row.Null, "", `{"a":1,"null":null`},
		{"absent", row.Absent, "", `{"a":1`},
		{"digits", row.Number, "1.50", `{"a":1,"digits":1.50`},
		{"no number", row.Number, "NaN", `{"a":1,"no number":"NaN"`},
		{"bool", row.Bool, "true", `{"a":1,"bool":true`},
		{"object", row.JSON, `{"b": [1]}`, `{"a":1,"object":{"b": [1]}`},
		{"lines", row.JSON, "[1,\r\n 2.0]", `{"a":1,"lines":[1,2.0]`},
		{"tolerated", row.JSON, `{"b":1,"b":"\ud800"}`, `{"a":1,"tolerated":{"b":1,"b":"\ud800"}`},
		{"no JSON", row.JSON, "\"\xff\"", `{"a":1,"no JSON":"\"` + "\ufffd" + `\""`},
		{"mine", row.Text, "x", `{"a":1`},
	} {
		b := row.New(row.NewSchema(row.Column{Name: "a"}, row.Column{Name: tt.name}))
		r := b.AddRow(1)
		b.Set(r, 0, row.Number, "1")
		b.Set(r, 1, tt.kind, tt.text)
		if got := string(jsoncell.AppendRow(nil, b, r, func(name string) bool { return name == "mine" })); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
