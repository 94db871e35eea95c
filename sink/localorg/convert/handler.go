package convert

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// Handler answers POST /_org/convert-lead, which converts a lead for tests that speak no SOAP.
type Handler struct {
	Gate *rest.Gate
	Now  func() time.Time
}

// Admin converts the lead of an [Order] in JSON and answers with a [Result].
func (h Handler) Admin(ctx context.Context, rq *rest.Request) *rest.Response {
	var order Order
	if err := json.Unmarshal(rq.Body, &order); err != nil {
		return rest.Failure(http.StatusBadRequest, "JSON_PARSER_ERROR", err.Error())
	}
	results, err := h.Convert(ctx, rq, []Order{order})
	switch {
	case err != nil:
		return h.Gate.Internal(rq, err)
	case results[0].Err != nil:
		return rest.Refuse(results[0].Err)
	}
	return rest.OK(results[0])
}

// Convert carries out orders, each for itself, in one transaction. A blank status is the first that means
// converted. Whoever may not edit leads may not convert them; what is made of them is refused like any other
// record (Salesforce Help, "Considerations for Converting Leads").
func (h Handler) Convert(ctx context.Context, rq *rest.Request, orders []Order) ([]Result, error) {
	cat := h.Gate.Store.Catalog()
	results := make([]Result, len(orders))
	if rq.Catalog.Access() != nil {
		if lead := rq.Catalog.Object("Lead"); lead == nil || !lead.Def.Updateable {
			for i := range orders {
				results[i] = Result{LeadID: orders[i].LeadID, Err: catalog.NoAccess()}
			}
			return results, nil
		}
	}
	err := h.Gate.Update(ctx, rq, func(tx *store.Tx) (err error) {
		for i, order := range orders {
			if o := cat.Object("Lead"); order.Status == "" && o != nil {
				order.Status = o.ConvertedStatus()
			}
			if results[i], err = Lead(ctx, tx, cat, order, h.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	return results, err
}
