// Package source reads specs from a directory or from S3.
//
// A load is complete or an error, never a part: a file that vanishes or changes
// while it is read makes the load fail, so that whoever asked keeps what it had
// and asks again. What is wrong with a single file (too large, unreadable, a
// link to nowhere) is a problem of the set, by the file's name, and the other
// files are read; a folder's name ends in a slash and stands for all below it. While
// nothing changes, loads are cheap and give the same *spec.Set, so that a caller may
// compare pointers. A source that holds no
// specs gives a set without objects; whether that can be meant is the caller's
// to judge.
//
// Of the whole module it imports only packages spec and s3client.
package source
