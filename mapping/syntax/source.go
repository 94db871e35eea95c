package syntax

import (
	"strings"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"

	"sfsync/mapping/diag"
	"sfsync/mapping/spec"
	"sfsync/mapping/yamlnode"
)

func (p *parser) source(n *yamlnode.Node) Source {
	s := Source{Format: "auto", CSV: CSV{Delimiter: "auto", Encoding: "auto", Null: []string{""}}, Events: "none", Duplicates: "in_order"}
	if n == nil {
		return s
	}
	o, ok := p.object(n, spec.AtSource)
	if !ok {
		return s
	}
	for _, path := range o.texts("files") {
		path.Value = p.relative(path.Value)
		s.Files = append(s.Files, path)
	}
	if w := o.word("format"); w != "" {
		s.Format = w
	}
	if w := o.word("events"); w != "" {
		s.Events = w
	}
	s.Gate = s.Events != "none" && o.word("gate") != "false"
	if o.has("gate") && s.Events == "none" && (o.get("events") != nil || !o.has("events")) {
		p.list.Warnf(o.seen["gate"], codeNoEffect, "", `"gate" has no effect without events: rudderstack`)
	}
	if w := o.word("duplicates"); w != "" {
		s.Duplicates = w
	}
	csv := o.get("csv")
	if csv == nil {
		return s
	}
	if s.Format == "jsonl" {
		p.list.Warnf(csv.Pos, codeNoEffect, "", `"csv" has no effect on format jsonl`)
	}
	if o, ok = p.object(csv, spec.AtCSV); !ok {
		return s
	}
	s.CSV.Delimiter = p.delimiter(o.text("delimiter"))
	s.CSV.Encoding = p.encoding(o.text("encoding"))
	if o.get("null") != nil {
		s.CSV.Null = []string{}
		for _, t := range o.texts("null") {
			s.CSV.Null = append(s.CSV.Null, t.Value)
		}
	}
	return s
}

// delimiter checks what separates cells and returns it as the character it is, or "auto".
func (p *parser) delimiter(s Str) string {
	switch s.Value {
	case "", "auto":
		if s.node != nil && s.Value == "" {
			p.list.Errorf(s.Pos, codeValueMissing, `for example ";" or tab`, `"delimiter" is blank`)
		}
		return "auto"
	case "comma":
		return ","
	case "tab":
		return "\t"
	case "semicolon":
		return ";"
	case "pipe":
		return "|"
	}
	if r := []rune(s.Value); len(r) != 1 {
		words := p.places[spec.AtCSV].Key("delimiter").Words
		hint := p.list.DidYouMean(s.Value, words)
		if hint == "" {
			hint = `for example ";" or tab`
		}
		p.list.Errorf(s.Pos, codeValueInvalid, hint, `"delimiter" is %q; it must be %s, or a single character`, diag.Cut(s.Value), oneOf(words))
	} else if strings.ContainsRune("\"\r\n", r[0]) {
		p.list.Errorf(s.Pos, codeValueInvalid, "", `"delimiter" cannot be %q`, s.Value)
	}
	return s.Value
}

// encoding checks the name of a text encoding.
func (p *parser) encoding(s Str) string {
	if s.Value == "" || s.Value == "auto" {
		if s.node != nil && s.Value == "" {
			p.list.Errorf(s.Pos, codeValueMissing, "for example windows-1252", `"encoding" is blank`)
		}
		return "auto"
	}
	if _, err := htmlindex.Get(s.Value); err == nil {
		return s.Value
	}
	if e, err := ianaindex.IANA.Encoding(s.Value); err == nil && e != nil {
		return s.Value
	}
	known := []string{
		"auto", "utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
		"windows-1256", "windows-1257", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-9", "iso-8859-15", "macintosh",
		"ibm866", "koi8-r", "shift_jis", "euc-jp", "gbk", "gb18030", "big5", "euc-kr",
	}
	hint := p.list.DidYouMean(s.Value, known)
	if hint == "" {
		hint = "for example windows-1252 or iso-8859-15"
	}
	p.list.Errorf(s.Pos, codeValueInvalid, hint, "unknown encoding %q", diag.Cut(s.Value))
	return s.Value
}
