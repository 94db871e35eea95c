// Package query answers the resources that read records by SOQL and SOSL: /query, /queryAll and their further
// pages, /search and /parameterizedSearch, and the queries and computed objects below /tooling.
package query
