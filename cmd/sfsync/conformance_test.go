package main_test

import (
	"context"
	"encoding/json"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"sfsync/mapping/schema"
	"sfsync/pipeline/row"
	"sfsync/sink"
	"sfsync/sink/localorg"
	"sfsync/sink/retry"
	"sfsync/sink/salesforce"
	"sfsync/sink/salesforce/bulk"
	"sfsync/sink/sinktest"
)

// TestWriterOnLocalOrg runs the suite of every Writer with the client's on the local org: the two
// share no code and were written after the same facts, and here they have to agree.
func TestWriterOnLocalOrg(t *testing.T) {
	t.Parallel()
	s, found := schema.Overlay(schema.Standard(), "test.yaml",
		[]byte("objects:\n  Lead:\n    fields:\n      Ext__c: {type: string, length: 80, externalId: true, unique: true}\n"+
			"  Signup__e:\n    fields:\n      Email__c: {type: email}\n"))
	if len(found) > 0 {
		t.Fatal(found)
	}
	t.Run("REST", func(t *testing.T) {
		t.Parallel()
		sinktest.Test(t, func(t *testing.T) sinktest.Harness {
			var lose atomic.Value // localorg.Action: what happens to the next write
			org, url := serveFaulty(t, s, func(p localorg.Fault) localorg.Action {
				if p.Row || p.Sub || p.Path != "/composite" {
					return localorg.Action{}
				}
				act, _ := lose.Swap(localorg.Action{}).(localorg.Action)
				return act
			})
			c := connect(t, map[string]string{"SFSYNC_INSTANCE_URL": url, "SFSYNC_ACCESS_TOKEN": org.Credentials().AccessToken})
			h := leadHarness(c, s, c.Writer())
			h.Lose = func(_ *testing.T, after bool) {
				act := localorg.Action{Drop: localorg.DropBefore}
				if after {
					act.Drop = localorg.DropAfter
				}
				lose.Store(act)
			}
			h.Event = &sinktest.Event{
				Target: &sink.Target{Object: "Signup__e", KeyColumn: -1},
				Schema: row.NewSchema(row.Column{Name: "Email__c"}), Fixed: map[int]string{0: "someone@example.com"},
				Published: func(t *testing.T) int {
					t.Helper()
					show, err := org.Show(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for _, o := range show.Objects {
						if o.Name == "Signup__e" {
							return int(o.Records)
						}
					}
					return 0
				},
			}
			return h
		})
	})
	t.Run("Bulk", func(t *testing.T) {
		t.Parallel()
		sinktest.Test(t, func(t *testing.T) sinktest.Harness {
			c := client(t, s)
			w := &bulk.Writer{Jobs: c.Bulk()}
			w.Jobs.Dir = t.TempDir()
			w.Jobs.Sleep = func(ctx context.Context, d time.Duration) error { return retry.Sleep(ctx, d/200) }
			return leadHarness(c, s, w)
		})
	})
}

// leadHarness is a harness for leads by an external id.
func leadHarness(c *salesforce.Client, s *schema.Schema, w sink.Writer) sinktest.Harness {
	return sinktest.Harness{
		Writer: w, Text: 1, Fixed: map[int]string{2: "Doe", 3: "Acme"}, Nobody: "00Q999999999999EAA",
		Schema: row.NewSchema(row.Column{Name: "Ext__c"}, row.Column{Name: "Title"}, row.Column{Name: "LastName"}, row.Column{Name: "Company"}, row.Column{Name: "\x00key"}),
		Target: &sink.Target{Object: "Lead", Key: "Ext__c", KeyColumn: 0, Fold: s.Object("Lead").Field("Ext__c").FoldKey},
		Refuse: func(b *row.Batch, r int) { b.SetKind(r, 3, row.Null) },
		Read: func(t *testing.T, key string) (string, bool) {
			t.Helper()
			text, ok := "", false
			err := c.Query(t.Context(), "SELECT Title FROM Lead WHERE Ext__c = '"+key+"'", func(rec []byte) error {
				ok = true
				var lead struct{ Title *string }
				err := json.Unmarshal(rec, &lead)
				if lead.Title != nil {
					text = *lead.Title
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return text, ok
		},
	}
}

// client connects to a fresh local org that lives as long as the test.
func client(t *testing.T, s *schema.Schema) *salesforce.Client {
	t.Helper()
	org, url := serveOrg(t, s)
	return connect(t, map[string]string{"SFSYNC_INSTANCE_URL": url, "SFSYNC_ACCESS_TOKEN": org.Credentials().AccessToken})
}

// serveOrg serves a fresh local org for as long as the test lasts and returns its address.
func serveOrg(t *testing.T, s *schema.Schema) (*localorg.Org, string) {
	t.Helper()
	return serveFaulty(t, s, nil)
}

// serveFaulty is serveOrg with trouble: fault says what goes wrong when.
func serveFaulty(t *testing.T, s *schema.Schema, fault func(localorg.Fault) localorg.Action) (*localorg.Org, string) {
	t.Helper()
	org, err := localorg.Open(t.Context(), localorg.Config{DB: localorg.Memory, Schema: s, Now: time.Now, Fault: fault})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- org.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := org.Close(); err != nil {
			t.Error(err)
		}
	})
	return org, "http://" + l.Addr().String()
}

// connect logs in with credentials from an environment.
func connect(t *testing.T, env map[string]string) *salesforce.Client {
	t.Helper()
	auth, err := salesforce.AuthFromEnv(func(name string) string { return env[name] }, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := salesforce.Connect(t.Context(), salesforce.Config{Auth: auth, Now: time.Now, Since: time.Now(), Rand: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
