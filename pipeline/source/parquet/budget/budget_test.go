package budget_test

import (
	"errors"
	"sync"
	"testing"

	"sfsync/pipeline/source/parquet/budget"
)

// TestBudget: no more than there is can be taken, however many take at once, and what is only to
// spare leaves half.
func TestBudget(t *testing.T) {
	t.Parallel()
	b := budget.New(1000)
	if b.Spare(501) || !b.Spare(500) || b.Spare(1) {
		t.Fatal("half of it is not to spare")
	}
	b.Give(500)
	var wait sync.WaitGroup
	took := make([]int64, 8)
	for i := range took {
		wait.Go(func() {
			for b.Take(3) == nil {
				took[i] += 3
			}
		})
	}
	wait.Wait()
	sum := int64(0)
	for _, n := range took {
		sum += n
	}
	if sum != b.Used() || sum > 1000 || sum < 1000-3*int64(len(took)) {
		t.Errorf("took %d, used %d", sum, b.Used())
	}
	if err := b.Take(1 << 62); !errors.Is(err, budget.ErrMemory) {
		t.Error(err)
	}
}

// TestBytes: memory that is long enough is used again and not counted again.
func TestBytes(t *testing.T) {
	t.Parallel()
	b := budget.New(10_000)
	one, err := b.Bytes(nil, 100)
	if err != nil || len(one) != 100 || b.Used() != int64(cap(one)) {
		t.Fatal(len(one), cap(one), b.Used(), err)
	}
	two, err := b.Bytes(one[:10], cap(one))
	if err != nil || &two[0] != &one[0] || b.Used() != int64(cap(one)) {
		t.Fatal(len(two), b.Used(), err)
	}
	three, err := b.Bytes(two, cap(two)+1)
	if err != nil || b.Used() != int64(cap(three)) {
		t.Fatal(cap(three), b.Used(), err)
	}
	if _, err := b.Bytes(three, 20_000); !errors.Is(err, budget.ErrMemory) || b.Used() != int64(cap(three)) {
		t.Error(err, b.Used())
	}
}
