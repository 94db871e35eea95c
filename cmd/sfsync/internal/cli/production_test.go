package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"sfsync/cmd/sfsync/internal/exit"
	"sfsync/cmd/sfsync/internal/verb/verbtest"
)

// productionOrg answers what a run asks before it writes, as an org that is neither a sandbox
// nor local, and refuses every write.
func productionOrg(t *testing.T, writes *atomic.Int64) *httptest.Server {
	t.Helper()
	field := func(name, kind string, required bool) string {
		return fmt.Sprintf(`{"name":%q,"label":%[1]q,"type":%q,"length":80,"nillable":%v,"createable":true,"updateable":true,"defaultedOnCreate":false}`, name, kind, !required)
	}
	describe := `{"name":"Lead","label":"Lead","labelPlural":"Leads","keyPrefix":"00Q","createable":true,"updateable":true,"deletable":true,"queryable":true,"fields":[` +
		`{"name":"Id","label":"Id","type":"id","length":18,"nillable":false,"createable":false,"updateable":false,"defaultedOnCreate":true,"idLookup":true},` +
		field("LastName", "string", true) + "," + field("Company", "string", true) + `],"recordTypeInfos":[]}`
	mux := http.NewServeMux()
	reply := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(body))
		})
	}
	reply("GET /services/data", `[{"label":"x","url":"/services/data/v66.0","version":"66.0"}]`)
	reply("GET /services/data/v66.0/query", `{"totalSize":1,"done":true,"records":[{"Id":"00D000000000001AAA","Name":"Acme","IsSandbox":false,"InstanceName":"NA1"}]}`)
	reply("GET /services/data/v66.0/sobjects/Lead/describe", describe)
	mux.HandleFunc("POST /", func(w http.ResponseWriter, _ *http.Request) {
		writes.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte(`[{"errorCode":"API_DISABLED_FOR_ORG","message":"The REST API is not enabled for this Organization."}]`))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

// TestFirstWriteToProduction: off a terminal it needs --yes once; on one a question is asked.
func TestFirstWriteToProduction(t *testing.T) {
	t.Parallel()
	var writes atomic.Int64
	srv := productionOrg(t, &writes)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mapping := file("leads.yaml", "version: 1\nname: leads\ntargets:\n  - name: lead\n    object: Lead\n    operation: insert\n    fields: {LastName: name, Company: {value: x}}\n")
	data := file("leads.csv", "name\nAnn\n")
	run := func(state, answer string, flags ...string) (exit.Code, string) {
		sys, _, stderr := verbtest.System(map[string]string{"SFSYNC_ACCESS_TOKEN": "a-token", "SFSYNC_INSTANCE_URL": srv.URL})
		if answer != "" {
			sys.Stdin, sys.StdinTTY, sys.StderrTTY = strings.NewReader(answer), true, true
		}
		args := append([]string{"run", mapping, data, "--to", "env", "--runs", filepath.Join(dir, "runs"), "--state", filepath.Join(dir, state), "--progress", "none"}, flags...)
		return exit.Code(Main(t.Context(), args, sys)), stderr.String()
	}
	if code, stderr := run("plan", "", "--dry-run"); code != exit.OK || writes.Load() != 0 {
		t.Errorf("a dry run needs no agreement and writes nothing: exit %d, %d writes\n%s", code, writes.Load(), stderr)
	}
	for _, step := range []struct {
		name, state, answer string
		flags               []string
		want                exit.Code
		says                string
		writes              int64
	}{
		{"nobody was asked", "a", "", nil, exit.Usage, "add --yes once", 0},
		{"agreed by flag", "a", "", []string{"--yes"}, exit.NoPermission, "API_DISABLED_FOR_ORG", 1},
		{"agreed before", "a", "", nil, exit.NoPermission, "API_DISABLED_FOR_ORG", 2},
		{"refused at the prompt", "b", "no\n", nil, exit.Usage, "nothing was sent", 2},
		{"agreed at the prompt", "b", "y\n", nil, exit.NoPermission, "API_DISABLED_FOR_ORG", 3},
	} {
		code, stderr := run(step.state, step.answer, step.flags...)
		if code != step.want || !strings.Contains(stderr, step.says) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", step.name, code, step.want, step.says, stderr)
		}
		if writes.Load() != step.writes {
			t.Errorf("%s: %d writes, want %d", step.name, writes.Load(), step.writes)
		}
		if strings.Contains(stderr, "REST API is not enabled") {
			t.Errorf("%s: the org's own words are on stderr:\n%s", step.name, stderr)
		}
	}
}

// asked is somebody at a terminal who answers a question with a signal, and types nothing.
type asked struct {
	signals chan<- os.Signal
	end     <-chan struct{}
}

func (a asked) Read([]byte) (int, error) {
	a.signals <- os.Interrupt
	<-a.end
	return 0, io.EOF
}

// TestSignalAtAQuestion: one is enough.
func TestSignalAtAQuestion(t *testing.T) {
	t.Parallel()
	var writes atomic.Int64
	srv := productionOrg(t, &writes)
	dir := t.TempDir()
	mapping, data := filepath.Join(dir, "leads.yaml"), filepath.Join(dir, "leads.csv")
	for path, text := range map[string]string{
		mapping: "version: 1\nname: leads\ntargets:\n  - name: lead\n    object: Lead\n    operation: insert\n    fields: {LastName: name, Company: {value: x}}\n",
		data:    "name\nAnn\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	signals, end := make(chan os.Signal), make(chan struct{})
	defer close(end)
	sys, _, stderr := verbtest.System(map[string]string{"SFSYNC_ACCESS_TOKEN": "a-token", "SFSYNC_INSTANCE_URL": srv.URL})
	sys.Signals, sys.Stdin, sys.StdinTTY, sys.StderrTTY = signals, asked{signals, end}, true, true
	args := []string{"run", mapping, data, "--to", "env", "--runs", filepath.Join(dir, "runs"), "--state", filepath.Join(dir, "state"), "--progress", "none"}
	if code := exit.Code(Main(t.Context(), args, sys)); code != exit.Interrupted || writes.Load() > 0 {
		t.Errorf("exit code %d, %d writes\n%s", code, writes.Load(), stderr)
	}
}
