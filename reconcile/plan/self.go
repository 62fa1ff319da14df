package plan

import (
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
)

// Self is where the two programs of an installation serve their own metrics.
// Addresses are no configuration: they are targets, so that they may differ
// where the specs are the same.
type Self struct {
	Prometheus SelfTarget
	Controller SelfTarget
}

// SelfTarget is one of them. The zero value is one that is not known, and not
// scraped.
type SelfTarget struct {
	Scheme  string // http or https
	Address string // host:port
	Path    string // of its metrics
}

// The job labels of the two, which are also the directories of their files.
const (
	selfPrometheus = "prometheus"
	selfController = "controller"
	controllerJob  = "ecs-scrape"
)

// selfPools are the pools of the two programs, where selfScrape does not say
// otherwise.
func (c *Choice) selfPools() []Pool {
	if s := c.Config.PrometheusConfig.SelfScrape; s != nil && !*s {
		return nil
	}
	return []Pool{selfPool(selfController), selfPool(selfPrometheus)}
}

func selfPool(of string) Pool {
	return Pool{Name: ReservedJobPrefix + "self/" + of, Path: artifact.SelfDir + of + "/targets.json", self: true}
}

// self adds the targets of the two programs, but withholds those that the user
// scrapes himself.
func (r *run) self() {
	r.addSelf(selfPool(selfController), controllerJob, r.in.Self.Controller)
	r.addSelf(selfPool(selfPrometheus), selfPrometheus, r.in.Self.Prometheus)
}

func (r *run) addSelf(p Pool, job string, t SelfTarget) {
	pool := r.pools[p.Path]
	if pool == nil || t.Address == "" {
		return
	}
	l := labels.FromStrings(
		model.AddressLabel, t.Address,
		model.InstanceLabel, t.Address,
		model.JobLabel, job,
		model.MetricsPathLabel, t.Path,
		model.SchemeLabel, t.Scheme,
	)
	if owner := r.outside.owner(l); owner != "" {
		r.findings.add(r.in.Choice.Config.ID, nil, fault{code: CodeSameLabels, message: fmt.Sprintf(
			"the target %s of selfScrape is withheld: all its labels are those of a target of %s, and both would write into the same series: "+
				"give that one another label, remove it, or set spec.selfScrape to false", urlOf(l), owner)})
		return
	}
	r.outside.add(l, "spec.selfScrape")
	pool.final = []artifact.Target{{Labels: l}}
}
