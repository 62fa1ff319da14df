package ecs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go"

	"ecs-scrape/reconcile/inventory"
)

// clusterBatch is the most clusters of one DescribeClusters call (Amazon ECS
// API, DescribeClusters).
const clusterBatch = 100

// plainNames are the clusters that the source asks for by name, and whether it
// has anything else to ask for.
func plainNames(src inventory.Source) (plain []string, globs bool) {
	for _, pattern := range src.Clusters {
		if strings.ContainsAny(pattern, `*?[\`) {
			globs = true
		} else {
			plain = append(plain, pattern)
		}
	}
	return plain, globs || len(src.Clusters) == 0
}

// discover finds the source's clusters and tells the store which exist and
// which are gone. With an error, the scopes returned are those still known to
// exist: what a refused call would have told is not known.
func (s *source) discover(ctx context.Context) ([]inventory.Scope, error) {
	plain, globs := plainNames(s.want)
	found := map[string]bool{}
	var listErr error
	if globs {
		arns, err := s.listClusters(ctx)
		if err != nil && !answered(err) {
			return nil, err
		}
		listErr = err
		for _, arn := range arns {
			s.learnAccount(arn)
			if name := nameOf(arn); s.want.Watches(name) {
				found[name] = true
			}
		}
	}
	ask := s.doubtful(plain, found)
	missing, err := s.describeClusters(ctx, ask, found)
	s.settle(ctx, found, missing)
	err = errors.Join(listErr, err)
	if s.account() == "" && err == nil && len(found)+len(missing)+len(ask) > 0 {
		err = errors.New("the account is not known: neither STS nor a cluster's ARN told it")
	}
	return s.present(found), err
}

// doubtful are the clusters to ask for by name: the plain ones, and those that
// a listing of all should have named and did not, or that failed last time.
func (s *source) doubtful(plain []string, found map[string]bool) []string {
	ask := map[string]bool{}
	for _, name := range plain {
		ask[name] = true
	}
	for _, h := range s.w.held() {
		if s.owns(h.Scope) {
			ask[h.Scope.Cluster] = true
		}
	}
	for _, st := range s.w.store.Statuses() {
		if s.owns(st.Scope) && st.State != inventory.Gone {
			ask[st.Scope.Cluster] = true
		}
	}
	maps.DeleteFunc(ask, func(name string, _ bool) bool { return found[name] && !s.failing(name) || s.yields(name) })
	return slices.Sorted(maps.Keys(ask))
}

func (s *source) listClusters(ctx context.Context) ([]string, error) {
	var arns []string
	pages := ecs.NewListClustersPaginator(s.aws.ecs, &ecs.ListClustersInput{MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list clusters: %w", err)
		}
		arns = append(arns, page.ClusterArns...)
	}
	return arns, nil
}

// describeClusters asks for clusters by name: it adds those that exist to
// found, takes away those that do not, and returns these with the reason. What
// it was not told about is in neither.
func (s *source) describeClusters(ctx context.Context, ask []string, found map[string]bool) (map[string]string, error) {
	missing := map[string]string{}
	var errs []error
	for _, name := range ask {
		if !clusterName.MatchString(name) { // ECS would refuse it, and all others with it
			err := fmt.Errorf("describe cluster %q: want 1 to 255 letters, digits, hyphens and underscores", name)
			s.failAll(ctx, []string{name}, err)
			errs = append(errs, err)
		}
	}
	ask = slices.DeleteFunc(ask, func(name string) bool { return !clusterName.MatchString(name) })
	for batch := range slices.Chunk(ask, clusterBatch) {
		out, err := s.aws.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: batch})
		if err != nil {
			err = fmt.Errorf("describe clusters: %w", err)
			s.failAll(ctx, batch, err)
			errs = append(errs, err)
			continue
		}
		errs = append(errs, s.judgeClusters(ctx, batch, out, found, missing))
	}
	return missing, errors.Join(errs...)
}

func (s *source) judgeClusters(ctx context.Context, batch []string, out *ecs.DescribeClustersOutput,
	found map[string]bool, missing map[string]string,
) error {
	unknown := map[string]string{}
	for _, name := range batch {
		unknown[name] = "DescribeClusters did not mention it"
	}
	for _, c := range out.Clusters {
		s.learnAccount(aws.ToString(c.ClusterArn))
		name := aws.ToString(c.ClusterName)
		delete(unknown, name)
		if aws.ToString(c.Status) == "INACTIVE" {
			missing[name] = "the cluster is INACTIVE"
		} else {
			found[name] = true
		}
	}
	for _, f := range out.Failures {
		name := nameOf(aws.ToString(f.Arn))
		s.learnAccount(aws.ToString(f.Arn))
		if aws.ToString(f.Reason) == "MISSING" {
			delete(unknown, name)
			missing[name] = "the cluster is MISSING"
		} else if _, asked := unknown[name]; asked {
			unknown[name] = aws.ToString(f.Reason)
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		err := fmt.Errorf("describe cluster %s: %s", name, unknown[name])
		s.failAll(ctx, []string{name}, err)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// settle tells the store what exists and what does not.
func (s *source) settle(ctx context.Context, found map[string]bool, missing map[string]string) {
	if s.account() == "" || ctx.Err() != nil {
		return
	}
	now := s.w.now()
	for name, reason := range missing {
		delete(found, name)
		s.forgetRetry(name)
		s.w.store.Gone(s.scope(name), reason, now)
	}
	for name := range found {
		s.w.store.Found(s.scope(name), now)
	}
}

// present are the scopes to list, sorted. Others are listed by other sources.
func (s *source) present(found map[string]bool) []inventory.Scope {
	if s.account() == "" {
		return nil
	}
	var out []inventory.Scope
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if !s.yields(name) {
			out = append(out, s.scope(name))
		}
	}
	return out
}

func (s *source) failAll(ctx context.Context, clusters []string, err error) {
	if s.account() == "" || ctx.Err() != nil {
		return
	}
	for _, name := range clusters {
		s.w.store.Fail(s.scope(name), reason(err), s.w.now())
	}
}

// answered says that AWS itself refused: asking for something else may work.
// An AWS that is not reached, or wants fewer calls, is left alone.
func answered(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && !isThrottle(err) && api.ErrorFault() != smithy.FaultServer
}
