// Package source reads specs from a directory or from S3.
//
// A load is complete or an error, never a part: a file that vanishes or changes
// while it is read makes the load fail, so that whoever asked keeps what it had
// and asks again. While nothing changes, loads are cheap and give the same
// *spec.Set, so that a caller may compare pointers. A source that holds no
// specs gives a set without objects; whether that can be meant is the caller's
// to judge.
//
// Of the whole module it imports only package spec.
package source
