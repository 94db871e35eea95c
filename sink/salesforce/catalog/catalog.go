// Package catalog says what the error codes of an org mean: whether a record may be sent
// again, and what a user can do. It also names the codes that the client itself gives.
package catalog

import (
	"strings"

	"sfsync/sink"
)

// Codes of ours, for what no org says. Like the org's they are stable and upper case.
const (
	CodeNoAnswer    = "NO_ANSWER"      // sent, and no answer came
	CodeUnreachable = "UNREACHABLE"    // could not be sent
	CodeBadAnswer   = "BAD_ANSWER"     // an answer that is not the API's
	CodeRedirect    = "REDIRECTED"     // an answer that points to another host
	CodeHost        = "HOST_REFUSED"   // a host that must not see credentials
	CodeCredentials = "NO_CREDENTIALS" // not enough to log in with
	CodeVersion     = "API_VERSION"    // no API version that both sides know
	CodeValue       = "BAD_VALUE"      // a cell that no JSON value can be made of
	CodeNoLookup    = "NOT_LOOKED_UP"  // an update-only record that was not looked up first
	CodeNoID        = "MISSING_ID"     // an update without a record id
	CodeBudget      = "API_BUDGET"     // the calls that a run may take are used up
	CodeSetup       = "BAD_CONFIG"     // a Config that cannot work
	CodeCancelled   = "CANCELLED"      // the run ended first
	CodeHTTP        = "HTTP_ERROR"     // an error status without a code of the org's
	CodeNewInstance = "OTHER_INSTANCE" // a renewed login that leads to another org
	CodeTooLarge    = "TOO_LARGE"      // an answer, a query or a record beyond its bound
	CodeProxy       = "PROXY"          // a proxy that refuses, or cannot be reached
	CodeCertificate = "CERTIFICATE"    // a server whose certificate does not count
	CodeUnfinished  = "UNFINISHED"     // a job of the Bulk API that does not come to its end
	CodeNoResult    = "NO_RESULT"      // a record that a job's results do not tell of
)

// Kind is what a code means. Codes come from the enums StatusCode and ExceptionCode of the
// WSDL; which of them are worth another try follows what the documentation says of each and
// what clients that many people use do.
type Kind struct {
	Class sink.Class
	// Heavy: the same records may pass in smaller groups.
	Heavy bool
	// Systemic: what is wrong is the request and not the values in it, so that splitting it
	// into ever smaller ones is pointless if all parts say the same.
	Systemic bool
	// Remedy is what to do, in one line.
	Remedy string
}

