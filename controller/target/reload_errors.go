package target

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The states that [Reloader] reports.
const (
	StateStarting          = "starting"           // Prometheus runs and is not ready
	StateUnreachable       = "unreachable"        // [*UnreachableError]
	StateOtherConfig       = "other-config"       // [*OtherConfigError]
	StateOtherMount        = "other-mount"        // not an error: ours, seen at another path
	StateReloading         = "reloading"          // a reload was asked for
	StateLifecycleDisabled = "lifecycle-disabled" // [*LifecycleDisabledError]
	StateUnconfirmed       = "unconfirmed"        // [*UnconfirmedError]
	StateVerifying         = "verifying"          // loaded; waiting for the pools
	StateRejected          = "rejected"           // [*RejectedError]
	StatePoolsMissing      = "pools-missing"      // [*PoolsMissingError]
	StateConfirmed         = "confirmed"
)

// errStarting is the reason to wait while /-/ready says 503.
var errStarting = errors.New("prometheus is starting and not ready yet")

// UnreachableError is a Prometheus that does not answer, or not as Prometheus.
type UnreachableError struct {
	Cause error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("prometheus is unreachable: %v", e.Cause)
}

func (e *UnreachableError) Unwrap() error { return e.Cause }

// RejectedError is a reload that Prometheus refused. Unless the main file itself
// does not parse, some of the new configuration is live nevertheless.
type RejectedError struct {
	Digest string
	Status int
	Body   string // Prometheus's own words
}

func (e *RejectedError) Error() string {
	text := fmt.Sprintf("prometheus rejected configuration %s (status %d): %s", e.Digest, e.Status, e.Body)
	if !strings.Contains(e.Body, "couldn't load configuration") {
		text += " (the reason is in Prometheus's log)"
	}
	return text
}

// LifecycleDisabledError is a Prometheus that takes no reload over HTTP. It is
// confirmed all the same once it has been restarted, or reloaded by a signal.
type LifecycleDisabledError struct {
	Status int
}

func (e *LifecycleDisabledError) Error() string {
	return fmt.Sprintf("prometheus does not reload when asked to (status %d): start it with --web.enable-lifecycle; until then restart it to load the new configuration", e.Status)
}

// OtherConfigError is a Prometheus that reads another file than ours.
type OtherConfigError struct {
	Theirs, Ours string
}

func (e *OtherConfigError) Error() string {
	return fmt.Sprintf("prometheus was started with --config.file=%s, but the configuration is published as %s: start it with that path", e.Theirs, e.Ours)
}

// UnconfirmedError is an accepted reload that the state of Prometheus does not
// show.
type UnconfirmedError struct {
	Success         bool // reloadConfigSuccess
	Loaded, Swapped time.Time
}

func (e *UnconfirmedError) Error() string {
	if !e.Success {
		return "prometheus accepted the reload, and then says that its last reload failed: something else reloads it too"
	}
	return "prometheus accepted the reload, but says that it last loaded its configuration before this one was published: are the clocks apart?"
}

// PoolsMissingError names pools that have targets and did not come into being
// although the reload succeeded: as a rule a file that their configuration
// names, such as a CA, cannot be read.
type PoolsMissingError struct {
	Pools []string
}

func (e *PoolsMissingError) Error() string {
	return fmt.Sprintf("prometheus accepted the configuration but has no scrape pool %s: look for \"error creating new scrape pool\" in its log; often a file that its configuration names, such as ca_file, cannot be read by Prometheus",
		strings.Join(e.Pools, ", "))
}

// stateOf names the state that an error reports.
func stateOf(err error) string {
	switch {
	case errors.Is(err, errStarting):
		return StateStarting
	case isA[*RejectedError](err):
		return StateRejected
	case isA[*PoolsMissingError](err):
		return StatePoolsMissing
	case isA[*OtherConfigError](err):
		return StateOtherConfig
	case isA[*LifecycleDisabledError](err):
		return StateLifecycleDisabled
	case isA[*UnconfirmedError](err):
		return StateUnconfirmed
	}
	return StateUnreachable
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
