package v1

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sfsync/sink/localorg/bulk/jobs"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
)

// namespace is that of all documents.
const namespace = "http://www.force.com/2009/06/asyncapi/dataload"

// The content types of jobs, and the modes of running their batches.
const (
	csvType  = "CSV"
	jsonType = "JSON"
	xmlType  = "XML"
	parallel = "Parallel"
	serial   = "Serial"
)

// form is how documents are written: as XML or as JSON.
type form bool

const (
	asXML  form = false
	asJSON form = true
)

// formOf is the form that a request wants: that of its own content, else what it accepts, else that of the
// job's content.
func formOf(rq *rest.Request, jobType string) form {
	content := strings.ToLower(rq.Header.Get("Content-Type"))
	accept := strings.ToLower(rq.Header.Get("Accept"))
	switch {
	case strings.HasPrefix(content, "application/json"):
		return asJSON
	case content != "":
		return asXML
	case strings.Contains(accept, "xml"):
		return asXML
	case strings.Contains(accept, "json"):
		return asJSON
	}
	return jobType == jsonType
}

// order is what a client says of a job.
type order struct {
	Operation   string `json:"operation" xml:"operation"`
	Object      string `json:"object" xml:"object"`
	ExternalID  string `json:"externalIdFieldName" xml:"externalIdFieldName"`
	ContentType string `json:"contentType" xml:"contentType"`
	Concurrency string `json:"-" xml:"concurrencyMode"`
	Assignment  string `json:"assignmentRuleId" xml:"assignmentRuleId"`
	State       string `json:"state" xml:"state"`
}

// parseJob reads a jobInfo. A client writes the concurrencyMode as 0 or 1 in JSON.
func parseJob(rq *rest.Request) (*order, error) {
	o := new(order)
	if formOf(rq, "") == asJSON {
		var more struct {
			Concurrency any `json:"concurrencyMode"`
		}
		if json.Unmarshal(rq.Body, o) != nil || json.Unmarshal(rq.Body, &more) != nil {
			return nil, except("InvalidJob", "Unable to parse Job")
		}
		switch c := more.Concurrency.(type) {
		case string:
			o.Concurrency = c
		case float64:
			o.Concurrency = parallel
			if c == 1 {
				o.Concurrency = serial
			}
		}
		return o, nil
	}
	dec := xml.NewDecoder(bytes.NewReader(rq.Body))
	if err := dec.Decode(o); err != nil {
		return nil, except("InvalidJob", "Unable to parse Job")
	}
	return o, nil
}

// element is one member of a document. A value without text is null in JSON and left out of XML.
type element struct {
	name, text string
	raw        bool // a number or boolean in JSON
}

// document is what an answer says, in the order of XML (recorded from a real org).
type document []element

func (d *document) add(name, text string)    { *d = append(*d, element{name, text, false}) }
func (d *document) number(name, text string) { *d = append(*d, element{name, text, true}) }

func (d *document) count(name string, n int64) { d.number(name, strconv.FormatInt(n, 10)) }

// xml appends the members, each on a line of its own.
func (d document) xml(b []byte, indent string) []byte {
	for _, e := range d {
		if e.text == "" {
			continue
		}
		b = append(append(append(b, indent+"<"...), e.name...), '>')
		b = appendXML(b, e.text)
		b = append(append(append(b, "</"...), e.name...), ">\n"...)
	}
	return b
}

func (d document) json(b []byte) []byte {
	b = append(b, '{')
	for i, e := range d {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), e.name...), `":`...)
		switch {
		case e.text == "":
			b = append(b, "null"...)
		case e.raw:
			b = append(b, e.text...)
		default:
			b = appendJSON(b, e.text)
		}
	}
	return append(b, '}')
}

func appendXML(b []byte, text string) []byte {
	var buf bytes.Buffer
	_ = xml.EscapeText(&buf, []byte(text)) // a bytes.Buffer takes everything
	return append(b, buf.Bytes()...)
}

func appendJSON(b []byte, text string) []byte {
	out, _ := json.Marshal(text) // a string can always be written
	return append(b, out...)
}

// answer writes one document.
func answer(f form, status int, root string, d document) *rest.Response {
	if f == asJSON {
		return &rest.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: d.json(nil)}
	}
	b := d.xml(open(root), " ")
	return xmlResponse(status, append(b, "</"+root+">"...))
}

