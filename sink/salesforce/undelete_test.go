package salesforce

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sfsync/sink"
)

var idsOf = regexp.MustCompile(`<ids>([^<]*)</ids>`)

// Undelete goes by SOAP in calls of 200, with the session in the envelope, and gives each record its outcome.
func TestUndelete(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	var sizes []int
	f.hook = func(rw http.ResponseWriter, r *http.Request, _ int) bool {
		switch r.URL.Path {
		case "/services/data/v66.0":
			reply(rw, 200, map[string]any{})
			return true
		case "/services/data/v66.0/limits": // not everybody may read them
			reply(rw, 403, orgError("INSUFFICIENT_ACCESS", "insufficient access rights"))
			return true
		}
		if r.URL.Path != "/services/Soap/u/66.0" {
			return false
		}
		body, err := io.ReadAll(r.Body)
		session := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if err != nil || r.Header.Get("SOAPAction") != `""` || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/xml") ||
			!strings.Contains(string(body), "<sessionId>"+session+"</sessionId>") {
			t.Errorf("%v %v %s", err, r.Header, body)
		}
		ids := idsOf.FindAllStringSubmatch(string(body), -1)
		sizes = append(sizes, len(ids))
		var b strings.Builder
		for _, id := range ids {
			if strings.HasSuffix(id[1], "7") {
				fmt.Fprintf(&b, "<result><errors><message>Entity is not in the recycle bin</message><statusCode>UNDELETE_FAILED</statusCode></errors><id>%s</id><success>false</success></result>", id[1])
			} else {
				fmt.Fprintf(&b, "<result><id>%s</id><success>true</success></result>", id[1])
			}
		}
		fmt.Fprintf(rw, `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><soapenv:Body><undeleteResponse>%s</undeleteResponse></soapenv:Body></soapenv:Envelope>`, b.String())
		return true
	}
	ids := make([]string, 450)
	for i := range ids {
		ids[i] = fmt.Sprintf("00Q%015d", i)
	}
	results := make([]sink.Result, len(ids))
	if err := w.c.Undelete(t.Context(), ids, results); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(sizes) != "[200 200 50]" {
		t.Errorf("calls of %v", sizes)
	}
	for i, res := range results {
		switch failed := strings.HasSuffix(ids[i], "7"); {
		case !failed && (res.Status != sink.Updated || res.ID != ids[i]):
			t.Errorf("%s: %+v", ids[i], res)
		case failed && (res.Status != sink.Failed || res.Err.Code != "UNDELETE_FAILED" || res.Err.Message == ""):
			t.Errorf("%s: %+v", ids[i], res)
		}
	}
}

// An answer that is none leaves the records undecided.
func TestUndeleteBadAnswer(t *testing.T) {
	f := newFake(t)
	w, _ := f.impatient(nil)
	f.hook = func(rw http.ResponseWriter, r *http.Request, _ int) bool {
		switch r.URL.Path {
		case "/services/data/v66.0":
			reply(rw, 200, map[string]any{})
		case "/services/Soap/u/66.0":
			fmt.Fprint(rw, "<html>")
		default:
			return false
		}
		return true
	}
	results := make([]sink.Result, 1)
	if err := w.c.Undelete(t.Context(), []string{"00Q000000000001AAA"}, results); err == nil || results[0].Status != sink.NotSent {
		t.Errorf("%v %+v", err, results[0])
	}
}
