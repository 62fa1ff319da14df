// Package controller decides when a pass runs, has Prometheus take what was
// published, and tells everyone how it stands.
//
// A trigger says when, never what: changes in ECS start a pass one second
// later, in a fixed window; the specs are looked at at an interval of their
// own. One goroutine runs the passes and all that touches the output
// directory; a second one waits for Prometheus. Both end with Run.
package controller
