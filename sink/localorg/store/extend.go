package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store/database"
	"sfsync/sink/localorg/store/definition"
)

func loadObjects(ctx context.Context, tx *database.Tx) ([]catalog.Definition, error) {
	rows, err := tx.Query(ctx, "SELECT name, doc, modified FROM org_object ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []catalog.Definition
	for rows.Next() {
		var name, doc, modified string
		if err := rows.Scan(&name, &doc, &modified); err != nil {
			return nil, err
		}
		d := catalog.Definition{Object: new(schema.Object)}
		if err := json.Unmarshal([]byte(doc), d.Object); err != nil {
			return nil, fmt.Errorf("read object %s: %w", name, err)
		}
		if d.Modified, err = time.Parse(time.RFC3339, modified); err != nil {
			return nil, fmt.Errorf("read object %s: %w", name, err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Extend adds the objects and fields that the org lacks, and returns their names ("Visit__c",
// "Lead.Ext__c") in order. What the org has stays as it is, even if sch says otherwise.
func (s *Store) Extend(ctx context.Context, sch *schema.Schema) ([]string, error) {
	var added []string
	err := s.Update(ctx, func(tx *Tx) error {
		added = added[:0]
		cat := s.Catalog()
		defs := make(map[string]catalog.Definition, len(cat.Objects()))
		for _, o := range cat.Objects() {
			defs[o.Def.Name] = catalog.Definition{Object: o.Def, Modified: o.Modified}
		}
		for _, name := range sch.Names() {
			names, def, err := definition.Merge(cat, sch.Object(name), defs)
			if err != nil {
				return err
			}
			setup, err := tx.mergeSetup(def, sch.Object(name), defs)
			if err != nil {
				return err
			}
			if names = append(names, setup...); len(names) == 0 {
				continue
			}
			added = append(added, names...)
			defs[def.Name] = catalog.Definition{Object: def, Modified: s.now().UTC().Truncate(time.Second)}
			if err := tx.saveObject(cat.Object(def.Name), defs[def.Name]); err != nil {
				return fmt.Errorf("add %s to the local org: %w", def.Name, err)
			}
		}
		list := make([]catalog.Definition, 0, len(defs))
		for _, d := range defs {
			list = append(list, d)
		}
		sets, err := compileRules(list)
		if err != nil {
			return fmt.Errorf("extend the local org: %w", err)
		}
		next := catalog.New(list)
		tx.After(func() {
			s.catalog.Store(next)
			s.rules.Store(&sets)
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

// saveObject writes the definition and makes the table, columns and indexes it lacks.
func (tx *Tx) saveObject(old *catalog.Object, d catalog.Definition) error {
	doc, err := json.Marshal(d.Object)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO org_object (name, doc, modified) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET doc = excluded.doc, modified = excluded.modified`,
		d.Object.Name, string(doc), d.Modified.Format(time.RFC3339)); err != nil {
		return err
	}
	for _, text := range definition.Statements(old, d.Object) {
		if err := tx.Define(text); err != nil {
			return err
		}
	}
	if old == nil {
		_, err = tx.Exec("INSERT INTO org_sequence (object, next) VALUES (?, 1)", d.Object.Name)
	}
	return err
}

func quote(name string) string { return `"` + name + `"` }
