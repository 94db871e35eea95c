package transport

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoRoots is the error of a text without a certificate that could count.
var ErrNoRoots = errors.New("no certificate")

// Roots returns the system's authorities and those of a text: one or more certificates as PEM, other
// blocks between them are passed over. Certificates that have expired at the time now are left
// out; expired names them, one by one. Its errors say which certificate cannot be read, or are an
// [ErrNoRoots].
func Roots(text []byte, now time.Time) (pool *x509.CertPool, expired []string, err error) {
	if pool, err = x509.SystemCertPool(); err != nil { // a system without any
		pool = x509.NewCertPool()
	}
	n := 0
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		n++
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, fmt.Errorf("certificate %d: %w", n, err)
		}
		if now.After(c.NotAfter) {
			expired = append(expired, fmt.Sprintf("%s (expired on %s)", subject(c), c.NotAfter.UTC().Format(time.DateOnly)))
			continue
		}
		pool.AddCert(c)
	}
	switch {
	case n == 0 && bytes.Contains(text, []byte("-----BEGIN CERTIFICATE")):
		return nil, nil, fmt.Errorf("%w that can be read: the text between BEGIN and END CERTIFICATE is damaged", ErrNoRoots)
	case n == 0:
		return nil, nil, fmt.Errorf("%w in it: it has to be PEM, which begins with -----BEGIN CERTIFICATE-----", ErrNoRoots)
	case n == len(expired):
		return nil, nil, fmt.Errorf("%w in it that is still valid: %s", ErrNoRoots, strings.Join(expired, ", "))
	}
	return pool, expired, nil
}

// subject names a certificate for people.
func subject(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	if s := c.Subject.String(); s != "" {
		return s
	}
	return "number " + c.SerialNumber.String()
}
