package salesforce

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/wire"
)

// undeleteGroup is the most records of one call (SOAP API developer guide, "undelete()").
const undeleteGroup = 200

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
		sign:    func(access string) []byte { return wire.Undelete(access, ids) },
	}
	// A session that has expired is a fault of status 500 here, which says less than REST's 401: a call that
	// costs next to nothing, and that every user may make, renews it before.
	if err := c.getJSON(ctx, &call{method: http.MethodGet, path: c.prefix, repeat: true}, &struct{}{}); err != nil {
		return err
	}
	ans, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	defer ans.free()
	outcomes, err := wire.ParseUndelete(ans.body.Bytes())
	if err != nil || len(outcomes) != len(ids) {
		return errors.Join(catalog.New(sink.Network, catalog.CodeBadAnswer, k.name()+" at "+c.host(k)+": the answer is not what the API gives"), err)
	}
	for i, e := range outcomes {
		results[i] = sink.Result{Status: sink.Updated, ID: ids[i]}
		if e != nil {
			results[i].Status, results[i].Err = sink.Failed, e
		}
	}
	return nil
}
