// Package validate judges what a pass rendered, as bytes in memory, by
// Prometheus's own parsers and by our own lints, before any of it is live.
//
// It promises that nothing which it accepts is refused by a Prometheus of the
// version it is built with, and that a refusal carries Prometheus's own words,
// without the secrets that these may repeat.
// It does no I/O and logs nothing.
package validate
