// Package auth is who may come into the local org and what they may do there: the users with their passwords and
// permissions, the app with its secrets and settings, the ways of logging in, and the sessions.
//
// The ways are those of OAuth 2.0 at /services/oauth2 (client credentials, JWT bearer, refresh token,
// username-password, web server with PKCE) and the SOAP API's login(); Salesforce Help, "Authorize Apps with
// OAuth". There is one app. Clients that come over loopback count as coming from a trusted address: a password
// is taken with and without the security token behind it.
//
// What differs from a real org: nobody has to approve the app, every user may use it; a request on a wrong
// login host cannot be told from another, so "request not supported on this domain" never comes; there are no
// id tokens, no device flow and no limit on logins; a user who is made inactive keeps the sessions that are
// open. Texts of errors that nobody recorded are marked as unconfirmed where they stand.
package auth
