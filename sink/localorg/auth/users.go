package auth

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
)

// Permissions are what a user may do.
type Permissions struct {
	// APIEnabled lets the user call the API at all.
	APIEnabled bool `json:"api_enabled"`
	catalog.Access
}

// Everything returns every permission.
func Everything() *Permissions {
	return &Permissions{APIEnabled: true, Access: catalog.Access{ViewSetup: true, ViewAllData: true, ModifyAllData: true}}
}

// User is who a session belongs to.
type User struct {
	ID          string
	Permissions *Permissions

	account *account
}

// ByID returns the user of that id, or nil. It is for work that goes on without a session.
func (s *Server) ByID(id string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil {
		return a.user()
	}
	return nil
}

func (a *account) user() *User { return &User{a.UserID, &a.Permissions, a} }

// View returns the catalog as the user sees it. For a user who may do everything it is the catalog itself.
func (u *User) View(c *catalog.Catalog) *catalog.Catalog {
	a := &u.Permissions.Access
	if a.ModifyAllData && len(a.Fields) == 0 {
		return c
	}
	if v := u.account.view.Load(); v != nil && v.of == c {
		return v.view
	}
	v := &cachedView{c, c.View(a)}
	u.account.view.Store(v)
	return v.view
}

// cachedView is the view of a catalog that a user was last given.
type cachedView struct{ of, view *catalog.Catalog }

// account is what is kept of a user beside the User record, where no query can see it.
type account struct {
	UserID   string
	Username string
	// Salt and Hash are those of the password, Token is the security token.
	Salt, Hash  string
	Token       string
	Permissions Permissions

	plain string // the owner's password, which the org has to be able to tell
	view  atomic.Pointer[cachedView]
}

// hashRounds makes a guess cost about a millisecond. The passwords are those of a test org, and its database is
// readable by its owner only.
const hashRounds = 5000

func hash(password, salt string) (string, error) {
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), hashRounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return base64.RawStdEncoding.EncodeToString(key), nil
}

