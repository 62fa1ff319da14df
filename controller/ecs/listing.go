package ecs

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/reconcile/inventory"
)

// list makes one complete listing of a scope, or fails: every page, every
// describe it needs, and every definition and instance that these refer to. The
// optional facts come after that, as far as they can be had.
func (s *source) list(ctx context.Context, scope inventory.Scope) error {
	listing, err := s.crawl(ctx, scope)
	if err != nil {
		return err
	}
	if err := s.resolve(ctx, scope); err != nil {
		return err
	}
	if err := s.w.store.Complete(listing, s.w.now()); err != nil {
		return fmt.Errorf("list tasks in %s: %w", scope.Cluster, err)
	}
	s.w.notify()
	s.optional(ctx, scope)
	return nil
}

// crawler reads a listing and, while further pages are still to come, asks for
// what the pages there are need, so that no token lies idle.
type crawler struct {
	*source
	scope   inventory.Scope
	group   *errgroup.Group
	slots   chan struct{}   // taken by describes
	asked   map[string]bool // tasks that are, or will be, described
	pending []string        // of them, those that do not fill a batch yet

	mu          sync.Mutex
	definitions []string // to ask for
	workers     int      // that ask for definitions
}

// crawl returns a listing whose every needed describe has been answered and
// merged, or the first error. The definitions of these tasks have been asked for
// too.
func (s *source) crawl(ctx context.Context, scope inventory.Scope) (inventory.Listing, error) {
	group, ctx := errgroup.WithContext(ctx)
	c := &crawler{source: s, scope: scope, group: group, slots: make(chan struct{}, inFlight), asked: map[string]bool{}}
	var listing inventory.Listing
	group.Go(func() (err error) {
		listing, err = c.pages(ctx)
		if err == nil {
			c.rest(ctx, listing)
		}
		return err
	})
	err := group.Wait()
	return listing, err
}

func (c *crawler) pages(ctx context.Context) (inventory.Listing, error) {
	held := c.w.heldIn(c.scope)
	out := inventory.Listing{Scope: c.scope, Began: c.w.now(), Held: held.Tasks, HeldSince: held.Since}
	pages := ecs.NewListTasksPaginator(c.aws.ecs, &ecs.ListTasksInput{
		Cluster: aws.String(c.scope.Cluster), MaxResults: aws.Int32(100),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return inventory.Listing{}, fmt.Errorf("list tasks in %s: %w", c.scope.Cluster, err)
		}
		out.Tasks = append(out.Tasks, page.TaskArns...)
		c.page(ctx, page.TaskArns)
	}
	return out, nil
}

// page has tasks described as soon as they fill a batch: fewer would cost more
// calls than waiting for the next page.
func (c *crawler) page(ctx context.Context, arns []string) {
	for _, arn := range c.w.store.NeededOf(c.scope, arns) {
		c.add(arn)
	}
	for len(c.pending) >= inventory.DescribeBatch {
		c.describe(ctx, c.pending[:inventory.DescribeBatch:inventory.DescribeBatch])
		c.pending = c.pending[inventory.DescribeBatch:]
	}
}

// rest has everything described that no page alone could tell of, such as the
// tasks that the listing omits.
func (c *crawler) rest(ctx context.Context, listing inventory.Listing) {
	for _, arn := range c.w.store.Needed(listing) {
		c.add(arn)
	}
	c.fillUp()
	for batch := range slices.Chunk(c.pending, inventory.DescribeBatch) {
		c.describe(ctx, batch)
	}
}

func (c *crawler) add(arn string) {
	if !c.asked[arn] {
		c.asked[arn] = true
		c.pending = append(c.pending, arn)
	}
}

// fillUp adds tasks whose turn is near to the last, partly empty, batch: they
// cost no call there.
func (c *crawler) fillUp() {
	if len(c.pending)%inventory.DescribeBatch == 0 {
		return
	}
	for _, arn := range c.due(c.scope) {
		if len(c.pending)%inventory.DescribeBatch == 0 {
			return
		}
		c.add(arn)
	}
}

// describe has a batch described, and the definitions asked for that it refers
// to. It waits while too many others are under way.
func (c *crawler) describe(ctx context.Context, batch []string) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return // of an error that the group has
	}
	c.group.Go(func() error {
		defer func() { <-c.slots }()
		tasks, err := c.describeBatch(ctx, c.scope, batch)
		if err == nil {
			c.want(ctx, c.w.store.DefinitionsOf(tasks, c.w.now()))
		}
		return err
	})
}

// want has definitions asked for. It never waits: their bucket is another one
// than that of the listing.
func (c *crawler) want(ctx context.Context, arns []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.definitions = append(c.definitions, arns...)
	for c.workers < min(inFlight, len(c.definitions)) {
		c.workers++
		c.group.Go(func() error { return c.askForDefinitions(ctx) })
	}
}

// askForDefinitions asks until there are no more, or one fails.
func (c *crawler) askForDefinitions(ctx context.Context) error {
	for {
		arn, ok := c.nextDefinition()
		if !ok {
			return nil
		}
		if err := c.definition(ctx, arn); err != nil {
			return err
		}
	}
}

func (c *crawler) nextDefinition() (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.definitions) == 0 {
		c.workers--
		return "", false
	}
	arn := c.definitions[0]
	c.definitions = c.definitions[1:]
	return arn, true
}
