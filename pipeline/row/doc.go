// Package row holds rows the way they travel from a file to an org: as text,
// in batches, without a map or an interface value per cell.
//
// A [Batch] is a matrix of cells over one text arena. Each cell is a span of
// that arena and a [Kind]; text stays as the source wrote it (numbers too), and
// whoever looks at a cell decides what it means. Batches come from a [Pool] and
// go back to it, so a run that moves millions of rows allocates a handful of
// arenas.
//
// # Ownership
//
// A batch has one owner at a time. Sending it on a channel or returning it hands
// it over; the last owner calls [Batch.Free]. Strings read from a batch (Cell,
// Raw, Key) are views on its arena: they must not be kept past Free, nor past the
// next append to the same batch. Copy with strings.Clone what has to live longer.
// A batch that is complete is never written again, so any number of goroutines
// may read it until it is freed.
package row
