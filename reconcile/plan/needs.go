package plan

import (
	"slices"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// needs are the facts that an object needs of the inventory to be planned.
func needs(o *spec.Object) inventory.Facts {
	s := o.ScrapeTarget
	f := selectorNeeds(&s.Selector)
	if p := presets[s.Convention]; p != nil {
		f.Environment = append(f.Environment, p.environment...)
	}
	for i := range s.Endpoints {
		for _, from := range []*spec.ValueSource{s.Endpoints[i].PortFrom, s.Endpoints[i].PathFrom} {
			if from != nil && from.Environment != "" {
				f.Environment = append(f.Environment, from.Environment)
			}
		}
	}
	return joined(f, labelNeeds(s))
}

func selectorNeeds(s *spec.Selector) inventory.Facts {
	return inventory.Facts{
		Environment: s.Environment.Keys(), TaskTags: s.TaskTags != nil, Services: s.ServiceTags != nil,
		Health: len(s.HealthStatus) > 0,
	}
}

// labelNeeds are the facts that the object's labels are made of.
func labelNeeds(s *spec.ScrapeTargetSpec) inventory.Facts {
	var f inventory.Facts
	for _, from := range s.LabelsFrom {
		f.TaskTags = f.TaskTags || from.TaskTag != ""
		f.Services = f.Services || from.ServiceTag != ""
		if from.Environment != "" {
			f.Environment = append(f.Environment, from.Environment)
		}
	}
	return joined(f, readsOf(s).facts())
}

// joined is what either asks for.
func joined(a, b inventory.Facts) inventory.Facts {
	names := slices.Concat(a.Environment, b.Environment)
	slices.Sort(names)
	return inventory.Facts{
		Environment: slices.Compact(names),
		TaskTags:    a.TaskTags || b.TaskTags,
		Services:    a.Services || b.Services,
		ClusterTags: a.ClusterTags || b.ClusterTags,
		Instances:   a.Instances || b.Instances,
		Interfaces:  a.Interfaces || b.Interfaces,
		Health:      a.Health || b.Health,
	}
}
