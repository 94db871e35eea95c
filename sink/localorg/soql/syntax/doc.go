// Package syntax reads SOQL and SOSL, Salesforce's languages for queries and for text search,
// into trees. It knows no schema: whether a name is one is for the compiler to say.
//
// What Salesforce's languages have and this package refuses, it refuses in words: GROUP BY ROLLUP
// and CUBE, several objects after FROM, DISTANCE and GEOLOCATION, data categories.
package syntax
