// Package target is where a pass ends: the published directory, and the
// Prometheus that reads it.
//
// [Directory] keeps one promise: killed at any instant, the directory loads.
// Everything is written below .state, synced, and then renamed into place;
// configuration becomes live by one swap of a symbolic link. Errors name the
// path and, where it is known, the remedy.
//
// [Reloader] counts a reload only when Prometheus itself says so.
//
// The package imports nothing of this module but the values that it publishes.
package target
