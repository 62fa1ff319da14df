package ecs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ecs-scrape/reconcile/inventory"
)

// source polls one entry of what is wanted. Its polls do not overlap.
type source struct {
	w    *Watcher
	want inventory.Source

	born time.Time     // before any listing
	wake chan struct{} // something may have become due

	// aws is set by the poll under way, until the account is known; see connected.
	aws *provider

	retryMu   sync.Mutex
	retries   map[string]*retrying // clusters whose last listing failed
	lacking   map[part]*retrying   // facts whose last calls failed
	refreshed map[string]time.Time // clusters
	counted   map[string]counting  // clusters whose services are counted

	follow *following

	mu      sync.Mutex
	dialled bool
	state   inventory.SourceStatus
	failed  int // discoveries in a row
	stats   PollStats
	began   time.Time // of the last full poll
	polling time.Time // began of the full poll under way; zero while there is none
	next    time.Time // full poll
	cause   Cause     // of the next full poll
	feeding feeding
}

func newSource(w *Watcher, src inventory.Source) *source {
	return &source{
		w: w, want: src, born: w.now(), wake: make(chan struct{}, 1), cause: CauseStart,
		retries: map[string]*retrying{}, lacking: map[part]*retrying{}, refreshed: map[string]time.Time{},
		counted: map[string]counting{},
		follow:  newFollowing(),
		state:   inventory.SourceStatus{Source: src, Region: src.Region, Account: accountOf(src.RoleARN), Reason: "not asked yet"},
		stats:   PollStats{Listings: map[Cause]uint64{}},
	}
}

// poll lists every cluster of the source: all of them if full, else those
// whose time to try again has come. The error joins what failed.
func (s *source) poll(ctx context.Context, full bool) error {
	began := s.w.now()
	s.begin(full, began)
	scopes, err := s.scopes(ctx, full)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if full {
		s.judge(err)
		s.w.update() // the account may have become known, clusters may have gone
		signal(s.follow.told)
	}
	if err != nil && scopes == nil {
		s.staleAll(err)
	}
	s.clusterTags(ctx, scopes)
	err = errors.Join(err, s.each(ctx, scopes, s.listWatched))
	due := s.healthy(scopes)
	if !full {
		due = append(due, s.restless()...)
	}
	err = errors.Join(err, s.each(ctx, due, s.refreshScope))
	s.forgetOthers()
	if !full && s.connected() {
		s.retryFacts(ctx)
	}
	s.countMissed()
	s.record(full, began, err)
	s.w.update()
	return err
}

// scopes are the clusters to list now. Nil with an error means that AWS did
// not answer at all.
func (s *source) scopes(ctx context.Context, full bool) ([]inventory.Scope, error) {
	if s.aws == nil || s.account() == "" {
		aws, err := s.w.dial(ctx, s.want)
		if err != nil {
			return nil, err
		}
		s.aws = aws
		s.setPlace(aws.account, aws.region)
		s.mu.Lock()
		s.dialled = true
		s.mu.Unlock()
		signal(s.follow.told)
	}
	if full {
		found, err := s.discover(ctx)
		return s.ready(found), err
	}
	return s.dueRetries(), nil
}

