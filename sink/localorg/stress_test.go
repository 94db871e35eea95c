package localorg_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg"
)

var stress = flag.Duration("stress", 2*time.Second, "how long 200 clients write at once in TestStress")

// trouble is what goes wrong in TestStress, decided by the number of the request and the place of
// the record alone.
func trouble(counts *[6]atomic.Int64) func(localorg.Fault) localorg.Action {
	return func(f localorg.Fault) localorg.Action {
		x := uint64(f.N)*0x9E3779B97F4A7C15 + uint64(f.Index)*0xBF58476D1CE4E5B9
		x ^= x >> 31
		x *= 0x94D049BB133111EB
		dice := (x ^ x>>29) % 1000
		switch {
		case f.Sub:
			return localorg.Action{}
		case f.Row && dice < 5:
			counts[0].Add(1)
			return localorg.Action{Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record"}
		case f.Row || !strings.HasPrefix(f.Path, "/composite") && !strings.HasPrefix(f.Path, "/sobjects") && !strings.HasPrefix(f.Path, "/jobs") && f.Path != "/query":
			return localorg.Action{}
		case dice < 20:
			counts[1].Add(1)
			return localorg.Action{Drop: localorg.DropBefore}
		case dice < 40:
			counts[2].Add(1)
			return localorg.Action{Drop: localorg.DropAfter}
		case dice < 60:
			counts[3].Add(1)
			return localorg.Action{Status: http.StatusServiceUnavailable, Code: "SERVER_UNAVAILABLE", Message: "server temporarily unavailable"}
		case dice < 70:
			counts[4].Add(1)
			return localorg.Action{Status: http.StatusServiceUnavailable, Body: "<html>maintenance</html>"}
		case dice < 71:
			counts[5].Add(1)
			return localorg.Action{Expire: true}
		}
		return localorg.Action{}
	}
}

// 200 clients upsert records of their own through an org where connections die before and after
// the commit, sessions end, rows are locked and the server is away. None is lost, none is there
// twice, no goroutine stays, and the database is sound.
func TestStress(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	const clients = 200
	s, problems := schema.Overlay(schema.Standard(), "fields.yaml", []byte(fields))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var counts [6]atomic.Int64
	db := filepath.Join(t.TempDir(), "org.db")
	org, err := localorg.Open(t.Context(), localorg.Config{DB: db, Schema: s, Fault: trouble(&counts)})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(org.Handler())
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	ctx, cancel := context.WithTimeout(t.Context(), *stress)
	defer cancel()
	list := make([]*stressed, clients)
	var wg sync.WaitGroup
	for i := range list {
		c := &stressed{
			n: i, url: srv.URL, creds: org.Credentials(), want: map[string]string{}, ids: map[string]string{},
			http: &http.Client{Transport: transport, Timeout: time.Minute},
		}
		list[i] = c
		wg.Go(func() { c.run(ctx) })
	}
	wg.Wait()
	var requests, keys int
	for _, c := range list {
		if c.err != nil {
			t.Errorf("client %d: %v", c.n, c.err)
		}
		requests += c.requests
		keys += len(c.want)
	}
	c := list[0]
	if n, err := c.count("SELECT COUNT() FROM Lead"); err != nil || n != keys {
		t.Errorf("%d leads, want %d: %v", n, keys, err)
	}
	t.Logf("%d requests; %d rows locked, %d connections dropped before and %d after the commit, %d+%d times away, %d times sessions expired",
		requests, counts[0].Load(), counts[1].Load(), counts[2].Load(), counts[3].Load(), counts[4].Load(), counts[5].Load())
	for i := range counts[:5] {
		if counts[i].Load() == 0 {
			t.Errorf("trouble %d never came", i)
		}
	}
	transport.CloseIdleConnections()
	srv.Close()
	if err := org.Close(); err != nil {
		t.Error(err)
	}
	localorg.Sound(t, db)
}

// stressed is a client that writes keys of its own and knows what must be there.
type stressed struct {
	n        int
	url      string
	creds    localorg.Credentials
	token    string
	http     *http.Client
	requests int
	err      error
	want     map[string]string // by key, what was acknowledged
	ids      map[string]string // by key, the record it is
}

// ownKeys is how many keys a client has.
const ownKeys = 20

func (c *stressed) run(ctx context.Context) {
	for round := 0; ctx.Err() == nil && c.err == nil; round++ {
		rows := map[string]string{}
		for i := range ownKeys {
			if (i+round)%3 != 0 {
				rows[fmt.Sprintf("s%d-%d", c.n, i)] = fmt.Sprintf("R%d", round)
			}
		}
		var err error
		switch (round + c.n) % 5 {
		case 0, 1:
			err = c.collection(rows)
		case 2:
			err = c.composite(rows)
		case 3:
			err = c.bulk(rows)
		case 4:
			for key, value := range rows {
				err = errors.Join(err, c.single(key, value))
				break
			}
		}
		if err == nil && round%5 == 4 {
			err = c.readBack()
		}
		c.err = err
	}
	if c.err == nil {
		c.err = c.readBack()
	}
}

// patience is how often a request is sent until it is answered.
const patience = 200

// send repeats a request until the org answers it.
func (c *stressed) send(method, path string, body any) (status int, answer []byte, err error) {
	kind := "application/json"
	var text []byte
	switch v := body.(type) {
	case nil:
	case string:
		kind, text = "text/csv", []byte(v)
	default:
		if text, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	for range patience {
		c.requests++
		rq, err := http.NewRequest(method, c.url+path, bytes.NewReader(text)) //nolint:noctx // bounded by the client's timeout
		if err != nil {
			return 0, nil, err
		}
		rq.Header.Set("Authorization", "Bearer "+c.token)
		rq.Header.Set("Content-Type", kind)
		res, err := c.http.Do(rq)
		if err != nil {
			continue // died before or after: an upsert may be sent again
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		switch {
		case err != nil, res.StatusCode == http.StatusServiceUnavailable:
		case res.StatusCode == http.StatusUnauthorized:
			if err := c.login(); err != nil {
				return 0, nil, err
			}
		default:
			return res.StatusCode, answer, nil
		}
	}
	return 0, nil, fmt.Errorf("%s %s: no answer in %d tries", method, path, patience)
}

func (c *stressed) login() error {
	res, err := c.http.PostForm(c.url+"/services/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.creds.ClientID}, "client_secret": {c.creds.ClientSecret},
	})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		return fmt.Errorf("log in: %d %w", res.StatusCode, err)
	}
	c.token = answer.AccessToken
	return nil
}

// result is an answer about one record.
type result struct {
	ID      string
	Success bool
	Errors  []struct{ StatusCode, Message string }
}

// collection upserts rows until all of them are in.
func (c *stressed) collection(rows map[string]string) error {
	for range patience {
		keys, records := c.records(rows)
		status, answer, err := c.send("PATCH", "/services/data/v66.0/composite/sobjects/Lead/Ext__c", map[string]any{"records": records})
		if err != nil {
			return err
		}
		var results []result
		if status != 200 || json.Unmarshal(answer, &results) != nil || len(results) != len(keys) {
			return fmt.Errorf("collection: %d %.300s", status, answer)
		}
		if err := c.take(rows, keys, results); err != nil || len(rows) == 0 {
			return err
		}
	}
	return errors.New("collection: rows are locked for ever")
}

// composite upserts rows as two collections in one call.
func (c *stressed) composite(rows map[string]string) error {
	for range patience {
		keys, records := c.records(rows)
		half := len(keys) / 2
		sub := func(ref string, records []map[string]any) map[string]any {
			return map[string]any{"method": "PATCH", "url": "/services/data/v66.0/composite/sobjects/Lead/Ext__c", "referenceId": ref, "body": map[string]any{"records": records}}
		}
		subs := []map[string]any{sub("b", records[half:])}
		if half > 0 {
			subs = append([]map[string]any{sub("a", records[:half])}, subs...)
		}
		status, answer, err := c.send("POST", "/services/data/v66.0/composite", map[string]any{"compositeRequest": subs})
		if err != nil {
			return err
		}
		var whole struct {
			CompositeResponse []struct {
				HTTPStatusCode int
				Body           json.RawMessage
			}
		}
		if status != 200 || json.Unmarshal(answer, &whole) != nil {
			return fmt.Errorf("composite: %d %.300s", status, answer)
		}
		var results []result
		for _, r := range whole.CompositeResponse {
			var some []result
			if r.HTTPStatusCode != 200 || json.Unmarshal(r.Body, &some) != nil {
				return fmt.Errorf("composite: %d %.300s", r.HTTPStatusCode, r.Body)
			}
			results = append(results, some...)
		}
		if len(results) != len(keys) {
			return fmt.Errorf("composite: %d results of %d", len(results), len(keys))
		}
		if err := c.take(rows, keys, results); err != nil || len(rows) == 0 {
			return err
		}
	}
	return errors.New("composite: rows are locked for ever")
}

func (c *stressed) records(rows map[string]string) (keys []string, records []map[string]any) {
	for key, value := range rows {
		keys = append(keys, key)
		records = append(records, map[string]any{"attributes": map[string]string{"type": "Lead"}, "Ext__c": key, "LastName": value, "Company": "C"})
	}
	return keys, records
}

// take notes what was acknowledged, removes it from rows, and leaves what was locked.
func (c *stressed) take(rows map[string]string, keys []string, results []result) error {
	for i, r := range results {
		key := keys[i]
		switch {
		case r.Success:
			if err := c.same(key, r.ID); err != nil {
				return err
			}
			c.want[key] = rows[key]
			delete(rows, key)
		case len(r.Errors) != 1 || r.Errors[0].StatusCode != "UNABLE_TO_LOCK_ROW":
			return fmt.Errorf("%s: %+v", key, r)
		}
	}
	return nil
}

// same checks that a key is the record that it always was.
func (c *stressed) same(key, id string) error {
	if old, known := c.ids[key]; known && old != id {
		return fmt.Errorf("%s was %s and is %s", key, old, id)
	}
	c.ids[key] = id
	return nil
}

// single upserts one row by its address.
func (c *stressed) single(key, value string) error {
	for range patience {
		status, answer, err := c.send("PATCH", "/services/data/v66.0/sobjects/Lead/Ext__c/"+key, map[string]string{"LastName": value, "Company": "C"})
		if err != nil {
			return err
		}
		var r result
		switch {
		case status/100 == 2 && json.Unmarshal(answer, &r) == nil && r.Success:
			c.want[key] = value
			return c.same(key, r.ID)
		case !bytes.Contains(answer, []byte("UNABLE_TO_LOCK_ROW")):
			return fmt.Errorf("%s: %d %.300s", key, status, answer)
		}
	}
	return errors.New(key + ": locked for ever")
}

// readBack checks that what was acknowledged is there, once.
func (c *stressed) readBack() error {
	soql := fmt.Sprintf("SELECT Id, Ext__c, LastName FROM Lead WHERE Ext__c LIKE 's%d-%%'", c.n)
	status, answer, err := c.send("GET", "/services/data/v66.0/query?q="+url.QueryEscape(soql), nil)
	if err != nil {
		return err
	}
	var page struct {
		Records []struct {
			ID       string
			Ext      string `json:"Ext__c"`
			LastName string
		}
	}
	if status != 200 || json.Unmarshal(answer, &page) != nil || len(page.Records) != len(c.want) {
		return fmt.Errorf("read back %d of %d: %d %.300s", len(page.Records), len(c.want), status, answer)
	}
	for _, r := range page.Records {
		if c.want[r.Ext] != r.LastName {
			return fmt.Errorf("%s is %s, want %s", r.Ext, r.LastName, c.want[r.Ext])
		}
		if err := c.same(r.Ext, r.ID); err != nil {
			return err
		}
	}
	return nil
}

func (c *stressed) count(soql string) (int, error) {
	status, answer, err := c.send("GET", "/services/data/v66.0/query?q="+url.QueryEscape(soql), nil)
	if err != nil {
		return 0, err
	}
	var page struct{ TotalSize int }
	if err := json.Unmarshal(answer, &page); status != 200 || err != nil {
		return 0, fmt.Errorf("%d %.300s %w", status, answer, err)
	}
	return page.TotalSize, nil
}
