package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
)

func (s *Store) loadObjects(ctx context.Context) ([]catalog.Definition, error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT name, doc, modified FROM org_object ORDER BY name")
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
			names, def, err := merge(cat, sch.Object(name), defs)
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
		tx.after = func() {
			s.catalog.Store(next)
			s.rules.Store(&sets)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

// merge returns what add brings that the catalog lacks, and the object with it.
func merge(cat *catalog.Catalog, add *schema.Object, defs map[string]catalog.Definition) ([]string, *schema.Object, error) {
	if !validName(add.Name) {
		return nil, nil, fmt.Errorf("add object %q to the local org: not an API name", add.Name)
	}
	for _, f := range add.Fields {
		if !validName(f.Name) {
			return nil, nil, fmt.Errorf("add field %q of %s to the local org: not an API name", f.Name, add.Name)
		}
	}
	old := cat.Object(add.Name)
	if old == nil {
		def := *add
		def.Fields = catalog.WithSystemFields(add)
		if def.KeyPrefix == "" || prefixTaken(def.KeyPrefix, defs) {
			def.KeyPrefix = freePrefix(add, defs)
		}
		def.RecordTypes, def.Queues, def.Rules = nil, nil, schema.Rules{}
		return []string{def.Name}, clone(&def), nil
	}
	var names []string
	def := *old.Def
	def.Fields = slices.Clone(def.Fields)
	for _, f := range add.Fields {
		if old.Field(f.Name) == nil {
			def.Fields = append(def.Fields, f)
			names = append(names, def.Name+"."+f.Name)
		}
	}
	return names, clone(&def), nil
}

// clone makes the definition independent of the schema it came from, whose owner may go on
// using it.
func clone(o *schema.Object) *schema.Object {
	c := *o
	c.Fields = make([]*schema.Field, 0, len(o.Fields))
	seen := make(map[string]bool, len(o.Fields))
	for _, f := range o.Fields {
		if k := strings.ToLower(f.Name); !seen[k] {
			seen[k] = true
			g := *f
			g.IDLookup = g.IDLookup || g.ExternalID
			c.Fields = append(c.Fields, &g)
		}
	}
	c.Index()
	return &c
}

func prefixTaken(p string, defs map[string]catalog.Definition) bool {
	for _, d := range defs {
		if d.Object.KeyPrefix == p {
			return true
		}
	}
	return false
}

// freePrefix returns the next key prefix for a custom object: a00, a01 … azz; those of platform events begin
// with e.
func freePrefix(o *schema.Object, defs map[string]catalog.Definition) string {
	first := "a"
	if o.Event() {
		first = "e"
	}
	taken := make(map[string]bool, len(defs))
	for _, d := range defs {
		taken[d.Object.KeyPrefix] = true
	}
	for n := range 62 * 62 {
		if p := first + string([]byte{catalog.Base62[n/62], catalog.Base62[n%62]}); !taken[p] {
			return p
		}
	}
	return "zzz"
}

// saveObject writes the definition and makes the table, columns and indexes it lacks.
func (tx *Tx) saveObject(old *catalog.Object, d catalog.Definition) error {
	doc, err := json.Marshal(d.Object)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO org_object (name, doc, modified) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET doc = excluded.doc, modified = excluded.modified`,
		d.Object.Name, string(doc), d.Modified.Format(time.RFC3339)); err != nil {
		return err
	}
	table := quote(catalog.TableName(d.Object.Name))
	if old == nil {
		columns := []string{`"Id" TEXT PRIMARY KEY NOT NULL`, `"IsDeleted" INTEGER NOT NULL DEFAULT 0`}
		for _, f := range d.Object.Fields {
			columns = append(columns, columnsOf(f)...)
		}
		if err := tx.ddl("CREATE TABLE " + table + " (" + strings.Join(columns, ", ") + ")"); err != nil {
			return err
		}
		if _, err := tx.exec("INSERT INTO org_sequence (object, next) VALUES (?, 1)", d.Object.Name); err != nil {
			return err
		}
	}
	for _, f := range d.Object.Fields {
		if old != nil && old.Field(f.Name) != nil {
			continue
		}
		if old != nil {
			for _, c := range columnsOf(f) {
				if err := tx.ddl("ALTER TABLE " + table + " ADD COLUMN " + c); err != nil {
					return err
				}
			}
		}
		if err := tx.addIndexes(table, d.Object.Name, f); err != nil {
			return err
		}
	}
	return nil
}

// columnsOf returns the definitions of a field's columns. Every table has Id and IsDeleted
// already.
func columnsOf(f *schema.Field) []string {
	if !catalog.HasColumn(f) {
		return nil
	}
	var out []string
	switch {
	case f.Name == "Id" || f.Name == "IsDeleted":
	case f.Type == schema.Boolean && strings.EqualFold(f.DefaultValue, "true"):
		// A new checkbox is unticked, or ticked by default, on the records that exist.
		out = append(out, quote(f.Name)+" INTEGER NOT NULL DEFAULT 1")
	case f.Type == schema.Boolean:
		out = append(out, quote(f.Name)+" INTEGER NOT NULL DEFAULT 0")
	default:
		out = append(out, quote(f.Name)+" "+columnType(f.Type))
	}
	if catalog.HasFold(f) {
		out = append(out, quote(catalog.FoldColumn(f.Name))+" "+columnType(f.Type))
	}
	return out
}

func (tx *Tx) addIndexes(table, object string, f *schema.Field) error {
	index := func(unique, column string) error {
		expr := quote(column)
		if t := columnType(f.Type); t != "TEXT" && column == f.Name {
			expr = "CAST(" + expr + " AS NUMERIC)" // as queries compare numbers
		}
		// Many fields are empty in most records, and empty ones are not looked up.
		return tx.ddl("CREATE " + unique + "INDEX " + quote("ix_"+object+"_"+column) + " ON " + table + " (" + expr + ") WHERE " + expr + " IS NOT NULL")
	}
	if catalog.HasFold(f) {
		unique := ""
		if f.Unique {
			unique = "UNIQUE "
		}
		if err := index(unique, catalog.FoldColumn(f.Name)); err != nil {
			return err
		}
	}
	if catalog.HasIndex(f) {
		return index("", f.Name)
	}
	return nil
}

// ddl runs a statement that is not worth keeping prepared.
func (tx *Tx) ddl(text string) error {
	_, err := tx.s.conn.ExecContext(context.Background(), text)
	return err
}

// validName reports whether a name is an API name, and so safe as an SQL identifier.
func validName(s string) bool {
	if s == "" || len(s) > 80 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '_'):
		default:
			return false
		}
	}
	return true
}

func columnType(t schema.Type) string {
	switch t {
	case schema.Boolean, schema.Int, schema.Long:
		return "INTEGER"
	case schema.Double, schema.Currency, schema.Percent:
		return "REAL"
	}
	return "TEXT"
}

func quote(name string) string { return `"` + name + `"` }
