package salesforce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/credentials"
	"sfsync/sink/salesforce/version"
)

// connect logs in and begins the session. An org that knows the newest API version that this package knows is
// not asked which ones there are: that costs a round trip, and hardly ever tells anything else.
func (c *Client) connect(ctx context.Context, objects []string) error {
	if err := c.session.Renew(ctx, 0); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	t, _ := c.session.Token()
	c.base = t.Instance
	err := c.begin(ctx, version.Newest, objects)
	if e := (*sink.Error)(nil); !errors.As(err, &e) || (e.HTTPStatus != http.StatusNotFound && e.HTTPStatus != http.StatusGone) {
		return err
	}
	other, versionErr := c.agreeVersion(ctx)
	switch {
	case versionErr != nil:
		return fmt.Errorf("agree on an API version with %s: %w", c.base.Host, versionErr)
	case other == version.Newest: // it is there, so something else is not
		return err
	}
	return c.begin(ctx, other, objects)
}

// atStart is how many requests begin a session side by side.
const atStart = 8

// begin reads, by an API version, the org's own record and the descriptions of objects. That an object
// cannot be described is said when it is asked for.
func (c *Client) begin(ctx context.Context, number int, objects []string) error {
	v := strconv.Itoa(number) + ".0"
	c.prefix = "/services/data/v" + v
	c.org = OrgInfo{InstanceURL: c.base.String(), APIVersion: v, Kind: Production, Username: c.username}
	var g errgroup.Group // what fails does not cut the others off: they end as soon
	g.SetLimit(atStart)
	g.Go(func() error {
		if err := c.readOrg(ctx); err != nil {
			return fmt.Errorf("read the organization record of %s: %w", c.base.Host, err)
		}
		return nil
	})
	for _, name := range objects {
		g.Go(func() error {
			_, _ = c.Describe(ctx, name)
			return nil
		})
	}
	return g.Wait()
}

// agreeVersion returns the newest API version that the org and this package know. The list of versions needs no
// session and is not counted (REST API guide, "Versions").
func (c *Client) agreeVersion(ctx context.Context) (int, error) {
	var list []struct {
		Version string `json:"version"`
	}
	if err := c.getJSON(ctx, &call{method: http.MethodGet, path: "/services/data", open: true, repeat: true}, &list); err != nil {
		return 0, err
	}
	offered := make([]string, len(list))
	for i := range list {
		offered[i] = list[i].Version
	}
	return version.Choose(offered)
}

// readOrg fills in what the Organization record says.
func (c *Client) readOrg(ctx context.Context) error {
	var recs struct {
		Records []struct {
			ID           string `json:"Id"`
			Name         string
			IsSandbox    bool
			InstanceName string
		} `json:"records"`
	}
	q := c.prefix + "/query?q=" + url.QueryEscape("SELECT Id, Name, IsSandbox, InstanceName FROM Organization")
	if err := c.getJSON(ctx, &call{method: http.MethodGet, path: q, repeat: true}, &recs); err != nil {
		return err
	}
	if len(recs.Records) != 1 {
		return catalog.New(sink.Auth, catalog.CodeBadAnswer, "the user cannot see the organization record")
	}
	r := recs.Records[0]
	c.org.ID, c.org.Name = r.ID, r.Name
	switch {
	case r.InstanceName == "LOCAL" && credentials.Loopback(c.base.Hostname()):
		c.org.Kind = Local
	case r.IsSandbox:
		c.org.Kind = Sandbox
	}
	return nil
}
