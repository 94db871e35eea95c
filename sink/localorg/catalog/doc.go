// Package catalog knows the local org's objects: their fields and where each is stored, how
// values are read from JSON and checked, and how ids are made. It makes every check that needs
// no other record, in Salesforce's words; package store makes the rest.
package catalog
