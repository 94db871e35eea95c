package salesforce

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"sfsync/sink"
	"sfsync/sink/salesforce/lookup"
)

// created dates of the API have seconds; this is their layout ("2026-11-21T10:00:00.000+0000").
const dateTimeLayout = "2006-01-02T15:04:05.000-0700"

// askCreated finds out which of the records that were reported as updated after a lost answer
// had been created by it: they were created by this user since the record was first sent. If
// the org cannot be asked they stay "updated", which they also are.
func (j *job) askCreated(ctx context.Context) {
	ctx = settling(ctx)
	c := j.w.c
	user := c.UserID(ctx)
	byID := make(map[string]int, len(j.ask))
	literals := make([]string, 0, len(j.ask))
	for _, i := range j.ask {
		if id := j.results[i].ID; lookup.WellFormedID(id) {
			byID[id] = i
			literals = append(literals, "'"+id+"'")
		}
	}
	q := lookup.In(j.req.Target.Object, "Id,CreatedDate,CreatedById", "Id", literals)
	err := j.w.query(ctx, q, func(rec []byte) {
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
		if err == nil && !made.Before(j.floor(i)) && (user == "" || user == r.CreatedByID) && !j.w.c.recent.Has(j.known, r.ID) {
			j.results[i].Status = sink.Created
			c.recent.Add([]byte(r.ID), c.now())
		}
	})
	if err != nil {
		c.log.WarnContext(ctx, "cannot tell whether records were created or updated", "records", len(j.ask))
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
