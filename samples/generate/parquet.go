//go:build ignore

package main

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"

	pt "sfsync/pipeline/source/parquet/parquettest"
)

// parquetFile writes the rows with types: numbers, decimals, dates, moments, structures, a list and
// a map. A blank is null.
func (g *generator) parquetFile(rows []*person) []byte {
	text := func(name string) pt.Node {
		return pt.Node{Name: name, Repetition: pt.Optional, Type: pt.Bytes, Logical: 1}
	}
	group := func(name string, logical int, fields ...pt.Node) pt.Node {
		return pt.Node{Name: name, Repetition: pt.Optional, Type: pt.Group, Logical: logical, Children: fields}
	}
	fields := []pt.Node{
		{Name: "marketing_id", Type: pt.Bytes, Logical: 1},
		text("email"), text("full_name"), text("title"), text("phone"),
		group("company", 0, text("name"), text("website"), text("industry"),
			pt.Node{Name: "employees", Repetition: pt.Optional, Type: pt.Int32},
			pt.Node{Name: "revenue", Repetition: pt.Optional, Type: pt.Int64, Logical: 5, Precision: 15, Scale: 2}),
		group("address", 0, text("street"), text("city"), text("postal_code"), text("country")),
		group("traits", 0,
			pt.Node{Name: "score", Repetition: pt.Optional, Type: pt.Double},
			pt.Node{Name: "newsletter", Repetition: pt.Optional, Type: pt.Boolean},
			pt.Node{Name: "segment", Repetition: pt.Optional, Type: pt.Bytes, Logical: 4}, text("plan_name"),
			pt.Node{Name: "trial_ends", Repetition: pt.Optional, Type: pt.Int32, Logical: 6}),
		{Name: "first_seen", Type: pt.Int64, Logical: 8, Unit: 2, UTC: true},
		text("source"), text("rating"), text("notes"),
		group("visits", 3, pt.Node{Name: "list", Repetition: pt.Repeated, Type: pt.Group, Children: []pt.Node{{Name: "element", Type: pt.Int32, Logical: 6}}}),
		group("consent", 2, pt.Node{Name: "key_value", Repetition: pt.Repeated, Type: pt.Group, Children: []pt.Node{
			{Name: "key", Type: pt.Bytes, Logical: 1}, {Name: "value", Type: pt.Boolean},
		}}),
	}
	var groups []pt.RowGroup
	for from := 0; from < len(rows); from += 300 {
		part := rows[from:min(from+300, len(rows))]
		leaves := make([][]pt.Entry, 26)
		for _, p := range part {
			for i, entries := range g.entries(p) {
				leaves[i] = append(leaves[i], entries...)
			}
		}
		groups = append(groups, pt.RowGroup{Rows: len(part), Leaves: leaves})
	}
	return pt.Write(fields, groups, pt.Options{Snappy: true, Dictionary: true, V2: true, Checksums: true, PageSize: 100})
}

// entries are a person's entries of every leaf.
func (g *generator) entries(p *person) [][]pt.Entry {
	value := func(def int, cell string, stored func(string) []byte) []pt.Entry {
		if cell == "" {
			return []pt.Entry{{Def: def - 1}}
		}
		return []pt.Entry{{Def: def, Value: stored(cell)}}
	}
	bytes := func(s string) []byte { return []byte(s) }
	int32s := func(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(int32(n))) }
	number := func(s string) []byte { return int32s(must(strconv.Atoi(s))) }
	cents := func(s string) []byte {
		return binary.LittleEndian.AppendUint64(nil, uint64(100*must(strconv.ParseInt(strings.ReplaceAll(s, ",", ""), 10, 64))))
	}
	float := func(s string) []byte {
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(must(strconv.ParseFloat(s, 64))))
	}
	yes := func(s string) []byte {
		if strings.ContainsAny(s[:1], "yYj1") {
			return []byte{1}
		}
		return []byte{0}
	}
	day := func(s string) []byte { return int32s(int(must(time.Parse("02.01.2006", s)).Unix() / 86400)) }
	seen := must(time.Parse(time.RFC3339, p.firstSeen))
	out := [][]pt.Entry{
		{{Value: []byte(p.id)}},
		value(1, p.email, bytes), value(1, p.name, bytes), value(1, p.title, bytes), value(1, p.phone, bytes),
		value(2, p.company, bytes), value(2, p.website, bytes), value(2, p.industry, bytes), value(2, p.employees, number), value(2, p.revenue, cents),
		value(2, p.street, bytes), value(2, p.city, bytes), value(2, p.postal, bytes), value(2, p.country, bytes),
		value(2, p.score, float), value(2, p.newsletter, yes), value(2, p.segment, bytes), value(2, p.plan, bytes), value(2, p.trialEnds, day),
		{{Value: binary.LittleEndian.AppendUint64(nil, uint64(seen.UnixMicro()))}},
		value(1, p.source, bytes), value(1, p.rating, bytes), value(1, p.notes, bytes),
	}
	visits := []pt.Entry{{Def: 1}}
	for i := range g.IntN(4) {
		e := pt.Entry{Rep: min(i, 1), Def: 2, Value: int32s(int(seen.Unix()/86400) + i*7)}
		visits = append(visits[:i], e)
	}
	keys, values := []pt.Entry{{}}, []pt.Entry{{}}
	if g.IntN(3) > 0 {
		keys, values = keys[:0], values[:0]
		for i, k := range []string{"email", "phone"} {
			keys = append(keys, pt.Entry{Rep: i, Def: 2, Value: []byte(k)})
			values = append(values, pt.Entry{Rep: i, Def: 2, Value: []byte{byte(g.IntN(2))}})
		}
	}
	return append(out, visits, keys, values)
}

// must gives a value read from a cell that this program wrote itself.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
