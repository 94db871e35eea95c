// Package event is what a mapping and the reader of events have to agree on: how the columns of an
// event are called, which records events name themselves, and why an event is skipped.
//
// The events are those of RudderStack's event stream: identify and track calls with traits, and with
// the records of a destination under context.externalId (RudderStack docs, "Salesforce destination").
package event

import (
	"strconv"
	"strings"
)

// RudderStack is the word of source.events for rows that are events.
const RudderStack = "rudderstack"

// The columns of every event that the mapping itself looks at.
const (
	// Type is the kind of the event: identify, track, page …
	Type = "type"
	// Name is the name of a track event.
	Name = "event"
	// Routed is there if the event names records of its own: see [Entry].
	Routed = Prefix + "*"
)

// Traits begins the column of a trait: traits.email, traits.address.city.
const Traits = "traits."

// Prefix begins the type of an entry of context.externalId that is ours, in any case.
const Prefix = "Salesforce-"

// The codes of rows that are skipped or fail as events.
const (
	CodeNotEnabled = "NOT_ENABLED"
	CodeType       = "EVENT_TYPE"
	// CodeRouted: the event names its records itself, and the target is none of them.
	CodeRouted = "ROUTED"
	// CodeNoEntry: the target is for events that name its object, which this one does not.
	CodeNoEntry = "NO_ENTRY"
	// CodeNoTraits: there is nothing to send.
	CodeNoTraits = "NO_TRAITS"
	// CodeExternalID: context.externalId is not what it should be.
	CodeExternalID = "BAD_EXTERNAL_ID"
	// CodeObject: an entry names what cannot be written.
	CodeObject = "UNKNOWN_OBJECT"
	// CodeTooMany: more kinds of records than a run takes, or of one kind than an event may name.
	CodeTooMany = "TOO_MANY_OBJECTS"
)

// The limits on the records that events name.
const (
	// MaxEntries is the most kinds of entries in an input: each is a target of the run.
	MaxEntries = 50
	// MaxOfOne is the most entries of one kind in one event.
	MaxOfOne = 10
	// MaxName is the longest name of an object or field, in bytes: API names are shorter.
	MaxName = 120
)

// Entry is a kind of entry of context.externalId: events name records of an object in it.
type Entry struct {
	// Object is the API name, first as the events have it, then as the schema does.
	Object string
	// Field is the field that finds the record, the entry's identifierType; "" for the record's id.
	Field string
	// New is set for entries without an id and a field: they make a record.
	New bool
	// Nth numbers the entries of one kind in one event, from 1.
	Nth int
	// Refused says why such records cannot be sent; empty if they can.
	Refused string
}

// Column is the name of the column that has the entry's id, and of the target that takes it:
// Salesforce-Account, Salesforce-Visit__c.Key__c, Salesforce-Account:new, Salesforce-Account:2.
func (e *Entry) Column() string {
	s := Prefix + e.Object
	if e.Field != "" {
		s += "." + e.Field
	}
	if e.New {
		s += ":new"
	}
	if e.Nth > 1 {
		s += ":" + strconv.Itoa(e.Nth)
	}
	return s
}

// Column returns the column of a trait that custom: names, with or without the prefix of traits.
func Column(trait string) string {
	if strings.HasPrefix(trait, Traits) {
		return trait
	}
	return Traits + trait
}

// Trait takes the column of a trait apart: the trait's own key, and the name that it goes by as a
// field: that of the member of a nested one is joined to it by "_". ok is false for other columns.
func Trait(column string) (key, field string, ok bool) {
	path, ok := strings.CutPrefix(column, Traits)
	if !ok || path == "" {
		return "", "", false
	}
	key, _, _ = strings.Cut(path, ".")
	return key, strings.ReplaceAll(path, ".", "_"), true
}

// NeverCopied reports whether a trait only goes where a rule of the mapping names it.
func NeverCopied(trait string) bool {
	switch trait {
	case "age", "anonymousId", "avatar", "birthday", "gender", "id", "name", "userId":
		return true
	}
	return false
}

// Remedy says what to do about rows with one of the codes, or "" for a code of others.
func Remedy(code string) string {
	switch code {
	case CodeNotEnabled:
		return `set integrations: {"Salesforce": true} where the event is made, or say gate: false under source`
	case CodeType:
		return "nothing, if such events are not meant; a target with track: takes the track event of that name"
	case CodeRouted, CodeNoEntry:
		return "nothing: the event says in context.externalId which records it is for"
	case CodeNoTraits:
		return "an identify event needs traits, or context.traits"
	case CodeExternalID:
		return "correct context.externalId: a list of {type, id} objects"
	case CodeObject:
		return "name an object and field that the org has, in context.externalId; without an org, describe it in the schema"
	case CodeTooMany:
		return "split the input: a run takes 50 kinds of records that events name themselves, and ten of one kind in an event"
	}
	return ""
}
