package beans_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sfsync/mapping/diag"
	"sfsync/mapping/importer/beans"
)

// A bean has the entries of its parent where its map merges, or has none of its own; a circle ends.
func TestSettings(t *testing.T) {
	t.Parallel()
	const text = `<?xml version="1.0" encoding="iso-8859-1"?><beans>
		<bean id="base"><property><map><entry key="a" value=" 1 "/><entry key="b"><value>2</value></entry></map></property></bean>
		<bean id="merges" parent="base"><description>D</description><map merge="true"><entry key="b" value="3"/></map></bean>
		<bean id="replaces" parent="base"><map><entry key="c" value="` + "\xe4" + `"/></map></bean>
		<bean id="inherits" parent="merges"/><bean id="lost" parent="nobody"/>
		<bean id="x" parent="y"><map merge="true"><entry key="x" value="1"/></map></bean><bean id="y" parent="x"><map merge="true"><entry key="y" value="2"/></map></bean>
		<bean id="z" parent="y"/>
	</beans>`
	var list diag.List
	byID := map[string]*beans.Process{}
	got := map[string]string{}
	for _, p := range beans.Parse("p.xml", []byte(text), 10, &list) {
		byID[p.ID] = p
		for _, key := range slices.Sorted(maps.Keys(p.Settings)) {
			got[p.ID] += key + p.Settings[key].Value
		}
	}
	// Those that others go by, and that name no operation, are templates: base, merges, x and y.
	want := map[string]string{"replaces": "cä", "inherits": "a1b3", "z": "x1y2"}
	if d := cmp.Diff(want, got); d != "" || list.Failed() || byID["inherits"].Settings["b"].Pos.Line != 3 {
		t.Errorf("%v (-want +got):\n%s", list.All(), d)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<html>": "this XML is a <html>", "<beans><bean>": "not valid XML", "<beans>&a;</beans>": "not valid XML", "<beans>\xff</beans>": "not valid XML", `<?xml version="1.0" encoding="klingon"?><beans/>`: "unknown encoding",
		"<beans>" + strings.Repeat("<bean>", 100): "nested more than 64 levels deep",
	} {
		var list diag.List
		if got := beans.Parse("p.xml", []byte(text), 10, &list); got != nil || !list.Failed() || !strings.Contains(list.All()[0].Message, want) {
			t.Errorf("%.30q: %v, want %s", text, list.All(), want)
		}
	}
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	var list diag.List
	if got := beans.Parse("p.xml", []byte(`<beans><bean id="a"/><bean id="b"/><bean id="c"/></beans>`), 2, &list); got != nil || list.All()[0].Message != "the file has more than 2 beans" {
		t.Errorf("%v", list.All())
	}
}