// opens reports whether a password is the user's, with the security token behind it or without.
func (a *account) opens(password string) bool {
	is := func(p string) bool {
		if a.plain != "" {
			return same(p, a.plain)
		}
		h, err := hash(p, a.Salt)
		return err == nil && a.Hash != "" && same(h, a.Hash)
	}
	if p, cut := strings.CutSuffix(password, a.Token); cut && a.Token != "" && is(p) {
		return true
	}
	return is(password)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// NewUser is a user to be added.
type NewUser struct {
	// Username has the form of an e-mail address and is unique in the org. That of a user who is there
	// changes the user: password and permissions, if they are given.
	Username string `json:"username"`
	// Password is what the user logs in with; "" makes one up for a new user.
	Password string `json:"password"`
	// Permissions of nil are all of them.
	Permissions *Permissions `json:"permissions"`
	// The names and the address go into the User record; without them they are made up from the user name.
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
}

// Login is what a user logs in with.
type Login struct {
	UserID        string `json:"user_id"`
	Username      string `json:"username"`
	Password      string `json:"password,omitempty"` // "" if it stays what it was
	SecurityToken string `json:"security_token"`
}

// ErrUser is wrapped by the errors of [Server.AddUser] that say what is wrong with the user given.
var ErrUser = errors.New("this user cannot be added")

// AddUser adds a user, a User record among them, or changes one who has a record already.
func (s *Server) AddUser(ctx context.Context, n NewUser) (Login, error) {
	if name, host, found := strings.Cut(n.Username, "@"); !found || name == "" || !strings.Contains(host, ".") || len(n.Username) > 80 || strings.ContainsAny(n.Username, " \t\r\n") {
		return Login{}, fmt.Errorf("%w: the user name must have the form of an e-mail address", ErrUser)
	}
	cat := s.cfg.Store.Catalog()
	if n.Permissions != nil {
		if err := known(cat, &n.Permissions.Access); err != nil {
			return Login{}, err
		}
	}
	s.adding.Lock()
	defer s.adding.Unlock()
	id, err := s.find(ctx, n.Username)
	if err != nil {
		return Login{}, err
	}
	if id == s.cfg.Owner.UserID {
		return Login{}, fmt.Errorf("%w: %s is the user of the org's own credentials, who keeps every permission", ErrUser, n.Username)
	}
	var login Login
	err = s.update(ctx, func(st *state) error {
		a, password, err := s.account(st, id, n)
		if err != nil {
			return err
		}
		login = Login{UserID: a.UserID, Username: a.Username, Password: password, SecurityToken: a.Token}
		return nil
	})
	if err != nil {
		return Login{}, err
	}
	return login, s.addRecord(ctx, login.UserID, n)
}

// account puts the user's account into the state. id is "" for a new user. mu must be held.
func (s *Server) account(st *state, id string, n NewUser) (*account, string, error) {
	a := &account{UserID: id, Username: n.Username, Permissions: *Everything()}
	if old := s.accounts[id]; old != nil {
		a.Salt, a.Hash, a.Token, a.Permissions = old.Salt, old.Hash, old.Token, old.Permissions
	}
	if n.Permissions != nil {
		a.Permissions = *n.Permissions
	}
	a.Permissions.Changed = s.cfg.Now().UTC().Truncate(time.Second)
	if id == "" {
		st.Users++
		a.UserID = catalog.MakeID("005", s.cfg.Instance, madeUsers+st.Users)
	}
	if st.Profile == "" {
		st.Profile = catalog.MakeID("00e", s.cfg.Instance, 1)
	}
	var err error
	if a.Token == "" {
		if a.Token, err = s.secret(18); err != nil {
			return nil, "", err
		}
	}
	password := n.Password
	if password == "" && a.Hash == "" {
		if password, err = s.secret(12); err != nil {
			return nil, "", err
		}
	}
	if password != "" {
		var salt [12]byte
		if _, err := io.ReadFull(s.cfg.Rand, salt[:]); err != nil {
			return nil, "", fmt.Errorf("draw a salt: %w", err)
		}
		a.Salt = base64.RawStdEncoding.EncodeToString(salt[:])
		if a.Hash, err = hash(password, a.Salt); err != nil {
			return nil, "", err
		}
	}
	st.Accounts = append(slices.DeleteFunc(slices.Clone(st.Accounts), func(o *account) bool { return o.UserID == a.UserID }), a)
	return a, password, nil
}

// madeUsers is where the numbers in the ids of users begin that were added here: those of records that are
// created by the API count from 1.
const madeUsers = 1 << 40

// known refuses permissions on objects and fields that the org does not have: a misspelt one would open what
// was to be closed.
func known(cat *catalog.Catalog, a *catalog.Access) error {
	for name := range a.Objects {
		if o := cat.Object(name); name != "*" && (o == nil || o.Def.Name != name) {
			return fmt.Errorf("%w: permissions on %q: the org has no object of that name", ErrUser, name)
		}
	}
	for name, fa := range a.Fields {
		object, field, _ := strings.Cut(name, ".")
		o := cat.Object(object)
		var f *catalog.Field
		if o != nil {
			f = o.Field(field)
		}
		switch {
		case f == nil:
			return fmt.Errorf("%w: field-level security of %q: the org has no field of that name", ErrUser, name)
		case !f.Securable():
			return fmt.Errorf("%w: field-level security of %q: it is a required field or one of the org's own, which everybody sees", ErrUser, name)
		case fa != catalog.Hidden && fa != catalog.ReadOnly:
			return fmt.Errorf("%w: field-level security of %q is %q: it must be %q or %q", ErrUser, name, fa, catalog.Hidden, catalog.ReadOnly)
		}
	}
	return nil
}

// addRecord stores the User record of a user who has none, and the profile of such users before the first.
func (s *Server) addRecord(ctx context.Context, id string, n NewUser) error {
	s.mu.Lock()
	profile := s.state.Profile
	s.mu.Unlock()
	local, _, _ := strings.Cut(n.Username, "@")
	if n.LastName == "" {
		n.LastName = local
	}
	if n.Email == "" {
		n.Email = n.Username
	}
	err := s.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		cat := s.cfg.Store.Catalog()
		if err := seedOnce(ctx, tx, cat.Object("Profile"), profile, map[string]any{"Name": "Standard User", "UserType": "Standard"}); err != nil {
			return err
		}
		return seedOnce(ctx, tx, cat.Object("User"), id, map[string]any{
			"Username": n.Username, "FirstName": n.FirstName, "LastName": n.LastName, "Alias": cut(local, 8),
			"Email": n.Email, "CommunityNickname": cut(local, 40), "IsActive": int64(1), "UserType": "Standard",
			"ProfileId": profile, "LanguageLocaleKey": "en_US", "LocaleSidKey": "en_US",
			"TimeZoneSidKey": "GMT", "EmailEncodingKey": "UTF-8",
		})
	})
	if err != nil {
		return fmt.Errorf("add user: %w", err)
	}
	return nil
}

// seedOnce stores a record unless it is there. o may be nil: then the org has no such object.
func seedOnce(ctx context.Context, tx *store.Tx, o *catalog.Object, id string, values map[string]any) error {
	if o == nil {
		return nil
	}
	there := false
	gone, err := tx.Rows(ctx, o, nil, []string{id}, func(string, []any) error {
		there = true
		return nil
	})
	if err != nil || there || len(gone) > 0 {
		return err
	}
	return tx.Seed(o, id, values)
}

func cut(s string, n int) string {
	r := []rune(s)
	return string(r[:min(n, len(r))])
}

// Reset forgets the users that were added, as their records go, and what they have open; the app runs as the owner
// again. The other settings, keys and the org's own credentials stay.
func (s *Server) Reset(ctx context.Context) error {
	return s.update(ctx, func(st *state) error {
		st.Accounts, st.Profile, st.Settings.RunAs = nil, "", ""
		own := s.cfg.Owner.UserID
		var kept []*grant
		for _, g := range st.Grants {
			if g.UserID == own {
				kept = append(kept, g)
			}
		}
		st.Grants = kept
		s.endSessions(func(ses *session) bool { return ses.user != own })
		return nil
	})
}
