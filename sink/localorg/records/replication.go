package records

import (
	"context"
	"net/http"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// replication answers /sobjects/X/updated and /sobjects/X/deleted: which records changed, or were deleted, in a span
// of time (REST API guide, "Get a List of Updated Records Within a Given Timeframe").
func (h Handler) replication(ctx context.Context, rq *rest.Request, ob *catalog.Object, deleted bool) *rest.Response {
	if rq.Method != http.MethodGet {
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	}
	stamp := ob.System.Stamp
	if stamp == nil {
		return rest.Failure(http.StatusBadRequest, "INVALID_TYPE_FOR_OPERATION", "entity type cannot be replicated: "+ob.Def.Name)
	}
	var span [2]string
	for i, name := range []string{"start", "end"} {
		// A plus sign that was not escaped arrives as a blank; both forms are in use.
		v, err := stamp.ParseText(plus(rq.Query.Get(name)))
		s, ok := v.(string)
		if err != nil || !ok {
			return rest.Failure(http.StatusBadRequest, "INVALID_REPLICATION_DATE", name+" is not a date and time with a zone")
		}
		span[i] = s
	}
	if span[1] <= span[0] {
		return rest.Failure(http.StatusBadRequest, "INVALID_REPLICATION_DATE", "endDate ("+span[1]+") must be after startDate ("+span[0]+")")
	}
	type gone struct {
		ID   string `json:"id"`
		Date string `json:"deletedDate"`
	}
	ids, removed := []string{}, []gone{}
	err := h.Gate.View(ctx, rq, func(tx *store.Tx) error {
		return tx.Changed(ctx, ob, deleted, span[0], span[1], func(id, at string) {
			ids, removed = append(ids, id), append(removed, gone{id, at})
		})
	})
	if err != nil {
		return h.Gate.Internal(rq, err)
	}
	rq.Entry.Records += len(ids)
	if !deleted {
		return rest.OK(struct {
			IDs    []string `json:"ids"`
			Latest string   `json:"latestDateCovered"`
		}{ids, span[1]})
	}
	// The recycle bin keeps records for 15 days.
	end, err := time.Parse(catalog.DateTimeLayout, span[1])
	if err != nil {
		return h.Gate.Internal(rq, err)
	}
	return rest.OK(struct {
		Deleted  []gone `json:"deletedRecords"`
		Earliest string `json:"earliestDateAvailable"`
		Latest   string `json:"latestDateCovered"`
	}{removed, end.AddDate(0, 0, -15).Format(catalog.DateTimeLayout), span[1]})
}

// plus puts the sign back that a query string has turned into a blank.
func plus(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == ' ' {
			b[i] = '+'
		}
	}
	return string(b)
}
