package mapping

import (
	"slices"

	"sfsync/mapping/diag"
)

// edge says that a target's records wait for those of another one.
type edge struct {
	to   int
	pos  diag.Pos
	find bool // needed to find the record, not only to write it
}

// edges returns what each target waits for.
func (c *planner) edges() [][]edge {
	out := make([][]edge, len(c.targets))
	for i, t := range c.targets {
		if t == nil {
			continue
		}
		for _, r := range t.Code.Rules {
			if r.Refer != nil && !r.Refer.Find && r.Refer.Record >= 0 {
				out[i] = append(out[i], edge{r.Refer.Record, r.Refer.Pos, r.Keyed})
			}
		}
		if t.Redirected >= 0 {
			out[i] = append(out[i], edge{t.Redirected, c.file.Targets[t.Redirected].OnConverted.Pos, true})
		}
	}
	return out
}

// order reports targets that wait for each other, and finds out in which order implied targets
// are mapped: after all that refer to them.
func (c *planner) order() {
	edges := c.edges()
	const (
		fresh = iota
		open
		done
	)
	state := make([]int, len(edges))
	var path, after []int
	var visit func(i int)
	visit = func(i int) {
		state[i] = open
		path = append(path, i)
		for _, e := range edges[i] {
			switch state[e.to] {
			case fresh:
				visit(e.to)
			case open:
				names := ""
				for _, n := range path[slices.Index(path, e.to):] {
					names += c.targets[n].Name + " → "
				}
				c.list.Errorf(e.pos, "ref-cycle", "", "targets wait for each other: %s%s", names, c.targets[e.to].Name)
			}
		}
		path = path[:len(path)-1]
		state[i] = done
		after = append(after, i)
	}
	for i := range edges {
		if state[i] == fresh && c.targets[i] != nil {
			visit(i)
		}
	}
	slices.Reverse(after)
	for _, i := range after {
		if i >= c.plan.Own {
			c.plan.Made = append(c.plan.Made, i)
		}
	}
	for i, t := range c.targets {
		if t != nil {
			t.Code.Needs = reach(edges, i, c.plan.Own)
			for _, n := range t.Code.Needs {
				if len(c.targets[n].Keys) == 0 {
					t.Code.Keyless = c.targets[n].Name
				}
			}
		}
	}
}

// reach returns the file's targets whose records have to be found before one target's are written:
// those that it waits for, and those that these are found by.
func reach(edges [][]edge, from, own int) []int {
	seen := make([]bool, len(edges))
	var out []int
	todo := []int{from}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, e := range edges[i] {
			if !seen[e.to] && (i == from || e.find) {
				seen[e.to] = true
				todo = append(todo, e.to)
				if e.to < own {
					out = append(out, e.to)
				}
			}
		}
	}
	return out
}
