// Package localorg is a Salesforce org in one process: its APIs over HTTP on loopback, with
// the records in SQLite.
//
// It is what sfsync runs against unless told otherwise, and the ground of its end-to-end
// tests. It shares nothing with the client in sink/salesforce but the protocol, and refuses what
// Salesforce refuses, in Salesforce's words. Clients of others work against it as it is.
//
// # Where things live
//
// An HTTP request is read and answered in http.go, counted and sent on in router.go; what is below
// is a package each, with a Handler that takes a [rest.Request] and gives a [rest.Response]:
//
//	auth, envelope, soap, convert   logins, users and permissions; SOAP, undelete and lead conversion
//	records, composite, conditional single records, collections, /composite and its family, ETags
//	query, soql, cursor             queries and search, their language, their pages
//	bulk                            Bulk API 2.0 and 1.0
//	describe                        what objects and fields say of themselves
//	limit, lock, fault              allowances, record locks, and trouble by a file of rules
//
// All records are reached through [rest.Gate], which leads to store (SQLite, transactions, and the
// checks that look at other records) and catalog (objects, fields and values); bin is the recycle
// bin, rules holds validation, duplicate and assignment rules, virtual the objects that are computed,
// journal what was asked, and wire the forms of JSON. Under /_org are resources that Salesforce does
// not have, for the sfsync command and tests; no trouble touches them.
//
// What is faithful, left out and unconfirmed is in the README beside this file.
package localorg
