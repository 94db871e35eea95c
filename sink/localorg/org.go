package localorg

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"sfsync/mapping/schema"
	"sfsync/sink/localorg/auth"
	"sfsync/sink/localorg/bulk"
	"sfsync/sink/localorg/bulk/v1"
	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/composite"
	"sfsync/sink/localorg/convert"
	"sfsync/sink/localorg/fault"
	"sfsync/sink/localorg/journal"
	"sfsync/sink/localorg/limit"
	"sfsync/sink/localorg/query"
	"sfsync/sink/localorg/records"
	"sfsync/sink/localorg/rest"
	"sfsync/sink/localorg/soap"
	"sfsync/sink/localorg/soql"
	"sfsync/sink/localorg/store"
)

// Memory is the Config.DB of an org that keeps nothing.
const Memory = store.Memory

// Config says how to open an org.
type Config struct {
	// DB is the path of the database, or Memory to keep nothing.
	DB string
	// Schema is what the org starts with, or is extended by; nil means schema.Standard().
	Schema *schema.Schema
	// Latency passes before each answer, from the arrival of the request on.
	Latency time.Duration
	// RowLatency is how long the writing of a record takes, what the database needs included; meanwhile its
	// transaction holds the locks on its records and their parents.
	RowLatency time.Duration
	// DailyCalls is how many API calls the org answers on a day; 0 means 5,000,000.
	DailyCalls int64
	// Now is the org's clock; nil means time.Now.
	Now func() time.Time
	// Rand is the source of ids and secrets; nil means crypto/rand. It is used by one goroutine
	// at a time.
	Rand io.Reader
	// Logger receives what goes wrong inside the org; nil discards it.
	Logger *slog.Logger
	// Fault, if set, is asked what is to go wrong; it is called from many goroutines.
	Fault func(Fault) Action
}

// Fault is a moment at which something may go wrong.
type Fault = fault.Point

// Action is what goes wrong then.
type Action = fault.Action

// The moments at which a connection may die.
const (
	DropBefore = fault.DropBefore
	DropAfter  = fault.DropAfter
)

// Org is an open org. It is safe for concurrent use.
type Org struct {
	cfg   Config
	store *store.Store
	ident identity

	url         atomic.Pointer[string]
	hosts       atomic.Pointer[map[string]bool]
	open        atomic.Bool // the listener is not on loopback
	calls       journal.Counter
	gate        *rest.Gate
	records     records.Handler
	compound    composite.Handler
	calling     soap.Handler
	load        *limit.Model
	limits      limit.Handler
	log         journal.Log
	queries     query.Handler
	cursorCount atomic.Int64
	auth        *auth.Server
	bulk        *bulk.Service
	bulk1       *v1.Handler
}

// identity is what the org keeps of itself in its database.
type identity struct {
	OrganizationID, Instance, UserID, ProfileID string

	Username, Password, SecurityToken string
	ClientID, ClientSecret            string
	AccessToken, RefreshToken         string
	Created                           time.Time
}

// Credentials are an org's address and all the secrets to log in with. The user has every
// permission.
type Credentials struct {
	// InstanceURL is empty until the org serves.
	InstanceURL    string `json:"instance_url"`
	OrganizationID string `json:"organization_id"`
	Username       string `json:"username"`
	Password       string `json:"password"`
	SecurityToken  string `json:"security_token"`
	ClientID       string `json:"client_id"`
	ClientSecret   string `json:"client_secret"`
	AccessToken    string `json:"access_token"`
	RefreshToken   string `json:"refresh_token"`
}

