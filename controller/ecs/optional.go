package ecs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/reconcile/inventory"
)

// part is an optional fact of a cluster.
type part struct {
	cluster string
	fact    inventory.Fact
}

// optional asks for the facts that calls of their own tell, where anybody asks
// for them, all at once: of one whose API hangs the others know nothing, and
// the listings of other clusters go before them. Where one cannot be had the
// store is told why.
func (s *source) optional(ctx context.Context, scope inventory.Scope) {
	s.askParts(ctx, scope, s.mayAsk)
}

func (s *source) askParts(ctx context.Context, scope inventory.Scope, which func(part) bool) {
	ctx = withLeisure(ctx)
	var group sync.WaitGroup
	for fact, ask := range map[inventory.Fact]func(context.Context, inventory.Scope) error{
		inventory.FactServices:   s.services,
		inventory.FactInterfaces: s.interfaces,
		inventory.FactInstances:  s.wholeInstances,
	} {
		if p := (part{scope.Cluster, fact}); which(p) {
			group.Go(func() { s.settlePart(ctx, p, ask(ctx, scope)) })
		}
	}
	group.Wait()
}

// retryFacts asks again for the facts whose last calls failed and whose time has
// come: beside events the next listing is far.
func (s *source) retryFacts(ctx context.Context) {
	var scopes []inventory.Scope
	for _, scope := range s.known() {
		if s.lacksDue(scope) {
			scopes = append(scopes, scope)
		}
	}
	s.clusterTags(ctx, scopes)
	for _, scope := range scopes {
		if p := (part{scope.Cluster, inventory.FactClusterTags}); s.retryDue(p) { // nobody wants them any more
			s.settlePart(ctx, p, nil)
		}
	}
	var group errgroup.Group
	group.SetLimit(inFlight)
	for _, scope := range scopes {
		group.Go(func() error {
			s.askParts(ctx, scope, s.retryDue)
			return nil
		})
	}
	_ = group.Wait() // its functions return nil
}

// settlePart keeps why a fact could not be asked for, and when to try again.
func (s *source) settlePart(ctx context.Context, p part, err error) {
	if ctx.Err() != nil {
		return
	}
	why := ""
	s.retryMu.Lock()
	if err == nil {
		delete(s.lacking, p)
	} else {
		why = reason(err)
		s.lacking[p] = s.lacking[p].again(s.w.now(), s.w.backoff)
	}
	s.retryMu.Unlock()
	s.w.store.SetLacking(s.scope(p.cluster), p.fact, why)
	s.w.notify()
}

// services asks for the services that the scope's tasks belong to.
func (s *source) services(ctx context.Context, scope inventory.Scope) error {
	return s.describeServices(ctx, scope, s.w.store.WantedServices(scope, s.w.now(), s.untilListing()))
}

func (s *source) describeServices(ctx context.Context, scope inventory.Scope, names []string) error {
	return inBatches(ctx, names, inventory.ServiceBatch, func(ctx context.Context, batch []string) error {
		asked := s.w.now()
		out, err := s.aws.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{
			Cluster: aws.String(scope.Cluster), Services: batch, Include: []types.ServiceField{types.ServiceFieldTags},
		})
		if err != nil {
			return fmt.Errorf("describe services: %w", err)
		}
		found, missing, err := sortServices(batch, out)
		s.w.store.PutServices(scope, found, missing, asked)
		s.w.store.PutDesired(scope, desiredOf(out.Services, missing), false, asked)
		return err
	})
}

// sortServices tells the services of an answer from those that ECS calls
// MISSING. Anything else that it says of one, or no word, is an error.
func sortServices(batch []string, out *ecs.DescribeServicesOutput) (found []*inventory.Service, missing []string, err error) {
	silent := map[string]string{}
	for _, name := range batch {
		silent[name] = "no answer"
	}
	for i := range out.Services {
		if service := decodeService(&out.Services[i]); service.Name != "" {
			found = append(found, service)
			delete(silent, service.Name)
		}
	}
	for _, f := range out.Failures {
		name := nameOf(aws.ToString(f.Arn))
		if _, asked := silent[name]; !asked {
			continue
		}
		if silent[name] = aws.ToString(f.Reason); silent[name] == "MISSING" {
			missing = append(missing, name)
			delete(silent, name)
		}
	}
	var errs []error
	for _, name := range batch {
		if why, ok := silent[name]; ok {
			errs = append(errs, fmt.Errorf("describe service %s: %s", name, why))
		}
	}
	return found, missing, errors.Join(errs...)
}

