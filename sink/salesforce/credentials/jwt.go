package credentials

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"time"

	"sfsync/sink"
	"sfsync/sink/salesforce/catalog"
)

// jwtLife is how long an assertion is good: Salesforce takes up to three minutes (Help, "OAuth
// 2.0 JWT Bearer Flow"), and clocks differ.
const jwtLife = 2 * time.Minute

// Assertion returns a JWT of the claims that Salesforce asks for, signed with the key by RS256
// (RFC 7515).
func (a *Auth) Assertion(audience string, now time.Time) (string, error) {
	key, err := parseKey(string(a.JWTKey))
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"iss": a.ClientID, "sub": a.Username, "aud": audience, "exp": now.Add(jwtLife).Unix()})
	if err != nil {
		return "", catalog.New(sink.Config, catalog.CodeSetup, "encode the JWT: "+err.Error())
	}
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + enc.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", catalog.New(sink.Config, catalog.CodeSetup, "sign the JWT: the key cannot be used")
	}
	return text + "." + enc.EncodeToString(sig), nil
}

// parseKey reads an RSA private key. Errors say nothing of what was in it.
func parseKey(text string) (*rsa.PrivateKey, error) {
	bad := func(why string) error {
		return catalog.New(sink.Config, catalog.CodeSetup, "SFSYNC_JWT_KEY "+why)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, bad("is not PEM (-----BEGIN PRIVATE KEY----- …)")
	}
	if strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "" {
		return nil, bad("is encrypted: decrypt it first (openssl pkey)")
	}
	if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, bad("holds no private key")
	}
	if r, ok := k.(*rsa.PrivateKey); ok {
		return r, nil
	}
	return nil, bad("is not an RSA key")
}
