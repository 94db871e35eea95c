package salesforce

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"sfsync/sink"
	"sfsync/sink/salesforce/lookup"
	"sfsync/sink/salesforce/recent"
)

// created dates of the API have seconds; this is their layout ("2026-11-21T10:00:00.000+0000").
const dateTimeLayout = "2006-01-02T15:04:05.000-0700"

// askCreated finds out which of the records that were reported as updated after a lost answer
// had been created by it.
func (j *job) askCreated(ctx context.Context) {
	j.w.askCreated(ctx, j.req, j.results, j.ask, j.floor, j.known)
}

// AskCreated finds out which of the records that were written by another API, and reported as updated, an
// earlier attempt ([sink.Record].Resend) had created, and makes their results [sink.Created].
func (w *Writer) AskCreated(ctx context.Context, req *sink.Request, results []sink.Result) {
	var ask []int
	for i := range results {
		if req.Records[i].Resend && results[i].Status == sink.Updated {
			ask = append(ask, i)
		}
	}
	if len(ask) > 0 {
		floor := w.c.began.Truncate(time.Second)
		w.askCreated(ctx, req, results, ask, func(int) time.Time { return floor }, w.c.recent.Known())
	}
}

// askCreated says of records that were reported as updated that they were created if this user created them since
// their floor, and they are not known to have been. If the org cannot be asked they stay "updated", which they also are.
func (w *Writer) askCreated(ctx context.Context, req *sink.Request, results []sink.Result, ask []int, floor func(i int) time.Time, known recent.Known) {
	ctx = settling(ctx)
	c := w.c
	user := c.UserID(ctx)
	byID := make(map[string]int, len(ask))
	literals := make([]string, 0, len(ask))
	for _, i := range ask {
		if id := results[i].ID; lookup.WellFormedID(id) {
			byID[id] = i
			literals = append(literals, "'"+id+"'")
		}
	}
	q := lookup.In(req.Target.Object, "Id,CreatedDate,CreatedById", "Id", literals)
	err := w.query(ctx, q, func(rec []byte) {
		var r struct {
			ID          string `json:"Id"`
			CreatedDate string
			CreatedByID string `json:"CreatedById"`
		}
		if json.Unmarshal(rec, &r) != nil {
			return
		}
		i, ok := byID[r.ID]
		if !ok {
			return
		}
		made, err := time.Parse(dateTimeLayout, r.CreatedDate)
		if err == nil && !made.Before(floor(i)) && (user == "" || user == r.CreatedByID) && !c.recent.Has(known, r.ID) {
			results[i].Status = sink.Created
			c.recent.Add([]byte(r.ID), c.now())
		}
	})
	if err != nil {
		c.log.WarnContext(ctx, "cannot tell whether records were created or updated", "records", len(ask))
	}
}

// floor is the earliest creation date, by the org's clock, of a record that record i's first
// sending created. Dates in the org have whole seconds.
func (j *job) floor(i int) time.Time {
	first := j.w.c.began
	if !j.req.Records[i].Resend && j.start.After(first) {
		first = j.start
	}
	return first.Truncate(time.Second)
}

// UserID returns the id of the user that the session belongs to, "" if the org does not tell.
// It is asked for once. It is safe for concurrent use.
func (c *Client) UserID(ctx context.Context) string {
	if t, _ := c.session.Token(); t.UserID != "" {
		return t.UserID
	}
	c.user.mu.Lock()
	defer c.user.mu.Unlock()
	if c.user.asked {
		return c.user.id
	}
	var info struct {
		UserID string `json:"user_id"`
	}
	if c.getJSON(ctx, &call{method: http.MethodGet, path: "/services/oauth2/userinfo", repeat: true}, &info) == nil {
		c.user.id = info.UserID
	}
	c.user.asked = ctx.Err() == nil
	return c.user.id
}
