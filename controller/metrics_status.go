package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/reconcile/plan"
	"ecs-scrape/spec"
)

var (
	ofCluster = []string{"account", "region", "cluster"}
	ofRegion  = []string{"account", "region"}

	descTargets   = statusDesc("object_targets", "Targets of a ScrapeTarget.", "name")
	descWithheld  = statusDesc("object_targets_withheld", "Targets of a ScrapeTarget that are not published although Prometheus would take them; findings say why.", "name")
	descCondition = statusDesc("object_condition", "Condition of an object by type (Accepted, Ready, Stale): 1 True, 0 False, -1 Unknown. Of what this Prometheus does not select, Ready is left out, and all of what is another's.", "kind", "name", "type")
	descHeld      = statusDesc("targets_held", "Targets published only because their cluster could not be read yet.")
	descWaiting   = statusDesc("tasks_waiting", "Tasks that a listing omits and that nothing proves stopped.")
	descHealthy   = statusDesc("healthy", "Whether a set that passed validation is published, so that Prometheus can start.")
	descReady     = statusDesc("ready", "Whether what the specs ask for is published and confirmed by Prometheus.")
	descConfig    = statusDesc("config_info", "Digests of the desired, published and confirmed configuration.", "desired", "published", "confirmed")
	descRejected  = statusDesc("config_rejected", "Whether Prometheus refused the configuration that the specs ask for, so that an earlier one is served.")
	descHold      = statusDesc("config_held", "Whether a configuration that was gone back to is held, so that changes of configuration and rules wait.")
	descNotHeld   = statusDesc("config_hold_failed", "Whether a configuration was to be held and is not, as it is damaged, not kept any more, or the wish cannot be read: what the specs ask for is live instead.")
	descObjects   = statusDesc("objects", "Objects of the specs by kind, also of kinds that there are none of. Those of another Prometheus are left out; absent before the first pass.", "kind")
	descFindings  = statusDesc("object_findings", "Tasks in which an object misses something, by the code of the finding; 1 of a finding that is of no task. Absent where there is none.", "kind", "name", "code")
	descWarnings  = statusDesc("object_warnings", "Warnings about the version of an object in the source, which is served all the same.", "kind", "name")
	descStray     = statusDesc("specs_problems_without_object", "Those of the errors that belong to no object: of files that cannot be read or parsed, and of the specs as a whole.")
	descProblems  = statusDesc("specs_problems", "Errors in the documents of the source: of objects, and of files that hold none.")
	descOverdue   = statusDesc("scopes_overdue", "Clusters, and regions whose clusters cannot be listed, that have not been read for longer than --ecs.stale-after.")
	descRegion    = statusDesc("region_stale_seconds", "Seconds for which the clusters of a region could not be listed; 0 while they can.", ofRegion...)
	descUnread    = statusDesc("cluster_stale_seconds", "Seconds for which a cluster could not be read; 0 while it can. Its targets are served as last known.", ofCluster...)
	descScope     = statusDesc("cluster_synced", "Whether the last listing of a cluster was complete.", ofCluster...)
	descLacking   = statusDesc("cluster_facts_lacking", "Optional facts that specs ask for and that cannot be had in a cluster, such as tags whose call is denied.", ofCluster...)
)

func statusDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("ecs_scrape_"+name, help, labels, nil)
}

// statusCollector turns the newest status into gauges.
type statusCollector struct{ c *Controller }

// Describe implements prometheus.Collector.
func (s statusCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descTargets, descWithheld, descCondition, descHeld, descWaiting, descHealthy, descReady, descConfig, descRejected, descHold,
		descNotHeld, descObjects, descFindings, descWarnings, descStray, descProblems, descOverdue, descRegion, descUnread, descScope, descLacking,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s statusCollector) Collect(ch chan<- prometheus.Metric) {
	st := s.c.Status()
	g := gauges(ch)
	g.put(descHeld, float64(st.Targets.Held))
	g.put(descWaiting, float64(st.Targets.Waiting))
	g.put(descOverdue, float64(len(st.Overdue)))
	g.put(descProblems, float64(len(spec.Errors(st.Problems))))
	g.put(descHealthy, flag(st.Healthy))
	g.put(descReady, flag(st.Ready))
	g.put(descConfig, 1, st.Config.Desired, st.Config.Published, st.Config.Confirmed)
	g.put(descRejected, flag(st.Config.Rejected))
	g.put(descHold, flag(st.Hold != nil && st.Hold.Error == ""))
	g.put(descNotHeld, flag(st.Hold != nil && st.Hold.Error != ""))
	g.put(descStray, float64(strayProblems(st)))
	g.objects(st)
	g.findings(st.Findings)
	g.regions(st.Sources)
	for i := range st.Scopes {
		g.scope(&st.Scopes[i])
	}
}

