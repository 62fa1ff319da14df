package plan

import (
	"fmt"
	"net/url"
	"slices"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// request is one thing to scrape of a task, as an endpoint of a spec or a
// container's own words ask for it. Empty fields are the object's or the pool's.
type request struct {
	// endpoint is the index of the spec's endpoint, from 1; 0 is a convention's.
	endpoint int
	// containers are those that may have the port; none is each selected one.
	containers []*inventory.ContainerDefinition
	// port is found by the port rules of the design.
	port spec.Port
	// portWords name the port in messages; "" is to show it. A port that an
	// environment variable tells is never shown.
	portWords string
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
	// labels are those that the original of a convention gives.
	labels map[string]string
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

// words name the port in messages.
func (q *request) words() string {
	if q.portWords != "" {
		return q.portWords
	}
	return "TCP port " + q.port.String()
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
			endpoint: i + 1, port: e.Port, path: e.Path, scheme: e.Scheme, interval: e.Interval, timeout: e.Timeout, params: e.Params,
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
	asked, faults := []request{q}, []fault(nil)
	if e.PortFrom != nil {
		asked, faults = portsFrom(w, e, q)
	}
	if e.PathFrom == nil {
		return asked, faults
	}
	var out []request
	for i := range asked {
		owned, f := w.owned(asked[i])
		faults = append(faults, f...)
		for _, own := range owned {
			own, f := w.pathFrom(e.PathFrom, own)
			if f != nil {
				faults = append(faults, *f)
				continue
			}
			out = append(out, own)
		}
	}
	return out, faults
}

// portsFrom asks each selected container for its port. Those that tell none
// share the endpoint's own port, where it has one: the port rules then find
// which of them has it.
func portsFrom(w *workload, e *spec.Endpoint, q request) (out []request, faults []fault) {
	told, anyone := false, false // anyone that tells none and runs
	var silent []*inventory.ContainerDefinition
	for _, c := range w.selected {
		tells := w.from(c, e.PortFrom)
		told = told || !tells.empty()
		runs := w.running(c.Name) != nil
		anyone = anyone || runs && tells.empty()
		if tells.empty() {
			silent = append(silent, c) // also one that does not run: the port may be its own
			continue
		}
		if !runs {
			continue // nothing listens, so nothing is missing
		}
		port, f := tells.port(c)
		if f != nil {
			faults = append(faults, *f)
			continue
		}
		own := q.of(c)
		own.port, own.portWords = port, tells.portWords()
		out = append(out, own)
	}
	switch {
	case !anyone:
	case e.Port != spec.Port{}:
		q.containers = silent
		out = append(out, q)
	case !told:
		faults = append(faults, w.nobodyTells(w.from(silent[0], e.PortFrom)))
	}
	return mappedFirst(out), faults
}

// mappedFirst puts those requests first whose one container maps the port. Where
// containers share an address and several tell the same port, the first counts,
// and the port belongs to the container that maps it.
func mappedFirst(requests []request) []request {
	maps := func(q request) int {
		if len(q.containers) == 1 && exposes(q.containers[0], q.port) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(requests, func(a, b request) int { return maps(a) - maps(b) })
	return requests
}

func (w *workload) nobodyTells(s said) fault {
	return fault{CodeNoPortValue, w.onlySelected(), fmt.Sprintf(
		"no port is told: %s is not set in %s; set it, or give the endpoint a port to fall back on", s.place, w.names())}
}

// owned splits a request by the containers that have its port.
func (w *workload) owned(q request) ([]request, []fault) {
	endpoints, faults := w.resolve(&q)
	var out []request
	for _, e := range endpoints {
		out = append(out, q.of(e.container))
	}
	return out, faults
}

// pathFrom gives the request of one container the path that this container
// tells; where it tells none, the endpoint's stands.
func (w *workload) pathFrom(source *spec.ValueSource, q request) (request, *fault) {
	c := q.containers[0]
	tells := w.from(c, source)
	if tells.empty() {
		return q, nil
	}
	path, f := tells.path(c)
	q.path = path
	return q, f
}

// of is the request asked of one container alone.
func (q request) of(c *inventory.ContainerDefinition) request {
	q.containers = []*inventory.ContainerDefinition{c}
	return q
}
