package reconcile

import (
	"time"

	"ecs-scrape/spec"
)

// Types of conditions.
const (
	// AcceptedType says that the version in the source is valid and in use.
	AcceptedType = "Accepted"
	// ReadyType says that what the object asks for is served.
	ReadyType = "Ready"
	// StaleType says that what is served is not what the source or ECS has now.
	StaleType = "Stale"
)

// Statuses of a condition.
const (
	True    = "True"
	False   = "False"
	Unknown = "Unknown"
)

// Reasons of conditions. docs/operations.md explains each.
const (
	ReasonValid      = "Valid"
	ReasonInvalid    = "Invalid"
	ReasonNeverValid = "NeverValid"
	ReasonClash      = "Clash"
	ReasonUnreadable = "Unreadable"
	ReasonNotJudged  = "NotJudged"
	ReasonForbidden  = "Forbidden"

	ReasonServed      = "Served"
	ReasonNotServed   = "NotServed"
	ReasonNotSelected = "NotSelected"
	ReasonNoTargets   = "NoTargets"
	ReasonNotRead     = "NotRead"
	ReasonUnconfirmed = "Unconfirmed"
	ReasonRefused     = "Refused"
	ReasonHeld        = "Held"
	ReasonPoolMissing = "PoolMissing"

	ReasonFresh        = "Fresh"
	ReasonOldVersion   = "OldVersion"
	ReasonStaleScopes  = "StaleScopes"
	ReasonSourceFailed = "SourceFailed"
)

// Reasons are all reasons that a condition of a type may have.
func Reasons() map[string][]string {
	return map[string][]string{
		AcceptedType: {ReasonValid, ReasonInvalid, ReasonNeverValid, ReasonClash, ReasonUnreadable, ReasonNotJudged, ReasonForbidden, ReasonNotSelected},
		ReadyType: {
			ReasonServed, ReasonNotServed, ReasonNotSelected, ReasonNoTargets, ReasonNotRead, ReasonUnconfirmed, ReasonRefused, ReasonPoolMissing,
			ReasonHeld,
		},
		StaleType: {ReasonFresh, ReasonOldVersion, ReasonStaleScopes, ReasonSourceFailed, ReasonNotServed},
	}
}

// Condition is one aspect of an object's state.
type Condition struct {
	Type   string `json:"type"`
	Status string `json:"status"` // True, False or Unknown
	Reason string `json:"reason"` // one of Reasons
	// Message says it in words; "" where the reason says all.
	Message string `json:"message,omitempty"`
	// Since is when type, status and reason came to be so, as far as this process
	// knows; of stale scopes, when the first of them failed. Zero is not known.
	Since time.Time `json:"since,omitzero"`
}

// Why nothing of an object is served.
const (
	NeverValid = "no version of it that was valid is known here, so it is left out"
	// Forbidden is said of an object whose last valid version is known.
	Forbidden = "the PrometheusConfig does not allow its last valid version either, which is kept until it does"
	// NotSelected is said of an object that is not this Prometheus's.
	NotSelected = "the PrometheusConfig in use does not select it, so it is not judged here"
)

// Unserved is why nothing of the object is served; "" where something is.
func (s *ObjectStatus) Unserved() string {
	switch {
	case s.Served != "":
		return ""
	case s.Other:
		return NotSelected
	case s.Kept != "":
		return Forbidden
	}
	return NeverValid
}

// Accepted is the condition of that type: whether the version in the source is in
// use, and why not.
func (s *ObjectStatus) Accepted() Condition {
	c := Condition{Type: AcceptedType, Status: False}
	fault, faulty := spec.FirstError(s.Problems)
	if faulty {
		c.Message = fault.Error()
	}
	switch {
	case s.Other && !faulty:
		c.Status, c.Reason, c.Message = Unknown, ReasonNotSelected, NotSelected
	case s.Valid():
		c.Status, c.Reason = True, ReasonValid
	case !faulty:
		c.Status, c.Reason, c.Message = Unknown, ReasonNotJudged, "cannot be judged yet (its last valid version stays)"
	case s.Served == "" && s.Kept != "":
		c.Reason, c.Message = ReasonForbidden, c.Message+" ("+Forbidden+")"
	case s.Served == "":
		c.Reason, c.Message = ReasonNeverValid, c.Message+" ("+NeverValid+")"
	case s.Observed == "":
		c.Reason, c.Message = ReasonUnreadable, c.Message+lastValid
	case s.Served == s.Observed && s.Clash:
		c.Reason = ReasonClash
	case s.Served == s.Observed:
		c.Reason = ReasonInvalid
	default:
		c.Reason, c.Message = ReasonInvalid, c.Message+lastValid
	}
	return c
}

const lastValid = " (its last valid version is served)"
