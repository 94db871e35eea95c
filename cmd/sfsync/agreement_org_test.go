package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sfsync/mapping"
	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
)

// literal is a cell as a value of JSON.
func literal(kind row.Kind, text string) jsontext.Value {
	switch kind {
	case row.Number, row.Bool, row.JSON:
		return jsontext.Value(text)
	case row.Null, row.Absent:
		return jsontext.Value("null")
	}
	out, _ := jsontext.AppendQuote(nil, strings.ToValidUTF8(text, "\ufffd"))
	return out
}

// listed are the values of a picklist that records can be given.
func listed(f *schema.Field) []string {
	var values []string
	for _, v := range f.Picklist {
		if v.Active {
			values = append(values, v.Value)
		}
	}
	return values
}

// sound is a value that a field takes.
func (a *agreement) sound(name string) jsontext.Value {
	f := a.object.Field(name)
	switch f.Type {
	case schema.Boolean:
		return jsontext.Value("true")
	case schema.Int, schema.Double, schema.Currency, schema.Percent:
		return jsontext.Value("0")
	case schema.Picklist, schema.MultiPicklist, schema.Combobox:
		return literal(row.Text, listed(f)[0])
	case schema.String, schema.TextArea:
		return literal(row.Text, "s")
	}
	return jsontext.Value("null")
}

// lacks reports whether a record has no value for a required field.
func (a *agreement) lacks(fields map[string]jsontext.Value) bool {
	return slices.ContainsFunc(a.fields, func(f *schema.Field) bool {
		_, given := fields[f.Name]
		return f.Required() && !given
	})
}

// least is the record of a key with nothing but what is required.
func (a *agreement) least(key string) string {
	rec := map[string]jsontext.Value{"Key__c": literal(row.Text, key)}
	for _, f := range a.fields {
		if f.Required() {
			rec[f.Name] = a.sound(f.Name)
		}
	}
	text, err := json.Marshal(rec)
	if err != nil {
		a.Fatal(err)
	}
	return string(text)
}

// send creates a record, or upserts it by its key. Relationships are nested, as the API has them.
func (a *agreement) send(key string, fields map[string]jsontext.Value, keyed bool) (int, []byte) {
	rec := map[string]any{}
	for name, v := range fields {
		if parent, field, dotted := strings.Cut(name, "."); dotted {
			if v.Kind() != 'n' {
				rec[parent] = map[string]jsontext.Value{field: v}
			}
			continue
		}
		rec[name] = v
	}
	delete(rec, "Key__c")
	if a.op == mapping.Insert {
		if keyed {
			rec["Key__c"] = key
		}
		text, err := json.Marshal(rec)
		if err != nil {
			a.Fatal(err)
		}
		return a.do("POST", "/sobjects/"+a.object.Name, string(text))
	}
	text, err := json.Marshal(rec)
	if err != nil {
		a.Fatal(err)
	}
	return a.do("PATCH", "/sobjects/"+a.object.Name+"/Key__c/"+key, string(text))
}

func (a *agreement) create(object, body string) string {
	var answer struct{ ID string }
	status, text := a.do("POST", "/sobjects/"+object, body)
	if status != 201 || json.Unmarshal(text, &answer) != nil {
		a.Fatalf("create %s %s: %d %s", object, body, status, text)
	}
	return answer.ID
}

// do sends a request straight to the org's handler.
func (a *agreement) do(method, path, body string) (int, []byte) {
	rq := httptest.NewRequest(method, "http://127.0.0.1/services/data/v66.0"+path, bytes.NewReader([]byte(body)))
	rq.Header.Set("Authorization", "Bearer "+a.org.Credentials().AccessToken)
	rq.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	a.org.Handler().ServeHTTP(rec, rq.WithContext(a.Context()))
	if rec.Code == http.StatusInternalServerError {
		a.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	return rec.Code, rec.Body.Bytes()
}
