package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sfsync/sink/localorg/catalog"
	"sfsync/sink/localorg/store"
)

// person is what the User record says of a user.
type person struct {
	id       string
	username string
	first    string
	last     string
	name     string
	nickname string
	email    string
	profile  string
	userType string
	language string
	locale   string
	zone     string
	modified string
	active   bool
}

// find returns the id of the user of that name in any case, "" if there is none.
func (s *Server) find(ctx context.Context, username string) (string, error) {
	username = strings.TrimSpace(username)
	if username == "" {
		return "", nil
	}
	if user := s.cfg.Store.Catalog().Object("User"); user != nil {
		if f := user.Field("Username"); f != nil && f.IsKey() {
			var ids []string
			err := s.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
				ids, _, err = tx.Find(user, f, username)
				return err
			})
			if err != nil {
				return "", fmt.Errorf("find user: %w", err)
			}
			if len(ids) > 0 {
				return ids[0], nil
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, a := range s.accounts {
		if strings.EqualFold(a.Username, username) {
			return id, nil
		}
	}
	return "", nil
}

// person reads a user's record. Without one, in an org whose schema came without User, there is what the account
// says. A user whose record is deleted is not active.
func (s *Server) person(ctx context.Context, id string) (*person, error) {
	p := &person{id: id, userType: "Standard", language: "en_US", locale: "en_US", zone: "GMT", active: true}
	s.mu.Lock()
	a := s.accounts[id]
	s.mu.Unlock()
	if a != nil {
		p.username, p.last, p.email = a.Username, a.Username, a.Username
	}
	if id == s.cfg.Owner.UserID {
		p.profile = s.cfg.Owner.ProfileID
	}
	user := s.cfg.Store.Catalog().Object("User")
	if user == nil {
		return p, nil
	}
	names := []struct {
		field string
		to    *string
	}{
		{"Username", &p.username},
		{"FirstName", &p.first},
		{"LastName", &p.last},
		{"CommunityNickname", &p.nickname},
		{"Email", &p.email},
		{"ProfileId", &p.profile},
		{"UserType", &p.userType},
		{"LanguageLocaleKey", &p.language},
		{"LocaleSidKey", &p.locale},
		{"TimeZoneSidKey", &p.zone},
		{"LastModifiedDate", &p.modified},
	}
	var fields []*catalog.Field
	var to []*string
	for _, n := range names {
		if f := user.Field(n.field); f != nil {
			fields, to = append(fields, f), append(to, n.to)
		}
	}
	active := user.Field("IsActive")
	if active != nil {
		fields = append(fields, active)
	}
	err := s.cfg.Store.View(ctx, func(tx *store.Tx) error {
		gone, err := tx.Rows(ctx, user, fields, []string{id}, func(_ string, values []any) error {
			for i, field := range to {
				if v, ok := values[i].(string); ok {
					*field = v
				}
			}
			if active != nil {
				on, _ := values[len(to)].(int64)
				p.active = on != 0
			}
			return nil
		})
		p.active = p.active && len(gone) == 0
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}
	p.name = strings.TrimSpace(p.first + " " + p.last)
	return p, nil
}

// offset returns the distance of the user's time zone from UTC at a moment, 0 for a zone that is not known.
func (p *person) offset(now time.Time) time.Duration {
	zone, err := time.LoadLocation(p.zone)
	if err != nil {
		return 0
	}
	_, seconds := now.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}
