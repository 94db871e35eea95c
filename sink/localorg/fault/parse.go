package fault

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"sfsync/mapping/diag"
	"sfsync/mapping/yamlnode"
)

// The codes of this package's diagnostics.
const (
	CodeKind    = "fault-kind"
	CodeKey     = "fault-key"
	CodeValue   = "fault-value"
	CodeOn      = "fault-on"
	CodeNothing = "fault-nothing"
	CodeBoth    = "fault-both"
	CodeLimit   = "fault-limit"
)

// maxRules bounds a faults file, and maxNth the places of a rule: every rule is looked at for every
// request and record.
const (
	maxRules = 1000
	maxNth   = 1000
)

// Parse reads a faults file. The diagnostics name all that is wrong; if one is an error the rules
// must not be used.
func Parse(file string, text []byte) ([]Rule, []diag.Diagnostic) {
	var list diag.List
	n := yamlnode.Parse(file, text, &list)
	if n == nil || n.Broken {
		return nil, list.All()
	}
	p := &parser{list: &list}
	switch {
	case n.IsNull():
	case n.Kind != yamlnode.Seq:
		list.Errorf(n.Pos, CodeKind, `begin each rule with a dash: - {on: "POST /composite", nth: 3, status: 503}`, "a faults file is a list of rules, not %s", n.Kind)
	case len(n.Items) > maxRules:
		list.Errorf(n.Pos, CodeLimit, "", "the file has %d rules, more than the %d allowed", len(n.Items), maxRules)
	default:
		for _, item := range n.Items {
			p.rule(item)
		}
	}
	return p.rules, list.All()
}

type parser struct {
	list  *diag.List
	rules []Rule
}

func (p *parser) errorf(n *yamlnode.Node, code, hint, format string, args ...any) {
	if !n.Broken {
		p.list.Errorf(n.Pos, code, hint, format, args...)
	}
}

// ruleKeys are the keys of a rule.
func ruleKeys() []string {
	return []string{"on", "rows", "nth", "rate", "after", "times", "status", "code", "message", "body", "drop", "delay", "expire"}
}

func (p *parser) rule(n *yamlnode.Node) {
	if n.Kind != yamlnode.Map {
		p.errorf(n, CodeKind, `a rule looks like {on: "POST /composite", nth: 3, status: 503}`, "a rule is a map, not %s", n.Kind)
		return
	}
	r := Rule{Method: "*", Path: "*"}
	before := len(p.list.All())
	found := p.keys(n, ruleKeys())
	p.where(&r, found)
	p.when(&r, found)
	p.what(&r, found)
	if len(p.list.All()) == before {
		p.sense(&r, n, found)
	}
	r.Action.complete(r.Rows)
	p.rules = append(p.rules, r)
}

// keys returns a map's values by key and names the keys that there are not.
func (p *parser) keys(n *yamlnode.Node, names []string) map[string]*yamlnode.Node {
	found := make(map[string]*yamlnode.Node, len(n.Pairs))
	for _, pair := range n.Pairs {
		if !slices.Contains(names, pair.Key.Text) {
			p.errorf(pair.Key, CodeKey, diag.DidYouMean(pair.Key.Text, names), "unknown key %q; a rule has %s", pair.Key.Text, strings.Join(names, ", "))
			continue
		}
		found[pair.Key.Text] = pair.Value
	}
	return found
}

// text returns a single value; a nil node has none.
func (p *parser) text(n *yamlnode.Node, key string) (string, bool) {
	if n == nil {
		return "", false
	}
	if n.Kind != yamlnode.Scalar || n.IsNull() || n.Text == "" {
		p.errorf(n, CodeValue, "", "%s needs a value", key)
		return "", false
	}
	return n.Text, true
}

func (p *parser) where(r *Rule, found map[string]*yamlnode.Node) {
	if n := found["on"]; n != nil {
		p.on(r, n)
	}
	n := found["rows"]
	if n == nil {
		return
	}
	r.Rows = true
	if n.Kind != yamlnode.Map {
		p.errorf(n, CodeKind, "rows: {object: Lead, rate: 0.01}", "rows is a map, not %s", n.Kind)
		return
	}
	in := p.keys(n, []string{"object", "rate"})
	if name, ok := p.text(in["object"], "object"); ok && name != "*" {
		r.Object = name
	}
	if rate := in["rate"]; rate != nil {
		r.Rate = p.rate(rate)
	}
	if twice := found["rate"]; twice != nil && in["rate"] != nil {
		p.errorf(twice, CodeBoth, "leave one out", "rate is given twice, here and in rows")
	}
}

// methods are the methods that the platform's resources know.
func methods() []string {
	return []string{"*", http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodHead}
}

