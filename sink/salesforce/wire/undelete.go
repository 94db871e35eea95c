package wire

import (
	"bytes"
	"encoding/xml"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// Undelete is the call of SOAP that brings records back from the recycle bin (SOAP API developer guide,
// "undelete()").
func Undelete(access string, ids []string) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header>` +
		`<SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>`)
	escape(&b, access)
	b.WriteString(`</sessionId></SessionHeader></soapenv:Header><soapenv:Body><undelete xmlns="urn:partner.soap.sforce.com">`)
	for _, id := range ids {
		b.WriteString("<ids>")
		escape(&b, id)
		b.WriteString("</ids>")
	}
	b.WriteString(`</undelete></soapenv:Body></soapenv:Envelope>`)
	return b.Bytes()
}

// escape writes text as XML. Writing to memory does not fail.
func escape(b *bytes.Buffer, text string) { _ = xml.EscapeText(b, []byte(text)) }

// ParseUndelete returns what became of the records of such a call, in order: nil for one that is back.
func ParseUndelete(answer []byte) ([]*sink.Error, error) {
	var doc struct {
		Results []struct {
			Success bool `xml:"success"`
			Errors  []struct {
				Message string   `xml:"message"`
				Code    string   `xml:"statusCode"`
				Fields  []string `xml:"fields"`
			} `xml:"errors"`
		} `xml:"Body>undeleteResponse>result"`
	}
	if err := xml.Unmarshal(answer, &doc); err != nil {
		return nil, err
	}
	outcomes := make([]*sink.Error, len(doc.Results))
	for i, r := range doc.Results {
		if r.Success {
			continue
		}
		e := &sink.Error{Code: "UNDELETE_FAILED"}
		if len(r.Errors) > 0 {
			e = &sink.Error{Code: r.Errors[0].Code, Message: r.Errors[0].Message, Fields: r.Errors[0].Fields}
		}
		e.Class = catalog.Classify(e.Code, e.Message)
		outcomes[i] = e
	}
	return outcomes, nil
}
