package jobs

import (
	"context"
	"fmt"
	"slices"

	"sfsync/sink/localorg/store"
)

// Last returns the last n jobs of all kinds, oldest first.
func (t *Table) Last(ctx context.Context, n int) (list []*Job, err error) {
	err = t.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, jobColumns+"ORDER BY n DESC LIMIT ?", n)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			j, err := t.scan(rows)
			if err != nil {
				return err
			}
			list = append(list, j)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list the last bulk jobs: %w", err)
	}
	slices.Reverse(list)
	return list, nil
}
