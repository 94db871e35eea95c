package program

import (
	"slices"

	"sfsync/mapping/schema"
	"sfsync/mapping/syntax"
)

// Find only looks for records: the operation of Plan.Finds. No mapping can name it.
const Find syntax.Operation = "find"

// Updates reports whether the target never creates records: an upsert by Id cannot either.
func (t *Target) Updates() bool {
	switch t.Operation {
	case syntax.Update, syntax.Delete, Find:
		return true
	case syntax.Upsert:
		return len(t.Keys) == 1 && len(t.Keys[0].Fields) == 1 && t.Keys[0].Fields[0].Type == schema.ID
	}
	return false
}

// Writable reports whether an operation can set a field.
func Writable(f *schema.Field, op syntax.Operation) bool {
	switch op {
	case syntax.Insert, syntax.Publish:
		return f.Createable
	case syntax.Update:
		return f.Updateable
	case syntax.Delete:
		return false
	case Find:
		return true
	}
	return f.Createable || f.Updateable
}

// writable is [Writable] for the target's operation.
func (t *Target) writable(f *schema.Field) bool {
	if t.Operation == syntax.Upsert && t.Updates() { // by Id
		return Writable(f, syntax.Update)
	}
	return Writable(f, t.Operation)
}

// InKeys reports whether a field is of a key, and whether it is one all by itself.
func (t *Target) InKeys(f *schema.Field) (part, whole bool) {
	for _, k := range t.Keys {
		if slices.Contains(k.Fields, f) {
			part = true
			whole = whole || len(k.Fields) == 1
		}
	}
	return part, whole
}
