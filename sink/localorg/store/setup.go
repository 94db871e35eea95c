package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rules"
)

// SetupError says that a schema has rules that cannot be compiled.
type SetupError struct{ error }

// compileRules compiles the rules of the objects that have any.
func compileRules(defs []catalog.Definition) (map[string]*rules.Set, error) {
	sets := map[string]*rules.Set{}
	for _, d := range defs {
		s, err := rules.Compile(d.Object)
		if err != nil {
			return nil, &SetupError{err}
		}
		if s != nil {
			sets[d.Object.Name] = s
		}
	}
	return sets, nil
}

// ruleSet returns the rules of an object, nil if there are none.
func (tx *Tx) ruleSet(o *catalog.Object) *rules.Set { return (*tx.s.rules.Load())[o.Def.Name] }

// mergeSetup adds the record types and queues that def lacks, and takes over the rules of add: one of a name that
// the org has replaces it, since no record depends on it. It returns what is new in words.
func (tx *Tx) mergeSetup(def, add *schema.Object, defs map[string]catalog.Definition) ([]string, error) {
	var names []string
	say := func(kind, name string) { names = append(names, def.Name+" "+kind+" "+name) }
	def.RecordTypes, def.Queues = slices.Clone(def.RecordTypes), slices.Clone(def.Queues)
	for _, t := range add.RecordTypes {
		if slices.ContainsFunc(def.RecordTypes, func(h schema.RecordType) bool { return strings.EqualFold(h.DeveloperName, t.DeveloperName) }) {
			continue
		}
		if t.ID == "" {
			id, err := tx.setupID("RecordType")
			if err != nil {
				return nil, err
			}
			t.ID = id
		}
		if !t.Master {
			say("record type", t.DeveloperName)
			if err := tx.seedRecordType(def, t); err != nil {
				return nil, err
			}
		}
		def.RecordTypes = append(def.RecordTypes, t)
	}
	for _, q := range add.Queues {
		if slices.ContainsFunc(def.Queues, func(h schema.Queue) bool { return strings.EqualFold(h.DeveloperName, q.DeveloperName) }) {
			continue
		}
		if err := tx.addQueue(def, &q, defs); err != nil {
			return nil, err
		}
		say("queue", q.DeveloperName)
		def.Queues = append(def.Queues, q)
	}
	return names, tx.mergeRules(def, add, say)
}

func (tx *Tx) mergeRules(def, add *schema.Object, say func(kind, name string)) error {
	r := &def.Rules
	r.Validation, r.Duplicate, r.Assignment = slices.Clone(r.Validation), slices.Clone(r.Duplicate), slices.Clone(r.Assignment)
	for _, v := range add.Rules.Validation {
		i := slices.IndexFunc(r.Validation, func(h schema.ValidationRule) bool { return strings.EqualFold(h.Name, v.Name) })
		pos := v.Pos
		switch {
		case i < 0:
			r.Validation = append(r.Validation, v)
			say("validation rule", v.Name)
		default:
			old := r.Validation[i]
			if old.Pos = pos; old != v {
				say("validation rule", v.Name)
			}
			r.Validation[i] = v
		}
	}
	for _, d := range add.Rules.Duplicate {
		i := slices.IndexFunc(r.Duplicate, func(h schema.DuplicateRule) bool { return strings.EqualFold(h.Name, d.Name) })
		if i < 0 {
			r.Duplicate = append(r.Duplicate, d)
			say("duplicate rule", d.Name)
			continue
		}
		if old := r.Duplicate[i]; !slices.Equal(old.Match, d.Match) || old.Alert != d.Alert || old.Message != d.Message || old.Inactive != d.Inactive {
			say("duplicate rule", d.Name)
		}
		r.Duplicate[i] = d
	}
	for _, a := range add.Rules.Assignment {
		if a.ID != "" {
			a.ID = schema.ID18(a.ID)
		}
		i := slices.IndexFunc(r.Assignment, func(h schema.AssignmentRule) bool { return strings.EqualFold(h.Name, a.Name) })
		if i >= 0 {
			old := r.Assignment[i]
			if a.ID == "" {
				a.ID = old.ID
			}
			if !sameEntries(old.Entries, a.Entries) || old.Inactive != a.Inactive || old.ID != a.ID {
				say("assignment rule", a.Name)
			}
			r.Assignment[i] = a
		} else {
			if a.ID == "" {
				id, err := tx.setupID("AssignmentRule")
				if err != nil {
					return err
				}
				a.ID = id
			}
			r.Assignment = append(r.Assignment, a)
			say("assignment rule", a.Name)
		}
		if err := tx.seedAssignmentRule(def, a); err != nil {
			return err
		}
	}
	return nil
}