// each does something for several scopes at once; a failure concerns its scope
// alone.
func (s *source) each(ctx context.Context, scopes []inventory.Scope, do func(context.Context, inventory.Scope) error) error {
	errs := make([]error, len(scopes))
	var group errgroup.Group
	group.SetLimit(inFlight)
	for i, scope := range scopes {
		group.Go(func() error {
			if ctx.Err() == nil {
				errs[i] = do(ctx, scope)
				s.settleScope(ctx, scope, errs[i])
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return nil
	return errors.Join(errs...)
}

func (s *source) settleScope(ctx context.Context, scope inventory.Scope, err error) {
	if ctx.Err() != nil {
		return
	}
	s.retryMu.Lock()
	if err == nil {
		delete(s.retries, scope.Cluster)
	} else {
		s.retries[scope.Cluster] = s.retries[scope.Cluster].again(s.w.now(), s.w.backoff)
	}
	s.retryMu.Unlock()
	if err != nil {
		s.w.store.Fail(scope, reason(err), s.w.now())
	}
	s.w.notify()
}

// staleAll marks every cluster of the source stale: AWS did not answer.
func (s *source) staleAll(err error) {
	for _, st := range s.w.store.Statuses() {
		if s.owns(st.Scope) && st.State != inventory.Gone {
			s.w.store.Fail(st.Scope, reason(err), s.w.now())
		}
	}
}

// judge keeps the status of the source after a discovery.
func (s *source) judge(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.failed = 0
		s.state.Listed, s.state.Since, s.state.Reason = true, time.Time{}, ""
		return
	}
	s.failed++
	s.state.Reason = reason(err)
	if s.state.Since.IsZero() {
		s.state.Since = s.w.now()
	}
}

func (s *source) begin(full bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polling = (time.Time{}); full {
		s.polling = now
	}
}

func (s *source) record(full bool, began time.Time, err error) {
	if !full {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.w.now()
	s.stats.Polls++
	if err != nil {
		s.stats.Failed++
	} else {
		s.stats.Listings[s.cause]++
	}
	if !s.began.IsZero() {
		s.stats.Interval = began.Sub(s.began)
	}
	s.began, s.stats.Duration = began, now.Sub(began)
	s.schedule(began, now)
	s.polling = time.Time{}
	if earliest := now.Add(rest(s.stats.Duration)); s.next.Before(earliest) {
		s.next = earliest
	}
}

// rest is the pause after a poll that takes all of its interval: it leaves a tenth
// of its time, and of its share of the quota, to others.
func rest(poll time.Duration) time.Duration { return poll / 10 }

func (s *source) status() inventory.SourceStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *source) place() (account, region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Account, s.state.Region
}

// connected says that calls other than a poll's can be made.
func (s *source) connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialled && s.state.Account != ""
}

func (s *source) account() string { account, _ := s.place(); return account }

func (s *source) setPlace(account, region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if account != "" {
		s.state.Account = account
	}
	s.state.Region = region
}

// learnAccount takes the account from an ARN where STS did not tell it.
func (s *source) learnAccount(arn string) {
	_, region := s.place()
	if a := accountOf(arn); a != "" && s.account() == "" {
		s.setPlace(a, region)
	}
}

func (s *source) scope(cluster string) inventory.Scope {
	account, region := s.place()
	return inventory.Scope{Account: account, Region: region, Cluster: cluster}
}

// owns says that the scope is in the source's account and region and asked for,
// and is not left to another source.
func (s *source) owns(scope inventory.Scope) bool {
	return s.account() != "" && scope == s.scope(scope.Cluster) && s.want.Watches(scope.Cluster) && !s.yields(scope.Cluster)
}

// name tells the source apart in errors.
func (s *source) name() string {
	account, region := s.place()
	switch {
	case account != "" && region != "":
		return account + "/" + region
	case region != "":
		return region
	}
	return "the environment's region"
}

// polls are the statistics of all sources, in the order wanted.
func (w *Watcher) polls() []PollStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []PollStats
	for _, s := range w.ordered() {
		s.mu.Lock()
		st := s.stats
		st.Account, st.Region, st.RoleARN = s.state.Account, s.state.Region, s.want.RoleARN
		st.Aim, st.Listings = s.interval(w.now()), maps.Clone(s.stats.Listings)
		s.mu.Unlock()
		out = append(out, st)
	}
	return out
}

// noise is what changes in an error from one attempt to the next, and must not
// make equal reasons differ.
var noise = regexp.MustCompile(`, RequestID: [^,]*|exceeded maximum number of attempts, \d+, |https response error StatusCode: 0, (?:RequestID: [^,]*, )?|((?:read|dial) tcp )[0-9.:\[\]]+->`)

// reason is an error as a status shows it: on one line.
func reason(err error) string {
	text := noise.ReplaceAllString(fmt.Sprint(err), "$1")
	return strings.ReplaceAll(text, "\n", "; ")
}
