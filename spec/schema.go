package spec

import _ "embed"

// schema is generated from the types of this package and their comments.
//
//go:generate go test -run ^TestSchema$ . -update
//go:embed schema.json
var schema string

// Schema is a JSON Schema (draft-07) of one document: of any kind of this
// package, or a PrometheusRule in a form that is taken too. It is for editors
// and finds faults of form; [Decode] finds all of them.
func Schema() string { return schema }
