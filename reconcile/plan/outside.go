package plan

import (
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
)

// outside are the targets of this Prometheus that no ScrapeTarget asks for: what
// each is of, by its public labels. None of those that ECS tells may have them.
type outside struct {
	owners    map[string]string
	instances map[string]bool // looked at first, because most targets are like none of these
}

func (o *outside) add(l labels.Labels, owner string) {
	o.instances[l.Get(model.InstanceLabel)] = true
	if key := public(l); o.owners[key] == "" {
		o.owners[key] = owner
	}
}

// owner is what the target with the same public labels is of, or "".
func (o *outside) owner(l labels.Labels) string {
	if !o.instances[l.Get(model.InstanceLabel)] {
		return ""
	}
	return o.owners[public(l)]
}

// lookOutside finds what no ScrapeTarget asks for: the user's own stay before all
// others, and the two programs' before what ECS tells.
func (r *run) lookOutside() {
	r.outside = &outside{owners: map[string]string{}, instances: map[string]bool{}}
	for _, job := range r.in.Config.ScrapeConfigs {
		if !strings.HasPrefix(job.JobName, ReservedJobPrefix) {
			r.outside.static(job)
		}
	}
	r.self()
}

// outsiders withholds the targets that have all their labels in common with one
// that no ScrapeTarget asks for.
func (r *run) outsiders(g *throng, all []placed) {
	for i := range all {
		p := &all[i]
		owner := r.crowds.foreign[p.member]
		if owner == "" || p.out {
			continue
		}
		r.leave(p, "", CodeSameLabels, "all its labels are those of a target of %s", owner)
		r.clashes.tell(g, p.member, clashOutside, owner)
	}
}

// static adds the targets that a job of the user's names itself, as Prometheus
// labels them. What its own discovery finds is known to nobody here.
func (o *outside) static(job *config.ScrapeConfig) {
	lb := labels.NewBuilder(labels.EmptyLabels())
	owner := fmt.Sprintf("job %q of spec.config.scrape_configs", job.JobName)
	for _, c := range job.ServiceDiscoveryConfigs {
		groups, ok := c.(discovery.StaticConfig)
		if !ok {
			continue
		}
		for _, group := range groups {
			for _, target := range group.Targets {
				if l, err := scrape.PopulateLabels(lb, job, target, group.Labels); err == nil && !l.IsEmpty() {
					o.add(l, owner)
				}
			}
		}
	}
}
