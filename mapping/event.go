package mapping

import (
	"strings"

	"sfsync/mapping/convert"
	"sfsync/mapping/event"
	"sfsync/mapping/program"
)

// events compiles which events the target takes: those of one name with track:, else identify events.
// Of the latter, those that name records of their own go to these alone. Rows of sources without
// events are taken all.
func (c *planner) events() {
	t, out := c.target, c.out
	out.Code.Traits = c.file.Source.Events == event.RudderStack
	if out.Code.Made || !out.Code.Traits {
		return
	}
	e := &program.Events{
		Type: c.plan.Add(event.Type, t.Pos, 0), Name: -1, Entry: -1, Routed: -1,
		OtherType: Problem{Code: event.CodeType, Message: "event-type: the target takes identify events"},
		IsRouted:  Problem{Code: event.CodeRouted, Message: "the event names its records itself, in context.externalId"},
	}
	switch e.Event = strings.TrimSpace(t.Track.Value); {
	case e.Event != "":
		e.Name = c.plan.Add(event.Name, t.Track.Pos, 0)
		e.OtherType.Message = "event-type: the target takes the track event " + convert.Quote(e.Event)
	case t.Entry.Value != "":
		e.Entry = c.plan.Add(t.Entry.Value, t.Entry.Pos, 0)
		e.NoEntry = Problem{Code: event.CodeNoEntry, Message: "the event names no record for " + t.Entry.Value}
	case len(c.file.Source.Entries) > 0:
		e.Routed = c.plan.Add(event.Routed, t.Pos, 0)
	}
	out.Code.Events = e
}

// traitRef returns what custom: names: in events a trait, with or without "traits." before it.
func (c *planner) traitRef(ref *Ref) *Ref {
	if !c.out.Code.Traits {
		return ref
	}
	trait := *ref
	trait.Name = event.Column(ref.Name)
	return &trait
}

// ownTraits notes the traits that the target's rules name, from a mention of a column on.
func (c *planner) ownTraits(from int) {
	if !c.out.Code.Traits {
		return
	}
	c.out.Code.Owned = make(map[string]bool)
	for _, name := range c.plan.Mentioned(from) {
		if trait, _, ok := event.Trait(name); ok {
			c.out.Code.Owned[trait] = true
		}
	}
	for _, name := range c.target.Passed {
		if trait, _, ok := event.Trait(name.Value); ok {
			c.out.Code.Owned[trait] = true
		}
	}
}
