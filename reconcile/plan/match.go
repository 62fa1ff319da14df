package plan

import (
	"path"
	"slices"
	"strings"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// part is a part of a selector. Parts are asked in this order, and the first
// that does not hold is the reason.
type part uint8

const (
	partNone part = iota // all parts hold
	partAccounts
	partRegions
	partClusters
	partServices
	partFamilies
	partLaunchTypes
	partAvailabilityZones
	partHealthStatus
	partServiceTags
	partTaskTags
	partContainers
	partDockerLabels
	partEnvironment
)

// matcher is a selector, compiled once for all Builds. It is for one goroutine.
type matcher struct {
	selector                                 *spec.Selector
	clusters, services, families, containers globs
	// selected are the containers that are selected of a definition whose task
	// has no overrides: all its tasks have the same ones.
	selected map[*inventory.Definition][]*inventory.ContainerDefinition
}

func newMatcher(s *spec.Selector) *matcher {
	return &matcher{
		selector: s,
		clusters: newGlobs(s.Clusters), services: newGlobs(s.Services),
		families: newGlobs(s.Families), containers: newGlobs(s.Containers),
		selected: map[*inventory.Definition][]*inventory.ContainerDefinition{},
	}
}

// remembered bounds what is remembered from Build to Build of values that may
// never be met again.
const remembered = 10_000

// begin forgets definitions where they have become many.
func (m *matcher) begin() {
	if len(m.selected) > remembered {
		clear(m.selected)
	}
}

// kin is the first part that does not hold for a task, of those that are the
// same for all its kin.
func (m *matcher) kin(t *inventory.Task, in *inventory.Snapshot) part {
	s := m.selector
	switch {
	case !oneOf(s.Accounts, t.Scope.Account):
		return partAccounts
	case !oneOf(s.Regions, t.Scope.Region):
		return partRegions
	case !m.clusters.match(t.Scope.Cluster):
		return partClusters
	case !m.services.match(t.Service()):
		return partServices
	case !m.families.match(t.Family()):
		return partFamilies
	case !oneOf(s.LaunchTypes, t.LaunchType):
		return partLaunchTypes
	case !oneOf(s.AvailabilityZones, t.AvailabilityZone):
		return partAvailabilityZones
	case !oneOf(s.HealthStatus, healthOf(t)):
		return partHealthStatus
	case s.ServiceTags != nil && !s.ServiceTags.Matches(tagsOf(in.Service(t))):
		return partServiceTags
	}
	return partNone
}

// task is the first part that does not hold for one task among its kin.
func (m *matcher) task(t *inventory.Task) part {
	if s := m.selector.TaskTags; s != nil && !s.Matches(t.Tags) {
		return partTaskTags
	}
	return partNone
}

// container is the first part that does not hold for a container of a task.
func (m *matcher) container(t *inventory.Task, c *inventory.ContainerDefinition) part {
	s := m.selector
	switch {
	case !m.containers.match(c.Name):
		return partContainers
	case s.DockerLabels != nil && !s.DockerLabels.Matches(c.DockerLabels):
		return partDockerLabels
	case s.Environment != nil && !s.Environment.Matches(environment(t, c)):
		return partEnvironment
	}
	return partNone
}

// choose returns the containers of the definition that the selector chooses, in
// the definition's order. The result is not to be changed.
func (m *matcher) choose(t *inventory.Task, d *inventory.Definition) []*inventory.ContainerDefinition {
	shared := len(t.Environment) == 0
	if out, known := m.selected[d]; known && shared {
		return out
	}
	var out []*inventory.ContainerDefinition
	for i := range d.Containers {
		if c := &d.Containers[i]; m.container(t, c) == partNone {
			out = append(out, c)
		}
	}
	if shared {
		m.selected[d] = out
	}
	return out
}

func tagsOf(s *inventory.Service) map[string]string {
	if s == nil {
		return nil
	}
	return s.Tags
}

// environment is the container's, with the task's overrides over it.
func environment(t *inventory.Task, c *inventory.ContainerDefinition) map[string]string {
	overrides := t.Environment[c.Name]
	if len(overrides) == 0 {
		return c.Environment
	}
	env := make(map[string]string, len(c.Environment)+len(overrides))
	for k, v := range c.Environment {
		env[k] = v
	}
	for k, v := range overrides {
		env[k] = v
	}
	return env
}

// healthOf is UNKNOWN for a task without a health check, as ECS reports it.
func healthOf(t *inventory.Task) string {
	if t.HealthStatus == "" {
		return "UNKNOWN"
	}
	return t.HealthStatus
}

func oneOf(wanted []string, got string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, got)
}

// globs are patterns as in path.Match, those that are plain names apart.
type globs struct {
	plain    []string
	patterns []string
}

func newGlobs(patterns []string) globs {
	var g globs
	for _, p := range patterns {
		if strings.ContainsAny(p, `*?[\`) {
			g.patterns = append(g.patterns, p)
		} else {
			g.plain = append(g.plain, p)
		}
	}
	return g
}

// match says whether one of the patterns matches the whole name; none given
// match every name. They were judged when decoded, so a bad one merely matches
// nothing. An empty name (no service) is matched by no pattern: "*" asks for a
// service.
func (g globs) match(name string) bool {
	if len(g.plain)+len(g.patterns) == 0 {
		return true
	}
	if name == "" {
		return false
	}
	return slices.Contains(g.plain, name) || slices.ContainsFunc(g.patterns, func(p string) bool {
		ok, _ := path.Match(p, name)
		return ok
	})
}
