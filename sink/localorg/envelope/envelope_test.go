package envelope

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const soap = "http://schemas.xmlsoap.org/soap/envelope/"

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		fact, text string
		want       *Call
	}{
		{
			"prefixes are free, blanks around texts and comments do not count",
			`<?xml version="1.0"?><e:Envelope xmlns:e="` + soap + `"><e:Body><n:login xmlns:n="urn:partner.soap.sforce.com">
			  <n:username> a&amp;b<!-- x -->@c.d </n:username><n:password><![CDATA[<p>]]></n:password></n:login></e:Body></e:Envelope>`,
			&Call{Op: &Element{Name: "login", Children: []*Element{{Name: "username", Text: "a&b@c.d"}, {Name: "password", Text: "<p>"}}}},
		},
		{
			"a session in the header; attributes do not count",
			`<Envelope xmlns="` + soap + `"><Header><SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>00D!x</sessionId></SessionHeader></Header>` +
				`<Body><update><sObjects xmlns:xsi="i" xsi:type="sf:Lead"><Id>1</Id><Rating xsi:nil="true"/></sObjects></update></Body></Envelope>`,
			&Call{Session: "00D!x", Op: &Element{Name: "update", Children: []*Element{
				{Name: "sObjects", Children: []*Element{{Name: "Id", Text: "1"}, {Name: "Rating"}}},
			}}},
		},
	} {
		got, err := Read([]byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.fact, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b Element) bool { return dump(&a) == dump(&b) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.fact, diff)
		}
	}
}

func dump(e *Element) string {
	s := e.Name + "|" + e.Text
	for _, c := range e.Children {
		s += "(" + dump(c) + ")"
	}
	return s
}

func TestReadRefuses(t *testing.T) {
	env := func(body string) string { return `<Envelope><Body>` + body + `</Body></Envelope>` }
	for fact, text := range map[string]string{
		"nothing":                     "",
		"no XML":                      "hello",
		"cut off":                     "<Envelope><Body><login>",
		"another document":            "<html><Body><login/></Body></html>",
		"no body":                     "<Envelope><Header/></Envelope>",
		"an empty body":               env(""),
		"two calls":                   env("<a/><b/>"),
		"two roots":                   env("<a/>") + env("<b/>"),
		"too deep":                    env(strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth)),
		"too many elements":           env("<a>" + strings.Repeat("<b/>", maxElements) + "</a>"),
		"a document type":             `<!DOCTYPE x [<!ENTITY e "secret">]>` + env("<a/>"),
		"an entity that is not known": env("<a>&e;</a>"),
	} {
		if c, err := Read([]byte(text)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %v", fact, c, err)
		}
	}
}

// The shapes are those that clients take apart with regular expressions.
func TestAnswers(t *testing.T) {
	c := &Call{Op: &Element{Name: "logout"}}
	for _, tt := range []struct {
		fact   string
		got    string
		status int
		want   string
	}{
		{"an answer", string(c.Answer("").Body), c.Answer("").Status, `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="` + soap +
			`" xmlns="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><logoutResponse></logoutResponse></soapenv:Body></soapenv:Envelope>`},
		{"a fault", string(c.Fault("INVALID_LOGIN", "a < b").Body), c.Fault("INVALID_LOGIN", "").Status, `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="` + soap +
			`" xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_LOGIN</faultcode>` +
			`<faultstring>INVALID_LOGIN: a &lt; b</faultstring><detail><sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>` +
			`<sf:exceptionMessage>a &lt; b</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`},
	} {
		if tt.got != tt.want {
			t.Errorf("%s (-want +got):\n%s", tt.fact, cmp.Diff(tt.want, tt.got))
		}
	}
	if c.Answer("").Status != 200 || c.Fault("X", "").Status != 500 || c.ClientFault("x").Status != 500 {
		t.Error("a fault is a 500, an answer a 200")
	}
	c.API = Enterprise
	if s := string(c.Answer("").Body); !strings.Contains(s, `"urn:enterprise.soap.sforce.com"`) {
		t.Errorf("the enterprise API: %s", s)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"", "<Envelope><Body><a/></Body></Envelope>", `<e:Envelope xmlns:e="x"><e:Header/><e:Body><a b:type="c:d">t</a></e:Body></e:Envelope>`, "<!DOCTYPE a><a/>", "<a>&#x0;</a>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Read(text)
		if err != nil {
			return
		}
		// Whatever came in, an answer about it is well-formed.
		dec := xml.NewDecoder(strings.NewReader(string(c.Fault("X", c.Op.Text+c.Op.Name).Body)))
		for {
			_, err := dec.Token()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatalf("%v in %s", err, c.Fault("X", c.Op.Text).Body)
			}
		}
	})
}
