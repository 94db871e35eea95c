package salesforce

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"strings"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/wire"
)

// undeleteGroup is the most records of one call (SOAP API developer guide, "undelete()").
const undeleteGroup = 200

// soapUndelete is the part of an answer that is looked at.
type soapUndelete struct {
	Results []struct {
		ID      string `xml:"id"`
		Success bool   `xml:"success"`
		Errors  []struct {
			Message string   `xml:"message"`
			Code    string   `xml:"statusCode"`
			Fields  []string `xml:"fields"`
		} `xml:"errors"`
	} `xml:"Body>undeleteResponse>result"`
}

// Undelete brings records back from the recycle bin and fills results, one an id: Updated or Failed,
// NotSent where an error came before. REST has no such call; SOAP takes the session of OAuth (SOAP API
// developer guide, "undelete()"; that any OAuth session will do is unconfirmed). A record that is not in the bin
// fails with UNDELETE_FAILED.
func (c *Client) Undelete(ctx context.Context, ids []string, results []sink.Result) error {
	for i := range results {
		results[i] = sink.Result{Status: sink.NotSent}
	}
	for len(ids) > 0 {
		n := min(len(ids), undeleteGroup)
		if err := c.undelete(ctx, ids[:n], results[:n]); err != nil {
			return err
		}
		ids, results = ids[n:], results[n:]
	}
	return nil
}

func (c *Client) undelete(ctx context.Context, ids []string, results []sink.Result) error {
	version := strings.TrimPrefix(c.prefix, "/services/data/v")
	k := &call{
		method: http.MethodPost, path: "/services/Soap/u/" + version, contentType: "text/xml; charset=UTF-8", repeat: true,
		headers: []wire.Header{{Name: "SOAPAction", Value: `""`}},
		sign:    func(access string) []byte { return undeleteCall(access, ids) },
	}
	// A session that has expired is a fault of status 500 here, which says less than REST's 401: a call that
	// costs next to nothing renews it before.
	if err := c.getJSON(ctx, &call{method: http.MethodGet, path: c.prefix + "/limits", repeat: true}, &struct{}{}); err != nil {
		return err
	}
	ans, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	defer ans.free()
	var doc soapUndelete
	if err := xml.Unmarshal(ans.body.Bytes(), &doc); err != nil || len(doc.Results) != len(ids) {
		return errors.Join(catalog.New(sink.Network, catalog.CodeBadAnswer, k.name()+" at "+c.host(k)+": the answer is not what the API gives"), err)
	}
	for i, r := range doc.Results {
		results[i] = sink.Result{Status: sink.Updated, ID: ids[i]}
		if r.Success {
			continue
		}
		e := &sink.Error{Code: "UNDELETE_FAILED"}
		if len(r.Errors) > 0 {
			e = &sink.Error{Code: r.Errors[0].Code, Message: r.Errors[0].Message, Fields: r.Errors[0].Fields}
		}
		e.Class = catalog.Classify(e.Code, e.Message)
		results[i].Status, results[i].Err = sink.Failed, e
	}
	return nil
}

// undeleteCall is the call for some records.
func undeleteCall(access string, ids []string) []byte {
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
