package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rules"
)

// candidate is a record as the conditions of rules see it.
type candidate struct{ *work }

func (c candidate) Value(field string) any { return c.field(c.rec.Object.Field(field)) }

func (c candidate) Before(field string) any {
	f := c.rec.Object.Field(field)
	if c.create {
		return c.field(f)
	}
	return c.before(f)
}

func (c candidate) New() bool { return c.create }

// checkRules applies the validation rules, then the duplicate rules (Apex developer guide, Order of Execution).
func (tx *Tx) checkRules(ch *Change, o *catalog.Object, run []work) error {
	set := tx.ruleSet(o)
	if set == nil {
		return nil
	}
	now := tx.s.now()
	for i := range run {
		w := &run[i]
		if !w.ok() {
			continue
		}
		var first *catalog.Error
		for _, v := range set.Validate(candidate{w}, now) {
			e := &catalog.Error{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: v.Message}
			if v.Field != "" {
				e.Fields = []string{v.Field}
			}
			if first == nil {
				first = e
			} else {
				first.More = append(first.More, e)
			}
		}
		if first != nil {
			w.fail(first)
		}
	}
	for i := range set.Duplicate {
		rule := &set.Duplicate[i]
		if rule.Alert && ch.AllowDuplicates {
			continue
		}
		if err := tx.checkDuplicates(rule, o, run); err != nil {
			return err
		}
	}
	return nil
}

// checkDuplicates refuses the records that agree with another one in the fields of a rule. Records of one request
// are not compared with each other, as real orgs do not (their matching works on what is stored).
func (tx *Tx) checkDuplicates(rule *schema.DuplicateRule, o *catalog.Object, run []work) error {
	fields := make([]*catalog.Field, len(rule.Match))
	for i, name := range rule.Match {
		fields[i] = o.Field(name)
	}
	for i := range run {
		w := &run[i]
		if !w.ok() {
			continue
		}
		touched := w.create
		for _, f := range fields {
			touched = touched || w.rec.Given(f)
		}
		if !touched {
			continue
		}
		found, err := tx.alike(o, w, fields)
		if err != nil {
			return fmt.Errorf("apply the duplicate rule %s: %w", rule.Name, err)
		}
		if len(found) > 0 {
			w.fail(rules.Duplicated(rule, o.Def.Name, found))
		}
	}
	return nil
}

// maxAlike is how many records are named to the writer of another one like them.
const maxAlike = 100

