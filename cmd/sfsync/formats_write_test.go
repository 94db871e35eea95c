package main_test

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"strings"

	pt "sfsync/pipeline/source/parquet/parquettest"
)

// The writers of a formatTable, one a format.

func (tab *formatTable) csv() []byte {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	rows := [][]string{{"key", "text", "company.name", "company.address.city", "company.address.zip", "amount", "whole", "ratio", "flag", "day", "moment", "local", "clock"}}
	for i := range tab.rows {
		var cells []string
		for _, c := range tab.cells(&tab.rows[i]) {
			if c == nil {
				c = new(string)
			}
			cells = append(cells, *c)
		}
		rows = append(rows, cells)
	}
	if err := w.WriteAll(rows); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// csvLines are the lines on which the rows of the CSV file begin: a text may go over several.
func (tab *formatTable) csvLines() []int64 {
	out, line := make([]int64, len(tab.rows)), int64(2)
	for i := range tab.rows {
		out[i] = line
		line++
		for _, c := range tab.cells(&tab.rows[i]) {
			if c != nil {
				line += int64(strings.Count(*c, "\n"))
			}
		}
	}
	return out
}

func (tab *formatTable) jsonl() []byte {
	var buf bytes.Buffer
	out := json.NewEncoder(&buf)
	out.SetEscapeHTML(false)
	for i := range tab.rows {
		r := &tab.rows[i]
		cells := tab.cells(r)
		number := func(i int) any {
			if cells[i] == nil {
				return nil
			}
			return json.RawMessage(*cells[i])
		}
		row := map[string]any{
			"key": r.key, "text": r.text, "amount": number(5), "whole": number(6), "ratio": number(7), "flag": r.flag,
			"day": cells[9], "moment": cells[10], "local": cells[11], "clock": cells[12], "tags": r.tags, "scores": nil, "visits": nil,
			"company": map[string]any{"name": cells[2], "address": map[string]any{"city": cells[3], "zip": cells[4]}},
		}
		if r.scores != nil {
			scores := jsonObject{}
			for _, s := range r.scores {
				scores = append(scores, jsonField{s.key, s.value})
			}
			row["scores"] = scores
		}
		if r.visits != nil {
			visits := []jsonObject{}
			for _, v := range r.visits {
				visits = append(visits, jsonObject{{"at", v.at}, {"pages", v.pages}})
			}
			row["visits"] = visits
		}
		if err := out.Encode(row); err != nil {
			panic(err)
		}
	}
	// A list keeps the spelling it has in the file; no text here spells this escape itself.
	return bytes.ReplaceAll(buf.Bytes(), []byte(`\u2028`), []byte("\u2028"))
}

// jsonObject is a JSON object whose fields keep their order.
type jsonObject []jsonField

type jsonField struct {
	name  string
	value any
}

func (o jsonObject) MarshalJSON() ([]byte, error) {
	var errs []error
	out := []byte{'{'}
	for i, f := range o {
		if i > 0 {
			out = append(out, ',')
		}
		for k, v := range []any{f.name, f.value} {
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			errs = append(errs, enc.Encode(v))
			out = append(append(out, bytes.TrimSpace(b.Bytes())...), ":"[:1-k]...)
		}
	}
	return append(out, '}'), errors.Join(errs...)
}

// parquet writes the table with the types that Parquet has for it.
func (tab *formatTable) parquet() []byte {
	str := func(name string, rep int) pt.Node {
		return pt.Node{Name: name, Repetition: rep, Type: pt.Bytes, Logical: 1}
	}
	group := func(name string, rep, logical int, c ...pt.Node) pt.Node {
		return pt.Node{Name: name, Repetition: rep, Type: pt.Group, Logical: logical, Children: c}
	}
	num := func(name string, typ, logical int) pt.Node {
		return pt.Node{Name: name, Repetition: pt.Optional, Type: typ, Logical: logical}
	}
	amount, moment, local, clock := num("amount", pt.Int64, 5), num("moment", pt.Int64, 8), num("local", pt.Int64, 8), num("clock", pt.Int32, 7)
	amount.Scale, amount.Precision = 2, 18
	moment.Unit, moment.UTC, local.Unit = tab.unit, true, tab.unit
	clock.Unit, clock.UTC = 1, true
	fields := []pt.Node{
		str("key", pt.Required), str("text", pt.Optional),
		group("company", pt.Optional, 0, str("name", pt.Optional), group("address", pt.Optional, 0, str("city", pt.Optional), str("zip", pt.Optional))),
		amount, num("whole", pt.Int64, 0), num("ratio", pt.Double, 0), num("flag", pt.Boolean, 0), num("day", pt.Int32, 6), moment, local, clock,
		group("tags", pt.Optional, 3, group("list", pt.Repeated, 0, str("element", pt.Optional))),
		group("scores", pt.Optional, 2, group("key_value", pt.Repeated, 0, str("key", pt.Required), num("value", pt.Int64, 0))),
		group("visits", pt.Optional, 3, group("list", pt.Repeated, 0, group("element", pt.Required, 0, str("at", pt.Optional),
			group("pages", pt.Optional, 3, group("list", pt.Repeated, 0, num("element", pt.Int64, 0)))))),
	}
	var groups []pt.RowGroup
	size := 1 + tab.rng.IntN(len(tab.rows))
	for from := 0; from < len(tab.rows); from += size {
		g := pt.RowGroup{Leaves: make([][]pt.Entry, 18)}
		for i := from; i < min(from+size, len(tab.rows)); i++ {
			tab.rows[i].entries(g.Leaves)
			g.Rows++
		}
		groups = append(groups, g)
	}
	return pt.Write(fields, groups, pt.Options{
		Snappy: tab.rng.IntN(2) > 0, Dictionary: tab.rng.IntN(2) > 0, V2: tab.rng.IntN(2) > 0, Checksums: tab.rng.IntN(2) > 0, PageSize: tab.rng.IntN(3) * 7,
	})
}

// entries adds the row's entry, or entries, of every leaf.
func (r *formatRow) entries(leaves [][]pt.Entry) {
	leaf := 0
	put := func(e ...pt.Entry) {
		leaves[leaf] = append(leaves[leaf], e...)
		leaf++
	}
	// in is an optional value in optional structures.
	in := func(value []byte, there ...bool) {
		def := 0
		for def < len(there) && there[def] {
			def++
		}
		put(pt.Entry{Def: def, Value: value})
	}
	bytesOf := func(s *string) []byte {
		if s == nil {
			return nil
		}
		return []byte(*s)
	}
	put(pt.Entry{Value: []byte(r.key)})
	in(bytesOf(r.text), r.text != nil)
	in(bytesOf(r.name), r.company, r.name != nil)
	in(bytesOf(r.city), r.company, r.address, r.city != nil)
	in(bytesOf(r.zip), r.company, r.address, r.zip != nil)
	in(int64Bytes(r.amount), r.amount != nil)
	in(int64Bytes(r.whole), r.whole != nil)
	ratio, flag, day, clock := make([]byte, 8), make([]byte, 1), make([]byte, 4), make([]byte, 4)
	if r.ratio != nil {
		binary.LittleEndian.PutUint64(ratio, math.Float64bits(*r.ratio))
	}
	if r.flag != nil && *r.flag {
		flag[0] = 1
	}
	if r.day != nil {
		binary.LittleEndian.PutUint32(day, uint32(*r.day))
	}
	if r.clock != nil {
		binary.LittleEndian.PutUint32(clock, uint32(*r.clock))
	}
	in(ratio, r.ratio != nil)
	in(flag, r.flag != nil)
	in(day, r.day != nil)
	in(int64Bytes(r.moment), r.moment != nil)
	in(int64Bytes(r.local), r.local != nil)
	in(clock, r.clock != nil)

	// first is the level of an entry: only the first one of a list begins it.
	first := func(i int) int { return min(i, 1) }
	none := func(there bool) pt.Entry {
		if there {
			return pt.Entry{Def: 1} // an empty list
		}
		return pt.Entry{}
	}
	var tags, keys, values, at, pages []pt.Entry
	for i, s := range r.tags {
		e := pt.Entry{Rep: first(i), Def: 2, Value: bytesOf(s)}
		if s != nil {
			e.Def = 3
		}
		tags = append(tags, e)
	}
	for i, s := range r.scores {
		keys = append(keys, pt.Entry{Rep: first(i), Def: 2, Value: []byte(s.key)})
		e := pt.Entry{Rep: first(i), Def: 2, Value: int64Bytes(s.value)}
		if s.value != nil {
			e.Def = 3
		}
		values = append(values, e)
	}
	for i, v := range r.visits {
		e := pt.Entry{Rep: first(i), Def: 2, Value: bytesOf(v.at)}
		if v.at != nil {
			e.Def = 3
		}
		at = append(at, e)
		switch {
		case v.pages == nil:
			pages = append(pages, pt.Entry{Rep: first(i), Def: 2})
		case len(v.pages) == 0:
			pages = append(pages, pt.Entry{Rep: first(i), Def: 3})
		}
		for k := range v.pages { // all null
			rep := 2
			if k == 0 {
				rep = first(i)
			}
			pages = append(pages, pt.Entry{Rep: rep, Def: 4})
		}
	}
	if len(r.tags) == 0 {
		tags = append(tags, none(r.tags != nil))
	}
	if len(r.scores) == 0 {
		keys, values = append(keys, none(r.scores != nil)), append(values, none(r.scores != nil))
	}
	if len(r.visits) == 0 {
		at, pages = append(at, none(r.visits != nil)), append(pages, none(r.visits != nil))
	}
	put(tags...)
	put(keys...)
	put(values...)
	put(at...)
	put(pages...)
}

func int64Bytes(v *int64) []byte {
	if v == nil {
		return nil
	}
	return binary.LittleEndian.AppendUint64(nil, uint64(*v))
}
