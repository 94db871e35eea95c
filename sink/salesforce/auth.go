package salesforce

import (
	"io"

	"sfsync/sink/salesforce/catalog"
	"sfsync/sink/salesforce/credentials"
)

// Auth is what to log in with.
type Auth = credentials.Auth

// Secret is text that shows itself to nobody who prints, logs or encodes it.
type Secret = credentials.Secret

// AuthFromEnv is [credentials.FromEnv].
func AuthFromEnv(getenv func(string) string, readFile func(string) ([]byte, error), run func(argv []string) ([]byte, error)) (Auth, error) {
	return credentials.FromEnv(getenv, readFile, run)
}

// Approval is a login in a browser that is under way.
type Approval = credentials.Approval

// NewApproval is [credentials.NewApproval].
func NewApproval(redirect string, r io.Reader) (*Approval, error) {
	return credentials.NewApproval(redirect, r)
}

// Remedy returns what a user can do about an error code, of the org's or of this package, in
// one line; "" for a code it does not know.
func Remedy(code string) string { return catalog.Remedy(code) }
