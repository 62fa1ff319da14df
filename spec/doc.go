// Package spec is the input language of ecs-scrape: the kinds ScrapeTarget,
// PrometheusConfig and PrometheusRule, and the strict decoding of files that
// hold them.
//
// What belongs to ECS is typed here. What belongs to Prometheus is carried as
// its YAML node (see Verbatim) and judged elsewhere by Prometheus's own code.
// [Decode] reports everything wrong with every document at once, each with its
// place and the remedy, and one bad document leaves the others working.
//
// The package does no I/O, reads no clock and logs nothing. It imports no other
// package of this module.
package spec
