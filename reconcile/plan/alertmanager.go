package plan

import (
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// alertmanagerPools are the target files of the Alertmanagers that are found on
// ECS. Prometheus has no scrape pool for them.
func (c *Choice) alertmanagerPools() []Pool {
	var out []Pool
	all := c.Config.PrometheusConfig.Alertmanagers
	for i := range all {
		out = append(out, alertmanagerPool(all[i].Name))
	}
	return out
}

func alertmanagerPool(name string) Pool {
	return Pool{
		Name:         ReservedJobPrefix + "alertmanager/" + name,
		Path:         artifact.AlertmanagerDir + name + "/targets.json",
		Alertmanager: name,
	}
}

// alertmanagerOrigin stands for an object in the origins of its targets. No
// ScrapeTarget has such a name.
func alertmanagerOrigin(name string) string { return "alertmanager/" + name }

// alerting is the user's section with the Alertmanagers found on ECS after his
// own. What is no mapping is left for Prometheus to refuse.
func (c *Choice) alerting(user *yaml.Node) *yaml.Node {
	found := c.Config.PrometheusConfig.Alertmanagers
	absent := user == nil || user.Tag == "!!null"
	if len(found) == 0 || !absent && user.Kind != yaml.MappingNode {
		return user
	}
	all, out := sequence(), mapping()
	for k, v := range spec.Pairs(user) {
		if k.Value != "alertmanagers" {
			out.Content = append(out.Content, k, v)
			continue
		}
		all.Content = append(all.Content, v.Content...)
	}
	for i := range found {
		all.Content = append(all.Content, alertmanagerConfig(&found[i]))
	}
	out.Content = append(out.Content, pair("alertmanagers", all)...)
	return out
}

func alertmanagerConfig(a *spec.Alertmanager) *yaml.Node {
	out := mapping()
	for k, v := range spec.Pairs(a.Config.Node) {
		out.Content = append(out.Content, k, v)
	}
	out.Content = append(out.Content, pair("file_sd_configs", fileSD("../"+alertmanagerPool(a.Name).Path))...)
	return out
}

// lookout finds the Alertmanagers of one entry.
type lookout struct {
	*spec.Alertmanager
	matcher *matcher
}

// lookFor prepares the entries.
func (r *run) lookFor(all []spec.Alertmanager) {
	for i := range all {
		l := &lookout{Alertmanager: &all[i], matcher: newMatcher(&all[i].Selector)}
		origin := alertmanagerOrigin(l.Name)
		r.homes[origin], r.needs[origin] = alertmanagerPool(l.Name), selectorNeeds(&l.Selector)
		r.lookouts = append(r.lookouts, l)
	}
}

// alertmanagers says of which entries there is none.
func (r *run) alertmanagers() {
	for _, l := range r.lookouts {
		if r.score(alertmanagerOrigin(l.Name)).told == 0 && allSynced(r.in.Snapshot) {
			r.findAlertmanager(l, nil, fault{code: CodeNoAlertmanager, message: "its selector finds no running container, so no alert is sent there: correct the selector, or start them"})
		}
	}
}

// allSynced says that everything is known of every place that is watched.
func allSynced(s *inventory.Snapshot) bool {
	for _, st := range s.Scopes {
		if st.State != inventory.Synced && st.State != inventory.Gone {
			return false
		}
	}
	return len(s.Sources) > 0 && newScopes(s).all
}

// alertmanagerKin adds the targets in tasks that no selector can tell apart.
func (r *run) alertmanagerKin(l *lookout, records []*record) {
	first := records[0].task
	p := l.matcher.kin(first, r.in.Snapshot)
	if p != partNone && p != partServiceTags { // of tags it must first be known that there are none
		return
	}
	if f := r.unjudged(alertmanagerOrigin(l.Name), first.Scope); f != nil {
		for _, r.into = range records {
			r.tell(l)
			if f.code == CodeFactsMissing {
				r.findAlertmanager(l, r.into.task, *f)
			}
		}
		return
	}
	if p != partNone {
		return
	}
	for _, r.into = range records {
		if l.matcher.task(r.into.task) == partNone && r.alertmanagerTask(l, r.into.task) {
			r.tell(l)
		}
	}
}

// tell notes that there are Alertmanagers in a task, or that it is not known, or
// was said why not.
func (r *run) tell(l *lookout) {
	r.into.say(remark{origin: alertmanagerOrigin(l.Name), kind: toldRemark})
}

// findAlertmanager makes a finding of the PrometheusConfig, which names the
// Alertmanagers.
func (r *run) findAlertmanager(a *lookout, t *inventory.Task, f fault) {
	f.message = fmt.Sprintf("alertmanagers, %s: %s", a.Name, f.message)
	r.findFor(r.in.Choice.Config.ID, alertmanagerOrigin(a.Name), t, f)
}

// alertmanagerTask adds the one target of a task. It says whether there is one,
// or a finding in its place.
func (r *run) alertmanagerTask(a *lookout, t *inventory.Task) (told bool) {
	find := func(f fault) { r.findAlertmanager(a, t, f) }
	d := r.in.Snapshot.Definitions[t.Definition]
	if d == nil {
		find(fault{code: CodeNoDefinition, message: noDefinition(t)})
		return true
	}
	w := r.workload(t, d)
	w.selected = a.matcher.choose(t, d)
	if len(w.selected) == 0 {
		return false
	}
	endpoints, faults := w.resolve(&request{port: a.Port})
	for _, f := range faults {
		find(f)
	}
	if len(endpoints) == 0 {
		return len(faults) > 0
	}
	e := endpoints[0]
	if newer := r.claims.newer(r.into, w, e.address); newer != nil {
		find(retired(e, newer))
		return true
	}
	target := artifact.Target{
		Labels: labels.FromStrings(model.AddressLabel, e.String()),
		Origin: artifact.Origin{
			Object: alertmanagerOrigin(a.Name), Account: t.Scope.Account, Region: t.Scope.Region, Cluster: t.Scope.Cluster, Task: t.ID(),
		},
	}
	r.into.targets = append(r.into.targets, member{Target: target, pool: r.pools[alertmanagerPool(a.Name).Path]})
	return true
}