func (p *parser) on(r *Rule, n *yamlnode.Node) {
	const hint = `on: "POST /composite", or "* *" for every request`
	text, ok := p.text(n, "on")
	if !ok {
		return
	}
	method, pattern, _ := strings.Cut(text, " ")
	pattern = strings.TrimSpace(pattern)
	method = strings.ToUpper(method)
	at := func(offset int) *yamlnode.Node { return &yamlnode.Node{Pos: n.At(offset)} }
	if !slices.Contains(methods(), method) {
		p.errorf(at(0), CodeOn, diag.DidYouMean(method, methods()), "unknown method %q; a place is a method and a path, such as \"POST /composite\"", method)
		return
	}
	start := at(strings.Index(text, pattern))
	switch {
	case pattern == "":
		p.errorf(at(len(text)), CodeOn, hint, "the path is missing")
		return
	case pattern == "*":
	case !strings.HasPrefix(pattern, "/"):
		p.errorf(start, CodeOn, hint, "the path %q does not begin with a slash", pattern)
		return
	case strings.HasPrefix(strings.ToLower(pattern), "/services/data/v"):
		p.errorf(start, CodeOn, "leave /services/data/vNN.0 out", "paths begin behind the version")
		return
	default:
		if strings.Count(pattern, "**") > 1 {
			p.errorf(start, CodeOn, "", "a path has at most one **")
			return
		}
		for _, s := range segments(pattern) {
			if _, err := path.Match(s, ""); err != nil {
				p.errorf(start, CodeOn, "brackets hold a set of letters, and a backslash takes the letter behind it as it is", "the path %q cannot be read", pattern)
				return
			}
		}
	}
	r.Method, r.Path = method, pattern
}

func (p *parser) when(r *Rule, found map[string]*yamlnode.Node) {
	if n := found["nth"]; n != nil {
		items := []*yamlnode.Node{n}
		if n.Kind == yamlnode.Seq {
			items = n.Items
		}
		if len(items) == 0 || len(items) > maxNth {
			p.errorf(n, CodeLimit, "", "nth has 1 to %d places", maxNth)
			items = nil
		}
		for _, item := range items {
			r.Nth = append(r.Nth, p.count(item, "nth", 1))
		}
	}
	if n := found["after"]; n != nil {
		r.After = p.count(n, "after", 0)
	}
	if n := found["times"]; n != nil {
		r.Times = p.count(n, "times", 1)
	}
	if n := found["rate"]; n != nil {
		r.Rate = p.rate(n)
	}
}

func (p *parser) count(n *yamlnode.Node, key string, low int64) int64 {
	text, ok := p.text(n, key)
	if !ok {
		return low
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < low {
		p.errorf(n, CodeValue, "", "%s is a whole number from %d, not %q", key, low, text)
	}
	return v
}

func (p *parser) rate(n *yamlnode.Node) float64 {
	text, ok := p.text(n, "rate")
	if !ok {
		return 0
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v <= 1) {
		p.errorf(n, CodeValue, "0.01 is one in a hundred", "rate is a share above 0 and up to 1, not %q", text)
		return 0
	}
	return v
}

func (p *parser) what(r *Rule, found map[string]*yamlnode.Node) {
	a := &r.Action
	if n := found["status"]; n != nil {
		if text, ok := p.text(n, "status"); ok {
			v, err := strconv.Atoi(text)
			page := v == 200 && found["body"] != nil
			if err != nil || (v < 300 || v > 599) && !page {
				p.errorf(n, CodeValue, "", "status is an HTTP status from 300 to 599, not %q", text)
			}
			a.Status = v
		}
	}
	a.Code, _ = p.text(found["code"], "code")
	a.Message, _ = p.text(found["message"], "message")
	a.Body, _ = p.text(found["body"], "body")
	if n := found["drop"]; n != nil {
		a.Drop = p.drop(n)
	}
	if n := found["delay"]; n != nil {
		if text, ok := p.text(n, "delay"); ok {
			v, err := time.ParseDuration(text)
			if err != nil || v <= 0 || v > maxDelay {
				p.errorf(n, CodeValue, "", "delay is a time such as 150ms or 2s, at most %v, not %q", maxDelay, text)
			}
			a.Delay = v
		}
	}
	if n := found["expire"]; n != nil {
		if text, ok := p.text(n, "expire"); ok && text != "session" {
			p.errorf(n, CodeValue, "expire: session", "what expires is a session, not %q", text)
		}
		a.Expire = true
	}
}

func (p *parser) drop(n *yamlnode.Node) Drop {
	text, ok := p.text(n, "drop")
	switch {
	case !ok:
	case text == "before":
		return DropBefore
	case text == "after":
		return DropAfter
	default:
		p.errorf(n, CodeValue, diag.DidYouMean(text, []string{"before", "after"}), "drop is before or after (the commit), not %q", text)
	}
	return 0
}

// sense refuses what each for itself is right and together means nothing.
func (p *parser) sense(r *Rule, n *yamlnode.Node, found map[string]*yamlnode.Node) {
	a := &r.Action
	answers := ""
	for _, key := range []string{"status", "code", "message", "body"} {
		if found[key] != nil {
			answers = key
			break
		}
	}
	clash := func(key, with string) {
		p.errorf(found[key], CodeBoth, "make them two rules", "%s and %s exclude each other", key, with)
	}
	switch {
	case answers == "" && a.Drop == 0 && a.Delay == 0 && !a.Expire:
		p.errorf(n, CodeNothing, "give it a status, a code, a drop, a delay or an expire", "the rule does nothing")
	case answers == "message":
		p.errorf(found["message"], CodeNothing, "give the rule a code", "a message without a code")
	case r.Rows && (found["status"] != nil || found["body"] != nil || found["drop"] != nil || found["expire"] != nil):
		for _, key := range []string{"status", "body", "drop", "expire"} {
			if found[key] != nil {
				p.errorf(found[key], CodeBoth, "records fail with a code, and may have a delay", "%s is about requests, not about rows", key)
			}
		}
	case a.Drop != 0 && answers != "":
		clash(answers, "drop")
	case a.Expire && answers != "":
		clash(answers, "expire")
	case a.Expire && a.Drop != 0:
		clash("drop", "expire")
	}
}
