package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/wire"
)

// Failure is an answer with one error that is not about a record.
func Failure(status int, code, message string) *Response {
	if code == "NOT_FOUND" {
		return &Response{Status: status, Body: appendNotFound(nil, code, message)}
	}
	b := append([]byte(`[{"message":`), wire.Quote(message)...)
	b = append(b, `,"errorCode":`...)
	b = append(b, wire.Quote(code)...)
	return &Response{Status: status, Body: append(b, "}]"...)}
}

func appendNotFound(b []byte, code, message string) []byte {
	b = append(b, `[{"errorCode":`...)
	b = append(b, wire.Quote(code)...)
	b = append(b, `,"message":`...)
	b = append(b, wire.Quote(message)...)
	return append(b, "}]"...)
}

// NotFound is the answer where there is no such resource or record.
func NotFound() *Response {
	return Failure(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

// MethodNotAllowed names the methods that a resource has.
func MethodNotAllowed(method string, allowed ...string) *Response {
	return Failure(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED",
		fmt.Sprintf("HTTP Method '%s' not allowed. Allowed are %s", method, strings.Join(allowed, ",")))
}

// OK answers with v as JSON.
func OK(v any) *Response {
	b, err := json.Marshal(v)
	if err != nil {
		return Failure(http.StatusInternalServerError, "UNKNOWN_EXCEPTION", err.Error())
	}
	return &Response{Status: http.StatusOK, Body: b}
}

// Refuse is the answer to a request or a record that the store refused.
func Refuse(err *catalog.Error) *Response {
	status := http.StatusBadRequest
	switch err.Code {
	case "ENTITY_IS_DELETED", "NOT_FOUND":
		status = http.StatusNotFound
	case "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS":
		status = http.StatusForbidden
	}
	return &Response{Status: status, Body: AppendError([]byte{'['}, err, true)}
}

// AppendError appends a single-row or whole-request error, with the further ones of the same record, and closes
// their array.
func AppendError(b []byte, err *catalog.Error, withFields bool) []byte {
	b = append(append(b, `{"message":`...), wire.Quote(err.Message)...)
	b = append(append(b, `,"errorCode":`...), wire.Quote(err.Code)...)
	if withFields {
		b = AppendFields(b, err.Fields)
	}
	if err.Detail != "" {
		b = append(append(b, ','), err.Detail...)
	}
	if len(err.More) > 0 {
		rest := *err.More[0]
		rest.More = err.More[1:]
		return AppendError(append(b, "},"...), &rest, withFields)
	}
	return append(b, "}]"...)
}

// AppendFields appends the key "fields" of an error.
func AppendFields(b []byte, fields []string) []byte {
	b = append(b, `,"fields":[`...)
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendQuote(b, f)
	}
	return append(b, ']')
}

// Fault is the answer that a fault gives.
func Fault(a fault.Action) *Response {
	if a.Body != "" {
		return &Response{Status: a.Status, Header: http.Header{"Content-Type": {"text/html;charset=UTF-8"}}, Body: []byte(a.Body)}
	}
	return Failure(a.Status, a.Code, a.Message)
}
