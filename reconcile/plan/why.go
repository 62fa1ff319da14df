package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// reason is why something was left out: what was wanted, and what was found.
// found is empty where wanted says it all.
type reason struct {
	code, wanted, found string
}

// why is the reason of a step that was not taken.
func (s *step) why(snapshot *inventory.Snapshot) reason {
	if s.fault != nil {
		return reason{code: s.fault.code, wanted: s.fault.message, found: s.found}
	}
	return s.matcher.why(s.part, s.task, s.definition(snapshot), snapshot.Service(s.task))
}

func (s *step) definition(snapshot *inventory.Snapshot) *inventory.ContainerDefinition {
	if d := snapshot.Definitions[s.task.Definition]; d != nil {
		return d.Container(s.container)
	}
	return nil
}

// why puts a part of the selector that does not hold into words.
func (m *matcher) why(p part, t *inventory.Task, c *inventory.ContainerDefinition, service *inventory.Service) reason {
	s := m.selector
	switch p {
	case partAccounts:
		return listed("accounts", s.Accounts, t.Scope.Account)
	case partRegions:
		return listed("regions", s.Regions, t.Scope.Region)
	case partClusters:
		return listed("clusters", s.Clusters, t.Scope.Cluster)
	case partServices:
		return listed("services", s.Services, orDefault(t.Service(), "a task without a service"))
	case partFamilies:
		return listed("families", s.Families, t.Family())
	case partLaunchTypes:
		return listed("launchTypes", s.LaunchTypes, t.LaunchType)
	case partAvailabilityZones:
		return listed("availabilityZones", s.AvailabilityZones, t.AvailabilityZone)
	case partHealthStatus:
		return listed("healthStatus", s.HealthStatus, healthOf(t))
	case partServiceTags:
		return tagged("serviceTags", s.ServiceTags, tagsOf(service), true)
	case partTaskTags:
		return tagged("taskTags", s.TaskTags, t.Tags, true)
	case partContainers:
		return listed("containers", s.Containers, c.Name)
	case partDockerLabels:
		return tagged("dockerLabels", s.DockerLabels, c.DockerLabels, true)
	case partEnvironment:
		return tagged("environment", s.Environment, environment(t, c), false)
	}
	return reason{}
}

func listed(name string, wanted []string, found string) reason {
	return reason{code: name, wanted: fmt.Sprintf("selector.%s wants %s", name, strings.Join(wanted, " or ")), found: found}
}

// tagged finds the first requirement that does not hold. Values that may not
// be shown are only said to differ.
func tagged(name string, s *spec.LabelSelector, values map[string]string, shown bool) reason {
	for _, r := range requirements(s) {
		if r.Matches(values) {
			continue
		}
		value, ok := values[r.Key]
		found := r.Key + " is not set"
		switch {
		case ok && shown:
			found = fmt.Sprintf("%s is %q", r.Key, value)
		case ok:
			found = r.Key + " is set" + hiddenly(r.Operator)
		}
		return reason{code: name, wanted: fmt.Sprintf("selector.%s wants %s", name, wish(r)), found: found}
	}
	return reason{code: name}
}

// hiddenly is what may be told of a value that fails a requirement.
func hiddenly(operator string) string {
	switch operator {
	case spec.OperatorDoesNotExist:
		return ""
	case spec.OperatorNotIn:
		return " to one of these"
	}
	return ", differs"
}

// requirements are all of a selector's, those of matchLabels first.
func requirements(s *spec.LabelSelector) []spec.Requirement {
	var out []spec.Requirement
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		out = append(out, spec.Requirement{Key: key, Operator: spec.OperatorIn, Values: []string{s.MatchLabels[key]}})
	}
	return append(out, s.MatchExpressions...)
}

func wish(r spec.Requirement) string {
	switch {
	case r.Operator == spec.OperatorExists:
		return r.Key + " to be set"
	case r.Operator == spec.OperatorDoesNotExist:
		return r.Key + " not to be set"
	case r.Operator == spec.OperatorNotIn:
		return fmt.Sprintf("%s to be none of %q", r.Key, r.Values)
	case len(r.Values) == 1:
		return fmt.Sprintf("%s to be %q", r.Key, r.Values[0])
	}
	return fmt.Sprintf("%s to be one of %q", r.Key, r.Values)
}