// Open opens the org in cfg.DB, or creates it. An org that exists keeps its schema, ids,
// credentials and records; what cfg.Schema has more is added.
//
// Only one process may have a database open; [Attach] sees to that.
func Open(ctx context.Context, cfg Config) (*Org, error) {
	if cfg.DB == "" {
		return nil, fmt.Errorf("open local org: no database given")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now //nolint:forbidigo // the documented default
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Schema == nil {
		cfg.Schema = schema.Standard()
	}
	if err := soql.Register(); err != nil {
		return nil, fmt.Errorf("open local org: %w", err)
	}
	st, err := store.Open(ctx, cfg.DB, cfg.Now)
	if err != nil {
		return nil, err
	}
	o := &Org{cfg: cfg, store: st}
	if err := o.joinLimits(); err != nil {
		_ = st.Close()
		return nil, fmt.Errorf("open local org: %w", err)
	}
	o.gate = &rest.Gate{Store: st, Calls: &o.calls, Now: cfg.Now, Logger: cfg.Logger, Fault: cfg.Fault, Pace: o.load.Pace}
	o.limits = limit.Handler{Gate: o.gate, Model: o.load}
	o.records = records.Handler{Gate: o.gate}
	o.joinQueries()
	o.calling = soap.Handler{Gate: o.gate, Leads: convert.Handler{Gate: o.gate, Now: cfg.Now}}
	o.compound = composite.Handler{Gate: o.gate, Dispatch: o.data, Count: o.load.Count, Expire: func() { o.auth.Expire() }}
	if err := o.prepare(ctx); err != nil {
		_ = st.Close()
		return nil, fmt.Errorf("open local org: %w", err)
	}
	if err := o.joinBulk(ctx); err != nil {
		_ = st.Close()
		return nil, fmt.Errorf("open local org: %w", err)
	}
	return o, nil
}

// prepare makes a new org what it is, or finds out what an old one is.
func (o *Org) prepare(ctx context.Context) error {
	known, err := o.store.Meta(ctx, "identity", &o.ident)
	if err != nil {
		return err
	}
	if !known {
		if err := o.invent(); err != nil {
			return err
		}
	}
	o.store.Identify(o.ident.Instance, o.ident.UserID)
	sys := catalog.System()
	if _, err := o.store.Extend(ctx, sys); err != nil {
		return err
	}
	if _, err := o.store.Extend(ctx, o.cfg.Schema); err != nil {
		return err
	}
	if !known {
		if err := o.seed(ctx); err != nil {
			return err
		}
		// Last, so that an org that died while it was made is made again.
		if err := o.store.SetMeta(ctx, "identity", o.ident); err != nil {
			return err
		}
	}
	if err := o.joinAuth(ctx); err != nil {
		return err
	}
	var calls journal.Calls
	if _, err := o.store.Meta(ctx, "calls", &calls); err != nil {
		return err
	}
	o.calls.Restore(calls)
	return nil
}

// secret returns n random bytes as text that needs no quoting anywhere.
func (o *Org) secret(n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(o.cfg.Rand, b); err != nil {
		return "", fmt.Errorf("draw a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func (o *Org) invent() error {
	var seed [8]byte
	if _, err := io.ReadFull(o.cfg.Rand, seed[:]); err != nil {
		return fmt.Errorf("draw an id: %w", err)
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	instance := make([]byte, 3)
	for i := range instance {
		instance[i] = letters[int(seed[i])%len(letters)]
	}
	n := int64(seed[3])<<24 | int64(seed[4])<<16 | int64(seed[5])<<8 | int64(seed[6])
	id := &o.ident
	*id = identity{
		Instance:       string(instance),
		OrganizationID: catalog.MakeID("00D", string(instance), n),
		UserID:         catalog.MakeID("005", string(instance), 0),
		ProfileID:      catalog.MakeID("00e", string(instance), 0),
		Created:        o.cfg.Now().UTC().Truncate(time.Second),
	}
	id.Username = "admin@" + id.OrganizationID[3:] + ".local.example"
	for _, s := range []struct {
		to     *string
		prefix string
		bytes  int
	}{
		{&id.Password, "", 12},
		{&id.SecurityToken, "", 18},
		{&id.ClientID, "3MVG9", 48},
		{&id.ClientSecret, "", 32},
		{&id.AccessToken, id.OrganizationID[:15] + "!", 64},
		{&id.RefreshToken, "5Aep", 48},
	} {
		text, err := o.secret(s.bytes)
		if err != nil {
			return err
		}
		*s.to = s.prefix + text
	}
	return nil
}

// seed stores the records that an org has from its first day.
func (o *Org) seed(ctx context.Context) error {
	cat := o.store.Catalog()
	return o.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.Empty(func(ob *catalog.Object) bool { return false }); err != nil {
			return err
		}
		if err := tx.Seed(cat.Object("Organization"), o.ident.OrganizationID, map[string]any{
			"Name": "sfsync local org", "OrganizationType": "Developer Edition", "InstanceName": "LOCAL",
			"IsSandbox": int64(0), "LanguageLocaleKey": "en_US", "DefaultLocaleSidKey": "en_US", "TimeZoneSidKey": "GMT",
		}); err != nil {
			return err
		}
		if err := tx.Seed(cat.Object("Profile"), o.ident.ProfileID, map[string]any{
			"Name": "System Administrator", "UserType": "Standard",
		}); err != nil {
			return err
		}
		user := cat.Object("User")
		if user == nil {
			return nil
		}
		return tx.Seed(user, o.ident.UserID, map[string]any{
			"Username": o.ident.Username, "FirstName": "Local", "LastName": "Admin", "Alias": "admin",
			"Email": "admin@local.example", "CommunityNickname": "admin", "IsActive": int64(1), "UserType": "Standard",
			"ProfileId": o.ident.ProfileID, "LanguageLocaleKey": "en_US", "LocaleSidKey": "en_US",
			"TimeZoneSidKey": "GMT", "EmailEncodingKey": "UTF-8",
		})
	})
}

// Close saves the call counter and closes the database. The org must not be used any more.
func (o *Org) Close() error {
	o.bulk.Close()
	o.queries.Close()
	if o.calls.Dirty() {
		if err := o.store.SetMeta(context.Background(), "calls", o.calls.Snapshot()); err != nil {
			o.cfg.Logger.Warn("keep the call count", "err", err)
		}
	}
	return o.store.Close()
}

// Extend adds the objects and fields that the org lacks and returns their names in order
// ("Visit__c", "Lead.Ext__c"). It never removes or changes what is there.
func (o *Org) Extend(ctx context.Context, s *schema.Schema) ([]string, error) {
	return o.store.Extend(ctx, s)
}

// Credentials returns the org's address and secrets.
func (o *Org) Credentials() Credentials {
	c := Credentials{
		OrganizationID: o.ident.OrganizationID, Username: o.ident.Username, Password: o.ident.Password,
		SecurityToken: o.ident.SecurityToken, ClientID: o.ident.ClientID, ClientSecret: o.ident.ClientSecret,
		AccessToken: o.ident.AccessToken, RefreshToken: o.auth.RefreshToken(),
	}
	if u := o.url.Load(); u != nil {
		c.InstanceURL = *u
	}
	return c
}

// Reset removes all records but the org's own, and with them the users that were added; the schema, the ids, the
// credentials and the settings stay.
func (o *Org) Reset(ctx context.Context) error {
	err := o.seed(ctx)
	if err == nil {
		err = o.store.Update(ctx, o.bulk.Reset)
	}
	if err == nil {
		err = o.auth.Reset(ctx)
	}
	if err != nil {
		return fmt.Errorf("reset local org: %w", err)
	}
	return nil
}
