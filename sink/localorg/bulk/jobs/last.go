package jobs

import (
	"context"
	"fmt"
	"slices"
)

// Last returns the last n jobs of all kinds, oldest first.
func (t *Table) Last(ctx context.Context, n int) (list []*Job, err error) {
	list, err = t.query(ctx, jobColumns+"ORDER BY n DESC LIMIT ?", n)
	if err != nil {
		return nil, fmt.Errorf("list the last bulk jobs: %w", err)
	}
	slices.Reverse(list)
	return list, nil
}
