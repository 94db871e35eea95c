package catalog

import (
	"strings"
	"testing"

	"sfsync/sink"
)

// Codes of the API, of its token endpoint and of this package, with what they mean.
func TestClassesAndRemedies(t *testing.T) {
	classes := map[sink.Class]string{
		sink.Permanent: `REQUIRED_FIELD_MISSING FIELD_CUSTOM_VALIDATION_EXCEPTION INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE DUPLICATES_DETECTED
			DUPLICATE_VALUE DUPLICATE_EXTERNAL_ID STRING_TOO_LONG INVALID_EMAIL_ADDRESS INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST
			INVALID_CROSS_REFERENCE_KEY MALFORMED_ID ENTITY_IS_DELETED INSUFFICIENT_ACCESS_OR_READONLY
			INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY INSUFFICIENT_ACCESS CANNOT_UPDATE_CONVERTED_LEAD NUMBER_OUTSIDE_VALID_RANGE
			JSON_PARSER_ERROR INVALID_TYPE INVALID_TYPE_ON_FIELD_IN_RECORD TXN_SECURITY_NO_ACCESS CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY
			CANNOT_EXECUTE_FLOW_TRIGGER FIELD_INTEGRITY_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION INACTIVE_OWNER_OR_USER
			TRANSFER_REQUIRES_READ UNAVAILABLE_RECORDTYPE_EXCEPTION INVALID_ID_FIELD MISSING_ARGUMENT TOO_MANY_ENUM_VALUE EXCEEDED_ID_LIMIT
			ENTITY_IS_LOCKED MIXED_DML_OPERATION ` + CodeValue + ` ` + CodeNoID,
		sink.Retry: `UNABLE_TO_LOCK_ROW SERVER_UNAVAILABLE TXN_SECURITY_METERING_ERROR TOO_MANY_APEX_REQUESTS REQUEST_RUNNING_TOO_LONG
			QUERY_TIMEOUT UNKNOWN_EXCEPTION ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED`,
		sink.Later:   `REQUEST_LIMIT_EXCEEDED STORAGE_LIMIT_EXCEEDED INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE rate_limit_exceeded ` + CodeBudget,
		sink.Auth:    `API_DISABLED_FOR_ORG API_CURRENTLY_DISABLED INVALID_SESSION_ID invalid_grant invalid_client_id invalid_client invalid_app_access app_not_found unsupported_grant_type inactive_user ` + CodeCredentials,
		sink.Config:  `NOT_FOUND METHOD_NOT_ALLOWED UNSUPPORTED_MEDIA_TYPE MALFORMED_QUERY ` + CodeHost + ` ` + CodeRedirect + ` ` + CodeVersion,
		sink.Network: CodeNoAnswer + ` ` + CodeUnreachable + ` ` + CodeBadAnswer,
	}
	for class, codes := range classes {
		for code := range strings.FieldsSeq(codes) {
			if got := Classify(code, ""); got != class {
				t.Errorf("%s is %v, want %v", code, got, class)
			}
			r := Remedy(code)
			if r == "" || strings.HasSuffix(r, ".") || strings.Contains(r, "\n") {
				t.Errorf("remedy of %s: %q", code, r)
			}
		}
	}
	for _, c := range []struct {
		code, message string
		want          sink.Class
	}{
		{"REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", sink.Later},
		{"REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", sink.Retry},
		{"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: execution of BeforeInsert\ncaused by: UNABLE_TO_LOCK_ROW, unable", sink.Retry},
		{"CANNOT_EXECUTE_FLOW_TRIGGER", "UNABLE_TO_LOCK_ROW", sink.Retry},
		{"SOMETHING_NEW", "UNABLE_TO_LOCK_ROW", sink.Permanent},
	} {
		if got := Classify(c.code, c.message); got != c.want {
			t.Errorf("%s %q is %v, want %v", c.code, c.message, got, c.want)
		}
	}
	if Remedy("SOMETHING_NEW") != "" {
		t.Error("a remedy for an unknown code")
	}
}
