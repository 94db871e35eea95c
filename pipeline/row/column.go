package row

// AddRows appends n rows whose cells are all [Absent] and returns the index of the first. Their
// lines count up from line.
func (b *Batch) AddRows(line int64, n int) int {
	first := len(b.lines)
	w := len(b.schema.Columns)
	b.cells = appendRows(b.cells, n, w)
	b.kinds = appendRows(b.kinds, n, w)
	b.raws = appendRows(b.raws, n, 1)
	b.lines = appendRows(b.lines, n, 1)
	for i := range n {
		b.lines[first+i] = line + int64(i)
	}
	return first
}

// SetColumn stores the cells of column c from row r on: one for each of kinds, whose text goes up to
// where ends says in text; that of the first begins at from. The texts stand one behind another, so
// that they cost one copy.
func (b *Batch) SetColumn(r, c int, kinds []Kind, text []byte, from uint32, ends []uint32) {
	if len(kinds) == 0 {
		return
	}
	w := len(b.schema.Columns)
	base := uint32(len(b.arena)) - from // may wrap around, and does so back
	b.arena = append(b.arena, text[from:ends[len(kinds)-1]]...)
	i, last := r*w+c, (r+len(kinds)-1)*w+c
	cells, to := b.cells[:last+1], b.kinds[:last+1]
	ends = ends[:len(kinds)]
	at := base + from
	for k, end := range ends {
		end += base
		cells[i], to[i] = span{at, end}, kinds[k]
		at = end
		i += w
	}
}
