// Package artifact holds what a pass renders, as values: the configuration
// files, the target pools, their digest, and the difference of two renderings.
//
// Equal inputs give equal bytes: everything is sorted here or by the planner,
// and nothing depends on where the output directory is mounted.
//
// The package does no I/O, reads no clock and imports nothing of this module.
package artifact
