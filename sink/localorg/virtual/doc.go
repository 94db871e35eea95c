// Package virtual has the objects that hold no records of their own but show what the org is: the
// entity and field definitions, and the objects that clients look into by themselves and that are
// empty in this org. Their records are computed from the catalog when they are asked for.
package virtual
