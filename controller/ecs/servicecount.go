package ecs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-scrape/reconcile/inventory"
)

const (
	// shortAgain is how soon a service that has fewer tasks than it should is asked
	// for again: it may have been scaled in, or deleted.
	shortAgain = time.Minute
	// countAgain is the pause after a reading of all services that failed.
	countAgain = time.Minute
)

// counting is when the services of a cluster were read as a whole.
type counting struct {
	next time.Time
	ok   bool // the last time
}

// ServicesStats tells whether the services of a cluster could be read.
type ServicesStats struct {
	Scope inventory.Scope
	Read  bool
}

// countServices asks how many tasks the services of the source's clusters should
// have, where that was asked for: all of them at the pace of a resync, and in
// between those that lack some. It is a loop of its own, so that no listing waits
// for it.
func (s *source) countServices(ctx context.Context, _ *worker) {
	if !s.w.options.ServiceMetrics {
		return
	}
	ctx = withLeisure(ctx)
	for {
		if s.connected() {
			for _, scope := range s.known() {
				s.countScope(ctx, scope)
			}
		}
		if !sleep(ctx, min(tick, s.w.options.PollInterval)) {
			return
		}
	}
}

// countScope asks for what is due of one cluster. Failures are in the metrics.
func (s *source) countScope(ctx context.Context, scope inventory.Scope) {
	if !s.countDue(scope) {
		_ = s.desired(ctx, scope, s.w.store.Short(scope, s.w.now(), shortAgain))
		return
	}
	asked := s.w.now()
	names, err := s.listServices(ctx, scope)
	if err == nil {
		err = s.desired(ctx, scope, names)
	}
	if ctx.Err() != nil {
		return
	}
	next := counting{next: asked.Add(earlier(s.w.options.ResyncInterval)), ok: true}
	if err != nil {
		next = counting{next: asked.Add(countAgain)}
	} else {
		s.w.store.PutDesired(scope, nil, true, asked)
	}
	s.retryMu.Lock()
	s.counted[scope.Cluster] = next
	s.retryMu.Unlock()
}

func (s *source) countDue(scope inventory.Scope) bool {
	s.retryMu.Lock()
	defer s.retryMu.Unlock()
	return !s.w.now().Before(s.counted[scope.Cluster].next)
}

func (s *source) listServices(ctx context.Context, scope inventory.Scope) ([]string, error) {
	var names []string
	pages := ecs.NewListServicesPaginator(s.aws.ecs, &ecs.ListServicesInput{Cluster: aws.String(scope.Cluster), MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list services in %s: %w", scope.Cluster, err)
		}
		for _, arn := range page.ServiceArns {
			names = append(names, nameOf(arn))
		}
	}
	return names, nil
}

// desired asks for services by name. What is said of each counts, though others
// fail.
func (s *source) desired(ctx context.Context, scope inventory.Scope, names []string) error {
	slices.Sort(names)
	return inBatches(ctx, names, inventory.ServiceBatch, func(ctx context.Context, batch []string) error {
		asked := s.w.now()
		out, err := s.aws.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(scope.Cluster), Services: batch})
		if err != nil {
			return fmt.Errorf("describe services: %w", err)
		}
		_, missing, err := sortServices(batch, out)
		s.w.store.PutDesired(scope, desiredOf(out.Services, missing), false, asked)
		return err
	})
}

// desiredOf are the counts of an answer. A service that is no more should have no
// task; one that drains is on its way there.
func desiredOf(services []types.Service, missing []string) []inventory.DesiredTasks {
	var out []inventory.DesiredTasks
	for i := range services {
		one := inventory.DesiredTasks{Service: aws.ToString(services[i].ServiceName), Desired: int(services[i].DesiredCount)}
		if aws.ToString(services[i].Status) != "ACTIVE" {
			one.Desired = 0
		}
		if one.Service != "" {
			out = append(out, one)
		}
	}
	for _, name := range missing {
		out = append(out, inventory.DesiredTasks{Service: name})
	}
	return out
}

// servicesRead are the clusters whose services are counted.
func (w *Watcher) servicesRead() []ServicesStats {
	if !w.options.ServiceMetrics {
		return nil
	}
	w.mu.Lock()
	sources := w.ordered()
	w.mu.Unlock()
	var out []ServicesStats
	for _, s := range sources {
		for _, scope := range s.known() {
			s.retryMu.Lock()
			out = append(out, ServicesStats{scope, s.counted[scope.Cluster].ok})
			s.retryMu.Unlock()
		}
	}
	return out
}
