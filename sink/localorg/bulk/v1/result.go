package v1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"sfsync/sink/localorg/bulk"
	"sfsync/sink/localorg/bulk/csv"
	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/soql"
)

// request answers with the content of a batch as it came.
func (h *Handler) request(_ context.Context, j *jobs.Job, b *jobs.Batch) *rest.Response {
	kind := contentTypes(j.ContentType)
	if isQuery(j.Operation) {
		kind = "text/csv"
	}
	return &rest.Response{
		Status: http.StatusOK, Header: http.Header{"Content-Type": {kind}},
		Stream: func(ctx context.Context, w io.Writer) error {
			_, err := io.Copy(w, h.table.Data(ctx, b.ID, 0))
			return err
		},
	}
}

func contentTypes(jobType string) string {
	switch jobType {
	case jsonType:
		return "application/json"
	case xmlType:
		return "application/xml"
	}
	return "text/csv"
}

// resultID is the id of the result of a query's batch.
func resultID(b *jobs.Batch) string { return catalog.ID18("752" + b.ID[3:15]) }

// result answers with what became of the rows, in their order, or with the ids of a query's results, or one
// of these.
func (h *Handler) result(rq *rest.Request, j *jobs.Job, b *jobs.Batch, segs []string) (*rest.Response, error) {
	if b.State != jobs.BatchCompleted && b.Processed == 0 {
		return nil, except("InvalidBatch", "Batch not completed")
	}
	if !isQuery(j.Operation) {
		if len(segs) > 0 {
			return nil, except("InvalidUrl", "Unknown resource: "+segs[0])
		}
		return h.outcomes(j, b), nil
	}
	id := resultID(b)
	if len(segs) == 1 {
		if catalog.ID18(segs[0]) != id {
			return nil, except("InvalidBatch", "Unable to find result: "+segs[0])
		}
		rq.Entry.Records += int(b.Processed)
		return h.records(j, b), nil
	}
	if formOf(rq, j.ContentType) == asJSON || j.ContentType == jsonType {
		return &rest.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`["` + id + `"]`)}, nil
	}
	return xmlResponse(http.StatusOK, []byte(`<result-list xmlns="`+namespace+`"><result>`+id+`</result></result-list>`)), nil
}

// outcomes answers with one entry a row.
func (h *Handler) outcomes(j *jobs.Job, b *jobs.Batch) *rest.Response {
	head, foot, entry := "\"Id\",\"Success\",\"Created\",\"Error\"\n", "", entryCSV
	switch j.ContentType {
	case jsonType:
		head, foot, entry = "[", "]", entryJSON
	case xmlType:
		head, foot, entry = `<?xml version="1.0" encoding="UTF-8"?><results xmlns="`+namespace+`">`, "</results>", entryXML
	}
	return &rest.Response{
		Status: http.StatusOK, Header: http.Header{"Content-Type": {contentTypes(j.ContentType)}},
		Stream: func(ctx context.Context, w io.Writer) error {
			out := []byte(head)
			for seq := 0; ; seq++ {
				c, err := h.table.Chunk(ctx, b.ID, seq)
				if err != nil {
					return err
				}
				if c == nil {
					break
				}
				left := c.Outcomes
				for i := range c.Rows {
					var o jobs.Outcome
					if o, left, err = jobs.CutOutcome(left); err != nil {
						return err
					}
					if j.ContentType == jsonType && (seq > 0 || i > 0) {
						out = append(out, ',')
					}
					out = entry(out, o)
				}
				if _, err := w.Write(out); err != nil {
					return err
				}
				out = out[:0]
			}
			_, err := w.Write(append(out, foot...))
			return err
		},
	}
}

// entryCSV writes one row of the results of CSV (recorded).
func entryCSV(dst []byte, o jobs.Outcome) []byte {
	for i, v := range []string{o.ID, strconv.FormatBool(o.Error == ""), strconv.FormatBool(o.Created), o.Error} {
		if i > 0 {
			dst = append(dst, ',')
		}
		if i == 0 && o.Error != "" {
			v = "" // a row that failed has no id
		}
		dst = csv.Append(dst, v)
	}
	return append(dst, '\n')
}