// Known returns what is known about a code.
func Known(code string) (Kind, bool) {
	const (
		shrink = "send smaller groups, or make the org's automation lighter"
		access = "give the user access, or leave the field or record out"
	)
	switch code {
	case "REQUIRED_FIELD_MISSING":
		return Kind{Remedy: "map the missing field or give it a default"}, true
	case "FIELD_CUSTOM_VALIDATION_EXCEPTION":
		return Kind{Remedy: "change the value so that it satisfies the org's validation rule"}, true
	case "INVALID_FIELD":
		return Kind{Systemic: true, Remedy: "check the field name and that the user may see the field; load parents before their children"}, true
	case "INVALID_FIELD_FOR_INSERT_UPDATE":
		return Kind{Remedy: "leave the field out: it is read-only for this user"}, true
	case "DUPLICATES_DETECTED":
		return Kind{Remedy: "match the existing record, or change the org's duplicate rule"}, true
	case "DUPLICATE_VALUE":
		return Kind{Remedy: "another record holds this value of a unique field: match on that field or change the value"}, true
	case "DUPLICATE_EXTERNAL_ID":
		return Kind{Remedy: "several records hold this key: merge them, or match on a unique field"}, true
	case "STRING_TOO_LONG":
		return Kind{Remedy: "shorten the value: | truncate(n)"}, true
	case "INVALID_EMAIL_ADDRESS":
		return Kind{Remedy: "correct the e-mail address"}, true
	case "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":
		return Kind{Remedy: "map the value to an active value of the picklist"}, true
	case "INVALID_CROSS_REFERENCE_KEY":
		return Kind{Remedy: "the id points to nothing the user can see, or to another object"}, true
	case "MALFORMED_ID":
		return Kind{Remedy: "give a 15- or 18-character id of the right object"}, true
	case "ENTITY_IS_DELETED":
		return Kind{Remedy: "take the record out of the recycle bin, or create it afresh"}, true
	case "UNABLE_TO_LOCK_ROW":
		return Kind{Class: sink.Retry, Remedy: "another transaction held the record or its parent: use fewer workers"}, true
	case "REQUEST_LIMIT_EXCEEDED":
		return Kind{Class: sink.Later, Remedy: "the org's API calls of 24 hours are used up: try again later"}, true
	case "SERVER_UNAVAILABLE":
		return Kind{Class: sink.Retry, Remedy: "the org was too busy: try again"}, true
	case "API_DISABLED_FOR_ORG":
		return Kind{Class: sink.Auth, Remedy: "the org's edition has no API access"}, true
	case "API_CURRENTLY_DISABLED", "FUNCTIONALITY_NOT_ENABLED":
		return Kind{Class: sink.Auth, Remedy: `give the user the permission "API Enabled"`}, true
	case "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "INSUFFICIENT_ACCESS":
		return Kind{Remedy: access}, true
	case "CANNOT_UPDATE_CONVERTED_LEAD":
		return Kind{Remedy: "write to the contact the lead was converted to"}, true
	case "NUMBER_OUTSIDE_VALID_RANGE":
		return Kind{Remedy: "the number has more digits than the field takes"}, true
	case "JSON_PARSER_ERROR":
		return Kind{Remedy: "the value does not fit the field's type"}, true
	case "INVALID_TYPE":
		return Kind{Systemic: true, Remedy: "check the object's name and that the user may see the object"}, true
	case "INVALID_TYPE_ON_FIELD_IN_RECORD":
		return Kind{Remedy: "the value does not fit the field's type"}, true
	case "STORAGE_LIMIT_EXCEEDED":
		return Kind{Class: sink.Later, Remedy: "free data storage in the org"}, true
	case "TXN_SECURITY_NO_ACCESS":
		return Kind{Remedy: "a transaction security policy forbids it"}, true
	case "TXN_SECURITY_METERING_ERROR":
		return Kind{Class: sink.Retry, Remedy: "try again"}, true
	case "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY":
		return Kind{Remedy: "a trigger in the org failed: ask its author"}, true
	case "CANNOT_EXECUTE_FLOW_TRIGGER":
		return Kind{Remedy: "a flow in the org failed: ask its author"}, true
	case "FIELD_INTEGRITY_EXCEPTION":
		return Kind{Remedy: "fields that belong together disagree (a state needs a valid country)"}, true
	case "FIELD_FILTER_VALIDATION_EXCEPTION":
		return Kind{Remedy: "the parent does not satisfy the field's lookup filter"}, true
	case "INACTIVE_OWNER_OR_USER":
		return Kind{Remedy: "choose an active owner"}, true
	case "TRANSFER_REQUIRES_READ":
		return Kind{Remedy: "the new owner has no access to the object"}, true
	case "UNAVAILABLE_RECORDTYPE_EXCEPTION":
		return Kind{Remedy: "the record type is not assigned to the user"}, true
	case "INVALID_ID_FIELD", "MISSING_ARGUMENT":
		return Kind{Remedy: "fill the key"}, true
	case "TOO_MANY_ENUM_VALUE":
		return Kind{Remedy: "give at most 100 values"}, true
	case "ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED":
		return Kind{Class: sink.Retry, Remedy: "another record of the request failed: send this one again"}, true
	case "EXCEEDED_ID_LIMIT":
		return Kind{Heavy: true, Remedy: shrink}, true
	case "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE":
		return Kind{Class: sink.Later, Remedy: "the org is under maintenance: try again later"}, true
	case "ENTITY_IS_LOCKED":
		return Kind{Remedy: "an approval process has locked the record: unlock it"}, true
	case "MIXED_DML_OPERATION":
		return Kind{Remedy: "load set-up objects (User) in a run of their own"}, true
	case "TOO_MANY_APEX_REQUESTS", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT":
		return Kind{Class: sink.Retry, Heavy: true, Remedy: shrink}, true
	case "QUERY_TOO_COMPLICATED":
		return Kind{Class: sink.Config, Heavy: true, Remedy: "look fewer keys up at once"}, true
	case "DELETE_FAILED":
		return Kind{Remedy: "other records hold on to this one: delete those first"}, true
	case "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE":
		return Kind{Class: sink.Retry, Remedy: "the event bus was not to be had: try again"}, true
	case "UNKNOWN_EXCEPTION":
		return Kind{Class: sink.Retry, Remedy: "try again; else give the ErrorId in the message to Salesforce support"}, true
	case "INVALID_SESSION_ID":
		return Kind{Class: sink.Auth, Remedy: "log in again; the login needs the scope api"}, true
	case "NOT_FOUND":
		return Kind{Class: sink.Config, Systemic: true, Remedy: "correct the key of a record that is not there, or create it by upsert; else check the names of the object and the key field"}, true
	case "METHOD_NOT_ALLOWED", "UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_API_VERSION":
		return Kind{Class: sink.Config, Systemic: true, Remedy: "the org does not know this call: use a newer API version"}, true
	case "MALFORMED_QUERY", "INVALID_QUERY_FILTER_OPERATOR":
		return Kind{Class: sink.Config, Remedy: "the field cannot be searched for this value"}, true
	}
	return kindOfOurs(code)
}

