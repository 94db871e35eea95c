package store

import (
	"strings"

	"sfsync/sink/localorg/catalog"
)

// maxInsertArgs bounds the arguments of one INSERT; SQLite takes 32,766.
const maxInsertArgs = 4000

// insertRows are the numbers of rows that an INSERT may have, so that there are few different statements.
func insertRows() [3]int { return [...]int{50, 8, 1} }

// insertAll inserts new records of one object, many rows a statement: the columns of a statement are those that
// any of the records fills. Fields that are never null are given in each of them.
func (tx *Tx) insertAll(o *catalog.Object, list []*work) error {
	if len(list) == 0 {
		return nil
	}
	columns := make([]*catalog.Field, 0, len(list[0].rec.Cells))
	place := make([]int, len(o.Fields)) // of a field among the columns, 1 for the first
	for _, f := range o.Fields {
		for _, w := range list {
			if v, _ := w.rec.Value(f); v != nil {
				columns = append(columns, f)
				break
			}
		}
	}
	var sb strings.Builder
	sb.WriteString("INSERT INTO " + quote(o.Table) + ` ("Id"`)
	width := 1
	for _, f := range columns {
		place[f.Index] = width
		sb.WriteString(`, "` + f.Column + `"`)
		width++
		if f.Fold != "" {
			sb.WriteString(`, "` + f.Fold + `"`)
			width++
		}
	}
	sb.WriteString(") VALUES ")
	head := sb.String()
	row := "(?" + strings.Repeat(",?", width-1) + ")"
	args := make([]any, 0, min(maxInsertArgs, width*len(list)))
	for _, size := range insertRows() {
		if size > 1 && size*width > maxInsertArgs {
			continue
		}
		text := head + row + strings.Repeat(","+row, size-1)
		for len(list) >= size {
			args = args[:size*width]
			clear(args)
			for i, w := range list[:size] {
				fill(args[i*width:(i+1)*width], w, place)
			}
			if _, err := tx.Exec(text, args...); err != nil {
				return err
			}
			list = list[size:]
		}
	}
	return nil
}

// fill puts the values of a record where the columns of a statement want them.
func fill(row []any, w *work, place []int) {
	row[0] = w.id
	for _, c := range w.rec.Cells {
		at := place[c.Field.Index]
		if at == 0 {
			continue
		}
		row[at] = c.Value
		if c.Field.Fold != "" && c.Value != nil {
			row[at+1] = c.Field.FoldKey(c.Value)
		}
	}
}
