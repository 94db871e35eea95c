package syntax

import (
	"fmt"
	"path/filepath"
	"strings"
)

// renderer writes a File a line a thing, with line:column behind what has a place, and only
// what is not as it is by default.
type renderer struct{ strings.Builder }

func render(f *File) string {
	var b renderer
	b.printf("version %d name %s%s\n", f.Version, f.Name, b.str(" schema", f.Schema)+b.str(" preset", f.Preset))
	b.printf("source")
	for _, s := range f.Source.Files {
		b.printf("%s", b.str(" file", s))
	}
	b.printf(" format %s csv %q events %s gate %v duplicates %s\n", f.Source.Format, f.Source.CSV, f.Source.Events, f.Source.Gate, f.Source.Duplicates)
	for _, t := range f.Targets {
		b.target(t)
	}
	for _, t := range f.Tests {
		b.printf("test%s\n", b.str("", t.Name))
		for _, r := range t.Rows {
			b.printf("  row%s\n", b.str("", r))
		}
		for _, e := range t.Expect {
			b.printf("  expect row %d%s%s", e.Row, b.str(" target", e.Target), b.str(" error", e.Code))
			if e.Skipped {
				b.printf(" skipped")
			}
			for _, x := range e.Fields {
				b.printf("%s", b.str(" field", x.Field))
				if x.Value == nil {
					b.printf("=null")
				} else {
					b.printf("=%s", b.str("", *x.Value))
				}
			}
			for _, a := range e.Absent {
				b.printf("%s", b.str(" absent", a))
			}
			b.printf("\n")
		}
	}
	return b.String()
}

func (b *renderer) printf(format string, args ...any) { fmt.Fprintf(b, format, args...) }

func (b *renderer) str(name string, s Str) string {
	if s == (Str{}) {
		return ""
	}
	if name != "" {
		name += " "
	}
	place := fmt.Sprintf("%d:%d", s.Pos.Line, s.Pos.Column)
	if strings.HasPrefix(s.Pos.File, PresetFile("")) {
		place = "preset:" + place
	}
	return fmt.Sprintf("%s%q@%s", name, filepath.ToSlash(s.Value), place)
}

func (b *renderer) opt(name string, s *Str) string {
	if s == nil {
		return ""
	}
	return b.str(" "+name, *s)
}

func (b *renderer) target(t *Target) {
	b.printf("target%s @%d:%d%s %s", b.str("", t.Name), t.Pos.Line, t.Pos.Column, b.str(" object", t.Object), t.Operation)
	for _, key := range t.Keys {
		b.printf(" key")
		for _, part := range key {
			b.printf(" %s", b.str("", part))
		}
	}
	if t.Match.Value != "" {
		b.printf(" match %s", t.Match.Value)
	}
	b.printf(" on_many %s%s%s%s%s", t.OnMany, b.str(" on_converted", t.OnConverted), b.str(" org", t.Org), b.str(" track", t.Track), b.str(" when", t.When))
	b.printf(" order %s batch %d backup %v rest %s missing-ignore %v custom %s\n", t.Order, t.Batch, t.BackupAlways, t.Rest, t.MissingIgnore, b.refs(t.Custom))
	b.rules("  ", t.Fields)
}

func (b *renderer) rules(indent string, rules []*Rule) {
	for _, r := range rules {
		b.printf("%s%s from %s%s%s%s%s%s always %v blank %s", indent, b.str("", r.Field), b.refs(r.From), b.opt("value", r.Value), b.opt("expr", r.Expr),
			b.opt("record_type", r.RecordType), b.opt("ref", r.RefTo), b.opt("default", r.Default), r.DefaultAlways, r.Blank)
		if r.OnlyIfEmpty {
			b.printf(" only_if empty")
		}
		if r.MissingIgnore {
			b.printf(" missing ignore")
		}
		if v := r.Values; v != nil {
			b.printf(" values@%d:%d %q unmapped %s", v.Pos.Line, v.Pos.Column, filepath.ToSlash(v.Path), v.Unmapped)
			if v.Columns != nil {
				b.printf(" columns %s", b.refs(v.Columns))
			}
			for _, e := range v.Entries {
				b.printf(" %s→%s", b.str("", e.From), b.str("", e.To))
			}
		}
		if l := r.Lookup; l != nil {
			b.printf(" lookup@%d:%d%s%s create %v", l.Pos.Line, l.Pos.Column, b.str("", l.Object), b.str("", l.Field), l.Create)
		}
		b.printf("\n")
		if r.Lookup != nil {
			b.rules(indent+"  ", r.Lookup.Fields)
		}
	}
}

func (b *renderer) refs(refs []Ref) string {
	var out []string
	for _, r := range refs {
		s := fmt.Sprintf("%q@%d:%d", r.Name, r.Pos.Line, r.Pos.Column)
		if r.Expr != nil {
			s = "expr " + b.str("", *r.Expr)
		}
		for _, c := range r.Transforms {
			s += fmt.Sprintf(" | %s@%d:%d(", c.Name, c.Pos.Line, c.Pos.Column)
			for i, a := range c.Args {
				if i > 0 {
					s += ", "
				}
				s += b.str("", a)
			}
			s += ")"
		}
		out = append(out, s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
