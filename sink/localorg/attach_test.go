package localorg

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sfsync/mapping/schema"
)

// serve opens or attaches to an org and serves it if it is this owner's.
func serve(t *testing.T, cfg Config) (w *Owner, stop func()) {
	t.Helper()
	w, err := Attach(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !w.Owned() {
		return w, func() {
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Serve(ctx, l) }()
	return w, func() {
		cancel()
		if err := errors.Join(<-done, w.Close()); err != nil {
			t.Error(err)
		}
	}
}

// One process owns a database; others reach it through the owner.
func TestAttach(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := filepath.Join(t.TempDir(), "org.db")
	first, stopFirst := serve(t, Config{DB: db})
	second, stopSecond := serve(t, Config{DB: db})
	if !first.Owned() || second.Owned() {
		t.Fatalf("owned: %v, %v", first.Owned(), second.Owned())
	}
	if first.Credentials() != second.Credentials() || first.Credentials().InstanceURL == "" {
		t.Errorf("credentials differ: %+v, %+v", first.Credentials().InstanceURL, second.Credentials().InstanceURL)
	}
	for _, f := range []string{db, db + ".owner.json", db + ".lock"} {
		if st, err := os.Stat(f); err != nil || st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", f, st, err)
		}
	}
	s := schema.New("test")
	s.Add(&schema.Object{Name: "Lead", Fields: []*schema.Field{{Name: "More__c", Type: schema.String, Length: 10, Nillable: true, Createable: true, Custom: true}}})
	added, err := second.Extend(t.Context(), s)
	if err != nil || len(added) != 1 || added[0] != "Lead.More__c" {
		t.Errorf("extend: %v %v", added, err)
	}
	if err := second.call(t.Context(), "POST", "/_org/expire-sessions", nil, nil); err != nil {
		t.Error(err)
	} // and then it logs in again
	v, err := second.Show(t.Context())
	if err != nil || v.OrganizationID != first.Credentials().OrganizationID {
		t.Errorf("show: %+v %v", v, err)
	}
	if err := second.Reset(t.Context()); err != nil {
		t.Error(err)
	}
	stopSecond()
	stopFirst()
	if _, err := os.Stat(db + ".owner.json"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the owner's file is still there: %v", err)
	}
	third, stopThird := serve(t, Config{DB: db})
	if !third.Owned() {
		t.Error("the database is still owned")
	}
	stopThird()
}

// A database whose owner does not serve cannot be reached.
func TestAttachBusy(t *testing.T) {
	db := filepath.Join(t.TempDir(), "org.db")
	first, err := Attach(t.Context(), Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Attach(ctx, Config{DB: db}); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
}
