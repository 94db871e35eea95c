package localorg

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever is asked, the org answers, and never with a failure of its own.
func FuzzRequest(f *testing.F) {
	for _, s := range [][3]string{
		{"POST", "/composite", subs(false, `POST /sobjects/Lead {"LastName":"@{r0.id}","Company":"C"}`, `GET /query?q=SELECT+Id+FROM+Lead`)},
		{"POST", "/composite", subs(true, `PATCH /sobjects/Lead/Ext__c/1%2F {"LastName":"A","Company":"C"}`, `DELETE /composite/sobjects?ids=1`)},
		{"PATCH", "/composite/sobjects/Lead/Number__c", bodyOf(true, `{"Number__c":1e3,"LastName":"A","Company":"C"}`, `{"Number__c":"1000"}`)},
		{"PATCH", "/composite/sobjects", bodyOf(false, `{"id":"00Qzzz000000009AAA","Name":null}`)},
		{"POST", "/composite/sobjects/Lead", `{"ids":["x"],"fields":["Id","Address"]}`},
		{"GET", "/sobjects/Lead/Email/a@b.de?fields=Name", ""},
		{"POST", "/composite/batch", batch(true, `GET v66.0/limits`, `PATCH v45.0/sobjects/Lead/Ext__c/1 {"LastName":"A"}`)},
		{"POST", "/composite/graph", graphs(graphOf("a", `POST /sobjects/Account {"Name":"A"}`, `POST /sobjects/Contact {"LastName":"A","AccountId":"@{r0.id}"}`))},
		{"POST", "/composite/tree/Account", treeOf(treeNode("Account", "a", `"Name":"A"`, "Contacts", treeNode("Contact", "b", `"LastName":"B"`, "")))},
		{"GET", "/query/01gabc-200", ""},
		{"GET", "/limits/recordCount?sObjects=,Lead", ""},
		{"HEAD", "//sobjects/", ""},
		{"POST", "/sobjects/Case", `{"Subject":"x","Contact":{"Email":"a@b.de"}}`},
	} {
		f.Add(s[0], s[1], s[2])
	}
	o := newOrg(f)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if len(path) > 2000 {
			return
		}
		rq, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+v66+path, strings.NewReader(body))
		if err != nil {
			return
		}
		rq.RequestURI = rq.URL.RequestURI()
		rq.Header.Set("Authorization", "Bearer "+o.token)
		w := httptest.NewRecorder()
		o.Handler().ServeHTTP(w, rq)
		if w.Code >= 500 {
			t.Errorf("%s %q %q: %d %s", method, path, body, w.Code, w.Body)
		}
	})
}