// kindOfOurs covers the codes of the token endpoint (REST API guide, OAuth error codes) and
// those of this package.
func kindOfOurs(code string) (Kind, bool) {
	switch code {
	case "invalid_grant":
		return Kind{Class: sink.Auth, Remedy: "check user, password and security token, that the login host is right (login., test. or My Domain), " +
			"that the app is approved for the user and offers this way of logging in"}, true
	case "invalid_client_id", "app_not_found":
		return Kind{Class: sink.Auth, Remedy: "check the client id and that the app is installed in this org; a new app needs ten minutes"}, true
	case "invalid_client":
		return Kind{Class: sink.Auth, Remedy: "check the client secret and that the app is installed in this org"}, true
	case "invalid_app_access":
		return Kind{Class: sink.Auth, Remedy: "assign the user's profile or a permission set to the app"}, true
	case "unsupported_grant_type":
		return Kind{Class: sink.Auth, Remedy: "the org or the app does not allow this way of logging in"}, true
	case "inactive_user", "inactive_org", "invalid_scope", "invalid_request", "redirect_uri_mismatch":
		return Kind{Class: sink.Auth, Remedy: "check the app's settings and the user"}, true
	case "rate_limit_exceeded":
		return Kind{Class: sink.Later, Remedy: "too many logins: try again in an hour"}, true
	case CodeNoAnswer:
		return Kind{Class: sink.Network, Remedy: "the record may have been written: send it again where it has a key, else look it up"}, true
	case CodeUnreachable:
		return Kind{Class: sink.Network, Remedy: "check the network and the org's address"}, true
	case CodeBadAnswer:
		return Kind{Class: sink.Network, Remedy: "something between here and the org answered in its place: check the address and proxies"}, true
	case CodeRedirect:
		return Kind{Class: sink.Config, Remedy: "give the org's My Domain address"}, true
	case CodeHost:
		return Kind{Class: sink.Config, Remedy: "give a Salesforce address, or allow this host with --allow-host"}, true
	case CodeCredentials:
		return Kind{Class: sink.Auth, Remedy: "set the variables that are missing"}, true
	case CodeVersion:
		return Kind{Class: sink.Config, Remedy: "use an API version that the org offers"}, true
	case CodeValue:
		return Kind{Remedy: "correct the value"}, true
	case CodeUnfinished:
		return Kind{Class: sink.Later, Remedy: "resume the run once the org has worked the job off"}, true
	case CodeNoResult:
		return Kind{Class: sink.Network, Remedy: "the org did not record what became of it: look it up, or send it again where it has a key"}, true
	case CodeBudget:
		return Kind{Class: sink.Later, Remedy: "go on later, or give it more with --max-api-calls or --api-reserve"}, true
	case CodeNoID:
		return Kind{Remedy: "fill the id"}, true
	case CodeNoLookup:
		return Kind{Remedy: "give the target a match by which its records can be looked up"}, true
	case CodeSetup:
		return Kind{Remedy: "correct the setting that the message names"}, true
	case CodeCancelled:
		return Kind{Remedy: "go on with the run: sfsync resume"}, true
	case CodeHTTP:
		return Kind{Remedy: "try again; else look for what stands between here and the org, and ask its keepers"}, true
	case CodeNewInstance:
		return Kind{Remedy: "the org has moved, or the login is another org's: check it with sfsync org show, and begin anew"}, true
	case CodeTooLarge:
		return Kind{Remedy: "make it smaller: shorter values, fewer fields"}, true
	case CodeProxy:
		return Kind{Remedy: "check HTTPS_PROXY and NO_PROXY, and the user and password in the proxy's address"}, true
	case CodeCertificate:
		return Kind{Remedy: "name your organisation's certificates with --ca-cert"}, true
	}
	return Kind{}, false
}

// Remedy returns what a user can do about a code, of the org's or of this package, in one
// line; "" for a code it does not know.
func Remedy(code string) string {
	k, _ := Known(code)
	return k.Remedy
}

// Classify says what an error of a record or a request means. The wording of messages is
// translated into the user's language, so codes decide; the texts looked at here are names of
// limits and codes of nested errors, which are not.
func Classify(code, message string) sink.Class {
	switch code {
	case "REQUEST_LIMIT_EXCEEDED":
		// One code for two limits: "TotalRequests Limit exceeded." is the pool of 24 hours,
		// "ConcurrentRequests …" and "ConcurrentPerOrgLongTxn …" pass in a moment.
		if strings.Contains(message, "Concurrent") {
			return sink.Retry
		}
	case "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER":
		// A trigger or flow failed on a lock that will be released.
		if strings.Contains(message, "UNABLE_TO_LOCK_ROW") {
			return sink.Retry
		}
	}
	k, _ := Known(code)
	return k.Class
}

// Heavy reports whether fewer records at once may help.
func Heavy(code string) bool {
	k, _ := Known(code)
	return k.Heavy
}

// Systemic reports whether an error of a whole group names what is wrong with all of it.
func Systemic(code string) bool {
	k, _ := Known(code)
	return k.Systemic
}

// Gone reports whether an error says that a record to be deleted is not there. If an earlier try may
// have reached the org, it was that one which deleted it; else somebody else was.
func Gone(code string) bool {
	switch code {
	case "ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY":
		return true
	}
	return false
}

// Stops reports whether an error of this class ends the run.
func Stops(c sink.Class) bool { return c >= sink.Later }

// New returns an error.
func New(class sink.Class, code, message string) *sink.Error {
	return &sink.Error{Class: class, Code: code, Message: message}
}