// alike returns the other records that agree with a record in all of the fields; none if one of them is blank.
func (tx *Tx) alike(o *catalog.Object, w *work, fields []*catalog.Field) ([]string, error) {
	var sb strings.Builder
	sb.WriteString(`SELECT "Id"`)
	var compared []string // lower-case values of columns whose case SQLite cannot fold
	where := ` WHERE "IsDeleted" = 0 AND "Id" <> ?`
	args := []any{w.id}
	for _, f := range fields {
		v := w.field(f)
		if v == nil {
			return nil, nil
		}
		column := quote(f.Column)
		text, isText := v.(string)
		switch {
		case f.FoldsCase():
			where += " AND " + quote(f.Fold) + " = ?"
			args = append(args, f.FoldKey(v))
		case !isText || !catalog.Textual(f.Def.Type):
			where += " AND " + column + " = ?"
			args = append(args, v)
		case isASCII(text):
			where += " AND lower(" + column + ") = ?"
			args = append(args, strings.ToLower(text))
		default:
			sb.WriteString(", " + column)
			compared = append(compared, strings.ToLower(text))
			where += " AND " + column + " IS NOT NULL"
		}
	}
	sb.WriteString(" FROM " + quote(o.Table) + where + ` ORDER BY "Id"`)
	rows, err := tx.Fetch(context.Background(), sb.String(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	var id string
	values := make([]string, len(compared))
	dest := []any{&id}
	for i := range values {
		dest = append(dest, &values[i])
	}
	for rows.Next() && len(out) < maxAlike {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		same := true
		for i, v := range values {
			same = same && strings.ToLower(v) == compared[i]
		}
		if same {
			out = append(out, id)
		}
	}
	return out, rows.Err()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// assign lets an assignment rule choose the owners. Without a rule for the object nothing happens, nor if
// no entry fits.
func (tx *Tx) assign(ch *Change, o *catalog.Object, run []work) error {
	set := tx.ruleSet(o)
	if ch.NoAssignment || o.System.Owner == nil || !set.Assigns() {
		return nil
	}
	owners := map[string]string{}
	for i := range run {
		w := &run[i]
		if !w.ok() {
			continue
		}
		name, found := set.Assign(ch.AssignmentRule, candidate{w}, tx.s.now())
		if !found && ch.AssignmentRule != "" {
			w.fail(&catalog.Error{Code: "INVALID_CROSS_REFERENCE_KEY", Message: "invalid assignment rule id: " + ch.AssignmentRule})
			continue
		}
		if name == "" {
			continue
		}
		id, known := owners[name]
		if !known {
			var err error
			if id, err = tx.owner(name); err != nil {
				return err
			}
			owners[name] = id
		}
		if id == "" {
			w.fail(&catalog.Error{Code: "INVALID_CROSS_REFERENCE_KEY", Message: "the assignment rule names the owner " + name + ", who is not there"})
			continue
		}
		w.rec.Put(o.System.Owner, id)
	}
	return nil
}

// owner returns the id of a queue by its developer name, or of an active user by name or id; "" if there is none.
func (tx *Tx) owner(name string) (string, error) {
	cat := tx.s.Catalog()
	group, user := cat.Object("Group"), cat.Object("User")
	for _, q := range []struct {
		o     *catalog.Object
		where string
	}{
		{group, `"Type" = 'Queue' AND lower("DeveloperName") = lower(?)`},
		{user, `"IsActive" = 1 AND lower("Username") = lower(?)`},
		{user, `"IsActive" = 1 AND "Id" = ?`},
	} {
		if q.o == nil {
			continue
		}
		st, err := tx.Stmt(`SELECT "Id" FROM ` + quote(q.o.Table) + ` WHERE "IsDeleted" = 0 AND ` + q.where)
		if err != nil {
			return "", err
		}
		var id string
		arg := name
		if strings.HasPrefix(q.where, `"IsActive" = 1 AND "Id"`) {
			arg = catalog.ID18(name)
		}
		switch err := st.QueryRowContext(context.Background(), arg).Scan(&id); {
		case err == nil:
			return id, nil
		case !errors.Is(err, sql.ErrNoRows):
			return "", err
		}
	}
	return "", nil
}

// rollUp computes anew the roll-up summaries of the masters of the records that were written.
func (tx *Tx) rollUp(_ *Change, o *catalog.Object, run []work) error {
	sums := tx.s.Catalog().Summaries(o)
	if len(sums) == 0 {
		return nil
	}
	masters := map[*catalog.Field][]string{}
	for i := range run {
		w := &run[i]
		if !w.ok() {
			continue
		}
		for _, s := range sums {
			for _, v := range []any{w.field(s.By), w.before(s.By)} {
				if id, ok := v.(string); ok && !slices.Contains(masters[s.By], id) {
					masters[s.By] = append(masters[s.By], id)
				}
			}
		}
	}
	for by, ids := range masters {
		if err := tx.SumUp(o, by, ids); err != nil {
			return err
		}
	}
	return nil
}

// SumUp computes anew the roll-up summaries that count records of an object, of the masters with these ids, to which
// the field by leads, and the summaries that count these in their turn.
func (tx *Tx) SumUp(o *catalog.Object, by *catalog.Field, ids []string) error {
	return tx.sumUp(o, by, ids, maxRollUps)
}

// maxRollUps bounds how many levels of masters are summed up.
const maxRollUps = 10

func (tx *Tx) sumUp(o *catalog.Object, by *catalog.Field, ids []string, levels int) error {
	if len(ids) == 0 || levels == 0 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	changed := map[*catalog.Field]bool{}
	var master *catalog.Object
	for _, s := range tx.s.Catalog().Summaries(o) {
		if s.By != by {
			continue
		}
		expr := "count(*) * 1.0"
		if s.Of != nil {
			column := "c." + quote(s.Of.Column)
			switch s.Field.Def.Summary.Operation {
			case schema.SummarySum:
				expr = "total(" + column + ")"
			case schema.SummaryMin:
				expr = "min(" + column + ")"
			case schema.SummaryMax:
				expr = "max(" + column + ")"
			}
			if s.Field.Def.Precision > 0 {
				expr = fmt.Sprintf("round(%s, %d)", expr, s.Field.Def.Scale)
			}
		}
		master = s.Field.Object
		changed[s.Field] = true
		set := quote(s.Field.Column) + " = (SELECT " + expr + " FROM " + quote(o.Table) + " c WHERE c." + quote(by.Column) + " = m.\"Id\" AND c.\"IsDeleted\" = 0)"
		args := []any{}
		if f := master.System.Stamp; f != nil {
			set += ", " + quote(f.Column) + " = ?"
			args = append(args, tx.Stamp())
		}
		if _, err := tx.Exec("UPDATE "+quote(master.Table)+" AS m SET "+set+` WHERE m."Id" IN (SELECT value FROM json_each(?))`, append(args, string(list))...); err != nil {
			return fmt.Errorf("roll up %s.%s: %w", master.Def.Name, s.Field.Def.Name, err)
		}
	}
	if master == nil {
		return nil
	}
	above := map[*catalog.Field]bool{}
	for _, s := range tx.s.Catalog().Summaries(master) {
		if !changed[s.Of] || above[s.By] {
			continue
		}
		above[s.By] = true
		next := map[string]bool{}
		column := quote(s.By.Column)
		if err := tx.idsOf(next, "SELECT DISTINCT "+column+" FROM "+quote(master.Table)+` WHERE "Id" IN (SELECT value FROM json_each(?)) AND `+column+" IS NOT NULL", string(list)); err != nil {
			return err
		}
		if err := tx.sumUp(master, s.By, slices.Sorted(maps.Keys(next)), levels-1); err != nil {
			return err
		}
	}
	return nil
}

var _ rules.Record = candidate{}
