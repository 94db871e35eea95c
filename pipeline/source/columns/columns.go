// Package columns makes the names of a file's columns fit to be referred to.
package columns

import (
	"strconv"

	"sfsync/pipeline/source/inputerr"
)

// Unique makes names unique: an empty one becomes column_3, a repeated one email_2. The
// numbers avoid names that are there already. Of equal names the first in order keeps it.
func Unique(names []string, order []int, warnf func(string, ...any)) []string {
	taken := make(map[string]bool, len(names))
	for _, n := range names {
		taken[n] = true
	}
	used := make(map[string]bool, len(names))
	next := make(map[string]int)
	free := func(base string, from int) string {
		if from == 0 && !taken[base] && !used[base] {
			return base
		}
		n := max(from, 2, next[base])
		for taken[base+"_"+strconv.Itoa(n)] || used[base+"_"+strconv.Itoa(n)] {
			n++
		}
		next[base] = n + 1
		return base + "_" + strconv.Itoa(n)
	}
	out := make([]string, len(names))
	for _, i := range order {
		n := names[i]
		name := n
		switch {
		case n == "":
			name = free("column_"+strconv.Itoa(i+1), 0)
			warnf("column %d has no name: read as %s", i+1, name)
		case used[n]:
			name = free(n, 2)
			warnf("column %d: the name %s appears again: read as %s", i+1, inputerr.Quote(n), inputerr.Quote(name))
		}
		used[name] = true
		out[i] = name
	}
	return out
}