// clusterTags asks for the clusters of these scopes whose turn it is.
func (s *source) clusterTags(ctx context.Context, scopes []inventory.Scope) {
	ctx = withLeisure(ctx)
	var names []string
	for _, scope := range scopes {
		if s.mayAsk(part{scope.Cluster, inventory.FactClusterTags}) && s.w.store.WantedCluster(scope, s.w.now(), s.untilListing()) {
			names = append(names, scope.Cluster)
		}
	}
	for batch := range slices.Chunk(names, clusterBatch) {
		found, err := s.describeTags(ctx, batch)
		for _, name := range batch {
			why := err
			if cluster := found[name]; cluster != nil {
				s.w.store.PutCluster(s.scope(name), cluster, s.w.now())
			} else if err == nil {
				why = fmt.Errorf("describe clusters: no answer about %s", name)
			}
			s.settlePart(ctx, part{name, inventory.FactClusterTags}, why)
		}
	}
}

func (s *source) describeTags(ctx context.Context, clusters []string) (map[string]*inventory.Cluster, error) {
	out, err := s.aws.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{
		Clusters: clusters, Include: []types.ClusterField{types.ClusterFieldTags},
	})
	if err != nil {
		return nil, fmt.Errorf("describe clusters: %w", err)
	}
	found := map[string]*inventory.Cluster{}
	for _, c := range out.Clusters {
		found[aws.ToString(c.ClusterName)] = &inventory.Cluster{ARN: aws.ToString(c.ClusterArn), Tags: decodeTags(c.Tags)}
	}
	return found, nil
}

// interfaces asks for the network interfaces of the scope's awsvpc tasks, by
// filter: an unknown id among NetworkInterfaceIds would fail the call, here it
// is only absent.
func (s *source) interfaces(ctx context.Context, scope inventory.Scope) error {
	return s.describeInterfaces(ctx, scope, s.w.store.WantedInterfaces(scope, s.w.now(), s.untilListing()))
}

func (s *source) describeInterfaces(ctx context.Context, scope inventory.Scope, ids []string) error {
	return inBatches(ctx, ids, inventory.InterfaceBatch, func(ctx context.Context, batch []string) error {
		asked, found := s.w.now(), map[string]inventory.Interface{}
		pages := ec2.NewDescribeNetworkInterfacesPaginator(s.aws.ec2, &ec2.DescribeNetworkInterfacesInput{
			Filters:    []ec2types.Filter{{Name: aws.String("network-interface-id"), Values: batch}},
			MaxResults: aws.Int32(1000),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("describe network interfaces: %w", err)
			}
			for i := range page.NetworkInterfaces {
				found[aws.ToString(page.NetworkInterfaces[i].NetworkInterfaceId)] = decodeNetworkInterface(&page.NetworkInterfaces[i])
			}
		}
		s.w.store.PutInterfaces(scope, batch, found, asked)
		return nil
	})
}

// wholeInstances asks for the machines beneath all of the scope's tasks, for
// their tags and public addresses.
func (s *source) wholeInstances(ctx context.Context, scope inventory.Scope) error {
	unknown, known := s.w.store.WholeInstances(scope, s.w.now(), s.untilListing())
	found, err := s.containerInstances(ctx, scope, unknown)
	if err != nil {
		return err
	}
	return s.addMachines(ctx, append(found, known...))
}

// inBatches does something for each batch of names, several at once. The first
// error ends it.
func inBatches(ctx context.Context, names []string, size int, do func(context.Context, []string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for batch := range slices.Chunk(names, size) {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return do(ctx, batch) })
	}
	return group.Wait()
}
