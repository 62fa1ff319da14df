// Package releases knows what each release of Prometheus knows: the fields of its
// configuration and of its rule files, the values that some of them take, and its
// features. The table is generated from the modules of the releases by `make
// releases`; a test holds its newest column against the Prometheus that this
// program is built with.
//
// It judges names alone: whether a value is a good one says Prometheus's own code.
package releases
