package awssim

import "time"

// skewAllowed is how far the time of a signature may be from that of the service
// (AWS Identity and Access Management User Guide, "Troubleshoot Signature
// Version 4"; S3 allows fifteen minutes, the simulator does not).
const skewAllowed = 5 * time.Minute

// signedAt is the layout of X-Amz-Date.
const signedAt = "20060102T150405Z"

// Skew puts AWS's clock ahead of the client's by d, or behind it where d is
// negative. By it are dated what happens from now on, the events that tell of
// it, and every answer; and a call signed over five minutes away from it is
// refused, until the client has corrected itself by an answer's Date. Quotas, the
// visibility of messages and the hour for which a stopped task is described, which
// only measure time, go on undisturbed.
func (s *Sim) Skew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
	if d != 0 {
		s.faultCounts.armed("Skew")
	}
}

// date is the time by AWS's clock, which answers tell.
func (s *Sim) date() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.skew != 0 {
		s.faultCounts.met("Skew")
	}
	return s.opts.Now().Add(s.skew)
}

// skewed says that a call was signed at another time than the service's. One
// that does not tell its time passes. Where a test's clock leaps, clients sign by
// their own, or, corrected by an answer, by that one as it was then: whatever is
// between the two is right.
func (s *Sim) skewed(date string) bool {
	signed, err := time.Parse(signedAt, date)
	if err != nil {
		return false
	}
	ours := s.date()
	theirs := time.Now().Add(ours.Sub(s.opts.Now()))
	first, last := ours, theirs
	if last.Before(first) {
		first, last = last, first
	}
	return signed.Before(first.Add(-skewAllowed)) || signed.After(last.Add(skewAllowed))
}
