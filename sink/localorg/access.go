package localorg

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"sfsync/sink/localorg/auth"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/envelope"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/store"
)

// NewUser is a user to be added to the org.
type NewUser = auth.NewUser

// Permissions are what a user may do.
type Permissions = auth.Permissions

// Access is the part of Permissions that is about objects and fields.
type Access = catalog.Access

// ObjectAccess is what a user may do with the records of an object.
type ObjectAccess = catalog.ObjectAccess

// FieldAccess is the field-level security of a field for a user: [Hidden] or [ReadOnly].
type FieldAccess = catalog.FieldAccess

// The kinds of field-level security.
const (
	Hidden   = catalog.Hidden
	ReadOnly = catalog.ReadOnly
)

// Login is what a user logs in with.
type Login = auth.Login

// AppSettings are those settings of the org's app and sessions that can be chosen.
type AppSettings = auth.Settings

// joinAuth makes the org's authorization server.
func (o *Org) joinAuth(ctx context.Context) (err error) {
	id := &o.ident
	o.auth, err = auth.New(ctx, auth.Config{
		Store: o.store, OrganizationID: id.OrganizationID, Instance: id.Instance,
		ClientID: id.ClientID, ClientSecret: id.ClientSecret, Now: o.cfg.Now, Rand: o.cfg.Rand,
		Owner: auth.Owner{
			UserID: id.UserID, ProfileID: id.ProfileID, Username: id.Username, Password: id.Password, SecurityToken: id.SecurityToken,
			AccessToken: id.AccessToken, RefreshToken: id.RefreshToken,
		},
	})
	return err
}

// AddUser adds a user with a password and permissions, or changes one who is there. The user of the org's own
// credentials cannot be changed.
func (o *Org) AddUser(ctx context.Context, n NewUser) (Login, error) { return o.auth.AddUser(ctx, n) }

// AddKey uploads a certificate or an RSA public key, in PEM, that JSON Web Tokens may be signed with.
func (o *Org) AddKey(ctx context.Context, pem []byte) error { return o.auth.AddKey(ctx, pem) }

// Configure replaces the settings of the app.
func (o *Org) Configure(ctx context.Context, s AppSettings) error { return o.auth.Configure(ctx, s) }

// admit lets a request in as a user's: from now on it sees the org as the user may see it. It refuses users who
// may not call the API.
func (o *Org) admit(rq *rest.Request, u *auth.User) *rest.Response {
	if !u.Permissions.APIEnabled {
		return rest.Failure(http.StatusForbidden, "API_CURRENTLY_DISABLED", "API is disabled for this User")
	}
	rq.Catalog = u.View(o.store.Catalog())
	rq.Caller = store.Caller{UserID: u.ID}
	if rq.Catalog.Access() != nil {
		rq.Caller.View = rq.Catalog
	}
	return nil
}

// needSetup refuses users who may not view the setup, which the limits and the record counts are part of (REST API
// guide, Limits; wording unconfirmed).
func needSetup(rq *rest.Request) *rest.Response {
	if rq.Catalog.Access().ViewsSetup() {
		return nil
	}
	return rest.Failure(http.StatusForbidden, "INSUFFICIENT_ACCESS", "insufficient access rights: View Setup and Configuration is needed")
}

// isSOAP reports whether a path is that of a SOAP API: /services/Soap/u/64.0, with or without the organization
// behind it.
func isSOAP(rq *rest.Request) bool {
	return len(rq.Segs) >= 3 && rq.Segs[0] == "services" && strings.EqualFold(rq.Segs[1], "soap")
}

// soap answers the SOAP APIs, as far as clients of the REST API need them.
func (o *Org) soap(ctx context.Context, rq *rest.Request) *rest.Response {
	api := envelope.Partner
	switch strings.ToLower(rq.Segs[2]) {
	case "u":
	case "c":
		api = envelope.Enterprise
	default:
		return rest.NotFound()
	}
	if rq.Method != http.MethodPost {
		return rest.MethodNotAllowed(rq.Method, "POST")
	}
	blank := &envelope.Call{API: api}
	version := rest.MaxVersion
	if len(rq.Segs) > 3 {
		number, _ := strings.CutSuffix(rq.Segs[3], ".0")
		var err error
		if version, err = strconv.Atoi(number); err != nil || version < 1 || version > rest.MaxVersion {
			return blank.Fault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")
		}
	}
	if len(rq.Header.Values("SOAPAction")) == 0 {
		return blank.ClientFault("SOAPAction HTTP header missing")
	}
	call, err := envelope.Read(rq.Body)
	if err != nil {
		return blank.ClientFault(err.Error())
	}
	call.API = api
	rq.Version, rq.Base = version, "/services/data/v"+strconv.Itoa(version)+".0"
	if call.Op.Name == "login" {
		return o.auth.Login(ctx, call, version, len(rq.Body), rq.Origin)
	}
	u, refusal := o.auth.EnterSession(call.Session)
	if refusal != nil {
		return call.Fault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session")
	}
	switch call.Op.Name {
	case "logout":
		o.auth.Leave(call.Session)
		return call.Answer("")
	case "getUserInfo":
		return o.auth.UserInfo(ctx, call, u)
	}
	if o.admit(rq, u) != nil {
		return call.Fault("API_CURRENTLY_DISABLED", "API is disabled for this User")
	}
	if o.load.Count() != nil {
		return call.Fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	}
	if res := o.calling.Answer(ctx, rq, call); res != nil {
		return res
	}
	return call.ClientFault("No operation available for request {" + call.Space() + "}" + call.Op.Name)
}
