package plan

import (
	"path"
	"slices"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// matchesTask says whether the parts of the selector that concern the task as
// a whole hold.
func matchesTask(s *spec.Selector, t *inventory.Task) bool {
	return oneOf(s.Accounts, t.Scope.Account) &&
		oneOf(s.Regions, t.Scope.Region) &&
		oneOf(s.AvailabilityZones, t.AvailabilityZone) &&
		oneOf(s.LaunchTypes, t.LaunchType) &&
		oneOf(s.HealthStatus, healthOf(t)) &&
		anyGlob(s.Clusters, t.Scope.Cluster) &&
		anyGlob(s.Services, t.Service()) &&
		anyGlob(s.Families, t.Family())
}

// selectContainers returns the containers of the definition that the selector
// chooses, in the definition's order.
func selectContainers(s *spec.Selector, t *inventory.Task, d *inventory.Definition) []*inventory.ContainerDefinition {
	var out []*inventory.ContainerDefinition
	for i := range d.Containers {
		c := &d.Containers[i]
		if anyGlob(s.Containers, c.Name) && matchesLabels(s.DockerLabels, c.DockerLabels) &&
			(s.Environment == nil || s.Environment.Matches(environment(t, c))) {
			out = append(out, c)
		}
	}
	return out
}

func matchesLabels(s *spec.LabelSelector, values map[string]string) bool {
	return s == nil || s.Matches(values)
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

// anyGlob says whether one of the patterns matches the whole name. They were
// judged when decoded, so a bad one merely matches nothing. An empty name
// (no service) is matched by no pattern: "*" asks for a service.
func anyGlob(patterns []string, name string) bool {
	if len(patterns) == 0 {
		return true
	}
	if name == "" {
		return false
	}
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, name)
		return ok
	})
}
