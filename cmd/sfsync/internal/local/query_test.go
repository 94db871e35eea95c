package local

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSelectList(t *testing.T) {
	t.Parallel()
	for soql, want := range map[string][]string{
		"SELECT Id FROM Lead": {"Id"},
		"select Id , Owner.Name\nfrom Lead where Name = 'x FROM y'":   {"Id", "Owner.Name"},
		"SELECT LeadSource src, COUNT(Id) n, MAX(Id), MIN(Id) FROM L": {"src", "n", "expr0", "expr1"},
		"SELECT COUNT() FROM Lead":                                    nil,
		"SELECT count( ) FROM Lead":                                   nil,
	} {
		got, known := selectList(soql)
		if !known || !cmp.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", soql, got, known, want)
		}
	}
	for _, soql := range []string{"", "nonsense", "SELECT FIELDS(ALL) FROM Lead LIMIT 1", "SELECT , FROM Lead"} {
		if got, known := selectList(soql); known {
			t.Errorf("%q: %q", soql, got)
		}
	}
}

func TestRecordCell(t *testing.T) {
	t.Parallel()
	rec, err := decodeRecord(json.RawMessage(`{"attributes":{"type":"Lead"},"Id":"1","Owner":{"attributes":{},"Name":"Ann","Manager":null},"Empty":null,"N":1.50,"Address":{"city":"Köln"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"Id": "1", "id": "1", "owner.name": "Ann", "Owner.Manager.Name": "", "Empty": "", "N": "1.50",
		"Address": `{"city":"Köln"}`, "l.Id": "1", "l.Owner.Name": "Ann", "Nothing": "", "attributes": "",
	} {
		if got := rec.cell(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if _, err := decodeRecord(json.RawMessage(`[1]`)); err == nil {
		t.Error("an array was taken for a record")
	}
}
