// Package envelope reads and writes the SOAP 1.1 envelopes of the local org: those of the partner API
// (/services/Soap/u) and of the enterprise API (/services/Soap/c), as far as clients of the REST API use them.
package envelope

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"

	"sfsync/sink/localorg/rest"
)

// The bounds of an envelope. A call for 200 records has far less than maxElements.
const (
	maxDepth    = 32
	maxElements = 50_000
)

// Element is an XML element without its namespace and attributes.
type Element struct {
	Name string
	// Text is its character data, blanks at both ends cut off.
	Text     string
	Children []*Element

	text []byte // while it is read
}

// Child returns the first child of that name, or nil.
func (e *Element) Child(name string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Value returns the text of the first child of that name, "" if there is none.
func (e *Element) Value(name string) string {
	if c := e.Child(name); c != nil {
		return c.Text
	}
	return ""
}

// API is one of the SOAP APIs.
type API uint8

// The SOAP APIs: /services/Soap/u and /services/Soap/c.
const (
	Partner API = iota
	Enterprise
)

// Call is what an envelope asks for.
type Call struct {
	// API says which of the APIs was called; the caller of Read sets it.
	API API
	// Session is the session id of the SessionHeader, "" if there is none.
	Session string
	// Op is the operation, the element in the body.
	Op *Element
}

// Read reads an envelope. Its error is about the text; it never holds any of it.
func Read(text []byte) (*Call, error) {
	root, err := readTree(text)
	if err != nil {
		return nil, err
	}
	body := root.Child("Body")
	if root.Name != "Envelope" || body == nil || len(body.Children) != 1 {
		return nil, errors.New("the body is no SOAP envelope with one call in it")
	}
	return &Call{Session: root.Child("Header").Child("SessionHeader").Value("sessionId"), Op: body.Children[0]}, nil
}

func readTree(text []byte) (*Element, error) {
	dec := xml.NewDecoder(bytes.NewReader(text))
	var root *Element
	var open []*Element
	for elements := 0; ; {
		tok, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF) && root != nil && len(open) == 0:
			return root, nil
		case err != nil:
			return nil, errors.New("the envelope is no well-formed XML")
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if elements++; elements > maxElements || len(open) >= maxDepth || root != nil && len(open) == 0 {
				return nil, errors.New("the envelope is too large or too deep")
			}
			e := &Element{Name: t.Name.Local}
			if root == nil {
				root = e
			} else {
				parent := open[len(open)-1]
				parent.Children = append(parent.Children, e)
			}
			open = append(open, e)
		case xml.EndElement:
			e := open[len(open)-1]
			e.Text, e.text = strings.TrimSpace(string(e.text)), nil
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				e := open[len(open)-1]
				e.text = append(e.text, t...)
			}
		case xml.Directive:
			return nil, errors.New("the envelope has a document type declaration") // SOAP 1.1 §3 forbids it
		}
	}
}

const envelopeStart = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"`

// Space is the namespace of the API's elements.
func (c *Call) Space() string { return "urn:" + c.host() }

func (c *Call) host() string {
	if c.API == Enterprise {
		return "enterprise.soap.sforce.com"
	}
	return "partner.soap.sforce.com"
}

// Answer returns the answer to a call; inner is the XML inside the element opResponse.
func (c *Call) Answer(inner string) *rest.Response {
	name := c.Op.Name + "Response"
	return reply(http.StatusOK, envelopeStart+` xmlns="`+c.Space()+`" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><`+
		name+`>`+inner+`</`+name+`></soapenv:Body></soapenv:Envelope>`)
}

// Fault returns a fault of the API: code is an exception code such as INVALID_LOGIN (SOAP API guide, Core Data
// Types). The prefix sf: of the detail's elements is what clients look for.
func (c *Call) Fault(code, message string) *rest.Response {
	kind := "UnexpectedErrorFault"
	switch code {
	case "INVALID_LOGIN", "INACTIVE_ORG", "LOGIN_MUST_USE_SECURITY_TOKEN":
		kind = "LoginFault"
	}
	detail := `<detail><sf:` + kind + ` xsi:type="sf:` + kind + `"><sf:exceptionCode>` + code + `</sf:exceptionCode><sf:exceptionMessage>` +
		Escape(message) + `</sf:exceptionMessage></sf:` + kind + `></detail>`
	return c.fault("sf:"+code, code+": "+message, detail)
}

// ClientFault returns a fault for a message that is no call of the API.
func (c *Call) ClientFault(message string) *rest.Response {
	return c.fault("soapenv:Client", message, "")
}

func (c *Call) fault(code, text, detail string) *rest.Response {
	return reply(http.StatusInternalServerError, envelopeStart+` xmlns:sf="urn:fault.`+c.host()+
		`" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>`+code+`</faultcode><faultstring>`+
		Escape(text)+`</faultstring>`+detail+`</soapenv:Fault></soapenv:Body></soapenv:Envelope>`)
}

func reply(status int, text string) *rest.Response {
	return &rest.Response{Status: status, Header: http.Header{"Content-Type": {"text/xml;charset=UTF-8"}}, Body: []byte(text)}
}

// Escape returns a text as character data.
func Escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes all
	return b.String()
}