func entryJSON(dst []byte, o jobs.Outcome) []byte {
	dst = append(dst, `{"success":`...)
	dst = strconv.AppendBool(dst, o.Error == "")
	dst = append(dst, `,"created":`...)
	dst = strconv.AppendBool(dst, o.Created)
	if o.Error == "" {
		return append(append(append(dst, `,"id":"`...), o.ID...), `","errors":[]}`...)
	}
	dst = append(dst, `,"id":null,"errors":[`...)
	for text := o.Error; text != ""; {
		if text != o.Error {
			dst = append(dst, ',')
		}
		var e catalog.Error
		e, text = jobs.CutError(text)
		dst = appendJSON(append(dst, `{"message":`...), e.Message)
		dst = append(dst, `,"fields":[`...)
		for i, f := range e.Fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, f)
		}
		dst = appendJSON(append(dst, `],"statusCode":`...), e.Code)
		dst = append(dst, `,"extendedErrorDetails":null}`...)
	}
	return append(dst, "]}"...)
}

func entryXML(dst []byte, o jobs.Outcome) []byte {
	dst = append(dst, "<result>"...)
	if o.Error == "" {
		dst = append(append(append(dst, "<id>"...), o.ID...), "</id>"...)
	}
	for text := o.Error; text != ""; {
		var e catalog.Error
		e, text = jobs.CutError(text)
		dst = append(dst, "<errors>"...)
		for _, f := range e.Fields {
			dst = append(appendXML(append(dst, "<fields>"...), f), "</fields>"...)
		}
		dst = append(appendXML(append(dst, "<message>"...), e.Message), "</message><statusCode>"...)
		dst = append(appendXML(dst, e.Code), "</statusCode></errors>"...)
	}
	dst = strconv.AppendBool(append(dst, "<success>"...), o.Error == "")
	dst = strconv.AppendBool(append(dst, "</success><created>"...), o.Created)
	return append(dst, "</created></result>"...)
}

// records answers with the records of a query.
func (h *Handler) records(j *jobs.Job, b *jobs.Batch) *rest.Response {
	return &rest.Response{
		Status: http.StatusOK, Header: http.Header{"Content-Type": {contentTypes(j.ContentType)}},
		Stream: func(ctx context.Context, w io.Writer) error {
			head, foot := "", ""
			switch j.ContentType {
			case jsonType:
				head, foot = "[", "]"
			case xmlType:
				head = `<?xml version="1.0" encoding="UTF-8"?><queryResult xmlns="` + namespace + `" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`
				foot = "</queryResult>"
			default:
				return bulk.WritePages(ctx, h.table, w, b.ID, csv.Dialect{Delimiter: ','}, b.Columns, 0, b.Processed)
			}
			if _, err := io.WriteString(w, head); err != nil {
				return err
			}
			for from := int64(0); from < b.Processed; {
				p, err := h.table.PageAt(ctx, b.ID, from)
				if err != nil || p == nil {
					return errors.Join(err, jobs.ErrGone)
				}
				if from += p.Rows; from == b.Processed {
					p.Data = bytes.TrimSuffix(p.Data, []byte{','})
				}
				if _, err := w.Write(p.Data); err != nil {
					return err
				}
			}
			_, err := io.WriteString(w, foot)
			return err
		},
	}
}

// appendRecord appends a record as XML: the fields of a parent stand within an element of their own.
func appendRecord(dst []byte, q *soql.Query, values []any) []byte {
	dst = append(dst, `<records xsi:type="sObject"><type>`...)
	dst = append(append(dst, q.Entity.Name...), "</type>"...)
	var within []string
	for i := range q.Columns {
		c := &q.Columns[i]
		path := strings.Split(c.Path, ".")
		parents := path[:len(path)-1]
		same := 0
		for same < len(parents) && same < len(within) && parents[same] == within[same] {
			same++
		}
		for k := len(within) - 1; k >= same; k-- {
			dst = append(append(append(dst, "</"...), within[k]...), '>')
		}
		for _, p := range parents[same:] {
			dst = append(append(append(dst, '<'), p...), ` xsi:type="sObject">`...)
		}
		within = parents
		name := path[len(path)-1]
		if values[c.Value] == nil {
			dst = append(append(append(dst, '<'), name...), ` xsi:nil="true"/>`...)
			continue
		}
		dst = append(append(append(dst, '<'), name...), '>')
		dst = appendXML(dst, bulk.Text(c.Field.Type, values[c.Value]))
		dst = append(append(append(dst, "</"...), name...), '>')
	}
	for k := len(within) - 1; k >= 0; k-- {
		dst = append(append(append(dst, "</"...), within[k]...), '>')
	}
	return append(dst, "</records>"...)
}