// gauges are sent as they are put.
type gauges chan<- prometheus.Metric

func (g gauges) put(d *prometheus.Desc, v float64, labels ...string) {
	g <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// strayProblems counts the errors that no object's condition tells of.
func strayProblems(st *Status) (n int) {
	known := map[spec.ID]bool{}
	for i := range st.Objects {
		known[spec.ID{Kind: st.Objects[i].Kind, Name: st.Objects[i].Name}] = true
	}
	for _, p := range spec.Errors(st.Problems) {
		if !known[p.Object] {
			n++
		}
	}
	return n
}

// objects puts what there is of each object, and how many there are. A kind of
// which none is left is at zero: a series that ends alerts nobody.
func (g gauges) objects(st *Status) {
	if len(st.Objects) == 0 && st.State == StateStarting {
		return
	}
	count := map[string]int{spec.KindPrometheusConfig: 0, spec.KindPrometheusRule: 0, spec.KindScrapeTarget: 0}
	for i := range st.Objects {
		o := &st.Objects[i]
		g.object(o)
		if !o.Other {
			count[o.Kind]++
		}
	}
	for kind, n := range count {
		g.put(descObjects, float64(n), kind)
	}
}

// findings puts one gauge for each object and code.
func (g gauges) findings(all []plan.Finding) {
	type of struct {
		object spec.ID
		code   string
	}
	tasks := map[of]int{}
	for i := range all {
		tasks[of{all[i].Object, all[i].Code}] += max(1, all[i].Tasks)
	}
	for f, n := range tasks {
		g.put(descFindings, float64(n), f.object.Kind, f.object.Name, f.code)
	}
}

func (g gauges) object(o *ObjectStatus) {
	if !o.Other {
		g.put(descWarnings, float64(len(o.Warnings)), o.Kind, o.Name)
	}
	for _, c := range o.Conditions {
		if !o.Other && c.Reason != reconcile.ReasonNotSelected {
			g.put(descCondition, conditionValue(c.Status), o.Kind, o.Name, c.Type)
		}
	}
	if o.Kind == spec.KindScrapeTarget {
		g.put(descTargets, float64(o.Targets), o.Name)
		g.put(descWithheld, float64(o.Withheld), o.Name)
	}
}

func conditionValue(status string) float64 {
	switch status {
	case reconcile.True:
		return 1
	case reconcile.False:
		return 0
	}
	return -1
}

// regions puts one gauge for each account and region, however many entries name it.
func (g gauges) regions(sources []inventory.SourceStatus) {
	ages := map[inventory.Scope]float64{}
	for i := range sources {
		at := inventory.Scope{Account: sources[i].Account, Region: sources[i].Region}
		ages[at] = max(ages[at], age(sources[i].Since))
	}
	for at, age := range ages {
		g.put(descRegion, age, at.Account, at.Region)
	}
}

func (g gauges) scope(sc *inventory.ScopeStatus) {
	if sc.State == inventory.Gone {
		return
	}
	at := sc.Scope
	g.put(descScope, flag(sc.State == inventory.Synced), at.Account, at.Region, at.Cluster)
	g.put(descUnread, age(unreadSince(sc)), at.Account, at.Region, at.Cluster)
	g.put(descLacking, float64(len(sc.Lacking)), at.Account, at.Region, at.Cluster)
}

// age is in seconds; 0 of what is not so.
func age(since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(0, time.Since(since).Seconds())
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
