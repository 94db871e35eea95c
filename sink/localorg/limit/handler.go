package limit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
	"sfsync/sink/localorg/wire"
)

// Handler answers /limits and /limits/recordCount, and the org's own resource for its settings.
type Handler struct {
	Gate  *rest.Gate
	Model *Model
	// Used, if set, returns what is used up of limits other than the API calls, by their names, as the
	// transaction sees it: that of an all-or-none composite if the request is part of one.
	Used func(context.Context, *store.Tx) (map[string]int64, error)
}

// allowances are what a Developer Edition has of each limit, in the platform's order. Their names
// were recorded; of most this org uses nothing up.
func allowances() []allowance {
	return []allowance{
		{"ActiveScratchOrgs", 3},
		{"AnalyticsExternalDataSizeMB", 40_960},
		{"ConcurrentAsyncGetReportInstances", 200},
		{"ConcurrentSyncReportRuns", 20},
		{"DailyAnalyticsDataflowJobExecutions", 60},
		{"DailyApiRequests", 0},
		{"DailyAsyncApexExecutions", 250_000},
		{"DailyAsyncApexTests", 500},
		{"DailyBulkApiBatches", 15_000},
		{"DailyBulkV2QueryFileStorageMB", 976_562},
		{"DailyBulkV2QueryJobs", 10_000},
		{"DailyDeliveredPlatformEvents", 10_000},
		{"DailyDurableGenericStreamingApiEvents", 10_000},
		{"DailyDurableStreamingApiEvents", 10_000},
		{"DailyGenericStreamingApiEvents", 10_000},
		{"DailyScratchOrgs", 6},
		{"DailyStandardVolumePlatformEvents", 10_000},
		{"DailyStreamingApiEvents", 10_000},
		{"DailyWorkflowEmails", 100_000},
		{"DataStorageMB", 10_240},
		{"DurableStreamingApiConcurrentClients", 20},
		{"FileStorageMB", 10_240},
		{"HourlyAsyncReportRuns", 1_200},
		{"HourlyDashboardRefreshes", 200},
		{"HourlyDashboardResults", 5_000},
		{"HourlyDashboardStatuses", 999_999_999},
		{"HourlyODataCallout", 20_000},
		{"HourlyPublishedPlatformEvents", 250_000},
		{"HourlyPublishedStandardVolumePlatformEvents", 1_000},
		{"HourlySyncReportRuns", 500},
		{"HourlyTimeBasedWorkflow", 1_000},
		{"MassEmail", 5_000},
		{"MonthlyPlatformEvents", 300_000},
		{"PermissionSets", 1_500},
		{"SingleEmail", 5_000},
		{"StreamingApiConcurrentClients", 20},
	}
}

type allowance struct {
	name string
	most int64
}

// Limits answers /limits and what is below it.
func (h Handler) Limits(ctx context.Context, rq *rest.Request) *rest.Response {
	if rq.Method != http.MethodGet {
		return rest.MethodNotAllowed(rq.Method, "GET", "HEAD")
	}
	switch {
	case len(rq.Segs) == 2 && strings.EqualFold(rq.Segs[1], "recordCount"):
		return h.recordCount(ctx, rq)
	case len(rq.Segs) != 1:
		return rest.NotFound()
	}
	var used map[string]int64
	if h.Used != nil {
		if err := h.Gate.View(ctx, rq, func(tx *store.Tx) (err error) {
			used, err = h.Used(ctx, tx)
			return err
		}); err != nil {
			return h.Gate.Internal(rq, fmt.Errorf("count what is used of the limits: %w", err))
		}
	}
	b := []byte{'{'}
	for i, a := range allowances() {
		spent := used[a.name]
		if a.name == "DailyApiRequests" {
			a.most, spent = h.Model.Settings().DailyCalls, h.Model.calls.Today(h.Model.now())
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendQuote(b, a.name)
		b = appendLimit(append(b, ':'), a.most, max(0, a.most-spent))
		if a.name == "PermissionSets" { // the one that has another one inside
			b = append(appendLimit(append(b, `,"CreateCustom":`...), 1_000, 1_000), '}')
		}
		b = append(b, '}')
	}
	return &rest.Response{Status: http.StatusOK, Body: append(b, '}')}
}

// appendLimit appends a limit and leaves its object open.
func appendLimit(b []byte, most, left int64) []byte {
	b = strconv.AppendInt(append(b, `{"Max":`...), most, 10)
	return strconv.AppendInt(append(b, `,"Remaining":`...), left, 10)
}

// recordCount counts the records of ?sObjects=, or of all objects; empty ones are left out.
func (h Handler) recordCount(ctx context.Context, rq *rest.Request) *rest.Response {
	type count struct {
		Count int64  `json:"count"`
		Name  string `json:"name"`
	}
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(rq.Query.Get("sObjects"), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			wanted[name] = true
		}
	}
	list := []count{}
	err := h.Gate.View(ctx, rq, func(tx *store.Tx) error {
		for _, ob := range rq.Catalog.Objects() {
			if len(wanted) > 0 && !wanted[strings.ToLower(ob.Def.Name)] {
				continue
			}
			n, err := tx.Count(ctx, ob)
			if err != nil {
				return err
			}
			if n > 0 {
				list = append(list, count{n, ob.Def.Name})
			}
		}
		return nil
	})
	if err != nil {
		return h.Gate.Internal(rq, err)
	}
	return rest.OK(struct {
		SObjects []count `json:"sObjects"`
	}{list})
}

// Settings answers the org's own resource for its settings: GET shows them and PATCH changes those
// that its body names. They last as long as the process.
func (h Handler) Settings(rq *rest.Request) *rest.Response {
	s := h.Model.Settings()
	switch rq.Method {
	case http.MethodGet:
	case http.MethodPatch, http.MethodPost:
		dec := json.NewDecoder(bytes.NewReader(rq.Body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&s); err != nil {
			return rest.Failure(http.StatusBadRequest, "JSON_PARSER_ERROR", err.Error())
		}
		if err := h.Model.Set(s); err != nil {
			return rest.Failure(http.StatusBadRequest, "INVALID_INPUT", err.Error())
		}
	default:
		return rest.MethodNotAllowed(rq.Method, "GET", "PATCH")
	}
	return rest.OK(s)
}
