// Package reconcile is one idempotent pass from specs and ECS state to what
// Prometheus reads: load, judge, choose, snapshot, plan, validate, publish.
//
// Its promises: one bad object never hurts another, for it keeps its last valid
// version; nothing that Prometheus's own parsers refuse is published; a failed
// read changes nothing. When to run a pass, and whether Prometheus has taken
// what was published, is the controller's business.
//
// The package itself does no I/O, reads no clock and logs nothing; what does
// is behind the interfaces that it declares.
package reconcile