// open is the beginning of an XML document, laid out as recorded.
func open(root string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><` + root + "\n   xmlns=\"" + namespace + "\">\n")
}

func xmlResponse(status int, body []byte) *rest.Response {
	return &rest.Response{Status: status, Header: http.Header{"Content-Type": {"application/xml"}}, Body: body}
}

// refusal answers with an exception: 400, also for a session that is not valid.
func refusal(f form, e *exception) *rest.Response {
	var d document
	d.add("exceptionCode", e.code)
	d.add("exceptionMessage", e.message)
	return answer(f, http.StatusBadRequest, "error", d)
}

// date writes a time: with Z in XML (recorded), with a zone in JSON (Bulk API guide).
func date(f form, t time.Time) string {
	if f == asJSON {
		return t.Format(catalog.DateTimeLayout)
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

// jobAnswer is a job with the counts of its batches.
func jobAnswer(f form, j *jobs.Job, batches []*jobs.Batch, status int) *rest.Response {
	count := map[string]int64{}
	var processed, failed, busy int64
	for _, b := range batches {
		count[b.State]++
		processed += b.Processed
		failed += b.Failed
		busy += b.Busy.Milliseconds()
	}
	var d document
	d.add("id", j.ID)
	d.add("operation", j.Operation)
	d.add("object", j.Object)
	d.add("createdById", j.CreatedBy)
	d.add("createdDate", date(f, j.Created))
	d.add("systemModstamp", date(f, j.Modified))
	d.add("state", string(j.State))
	d.add("externalIdFieldName", j.ExternalID)
	d.add("assignmentRuleId", j.AssignmentRule)
	d.add("concurrencyMode", j.Concurrency)
	d.add("contentType", j.ContentType)
	d.count("numberBatchesQueued", count[jobs.BatchQueued])
	d.count("numberBatchesInProgress", count[jobs.BatchInProgress])
	d.count("numberBatchesCompleted", count[jobs.BatchCompleted])
	d.count("numberBatchesFailed", count[jobs.BatchFailed])
	d.count("numberBatchesTotal", int64(len(batches)))
	d.count("numberRecordsProcessed", processed)
	d.count("numberRetries", 0)
	d.number("apiVersion", strconv.Itoa(j.Version)+".0")
	d.count("numberRecordsFailed", failed)
	d.count("totalProcessingTime", busy)
	d.count("apiActiveProcessingTime", busy)
	d.count("apexProcessingTime", 0)
	return answer(f, status, "jobInfo", d)
}

func batchDocument(f form, b *jobs.Batch) document {
	var d document
	d.add("id", b.ID)
	d.add("jobId", b.Job)
	d.add("state", b.State)
	d.add("stateMessage", b.Error)
	d.add("createdDate", date(f, b.Created))
	d.add("systemModstamp", date(f, b.Modified))
	d.count("numberRecordsProcessed", b.Processed)
	d.count("numberRecordsFailed", b.Failed)
	d.count("totalProcessingTime", b.Busy.Milliseconds())
	d.count("apiActiveProcessingTime", b.Busy.Milliseconds())
	d.count("apexProcessingTime", 0)
	return d
}

func batchAnswer(f form, b *jobs.Batch, status int) *rest.Response {
	return answer(f, status, "batchInfo", batchDocument(f, b))
}

// batchesAnswer is the list of a job's batches.
func batchesAnswer(f form, list []*jobs.Batch) *rest.Response {
	if f == asJSON {
		b := []byte(`{"batchInfo":[`)
		for i, batch := range list {
			if i > 0 {
				b = append(b, ',')
			}
			b = batchDocument(f, batch).json(b)
		}
		return &rest.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: append(b, "]}"...)}
	}
	if len(list) == 0 { // recorded
		return xmlResponse(http.StatusOK, []byte(`<?xml version="1.0" encoding="UTF-8"?><batchInfoList`+"\n   xmlns=\""+namespace+"\" />"))
	}
	b := open("batchInfoList")
	for _, batch := range list {
		b = append(b, " <batchInfo>\n"...)
		b = batchDocument(f, batch).xml(b, "  ")
		b = append(b, " </batchInfo>\n"...)
	}
	return xmlResponse(http.StatusOK, append(b, "</batchInfoList>"...))
}
