package localorg

import (
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/query"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/virtual"
)

// joinQueries makes the resources that read records by SOQL and SOSL.
func (o *Org) joinQueries() {
	o.queries = query.Handler{
		Gate: o.gate, Now: o.cfg.Now,
		Org: func(rq *rest.Request) virtual.Org {
			return virtual.Org{UserID: rq.Caller.UserID, ProfileID: o.ident.ProfileID, Created: o.ident.Created}
		},
		NewID: func() string {
			return catalog.MakeID("01g", o.ident.Instance, o.cfg.Now().Unix()*1000+o.cursorCount.Add(1))
		},
	}
}
