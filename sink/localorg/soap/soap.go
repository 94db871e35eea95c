// Package soap answers the calls of the SOAP API that change records and have no counterpart in REST: undelete and
// convertLead (SOAP API developer guide).
package soap

import (
	"context"
	"strconv"
	"strings"

	"sfsync/sink/localorg/bin"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/convert"
	"sfsync/sink/localorg/envelope"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// The bounds of calls (SOAP API developer guide: 200 records to undelete, 100 leads to convert).
const (
	maxUndelete = 200
	maxConvert  = 100
)

// Handler answers calls.
type Handler struct {
	Gate  *rest.Gate
	Leads convert.Handler
}

// Answer answers a call, or returns nil if it is not one of the package's.
func (h Handler) Answer(ctx context.Context, rq *rest.Request, call *envelope.Call) *rest.Response {
	switch call.Op.Name {
	case "undelete":
		return h.undelete(ctx, rq, call)
	case "convertLead":
		return h.convertLead(ctx, rq, call)
	}
	return nil
}

func (h Handler) undelete(ctx context.Context, rq *rest.Request, call *envelope.Call) *rest.Response {
	var ids []string
	for _, e := range call.Op.Children {
		if strings.EqualFold(e.Name, "ids") {
			ids = append(ids, e.Text)
		}
	}
	if len(ids) > maxUndelete {
		return call.Fault("EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
	}
	if rq.Entry != nil {
		rq.Entry.Records += len(ids)
	}
	var results []store.Result
	err := h.Gate.Update(ctx, rq, func(tx *store.Tx) (err error) {
		results, err = bin.Undelete(tx, ids)
		return err
	})
	if err != nil {
		return h.broken(rq, call, err)
	}
	var sb strings.Builder
	for i := range results {
		sb.WriteString("<result>")
		appendErrors(&sb, results[i].Err)
		appendText(&sb, "id", results[i].ID)
		sb.WriteString("<success>" + strconv.FormatBool(results[i].Err == nil) + "</success></result>")
	}
	return call.Answer(sb.String())
}

func (h Handler) convertLead(ctx context.Context, rq *rest.Request, call *envelope.Call) *rest.Response {
	var orders []convert.Order
	for _, e := range call.Op.Children {
		if !strings.EqualFold(e.Name, "leadConverts") {
			continue
		}
		orders = append(orders, convert.Order{
			LeadID: e.Value("leadId"), Status: e.Value("convertedStatus"), AccountID: e.Value("accountId"), ContactID: e.Value("contactId"),
			OpportunityName: e.Value("opportunityName"), NoOpportunity: e.Value("doNotCreateOpportunity") == "true",
			OverwriteSource: e.Value("overwriteLeadSource") == "true", OwnerID: e.Value("ownerId"),
		})
		if e.Value("convertedStatus") == "" {
			return call.Fault("MISSING_ARGUMENT", "convertedStatus is required")
		}
	}
	if len(orders) > maxConvert {
		return call.Fault("EXCEEDED_ID_LIMIT", "at most 100 leads can be converted in one call")
	}
	if rq.Entry != nil {
		rq.Entry.Records += len(orders)
	}
	results, err := h.Leads.Convert(ctx, rq, orders)
	if err != nil {
		return h.broken(rq, call, err)
	}
	var sb strings.Builder
	for i := range results {
		r := &results[i]
		sb.WriteString("<result>")
		appendText(&sb, "accountId", r.AccountID)
		appendText(&sb, "contactId", r.ContactID)
		appendErrors(&sb, r.Err)
		appendText(&sb, "leadId", r.LeadID)
		appendText(&sb, "opportunityId", r.OpportunityID)
		sb.WriteString("<success>" + strconv.FormatBool(r.Err == nil) + "</success></result>")
	}
	return call.Answer(sb.String())
}

// broken is the answer to a failure of the org itself; the journal of the org has the reason.
func (h Handler) broken(rq *rest.Request, call *envelope.Call, err error) *rest.Response {
	h.Gate.Internal(rq, err)
	return call.Fault("UNKNOWN_EXCEPTION", "An unexpected error occurred.")
}

func appendErrors(sb *strings.Builder, e *catalog.Error) {
	if e == nil {
		return
	}
	for _, e := range append([]*catalog.Error{e}, e.More...) {
		sb.WriteString("<errors>")
		for _, f := range e.Fields {
			appendText(sb, "fields", f)
		}
		appendText(sb, "message", e.Message)
		appendText(sb, "statusCode", e.Code)
		sb.WriteString("</errors>")
	}
}

// appendText writes an element, nil without a text.
func appendText(sb *strings.Builder, name, text string) {
	if text == "" {
		sb.WriteString("<" + name + ` xsi:nil="true"/>`)
		return
	}
	sb.WriteString("<" + name + ">" + envelope.Escape(text) + "</" + name + ">")
}
