// Package plan turns specs and a snapshot of ECS into everything that
// Prometheus reads: prometheus.yml, rule files and target files.
//
// It is a function from values to a value: no I/O, no clock, no log, inputs
// untouched. Equal inputs give equal bytes in whatever order they come, and
// what was left out is told in findings, never skipped in silence.
//
// The configuration depends on the specs alone ([Render]); only the targets
// depend on what runs ([Build]). So Prometheus starts while AWS is down.
package plan
