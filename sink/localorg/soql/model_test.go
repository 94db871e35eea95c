package soql

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lead is a record of the model; nil pointers are null.
type lead struct {
	n         int
	name      *string
	employees *int
	converted bool
	born      *string
	tags      []string
	owner     *string
}

// cond is a condition as text and as what it means.
type cond struct {
	text string
	// joined says that the text is terms with AND or OR between them.
	joined bool
	holds  func(lead) bool
}

func (c cond) bracketed() string {
	if c.joined {
		return "(" + c.text + ")"
	}
	return c.text
}

func pointer[T any](t *rapid.T, name string, values ...T) *T {
	i := rapid.IntRange(-1, len(values)-1).Draw(t, name)
	if i < 0 {
		return nil
	}
	return &values[i]
}

func drawLead(t *rapid.T, n int) lead {
	return lead{
		n: n, name: pointer(t, "name", "Ann", "ANN", "Bob", "b%b", "Zoë"), employees: pointer(t, "employees", -1, 0, 5, 1000),
		converted: rapid.Bool().Draw(t, "converted"), born: pointer(t, "born", "1990-02-28", "2026-11-20", "2026-11-21"),
		tags: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"red", "green", "Blue"}), 0, 3, rapid.ID).Draw(t, "tags"), owner: pointer(t, "owner", ann, bob),
	}
}

// drawCond draws a condition of at most that depth.
func drawCond(t *rapid.T, depth int) cond {
	if depth > 0 {
		switch rapid.IntRange(0, 3).Draw(t, "shape") {
		case 0:
			c := drawCond(t, depth-1)
			return cond{"NOT " + c.bracketed(), false, func(l lead) bool { return !c.holds(l) }}
		case 1, 2:
			or := rapid.Bool().Draw(t, "or")
			terms := []cond{drawCond(t, depth-1), drawCond(t, depth-1)}
			word := map[bool]string{false: " AND ", true: " OR "}[or]
			return cond{terms[0].bracketed() + word + terms[1].bracketed(), true, func(l lead) bool {
				if or {
					return terms[0].holds(l) || terms[1].holds(l)
				}
				return terms[0].holds(l) && terms[1].holds(l)
			}}
		}
	}
	switch rapid.IntRange(0, 5).Draw(t, "field") {
	case 0:
		return textCond(t)
	case 1:
		return numberCond(t)
	case 2:
		is := rapid.Bool().Draw(t, "is")
		not := rapid.Bool().Draw(t, "not")
		return cond{fmt.Sprintf("IsConverted %s %t", map[bool]string{false: "=", true: "!="}[not], is), false, func(l lead) bool { return (l.converted == is) != not }}
	case 3:
		return dateCond(t)
	case 4:
		return tagCond(t)
	}
	id := pointer(t, "id", ann, bob)
	if id == nil {
		return cond{"OwnerId = null", false, func(l lead) bool { return l.owner == nil }}
	}
	return cond{"Owner.Id = '" + *id + "'", false, func(l lead) bool { return l.owner != nil && *l.owner == *id }}
}

func textCond(t *rapid.T) cond {
	value := pointer(t, "value", "ann", "BOB", "zoË", "nobody")
	same := func(l lead) bool {
		if value == nil || l.name == nil {
			return value == nil && l.name == nil
		}
		return strings.EqualFold(*l.name, *value)
	}
	literal := "null"
	if value != nil {
		literal = "'" + *value + "'"
	}
	switch rapid.SampledFrom([]string{"=", "!=", "IN", "NOT IN", "LIKE"}).Draw(t, "op") {
	case "=":
		return cond{"Name = " + literal, false, same}
	case "!=":
		return cond{"Name != " + literal, false, func(l lead) bool { return !same(l) }}
	case "IN":
		return cond{"Name IN ('x', " + literal + ")", false, same}
	case "NOT IN":
		return cond{"Name NOT IN ('x', " + literal + ")", false, func(l lead) bool { return !same(l) }}
	}
	return cond{`Name LIKE 'B\%%'`, false, func(l lead) bool { return l.name != nil && strings.HasPrefix(strings.ToLower(*l.name), "b%") }}
}

