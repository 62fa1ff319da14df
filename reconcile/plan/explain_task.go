package plan

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strings"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// TaskExplanation tells of a task, or of one container or address of it, which
// objects took it, and why not the others.
type TaskExplanation struct {
	Task       string `json:"task"` // its ARN
	Container  string `json:"container,omitempty"`
	Address    string `json:"address,omitempty"`
	Service    string `json:"service,omitempty"`
	Definition string `json:"definition"`
	Status     string `json:"status"`
	// Verdicts are those of all ScrapeTargets, by name.
	Verdicts []Verdict `json:"verdicts"`
}

// Verdict is what one ScrapeTarget makes of a task.
type Verdict struct {
	Object  spec.ID             `json:"object"`
	Targets []TargetExplanation `json:"targets,omitempty"`
	// Code and Message are the first reason why there are none.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// inquiry is what a query about something that runs names.
type inquiry struct {
	task      *inventory.Task
	container string
	address   string // host:port
	named     bool   // by the task's or the container's own name
}

// shortest is how many characters of a task's id are enough to name it.
const shortest = 6

// find gives what the query names: a task by ARN or id, a container of it by
// name or runtime id, or whatever has an address. Tasks come in the snapshot's order.
func find(s *inventory.Snapshot, query string) []inquiry {
	var out []inquiry
	host, address := addressIn(query)
	for _, t := range s.Tasks {
		switch container, ok := named(t, query); {
		case ok:
			out = append(out, inquiry{task: t, container: container, named: true})
		case host.IsValid() && has(s, t, host):
			out = append(out, inquiry{task: t, address: address})
		}
	}
	return out
}

// published gives the tasks whose targets have the address in the end, which rules
// and conventions may have given them, but those that were found already.
func published(in Input, query string, found []inquiry) []inquiry {
	known := map[*inventory.Task]bool{}
	for _, i := range found {
		known[i.task] = true
	}
	var out []inquiry
	seen := map[inquiry]bool{}
	traced(in, func(s step) {
		if s.target == nil || s.task == nil || known[s.task] || !isAt(s.address, query) {
			return
		}
		if i := (inquiry{task: s.task, address: s.address}); !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	})
	slices.SortFunc(out, func(a, b inquiry) int {
		return cmp.Or(strings.Compare(a.task.ARN, b.task.ARN), strings.Compare(a.address, b.address))
	})
	return out
}

// isAt says whether the query is the address, or its host.
func isAt(address, query string) bool {
	if strings.EqualFold(address, query) {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	return err == nil && strings.EqualFold(host, strings.Trim(query, "[]"))
}

// addressIn reads an IP address, and host:port where there is a port.
func addressIn(query string) (host netip.Addr, address string) {
	if host, err := netip.ParseAddr(strings.Trim(query, "[]")); err == nil {
		return host, ""
	}
	name, _, err := net.SplitHostPort(query)
	if err != nil {
		return netip.Addr{}, ""
	}
	host, err = netip.ParseAddr(name)
	if err != nil {
		return netip.Addr{}, ""
	}
	return host, query
}

// named says whether the query names the task, and which container of it.
func named(t *inventory.Task, query string) (container string, ok bool) {
	if query == t.ARN || len(query) >= shortest && strings.HasPrefix(t.ID(), query) {
		return "", true
	}
	for _, c := range t.Containers {
		if query == c.RuntimeID && query != "" || query == t.ARN+"/"+c.Name {
			return c.Name, true
		}
		if id, ok := strings.CutSuffix(query, "/"+c.Name); ok && len(id) >= shortest && strings.HasPrefix(t.ID(), id) {
			return c.Name, true
		}
	}
	return "", false
}

// has says whether the task, one of its containers or its instance has the address.
func has(s *inventory.Snapshot, t *inventory.Task, host netip.Addr) bool {
	if i := t.Interface; i != nil && (i.IPv4 == host || i.IPv6 == host) {
		return true
	}
	if i := s.Instances[t.Instance]; i != nil && (i.IPv4 == host || i.IPv6 == host) {
		return true
	}
	return slices.ContainsFunc(t.Containers, func(c inventory.Container) bool { return slices.Contains(c.Addresses, host) })
}

// explainTasks gives every object's verdict about each inquiry, in one Build.
func explainTasks(in Input, inquiries []inquiry) []TaskExplanation {
	if len(inquiries) == 0 {
		return nil
	}
	steps := map[share][]step{}
	wanted := map[string]bool{}
	for _, s := range inquiries {
		wanted[s.task.ID()] = true
	}
	traced(in, func(s step) {
		if s.task != nil && wanted[s.task.ID()] {
			key := share{s.object.Name, s.task.ID()}
			steps[key] = append(steps[key], s)
		}
	})
	var out []TaskExplanation
	for _, s := range inquiries {
		t := TaskExplanation{
			Task: s.task.ARN, Container: s.container, Address: s.address, Service: s.task.Service(),
			Definition: s.task.Definition, Status: s.task.LastStatus,
		}
		for _, o := range in.Choice.Targets {
			t.Verdicts = append(t.Verdicts, s.verdict(in.Snapshot, o, steps[share{o.Name, s.task.ID()}]))
		}
		out = append(out, t)
	}
	return nearest(out, inquiries)
}

// nearest are, of all tasks of an instance, those that are scraped at the address
// that is asked about, else those that have bound its port, else all. All that
// are not asked about by a port are near.
func nearest(all []TaskExplanation, inquiries []inquiry) []TaskExplanation {
	var scraped, bound []TaskExplanation
	for i, t := range all {
		if t.Address == "" || taken(t) {
			scraped = append(scraped, t)
		}
		if inquiries[i].binds() {
			bound = append(bound, t)
		}
	}
	switch {
	case len(scraped) > 0:
		return scraped
	case len(bound) > 0:
		return bound
	}
	return all
}

// binds says whether a container of the task has bound the host port that is
// asked about.
func (s inquiry) binds() bool {
	a, err := netip.ParseAddrPort(s.address)
	return err == nil && slices.ContainsFunc(s.task.Containers, func(c inventory.Container) bool { return containerPort(&c, a.Port()) != 0 })
}

func taken(t TaskExplanation) bool {
	return slices.ContainsFunc(t.Verdicts, func(v Verdict) bool { return len(v.Targets) > 0 })
}

// verdict is the object's, from the steps of the task.
func (s inquiry) verdict(snapshot *inventory.Snapshot, o *spec.Object, steps []step) Verdict {
	out := Verdict{Object: o.ID}
	var elsewhere []string
	containers := containersAt(steps)
	for i := range steps {
		t := steps[i].target
		switch {
		case t == nil:
		case s.address != "" && t.Address() != s.address, s.container != "" && orDefault(steps[i].container, containers[t.Address()]) != s.container:
			elsewhere = append(elsewhere, t.Address())
		default:
			out.Targets = append(out.Targets, TargetExplanation{Address: t.Address(), Task: t.Origin.Task, Labels: t.Labels})
		}
	}
	if len(out.Targets) == 0 {
		out.Code, out.Message = s.first(snapshot, steps, elsewhere)
	}
	return out
}

// containersAt are the containers that addresses belong to.
func containersAt(steps []step) map[string]string {
	out := map[string]string{}
	for _, s := range steps {
		if s.stage == stageEndpoints && s.taken() {
			out[s.address] = s.container
		}
	}
	return out
}

// first is the first reason of those at the last stage that was reached: what
// other containers failed at before says nothing.
func (s inquiry) first(snapshot *inventory.Snapshot, steps []step, elsewhere []string) (code, message string) {
	last := s.furthest(steps, len(elsewhere) > 0)
	switch {
	case last != nil:
		why := last.why(snapshot)
		if why.found != "" {
			return why.code, why.wanted + "; found " + why.found
		}
		return why.code, why.wanted
	case len(elsewhere) > 0:
		slices.Sort(elsewhere) // several paths are at one address
		return CodeOtherAddress, "the object scrapes this task at " + strings.Join(slices.Compact(elsewhere), ", ") + " only"
	case !s.task.Running():
		f := notRunning(s.task)
		return f.code, f.message
	}
	return CodeNotAsked, "the container says nothing that asks to be scraped"
}

// furthest is the first of the steps at the last stage at which something was
// left out. Of a task that is scraped elsewhere only what is at the very address
// counts.
func (s inquiry) furthest(steps []step, elsewhere bool) *step {
	var last *step
	for i := range steps {
		st := &steps[i]
		switch {
		case st.taken():
		case s.container != "" && st.container != "" && st.container != s.container:
		case s.address != "" && elsewhere && st.address != s.address:
		case last == nil || st.depth() > last.depth():
			last = st
		}
	}
	return last
}

// depth orders steps by how far they came. A container that asks for nothing
// tells less than one that asks in vain.
func (s *step) depth() int {
	depth := 2 * int(s.stage)
	if s.fault != nil && s.fault.code == CodeNotAsked {
		return depth - 1
	}
	return depth
}
