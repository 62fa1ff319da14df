package awssim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// The shop's clusters.
const (
	ShopProduction = "shop-prod"
	ShopStaging    = "shop-staging"
)

// ShopState is a shop that Shop has built, and what Live has done to it.
type ShopState struct {
	place *Place

	mu       sync.Mutex
	random   *rand.Rand
	services []shopService
	versions map[string]int // by cluster/name
	drained  string         // the instance that is being replaced, if any
}

// shopService is a service of the shop with all that a deploy needs.
type shopService struct {
	cluster    string
	service    Service
	definition TaskDefinition
	fixed      bool // never scaled: a daemon, or bound to a host port
}

// Shop fills a simulator's default place with a small shop: two clusters and
// some twenty services of all launch types and network modes. Some name their
// metrics port "metrics", some carry PROMETHEUS=true in their environment, some
// the docker labels of exporters, some serve no metrics at all, and on every
// EC2 instance a node-exporter and a cadvisor run.
func Shop(sim *Sim) (*ShopState, error) {
	s := &ShopState{
		place: sim.Place, random: rand.New(rand.NewPCG(sim.opts.Seed, 2)),
		services: slices.Concat(shopProduction(), shopStaging()), versions: map[string]int{},
	}
	for _, cluster := range []string{ShopProduction, ShopStaging} {
		s.place.CreateCluster(cluster, map[string]string{"env": shopEnvironment(cluster)})
	}
	if err := s.addMachines(); err != nil {
		return nil, err
	}
	for _, sv := range s.services {
		if err := s.create(sv); err != nil {
			return nil, fmt.Errorf("create %s in %s: %w", sv.service.Name, sv.cluster, err)
		}
	}
	return s, nil
}

// Services lists the shop's services as "cluster/service", in order of
// creation.
func (s *ShopState) Services() []string {
	out := make([]string, 0, len(s.services))
	for _, sv := range s.services {
		out = append(out, sv.key())
	}
	return out
}

func (s *ShopState) addMachines() error {
	machines := []struct {
		cluster string
		count   int
		launch  string
	}{{ShopProduction, 4, LaunchEC2}, {ShopProduction, 2, LaunchExternal}, {ShopStaging, 2, LaunchEC2}}
	for _, m := range machines {
		for n := range m.count {
			if _, err := s.place.AddInstance(m.cluster, shopMachine(m.cluster, m.launch, n)); err != nil {
				return fmt.Errorf("add a machine to %s: %w", m.cluster, err)
			}
		}
	}
	return nil
}

func shopMachine(cluster, launch string, n int) Instance {
	return Instance{
		Launch: launch, Type: "m7g.xlarge", Public: n == 0 && launch == LaunchEC2,
		Tags: map[string]string{"Name": fmt.Sprintf("%s-%d", cluster, n+1), "env": shopEnvironment(cluster)},
	}
}

func shopEnvironment(cluster string) string {
	if cluster == ShopProduction {
		return "prod"
	}
	return "staging"
}

func (s *ShopState) create(sv shopService) error {
	s.versions[sv.key()] = 1
	if _, err := s.place.RegisterTaskDefinition(sv.at(1)); err != nil {
		return err
	}
	return s.place.CreateService(sv.cluster, sv.service)
}

func (sv shopService) key() string { return sv.cluster + "/" + sv.service.Name }

// at is the task definition at a version, which its images carry.
func (sv shopService) at(version int) TaskDefinition {
	d := sv.definition
	d.Containers = slices.Clone(d.Containers)
	for i := range d.Containers {
		c := &d.Containers[i]
		c.Image = fmt.Sprintf("registry.example/%s:1.%d.0", c.Name, version)
	}
	return d
}
