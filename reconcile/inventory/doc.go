// Package inventory holds what runs on ECS, as values: tasks, the task
// definition revisions and instances they refer to, and how far each place
// they were read from can be trusted.
//
// It promises three things. A [Listing] is complete or it does not exist, so
// nothing here can mistake a failed call for an empty cluster. A removal needs
// evidence, which the [Store] asks for by name. And a [Snapshot] is sorted and
// immutable, so that equal states are equal values.
//
// The package does no I/O, reads no clock and imports nothing of this module.
package inventory
