package plan

import (
	"net/url"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// request is one thing to scrape of a task, as an endpoint of a spec or a
// container's own words ask for it. Empty fields are the object's or the pool's.
type request struct {
	// container is the only one that may have the port; nil is each selected one.
	container *inventory.ContainerDefinition
	// port is found by the port rules of the design.
	port spec.Port
	// literal is a port of the task's or its instance's address, taken as it is;
	// 0 is port.
	literal uint16
	// host replaces the address's host.
	host string

	path, scheme      string
	interval, timeout string
	params            map[string][]string
	job               string
	// bare asks for none of the default labels.
	bare bool
}

// metricsPath is the path to scrape.
func (q *request) metricsPath() string { return orDefault(q.path, "/metrics") }

// query are the parameters, in the order of their names.
func (q *request) query() string {
	if len(q.params) == 0 {
		return ""
	}
	return "?" + url.Values(q.params).Encode()
}

// asker knows what an object asks for in a task, and what is wrong with the
// words that say so.
type asker interface {
	ask(w *workload) ([]request, []fault)
}

// newAsker is for a ScrapeTarget that was decoded without a problem.
func newAsker(s *spec.ScrapeTargetSpec) asker {
	if preset, ok := presets[s.Convention]; ok {
		return preset
	}
	return explicit(s.Endpoints)
}

// explicit asks for the endpoints of a spec.
type explicit []spec.Endpoint

func (endpoints explicit) ask(w *workload) ([]request, []fault) {
	var out []request
	var faults []fault
	for i := range endpoints {
		e := &endpoints[i]
		q := request{
			port: e.Port, path: e.Path, scheme: e.Scheme, interval: e.Interval, timeout: e.Timeout, params: e.Params,
		}
		if e.PortFrom == nil && e.PathFrom == nil {
			out = append(out, q)
			continue
		}
		more, f := fromContainers(w, e, q)
		out, faults = append(out, more...), append(faults, f...)
	}
	return out, faults
}

// fromContainers asks each selected container for its port or path.
func fromContainers(w *workload, e *spec.Endpoint, q request) ([]request, []fault) {
	panic("not built yet")
}
