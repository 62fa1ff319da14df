package awssim

import (
	"slices"
	"time"
)

// Match says which calls a fault meets. An empty field matches everything;
// Cluster, a name, matches only calls that name that cluster, and Key only calls
// for that object of S3.
type Match struct {
	Operation string
	Service   string
	Account   string
	Region    string
	Cluster   string
	Key       string
}

func (m Match) holds(c call) bool {
	return (m.Operation == "" || m.Operation == c.operation) &&
		(m.Service == "" || m.Service == c.service) &&
		(m.Account == "" || m.Account == c.scope.Account) &&
		(m.Region == "" || m.Region == c.scope.Region) &&
		(m.Cluster == "" || m.Cluster == c.cluster) &&
		(m.Key == "" || m.Key == c.key)
}

// fault is one armed fault. Exactly one of refuse, delay, hang and spoil has a
// meaning.
type fault struct {
	verb   string
	match  Match
	page   int     // 0: any page
	part   float64 // of the calls that match; 0: all
	left   int     // how many calls it still meets; -1: until released
	refuse *refusal
	delay  time.Duration
	hang   chan struct{}
	spoil  spoiling
}

// Throttle refuses the next n calls that match, as a spent quota would.
func (s *Sim) Throttle(m Match, n int) {
	s.gate.arm(&fault{verb: "Throttle", match: m, left: n, refuse: why(refusedThrottled)})
}

// Storm refuses each call that matches with the given probability, as the
// quotas do that others in the account spend, until the returned function is
// called.
func (s *Sim) Storm(m Match, probability float64) (release func()) {
	if probability <= 0 {
		return func() {}
	}
	return s.gate.arm(&fault{verb: "Storm", match: m, left: -1, part: probability, refuse: why(refusedThrottled)})
}

// ServerError answers the next n calls that match with a 5xx status. The SDK
// tries such a call up to three times.
func (s *Sim) ServerError(m Match, n int) {
	s.gate.arm(&fault{verb: "ServerError", match: m, left: n, refuse: why(refusedServerError)})
}

// FailPage answers the given page, counted from 1, of paged calls that match
// with a 5xx status, until the returned function is called.
func (s *Sim) FailPage(m Match, page int) (release func()) {
	return s.gate.arm(&fault{verb: "FailPage", match: m, page: page, left: -1, refuse: why(refusedServerError)})
}

// Deny refuses calls that match for want of permission, until the returned
// function is called.
func (s *Sim) Deny(m Match) (release func()) {
	return s.gate.arm(&fault{verb: "Deny", match: m, left: -1, refuse: why(refusedDenied)})
}

// Expire refuses calls that match because their credentials have expired,
// until the returned function is called. An access key that begins with
// EXPIRED is always refused so.
func (s *Sim) Expire(m Match) (release func()) {
	return s.gate.arm(&fault{verb: "Expire", match: m, left: -1, refuse: why(refusedExpired)})
}

// Delay holds calls that match back by d, until the returned function is
// called.
func (s *Sim) Delay(m Match, d time.Duration) (release func()) {
	return s.gate.arm(&fault{verb: "Delay", match: m, left: -1, delay: d})
}

// Hang holds calls that match until the returned function is called; they are
// then answered. Those still held when the simulator closes are cut off.
func (s *Sim) Hang(m Match) (release func()) {
	return s.gate.arm(&fault{verb: "Hang", match: m, left: -1, hang: make(chan struct{})})
}

// Disconnect closes the connection of the next n calls that match, after they
// have had their effect, without an answer.
func (s *Sim) Disconnect(m Match, n int) {
	s.gate.arm(&fault{verb: "Disconnect", match: m, left: n, spoil: disconnected})
}

// Truncate closes the connection of the next n calls that match in the middle of
// the answer.
func (s *Sim) Truncate(m Match, n int) {
	s.gate.arm(&fault{verb: "Truncate", match: m, left: n, spoil: truncated})
}

// Garble answers the next n calls that match with the page of something between,
// which is 200 and neither JSON nor XML of AWS. They have had their effect.
func (s *Sim) Garble(m Match, n int) {
	s.gate.arm(&fault{verb: "Garble", match: m, left: n, spoil: garbled})
}

// ClearFaults releases every fault of a call. Faults of listings and events
// stay.
func (s *Sim) ClearFaults() {
	s.gate.mu.Lock()
	armed := slices.Clone(s.gate.faults)
	s.gate.mu.Unlock()
	for _, f := range armed {
		s.gate.disarm(f)
	}
}

// Heal ends every fault: those of calls, as ClearFaults does, those of tasks and
// events that have not been met yet, in every place, and the skew of AWS's
// clock. Events that are held back are delivered. Quotas stay.
func (s *Sim) Heal() {
	s.ClearFaults()
	s.Skew(0)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.places {
		p.listing = newListingFaults()
		p.releaseHeld()
		p.eventing = eventFaults{}
	}
}

func why(r refusal) *refusal { return &r }