func numberCond(t *rapid.T) cond {
	value := rapid.SampledFrom([]int{-1, 0, 5, 7}).Draw(t, "value")
	op := rapid.SampledFrom([]string{"=", "!=", "<", "<=", ">", ">="}).Draw(t, "op")
	return cond{fmt.Sprintf("NumberOfEmployees %s %d", op, value), false, func(l lead) bool {
		if l.employees == nil {
			return op == "!="
		}
		return compared(op, *l.employees-value)
	}}
}

// compared applies an operator to the sign of a difference.
func compared(op string, difference int) bool {
	switch op {
	case "=":
		return difference == 0
	case "!=":
		return difference != 0
	case "<":
		return difference < 0
	case "<=":
		return difference <= 0
	case ">":
		return difference > 0
	}
	return difference >= 0
}

func dateCond(t *rapid.T) cond {
	op := rapid.SampledFrom([]string{"=", "!=", "<", "<=", ">", ">="}).Draw(t, "op")
	// The 15th to the 21st is the week of testNow.
	literal := rapid.SampledFrom([]string{"TODAY", "THIS_WEEK", "2026-11-20"}).Draw(t, "literal")
	from, to := "2026-11-21", "2026-11-21"
	switch literal {
	case "THIS_WEEK":
		from = "2026-11-15"
	case "2026-11-20":
		from, to = literal, literal
	}
	return cond{"Birth__c " + op + " " + literal, false, func(l lead) bool {
		if l.born == nil {
			return op == "!="
		}
		difference := 0
		if *l.born < from {
			difference = -1
		} else if *l.born > to {
			difference = 1
		}
		return compared(op, difference)
	}}
}

func tagCond(t *rapid.T) cond {
	groups := rapid.SliceOfN(rapid.SampledFrom([]string{"red", "GREEN", "red;blue", "none"}), 1, 2).Draw(t, "groups")
	not := rapid.Bool().Draw(t, "excludes")
	word := map[bool]string{false: "INCLUDES", true: "EXCLUDES"}[not]
	return cond{"Tags__c " + word + " ('" + strings.Join(groups, "','") + "')", false, func(l lead) bool {
		return not != slices.ContainsFunc(groups, func(g string) bool {
			for part := range strings.SplitSeq(g, ";") {
				if !slices.ContainsFunc(l.tags, func(tag string) bool { return strings.EqualFold(tag, part) }) {
					return false
				}
			}
			return true
		})
	}}
}

// ids returns what a query of Id finds.
func ids(db *sql.DB, q *Query) (list []string, err error) {
	rows, err := db.Query(q.SQL, q.Args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key, id string
		if err := rows.Scan(&key, &id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// TestModel compares what conditions find with what they mean, whatever is null.
func TestModel(t *testing.T) {
	t.Parallel()
	db := openOrg(t)
	rapid.Check(t, func(t *rapid.T) {
		if _, err := db.Exec("DELETE FROM o_Lead"); err != nil {
			t.Fatal(err)
		}
		leads := make([]lead, rapid.IntRange(1, 8).Draw(t, "leads"))
		for i := range leads {
			leads[i] = drawLead(t, i+1)
			l := leads[i]
			var tags any
			if len(l.tags) > 0 {
				tags = strings.Join(l.tags, ";")
			}
			if _, err := db.Exec("INSERT INTO o_Lead (Id, IsDeleted, Name, NumberOfEmployees, IsConverted, Birth__c, Tags__c, OwnerId) VALUES (?, 0, ?, ?, ?, ?, ?, ?)",
				leadID(l.n), l.name, l.employees, l.converted, l.born, tags, l.owner); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			c := drawCond(t, 3)
			q, err := Compile(newCatalog(), "SELECT Id FROM Lead WHERE "+c.text, Options{Now: testNow})
			if err != nil {
				t.Fatalf("%s: %v", c.text, err)
			}
			got, err := ids(db, q)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, l := range leads {
				if c.holds(l) {
					want = append(want, leadID(l.n))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: got %s, want %s of %+v", c.text, got, want, leads)
			}
		}
	})
}