func sameEntries(a, b []schema.AssignmentEntry) bool {
	return slices.EqualFunc(a, b, func(x, y schema.AssignmentEntry) bool { return x.When == y.When && x.Owner == y.Owner })
}

// setupID returns a new id for a record of an object that the org keeps its setup in.
func (tx *Tx) setupID(object string) (string, error) {
	o := tx.s.Catalog().Object(object)
	if o == nil {
		return "", fmt.Errorf("the local org has no %s", object)
	}
	next, err := tx.nextNumber(o, 1)
	return catalog.MakeID(o.Def.KeyPrefix, tx.s.instance, next), err
}

// addQueue gives a queue its id, that of the queue of the name if another object has it, and records it.
func (tx *Tx) addQueue(def *schema.Object, q *schema.Queue, defs map[string]catalog.Definition) error {
	for _, d := range defs {
		for _, other := range d.Object.Queues {
			if strings.EqualFold(other.DeveloperName, q.DeveloperName) {
				q.ID = other.ID
				return tx.seedQueueFor(def, *q)
			}
		}
	}
	var err error
	if q.ID, err = tx.setupID("Group"); err != nil {
		return err
	}
	if err := tx.seedQueue(*q); err != nil {
		return err
	}
	return tx.seedQueueFor(def, *q)
}

func (tx *Tx) seedRecordType(def *schema.Object, t schema.RecordType) error {
	active := int64(0)
	if t.Active {
		active = 1
	}
	return tx.seedSetup("RecordType", t.ID, map[string]any{"Name": t.Name, "DeveloperName": t.DeveloperName, "SobjectType": def.Name, "IsActive": active})
}

func (tx *Tx) seedQueue(q schema.Queue) error {
	return tx.seedSetup("Group", q.ID, map[string]any{"Name": q.Name, "DeveloperName": q.DeveloperName, "Type": "Queue"})
}

func (tx *Tx) seedQueueFor(def *schema.Object, q schema.Queue) error {
	id, err := tx.setupID("QueueSobject")
	if err != nil {
		return err
	}
	return tx.seedSetup("QueueSobject", id, map[string]any{"QueueId": q.ID, "SobjectType": def.Name})
}

func (tx *Tx) seedAssignmentRule(def *schema.Object, a schema.AssignmentRule) error {
	active := int64(1)
	if a.Inactive {
		active = 0
	}
	return tx.seedSetup("AssignmentRule", a.ID, map[string]any{"Name": a.Name, "SobjectType": def.Name, "Active": active})
}

// seedSetup writes a record of the org's setup in place of one of its id.
func (tx *Tx) seedSetup(object, id string, values map[string]any) error {
	o := tx.s.Catalog().Object(object)
	if o == nil {
		return fmt.Errorf("the local org has no %s", object)
	}
	if _, err := tx.Exec("DELETE FROM "+quote(o.Table)+` WHERE "Id" = ?`, id); err != nil {
		return err
	}
	return tx.Seed(o, id, values)
}

// restoreSetup writes the records of the org's setup anew, after they have been removed.
func (tx *Tx) restoreSetup() error {
	queues := map[string]bool{}
	for _, o := range tx.s.Catalog().Objects() {
		for _, t := range o.Def.RecordTypes {
			if t.Master {
				continue
			}
			if err := tx.seedRecordType(o.Def, t); err != nil {
				return err
			}
		}
		for _, q := range o.Def.Queues {
			if !queues[q.ID] {
				queues[q.ID] = true
				if err := tx.seedQueue(q); err != nil {
					return err
				}
			}
			if err := tx.seedQueueFor(o.Def, q); err != nil {
				return err
			}
		}
		for _, a := range o.Def.Rules.Assignment {
			if err := tx.seedAssignmentRule(o.Def, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextNumber takes n numbers of an object's and returns the first of them.
func (tx *Tx) nextNumber(o *catalog.Object, n int) (int64, error) {
	st, err := tx.Stmt("UPDATE org_sequence SET next = next + ? WHERE object = ? RETURNING next")
	if err != nil {
		return 0, err
	}
	var next int64
	err = st.QueryRowContext(context.Background(), n, o.Def.Name).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%s has no sequence", o.Def.Name)
	}
	return next - int64(n), err
}
